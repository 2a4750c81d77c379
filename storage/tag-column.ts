/**
 * The values of one tag column by series id: a code into the column's dictionary of canonical bytes, and for columns that are not
 * text or blob the values that the entries spell. The codes are words of the table's series rows.
 *
 * Vectors handed out keep the dictionary's arrays when they grow; entries never change.
 */

import { ByteDictionary } from './byte-dictionary.js';
import { columnKind, type ColumnKind } from './column-kind.js';
import type { SeriesRows } from './series-rows.js';
import type { StoredColumn } from './table-schema.js';
import { baseForUnits } from './time-base.js';
import type { BytesVector, Vector } from './vector.js';

/** In place of a code: NULL, and a value that no series has. */
export const NULL_CODE = 0xffff_ffff;
export const UNKNOWN_CODE = 0xffff_fffe;

/** Values of a time tag that no single base holds together (more than 104 days apart at 9 digits). */
export class TagSpanError extends Error {
  readonly code = 'TAG_SPAN';
}

export class TagColumn {
  readonly column: StoredColumn;
  readonly #kind: ColumnKind;
  readonly #rows: SeriesRows;
  /** The word of a series that is its code here. */
  readonly #word: number;
  #dictionary = new ByteDictionary();
  /** Once true it stays so. */
  #hasNulls = false;
  /** What the dictionary's entries mean, for kinds other than bytes: exact doubles, or bigint where one is not. */
  #parsed: (number | bigint)[] = [];
  /** By code: the code + 1 that came after it in the section that had both, 0 = none. */
  #followers = new Uint32Array(16);
  #hasWide = false;

  constructor(column: StoredColumn, rows: SeriesRows, word: number) {
    this.column = column;
    this.#rows = rows;
    this.#word = word;
    this.#kind = columnKind(column.type);
  }

  get sizeBytes(): number {
    return this.#dictionary.sizeBytes + this.#followers.byteLength + this.#parsed.length * 16;
  }

