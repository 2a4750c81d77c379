/**
 * The order in which a memtable's rows go into runs: by partition, then (series, time, version), without what is overwritten for good.
 *
 * Rows arrive nearly in order, in stretches (row-stretches.ts). Those are visited in order of time, and one counting pass by series nearly
 * always is the sort: while each row is given its place, its time is compared with the last of its series. Where a time does not rise,
 * the series is put together from its stretches that do (rising-stretches.ts); only where that cannot be it is sorted and reduced row by row.
 *
 * Loops over rows are functions of their own: an async function that is called once a flush would run them without a compiler's help.
 */

import type { ArrayLease } from './array-pool.js';
import type { Pacer } from './pacer.js';
import { compareIdentity, HANDLE_ROW_MASK, HANDLE_SHIFT, type Page } from './page.js';
import { RisingStretches } from './rising-stretches.js';
import { type ReductionRules, reduceIdentity } from './row-reduction.js';
import { sortHandles, sortRange } from './row-order.js';
import { RowStretches } from './row-stretches.js';
import type { SeveralTimes } from './several-times.js';
import { PartitionRule } from './time-base.js';

/** Rows of a partition in order of arrival. */
export interface PartitionRows {
  readonly partition: number;
  readonly rows: RowStretches;
}

/** Where rows go. */
export interface RowPlaces {
  /** By handle: the row's number in order. */
  readonly place: Uint32Array;
  /** By number in order: the row's series. */
  readonly series: Uint32Array;
  /** The place of rows that do not stay. */
  readonly leftOut: number;
}

/** A counter a series is worth it unless there are many more series than rows. */
const SERIES_PER_ROW_MAX = 16;
const SERIES_SPARE = 2048;
const ROW_UNITS = 2;
const STEP_ROWS = 4096;

/** How a series came. */
const Disorder = { none: 0, times: 1, deep: 2 } as const;

/** All rows by partition, ascending. */
export async function partitionRows(
  pages: readonly Page[],
  partitionMs: number,
  precision: number,
  pacer: Pacer,
): Promise<PartitionRows[]> {
  const parts = new Map<number, RowStretches>();
  const add = (partition: number, start: number, end: number): void => {
    let rows = parts.get(partition);
    if (rows === undefined) parts.set(partition, (rows = new RowStretches()));
    rows.add(start, end);
  };
  for (let number = 0; number < pages.length; number++) {
    const { times, length, base } = pages[number]!;
    const rule = new PartitionRule(base, partitionMs, precision);
    const first = number << HANDLE_SHIFT;
    for (let row = 0; row < length;) {
      let end = fallAfter(times, row, length);
      const partition = rule.partitionOf(times[row]!);
      if (rule.partitionOf(times[end - 1]!) !== partition) {
        end = row + 1;
        while (rule.partitionOf(times[end]!) === partition) end++;
      }
      add(partition, first + row, first + end);
      row = end;
    }
    if (pacer.spend(length * ROW_UNITS)) await pacer.turn();
  }
  return [...parts].sort(([a], [b]) => a - b).map(([partition, rows]) => ({ partition, rows }));
}

/** The first row behind `row` with a time less than the one before it; `length` = there is none. */
function fallAfter(times: Float64Array, row: number, length: number): number {
  let end = row + 1;
  while (end < length && times[end]! >= times[end - 1]!) end++;
  return end;
}

/**
 * Gives each row of a partition its place, from `first` on, and returns how many stay; notes `several`. Requires: times of the pages are
 * normalized, or their bases equal.
 */
