/**
 * What a flush makes of the partitions that its rows are in, before they are sorted: rows that have expired are left out, and partitions
 * are bounded.
 *
 * Rows of a backfill may be of any age: a memtable of a hundred thousand rows may touch as many partitions, and a run of each would cost
 * more memory and keys than the rows. So beyond a bound, partitions are joined, 2, 4, 8 ... neighbours to a run, aligned, so that the next
 * flush of such rows is cut at the same places and compaction finds what to join. Such a run bears the number of its first partition.
 * It is found, merged and expired by the times of its rows, like every other.
 */

import type { OrderedPartition } from './flush-order.js';
import { HANDLE_ROW_MASK, HANDLE_SHIFT, type Page } from './page.js';
import { boundOffset } from './time-base.js';

/** Runs that one flush makes of one table. */
export const FLUSH_RUNS_MAX = 256;

/** The partitions without rows at or before that time; a partition that has no other is left out. */
export function withoutExpired(
  parts: readonly OrderedPartition[],
  pages: readonly Page[],
  expiredThrough: bigint | null,
): readonly OrderedPartition[] {
  if (expiredThrough === null) return parts;
  const bounds = Float64Array.from(pages, (page) => boundOffset(expiredThrough, page.base));
  return parts.flatMap(({ partition, handles }) => {
    let kept = 0;
    for (let index = 0; index < handles.length; index++) {
      const handle = handles[index]!;
      const number = handle >>> HANDLE_SHIFT;
      if (pages[number]!.times[handle & HANDLE_ROW_MASK]! <= bounds[number]!) continue;
      handles[kept++] = handle;
    }
    return kept === 0 ? [] : [{ partition, handles: handles.subarray(0, kept) }];
  });
}

/** At most `max` of them. Requires: ascending. */
export function boundPartitions(
  parts: readonly OrderedPartition[],
  max: number = FLUSH_RUNS_MAX,
): readonly OrderedPartition[] {
  let width = 1;
  while (groupCount(parts, width) > max) width *= 2;
  if (width === 1) return parts;
  const bounded: OrderedPartition[] = [];
  for (let from = 0; from < parts.length;) {
    const first = alignedTo(parts[from]!.partition, width);
    let to = from;
    let rows = 0;
    while (to < parts.length && alignedTo(parts[to]!.partition, width) === first) {
      rows += parts[to]!.handles.length;
      to += 1;
    }
    const handles = new Uint32Array(rows);
    let at = 0;
    for (const part of parts.slice(from, to)) {
      handles.set(part.handles, at);
      at += part.handles.length;
    }
    bounded.push({ partition: first, handles });
    from = to;
  }
  return bounded;
}

function groupCount(parts: readonly OrderedPartition[], width: number): number {
  let count = 0;
  let last = NaN;
  for (const { partition } of parts) {
    const first = alignedTo(partition, width);
    if (first !== last) count += 1;
    last = first;
  }
  return count;
}

function alignedTo(partition: number, width: number): number {
  return Math.floor(partition / width) * width;
}
