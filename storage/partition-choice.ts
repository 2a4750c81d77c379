/**
 * The width of a table's time partitions where CREATE TABLE left it open (partition ms 0 in its schema).
 *
 * A partition is what one run covers and what expiry drops whole: wide enough to hold rows worth a run, narrow enough that a compaction
 * of it stays small. So it is chosen from how dense the first flushed rows lie in time. Each node chooses for itself, once a table, and
 * keeps the choice in its manifest: partitions say how rows are stored, never which rows there are, so two nodes may choose differently.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Steps of the choice, rising. */
const WIDTHS_MS: readonly number[] = [
  HOUR_MS,
  6 * HOUR_MS,
  DAY_MS,
  7 * DAY_MS,
  30 * DAY_MS,
  365 * DAY_MS,
];
/** Where there is too little to tell by. */
const FALLBACK_MS = 30 * DAY_MS;
const SAMPLE_ROWS_MIN = 1000;
/** A partition is expected to hold at most so many rows, unless an hour already holds more. */
const PARTITION_ROWS = 16_000_000;
/** Offsets within a partition are doubles that count units exactly. */
const PARTITION_UNITS_MAX = 2 ** 53;

/** True when a partition of this width spans fewer than 2^53 units of a time column with so many fraction digits. */
export function fitsPartition(partitionMs: number, precision: number): boolean {
  return partitionMs * 10 ** (precision - 3) < PARTITION_UNITS_MAX;
}

/** The widest step that is expected to hold no more than PARTITION_ROWS. `spanMs`: from the first to the last of `rows` rows. */
export function choosePartitionMs(rows: number, spanMs: number, precision: number): number {
  if (rows < SAMPLE_ROWS_MIN || spanMs <= 0) return FALLBACK_MS;
  let chosen = WIDTHS_MS[0]!;
  for (const width of WIDTHS_MS) {
    const isFull = (rows / spanMs) * width > PARTITION_ROWS;
    if (isFull || !fitsPartition(width, precision)) break;
    chosen = width;
  }
  return chosen;
}
