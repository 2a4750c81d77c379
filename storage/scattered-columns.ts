/**
 * Columns of many pages brought into the order of a flush, one column at a time.
 *
 * Rows lie as they arrived (all series of one instant after another) and leave sorted by series. Picking them in the new order touches another
 * page with every value; going through the old order and putting each value where it belongs reads memory as it lies and writes to a few
 * places that move on steadily, which is several times faster. `place` says where: by handle, the row's number in the new order.
 */

import type { ArrayLease } from './array-pool.js';
import type { RowPlaces } from './flush-order.js';
import { HANDLE_SHIFT, type Page } from './page.js';
import type { Vector } from './vector.js';

const TWO_32 = 2 ** 32;

/** How a column can be brought into order. */
export type ColumnShape =
  /** NULL in every row. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'number' | 'integer64' }
  | { readonly kind: 'time'; readonly base: bigint }
  /** Strings: picked block by block. */
  | { readonly kind: 'strings' }
  /** Time bases differ: the rows of a block must be chosen by them. */
  | { readonly kind: 'mixed-bases' };

export function shapeOf(pages: readonly Page[], column: number): ColumnShape {
  let kind: 'number' | 'integer64' | 'strings' | null = null;
  let base: bigint | null = null;
  for (const page of pages) {
    const vector = page.columns[column] ?? null;
    if (vector === null) continue;
    switch (vector.kind) {
      case 'time':
        base ??= vector.base;
        if (base !== vector.base) return { kind: 'mixed-bases' };
        break;
      case 'integer64':
        kind = 'integer64';
        break;
      case 'number':
        kind ??= 'number';
        break;
      default:
        kind = 'strings';
    }
  }
  if (base !== null) return { kind: 'time', base };
  return kind === null ? { kind: 'absent' } : { kind };
}

/** Brings columns into order, into memory that it uses again for the next column. */
export class ColumnScatter {
  readonly #pages: readonly Page[];
  readonly #place: Uint32Array;
  readonly #rows: number;
  /** Of an array of all rows and, behind them, one place for what does not stay. */
  readonly #length: number;
  readonly #memory: ArrayLease;
  #values: Float64Array | null = null;
  #high: Int32Array | null = null;
  #low: Int32Array | null = null;
  #nulls: Uint8Array | null = null;

  /** `rows` of them stay. Numbers go into arrays of `memory`. */
  constructor(pages: readonly Page[], places: RowPlaces, rows: number, memory: ArrayLease) {
    this.#pages = pages;
    this.#place = places.place;
    this.#rows = rows;
    this.#length = places.leftOut + 1;
    this.#memory = memory;
  }

  /** One array of all rows, in order. */
  numbers(arrayOf: (page: Page) => Float64Array): Float64Array {
    const target = this.#memory.float64(this.#length);
    this.#pages.forEach((page, number) => {
      scatterFloat64(target, arrayOf(page), this.#place, number << HANDLE_SHIFT, page.length);
    });
    return target;
  }

  /** The same for small integers. */
  integers(arrayOf: (page: Page) => Uint32Array): Uint32Array {
    const target = this.#memory.uint32(this.#length);
    this.#pages.forEach((page, number) => {
      scatterUint32(target, arrayOf(page), this.#place, number << HANDLE_SHIFT, page.length);
    });
    return target;
  }

  /** 1 = tombstone; null when no row that stays is one. */
  tombstones(): Uint8Array | null {
    if (this.#pages.every((page) => page.tombstones === null)) return null;
    const target = new Uint8Array(this.#length);
    this.#pages.forEach((page, number) => {
      if (page.tombstones === null) return;
      scatterFlags(target, page.tombstones, this.#place, number << HANDLE_SHIFT, page.length);
    });
    return target.subarray(0, this.#rows).includes(1) ? target : null;
  }

  /** The column as one long vector, valid until the next call. Requires: its shape is number, integer64 or time. */
  column(index: number, shape: ColumnShape): Vector {
    const nulls = this.#scatterNulls(index);
    const length = this.#rows;
    if (shape.kind === 'integer64')
      return { kind: 'integer64', length, ...this.#halves(index), nulls };
    const values = (this.#values ??= this.#memory.float64(this.#length));
    this.#pages.forEach((page, number) => {
      const vector = page.columns[index] ?? null;
      if (vector === null) return;
      const source =
        vector.kind === 'time' ? vector.offsets : vector.kind === 'number' ? vector.values : null;
      if (source === null) return;
      scatterFloat64(values, source, this.#place, number << HANDLE_SHIFT, page.length);
    });
    if (shape.kind === 'time')
      return { kind: 'time', length, base: shape.base, offsets: values, nulls };
    return { kind: 'number', length, values, nulls };
  }

  #halves(index: number): { high: Int32Array; low: Int32Array } {
    const high = (this.#high ??= new Int32Array(this.#length));
    const low = (this.#low ??= new Int32Array(this.#length));
    this.#pages.forEach((page, number) => {
      const vector = page.columns[index] ?? null;
      const first = number << HANDLE_SHIFT;
      if (vector?.kind === 'integer64') {
        scatterInt32(high, vector.high, this.#place, first, page.length);
        scatterInt32(low, vector.low, this.#place, first, page.length);
      } else if (vector?.kind === 'number') {
        for (let row = 0; row < page.length; row++) {
          const at = this.#place[first + row]!;
          const value = vector.values[row]!;
          high[at] = Math.floor(value / TWO_32);
          low[at] = value >>> 0;
        }
      }
    });
    return { high, low };
  }

  #scatterNulls(index: number): Uint8Array | null {
    if (!this.#pages.some((page) => hasNulls(page.columns[index] ?? null))) return null;
    const target = (this.#nulls ??= new Uint8Array(this.#length));
    this.#pages.forEach((page, number) => {
      const vector = page.columns[index] ?? null;
      const first = number << HANDLE_SHIFT;
      if (vector !== null && vector.nulls !== null) {
        scatterFlags(target, vector.nulls, this.#place, first, page.length);
      } else {
        const flag = vector === null ? 1 : 0;
        for (let row = 0; row < page.length; row++) target[this.#place[first + row]!] = flag;
      }
    });
    return target;
  }
}

function hasNulls(vector: Vector | null): boolean {
  return vector === null || vector.nulls !== null;
}

// The same loop for each kind of array: one function for all would be slow for each.

function scatterFloat64(
  target: Float64Array,
  source: Float64Array,
  place: Uint32Array,
  first: number,
  length: number,
): void {
  for (let row = 0; row < length; row++) target[place[first + row]!] = source[row]!;
}

function scatterUint32(
  target: Uint32Array,
  source: Uint32Array,
  place: Uint32Array,
  first: number,
  length: number,
): void {
  for (let row = 0; row < length; row++) target[place[first + row]!] = source[row]!;
}

function scatterInt32(
  target: Int32Array,
  source: Int32Array,
  place: Uint32Array,
  first: number,
  length: number,
): void {
  for (let row = 0; row < length; row++) target[place[first + row]!] = source[row]!;
}

function scatterFlags(
  target: Uint8Array,
  source: Uint8Array,
  place: Uint32Array,
  first: number,
  length: number,
): void {
  for (let row = 0; row < length; row++) target[place[first + row]!] = source[row]!;
}
