import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item as it goes over the wire: every value says its type. */
export type Row = Record<string, AttributeValue>;

/** What DynamoDB answers to a request that it does not take, whatever stands in its tables. */
export class Invalid extends Error {}
/** A request that does not go with the item that stands there. In a transaction it is one action's reason to cancel. */
export class Unfit extends Invalid {}

export function copyRow(row: Row): Row {
  const copy: Row = {};
  for (const name in row) copy[name] = copyOf(row[name] as AttributeValue);
  return copy;
}

function copyOf(value: AttributeValue): AttributeValue {
  if (value.M !== undefined) return { M: copyRow(value.M) };
  if (value.L !== undefined) return { L: value.L.map(copyOf) };
  if (value.B !== undefined) return { B: value.B.slice() };
  if (value.SS !== undefined || value.NS !== undefined || value.BS !== undefined)
    throw new Error('sets are not known here');
  return { ...value } as AttributeValue;
}

/** The letter of its type, and what it holds. */
function parts(value: AttributeValue): [string, unknown] {
  const [part] = Object.entries(value);
  if (!part) throw new Error(`a value without a type: ${JSON.stringify(value)}`);
  return part;
}

export function equal(a: AttributeValue, b: AttributeValue): boolean {
  const [type, held] = parts(a);
  const [otherType, other] = parts(b);
  if (type !== otherType) return false;
  switch (type) {
    case 'S':
    case 'BOOL':
    case 'NULL':
      return held === other;
    case 'N':
      return Number(held) === Number(other);
    case 'B':
      return Buffer.compare(held as Uint8Array, other as Uint8Array) === 0;
    case 'L': {
      const [one, two] = [held as AttributeValue[], other as AttributeValue[]];
      return one.length === two.length && one.every((v, i) => equal(v, two[i] as AttributeValue));
    }
    case 'M': {
      const [one, two] = [held as Row, other as Row];
      const names = Object.keys(one);
      return (
        names.length === Object.keys(two).length &&
        names.every((n) => two[n] !== undefined && equal(one[n] as AttributeValue, two[n]))
      );
    }
    default:
      throw new Error(`values of type ${type} are not known here`);
  }
}

/** Less than 0, 0 or more; undefined where the two have no order: they differ in type, or their type has none. */
export function order(a: AttributeValue, b: AttributeValue): number | undefined {
  if (a.N !== undefined && b.N !== undefined) return Number(a.N) - Number(b.N);
  if (a.S !== undefined && b.S !== undefined) return byBytes(a.S, b.S);
  if (a.B !== undefined && b.B !== undefined) return Buffer.compare(a.B, b.B);
  return undefined;
}

const SURROGATES = /[\ud800-\udfff]/;
/** Order of the bytes in UTF-8, which differs from the order of JavaScript only beyond the basic plane. */
export function byBytes(a: string, b: string): number {
  if (SURROGATES.test(a) || SURROGATES.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The sum, exact like DynamoDB's: 0.1 + 0.2 is 0.3 there. */
export function sum(a: string, b: string, sign: 1 | -1): string {
  const [x, y] = [decimal(a), decimal(b)];
  const exponent = Math.min(x.exponent, y.exponent);
  const scaled = (d: Decimal) => d.digits * 10n ** BigInt(d.exponent - exponent);
  return plain(scaled(x) + BigInt(sign) * scaled(y), exponent);
}

interface Decimal {
  digits: bigint;
  exponent: number;
}
function decimal(text: string): Decimal {
  const [, sign, whole, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  if (whole === undefined) throw new Invalid(`'${text}' is not a number`);
  return { digits: BigInt(`${sign}${whole}${fraction}`), exponent: Number(power) - fraction.length };
}
function plain(digits: bigint, exponent: number): string {
  if (exponent >= 0) return String(digits * 10n ** BigInt(exponent));
  const minus = digits < 0n ? '-' : '';
  const text = String(digits < 0n ? -digits : digits).padStart(1 - exponent, '0');
  const fraction = text.slice(exponent).replace(/0+$/, '');
  return `${minus}${text.slice(0, exponent)}${fraction && `.${fraction}`}`;
}

/** Bytes that an item counts as (DynamoDB, "item sizes and formats"). */
export function sizeOfRow(row: Row): number {
  let size = 0;
  for (const name in row) size += bytes(name) + sizeOf(row[name] as AttributeValue);
  return size;
}

const bytes = (text: string): number => Buffer.byteLength(text);

function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return bytes(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.replace(/^-?0*\.?0*|\.|0+$/g, '').length / 2) + 1;
  if (value.M !== undefined) return 3 + sizeOfRow(value.M) + Object.keys(value.M).length;
  if (value.L !== undefined) return 3 + value.L.reduce((n, v) => n + sizeOf(v) + 1, 0);
  if (value.B !== undefined) return value.B.length;
  return 1;
}
