/**
 * The values of one tag column by series id: a code into the column's dictionary of canonical bytes, and for columns that are not
 * text or blob the values that the entries spell.
 *
 * Arrays double when full; vectors handed out keep the old ones, whose entries never change.
 */

import { ByteDictionary } from './byte-dictionary.js';
import { columnKind, type ColumnKind } from './column-kind.js';
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
  #dictionary = new ByteDictionary();
  #codes = new Uint32Array(16);
  #nulls: Uint8Array | null = null;
  #count = 0;
  /** What the dictionary's entries mean, for kinds other than bytes: exact doubles, or bigint where one is not. */
  #parsed: (number | bigint)[] = [];
  /** By code: the code + 1 that came after it in the section that had both, 0 = none. */
  #followers = new Uint32Array(16);
  #hasWide = false;

  constructor(column: StoredColumn) {
    this.column = column;
    this.#kind = columnKind(column.type);
  }

  get sizeBytes(): number {
    return (
      this.#dictionary.sizeBytes +
      this.#codes.byteLength +
      this.#followers.byteLength +
      (this.#nulls?.length ?? 0) +
      this.#parsed.length * 16
    );
  }

  /** The next series has this value: `source[start..end)`. */
  append(source: Uint8Array, start: number, end: number): void {
    const known = this.#dictionary.count;
    const code = this.#dictionary.add(source, start, end);
    if (code === known && this.#kind !== 'bytes') this.#parse(source, start, end);
    this.#push(code);
  }

  appendNull(): void {
    this.#push(0);
    this.#nulls ??= new Uint8Array(this.#codes.length);
    this.#nulls[this.#count - 1] = 1;
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

  /** A series' code, or NULL_CODE. */
  codeOrNull(series: number): number {
    const nulls = this.#nulls;
    return nulls !== null && nulls[series] === 1 ? NULL_CODE : this.#codes[series]!;
  }

  get distinctValues(): number {
    return this.#dictionary.count;
  }

  isNull(series: number): boolean {
    return this.#nulls !== null && this.#nulls[series] === 1;
  }

  code(series: number): number {
    return this.#codes[series]!;
  }

  /** A copy that goes its own way; see ByteDictionary.fork. */
  fork(): TagColumn {
    const fork = new TagColumn(this.column);
    fork.#dictionary = this.#dictionary.fork();
    fork.#codes = this.#codes.slice();
    fork.#nulls = this.#nulls?.slice() ?? null;
    fork.#count = this.#count;
    fork.#parsed = this.#parsed.slice();
    fork.#hasWide = this.#hasWide;
    return fork;
  }

  /** Values of series 0..count-1. */
  all(count: number): Vector {
    if (this.#kind === 'bytes') {
      const nulls = this.#nulls === null ? null : this.#nulls.subarray(0, count);
      return {
        kind: 'dictionary',
        length: count,
        codes: this.#codes.subarray(0, count),
        dictionary: this.#dictionary.vector(),
        nulls,
      };
    }
    const series = new Uint32Array(count);
    for (let index = 0; index < count; index++) series[index] = index;
    return this.rows(series, count);
  }

  /** The value of each row's series. */
  rows(series: Uint32Array, length: number): Vector {
    const codes = new Uint32Array(length);
    const source = this.#codes;
    for (let row = 0; row < length; row++) codes[row] = source[series[row]!]!;
    const nulls = this.#rowNulls(series, length);
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

  #rowNulls(series: Uint32Array, length: number): Uint8Array | null {
    if (this.#nulls === null) return null;
    const nulls = new Uint8Array(length);
    let count = 0;
    for (let row = 0; row < length; row++) count += nulls[row] = this.#nulls[series[row]!]!;
    return count === 0 ? null : nulls;
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

  #push(code: number): void {
    if (this.#count === this.#codes.length) {
      const codes = new Uint32Array(this.#count * 2);
      codes.set(this.#codes);
      this.#codes = codes;
      if (this.#nulls !== null) {
        const nulls = new Uint8Array(this.#count * 2);
        nulls.set(this.#nulls);
        this.#nulls = nulls;
      }
    }
    this.#codes[this.#count++] = code;
  }
}
