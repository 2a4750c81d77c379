/** One column of picked rows: the loops behind gather.ts, each over one array a page. */

import { HANDLE_ROW_MASK, HANDLE_SHIFT, type Page } from './page.js';
import { PagePicks } from './page-picks.js';
import type { DictionaryVector, Vector } from './vector.js';
import { freshMemory, type VectorMemory } from './vector-memory.js';

const TWO_32 = 2 ** 32;

/** Pages by number, holes where no handle points. */
export type Used = readonly (Page | undefined)[];

export interface Times {
  readonly base: bigint;
  readonly times: Float64Array;
}

/** The offsets of a time column of the page; null = it has none there. */
export function timesOfColumn(page: Page, column: number): Times | null {
  const vector = page.columns[column] ?? null;
  return vector?.kind === 'time' ? { base: vector.base, times: vector.offsets } : null;
}

export function gatherUint32(
  used: Used,
  picks: PagePicks,
  arrayOf: (page: Page) => Uint32Array,
  memory: VectorMemory,
): Uint32Array {
  const arrays = used.map((page) => (page === undefined ? undefined : arrayOf(page)));
  const target = memory.uint32(picks.length);
  picks.integers(arrays, target);
  return target;
}

export function gatherFloat64(
  used: Used,
  picks: PagePicks,
  arrayOf: (page: Page) => Float64Array,
  memory: VectorMemory,
): Float64Array {
  const arrays = used.map((page) => (page === undefined ? null : arrayOf(page)));
  const target = memory.float64(picks.length);
  picks.numbers(arrays, null, target);
  return target;
}

/** Null when no page has any or no picked row is flagged. */
export function gatherFlags(
  used: Used,
  handles: Uint32Array,
  from: number,
  to: number,
  arrayOf: (page: Page) => Uint8Array | null,
  memory: VectorMemory,
): Uint8Array | null {
  const arrays = used.map((page) => (page === undefined ? null : arrayOf(page)));
  if (arrays.every((array) => array === null)) return null;
  const target = memory.uint8(to - from).fill(0, 0, to - from);
  let count = 0;
  for (let index = from; index < to; index++) {
    const handle = handles[index]!;
    const array = arrays[handle >>> HANDLE_SHIFT]!;
    if (array === null) continue;
    const flag = array[handle & HANDLE_ROW_MASK]!;
    target[index - from] = flag;
    count += flag;
  }
  return count === 0 ? null : target;
}

export function gatherTimes(
  used: Used,
  picks: PagePicks,
  base: bigint,
  timesOf: (page: Page) => Times | null,
  memory: VectorMemory,
): Float64Array {
  const sources = used.map((page) => (page === undefined ? null : timesOf(page)));
  const arrays = sources.map((times) => times?.times ?? null);
  const deltas = sources.map((times) => (times === null ? 0 : Number(times.base - base)));
  const target = memory.float64(picks.length);
  picks.numbers(arrays, deltas, target);
  return target;
}

/** `picks`, if given, are those of the same handles. */
export function gatherColumn(
  used: Used,
  handles: Uint32Array,
  from: number,
  to: number,
  column: number,
  base: bigint,
  memory: VectorMemory = freshMemory,
  picks: PagePicks | null = null,
): Vector | null {
  const vectors = used.map((page) => page?.columns[column] ?? null);
  const kinds = new Set<Vector['kind']>();
  let hasNulls = false;
  let lacksVector = false;
  for (let number = 0; number < used.length; number++) {
    if (used[number] === undefined) continue;
    const vector = vectors[number]!;
    if (vector === null) lacksVector = true;
    else kinds.add(vector.kind);
    if (vector !== null && vector.nulls !== null) hasNulls = true;
  }
  if (kinds.size === 0) return null;
  const length = to - from;
  const nulls =
    hasNulls || lacksVector ? gatherNulls(used, vectors, handles, from, to, memory) : null;
  if (kinds.has('time')) {
    const timesOf = (page: Page): Times | null => timesOfColumn(page, column);
    const byPage = picks ?? new PagePicks(handles, from, to, used.length, memory);
    const offsets = gatherTimes(used, byPage, base, timesOf, memory);
    if (nulls !== null) zeroNulls(offsets, nulls, length);
    return { kind: 'time', length, base, offsets, nulls };
  }
  if (kinds.has('integer64')) return gatherHalves(vectors, handles, from, to, nulls, memory);
  if (kinds.has('number')) {
    const byPage = picks ?? new PagePicks(handles, from, to, used.length, memory);
    const arrays = vectors.map((vector) => (vector?.kind === 'number' ? vector.values : null));
    const values = memory.float64(length);
    byPage.numbers(arrays, null, values);
    return { kind: 'number', length, values, nulls };
  }
  const shared = kinds.size === 1 && kinds.has('dictionary') ? sharedDictionary(vectors) : null;
  if (shared !== null) return gatherCodes(vectors, shared, handles, from, to, nulls);
  return gatherStrings(vectors, handles, from, to, nulls);
}

