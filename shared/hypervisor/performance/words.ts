/** A figure for a reader: as many digits as say something, without trailing zeros. */
export function figure(n: number): string {
  if (n === 0 || Math.abs(n) >= 100) return String(Math.round(n));
  if (Math.abs(n) < 0.01) return 'less than 0.01';
  return String(Math.round(n * (Math.abs(n) >= 10 ? 10 : 100)) / (Math.abs(n) >= 10 ? 10 : 100));
}

export const percent = (share: number): string => `${figure(share * 100)} %`;

/** `a`, `a and b`, `a, b and c`. */
export const list = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
