/** Where the rows of an INSERT go, as the scanner sees it. */

import type { TypedValue } from '../exec/sql-value.js';
import type { CellConverter, ConversionContext } from './cell-conversion.js';
import type { RecordedCell } from './recorded-cell.js';
import type { RowSink } from './row-sink.js';

/** One position in the rows of VALUES. */
export interface InsertCell {
  readonly converter: CellConverter;
  /** What DEFAULT means here; null when the column must be given. */
  readonly defaultCell: RecordedCell | null;
}

export interface InsertTarget {
  /** Looked at anew in each `write`: it may be another one after `onBatchFull`. */
  readonly batch: RowSink;
  /** The scanner sets `row`. */
  readonly context: ConversionContext;
  readonly cells: readonly InsertCell[];
  /** The columns that the statement does not name, written into every row. */
  readonly omitted: readonly RecordedCell[];
  /** The value of an expression at position `position`. Throws SqlError. */
  evaluate(text: string, position: number): TypedValue;
  /**
   * Asked after each row. Or whether the batch might be full after so many more rows and bytes, as it counts them: then it is asked row
   * by row.
   */
  isBatchFull(moreRows?: number, moreBytes?: number): boolean;
  /** Called between two `write`s, never from inside one. */
  onBatchFull(): void | Promise<void>;
}
