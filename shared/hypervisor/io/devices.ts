import type { DeviceCard } from '../../model/inventory.ts';
import { CARD_MAX_FUNCTIONS, HOST_PCI_SLOTS } from '../parameters.ts';
import type { Refusal } from '../refusal.ts';
import type { IoKind } from './path.ts';

/** One function of a card, in the hands of one VM. */
export interface FunctionHold {
  cardId: string;
  /** From 0. */
  index: number;
  vmId: string;
}

export interface FunctionNeed {
  vmId: string;
  /** Functions that the VM needs of each kind. */
  nic: number;
  disk: number;
}

/**
 * Takes functions for a VM, all or none; each from the card with most free ones, so that VMs spread over the lines.
 * Refused with IO-3 "no free function" for each kind that is short, with the free functions of every card.
 */
export function takeFunctions(
  cards: readonly DeviceCard[],
  taken: readonly FunctionHold[],
  need: FunctionNeed,
): { holds: FunctionHold[]; refusals: Refusal[] } {
  const holds: FunctionHold[] = [];
  const refusals: Refusal[] = [];
  for (const kind of ['nic', 'disk'] as const) {
    const ofKind = cards.filter((card) => card.kind === kind);
    const free = new Map(ofKind.map((card) => [card.id, freeFunctions(card, taken)]));
    const left = [...free.values()].reduce((sum, list) => sum + list.length, 0);
    if (left < need[kind]) {
      refusals.push(noFreeFunction(kind, need[kind], ofKind, free));
      continue;
    }
    for (let n = 0; n < need[kind]; n++) {
      const [cardId, list] = [...free].reduce((most, next) => (next[1].length > most[1].length ? next : most));
      holds.push({ cardId, index: list.shift() as number, vmId: need.vmId });
    }
  }
  return refusals.length > 0 ? { holds: [], refusals } : { holds, refusals };
}

/** Functions of a card that nobody holds, lowest first. */
export function freeFunctions(card: DeviceCard, taken: readonly FunctionHold[]): number[] {
  const used = new Set(taken.filter((hold) => hold.cardId === card.id).map((hold) => hold.index));
  return Array.from({ length: card.functions }, (_, index) => index).filter((index) => !used.has(index));
}

/** All that is wrong with the cards of a host: more than its slots, the same id twice, impossible function counts (IO-3). */
export function cardRefusals(cards: readonly DeviceCard[]): Refusal[] {
  const refusals: Refusal[] = [];
  if (cards.length > HOST_PCI_SLOTS) {
    refusals.push({
      rule: 'IO-3',
      reason: `${cards.length} cards do not fit the ${HOST_PCI_SLOTS} PCI slots of a host`,
      fix: 'take cards out, or share a card by its functions',
      figures: { cards: cards.length, slots: HOST_PCI_SLOTS },
    });
  }
  const seen = new Set<string>();
  for (const { id, functions } of cards) {
    if (seen.has(id)) {
      refusals.push({ rule: 'IO-3', reason: `card ${id} is given twice`, fix: 'give each card its own id' });
    }
    seen.add(id);
    if (Number.isInteger(functions) && functions >= 1 && functions <= CARD_MAX_FUNCTIONS) continue;
    refusals.push({
      rule: 'IO-3',
      reason: `card ${id} cannot have ${functions} functions`,
      fix: `give it 1 to ${CARD_MAX_FUNCTIONS}`,
      figures: { functions },
    });
  }
  return refusals;
}

function noFreeFunction(
  kind: IoKind,
  needed: number,
  cards: readonly DeviceCard[],
  free: ReadonlyMap<string, readonly number[]>,
): Refusal {
  const figures: Record<string, number | string> = { needed };
  for (const card of cards) figures[card.id] = `${free.get(card.id)?.length} of ${card.functions} free`;
  return {
    rule: 'IO-3',
    reason: `no free function: ${needed} of kind ${kind} needed, ${describe(cards, figures)}`,
    fix: 'use virtio, choose another host, or free a function by removing the device from a stopped VM',
    figures,
  };
}

const describe = (cards: readonly DeviceCard[], figures: Record<string, number | string>): string =>
  cards.length === 0
    ? 'the host has no such card'
    : cards.map((card) => `${card.id} has ${figures[card.id]}`).join(', ');
