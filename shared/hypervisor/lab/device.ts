import * as z from 'zod';
import type { IoMode } from '../io/path.ts';
import { type DeviceShare, deviceThroughput } from '../io/throughput.ts';
import { ETHERNET_MTU_BYTES, IO_REFERENCE_MHZ, SRIOV_LINE_MBPS } from '../parameters.ts';
import { figure, list, percent } from '../performance/words.ts';
import { IO_MODES } from './io.ts';
import { LAB_CAPACITY_MHZ, LAB_MBPS, LAB_REQUEST_BYTES, LAB_VMS } from './limits.ts';
import { vmId, vmsOf } from './spec.ts';
import { count } from './words.ts';

const mbps = z.number().max(LAB_MBPS);
const vm = z.strictObject({
  id: vmId.describe('of a VM, or of several that are alike'),
  count: z.int().min(1).max(LAB_VMS).default(1),
  mode: z.enum(IO_MODES),
  wantedMbps: mbps.optional().describe('of each; without a figure the whole line'),
  requestBytes: z.int().max(LAB_REQUEST_BYTES).default(ETHERNET_MTU_BYTES),
});

/** What VMs get from one network card (IO-1, IO-5). Figures that cannot be are refused by the rule of the VM's mode. */
export const deviceSpec = z.strictObject({
  experiment: z.literal('device'),
  lineMbps: mbps.default(SRIOV_LINE_MBPS).describe('what the card carries'),
  backendMhz: z
    .number()
    .max(LAB_CAPACITY_MHZ)
    .default(IO_REFERENCE_MHZ)
    .describe('CPU of the host for KVM, QEMU and the driver; without a figure one thread'),
  vms: vmsOf(vm, LAB_VMS).refine((vms) => vms.reduce((sum, v) => sum + v.count, 0) <= LAB_VMS, {
    message: `has more than ${LAB_VMS} VMs in all`,
  }),
});
type Question = z.infer<typeof deviceSpec>;
type Wanted = Question['vms'][number] & { wantedMbps: number };

/**
 * Divides a card among VMs, and shows beside it what the same VMs would get if all of them had one mode.
 * @throws Refused IO-1 to IO-3 for a line, a backend, a wish or a request that cannot be
 */
export function deviceLab(question: Question) {
  const { experiment, lineMbps, backendMhz } = question;
  const vms = question.vms.map((v) => ({ ...v, wantedMbps: v.wantedMbps ?? lineMbps }));
  const shares = run(question, vms);
  const total = totalOf(vms, shares);
  const comparison = IO_MODES.map((mode) => {
    const all = vms.map((v) => ({ ...v, mode }));
    return { mode, ...totalOf(all, run(question, all)) };
  });
  const answered = vms.map((v, i) => answerOf(v, shares[i] as DeviceShare));
  return {
    experiment,
    summary: [
      `${count(total.vms, 'VM')} on a card of ${figure(lineMbps)} Mbit/s get ${figure(total.mbps)} Mbit/s; of the ${figure(backendMhz)} MHz of the backend ${figure(total.backendMhz)} are at work.`,
      ...answered.map((v) => `${v.id} (${v.mode}): ${v.why}`),
      `All in one mode: ${list(comparison.map(sayTotal))} (IO-5).`,
    ],
    lineMbps,
    backendMhz,
    total,
    vms: answered,
    comparison,
  };
}

/** The share of one VM of each kind: those that are alike get the same. */
function run({ lineMbps, backendMhz }: Question, vms: readonly Wanted[]): DeviceShare[] {
  const each = vms.flatMap(({ count: n, ...v }) =>
    Array.from({ length: n }, (_, i) => ({ ...v, id: n > 1 ? `${v.id}/${i + 1}` : v.id })),
  );
  const shares = deviceThroughput({ lineMbps, backendMhz, vms: each });
  let at = 0;
  return vms.map((v) => {
    const share = shares[at] as DeviceShare;
    at += v.count;
    return share;
  });
}

function totalOf(vms: readonly Wanted[], shares: readonly DeviceShare[]) {
  const sum = (of: (share: DeviceShare) => number) =>
    shares.reduce((all, share, i) => all + (vms[i] as Wanted).count * of(share), 0);
  const [mbps, hostMhz] = [sum((s) => s.mbps), sum((s) => s.hostMhz)];
  return {
    vms: vms.reduce((all, v) => all + v.count, 0),
    mbps,
    hostMhz,
    // The interrupts of passthrough are not the backend's work.
    backendMhz: sum((s) => (s.mode === 'passthrough' ? 0 : s.hostMhz)),
    hostMhzPerMbps: mbps > 0 ? hostMhz / mbps : null,
  };
}

function answerOf({ id, count: alike, mode, wantedMbps, requestBytes }: Wanted, share: DeviceShare) {
  const { mbps, requestsPerSecond, hostMhz, boundBy } = share;
  const hostThreadShare = hostMhz / IO_REFERENCE_MHZ;
  const who = alike > 1 ? `each of the ${alike} gets` : 'it gets';
  const cpu = `The host spends ${figure(hostMhz)} MHz on it, ${percent(hostThreadShare)} of a thread.`;
  return {
    id,
    count: alike,
    mode,
    wantedMbps,
    requestBytes,
    boundBy,
    mbps,
    requestsPerSecond,
    hostMhz,
    hostThreadShare,
    why: `${who} ${figure(mbps)} Mbit/s, ${BOUND[boundBy](wantedMbps)} ${cpu}`,
  };
}

const BOUND: Record<DeviceShare['boundBy'], (wantedMbps: number) => string> = {
  demand: () => 'all that it wants.',
  line: (wanted) => `not the ${figure(wanted)} that it wants: the line is full.`,
  'backend CPU': (wanted) => `not the ${figure(wanted)} that it wants: the backend has no CPU left.`,
};

const sayTotal = ({ mode, mbps, hostMhzPerMbps }: ReturnType<typeof totalOf> & { mode: IoMode }): string =>
  `${mode} ${figure(mbps)} Mbit/s${hostMhzPerMbps === null ? '' : ` at ${figure(hostMhzPerMbps)} MHz of the host for each`}`;
