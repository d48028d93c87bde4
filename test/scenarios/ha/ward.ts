import { expect } from 'vitest';
import type { Incident } from '../../../shared/model/incident.ts';
import { isFinal } from '../../../shared/model/operation.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { type Placed, Stage } from '../../support/stage.ts';
import type { VmShape } from '../../support/tenant.ts';

/** A stage for stories of guests that fail. At every instant that a story looks at, no VM has two living copies. */
export class Ward {
  readonly stage: Stage;

  static async open(hosts: object = {}, cluster: object = {}): Promise<Ward> {
    return new Ward(await Stage.open(hosts, cluster));
  }

  private constructor(stage: Stage) {
    this.stage = stage;
  }

  get test() {
    return this.stage.test;
  }

  vm(faultProcess: string, shape: VmShape = {}): Promise<Placed> {
    return this.stage.vm({ ha: { enabled: true, faultProcess }, ...shape });
  }

  crash(vm: { id: string }) {
    return this.test.fault('guest-crash', vm.id);
  }

  hang(vm: { id: string }, seconds?: number) {
    return this.test.fault('guest-hang', vm.id, seconds ? { for: seconds } : {});
  }

  /** Lets time run until the condition holds, and looks for a second copy on the way. */
  until<T>(condition: () => Promise<T | undefined | false>, seconds = 300): Promise<T> {
    return this.test.until(async () => {
      await this.oneCopyEach();
      return condition();
    }, seconds);
  }

  /** Until nothing works on the VM and it is as wished. */
  async rests(vm: { id: string }, state: string, seconds = 300): Promise<void> {
    await this.until(async () => {
      const now = await this.stage.believed(vm.id);
      return now.state === state && now.claim === undefined;
    }, seconds);
  }

  /** Until it runs as a newer process than the one it was. */
  restarted(vm: { id: string; epoch: number }, seconds = 300): Promise<Placed> {
    return this.until(async () => {
      const now = await this.stage.believed(vm.id);
      const anew = now.state === 'running' && now.claim === undefined && now.epoch > vm.epoch;
      return anew && ((await this.stage.acme.vm(vm.id)) as Placed);
    }, seconds);
  }

  /** Until its guest boots. */
  boots(vm: { id: string }) {
    return this.until(async () => (await this.stage.runs(vm.id)).some((p) => p.state === 'starting'));
  }

  async oneCopyEach(): Promise<void> {
    const { processes } = await this.test.world();
    const ids = processes.map((p) => p.vmId);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  }

  async alarms(): Promise<string[]> {
    const { alarms } = await readBelief(this.stage.store);
    return alarms.filter((a) => a.state === 'active').map((a) => `${a.code} ${a.object}`);
  }

  /** Incidents of guests, oldest first. */
  async incidents(): Promise<Incident[]> {
    const { incidents } = await readBelief(this.stage.store);
    return incidents.filter((i) => i.kind === 'guest').sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async recoveries() {
    const { operations } = await readBelief(this.stage.store);
    return operations.filter((o) => o.kind === 'recover-guest').sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** What must hold at the end of every story. */
  async sound(): Promise<void> {
    await this.test.settle();
    await this.oneCopyEach();
    expect((await this.recoveries()).filter((o) => !isFinal(o.state))).toEqual([]);
    expect((await this.incidents()).filter((i) => i.state === 'open')).toEqual([]);
    expect(await this.test.violations()).toEqual([]);
  }
}
