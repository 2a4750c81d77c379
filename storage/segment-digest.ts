/**
 * The digest of a segment: sha-256 over its record bytes, as they come.
 *
 * Appends are small and a digest step has a price of its own, so consecutive bytes are gathered and hashed 64 KiB at a time. A record of
 * megabytes is hashed a slice at a time (`step`), or it would hold up the event loop for milliseconds. A segment whose beginning this node does not have gets no digest.
 */

import { createHash } from 'node:crypto';

const STEP_BYTES = 64 * 1024;
/** About half a millisecond. */
const SLICE_BYTES = 512 * 1024;

export class SegmentDigest {
  readonly #hash = createHash('sha256');
  #source: Uint8Array | null = null;
  #from = 0;
  #to = 0;

  /** The next record bytes are source[from, to). They must not change. */
  add(source: Uint8Array, from: number, to: number): void {
    if (source !== this.#source || from !== this.#to) {
      this.flush();
      this.#source = source;
      this.#from = from;
    }
    this.#to = to;
    this.step();
  }

  /** There are bytes that `step` would hash. */
  get hasBacklog(): boolean {
    return this.#to - this.#from >= STEP_BYTES;
  }

  /** Hashes a slice of what was added and is not hashed yet. */
  step(): void {
    if (this.#source === null || !this.hasBacklog) return;
    const end = Math.min(this.#to, this.#from + SLICE_BYTES);
    this.#hash.update(this.#source.subarray(this.#from, end));
    this.#from = end;
  }

  /** 64 hex digits over everything added so far; more may be added afterwards. */
  value(): string {
    this.flush();
    return this.#hash.copy().digest('hex');
  }

  /** Hashes what was gathered: the source may change afterwards. */
  flush(): void {
    if (this.#source !== null && this.#to > this.#from) {
      this.#hash.update(this.#source.subarray(this.#from, this.#to));
    }
    this.#from = this.#to;
  }
}
