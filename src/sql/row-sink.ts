/**
 * Where converted cells go: the part of storage's RowBatch that writing rows needs.
 *
 * Exactly one set* call a column and row, in any order, then `endRow`. Converters and scanner know only this much, so that a
 * cell can also be recorded (a DEFAULT, converted once and repeated in every row) and rows can be scanned into nothing.
 */

export interface RowSink {
  /** Rows ended. */
  readonly rowCount: number;
  /** BOOLEAN, integers of at most 53 bits, floats, days of a DATE. */
  setNumber(column: number, value: number): void;
  /** value = high * 2^32 + (low >>> 0); for unsigned columns high >>> 0. */
  setInteger64(column: number, high: number, low: number): void;
  /** Seconds since the epoch, rounded down, and the rest in the column's units: 0 <= fraction < 10^precision. */
  setTime(column: number, seconds: number, fraction: number): void;
  /** Text and blob: copies source[start..end). */
  setBytes(column: number, source: Uint8Array, start: number, end: number): void;
  /** Whether `addBytes` may be called for the column. */
  takesPieces(column: number): boolean;
  /** More bytes of the cell that `setBytes` began: copies source[start..end) behind them. Before any other call. */
  addBytes(column: number, source: Uint8Array, start: number, end: number): void;
  setNull(column: number): void;
  endRow(): void;
  /** Forgets the cells set since the last endRow. */
  abandonRow(): void;
}

/** Tuples of rows (storage/tag-tuple.ts), one after another. */
export interface SpelledTuples {
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  /** Where each one ends there; the first begins at 0. */
  readonly ends: Uint32Array;
  /** `hashBytes` (storage/byte-hash.ts) of the first `count` of them. */
  hashes(count: number): Int32Array;
}

/** In place of a handle. */
export const NO_TUPLE = -1;

/** A sink of whole columns: the tags of a row may be named instead of spelled, and numbers written where they will lie. */
export interface TupleSink extends RowSink {
  /** So many columns are tags: the first. */
  readonly tagCount: number;
  /** What handles from 0 on belong to; another object when they are all forgotten. Those below NO_TUPLE are of series of the table. */
  readonly tuples: object;
  /** The tuple that the next row is likely to have, NO_TUPLE when nothing is known. */
  readonly likelyTuple: number;
  /** The tuple of the row that ended last. */
  readonly lastTuple: number;
  /** How that tuple is written is worth remembering. */
  readonly mayRepeat: boolean;
  /** Where the canonical bytes of a series that is likely are, if no cell of it has a quote, a backslash or a byte above 0x7f; else null. */
  plainSeries(handle: number): DataView | null;
  /** Where they start there. */
  seriesStart(handle: number): number;
  /** Instead of a set* call for each tag. */
  setTuple(handle: number): void;
  /**
   * Into `handles` goes which tuples the next rows are likely to have, from `likelyTuple` on; returns how many: at most `count`, and none from the
   * first on that is of a series.
   */
  likelyTuples(handles: Int32Array, count: number): number;
  /** At most so many bytes more does the batch take, as it counts them, when it has the rows that the last call of `likelyTuples`, or `roomForSpelled`, found. */
  readonly likelyBytes: number;
  /**
   * Tuples of the next rows are better spelled than named: there are too many for their texts to be remembered, and the next one is likely to be
   * of a series or as new as one can be, or nothing is known of it.
   */
  readonly takesSpelled: boolean;
  /**
   * How many of the next `count` rows there is room for. `likelyBytes` is then for them, if their tuples have so many bytes together.
   */
  roomForSpelled(count: number, tupleBytes: number): number;
  /** Ends `count` rows with these tuples, all of whose cells have a length field of one byte. Requires: `takesSpelled`. */
  endSpelledRows(tuples: SpelledTuples, count: number): void;
  /** As setNumber in each of the next `count` rows, with values[from] on, where the column has a lane. */
  setNumbers(column: number, values: Float64Array, from: number, count: number): void;
  /** As setTime in each of the next `count` rows, with seconds[from] on and always the same fraction. */
  setTimes(
    column: number,
    seconds: Float64Array,
    from: number,
    count: number,
    fraction: number,
  ): void;
  /** Ends `count` rows, which have the tuples that `likelyTuples` found. */
  endRows(handles: Int32Array, count: number): void;
  /** Number cells in one array: cells[laneStart(column) + rowCount] = value is setNumber(column, value). */
  readonly cells: Float64Array;
  /** -1 for a column that has no such lane. */
  laneStart(column: number): number;
  /**
   * What `laneStart` says is good while this number stays the same, also in another sink of the same columns; never 0. It changes only in set*
   * calls, `endRow` and between rows.
   */
  readonly lanesVersion: number;
}
