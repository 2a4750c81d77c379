/** What a flush leaves out before it sorts: rows that have expired. */

import type { OrderedPartition } from './flush-order.js';
import { HANDLE_ROW_MASK, HANDLE_SHIFT, type Page } from './page.js';
import { boundOffset } from './time-base.js';

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
