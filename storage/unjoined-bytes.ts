/** Bytes of which long stretches still lie where they came from: put together a slice at a time, which one copy in one go is too long for. */

import { copyInSlices } from './slice-bytes.js';

/** source[start..end), which belongs before byte `at` of what was written. */
export interface LentBytes {
  readonly at: number;
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export class UnjoinedBytes {
  /** All but what was lent. */
  readonly written: Uint8Array;
  readonly length: number;
  /** In the order of their places. */
  readonly #lent: readonly LentBytes[];

  constructor(written: Uint8Array, lent: readonly LentBytes[]) {
    this.written = written;
    this.#lent = lent;
    this.length = lent.reduce((sum, { start, end }) => sum + end - start, written.length);
  }

  /** Puts them together; yields behind each slice the bytes that it had. What was lent must not change meanwhile. */
  *join(): Generator<number, Uint8Array> {
    const { written } = this;
    if (this.#lent.length === 0) return written;
    const joined = new Uint8Array(this.length);
    let from = 0;
    let to = 0;
    for (const { at, source, start, end } of this.#lent) {
      yield* copyInSlices(joined, to, written, from, at);
      to += at - from;
      from = at;
      yield* copyInSlices(joined, to, source, start, end);
      to += end - start;
    }
    yield* copyInSlices(joined, to, written, from, written.length);
    return joined;
  }
}