  /** The series has this value: `source[start..end)`. */
  set(series: number, source: Uint8Array, start: number, end: number): void {
    const known = this.#dictionary.count;
    const code = this.#dictionary.add(source, start, end);
    if (code === known && this.#kind !== 'bytes') this.#parse(source, start, end);
    this.#rows.set(series, this.#word, code);
  }

  /** The series has a value that others have: its code. */
  setCode(series: number, code: number): void {
    this.#rows.set(series, this.#word, code);
  }

  setNull(series: number): void {
    this.#hasNulls = true;
    this.#rows.set(series, this.#word, NULL_CODE);
  }

  /** Code of a value, -1 when no series has it. */
  codeOf(value: Uint8Array): number {
    return this.#dictionary.find(value, 0, value.length);
  }

  /** Codes here of a section's distinct values, in their order. */
  translate(values: BytesVector, codes: Uint32Array): void {
    const { starts, data, length } = values;
    const dictionary = this.#dictionary;
    if (this.#followers.length <= dictionary.count) {
      const followers = new Uint32Array(dictionary.count * 2);
      followers.set(this.#followers);
      this.#followers = followers;
    }
    const followers = this.#followers;
    let previous = -1;
    for (let index = 0; index < length; index++) {
      const start = starts[index]!;
      const end = starts[index + 1]!;
      let code = previous === -1 ? -1 : followers[previous]! - 1;
      if (code === -1 || !dictionary.equals(code, data, start, end)) {
        code = dictionary.find(data, start, end);
        if (previous !== -1 && code !== -1) followers[previous] = code + 1;
      }
      codes[index] = code === -1 ? UNKNOWN_CODE : code;
      previous = code;
    }
  }

  /** The values behind the codes, in their order, as of now. */
  entries(): BytesVector {
    return this.#dictionary.vector();
  }

  get distinctValues(): number {
    return this.#dictionary.count;
  }

  /** A series' code, or NULL_CODE. */
  codeOrNull(series: number): number {
    return this.#rows.get(series, this.#word);
  }

  /** Of each of `series`: its code, or NULL_CODE. */
  gatherCodes(series: Uint32Array, count: number, target: Uint32Array): void {
    this.#rows.gather(series, count, this.#word, target);
  }

  /** A copy that goes its own way, over a fork of the rows; see ByteDictionary.fork. */
  fork(rows: SeriesRows): TagColumn {
    const fork = new TagColumn(this.column, rows, this.#word);
    fork.#dictionary = this.#dictionary.fork();
    fork.#hasNulls = this.#hasNulls;
    fork.#parsed = this.#parsed.slice();
    fork.#hasWide = this.#hasWide;
    return fork;
  }

  /** Values of series 0..count-1. */
  all(count: number): Vector {
    const codes = new Uint32Array(count);
    this.#rows.gatherFirst(count, this.#word, codes);
    return this.#vector(codes, count);
  }

  /** The value of each row's series. */
  rows(series: Uint32Array, length: number): Vector {
    const codes = new Uint32Array(length);
    this.#rows.gather(series, length, this.#word, codes);
    return this.#vector(codes, length);
  }

  /** What the codes stand for; the array is the vector's from now on. */
  #vector(codes: Uint32Array, length: number): Vector {
    const nulls = this.#hasNulls ? takeNulls(codes, length) : null;
    if (this.#kind === 'bytes') {
      return { kind: 'dictionary', length, codes, dictionary: this.#dictionary.vector(), nulls };
    }
    if (this.#kind === 'time') return this.#timeRows(codes, nulls, length);
    if (this.#hasWide) return this.#wideRows(codes, nulls, length);
    const values = new Float64Array(length);
    for (let row = 0; row < length; row++) {
      if (nulls === null || nulls[row] === 0) values[row] = Number(this.#parsed[codes[row]!]);
    }
    return { kind: 'number', length, values, nulls };
  }

  #wideRows(codes: Uint32Array, nulls: Uint8Array | null, length: number): Vector {
    const high = new Int32Array(length);
    const low = new Int32Array(length);
    for (let row = 0; row < length; row++) {
      if (nulls !== null && nulls[row] === 1) continue;
      const value = BigInt(this.#parsed[codes[row]!]!);
      high[row] = Number(BigInt.asIntN(32, value >> 32n));
      low[row] = Number(BigInt.asIntN(32, value));
    }
    return { kind: 'integer64', length, high, low, nulls };
  }

  #timeRows(codes: Uint32Array, nulls: Uint8Array | null, length: number): Vector {
    const offsets = new Float64Array(length);
    let base: bigint | null = null;
    for (let row = 0; row < length; row++) {
      if (nulls !== null && nulls[row] === 1) continue;
      const value = this.#parsed[codes[row]!]!;
      base ??= baseForUnits(BigInt(value), this.column.precision);
      const offset = base === 0n ? Number(value) : Number(BigInt(value) - base);
      if (!Number.isSafeInteger(offset)) {
        throw new TagSpanError('the values of a time tag are too far apart to be read together');
      }
      offsets[row] = offset;
    }
    return { kind: 'time', length, base: base ?? 0n, offsets, nulls };
  }

  #parse(source: Uint8Array, start: number, end: number): void {
    const text = Buffer.from(source.buffer, source.byteOffset + start, end - start).toString(
      'latin1',
    );
    const value = Number(text);
    if (this.#kind === 'number' || Number.isSafeInteger(value)) {
      this.#parsed.push(value);
    } else {
      this.#parsed.push(BigInt(text));
      this.#hasWide = true;
    }
  }
}

/** Flags for the NULLs among the codes, whose code becomes 0; null when there are none. */
function takeNulls(codes: Uint32Array, length: number): Uint8Array | null {
  let nulls: Uint8Array | null = null;
  for (let row = 0; row < length; row++) {
    if (codes[row] !== NULL_CODE) continue;
    nulls ??= new Uint8Array(length);
    nulls[row] = 1;
    codes[row] = 0;
  }
  return nulls;
}
