/**
 * What stands behind the last row, or behind a fault: collected only to be quoted.
 *
 * MySQL quotes 80 characters. They may arrive in later chunks, and the error must not depend on where a chunk ends.
 */

import type { SqlError } from '../../protocol/index.js';
import { notSupported, syntaxErrorNear } from './statement-error.js';

/** 80 characters of at most four bytes. */
const NEAR_BYTES_MAX = 320;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class ScanTail {
  readonly #bytes = new Uint8Array(NEAR_BYTES_MAX);
  readonly #isFault: boolean;
  readonly #line: number;
  #length = 0;

  /** `isFault`: no clause could stand here. `line`: of the first byte. */
  constructor(isFault: boolean, line: number) {
    this.#isFault = isFault;
    this.#line = line;
  }

  /** True when more bytes would not be quoted. */
  get isFull(): boolean {
    return this.#length === NEAR_BYTES_MAX;
  }

  /** Returns how many bytes it took. */
  collect(buf: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, NEAR_BYTES_MAX - this.#length);
    this.#bytes.set(buf.subarray(start, start + count), this.#length);
    this.#length += count;
    return count;
  }

  /** 1235 for the clauses of INSERT that are not built, else 1064. */
  error(): SqlError {
    const text = decoder.decode(this.#bytes.subarray(0, this.#length));
    if (!this.#isFault) {
      if (/^(on\s+duplicate|as)\b/i.test(text)) return notSupported('ON DUPLICATE KEY UPDATE');
      if (/^on\s+conflict\b/i.test(text)) return notSupported('ON CONFLICT');
      if (/^returning\b/i.test(text)) return notSupported('RETURNING');
    }
    return syntaxErrorNear(text, this.#line);
  }
}
