/** A growing bytes vector: what text functions and conversions to text write into. */

import type { BytesVector } from '../../storage/index.js';
import type { Nulls } from './exec-vector.js';

const INITIAL_BYTES = 1024;
const encoder = new TextEncoder();

export class BytesSink {
  /** Where the next bytes go: write at `data[at]` after `reserve`, then move `at`. */
  data: Uint8Array;
  at = 0;
  readonly #starts: Uint32Array;
  #rows = 0;

  /** `rows` is the exact number of rows to come. */
  constructor(rows: number) {
    this.data = new Uint8Array(Math.max(INITIAL_BYTES, rows * 8));
    this.#starts = new Uint32Array(rows + 1);
  }

  reserve(bytes: number): void {
    if (this.at + bytes <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.at + bytes, this.data.length * 2));
    grown.set(this.data.subarray(0, this.at));
    this.data = grown;
  }

  text(text: string): void {
    this.reserve(text.length * 3);
    this.at += encoder.encodeInto(text, this.data.subarray(this.at)).written;
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    const { data } = this;
    let at = this.at;
    for (let i = start; i < end; i++) data[at++] = source[i]!;
    this.at = at;
  }

  endRow(): void {
    this.#rows += 1;
    this.#starts[this.#rows] = this.at;
  }

  finish(nulls: Nulls): BytesVector {
    return { kind: 'bytes', length: this.#rows, starts: this.#starts, data: this.data, nulls };
  }
}
