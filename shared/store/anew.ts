/** What was read has changed before it was written: the request is decided anew from what is there now. */
export class Raced extends Error {
  /** What to answer when it changes faster than it can be decided. */
  readonly refusal: Error;
  constructor(refusal: Error) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** Times that one request is decided. */
const ATTEMPTS = 8;

/** Reads, decides and writes until nobody comes between. @throws the refusal of the last race */
export async function decideAnew<T>(once: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof Raced)) throw error;
      if (attempt === ATTEMPTS) throw error.refusal;
    }
  }
}
