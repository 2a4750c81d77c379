/**
 * Values of one column to dense ids 0, 1, 2, ... in the order of first sight: what GROUP BY and DISTINCT hash.
 *
 * One open-addressing table of 32-bit slots per column (0 = empty, else id + 1), keys in growing typed arrays. Several columns
 * are combined two by two: (id, id) -> id. NULL is a value of its own here.
 */

import type { BytesVector } from '../../storage/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import { foldBytes } from './caseless-text.js';
import {
  bigintAt,
  bytesAt,
  isNullAt,
  isUnsigned,
  splitTime,
  unitOf,
  valueAt,
  type ExecVector,
} from './exec-vector.js';
import { grownBytes, grownFloats, grownWords } from './growing-array.js';
import { integerValue, isBytes, type SqlValue } from './sql-value.js';
import { VectorBuilder } from './vector-builder.js';

export interface KeyInterner {
  /** Ids of rows 0..length into `out`. */
  intern(vector: ExecVector, length: number, out: Uint32Array): void;
  readonly count: number;
  /** The values of these ids. */
  values(ids: Uint32Array, from: number, to: number): ExecVector;
  sizeBytes(): number;
}

const SHARD_BITS = 6;
const SHARDS = 1 << SHARD_BITS;
const SHARD_SLOTS_MIN = 16;

/**
 * The slots, in shards by the top bits of the hash; the owner of the keys does the comparing. A shard grows on its own and at a fill of its
 * own (40 to 70 %), so that a table of a million keys never stops the event loop to double all at once.
 */
class SlotTable {
  readonly #shards: Uint32Array[] = Array.from(
    { length: SHARDS },
    () => new Uint32Array(SHARD_SLOTS_MIN),
  );
  readonly #counts = new Uint32Array(SHARDS);
  #slotCount = SHARDS * SHARD_SLOTS_MIN;

  /** Look for a key from place `hash & (length - 1)` on, until an empty slot. */
  slotsOf(hash: number): Uint32Array {
    return this.#shards[hash >>> (32 - SHARD_BITS)]!;
  }

  /** Puts `id` into the empty slot `at` of the hash's shard. `hashOf` gives the hash of an id. */
  put(hash: number, at: number, id: number, hashOf: (id: number) => number): void {
    const shard = hash >>> (32 - SHARD_BITS);
    const slots = this.#shards[shard]!;
    slots[at] = id + 1;
    const count = this.#counts[shard]! + 1;
    this.#counts[shard] = count;
    if (count > slots.length * (0.4 + (0.3 * shard) / SHARDS)) this.#grow(shard, slots, hashOf);
  }

  sizeBytes(): number {
    return this.#slotCount * 4;
  }

  #grow(shard: number, slots: Uint32Array, hashOf: (id: number) => number): void {
    const grown = new Uint32Array(slots.length * 2);
    const mask = grown.length - 1;
    for (const slot of slots) {
      if (slot === 0) continue;
      let at = hashOf(slot - 1) & mask;
      while (grown[at] !== 0) at = (at + 1) & mask;
      grown[at] = slot;
    }
    this.#shards[shard] = grown;
    this.#slotCount += slots.length;
  }
}

