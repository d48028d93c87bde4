import type { Cast } from './cast.ts';
import { DR_SETTING_FORMS } from './dr/setting-forms.ts';
import { clusterSettings, vmSettings } from './settings.ts';
import type { Setting, VmSetting } from './story.ts';
import { type Form, type Place, StoryError } from './words.ts';

const VM_PROPERTIES = [
  '<n> vCPU',
  '<n> GiB',
  'switched off',
  '<name> disk <n> GiB',
  'writes <n> MiB/s',
  'in <cluster>',
  'ha off',
  'priority high | medium | low',
  'dependsOn <VM>',
];

/** Everything behind the colon of a VM. */
export function vmProperties(text: string, cast: Cast, place: Place): Omit<VmSetting, 'kind' | 'name' | 'host'> {
  const out: Omit<VmSetting, 'kind' | 'name' | 'host'> = {
    vcpus: 1,
    memoryGiB: 1,
    ha: {},
    disks: [{ name: 'root', sizeGiB: 5 }],
    off: false,
  };
  for (const part of text
    .split(',')
    .map((p) => p.trim())
    .filter(Boolean)) {
    const figure = (pattern: RegExp) => pattern.exec(part)?.[1];
    const cpus = figure(/^(\d+) vCPUs?$/);
    const memory = figure(/^(\d+(?:\.\d+)?) GiB$/);
    const rate = figure(/^writes (\d+) MiB\/s$/);
    const cluster = figure(/^in (\S+)$/);
    const disk = /^(\S+) disk (\d+) GiB$/.exec(part);
    if (cpus !== undefined) out.vcpus = Number(cpus);
    else if (memory !== undefined) out.memoryGiB = Number(memory);
    else if (rate !== undefined) out.dirtyMiBps = Number(rate);
    else if (cluster !== undefined) out.cluster = cast.one(cluster, ['cluster'], place);
    else if (disk) out.disks.push({ name: disk[1] as string, sizeGiB: Number(disk[2]) });
    else if (part === 'switched off') out.off = true;
    else
      try {
        Object.assign(out.ha, vmSettings(part, cast, place));
      } catch (error) {
        if (!(error instanceof StoryError) || !/cannot understand/.test(error.message)) throw error;
        throw new StoryError(place, `cannot understand '${part}' of a VM. Possible are`, VM_PROPERTIES);
      }
  }
  return out;
}

/** What stands before the course: the estate, its VMs and its settings. */
export const SETTING_FORMS: readonly Form<Setting[], Cast>[] = [
  ...DR_SETTING_FORMS,
  {
    usage: 'cluster <name> [at site <name>]: <n> hosts of <n> cores and <n> GiB[, racks <n>]',
    pattern:
      /^cluster (?<name>[\w-]+)(?: at site (?<site>\w+))?: (?<count>\d+) hosts? of (?<cores>\d+) cores and (?<memory>\d+(?:\.\d+)?) GiB(?:, racks (?<racks>\d+))?$/,
    make({ name = '', site = 'a', count, cores, memory, racks }, cast, place) {
      const first = cast.of('host').length;
      const firstRack = cast.of('rack').length;
      const hosts = Array.from({ length: Number(count) }, (_, i) => ({
        name: `h${first + i + 1}`,
        ...(racks ? { rack: `r${firstRack + (i % Number(racks)) + 1}` } : {}),
      }));
      cast.introduce('cluster', name, place);
      if (cast.kindOf(`site-${site}`) === undefined) cast.introduce('site', `site-${site}`, place);
      for (const host of hosts) cast.introduce('host', host.name, place);
      for (const rack of new Set(hosts.flatMap((h) => h.rack ?? []))) cast.introduce('rack', rack, place);
      return [{ kind: 'cluster', name, site, hosts, cores: Number(cores), memoryGiB: Number(memory), place }];
    },
  },
  {
    usage: 'host <hosts>: <n> cores and <n> GiB',
    pattern: /^host (?<hosts>[^:]+): (?<cores>\d+) cores and (?<memory>\d+(?:\.\d+)?) GiB$/,
    make: ({ hosts = '', cores, memory }, cast, place) =>
      cast
        .many(hosts, ['host'], place)
        .map((name) => ({ kind: 'host', name, cores: Number(cores), memoryGiB: Number(memory), place })),
  },
  {
    usage: 'datastore <name> [at site <name>]: <n> GiB[, for <clusters>]',
    pattern: /^datastore (?<name>[\w-]+)(?: at site (?<site>\w+))?: (?<size>\d+) GiB(?:, for (?<clusters>.+))?$/,
    make({ name = '', site = 'a', size, clusters }, cast, place) {
      cast.introduce('datastore', name, place);
      const of = clusters ? cast.many(clusters, ['cluster'], place) : [];
      return [{ kind: 'datastore', name, site, capacityGiB: Number(size), clusters: of, place }];
    },
  },
  {
    usage: 'vm <name> [x<n>] [on <hosts>][: <n> vCPU, <n> GiB, ...]',
    pattern: /^vm (?<name>[a-z][\w-]*?)(?: x(?<count>\d+))?(?: on (?<hosts>[^:]+))?(?:: (?<properties>.+))?$/,
    make({ name = '', count, hosts, properties = '' }, cast, place) {
      const on = hosts ? cast.many(hosts, ['host'], place) : [];
      const shape = vmProperties(properties, cast, place);
      const names = count ? Array.from({ length: Number(count) }, (_, i) => `${name}-${i + 1}`) : [name];
      return names.map((own, i) => {
        cast.introduce('vm', own, place, count ? name : undefined);
        const host = on[i % Math.max(1, on.length)];
        return { kind: 'vm', name: own, ...shape, ...(host ? { host } : {}), place };
      });
    },
  },
  {
    usage: 'set <clusters>: <setting> <value>[, ...]',
    pattern: /^set (?<clusters>[^:]+): (?<settings>.+)$/,
    make: ({ clusters = '', settings = '' }, cast, place) => [
      {
        kind: 'set cluster',
        names: cast.many(clusters, ['cluster'], place),
        settings: clusterSettings(settings, cast, place),
        place,
      },
    ],
  },
];
