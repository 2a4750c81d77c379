/** What readers ask of a ReadView, and what they get. */

import type { ColumnId, TableId } from './table-schema.js';
import type { Vector } from './vector.js';

/**
 * One storage table of the name that is read. A name has more than one after concurrent CREATEs were merged: they read as their
 * union, series matched by tag values.
 */
export interface ScanPart {
  readonly tableId: TableId;
  /** This part's column for each of the request's columns; null = it lacks it, all NULL. */
  readonly columns: readonly (ColumnId | null)[];
  /** This part's column for each tag of the canonical part, in PRIMARY KEY order. Left out: tags match by place. */
  readonly tags?: readonly (ColumnId | null)[];
}

export interface ScanRequest {
  /** The first is canonical. */
  readonly parts: readonly ScanPart[];
  /** Of the canonical part, in output order. A column that only another part has goes by that part's id here. One that
   * no schema has that was applied here (an ALTER without a row yet) reads as NULLs of kind 'number'. */
  readonly columns: readonly ColumnId[];
  /** Inclusive bounds in the time column's units, null = open. Used for pruning and applied exactly. */
  readonly timeMin: bigint | null;
  readonly timeMax: bigint | null;
  /** 1 = wanted, by local series id of that part's table; ids beyond the mask's length are unwanted. Null = all. */
  readonly seriesMask: ((tableId: TableId) => Uint8Array | null) | null;
  /** 'series-time': ascending (series id, time) over the whole scan. */
  readonly order: 'any' | 'series-time';
  /** The scan may stop after so many rows. */
  readonly limitRows?: number;
  readonly needSeries?: boolean;
  readonly needVersions?: boolean;
  /** Only the rows of the view's overlay, as its transaction wrote them: not merged with anything that is committed. */
  readonly ownOnly?: boolean;
}

/** At most VECTOR_ROWS_MAX rows. Arrays are read-only for the receiver: they may be the memtable's own or in a cache. */
export interface ScanBatch {
  readonly length: number;
  readonly columns: readonly Vector[];
  /** Local series ids of the canonical part (with several parts: see ReadView.seriesOfParts). Null unless asked for. */
  readonly series: Uint32Array | null;
  readonly versions?: Float64Array;
}

export interface SeriesSet {
  readonly count: number;
  /** Values of a tag column by series id. */
  tag(columnId: ColumnId): Vector;
}

export interface TableEstimate {
  /** Upper bound. */
  readonly rows: number;
  /** The count, where nothing can be overwritten or deleted; null = only a scan knows. */
  readonly exactRows: number | null;
  readonly timeMin: bigint | null;
  readonly timeMax: bigint | null;
}
