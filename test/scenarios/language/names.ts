import type { Belief } from '../../../shared/invariants/facts.ts';

/** Ids and the names that a story has for them. */
export class Names {
  private readonly byId = new Map<string, string>();
  private readonly byName = new Map<string, string>();

  add(id: string, name: string): void {
    this.byId.set(id, name);
    this.byName.set(name, id);
  }

  /** How to speak of something that has no name; that is no way to mean it. */
  call(id: string, words: string): void {
    this.byId.set(id, words);
  }

  learn({ sites, clusters, hosts, datastores, links }: Belief): void {
    for (const site of sites) this.add(site.id, `site-${site.name}`);
    const letter = (id: string) => sites.find((s) => s.id === id)?.name ?? id;
    for (const link of links ?? []) this.add(link.id, `${letter(link.from)}-${letter(link.to)}`);
    for (const thing of [...clusters, ...hosts, ...datastores]) this.add(thing.id, thing.name);
  }

  of(id: string): string {
    return this.byId.get(id) ?? id;
  }

  /** The id; a rack has none and stands for itself. */
  id(name: string): string {
    return this.byName.get(name) ?? name;
  }

  knows(id: string): boolean {
    return this.byId.has(id);
  }

  /** Ids in a text, said by their names. */
  in(text: string): string {
    return text.replace(/\b[a-z]+_[\w-]+/g, (id) => this.of(id));
  }
}
