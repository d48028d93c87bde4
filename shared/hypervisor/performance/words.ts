/** A figure for a reader, 0 or more: three digits or all of the whole ones, without trailing zeros. */
export function figure(n: number): string {
  if (n >= 100) return String(Math.round(n));
  if (n >= 10) return decimal(Math.round(n * 10), 10);
  if (n >= 0.01 || n === 0) return decimal(Math.round(n * 100), 100);
  return 'less than 0.01';
}

/** Put together from whole numbers, which turn into text faster than fractions do. */
function decimal(scaled: number, scale: 10 | 100): string {
  const rest = scaled % scale;
  const whole = (scaled - rest) / scale;
  if (rest === 0) return `${whole}`;
  if (scale === 10) return `${whole}.${rest}`;
  return rest % 10 === 0 ? `${whole}.${rest / 10}` : `${whole}.${rest < 10 ? '0' : ''}${rest}`;
}

export const percent = (share: number): string => `${figure(share * 100)} %`;

/** `a`, `a and b`, `a, b and c`. */
export const list = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
