import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/**
 * Ids are `<prefix>_<time><tag><chance>`: ten characters of time (48 bits of milliseconds, so ids sort by age), six
 * of the owner's tag and six of chance, in Crockford's base 32, lower case.
 *
 * The tag is the tail of the tenant's own id. It lets the operator's side find a tenant's thing by its id alone, without
 * an index over all tenants; to another tenant it says nothing, as a foreign id always answers "not found".
 */
export const ID_PREFIXES = {
  tenant: 'ten',
  vdc: 'vdc',
  vpc: 'vpc',
  network: 'net',
  vm: 'vm',
  volume: 'vol',
  nic: 'nic',
  operation: 'op',
  event: 'ev',
  incident: 'inc',
  fault: 'flt',
  request: 'req',
  audit: 'aud',
  group: 'pg',
  plan: 'plan',
  execution: 'exec',
} as const;
export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_LENGTH = 10;
const TAG_LENGTH = 6;
const CHANCE_LENGTH = 6;

/** The owner of what belongs to no tenant. */
export const SYSTEM_TAG = '000000';

export interface Ids {
  make(kind: IdKind, tag?: string): string;
}

export function makeIds(clock: Pick<Clock, 'now'>, random: Random): Ids {
  const chance = (length: number) => Array.from({ length }, () => ALPHABET[random.below(32)]).join('');
  return {
    make(kind, tag = SYSTEM_TAG) {
      // A tenant's own id ends in chance: that is its tag.
      const owner = kind === 'tenant' ? '' : tag;
      return `${ID_PREFIXES[kind]}_${encodeTime(clock.now())}${owner}${chance(CHANCE_LENGTH)}`;
    },
  };
}

/** The tag that a tenant gives to everything that it owns. */
export const tagOfTenant = (tenantId: string): string => tenantId.slice(-TAG_LENGTH);

const OWNED = new RegExp(
  `^[a-z]+_[${ALPHABET}]{${TIME_LENGTH}}([${ALPHABET}]{${TAG_LENGTH}})[${ALPHABET}]{${CHANCE_LENGTH}}$`,
);

/** The owner's tag in an id, or undefined when the text is not such an id. */
export const tagOfId = (id: string): string | undefined => OWNED.exec(id)?.[1];

function encodeTime(ms: number): string {
  let rest = ms;
  let out = '';
  for (let i = 0; i < TIME_LENGTH; i++) {
    out = ALPHABET[rest % 32] + out;
    rest = Math.floor(rest / 32);
  }
  return out;
}
