import { DomainError, invalid } from '../../../shared/kernel/errors.ts';
import { hash32, type Random } from '../../../shared/kernel/random.ts';
import { freeAddresses, ipToNumber, macOf, numberToIp, usableRange } from '../../../shared/model/addresses.ts';
import type { Network } from '../../../shared/model/network.ts';
import type { Nic, NicSpec } from '../../../shared/model/vm.ts';
import { keys } from '../../../shared/store/keys.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { Transaction } from '../../../shared/store/transaction.ts';

/** Free addresses that a choice is made among by chance, so that creations at the same time seldom want the same one. */
const CHOICE = 64;

/** An address was taken by somebody else between reading and writing. */
export class AddressTaken extends Error {
  readonly ip: number;
  readonly spaceId: string;
  constructor(spaceId: string, ip: number) {
    super(`${numberToIp(ip)} was taken meanwhile`);
    this.spaceId = spaceId;
    this.ip = ip;
  }
}

/** Hands out addresses of networks for the NICs of one request. What it has read, it remembers. */
export class AddressBook {
  private readonly store: Store;
  private readonly random: Random;
  private readonly taken = new Map<string, Set<number>>();

  constructor(store: Store, random: Random) {
    this.store = store;
    this.random = random;
  }

  /** @throws `address-exhausted` naming the range (ARCH-6); `address-taken` or `invalid-request` for a wished address. */
  async assign(spec: NicSpec, network: Network, nicId: string, location: string): Promise<Nic> {
    const range = usableRange(network.cidr);
    const spaceId = network.externalNetworkId ?? network.id;
    const taken = await this.takenIn(network, spaceId);
    let ip: number;
    if (spec.ip !== undefined) {
      ip = ipToNumber(spec.ip);
      if (ip < range.first || ip > range.last) {
        throw invalid([
          {
            location,
            message: `${spec.ip} is not among the usable addresses ${numberToIp(range.first)} to ${numberToIp(range.last)}`,
            fix: 'choose one of them, or none',
          },
        ]);
      }
      if (taken.has(ip)) throw wishTaken(spec.ip);
    } else {
      const free = freeAddresses(range, taken, CHOICE);
      if (free.length === 0) {
        throw new DomainError('address-exhausted', `Network ${network.name} (${network.cidr}) has no free address.`, {
          figures: { cidr: network.cidr, used: taken.size },
        });
      }
      ip = this.random.pick(free);
    }
    taken.add(ip);
    return {
      id: nicId,
      networkId: network.id,
      spaceId,
      mac: macOf(hash32(spaceId), ip - range.base),
      ip: numberToIp(ip),
      io: spec.io,
    };
  }

  /** Somebody else has this one. */
  note(lost: AddressTaken): void {
    this.taken.get(lost.spaceId)?.add(lost.ip);
  }

  private async takenIn(network: Network, spaceId: string): Promise<Set<number>> {
    const known = this.taken.get(spaceId);
    if (known) return known;
    const { pk } = claimKey(network.tenantId, { networkId: network.id, spaceId, ip: '0.0.0.0' });
    const claims = await this.store.queryAll<{ sk: string }>(pk, 'control', { projection: ['sk'], consistent: true });
    const taken = new Set(claims.map((c) => Number(c.sk)));
    this.taken.set(spaceId, taken);
    return taken;
  }
}

/** Adds the claim: the item exists while the address is held. */
export function claimAddress(tx: Transaction, tenantId: string, vmId: string, nic: Nic, wished: boolean): void {
  tx.put(
    claimKey(tenantId, nic),
    { vmId, networkId: nic.networkId },
    {
      ifAbsent: () => (wished ? wishTaken(nic.ip) : new AddressTaken(nic.spaceId, ipToNumber(nic.ip))),
    },
  );
}

const claimKey = (tenantId: string, nic: Pick<Nic, 'networkId' | 'spaceId' | 'ip'>) =>
  keys.address(nic.spaceId === nic.networkId ? tenantId : null, nic.spaceId, ipToNumber(nic.ip));

const wishTaken = (ip: string) => new DomainError('address-taken', `The address ${ip} is taken.`, { figures: { ip } });
