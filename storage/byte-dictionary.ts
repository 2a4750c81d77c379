/**
 * Byte strings -> codes 0, 1, 2 ... in order of first appearance.
 *
 * The bytes lie one after another in one arena, so the dictionary is a BytesVector at any time without copying. A vector handed out
 * earlier keeps its arrays when they grow; its entries never change. Used per batch (and then cleared) and for the distinct
 * values of a tag column.
 */

import { AppendArray } from './append-array.js';
import { copyBytes, equalBytes, hashBytes, viewOf } from './byte-hash.js';
import { firstSlot, HashIndex, nextSlot } from './hash-index.js';
import type { BytesVector } from './vector.js';

export class ByteDictionary {
  readonly #dataMemory: AppendArray<Uint8Array>;
  readonly #startsMemory: AppendArray<Uint32Array>;
  #data: Uint8Array;
  /** Of `#data`. */
  #view: DataView;
  #starts: Uint32Array;
  #count = 0;
  readonly #index: HashIndex;
  /** Set by `fork`: entries below `#parentCount` are found there. */
  #parent: ByteDictionary | null = null;
  #parentCount = 0;

  /** Room for so many entries and bytes from the start: a successor of a dictionary of that size need not grow again. */
  constructor(entries = 16, dataBytes = 256) {
    this.#dataMemory = new AppendArray(dataBytes, (length) => new Uint8Array(length));
    this.#startsMemory = new AppendArray(entries + 1, (length) => new Uint32Array(length));
    this.#index = new HashIndex(entries);
    this.#data = this.#dataMemory.array;
    this.#view = new DataView(this.#data.buffer);
    this.#starts = this.#startsMemory.array;
  }

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
    return this.#dataMemory.sizeBytes + this.#startsMemory.sizeBytes + this.#index.sizeBytes;
  }

  /** Code of `source[start..end)`, or -1. */
  find(source: Uint8Array, start: number, end: number): number {
    const view = viewOf(source);
    return this.findHashed(hashBytes(view, start, end), view, start, end);
  }

  /** Code of `source[start..end)`, which has this `hashBytes`, or -1. */
  findHashed(hash: number, source: DataView, start: number, end: number): number {
    if (this.#parent !== null) {
      const code = this.#parent.findHashed(hash, source, start, end);
      if (code !== -1 && code < this.#parentCount) return code;
    }
    const length = end - start;
    const starts = this.#starts;
    const slots = this.#index.slotsOf(hash);
    for (let slot = firstSlot(hash, slots); ; slot = nextSlot(slot, slots)) {
      const code = slots[slot + 1]! - 1;
      if (code === -1) return -1;
      if (slots[slot] !== hash) continue;
      const at = starts[code]!;
      if (starts[code + 1]! - at === length && equalBytes(this.#view, at, source, start, length)) {
        return code;
      }
    }
  }

  /** Code of `source[start..end)`, which becomes an entry when it is new (then the code is the old `count`). */
  add(source: Uint8Array, start: number, end: number): number {
    const view = viewOf(source);
    const hash = hashBytes(view, start, end);
    const known = this.findHashed(hash, view, start, end);
    return known === -1 ? this.insertHashed(hash, view, start, end) : known;
  }

  /** Makes `source[start..end)`, which has this `hashBytes` and is no entry yet, one; returns its code. */
  insertHashed(hash: number, view: DataView, start: number, end: number): number {
    const code = this.#count;
    const at = this.#starts[code]!;
    const length = end - start;
    this.#makeRoom(at, length);
    copyBytes(view, start, end, this.#view, at);
    this.#starts[code + 1] = at + length;
    this.#count = code + 1;
    this.#index.insert(hash, code);
    return code;
  }

  /** True when entry `code` is `source[start..end)`. */
  equals(code: number, source: Uint8Array, start: number, end: number): boolean {
    const at = this.#starts[code]!;
    const length = this.#starts[code + 1]! - at;
    return length === end - start && equalBytes(this.#view, at, viewOf(source), start, length);
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
    const fork = new ByteDictionary(this.#count + 16, this.dataBytes + 256);
    fork.#data.set(this.#data.subarray(0, this.dataBytes));
    fork.#starts.set(this.#starts.subarray(0, this.#count + 1));
    fork.#count = this.#count;
    fork.#parent = this;
    fork.#parentCount = this.#count;
    return fork;
  }

  /** An empty one with room for as much as is here. */
  successor(): ByteDictionary {
    return new ByteDictionary(this.#starts.length - 1, this.#data.length);
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#count = 0;
    this.#index.clear();
    this.#dataMemory.restart();
    this.#startsMemory.restart();
  }

  #makeRoom(dataBytes: number, more: number): void {
    if (this.#dataMemory.reserve(dataBytes, more)) {
      this.#data = this.#dataMemory.array;
      this.#view = new DataView(this.#data.buffer);
    }
    // An entry's end is the start of the next one.
    if (this.#startsMemory.reserve(this.#count + 1, 1)) this.#starts = this.#startsMemory.array;
  }
}
