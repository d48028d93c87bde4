/** A figure as people read it: as many decimals as matter, thousands apart. */
export function figure(n: number): string {
  const size = Math.abs(n);
  if (size > 0 && size < 0.01) return n.toPrecision(2);
  const decimals = size >= 1_000 ? 0 : size >= 100 ? 1 : 2;
  const [whole = '', part] = String(Number(n.toFixed(decimals))).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ' ');
  return part === undefined ? grouped : `${grouped}.${part}`;
}

export const count = (n: number, thing: string): string => `${figure(n)} ${thing}${n === 1 ? '' : 's'}`;

/** `a, b and c`. */
export function list(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}

/** An address as programmers write it. */
export const hex = (address: number): string => `0x${address.toString(16)}`;
