/**
 * What is to be known of a column's numbers before a codec is chosen: one pass, into a result that is used again.
 */

import { describeIntegers, scanIntegers, scanReals, WRITTEN_VALUES_MIN } from './number-kernels.js';

/** Of the numbers of a column that are not NULL. Sums are taken in row order, so that equal columns have equal sums. */
export interface NumberSummary {
  /** False: there is no number, or a NaN, which makes the others meaningless. */
  isKnown: boolean;
  min: number;
  max: number;
  sum: number;
}

export interface NumberScan extends NumberSummary {
  /** All are safe integers, and none is -0. */
  areIntegers: boolean;
  /** All are exactly floats, or NaN. Only known when they are no integers. */
  areFloats: boolean;
  /** Stretches of equal neighbours: 1 = all are equal. */
  runs: number;
}

export function newScan(): NumberScan {
  return {
    isKnown: false,
    min: 0,
    max: 0,
    sum: 0,
    areIntegers: false,
    areFloats: false,
    runs: 0,
  };
}

/** Scans the first `count` values, at least one. */
export function scanNumbers(values: Float64Array, count: number, scan: NumberScan): void {
  if (count < WRITTEN_VALUES_MIN) {
    if (!scanFewIntegers(values, count, scan)) scanFewReals(values, count, scan);
  } else if (!scanIntegers(values, count, scan)) {
    scanReals(values, count, scan);
  }
}

/** What `scanIntegers` does, without a kernel. */
function scanFewIntegers(values: Float64Array, count: number, scan: NumberScan): boolean {
  let previous = values[0]!;
  let min = previous;
  let max = previous;
  let sum = 0;
  let runs = 1;
  for (let index = 0; index < count; index++) {
    const value = values[index]!;
    if (Math.floor(value) !== value || (value === 0 && 1 / value < 0)) return false;
    if (value < min) min = value;
    else if (value > max) max = value;
    if (value !== previous) runs++;
    sum += value;
    previous = value;
  }
  return describeIntegers(scan, min, max, sum, runs);
}

/** What `scanReals` does, without a kernel. */
function scanFewReals(values: Float64Array, count: number, scan: NumberScan): void {
  let previous = values[0]!;
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let runs = 1;
  let hasNaN = false;
  let areFloats = true;
  for (let index = 0; index < count; index++) {
    const value = values[index]!;
    if (value !== value) hasNaN = true;
    else if (areFloats && Math.fround(value) !== value) areFloats = false;
    if (value < min) min = value;
    if (value > max) max = value;
    if (!Object.is(value, previous)) {
      runs++;
      previous = value;
    }
    sum += value;
  }
  scan.areIntegers = false;
  scan.areFloats = areFloats;
  scan.isKnown = !hasNaN;
  scan.min = min;
  scan.max = max;
  scan.sum = sum;
  scan.runs = runs;
}