export async function placeRows(
  pages: readonly Page[],
  rows: RowStretches,
  { place, series, leftOut }: RowPlaces,
  first: number,
  rules: ReductionRules,
  several: SeveralTimes,
  memory: ArrayLease,
  pacer: Pacer,
): Promise<number> {
  const reducer = new HandleReducer(pages, rules, several);
  const ends = await endsBySeries(pages, rows, pacer);
  if (ends === null) {
    const handles = memory.uint32(rows.rows);
    listHandles(rows, handles);
    await sortHandles(pages, handles, rows.rows, pacer);
    const kept = await reducer.reduce(handles, 0, rows.rows, 0, pacer);
    listSeries(pages, handles.subarray(0, kept), series, first);
    return numberRows(rows, handles.subarray(0, kept), place, first, leftOut);
  }
  const { base } = pages[rows.starts[0]! >>> HANDLE_SHIFT]!;
  const deltas = Float64Array.from(pages, (page) => Number(page.base - base));
  const inOrder = rows.inOrderOfTime((handle) => {
    const number = handle >>> HANDLE_SHIFT;
    return pages[number]!.times[handle & HANDLE_ROW_MASK]! + deltas[number]!;
  });
  const bySeries = new SeriesPlaces(ends, place, first);
  await eachStretch(pages, inOrder, pacer, (page, row, end, handle) => {
    bySeries.place(page, row, end, handle, deltas[handle >>> HANDLE_SHIFT]!);
  });
  if (!bySeries.isDisordered) {
    fillSeries(ends, series, first);
    if (pacer.spend(rows.rows + ends.length)) await pacer.turn();
    return rows.rows;
  }

  const sorted = memory.uint32(rows.rows);
  await eachStretch(pages, rows, pacer, (_, row, end, handle) => {
    sortByPlace(sorted, place, first, handle, handle + end - row);
  });
  // Each series ends where the next one began; `kept` falls behind once rows are left out.
  let kept = 0;
  let from = 0;
  const scratch = memory.uint32(rows.rows);
  const stretches = new StretchOrder(pages, deltas);
  for (let id = 0; id < bySeries.disorder.length; id++) {
    const to = ends[id]!;
    if (to === from) continue;
    const disorder = bySeries.disorder[id]!;
    const keptBefore = kept;
    const isOrdered =
      disorder === Disorder.none ||
      (disorder === Disorder.times && (await stretches.order(sorted, scratch, from, to, pacer)));
    if (!isOrdered) {
      await sortRange(pages, sorted, scratch, from, to, pacer);
      kept = await reducer.reduce(sorted, from, to, kept, pacer);
    } else {
      if (kept !== from) sorted.copyWithin(kept, from, to);
      kept += to - from;
    }
    series.fill(id, first + keptBefore, first + kept);
    from = to;
  }
  if (pacer.spend(rows.rows * ROW_UNITS)) await pacer.turn();
  return numberRows(rows, sorted.subarray(0, kept), place, first, leftOut);
}

/** By series: where its rows begin in the order, and at the end where all end; null = there are many more series than rows. */
async function endsBySeries(
  pages: readonly Page[],
  rows: RowStretches,
  pacer: Pacer,
): Promise<Uint32Array | null> {
  const seriesMax = rows.rows * SERIES_PER_ROW_MAX + SERIES_SPARE;
  let counts = new Uint32Array(SERIES_SPARE);
  let isMany = false;
  await eachStretch(pages, rows, pacer, ({ series }, row, end) => {
    for (;;) {
      row = countSeries(series, row, end, counts);
      if (row === end) return;
      isMany ||= series[row]! > seriesMax;
      if (isMany) return;
      const grown = new Uint32Array(Math.max(series[row]! + 2, counts.length * 2));
      grown.set(counts);
      counts = grown;
    }
  });
  if (isMany) return null;
  sumUp(counts);
  return counts;
}

/** counts[series + 1] of the rows; returns the first row whose series is beyond them, or `end`. */
function countSeries(series: Uint32Array, row: number, end: number, counts: Uint32Array): number {
  const last = counts.length - 1;
  for (; row < end; row++) {
    const id = series[row]!;
    if (id >= last) return row;
    counts[id + 1]! += 1;
  }
  return row;
}

/** Running sums. */
function sumUp(counts: Uint32Array): void {
  for (let index = 1; index < counts.length; index++) counts[index]! += counts[index - 1]!;
}

/** Gives rows their places, each behind the rows of its series that were visited before. */
class SeriesPlaces {
  /** How each series came. */
  readonly disorder: Uint8Array;
  isDisordered = false;
  readonly #ends: Uint32Array;
  readonly #lastTimes: Float64Array;
  readonly #place: Uint32Array;
  readonly #first: number;

  /** `ends`: by series, the number of its first row; becomes the one behind its last. */
  constructor(ends: Uint32Array, place: Uint32Array, first: number) {
    this.disorder = new Uint8Array(ends.length);
    this.#ends = ends;
    this.#lastTimes = new Float64Array(ends.length).fill(-Infinity);
    this.#place = place;
    this.#first = first;
  }

