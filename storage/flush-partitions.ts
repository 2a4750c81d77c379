/**
 * What a flush makes of the partitions that its rows are in, before they are sorted: rows that have expired are left out, and partitions
 * are bounded.
 *
 * Rows of a backfill may be of any age: a memtable of a hundred thousand rows may touch as many partitions, and a run of each would cost
 * more memory and keys than the rows. So beyond a bound, partitions are joined, 2, 4, 8 ... neighbours to a run, aligned, so that the next
 * flush of such rows is cut at the same places and compaction finds what to join. Such a run bears the number of its first partition.
 * It is found, merged and expired by the times of its rows, like every other.
 */

import type { PartitionRows } from './flush-order.js';
import { HANDLE_SHIFT, type Page } from './page.js';
import { RowStretches } from './row-stretches.js';
import { boundOffset } from './time-base.js';

/** Runs that one flush makes of one table. */
export const FLUSH_RUNS_MAX = 256;

/** The partitions without rows at or before that time; a partition that has no other is left out. */
export function withoutExpired(
  parts: readonly PartitionRows[],
  pages: readonly Page[],
  expiredThrough: bigint | null,
): readonly PartitionRows[] {
  if (expiredThrough === null) return parts;
  const bounds = Float64Array.from(pages, (page) => boundOffset(expiredThrough, page.base));
  return parts.flatMap(({ partition, rows }) => {
    const kept = new RowStretches();
    for (let stretch = 0; stretch < rows.count; stretch++) {
      const number = rows.starts[stretch]! >>> HANDLE_SHIFT;
      const first = number << HANDLE_SHIFT;
      const end = rows.ends[stretch]! - first;
      // Times of a stretch do not fall.
      let row = rows.starts[stretch]! - first;
      while (row < end && pages[number]!.times[row]! <= bounds[number]!) row++;
      if (row < end) kept.add(first + row, first + end);
    }
    return kept.count === 0 ? [] : [{ partition, rows: kept }];
  });
}

/** At most `max` of them. Requires: ascending. */
export function boundPartitions(
  parts: readonly PartitionRows[],
  max: number = FLUSH_RUNS_MAX,
): readonly PartitionRows[] {
  let width = 1;
  while (groupCount(parts, width) > max) width *= 2;
  if (width === 1) return parts;
  const bounded: PartitionRows[] = [];
  for (let from = 0; from < parts.length;) {
    const first = alignedTo(parts[from]!.partition, width);
    let to = from;
    const rows = new RowStretches();
    for (; to < parts.length && alignedTo(parts[to]!.partition, width) === first; to++) {
      rows.addAll(parts[to]!.rows);
    }
    bounded.push({ partition: first, rows });
    from = to;
  }
  return bounded;
}

function groupCount(parts: readonly PartitionRows[], width: number): number {
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