function gatherNulls(
  used: Used,
  vectors: readonly (Vector | null)[],
  handles: Uint32Array,
  from: number,
  to: number,
  memory: VectorMemory,
): Uint8Array | null {
  const arrays = used.map((_, number) => vectors[number]?.nulls ?? null);
  const nulls = memory.uint8(to - from);
  let count = 0;
  for (let index = from; index < to; index++) {
    const handle = handles[index]!;
    const number = handle >>> HANDLE_SHIFT;
    const array = arrays[number]!;
    const flag =
      vectors[number] === null ? 1 : array === null ? 0 : array[handle & HANDLE_ROW_MASK]!;
    nulls[index - from] = flag;
    count += flag;
  }
  return count === 0 ? null : nulls;
}

function gatherHalves(
  vectors: readonly (Vector | null)[],
  handles: Uint32Array,
  from: number,
  to: number,
  nulls: Uint8Array | null,
  memory: VectorMemory,
): Vector {
  const length = to - from;
  const high = memory.int32(length).fill(0, 0, length);
  const low = memory.int32(length).fill(0, 0, length);
  for (let index = from; index < to; index++) {
    const handle = handles[index]!;
    const vector = vectors[handle >>> HANDLE_SHIFT]!;
    const row = handle & HANDLE_ROW_MASK;
    if (vector === null) continue;
    if (vector.kind === 'integer64') {
      high[index - from] = vector.high[row]!;
      low[index - from] = vector.low[row]!;
    } else if (vector.kind === 'number') {
      const value = vector.values[row]!;
      high[index - from] = Math.floor(value / TWO_32);
      low[index - from] = value >>> 0;
    }
  }
  return { kind: 'integer64', length, high, low, nulls };
}

/** The one dictionary that all vectors share, or null. */
function sharedDictionary(vectors: readonly (Vector | null)[]): DictionaryVector | null {
  let first: DictionaryVector | null = null;
  for (const vector of vectors) {
    if (vector === null || vector.kind !== 'dictionary') continue;
    first ??= vector;
    if (vector.dictionary.data !== first.dictionary.data) return null;
    if (vector.dictionary.starts !== first.dictionary.starts) return null;
  }
  return first;
}

function gatherCodes(
  vectors: readonly (Vector | null)[],
  shared: DictionaryVector,
  handles: Uint32Array,
  from: number,
  to: number,
  nulls: Uint8Array | null,
): Vector {
  const codes = new Uint32Array(to - from);
  for (let index = from; index < to; index++) {
    const handle = handles[index]!;
    const vector = vectors[handle >>> HANDLE_SHIFT]!;
    if (vector?.kind === 'dictionary')
      codes[index - from] = vector.codes[handle & HANDLE_ROW_MASK]!;
  }
  return { kind: 'dictionary', length: to - from, codes, dictionary: shared.dictionary, nulls };
}

function gatherStrings(
  vectors: readonly (Vector | null)[],
  handles: Uint32Array,
  from: number,
  to: number,
  nulls: Uint8Array | null,
): Vector {
  const length = to - from;
  const starts = new Uint32Array(length + 1);
  let total = 0;
  for (let index = from; index < to; index++) {
    const handle = handles[index]!;
    total += stringLength(vectors[handle >>> HANDLE_SHIFT]!, handle & HANDLE_ROW_MASK);
    starts[index - from + 1] = total;
  }
  const data = new Uint8Array(total);
  let at = 0;
  for (let index = from; index < to; index++) {
    const handle = handles[index]!;
    const vector = vectors[handle >>> HANDLE_SHIFT]!;
    const count = starts[index - from + 1]! - at;
    if (count === 0 || vector === null) continue;
    const row = handle & HANDLE_ROW_MASK;
    const strings = vector.kind === 'dictionary' ? vector.dictionary : vector;
    if (strings.kind !== 'bytes') continue;
    const start = strings.starts[vector.kind === 'dictionary' ? vector.codes[row]! : row]!;
    if (count < 32) {
      for (let byte = 0; byte < count; byte++) data[at + byte] = strings.data[start + byte]!;
    } else {
      data.set(strings.data.subarray(start, start + count), at);
    }
    at += count;
  }
  return { kind: 'bytes', length, starts, data, nulls };
}

function stringLength(vector: Vector | null, row: number): number {
  if (vector === null) return 0;
  if (vector.nulls !== null && vector.nulls[row] === 1) return 0;
  if (vector.kind === 'bytes') return vector.starts[row + 1]! - vector.starts[row]!;
  if (vector.kind !== 'dictionary') return 0;
  const code = vector.codes[row]!;
  return vector.dictionary.starts[code + 1]! - vector.dictionary.starts[code]!;
}

function zeroNulls(values: Float64Array, nulls: Uint8Array, length: number): void {
  for (let row = 0; row < length; row++) if (nulls[row] === 1) values[row] = 0;
}
