/**
 * What rows under construction call their tag tuples by: a small number, whose sign says whose it is.
 *
 *   0, 1, 2 ...      a tuple of the batches' own memory (tuple-memory.ts)
 *   -1               none
 *   -2, -3, -4 ...   series 0, 1, 2 ... of the table (series-dictionary.ts)
 *
 * A handle of a series is a hint until its tuple was compared: the table may have been dropped since it was noted.
 */

export const NO_TUPLE = -1;

export function isSeriesHandle(handle: number): boolean {
  return handle < NO_TUPLE;
}

export function handleOfSeries(id: number): number {
  return NO_TUPLE - 1 - id;
}

/** Requires: the handle is one of a series. */
export function seriesOfHandle(handle: number): number {
  return NO_TUPLE - 1 - handle;
}
