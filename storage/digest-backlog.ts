/** Hashes what appending leaves to be hashed of large records, a slice a turn of the event loop. */

import type { Timers } from './ports.js';
import type { SegmentDigest } from './segment-digest.js';

export class DigestBacklog {
  readonly #timers: Timers;
  /** Whose backlog is being hashed. */
  #hashing: SegmentDigest | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Something was added to the digest; goes on until all of it is hashed. */
  added(digest: SegmentDigest): void {
    if (digest.hasBacklog && this.#hashing !== digest) void this.#hash(digest);
  }

  async #hash(digest: SegmentDigest): Promise<void> {
    this.#hashing = digest;
    while (digest.hasBacklog) {
      await this.#timers.yieldTurn();
      digest.step();
    }
    if (this.#hashing === digest) this.#hashing = null;
  }
}
