/**
 * The order in which a memtable's rows go into runs: by partition, then (series, time, version), without what is overwritten for good.
 *
 * Rows arrive nearly in order, so one counting pass by series nearly always is the sort: while rows are placed, each one's time is compared
 * with the last of its series. A series with a time that does not rise is put together from its stretches that do (rising-stretches.ts); only
 * where that cannot be it is sorted and reduced row by row.
 *
 * Loops over rows are functions of their own: an async function that is called once a flush would run them without a compiler's help.
 */

import type { ArrayLease } from './array-pool.js';
import type { Pacer } from './pacer.js';
import { compareIdentity, HANDLE_ROW_MASK, HANDLE_SHIFT, type Page } from './page.js';
import { RisingStretches } from './rising-stretches.js';
import { type ReductionRules, reduceIdentity } from './row-reduction.js';
import { sortHandles, sortRange } from './row-order.js';
import type { SeveralTimes } from './several-times.js';
import { PartitionRule } from './time-base.js';

export interface OrderedPartition {
  readonly partition: number;
  /** Handles of the rows that stay, in order. */
  readonly handles: Uint32Array;
}

/** A counter a series is worth it unless there are many more series than rows. */
const SERIES_PER_ROW_MAX = 16;
const SERIES_SPARE = 2048;
const ROW_UNITS = 2;
const STEP_ROWS = 4096;

/** How a series came. */
const Disorder = { none: 0, times: 1, deep: 2 } as const;

/** All rows by partition, in order of arrival; in arrays of `memory`. */
export async function partitionHandles(
  pages: readonly Page[],
  partitionMs: number,
  precision: number,
  memory: ArrayLease,
  pacer: Pacer,
): Promise<OrderedPartition[]> {
  const parts = new Map<number, { handles: Uint32Array; count: number }>();
  let rows = 0;
  for (const page of pages) rows += page.length;
  const put = (partition: number, from: number, count: number): void => {
    let part = parts.get(partition);
    if (part === undefined) {
      const length = Math.max(64, parts.size === 0 ? rows : count);
      part = { handles: memory.uint32(length), count: 0 };
      parts.set(partition, part);
    }
    if (part.count + count > part.handles.length) {
      const grown = new Uint32Array(Math.max(part.handles.length * 2, part.count + count));
      grown.set(part.handles.subarray(0, part.count));
      part.handles = grown;
    }
    countUp(part.handles, part.count, count, from);
    part.count += count;
  };
  for (let number = 0; number < pages.length; number++) {
    const { times, length, base } = pages[number]!;
    const rule = new PartitionRule(base, partitionMs, precision);
    const first = number << HANDLE_SHIFT;
    const lowest = rule.partitionOf(leastOf(times, length));
    if (lowest === rule.partitionOf(greatestOf(times, length))) {
      put(lowest, first, length);
    } else {
      for (let row = 0; row < length;) {
        const partition = rule.partitionOf(times[row]!);
        let end = row + 1;
        while (end < length && rule.partitionOf(times[end]!) === partition) end++;
        put(partition, first + row, end - row);
        row = end;
      }
    }
    if (pacer.spend(length * ROW_UNITS)) await pacer.turn();
  }
  return [...parts]
    .sort(([a], [b]) => a - b)
    .map(([partition, { handles, count }]) => ({
      partition,
      handles: handles.subarray(0, count),
    }));
}

/** target[at + i] = from + i. */
function countUp(target: Uint32Array, at: number, count: number, from: number): void {
  for (let index = 0; index < count; index++) target[at + index] = from + index;
}

/** Running sums. */
function sumUp(counts: Uint32Array): void {
  for (let index = 1; index < counts.length; index++) counts[index]! += counts[index - 1]!;
}

function leastOf(times: Float64Array, length: number): number {
  let least = Infinity;
  for (let row = 0; row < length; row++) if (times[row]! < least) least = times[row]!;
  return least;
}

function greatestOf(times: Float64Array, length: number): number {
  let greatest = -Infinity;
  for (let row = 0; row < length; row++) if (times[row]! > greatest) greatest = times[row]!;
  return greatest;
}

