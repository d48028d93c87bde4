import type { Access, GuestUpdate } from '../memory/scheme.ts';
import type { Step } from '../memory/trail.ts';
import { list } from '../performance/words.ts';
import type { AddressQuestion } from './address-spec.ts';
import { createWorld, type World } from './address-world.ts';
import { count, hex } from './words.ts';

/**
 * Lets an application use one address several times, under each scheme.
 * @throws RefusedAt MEM-3, MEM-11 for an address, page size, number of levels or memory that cannot be
 */
export function addressLab(question: AddressQuestion) {
  const { experiment, memoryMiB, pageSize, hostPageSize, levels, kind } = question;
  const world = createWorld(question);
  const schemes = world.schemes.map((scheme) => runScheme(question, world.address, scheme));
  const reached = schemes.map(({ accesses }) => accesses.map((a) => a.machineAddress).join());
  const sameMachineAddress = new Set(reached).size === 1;
  const places = world.places.map(hex);
  return {
    experiment,
    summary: [
      `The application uses ${hex(world.address)}; its guest keeps that at ${places.join(', and after the first access at ')} of what it believes to be memory.`,
      ...schemes.map(sayScheme),
      ...(schemes.length > 1
        ? [
            sameMachineAddress
              ? 'All schemes reached the same place of the machine: they differ in cost alone.'
              : 'The schemes reached different places of the machine.',
          ]
        : []),
    ],
    memoryMiB,
    pageSize,
    hostPageSize,
    levels,
    kind,
    address: hex(world.address),
    guestPhysicalAddresses: places,
    sameMachineAddress,
    schemes,
  };
}

function runScheme({ accesses, kind, remap }: AddressQuestion, address: number, of: World['schemes'][number]) {
  const made: ReturnType<typeof describe>[] = [];
  let update: GuestUpdate | undefined;
  for (let n = 1; n <= accesses; n++) {
    made.push(describe(n, of.scheme.access(address, kind)));
    if (n === 1 && remap) update = of.remap();
  }
  return {
    scheme: of.name,
    accesses: made,
    ...(update ? { remap: { afterAccess: 1, ...update, what: sayRemap(update) } } : {}),
  };
}

function describe(n: number, access: Access) {
  if (!access.ok) throw new Error(`the lab's own mapping faults in ${access.fault.table}`);
  const { tlb, references, tablesConsulted, violations, vmmSteps, trace } = access;
  const machineAddress = hex(access.hpa);
  const cost = [
    tlb === 'hit' ? 'TLB hit' : 'TLB miss',
    count(references, 'memory reference'),
    `${count(tablesConsulted, 'table')} consulted`,
    ...(violations > 0 ? [count(violations, 'EPT violation')] : []),
    ...(vmmSteps > 0 ? [count(vmmSteps, 'step')].map((steps) => `${steps} of the VMM`) : []),
  ];
  return {
    access: n,
    what: `Access ${n} reaches ${machineAddress}: ${list(cost)}.`,
    machineAddress,
    tlb,
    references,
    tablesConsulted,
    eptViolations: violations,
    vmmSteps,
    steps: trace.map((step) => ({
      ...step,
      from: hex(step.from),
      to: step.to === null ? null : hex(step.to),
      what: sayStep(step),
    })),
  };
}

const LOOKS_UP: Record<Step['table'], string> = {
  TLB: 'The TLB has the translation: no table is walked',
  'VA-MA': "The MMU walks the host OS's table of the process",
  'GVA-GPA': "The guest's table is looked up, which the guest OS keeps for the application",
  'GPA-HVA': "The VMM's table is looked up, which says where the VM's memory is in the VMM's process",
  'HVA-HPA': "The host OS's table is looked up, which says which frame of the machine that is",
  shadow: 'The MMU walks the shadow table, in which the VMM has merged all three',
  CR3: "The MMU reads an entry of the guest's own table, found by CR3",
  EPT: 'The MMU walks the EPT to find where that guest physical address is',
};

const sayStep = ({ table, from, to, references }: Step): string =>
  `${LOOKS_UP[table]}: ${hex(from)} ${to === null ? 'has no entry yet' : `-> ${hex(to)}`}${references > 0 ? `, ${count(references, 'reference')}` : ''}.`;

function sayRemap({ entryWrites, vmmSteps }: GuestUpdate): string {
  const vmm = vmmSteps > 0 ? `the VMM traps, ${count(vmmSteps, 'step')}` : 'the VMM has no work with it';
  return `The guest moves the page: ${count(entryWrites, 'write')} to its table, and ${vmm}.`;
}

function sayScheme({ scheme, accesses }: ReturnType<typeof runScheme>): string {
  const each = accesses.map((a) => {
    const vmm = a.vmmSteps > 0 ? ` and ${count(a.vmmSteps, 'VMM step')}` : '';
    return `${count(a.references, 'reference')}${vmm}${a.tlb === 'hit' ? ' (TLB hit)' : ''}`;
  });
  return `${scheme}: ${each.join(', then ')}.`;
}
