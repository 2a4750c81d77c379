/**
 * Sorting row handles by (series, time, version, tombstone first, ordinal), in typed arrays and in paces.
 *
 * Rows arrive nearly in time order a series, so a counting sort by series leaves little to do: each series is checked, and only
 * the ones out of order are merge-sorted.
 */

import type { Pacer } from './pacer.js';
import { compareRows, HANDLE_ROW_MASK, HANDLE_SHIFT, type Page } from './page.js';

const INSERTION_ROWS = 16;
/** A counting sort needs a counter a series: worth it unless there are many more series than rows. */
const SERIES_PER_ROW_MAX = 16;
/** What is done between two looks at the pacer: rows, or counters of series. */
const STEP_ROWS = 2048;
/**
 * To read a row's series in another page costs about this much, in the pacer's units, and to compare two rows. A query's first sort may be
 * the process's first: these loops run ten times slower until they are compiled, and a turn must not be long then either.
 */
const ROW_UNITS = 5;
const COMPARE_UNITS = 12;
/** A counter that lies beside the one before. */
const COUNTER_UNITS = 1;

/** Sorts the first `count` handles in place. The pages' times are normalized by the caller. */
export async function sortHandles(
  pages: readonly Page[],
  handles: Uint32Array,
  count: number,
  pacer: Pacer,
): Promise<void> {
  const scratch = new Uint32Array(count);
  let seriesMax = 0;
  for (let from = 0; from < count; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, count);
    seriesMax = Math.max(seriesMax, highestSeries(pages, handles, from, to));
    if (pacer.spend((to - from) * ROW_UNITS)) await pacer.turn();
  }
  if (seriesMax > count * SERIES_PER_ROW_MAX + STEP_ROWS) {
    await mergeSort(pages, handles, scratch, 0, count, pacer);
    return;
  }
  // ends[s] becomes the end of series s: first counts, then running sums, then moved by placing.
  const ends = new Uint32Array(seriesMax + 2);
  for (let from = 0; from < count; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, count);
    countSeries(pages, handles, from, to, ends);
    if (pacer.spend((to - from) * ROW_UNITS)) await pacer.turn();
  }
  for (let from = 1; from < ends.length; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, ends.length);
    addUp(ends, from, to);
    if (pacer.spend((to - from) * COUNTER_UNITS)) await pacer.turn();
  }
  for (let from = 0; from < count; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, count);
    place(pages, handles, from, to, ends, scratch);
    if (pacer.spend((to - from) * ROW_UNITS)) await pacer.turn();
  }
  handles.set(scratch);
  let from = 0;
  for (let series = 0; series <= seriesMax; series++) {
    const to = ends[series]!;
    if (to - from > 1) await sortRange(pages, handles, scratch, from, to, pacer);
    from = to;
    if (pacer.spend(COUNTER_UNITS)) await pacer.turn();
  }
}

/** Sorts `handles[from..to)`, cheaply where they are in order. `scratch` reaches to `to`. */
export async function sortRange(
  pages: readonly Page[],
  handles: Uint32Array,
  scratch: Uint32Array,
  from: number,
  to: number,
  pacer: Pacer,
): Promise<void> {
  for (let start = from + 1; start < to; start += STEP_ROWS) {
    const end = Math.min(start + STEP_ROWS, to);
    if (pacer.spend((end - start) * COMPARE_UNITS)) await pacer.turn();
    if (isInOrder(pages, handles, start, end)) continue;
    await mergeSort(pages, handles, scratch, from, to, pacer);
    return;
  }
}

function seriesOf(pages: readonly Page[], handle: number): number {
  return pages[handle >>> HANDLE_SHIFT]!.series[handle & HANDLE_ROW_MASK]!;
}

function compare(pages: readonly Page[], a: number, b: number): number {
  return compareRows(
    pages[a >>> HANDLE_SHIFT]!,
    a & HANDLE_ROW_MASK,
    pages[b >>> HANDLE_SHIFT]!,
    b & HANDLE_ROW_MASK,
  );
}

// One step each, outside of the functions that wait: so they are compiled after few calls.

function highestSeries(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
): number {
  let highest = 0;
  for (let index = from; index < to; index++) {
    const series = seriesOf(pages, handles[index]!);
    if (series > highest) highest = series;
  }
  return highest;
}

/** Counts the rows of each series, one place further on. */
function countSeries(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
  counts: Uint32Array,
): void {
  for (let index = from; index < to; index++) counts[seriesOf(pages, handles[index]!) + 1]!++;
}

function addUp(sums: Uint32Array, from: number, to: number): void {
  for (let index = from; index < to; index++) sums[index]! += sums[index - 1]!;
}

/** Puts rows where their series' next one belongs. */
function place(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
  next: Uint32Array,
  placed: Uint32Array,
): void {
  for (let index = from; index < to; index++) {
    const handle = handles[index]!;
    placed[next[seriesOf(pages, handle)]!++] = handle;
  }
}

/** Whether each of `handles[from..to)` may follow the one before it. */
function isInOrder(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
): boolean {
  for (let index = from; index < to; index++) {
    if (compare(pages, handles[index - 1]!, handles[index]!) > 0) return false;
  }
  return true;
}

/** Bottom-up: short insertion-sorted runs, then merges that skip what is in order already. Stable. */
async function mergeSort(
  pages: readonly Page[],
  handles: Uint32Array,
  scratch: Uint32Array,
  from: number,
  to: number,
  pacer: Pacer,
): Promise<void> {
  for (let start = from; start < to; start += INSERTION_ROWS) {
    insertionSort(pages, handles, start, Math.min(start + INSERTION_ROWS, to));
    if (pacer.spend(INSERTION_ROWS * 4 * COMPARE_UNITS)) await pacer.turn();
  }
  for (let width = INSERTION_ROWS; width < to - from; width *= 2) {
    for (let start = from; start + width < to; start += width * 2) {
      const middle = start + width;
      const end = Math.min(middle + width, to);
      if (pacer.spend(COMPARE_UNITS)) await pacer.turn();
      if (compare(pages, handles[middle - 1]!, handles[middle]!) <= 0) continue;
      let left = start;
      for (let at = start; at < end; at += STEP_ROWS) {
        const stepEnd = Math.min(at + STEP_ROWS, end);
        const right = middle + (at - left);
        left = mergeStep(pages, handles, scratch, at, stepEnd, left, middle, right, end);
        if (pacer.spend((stepEnd - at) * COMPARE_UNITS)) await pacer.turn();
      }
      handles.set(scratch.subarray(start, end), start);
    }
  }
}

function insertionSort(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
): void {
  for (let index = from + 1; index < to; index++) {
    const handle = handles[index]!;
    let at = index;
    while (at > from && compare(pages, handles[at - 1]!, handle) > 0) {
      handles[at] = handles[at - 1]!;
      at--;
    }
    handles[at] = handle;
  }
}

/** Merges handles[left..middle) and handles[right..end) into merged[from..to); returns where the left ones go on. */
function mergeStep(
  pages: readonly Page[],
  handles: Uint32Array,
  merged: Uint32Array,
  from: number,
  to: number,
  left: number,
  middle: number,
  right: number,
  end: number,
): number {
  for (let at = from; at < to; at++) {
    const takesLeft =
      right === end || (left < middle && compare(pages, handles[left]!, handles[right]!) <= 0);
    merged[at] = takesLeft ? handles[left++]! : handles[right++]!;
  }
  return left;
}
