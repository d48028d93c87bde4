import { BASE_PAGE_BYTES, MACHINE_ADDRESS_END } from '../parameters.ts';
import { Refused } from '../refusal.ts';

/** Memory as 8-byte words by address. What was never written reads 0. */
export interface Words {
  read(address: number): number;
  write(address: number, word: number): void;
}

/** Free memory of one address space. */
export interface Frames {
  /** Takes a free aligned frame and answers its address. `bytes` defaults to one base page. Refused when none is left. */
  take(bytes?: number): number;
  /** Gives a frame of one base page back. */
  give(address: number): void;
}

/** The memory of a host, by machine address (HPA). */
export interface Machine {
  words: Words;
  frames: Frames;
}

/** A place for page tables: where they are taken from, and how their entries are read and written. */
export interface TableSpace {
  takeFrame(): number;
  giveFrame(address: number): void;
  read(address: number): number;
  write(address: number, word: number): void;
}

export function createWords(): Words {
  const words = new Map<number, number>();
  return {
    read: (address) => words.get(address) ?? 0,
    write: (address, word) => void words.set(address, word),
  };
}

/** The frames between two addresses, bytes. `rule` and `what` name the space when it is full. */
export function createFrames(from: number, to: number, rule: string, what: string): Frames {
  const returned: number[] = [];
  let next = from;
  return {
    take(bytes = BASE_PAGE_BYTES) {
      const again = bytes === BASE_PAGE_BYTES ? returned.pop() : undefined;
      if (again !== undefined) return again;
      const address = Math.ceil(next / bytes) * bytes;
      if (address + bytes > to)
        throw new Refused({
          rule,
          reason: `${what} has no free frame of ${bytes} bytes`,
          fix: 'unmap pages, or give it more memory',
          figures: { bytes, spaceBytes: to - from },
        });
      next = address + bytes;
      return address;
    },
    give: (address) => void returned.push(address),
  };
}

export function createMachine(): Machine {
  return { words: createWords(), frames: createFrames(0, MACHINE_ADDRESS_END, 'MEM-9', 'the machine') };
}

/** Tables that stand in the memory of the host itself. */
export function machineSpace({ words, frames }: Machine): TableSpace {
  return { takeFrame: () => frames.take(), giveFrame: frames.give, read: words.read, write: words.write };
}
