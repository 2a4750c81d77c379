/**
 * Where a scan's rows come from: a memtable up to a watermark, or a run. Each yields pages two ways: as they lie, for rows that need no
 * merging, and sorted by (series, time, version), as a cursor for a merge.
 */

import type { TimeSpan } from './interval-set.js';
import { Page } from './page.js';
import type { RowFilter } from './row-filter.js';
import type { ColumnId } from './table-schema.js';

/** Pages one after another; null = no more. Pages are not empty, and their times are normalized when sorted. */
export interface PageStream {
  next(): Promise<Page | null>;
}

/** How one part's rows are to be read. */
export interface SourceView {
  readonly filter: RowFilter;
  /** For each output column the part's own; null = a tag, or the part lacks it. */
  readonly columns: readonly (ColumnId | null)[];
  /** From the part's local series ids to those of the output; null = the same. */
  readonly seriesMap: Uint32Array | null;
}

export interface ScanSource {
  readonly rows: number;
  /** Null for a source without rows. */
  readonly span: TimeSpan | null;
  readonly seriesMin: number;
  readonly seriesMax: number;
  /** Times at which its rows may share an identity with each other's or an older source's. */
  readonly suspects: readonly TimeSpan[];
  /** Times of its row tombstones; also among the suspects. */
  readonly tombstoneSpans: readonly TimeSpan[];
  unsorted(view: SourceView): PageStream;
  /** Sorted by the output's series ids. */
  sorted(view: SourceView): PageStream;
}

/** The page with its series numbered as the output numbers them. */
export function mapSeries(page: Page, seriesMap: Uint32Array | null): Page {
  if (seriesMap === null) return page;
  const series = new Uint32Array(page.length);
  for (let row = 0; row < page.length; row++) series[row] = seriesMap[page.series[row]!]!;
  return new Page({
    length: page.length,
    series,
    base: page.base,
    times: page.times,
    versions: page.versions,
    tombstones: page.tombstones,
    ordinals: page.ordinals,
    columns: page.columns,
  });
}