  /** `delta`: from the page's times to those of other pages. */
  place(page: Page, row: number, end: number, handle: number, delta: number): void {
    const { series, times, tombstones } = page;
    if (tombstones !== null || delta !== 0) this.#noteDeep(page, row, end, delta);
    const lastTimes = this.#lastTimes;
    const ends = this.#ends;
    const place = this.#place;
    const first = this.#first;
    for (; row < end; row++, handle++) {
      const id = series[row]!;
      const time = times[row]! + delta;
      if (!(time > lastTimes[id]!)) this.#note(id, Disorder.times);
      lastTimes[id] = time;
      place[handle] = first + ends[id]!++;
    }
  }

  #noteDeep({ series, times, tombstones }: Page, row: number, end: number, delta: number): void {
    for (; row < end; row++) {
      const isTombstone = tombstones !== null && tombstones[row] === 1;
      if (isTombstone || !Number.isSafeInteger(times[row]! + delta)) {
        this.#note(series[row]!, Disorder.deep);
      }
    }
  }

  #note(id: number, disorder: number): void {
    this.isDisordered = true;
    this.disorder[id]! |= disorder;
  }
}

/** Calls for each stretch, with the handle of its first row. */
async function eachStretch(
  pages: readonly Page[],
  rows: RowStretches,
  pacer: Pacer,
  visit: (page: Page, row: number, end: number, handle: number) => void,
): Promise<void> {
  for (let stretch = 0; stretch < rows.count; stretch++) {
    const handle = rows.starts[stretch]!;
    const row = handle & HANDLE_ROW_MASK;
    const length = rows.ends[stretch]! - handle;
    visit(pages[handle >>> HANDLE_SHIFT]!, row, row + length, handle);
    if (pacer.spend(length * ROW_UNITS)) await pacer.turn();
  }
}

function listHandles(rows: RowStretches, handles: Uint32Array): void {
  let at = 0;
  for (let stretch = 0; stretch < rows.count; stretch++) {
    const end = rows.ends[stretch]!;
    for (let handle = rows.starts[stretch]!; handle < end; handle++) handles[at++] = handle;
  }
}

/** The rows `handle..end-1`, which have places from `first` on, where those places say. */
export function sortByPlace(
  sorted: Uint32Array,
  place: Uint32Array,
  first: number,
  handle: number,
  end: number,
): void {
  for (; handle < end; handle++) sorted[place[handle]! - first] = handle;
}

/** series[first + i] of the rows of each series, which end at `ends`. */
function fillSeries(ends: Uint32Array, series: Uint32Array, first: number): void {
  let at = 0;
  for (let id = 0; id < ends.length; id++) {
    for (const end = ends[id]!; at < end; at++) series[first + at] = id;
  }
}

function listSeries(
  pages: readonly Page[],
  sorted: Uint32Array,
  series: Uint32Array,
  first: number,
): void {
  for (let index = 0; index < sorted.length; index++) {
    const handle = sorted[index]!;
    series[first + index] = pages[handle >>> HANDLE_SHIFT]!.series[handle & HANDLE_ROW_MASK]!;
  }
}

/** Of the rows, only `sorted` stay, in that order. Returns how many. */
function numberRows(
  rows: RowStretches,
  sorted: Uint32Array,
  place: Uint32Array,
  first: number,
  leftOut: number,
): number {
  if (sorted.length < rows.rows) {
    for (let stretch = 0; stretch < rows.count; stretch++) {
      place.fill(leftOut, rows.starts[stretch], rows.ends[stretch]);
    }
  }
  for (let index = 0; index < sorted.length; index++) place[sorted[index]!] = first + index;
  return sorted.length;
}

/** Puts the rows of one series after another in order, stretch by stretch. */
class StretchOrder {
  readonly #pages: readonly Page[];
  /** By page: from its times to comparable ones. */
  readonly #deltas: Float64Array;
  readonly #stretches = new RisingStretches();
  #times = new Float64Array(1024);

  constructor(pages: readonly Page[], deltas: Float64Array) {
    this.#pages = pages;
    this.#deltas = deltas;
  }

