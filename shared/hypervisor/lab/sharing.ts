import * as z from 'zod';
import { PAGE_BYTES } from '../overcommit/content.ts';
import { SharedMemory } from '../overcommit/sharing.ts';
import { figure, list } from '../performance/words.ts';
import { LAB_PAGE_CHARACTERS, LAB_SHARING_PAGES, LAB_SHARING_STEPS, LAB_SHARING_VMS } from './limits.ts';
import { vmId, vmsOf } from './spec.ts';
import { within } from './within.ts';
import { count } from './words.ts';

const text = z.string().max(LAB_PAGE_CHARACTERS);
const vm = z.strictObject({
  id: vmId,
  tenantId: vmId.default('tenant'),
  pinned: z.boolean().default(false).describe('it has huge pages or a passthrough device, and is left alone (MEM-12)'),
  pages: z
    .array(text)
    .min(1)
    .max(LAB_SHARING_PAGES)
    .describe('what its guest writes into its pages, from page 0 on; the rest of a page is zeros'),
});
const step = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('scan') }),
  z.strictObject({
    do: z.literal('write'),
    vm: vmId,
    page: z
      .int()
      .min(0)
      .max(LAB_SHARING_PAGES - 1),
    text,
  }),
]);

/** Page sharing over real bytes (OVC-4). */
export const sharingSpec = z.strictObject({
  experiment: z.literal('sharing'),
  scope: z.enum(['tenant', 'host']).default('tenant').describe('who may share with whom'),
  vms: vmsOf(vm, LAB_SHARING_VMS),
  steps: z
    .array(step)
    .max(LAB_SHARING_STEPS)
    .default([{ do: 'scan' }])
    .describe('scan: let pages of the same content share a frame; write: replace the content of a page'),
});
type Question = z.infer<typeof sharingSpec>;
type Step = z.infer<typeof step>;
type Counted = ReturnType<typeof counted>;
/** What every guest reads from its pages. */
type Reads = Map<string, string[]>;

/**
 * Lets guests fill their pages, then scan and write in the order of the steps.
 * @throws RefusedAt MEM-9 for a text that is longer than a page, OVC-4 for a write of a VM that is not there
 */
export function sharingLab(question: Question) {
  const { experiment, scope, vms } = question;
  const memory = new SharedMemory(scope);
  for (const [i, { id, tenantId, pinned, pages }] of vms.entries()) {
    memory.add(id, tenantId, pinned);
    for (const [page, content] of pages.entries())
      within(`vms.${i}.pages.${page}`, () => memory.write(id, page, pageOf(content)));
  }
  const before = counted(memory);
  const readBefore = readAll(memory, question);
  let read = readBefore;
  const steps = question.steps.map((step, i) => {
    const was = counted(memory);
    const freedFrames = step.do === 'scan' ? memory.share() : 0;
    if (step.do === 'write') within(`steps.${i}`, () => memory.write(step.vm, step.page, pageOf(step.text)));
    const now = counted(memory);
    // A page that was there and needs one more frame had shared its old one.
    const copied = step.do === 'write' && now.frames > was.frames && now.references === was.references;
    const reads = readAll(memory, question);
    const changedFor = vms
      .filter(({ id }) => reads.get(id)?.some((content, page) => content !== read.get(id)?.[page]))
      .map((v) => v.id);
    read = reads;
    const done = { ...now, freedFrames, copied, changedFor };
    return { step: i + 1, ...step, ...done, what: sayStep(step, was, done) };
  });
  const after = counted(memory);
  const copiesOnWrite = steps.filter((s) => s.copied).length;
  return {
    experiment,
    summary: [
      `At first ${count(before.references, 'page')} of ${count(vms.length, 'VM')} stand in as many frames.`,
      ...steps.map((s) => s.what),
      `In the end ${count(after.references, 'page')} stand in ${count(after.frames, 'frame')}: ${count(after.savedPages, 'page')} saved, ${count(copiesOnWrite, 'copy', 'copies')} on write (OVC-4).`,
      scope === 'tenant'
        ? 'Only VMs of one tenant share.'
        : 'VMs of all tenants share: by the time that a write takes, one can find out what another has in memory.',
    ],
    scope,
    before,
    steps,
    ...after,
    savedBytes: after.savedPages * PAGE_BYTES,
    copiesOnWrite,
    vms: vms.map(({ id, tenantId, pinned }) => ({
      id,
      tenantId,
      pinned,
      pages: (read.get(id) as string[]).map((content, page) => ({
        page,
        before: readBefore.get(id)?.[page] as string,
        after: content,
      })),
    })),
  };
}

/** The bytes of a page that begins with this text; a text that is too long stays so, and is refused where it is written. */
function pageOf(content: string): Uint8Array {
  const bytes = Buffer.from(content);
  if (bytes.length >= PAGE_BYTES) return bytes;
  const page = new Uint8Array(PAGE_BYTES);
  page.set(bytes);
  return page;
}

/** A page as text, without the zeros at its end. */
const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1)).toString();

const counted = ({ frames, references }: SharedMemory) => ({ frames, references, savedPages: references - frames });

/** Reads every page that a guest fills or is going to write. */
function readAll(memory: SharedMemory, { vms, steps }: Question): Reads {
  return new Map(
    vms.map(({ id, pages }) => {
      const written = steps.map((s) => (s.do === 'write' && s.vm === id ? s.page + 1 : 0));
      const most = Math.max(pages.length, ...written);
      return [id, Array.from({ length: most }, (_, page) => textOf(memory.read(id, page)))];
    }),
  );
}

function sayStep(
  step: Step,
  was: Counted,
  { frames, freedFrames, copied, changedFor }: Counted & { freedFrames: number; copied: boolean; changedFor: string[] },
): string {
  if (step.do === 'scan')
    return freedFrames > 0
      ? `A scan frees ${count(freedFrames, 'frame')}: ${count(frames, 'frame')} in place of ${figure(was.frames)}, and no guest reads anything else than before.`
      : 'A scan finds nothing that may be shared.';
  const reads =
    changedFor.length > 0 ? `${list(changedFor)} alone reads the new content` : 'the content is the same as before';
  const where = `${step.vm} writes page ${step.page}`;
  if (copied) return `${where}: the frame is shared, so it is copied first, and ${reads}.`;
  return frames > was.frames ? `${where} for the first time: it gets a frame.` : `${where} in its own frame: ${reads}.`;
}
