import { VIRTIO_RING_MAX, VIRTIO_RING_SIZE } from '../parameters.ts';
import { Refused } from '../refusal.ts';

/**
 * The I/O shared ring (IO-1, IO-2) as virtio has it. The front end puts requests in, the backend takes them in order, and
 * a descriptor is free again when its request is completed. While the backend polls, it does not want to be notified.
 */
export class SharedRing<T> {
  readonly capacity: number;
  readonly #descriptors: (T | undefined)[];
  // Running counts of requests put, taken and completed; a descriptor is a count modulo the capacity.
  #put = 0;
  #taken = 0;
  #completed = 0;
  #polling = false;
  #notifications = 0;

  /** @throws Refused IO-2 unless the capacity is a power of two up to 32 768, as virtio demands. */
  constructor(capacity: number = VIRTIO_RING_SIZE) {
    if (!(capacity >= 1 && capacity <= VIRTIO_RING_MAX && Number.isInteger(Math.log2(capacity)))) {
      throw new Refused({
        rule: 'IO-2',
        reason: `a ring cannot have ${capacity} descriptors`,
        fix: `use a power of two up to ${VIRTIO_RING_MAX}`,
        figures: { capacity },
      });
    }
    this.capacity = capacity;
    this.#descriptors = new Array(capacity);
  }

  /** Requests whose descriptors are in use: waiting, or with the backend. */
  get used(): number {
    return this.#put - this.#completed;
  }

  /** Notifications that reached the backend so far. */
  get notifications(): number {
    return this.#notifications;
  }

  /** False when no descriptor is free: the front end has to wait, nothing is overwritten. */
  put(request: T): boolean {
    if (this.used === this.capacity) return false;
    this.#descriptors[this.#put++ % this.capacity] = request;
    return true;
  }

  /** The front end says that there is work. True when it costs a notification, false when that is needless. */
  kick(): boolean {
    if (this.#polling || this.#put === this.#taken) return false;
    this.#polling = true;
    this.#notifications++;
    return true;
  }

  /** The next request for the backend; undefined when it sleeps or finds none, and then it sleeps until the next kick. */
  take(): T | undefined {
    if (!this.#polling) return undefined;
    if (this.#taken === this.#put) {
      this.#polling = false;
      return undefined;
    }
    return this.#descriptors[this.#taken++ % this.capacity];
  }

  /** The backend is done with the oldest request that it took. False when it holds none. */
  complete(): boolean {
    if (this.#completed === this.#taken) return false;
    this.#descriptors[this.#completed++ % this.capacity] = undefined;
    return true;
  }
}
