import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../shared/kernel/errors.ts';
import {
  freeAddresses,
  gatewayOf,
  ipToNumber,
  macOf,
  numberToIp,
  overlaps,
  usableRange,
} from '../../shared/model/addresses.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const cidr = fc.tuple(address, fc.integer({ min: 8, max: 29 })).map(([ip, prefix]) => {
  const size = 2 ** (32 - prefix);
  return `${numberToIp(ip - (ip % size))}/${prefix}`;
});

describe('the usable range', () => {
  it.each([
    ['the smallest network', '10.1.0.0/29', '10.1.0.2', '10.1.0.6'],
    ['an ordinary network', '192.168.7.0/24', '192.168.7.2', '192.168.7.254'],
    ['the largest network', '10.0.0.0/8', '10.0.0.2', '10.255.255.254'],
    ['the end of the address space', '255.255.255.248/29', '255.255.255.250', '255.255.255.254'],
    ['the beginning of the address space', '0.0.0.0/8', '0.0.0.2', '0.255.255.254'],
  ])('of %s leaves out the network, the gateway and the broadcast', (_what, text, first, last) => {
    const range = usableRange(text);
    expect([numberToIp(range.first), numberToIp(range.last)]).toEqual([first, last]);
    expect(ipToNumber(gatewayOf(text))).toBe(range.first - 1);
  });

  it.each([
    ['nothing', ''],
    ['an address without a prefix', '10.0.0.0'],
    ['a prefix that is too short', '0.0.0.0/7'],
    ['a prefix that is too long', '10.0.0.0/30'],
    ['an octet beyond 255', '10.0.256.0/24'],
    ['three octets', '10.0.0/24'],
    ['IPv6', '2001:db8::/32'],
    ['blanks', ' 10.0.0.0/24'],
    ['a sign', '10.0.0.0/+24'],
    ['a line break at the end', '10.0.0.0/24\n'],
    ['an octet that some read as octal', '010.0.0.0/24'],
    ['a prefix with a leading zero', '10.0.0.0/08'],
  ])('of %s is refused with the place and a way to mend it', (_what, text) => {
    let refused: unknown;
    try {
      usableRange(text, 'body.here');
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(DomainError);
    expect((refused as DomainError).flaws).toEqual([
      { location: 'body.here', message: expect.any(String), fix: expect.any(String) },
    ]);
  });

  it('with host bits set is refused with the network that was meant', () => {
    expect(() => usableRange('10.1.2.3/24')).toThrow(
      expect.objectContaining({ flaws: [expect.objectContaining({ fix: 'use 10.1.2.0/24' })] }),
    );
  });
});

it('an address and its number are two writings of the same', () => {
  fc.assert(
    fc.property(address, (n) => {
      expect(ipToNumber(numberToIp(n))).toBe(n);
    }),
    { numRuns },
  );
});

describe('two ranges', () => {
  it.each([
    ['are the same', '10.1.0.0/24', '10.1.0.0/24', true],
    ['lie one within the other', '10.0.0.0/8', '10.200.1.0/29', true],
    ['touch', '10.1.0.0/24', '10.1.1.0/24', false],
    ['lie apart', '10.1.0.0/24', '172.16.0.0/16', false],
  ])('that %s are told so', (_what, a, b, expected) => {
    expect(overlaps(a, b)).toBe(expected);
  });

  it('overlap in either order or in none, and exactly when they share an address', () => {
    fc.assert(
      fc.property(cidr, cidr, (a, b) => {
        const [x, y] = [usableRange(a), usableRange(b)];
        const shared = Math.min(x.last, y.last) >= Math.max(x.first, y.first);
        expect(overlaps(a, b)).toBe(shared);
        expect(overlaps(b, a)).toBe(shared);
      }),
      { numRuns },
    );
  });
});

describe('free addresses', () => {
  const range = usableRange('10.1.0.0/29');
  it.each([
    ['are the first ones', [], 2, ['10.1.0.2', '10.1.0.3']],
    ['leave out what is taken', ['10.1.0.2', '10.1.0.4'], 2, ['10.1.0.3', '10.1.0.5']],
    ['are at most all of the range', [], 64, ['10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6']],
    ['are none when all are taken', ['10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6'], 1, []],
  ])('%s', (_what, taken, count, expected) => {
    expect(freeAddresses(range, new Set(taken.map(ipToNumber)), count).map(numberToIp)).toEqual(expected);
  });
});

describe('a MAC', () => {
  const offset = fc.integer({ min: 0, max: 2 ** 24 - 1 });
  it('is unique within its address space', () => {
    fc.assert(
      fc.property(address, offset, offset, (space, a, b) => {
        expect(macOf(space, a) === macOf(space, b)).toBe(a === b);
      }),
      { numRuns },
    );
  });

  it('is well formed, locally administered and no group address', () => {
    fc.assert(
      fc.property(address, offset, (space, n) => {
        expect(macOf(space, n)).toMatch(/^02(:[0-9a-f]{2}){5}$/);
      }),
      { numRuns },
    );
  });
});
