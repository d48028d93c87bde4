import { GUEST_BOOT_MS } from '../../../shared/world/constants.ts';
import { checkRecovery, isOfRecovery } from './dr/judge.ts';
import { outages } from './places.ts';
import type { Seen } from './play.ts';
import type { Promise_, Promised } from './story.ts';

/** What a promise was found to be instead, or undefined when it was kept. */
type Found = string | undefined;

/** The promises that were not kept, each with what was found instead. */
export async function notKept(promises: readonly Promised[], seen: Seen): Promise<string[]> {
  const out: string[] = [];
  for (const promise of promises) {
    const found = await check(promise, seen, promises);
    if (found !== undefined)
      out.push(`${promise.place.file}:${promise.place.line}: expected ${promise.text}; ${found}`);
  }
  return out;
}

/** Whether this, as `code object`, is the alarm that is spoken of. */
const isAlarm = (alarm: string, { code, object }: { code: string; object?: string }): boolean =>
  object ? alarm === `${code} ${object}` : alarm.startsWith(`${code} `);

/** A VM that waits or was given up (S3: recovery, error) is believed to be so. */
const AT_REST = { stopped: 'stopped', waiting: 'faultResuming', 'in error': 'unknown' } as const;

async function check(promise: Promise_, seen: Seen, all: readonly Promise_[]): Promise<Found> {
  if (isOfRecovery(promise)) return checkRecovery(promise, seen);
  const { stage, belief, first, lives, truth } = seen;
  const { names, begin, test, tenant } = stage;
  const vmOf = (name: string, of = belief) => of.vms.find((v) => v.id === names.id(name));
  const words = (name: string) => {
    const vm = vmOf(name);
    return vm
      ? `${name} is ${vm.state} on ${vm.hostId ? names.of(vm.hostId) : 'no host'} with epoch ${vm.epoch}`
      : `${name} is gone`;
  };
  const must = (ok: boolean | undefined, otherwise: () => string): Found => (ok ? undefined : otherwise());
  const laterLives = (name: string) => lives.of(names.id(name)).filter((l) => l.from >= begin);
  const elsewhere = (name: string) => laterLives(name).filter((l) => l.hostId !== vmOf(name, first)?.hostId);
  const since = (at: number | undefined) => (at === undefined ? 'never' : `${(at - begin) / 1_000} s`);
  const active = belief.alarms.filter((a) => a.state === 'active').map((a) => `${a.code} ${names.of(a.object)}`);

  switch (promise.kind) {
    case 'runs': {
      const vm = vmOf(promise.vm);
      const [was, life] = [vmOf(promise.vm, first), lives.of(names.id(promise.vm)).find((l) => l.to === undefined)];
      if (vm?.state !== 'running' || !vm.hostId) return words(promise.vm);
      if (life?.hostId !== vm.hostId || life.epoch !== vm.epoch) return `${promise.vm} has no such process in truth`;
      if (promise.host && vm.hostId !== names.id(promise.host)) return words(promise.vm);
      if (promise.elsewhere && vm.hostId === was?.hostId) return words(promise.vm);
      return must(!promise.newerEpoch || vm.epoch > (was?.epoch ?? 0), () => words(promise.vm));
    }
    case 'untouched': {
      const [vm, was] = [vmOf(promise.vm), vmOf(promise.vm, first)];
      const same = vm?.state === was?.state && vm?.hostId === was?.hostId && vm?.epoch === was?.epoch;
      const alive = was?.state !== 'running' || lives.of(names.id(promise.vm)).some((l) => l.from < begin && !l.to);
      return must(same && alive && laterLives(promise.vm).length === 0, () => words(promise.vm));
    }
    case 'vm is': {
      const vm = vmOf(promise.vm);
      if (promise.state === 'gone') {
        const left = truth.volumes.filter((v) => v.vmId === names.id(promise.vm));
        return must(!vm && left.length === 0, () => `${words(promise.vm)}, with ${left.length} volumes`);
      }
      const is = vm?.state === AT_REST[promise.state] && (promise.state === 'stopped' || !vm.hostId);
      const runs = lives.of(names.id(promise.vm)).some((l) => l.to === undefined);
      const said = !promise.reason || vm?.reason?.includes(promise.reason);
      return must(
        is && !runs && said,
        () => `${words(promise.vm)}: ${vm?.reason ?? 'no reason'}${runs ? '; it runs in truth' : ''}`,
      );
    }
    case 'host is': {
      const at = seen.hostStates.get(`${promise.host} ${promise.state}`);
      if (promise.by !== undefined)
        return must(
          at !== undefined && at <= promise.by,
          () => `it was ${at === undefined ? 'never' : `at ${at / 1_000} s`}`,
        );
      const state = belief.hosts.find((h) => h.id === names.id(promise.host))?.state;
      return must(state === promise.state, () => `${promise.host} is ${state}`);
    }
    case 'refused': {
      const codes = seen.refused.get(promise.command) ?? [];
      return must(codes.includes(promise.because), () => `refused with: ${codes.join(', ') || 'nothing'}`);
    }
    case 'alarm': {
      const codes = promise.ever || promise.absent ? [...seen.alarms] : active;
      return must(
        codes.some((a) => isAlarm(a, promise)) !== promise.absent,
        () => `alarms: ${codes.join(', ') || 'none'}`,
      );
    }
    case 'no alarm': {
      const promised = promise.other ? all.filter((p) => p.kind === 'alarm' && !p.absent && !p.ever) : [];
      const left = active.filter((a) => !promised.some((p) => p.kind === 'alarm' && isAlarm(a, p)));
      return must(left.length === 0, () => left.join(', '));
    }
    case 'block': {
      const is = await tenant.read(names.id(promise.vm), promise.block);
      return must(is === promise.data, () => `it reads "${is}"`);
    }
    case 'refused writes': {
      const n = truth.volumes.filter((v) => v.vmId === names.id(promise.vm)).reduce((sum, v) => sum + v.refused, 0);
      return must(n === promise.count, () => `${n} were refused`);
    }
    case 'back within': {
      const all = outages(lives.of(names.id(promise.vm)), begin, test.clock.now());
      const longest = Math.max(0, ...all.map((o) => o.to - o.from));
      return must(all.length > 0 && longest <= promise.ms, () => `it was down for ${longest / 1_000} s`);
    }
    case 'starts': {
      const at = elsewhere(promise.vm)[0]?.from;
      const ok = at !== undefined && (promise.bound === 'before' ? at - begin < promise.ms : at - begin >= promise.ms);
      return must(ok, () => `it did at: ${since(at)}`);
    }
    case 'order': {
      const [one, two] = [laterLives(promise.first)[0]?.from, laterLives(promise.second)[0]?.from];
      return must(one !== undefined && (two === undefined || one < two), () => `${since(one)}, and ${since(two)}`);
    }
    case 'boots after': {
      // A process may stand before its guest is let go.
      const [ready, other] = [laterLives(promise.vm)[0]?.ready, laterLives(promise.other)[0]?.ready];
      const boots = ready === undefined ? undefined : ready - GUEST_BOOT_MS;
      const ok = boots !== undefined && other !== undefined && boots >= other;
      return must(ok, () => `it boots at ${since(boots)} at the latest, and the other serves from ${since(other)}`);
    }
    case 'never on': {
      const on = laterLives(promise.vm).find((l) => l.hostId === names.id(promise.host));
      return must(!on, () => `it was from ${since(on?.from)}`);
    }
    case 'nothing restarted': {
      const later = [...lives.all.values()].filter((l) => l.from >= begin).map((l) => names.of(l.vmId));
      return must(later.length === 0, () => `started: ${later.join(', ')}`);
    }
    case 'incident': {
      const id = names.id(promise.of);
      const mine = belief.incidents.filter((i) => (i.guest ? i.guest.id === id : i.hostIds.includes(id)));
      const state = mine.at(-1)?.state ?? 'none';
      return must(state === promise.state, () => `it is ${state}`);
    }
  }
}
