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
const STEP_ROWS = 2048;
/** Comparing two rows costs about this much, in the pacer's units. */
const COMPARE_UNITS = 6;

/** Sorts the first `count` handles in place. The pages' times are normalized by the caller. */
export async function sortHandles(
  pages: readonly Page[],
  handles: Uint32Array,
  count: number,
  pacer: Pacer,
): Promise<void> {
  const scratch = new Uint32Array(count);
  let seriesMax = 0;
  for (let index = 0; index < count; index++) {
    const series = seriesOf(pages, handles[index]!);
    if (series > seriesMax) seriesMax = series;
    if (index % STEP_ROWS === 0 && pacer.spend(STEP_ROWS)) await pacer.turn();
  }
  if (seriesMax > count * SERIES_PER_ROW_MAX + STEP_ROWS) {
    await mergeSort(pages, handles, scratch, 0, count, pacer);
    return;
  }
  // ends[s] becomes the end of series s: first counts, then running sums, then moved by placing.
  const ends = new Uint32Array(seriesMax + 2);
  for (let index = 0; index < count; index++) {
    ends[seriesOf(pages, handles[index]!) + 1]!++;
    if (index % STEP_ROWS === 0 && pacer.spend(STEP_ROWS)) await pacer.turn();
  }
  for (let series = 1; series < ends.length; series++) ends[series]! += ends[series - 1]!;
  for (let index = 0; index < count; index++) {
    const handle = handles[index]!;
    scratch[ends[seriesOf(pages, handle)]!++] = handle;
    if (index % STEP_ROWS === 0 && pacer.spend(STEP_ROWS)) await pacer.turn();
  }
  handles.set(scratch);
  let from = 0;
  for (let series = 0; series <= seriesMax; series++) {
    const to = ends[series]!;
    if (to - from > 1) {
      if (pacer.spend((to - from) * COMPARE_UNITS)) await pacer.turn();
      await sortRange(pages, handles, scratch, from, to, pacer);
    }
    from = to;
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
  if (await isSorted(pages, handles, from, to, pacer)) return;
  await mergeSort(pages, handles, scratch, from, to, pacer);
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

async function isSorted(
  pages: readonly Page[],
  handles: Uint32Array,
  from: number,
  to: number,
  pacer: Pacer,
): Promise<boolean> {
  for (let index = from + 1; index < to; index++) {
    if (compare(pages, handles[index - 1]!, handles[index]!) > 0) return false;
    if (index % STEP_ROWS === 0 && pacer.spend(STEP_ROWS * COMPARE_UNITS)) await pacer.turn();
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
    const end = Math.min(start + INSERTION_ROWS, to);
    for (let index = start + 1; index < end; index++) {
      const handle = handles[index]!;
      let at = index;
      while (at > start && compare(pages, handles[at - 1]!, handle) > 0) {
        handles[at] = handles[at - 1]!;
        at--;
      }
      handles[at] = handle;
    }
    if (pacer.spend(INSERTION_ROWS * 4 * COMPARE_UNITS)) await pacer.turn();
  }
  for (let width = INSERTION_ROWS; width < to - from; width *= 2) {
    for (let start = from; start + width < to; start += width * 2) {
      const middle = start + width;
      const end = Math.min(middle + width, to);
      if (compare(pages, handles[middle - 1]!, handles[middle]!) <= 0) continue;
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const takeLeft =
          right === end || (left < middle && compare(pages, handles[left]!, handles[right]!) <= 0);
        scratch[at] = takeLeft ? handles[left++]! : handles[right++]!;
        if (at % STEP_ROWS === 0 && pacer.spend(STEP_ROWS * COMPARE_UNITS)) await pacer.turn();
      }
      handles.set(scratch.subarray(start, end), start);
      if (pacer.spend(((end - start) % STEP_ROWS) * COMPARE_UNITS)) await pacer.turn();
    }
  }
}
