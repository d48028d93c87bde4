import { DomainError } from '../kernel/errors.ts';

/** IPv4 address arithmetic for the address claims of networks. */
export const ipToNumber = (ip: string): number => ip.split('.').reduce((n, part) => n * 256 + Number(part), 0);
export const numberToIp = (n: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.');

export interface Range {
  first: number;
  last: number;
  base: number;
  prefix: number;
}

/**
 * The usable addresses of a CIDR: all but the network's own, the gateway (the first one) and the broadcast.
 * @throws `invalid-request` when it is not a canonical IPv4 CIDR of /8 to /29.
 */
export function usableRange(cidr: string, location = 'body.cidr'): Range {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(cidr);
  const prefix = Number(match?.[2]);
  const octetsFit = (match?.[1] ?? '').split('.').every((o) => Number(o) <= 255);
  const flaw = (message: string, fix: string) =>
    new DomainError('invalid-request', message, { flaws: [{ location, message, fix }] });
  if (!match || !octetsFit) throw flaw(`'${cidr}' is not an IPv4 CIDR`, 'write it like 10.1.0.0/24');
  if (prefix < 8 || prefix > 29) throw flaw(`a /${prefix} network is not offered`, 'use /8 to /29');
  const size = 2 ** (32 - prefix);
  const base = ipToNumber(match[1] as string);
  if (base % size !== 0) throw flaw(`'${cidr}' has host bits set`, `use ${numberToIp(base - (base % size))}/${prefix}`);
  const canonical = `${numberToIp(base)}/${prefix}`;
  if (cidr !== canonical) throw flaw(`'${cidr}' has leading zeros, which some read as octal`, `use ${canonical}`);
  return { base, prefix, first: base + 2, last: base + size - 2 };
}

export const gatewayOf = (cidr: string): string => numberToIp(usableRange(cidr).base + 1);

/** The two ranges share an address. */
export const overlaps = (a: string, b: string): boolean => {
  const [x, y] = [usableRange(a), usableRange(b)];
  const end = (r: Range) => r.base + 2 ** (32 - r.prefix);
  return x.base < end(y) && y.base < end(x);
};

/** The first free addresses of a range, at most `count`. */
export function freeAddresses(range: Range, taken: ReadonlySet<number>, count: number): number[] {
  const free: number[] = [];
  for (let ip = range.first; ip <= range.last && free.length < count; ip++) if (!taken.has(ip)) free.push(ip);
  return free;
}

/**
 * A MAC that is unique in its address space, as it carries the address's offset in it: locally administered, then 16 bits
 * of the space's hash, then 24 bits of offset.
 */
export function macOf(spaceHash: number, offset: number): string {
  const bytes = [
    0x02,
    (spaceHash >>> 8) & 0xff,
    spaceHash & 0xff,
    (offset >>> 16) & 0xff,
    (offset >>> 8) & 0xff,
    offset & 0xff,
  ];
  return bytes.map((b) => b.toString(16).padStart(2, '0')).join(':');
}