/** Sorts the rows of a partition, into an array of `memory`, and leaves out those that do not stay; notes `several`. Requires: times of the pages are normalized, or their bases equal. */
export async function orderHandles(
  pages: readonly Page[],
  handles: Uint32Array,
  rules: ReductionRules,
  several: SeveralTimes,
  memory: ArrayLease,
  pacer: Pacer,
): Promise<Uint32Array> {
  const count = handles.length;
  let seriesMax = 0;
  await eachStretch(pages, handles, pacer, (page, row, end) => {
    const { series } = page;
    for (; row < end; row++) if (series[row]! > seriesMax) seriesMax = series[row]!;
  });
  const reducer = new HandleReducer(pages, rules, several);
  if (seriesMax > count * SERIES_PER_ROW_MAX + SERIES_SPARE) {
    await sortHandles(pages, handles, count, pacer);
    return handles.subarray(0, await reducer.reduce(handles, 0, count, 0, pacer));
  }
  const ends = new Uint32Array(seriesMax + 2);
  await eachStretch(pages, handles, pacer, (page, row, end) => {
    const { series } = page;
    for (; row < end; row++) ends[series[row]! + 1]!++;
  });
  sumUp(ends);

  const sorted = memory.uint32(count);
  const disorder = new Uint8Array(seriesMax + 1);
  const lastTimes = new Float64Array(seriesMax + 1).fill(-Infinity);
  const { base } = pages[handles[0]! >>> HANDLE_SHIFT]!;
  await eachStretch(pages, handles, pacer, (page, row, end, handle) => {
    const { series, times, tombstones } = page;
    const delta = page.base === base ? 0 : Number(page.base - base);
    for (; row < end; row++) {
      const id = series[row]!;
      const time = times[row]! + delta;
      if (!(time > lastTimes[id]!)) disorder[id]! |= Disorder.times;
      if (delta !== 0 && !Number.isSafeInteger(time)) disorder[id] = Disorder.deep;
      if (tombstones !== null && tombstones[row] === 1) disorder[id] = Disorder.deep;
      lastTimes[id] = time;
      sorted[ends[id]!++] = handle++;
    }
  });

  // Each series ends where the next one began; `kept` falls behind once rows are left out.
  let kept = 0;
  let from = 0;
  const scratch = handles;
  const stretches = new StretchOrder(pages, base);
  for (let series = 0; series <= seriesMax; series++) {
    const to = ends[series]!;
    if (to === from) continue;
    const isOrdered =
      disorder[series] === Disorder.none ||
      (disorder[series] === Disorder.times &&
        (await stretches.order(sorted, scratch, from, to, pacer)));
    if (!isOrdered) {
      await sortRange(pages, sorted, scratch, from, to, pacer);
      kept = await reducer.reduce(sorted, from, to, kept, pacer);
    } else {
      if (kept !== from) sorted.copyWithin(kept, from, to);
      kept += to - from;
    }
    from = to;
  }
  return sorted.subarray(0, kept);
}

/** Calls for each stretch of rows that follow each other in one page. */
async function eachStretch(
  pages: readonly Page[],
  handles: Uint32Array,
  pacer: Pacer,
  visit: (page: Page, row: number, end: number, handle: number) => void,
): Promise<void> {
  for (let at = 0; at < handles.length;) {
    const handle = handles[at]!;
    const row = handle & HANDLE_ROW_MASK;
    const length = stretchLength(handles, at, HANDLE_ROW_MASK + 1 - row);
    visit(pages[handle >>> HANDLE_SHIFT]!, row, row + length, handle);
    at += length;
    if (pacer.spend(length * ROW_UNITS)) await pacer.turn();
  }
}

/** How many handles from `at` on follow each other, at most `most`. */
function stretchLength(handles: Uint32Array, at: number, most: number): number {
  const first = handles[at]!;
  const longest = Math.min(handles.length - at, most);
  let length = 1;
  while (length < longest && handles[at + length] === first + length) length++;
  return length;
}

/** Puts the rows of one series after another in order, stretch by stretch. */
class StretchOrder {
  readonly #pages: readonly Page[];
  /** By page: from its times to comparable ones. */
  readonly #deltas: Float64Array;
  readonly #stretches = new RisingStretches();
  #times = new Float64Array(1024);

  /** `base`: times are compared as offsets from it. */
  constructor(pages: readonly Page[], base: bigint) {
    this.#pages = pages;
    this.#deltas = Float64Array.from(pages, (page) => Number(page.base - base));
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
