/**
 * Byte strings -> codes 0, 1, 2 ... in order of first appearance.
 *
 * The bytes lie one after another in one arena, so the dictionary is a BytesVector at any time without copying. Arrays double when
 * full; a vector handed out earlier keeps the old ones, whose entries never change. Used per batch (and then cleared) and
 * for the distinct values of a tag column.
 */

import { equalBytes, hashBytes } from './byte-hash.js';
import { HashIndex } from './hash-index.js';
import type { BytesVector } from './vector.js';

export class ByteDictionary {
  #data = new Uint8Array(256);
  #starts = new Uint32Array(17);
  #count = 0;
  readonly #index = new HashIndex();
  /** Set by `fork`: entries below `#parentCount` are found there. */
  #parent: ByteDictionary | null = null;
  #parentCount = 0;

  get count(): number {
    return this.#count;
  }

  /** The bytes of all entries, one after another; valid until the next entry is added. */
  get data(): Uint8Array {
    return this.#data;
  }

  /** Where entry i starts in `data`, and at i + 1 where it ends; valid until the next entry is added. */
  get starts(): Uint32Array {
    return this.#starts;
  }

  /** Bytes of all entries together. */
  get dataBytes(): number {
    return this.#starts[this.#count]!;
  }

  /** Memory held, arrays at their capacity. */
  get sizeBytes(): number {
    return this.#data.length + this.#starts.byteLength + this.#index.sizeBytes;
  }

  /** Code of `source[start..end)`, or -1. */
  find(source: Uint8Array, start: number, end: number): number {
    return this.#find(hashBytes(source, start, end), source, start, end);
  }

  /** Code of `source[start..end)`, which becomes an entry when it is new (then the code is the old `count`). */
  add(source: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(source, start, end);
    const known = this.#find(hash, source, start, end);
    if (known !== -1) return known;
    const code = this.#count;
    const at = this.#starts[code]!;
    const length = end - start;
    this.#makeRoom(at + length);
    const data = this.#data;
    for (let index = 0; index < length; index++) data[at + index] = source[start + index]!;
    this.#starts[code + 1] = at + length;
    this.#count = code + 1;
    this.#index.insert(hash, code);
    return code;
  }

  /** True when entry `code` is `source[start..end)`. */
  equals(code: number, source: Uint8Array, start: number, end: number): boolean {
    const at = this.#starts[code]!;
    const length = this.#starts[code + 1]! - at;
    return length === end - start && equalBytes(this.#data, at, source, start, length);
  }

  /** Length of an entry. */
  bytesOf(code: number): number {
    return this.#starts[code + 1]! - this.#starts[code]!;
  }

  /** All entries as of now. */
  vector(): BytesVector {
    return {
      kind: 'bytes',
      length: this.#count,
      starts: this.#starts,
      data: this.#data,
      nulls: null,
    };
  }

  /** A dictionary that begins with this one's entries as of now and goes its own way. Never cleared. */
  fork(): ByteDictionary {
    const fork = new ByteDictionary();
    fork.#data = this.#data.slice(0, Math.max(256, this.dataBytes));
    fork.#starts = this.#starts.slice(0, Math.max(17, this.#count + 1));
    fork.#count = this.#count;
    fork.#parent = this;
    fork.#parentCount = this.#count;
    return fork;
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#count = 0;
    this.#index.clear();
  }

  #find(hash: number, source: Uint8Array, start: number, end: number): number {
    if (this.#parent !== null) {
      const code = this.#parent.#find(hash, source, start, end);
      if (code !== -1 && code < this.#parentCount) return code;
    }
    const length = end - start;
    const starts = this.#starts;
    for (let code = this.#index.first(hash); code !== -1; code = this.#index.next()) {
      const at = starts[code]!;
      if (starts[code + 1]! - at === length && equalBytes(this.#data, at, source, start, length)) {
        return code;
      }
    }
    return -1;
  }

  #makeRoom(dataBytes: number): void {
    if (dataBytes > this.#data.length) {
      let size = this.#data.length * 2;
      while (size < dataBytes) size *= 2;
      const grown = new Uint8Array(size);
      grown.set(this.#data);
      this.#data = grown;
    }
    if (this.#count + 2 > this.#starts.length) {
      const grown = new Uint32Array(this.#starts.length * 2);
      grown.set(this.#starts);
      this.#starts = grown;
    }
  }
}