  /** False: `handles[from..to)` are as they were, and must be sorted. `scratch` reaches to `to`. */
  async order(
    handles: Uint32Array,
    scratch: Uint32Array,
    from: number,
    to: number,
    pacer: Pacer,
  ): Promise<boolean> {
    const count = to - from;
    if (this.#times.length < count) this.#times = new Float64Array(count * 2);
    for (let start = 0; start < count; start += STEP_ROWS) {
      const end = Math.min(count, start + STEP_ROWS);
      this.#readTimes(handles, from, start, end);
      if (pacer.spend((end - start) * ROW_UNITS * 2)) await pacer.turn();
    }
    if (!this.#stretches.find(this.#times, count)) return false;
    const { starts, ends } = this.#stretches;
    let at = from;
    for (let stretch = 0; stretch < this.#stretches.count; stretch++) {
      for (let row = from + starts[stretch]!; row < from + ends[stretch]!; row++) {
        scratch[at++] = handles[row]!;
      }
    }
    for (let index = from; index < to; index++) handles[index] = scratch[index]!;
    if (pacer.spend(count * ROW_UNITS)) await pacer.turn();
    return true;
  }

  #readTimes(handles: Uint32Array, from: number, start: number, end: number): void {
    const pages = this.#pages;
    const deltas = this.#deltas;
    const times = this.#times;
    for (let index = start; index < end; index++) {
      const handle = handles[from + index]!;
      const number = handle >>> HANDLE_SHIFT;
      times[index] = pages[number]!.times[handle & HANDLE_ROW_MASK]! + deltas[number]!;
    }
  }
}

/** Applies the rules of row-reduction.ts to sorted handles. */
class HandleReducer {
  readonly #pages: readonly Page[];
  readonly #rules: ReductionRules;
  readonly #several: SeveralTimes;
  #versions = new Float64Array(64);
  #tombstones = new Uint8Array(64);
  #kept = new Uint32Array(64);

  constructor(pages: readonly Page[], rules: ReductionRules, several: SeveralTimes) {
    this.#pages = pages;
    this.#rules = rules;
    this.#several = several;
  }

  /** Moves the handles of `from..to-1` that stay to `target` on, and returns where they end. */
  async reduce(
    handles: Uint32Array,
    from: number,
    to: number,
    target: number,
    pacer: Pacer,
  ): Promise<number> {
    let kept = target;
    for (let start = from; start < to;) {
      let end = start + 1;
      while (end < to && this.#isSameIdentity(handles[start]!, handles[end]!)) end++;
      kept = this.#reduceGroup(handles, start, end, kept);
      if (pacer.spend((end - start) * 8)) await pacer.turn();
      start = end;
    }
    return kept;
  }

  #isSameIdentity(a: number, b: number): boolean {
    const pages = this.#pages;
    const order = compareIdentity(
      pages[a >>> HANDLE_SHIFT]!,
      a & HANDLE_ROW_MASK,
      pages[b >>> HANDLE_SHIFT]!,
      b & HANDLE_ROW_MASK,
    );
    return order === 0;
  }

  #reduceGroup(handles: Uint32Array, start: number, end: number, target: number): number {
    const count = end - start;
    if (count > this.#versions.length) {
      this.#versions = new Float64Array(count * 2);
      this.#tombstones = new Uint8Array(count * 2);
      this.#kept = new Uint32Array(count * 2);
    }
    const versions = this.#versions;
    const tombstones = this.#tombstones;
    for (let index = 0; index < count; index++) {
      const page = this.#pages[handles[start + index]! >>> HANDLE_SHIFT]!;
      const row = handles[start + index]! & HANDLE_ROW_MASK;
      versions[index] = page.versions[row]!;
      tombstones[index] = page.tombstones === null ? 0 : page.tombstones[row]!;
    }
    const kept = reduceIdentity({ count, versions, tombstones }, this.#rules, this.#kept);
    let hasTombstone = false;
    const last = handles[end - 1]!;
    for (let index = 0; index < kept; index++) {
      const place = this.#kept[index]!;
      if (tombstones[place] === 1) hasTombstone = true;
      handles[target + index] = handles[start + place]!;
    }
    if (hasTombstone || (kept > 1 && !this.#rules.appendMode)) {
      const page = this.#pages[last >>> HANDLE_SHIFT]!;
      this.#several.note(page.base, page.times[last & HANDLE_ROW_MASK]!, hasTombstone);
    }
    return target + kept;
  }
}
