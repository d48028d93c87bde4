import { fold, natural, type Place, StoryError, unfold } from './words.ts';

export const NAME_KINDS = ['host', 'vm', 'rack', 'site', 'cluster', 'datastore', 'link', 'group', 'plan'] as const;
export type NameKind = (typeof NAME_KINDS)[number];

/** Who plays: every name of a story and what it is. What is not introduced cannot be spoken of. */
export class Cast {
  private readonly kinds = new Map<string, NameKind>();
  private readonly groups = new Map<string, string[]>();

  introduce(kind: NameKind, name: string, place: Place, group?: string): void {
    const other = this.kinds.get(name);
    if (other !== undefined) throw new StoryError(place, `the name '${name}' is taken: it is a ${other}`);
    this.kinds.set(name, kind);
    if (group !== undefined) this.groups.set(group, [...(this.groups.get(group) ?? []), name]);
  }

  of(kind: NameKind): string[] {
    return [...this.kinds].flatMap(([name, k]) => (k === kind ? [name] : [])).sort(natural);
  }

  kindOf(name: string): NameKind | undefined {
    return this.kinds.get(name);
  }

  /** One name of one of these kinds. */
  one(text: string, kinds: readonly NameKind[], place: Place): string {
    const name = text.trim();
    const kind = this.kinds.get(name);
    if (kind !== undefined && kinds.includes(kind)) return name;
    const known = kinds.map((k) => `${k}s: ${fold(this.of(k)) || 'none'}`);
    throw new StoryError(
      place,
      kind ? `'${name}' is a ${kind}, not a ${kinds.join(' or ')}` : `there is no ${kinds.join(' or ')} '${name}'`,
      known,
    );
  }

  /** A list of names: `web-1..2, db`; a group by its stem; `all VMs`, `all hosts`. */
  many(text: string, kinds: readonly NameKind[], place: Place): string[] {
    return text.split(/,|\band\b/).flatMap((part) => {
      const word = part.trim();
      const all = /^all (VM|host)s$/.exec(word)?.[1];
      if (all !== undefined) return this.of(all === 'VM' ? 'vm' : 'host');
      const group = this.groups.get(word);
      if (group && !this.kinds.has(word)) return group;
      return unfold(word).map((name) => this.one(name, kinds, place));
    });
  }
}