function mix(a: number, b: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Pairs of numbers: two ids, a number and 0, or seconds and fraction. */
export class PairInterner {
  readonly #table = new SlotTable();
  readonly #scratch = new DataView(new ArrayBuffer(8));
  #first: Float64Array = new Float64Array(0);
  #second: Float64Array = new Float64Array(0);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  first(id: number): number {
    return this.#first[id]!;
  }

  second(id: number): number {
    return this.#second[id]!;
  }

  /** The id of the pair; new pairs get the next one. */
  intern(first: number, second: number): number {
    const a = first + 0;
    const hash = this.#hash(a, second);
    const slots = this.#table.slotsOf(hash);
    const mask = slots.length - 1;
    let at = hash & mask;
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      if (this.#first[slot - 1] === a && this.#second[slot - 1] === second) return slot - 1;
      at = (at + 1) & mask;
    }
    const id = this.#count;
    this.#count = id + 1;
    this.#first = grownFloats(this.#first, id + 1);
    this.#second = grownFloats(this.#second, id + 1);
    this.#first[id] = a;
    this.#second[id] = second;
    this.#table.put(hash, at, id, (known) => this.#hash(this.#first[known]!, this.#second[known]!));
    return id;
  }

  sizeBytes(): number {
    return this.#first.byteLength * 2 + this.#table.sizeBytes();
  }

  #hash(a: number, b: number): number {
    // Most keys are small integers; the bits of a double are read only for others.
    if (a === (a | 0) && b === (b | 0)) return mix(a | 0, b | 0);
    this.#scratch.setFloat64(0, a);
    const high = this.#scratch.getInt32(0);
    return mix(mix(high, this.#scratch.getInt32(4)), b | 0);
  }
}

/** Byte strings, kept back to back. */
class BytesInterner {
  readonly #table = new SlotTable();
  #starts: Uint32Array = new Uint32Array(64);
  #hashes: Uint32Array = new Uint32Array(64);
  #data: Uint8Array = new Uint8Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  bytes(id: number): Uint8Array {
    return this.#data.subarray(this.#starts[id], this.#starts[id + 1]);
  }

  intern(source: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
    hash = mix(hash, end - start);
    const slots = this.#table.slotsOf(hash);
    const mask = slots.length - 1;
    let at = hash & mask;
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      if (this.#hashes[slot - 1] === hash && this.#isEqual(slot - 1, source, start, end))
        return slot - 1;
      at = (at + 1) & mask;
    }
    return this.#insert(hash, at, source, start, end);
  }

  #insert(hash: number, at: number, source: Uint8Array, start: number, end: number): number {
    const id = this.#count;
    this.#count = id + 1;
    const from = this.#starts[id]!;
    const to = from + end - start;
    this.#starts = grownWords(this.#starts, id + 2);
    this.#hashes = grownWords(this.#hashes, id + 1);
    this.#data = grownBytes(this.#data, to);
    this.#data.set(source.subarray(start, end), from);
    this.#starts[id + 1] = to;
    this.#hashes[id] = hash;
    this.#table.put(hash, at, id, (known) => this.#hashes[known]!);
    return id;
  }

  sizeBytes(): number {
    return this.#data.byteLength + this.#starts.byteLength * 2 + this.#table.sizeBytes();
  }

  #isEqual(id: number, source: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[id]!;
    if (this.#starts[id + 1]! - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) if (this.#data[j] !== source[i]) return false;
    return true;
  }
}

/** Above every 32-bit half: tells the pair of a large integer from a plain number. */
const LARGE_MARK = 2 ** 33;

/** Id 0 of every column is NULL, so that ids of values begin at 1. */
class NumberKeys implements KeyInterner {
  readonly #pairs = new PairInterner();
  readonly #type: SqlType;

  constructor(type: SqlType) {
    this.#type = type;
  }

  get count(): number {
    return this.#pairs.count + 1;
  }

