import type * as z from 'zod';
import type { createVm } from '../../../shared/contract/shapes.ts';
import { DomainError, type Flaw, invalid } from '../../../shared/kernel/errors.ts';
import { hasPassthrough } from '../../../shared/model/vm.ts';

export type VmRequest = z.infer<typeof createVm>;

/** A name has 63 characters at most, and `-30` must fit behind it. */
const LONGEST_BATCH_NAME = 60;

/** Rules between the fields of a request, which its schema cannot say. @throws `invalid-request`, `feature-unavailable`. */
export function checkRequest(vm: VmRequest): void {
  const flaws: Flaw[] = [];
  const { vcpus, coresPerSocket, reservationMhz, limitMhz } = vm.cpu;
  if (coresPerSocket && vcpus % coresPerSocket !== 0) {
    flaws.push({
      location: 'body.cpu.coresPerSocket',
      message: `${coresPerSocket} does not divide ${vcpus} vCPUs (ELA-1)`,
      fix: 'choose a divisor',
    });
  }
  if (limitMhz && reservationMhz && limitMhz < reservationMhz) {
    flaws.push({
      location: 'body.cpu.limitMhz',
      message: 'is below the reservation',
      fix: 'raise it, or lower reservationMhz',
    });
  }
  const names = vm.disks.map((d) => d.name);
  const twice = names.find((n, i) => names.indexOf(n) !== i);
  if (twice)
    flaws.push({ location: 'body.disks', message: `two disks are named '${twice}'`, fix: 'give each its own name' });
  if (vm.disks.filter((d) => d.boot).length > 1)
    flaws.push({ location: 'body.disks', message: 'more than one boots', fix: 'mark one' });
  if ((vm.count ?? 1) > 1 && vm.nics.some((n) => n.ip)) {
    flaws.push({
      location: 'body.nics',
      message: 'an address can be wished for a single VM only',
      fix: 'leave ip out, or count',
    });
  }
  if ((vm.count ?? 1) > 1 && vm.name.length > LONGEST_BATCH_NAME) {
    flaws.push({
      location: 'body.name',
      message: `has more than ${LONGEST_BATCH_NAME} characters, and each VM gets a number behind it`,
      fix: 'shorten it',
    });
  }
  if (flaws.length > 0) throw invalid(flaws);
  checkFeatures(vm);
}

function checkFeatures(vm: VmRequest): void {
  const refuse = (property: string, detail: string, rule: string) => {
    throw new DomainError('feature-unavailable', detail, { figures: { property, rule } });
  };
  if (vm.cpu.mode === 'para' && vm.guest.os !== 'linux') {
    refuse('cpu.mode', `Para-virtualisation needs a kernel that can be modified; ${vm.guest.os} is closed.`, 'CPU-9');
  }
  if (hasPassthrough(vm)) {
    refuse('passthrough', 'No host here has a device function to give away: choose virtio or emulated.', 'IO-3');
  }
}
