/**
 * Picking rows out of pages into a new page, column by column.
 *
 * The rows may come from pages that hold a column differently. Doubles and 64-bit halves join as halves; dictionaries and plain
 * strings as plain strings; time bases join while the offsets stay safe integers, and where they do not the new page ends
 * and says how many rows it took.
 *
 * Where fields are merged, a column's values come from other rows than the keys: its own handles stand beside the rows'.
 */

import {
  gatherColumn,
  gatherFlags,
  gatherFloat64,
  gatherTimes,
  gatherUint32,
  type Times,
  timesOfColumn,
  type Used,
} from './gather-column.js';
import type { Pacer } from './pacer.js';
import { HANDLE_ROW_MASK, HANDLE_SHIFT, Page, slicePage } from './page.js';
import { PagePicks } from './page-picks.js';
import type { Vector } from './vector.js';
import { freshMemory, type VectorMemory } from './vector-memory.js';

export interface Gathered {
  readonly page: Page;
  /** Handles used: fewer than given when a time base does not reach further. At least 1. */
  readonly taken: number;
}

/** By column: where its values come from, aligned with the rows' handles; null or left out = the rows themselves. */
export type ColumnHandles = readonly (Uint32Array | null | undefined)[];

const NO_COLUMN_HANDLES: ColumnHandles = [];

/** Picking a value out of scattered pages costs about this much, in the pacer's units. */
const VALUE_UNITS = 3;

/** Rows `handles[from..to)`, at most VECTOR_ROWS_MAX of them. */
export function gather(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
): Gathered {
  const steps = gatherSteps(pages, handles, from, to, NO_COLUMN_HANDLES, freshMemory);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same, yielding the event loop between columns: for wide rows. Picked numbers lie in `memory`. */
export async function gatherPaced(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
  pacer: Pacer,
  columnHandles: ColumnHandles = NO_COLUMN_HANDLES,
  memory: VectorMemory = freshMemory,
): Promise<Gathered> {
  const steps = gatherSteps(pages, handles, from, to, columnHandles, memory);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (pacer.spend((to - from) * VALUE_UNITS)) await pacer.turn();
  }
}

/** Yields after every column. */
function* gatherSteps(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
  columnHandles: ColumnHandles,
  memory: VectorMemory,
): Generator<void, Gathered> {
  const only = singlePage(handles, from, to);
  if (only !== -1 && columnHandles.length === 0) {
    const first = handles[from]! & HANDLE_ROW_MASK;
    const last = handles[to - 1]! & HANDLE_ROW_MASK;
    // Rising rows of one page whose span is their number are a slice.
    if (last - first === to - from - 1 && isRising(handles, from, to)) {
      return { page: slicePage(pages[only]!, first, last + 1), taken: to - from };
    }
  }
  const used = usedPages(pages, [handles, ...columnHandles], from, to);
  const columnCount = pages[handles[from]! >>> HANDLE_SHIFT]!.columns.length;
  // A base for the rows' own times, then one for each column.
  const bases: bigint[] = [];
  let taken = fittingTimes(used, handles, from, to - from, (page) => page, bases);
  for (let column = 0; column < columnCount; column++) {
    const timesOf = (page: Page): Times | null => timesOfColumn(page, column);
    taken = fittingTimes(used, columnHandles[column] ?? handles, from, taken, timesOf, bases);
  }
  const end = from + taken;
  const base = bases[0]!;
  const picks = new PagePicks(handles, from, end, pages.length, memory);
  const columns: (Vector | null)[] = [];
  for (let column = 0; column < columnCount; column++) {
    const own = columnHandles[column] ?? null;
    const ownBase = bases[column + 1]!;
    columns.push(
      own === null
        ? gatherColumn(used, handles, from, end, column, ownBase, memory, picks)
        : gatherColumn(used, own, from, end, column, ownBase, memory),
    );
    yield;
  }
  const series = gatherUint32(used, picks, (source) => source.series, memory);
  const times = gatherTimes(used, picks, base, (source) => source, memory);
  yield;
  const versions = gatherFloat64(used, picks, (source) => source.versions, memory);
  const tombstones = gatherFlags(used, handles, from, end, (source) => source.tombstones, memory);
  const ordinals = used.every((source) => source === undefined || source.ordinals !== null)
    ? gatherUint32(used, picks, (source) => source.ordinals!, memory)
    : null;
  yield;
  const parts = { length: taken, series, base, times, versions, tombstones, ordinals, columns };
  return { page: new Page(parts), taken };
}

function singlePage(handles: Uint32Array, from: number, to: number): number {
  const page = handles[from]! >>> HANDLE_SHIFT;
  if (handles[to - 1]! >>> HANDLE_SHIFT !== page) return -1;
  for (let index = from + 1; index < to; index++) {
    if (handles[index]! >>> HANDLE_SHIFT !== page) return -1;
  }
  return page;
}

function isRising(handles: Uint32Array, from: number, to: number): boolean {
  for (let index = from + 1; index < to; index++) {
    if (handles[index]! <= handles[index - 1]!) return false;
  }
  return true;
}

function usedPages(
  pages: readonly Page[],
  lists: ColumnHandles,
  from: number,
  to: number,
): (Page | undefined)[] {
  const isUsed = new Uint8Array(pages.length);
  for (const handles of lists) {
    if (handles !== null && handles !== undefined) markPages(handles, from, to, isUsed);
  }
  return pages.map((page, number) => (isUsed[number] === 1 ? page : undefined));
}

/** isUsed[number] = 1 for the pages of these rows. */
function markPages(handles: Uint32Array, from: number, to: number, isUsed: Uint8Array): void {
  for (let index = from; index < to; index++) isUsed[handles[index]! >>> HANDLE_SHIFT] = 1;
}

/** Pushes the base to use for one time column and returns how many of the rows fit it. */
function fittingTimes(
  used: Used,
  handles: Uint32Array,
  from: number,
  count: number,
  timesOf: (page: Page) => Times | null,
  bases: bigint[],
): number {
  const sources = used.map((page) => (page === undefined ? null : timesOf(page)));
  const some = sources.find((times) => times !== null);
  if (some === undefined) {
    bases.push(0n);
    return count;
  }
  if (sources.every((times) => times === null || times.base === some.base)) {
    bases.push(some.base);
    return count;
  }
  const base = firstBase(sources, handles, from, count);
  bases.push(base ?? 0n);
  if (base === null) return count;
  const deltas = sources.map((times) => (times === null ? 0 : Number(times.base - base)));
  for (let index = from; index < from + count; index++) {
    const number = handles[index]! >>> HANDLE_SHIFT;
    if (deltas[number] === 0) continue;
    const offset = sources[number]!.times[handles[index]! & HANDLE_ROW_MASK]!;
    if (!Number.isSafeInteger(offset + deltas[number]!)) return index - from;
  }
  return count;
}

/** The base of the first row that has one: at least that row fits it. */
function firstBase(
  sources: readonly (Times | null)[],
  handles: Uint32Array,
  from: number,
  count: number,
): bigint | null {
  for (let index = from; index < from + count; index++) {
    const times = sources[handles[index]! >>> HANDLE_SHIFT]!;
    if (times !== null) return times.base;
  }
  return null;
}