  intern(vector: ExecVector, length: number, out: Uint32Array): void {
    if (vector.kind === 'number') {
      const { values, nulls } = vector;
      let last = NaN;
      let lastId = 0;
      for (let i = 0; i < length; i++) {
        if (nulls !== null && nulls[i] === 1) out[i] = 0;
        else {
          // Neighbours are often equal: buckets of time, rows of one series.
          if (values[i] !== last) {
            last = values[i]!;
            lastId = this.#pairs.intern(last, 0) + 1;
          }
          out[i] = lastId;
        }
      }
      return;
    }
    if (vector.kind === 'integer64') {
      this.#internLarge(vector, length, out);
      return;
    }
    const { seconds, fractions } = splitTime(vector, unitOf(this.#type));
    for (let i = 0; i < length; i++) {
      out[i] = isNullAt(vector, i) ? 0 : this.#pairs.intern(seconds[i]!, fractions[i]!) + 1;
    }
  }

  /** Safe integers have the same key in either kind of vector; others are the pair of their halves, the low one marked. */
  #internLarge(vector: ExecVector, length: number, out: Uint32Array): void {
    for (let i = 0; i < length; i++) {
      if (isNullAt(vector, i)) {
        out[i] = 0;
        continue;
      }
      const value = integerValue(bigintAt(vector, i, isUnsigned(this.#type)));
      const id =
        typeof value === 'number'
          ? this.#pairs.intern(value, 0)
          : this.#pairs.intern(Number(value >> 32n), Number(value & 0xffffffffn) + LARGE_MARK);
      out[i] = id + 1;
    }
  }

  values(ids: Uint32Array, from: number, to: number): ExecVector {
    const builder = new VectorBuilder(this.#type, to - from);
    const isTime = this.#type.kind === 'datetime' || this.#type.kind === 'timestamp';
    const unit = BigInt(unitOf(this.#type));
    for (let i = from; i < to; i++) {
      const id = ids[i]! - 1;
      if (id < 0) builder.append(null);
      else if (isTime) {
        builder.append(BigInt(this.#pairs.first(id)) * unit + BigInt(this.#pairs.second(id)));
      } else if (this.#pairs.second(id) === 0) builder.append(this.#pairs.first(id));
      else {
        const low = BigInt(this.#pairs.second(id) - LARGE_MARK);
        builder.append((BigInt(this.#pairs.first(id)) << 32n) | low);
      }
    }
    return builder.finish();
  }

  sizeBytes(): number {
    return this.#pairs.sizeBytes();
  }
}

class TextKeys implements KeyInterner {
  readonly #type: SqlType;
  readonly #interner = new BytesInterner();
  /** Under a _ci collation: the first spelling of each id. */
  readonly #spellings: Uint8Array[] | null;
  /** Codes of the dictionary seen last, as ids + 1; 0 = not asked yet. */
  #dictionary: BytesVector | null = null;
  #known: Uint32Array = new Uint32Array(0);

  constructor(type: SqlType, isCaseless: boolean) {
    this.#type = type;
    this.#spellings = isCaseless ? [] : null;
  }

  get count(): number {
    return this.#interner.count + 1;
  }

  intern(vector: ExecVector, length: number, out: Uint32Array): void {
    if (vector.kind === 'dictionary') {
      if (vector.dictionary !== this.#dictionary) {
        this.#dictionary = vector.dictionary;
        this.#known = new Uint32Array(vector.dictionary.length);
      }
      const known = this.#known;
      for (let i = 0; i < length; i++) {
        if (isNullAt(vector, i)) {
          out[i] = 0;
          continue;
        }
        const code = vector.codes[i]!;
        if (known[code] === 0) known[code] = this.#idOf(bytesAt(vector.dictionary, code)) + 1;
        out[i] = known[code]!;
      }
      return;
    }
    for (let i = 0; i < length; i++) {
      out[i] = isNullAt(vector, i) ? 0 : this.#idOf(bytesAt(vector, i)) + 1;
    }
  }

  #idOf(bytes: Uint8Array): number {
    if (this.#spellings === null) return this.#interner.intern(bytes, 0, bytes.length);
    const folded = foldBytes(bytes);
    const id = this.#interner.intern(folded, 0, folded.length);
    this.#spellings[id] ??= bytes.slice();
    return id;
  }

  values(ids: Uint32Array, from: number, to: number): ExecVector {
    const builder = new VectorBuilder(this.#type, to - from);
    for (let i = from; i < to; i++) {
      const id = ids[i]! - 1;
      builder.append(id < 0 ? null : (this.#spellings?.[id] ?? this.#interner.bytes(id)));
    }
    return builder.finish();
  }

  sizeBytes(): number {
    return this.#interner.sizeBytes() + this.#known.byteLength;
  }
}

/** Decimals: a Map, since their digits have no bound. */
class DecimalKeys implements KeyInterner {
  readonly #type: SqlType;
  readonly #ids = new Map<SqlValue, number>();
  readonly #values: SqlValue[] = [null];

  constructor(type: SqlType) {
    this.#type = type;
  }

  get count(): number {
    return this.#values.length;
  }

  intern(vector: ExecVector, length: number, out: Uint32Array): void {
    for (let i = 0; i < length; i++) {
      const value = valueAt(vector, this.#type, i);
      if (value === null) {
        out[i] = 0;
        continue;
      }
      let id = this.#ids.get(value);
      if (id === undefined) {
        id = this.#values.push(value) - 1;
        this.#ids.set(value, id);
      }
      out[i] = id;
    }
  }

  values(ids: Uint32Array, from: number, to: number): ExecVector {
    const builder = new VectorBuilder(this.#type, to - from);
    for (let i = from; i < to; i++) builder.append(this.#values[ids[i]!]!);
    return builder.finish();
  }

  sizeBytes(): number {
    return this.#values.length * 96;
  }
}

export function keyInterner(type: SqlType, isCaseless: boolean): KeyInterner {
  if (isBytes(type)) return new TextKeys(type, isCaseless && type.kind !== 'blob');
  if (type.kind === 'decimal') return new DecimalKeys(type);
  return new NumberKeys(type);
}
