/**
 * Pages: up to VECTOR_ROWS_MAX rows of one table with their keys and some of their columns, as vectors.
 *
 * Everything that yields rows yields pages: a memtable chunk's slice, a decoded block, the output of a merge. A row elsewhere
 * is named by a handle, page * 8192 + row, within a list of pages; picking rows in any order is then one `gather`.
 */

import { quantumUnits } from './time-base.js';
import { VECTOR_ROWS_MAX, type Vector } from './vector.js';

export const HANDLE_SHIFT = 13;
export const HANDLE_ROW_MASK = VECTOR_ROWS_MAX - 1;

export interface PageParts {
  readonly length: number;
  readonly series: Uint32Array;
  /** The time column: base + offsets, never NULL. */
  readonly base: bigint;
  readonly times: Float64Array;
  readonly versions: Float64Array;
  /** 1 = the row deletes its identity; null = none does. */
  readonly tombstones: Uint8Array | null;
  /** Row number in its record; null where nothing needs it. */
  readonly ordinals: Uint32Array | null;
  /** As the reader asked for them; null = all NULL here. */
  readonly columns: readonly (Vector | null)[];
}

export class Page implements PageParts {
  readonly length: number;
  readonly series: Uint32Array;
  readonly base: bigint;
  readonly times: Float64Array;
  readonly versions: Float64Array;
  readonly tombstones: Uint8Array | null;
  readonly ordinals: Uint32Array | null;
  readonly columns: readonly (Vector | null)[];
  /** Times in normal form, comparable across pages: quantum numbers (null = all 0) and offsets within. */
  #quanta: Float64Array | null = null;
  #within: Float64Array | null = null;

  constructor(parts: PageParts) {
    this.length = parts.length;
    this.series = parts.series;
    this.base = parts.base;
    this.times = parts.times;
    this.versions = parts.versions;
    this.tombstones = parts.tombstones;
    this.ordinals = parts.ordinals;
    this.columns = parts.columns;
  }

  get within(): Float64Array {
    return this.#within ?? this.times;
  }

  get quanta(): Float64Array | null {
    return this.#quanta;
  }

  /** Must be called before rows are compared with those of another page. */
  normalizeTimes(precision: number): void {
    const size = quantumUnits(precision);
    if (size === Infinity || this.#within !== null) return;
    const baseQuantum = Number(this.base / BigInt(size));
    const quanta = new Float64Array(this.length);
    const within = new Float64Array(this.length);
    for (let row = 0; row < this.length; row++) {
      const quantum = Math.floor(this.times[row]! / size);
      quanta[row] = baseQuantum + quantum;
      within[row] = this.times[row]! - quantum * size;
    }
    this.#quanta = quanta;
    this.#within = within;
  }
}

/** Order by identity: series, then time. Both pages are normalized. */
export function compareIdentity(a: Page, aRow: number, b: Page, bRow: number): number {
  const series = a.series[aRow]! - b.series[bRow]!;
  if (series !== 0) return series;
  if (a.quanta !== null && b.quanta !== null) {
    const quantum = a.quanta[aRow]! - b.quanta[bRow]!;
    if (quantum !== 0) return quantum;
  }
  return a.within[aRow]! - b.within[bRow]!;
}

/** Full order: identity, version, tombstones before rows, ordinal. The last of an identity wins. */
export function compareRows(a: Page, aRow: number, b: Page, bRow: number): number {
  const identity = compareIdentity(a, aRow, b, bRow);
  if (identity !== 0) return identity;
  const version = a.versions[aRow]! - b.versions[bRow]!;
  if (version !== 0) return version;
  const aRank = a.tombstones !== null && a.tombstones[aRow] === 1 ? 0 : 1;
  const bRank = b.tombstones !== null && b.tombstones[bRow] === 1 ? 0 : 1;
  if (aRank !== bRank) return aRank - bRank;
  if (a.ordinals === null || b.ordinals === null) return 0;
  return a.ordinals[aRow]! - b.ordinals[bRow]!;
}

/** Rows `from..to-1`, as views where the arrays allow it. */
export function slicePage(page: Page, from: number, to: number): Page {
  if (from === 0 && to === page.length) return page;
  return new Page({
    length: to - from,
    series: page.series.subarray(from, to),
    base: page.base,
    times: page.times.subarray(from, to),
    versions: page.versions.subarray(from, to),
    tombstones: page.tombstones?.subarray(from, to) ?? null,
    ordinals: page.ordinals?.subarray(from, to) ?? null,
    columns: page.columns.map((column) => (column === null ? null : sliceVector(column, from, to))),
  });
}

export function sliceVector(vector: Vector, from: number, to: number): Vector {
  const length = to - from;
  const nulls = vector.nulls?.subarray(from, to) ?? null;
  switch (vector.kind) {
    case 'number':
      return { kind: 'number', length, values: vector.values.subarray(from, to), nulls };
    case 'integer64':
      return {
        kind: 'integer64',
        length,
        high: vector.high.subarray(from, to),
        low: vector.low.subarray(from, to),
        nulls,
      };
    case 'time':
      return {
        kind: 'time',
        length,
        base: vector.base,
        offsets: vector.offsets.subarray(from, to),
        nulls,
      };
    case 'bytes':
      return {
        kind: 'bytes',
        length,
        starts: vector.starts.subarray(from, to + 1),
        data: vector.data,
        nulls,
      };
    case 'dictionary':
      return {
        kind: 'dictionary',
        length,
        codes: vector.codes.subarray(from, to),
        dictionary: vector.dictionary,
        nulls,
      };
  }
}
