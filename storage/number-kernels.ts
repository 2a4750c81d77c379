/**
 * The loops of kernels/numbers.ts, for columns of any length: what they look at is copied into their memory a few thousand values at a
 * time, unless it is there already, and what they make is copied out.
 *
 * Values are in their memory already when their array is a `kernelColumn`. What is computed there from a column that was copied in once
 * (its differences, what packs them) costs no copy more.
 */

import { kernelModule } from './kernel-module.js';
import { NESTING_MAX } from './number-codec.js';
import type { NumberScan } from './number-scan.js';

/** What kernels/numbers.ts exports. */
interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly VALUES_MAX: { readonly value: number };
  readonly RESULTS: { readonly value: number };
  readonly COLUMN_BYTES: { readonly value: number };
  readonly COLUMNS: { readonly value: number };
  scanIntegers(from: number, count: number, sum: number): number;
  scanReals(from: number, count: number, sum: number): number;
  extremes(from: number, count: number): void;
  pack(from: number, to: number, count: number, base: number, width: number): void;
  packDigits(
    from: number,
    to: number,
    count: number,
    base: number,
    radix: number,
    digits: number,
  ): void;
  differences(from: number, to: number, count: number): void;
  listOutside(
    from: number,
    to: number,
    count: number,
    base: number,
    reach: number,
    most: number,
  ): number;
  divideExactly(from: number, to: number, count: number, divisor: number): number;
  scaleDecimals(from: number, to: number, count: number, power: number): number;
  splitRuns(from: number, heads: number, lengths: number, count: number): number;
  unpack(from: number, to: number, count: number, base: number, width: number): void;
  unpackDigits(
    from: number,
    to: number,
    count: number,
    base: number,
    radix: number,
    digits: number,
  ): void;
  accumulate(from: number, count: number, first: number): void;
  multiply(from: number, count: number, factor: number): void;
  divide(from: number, count: number, divisor: number): void;
}

/** Fewer values are not worth copying to a kernel, when they are written and when they are read. */
export const WRITTEN_VALUES_MIN = 64;
export const READ_VALUES_MIN = 128;
/** Fewer are copied one by one: a part of an array, and a call of its own, cost more. */
const COPIED_MIN = 128;
/** How many columns are lent: for a column, and for what each level of its codecs makes of it. */
const LENT = NESTING_MAX + 1;

const kernels = kernelModule<Kernels>('numbers');
const { buffer } = kernels.memory;

/** What a column in the kernels' memory holds. */
export const KERNEL_VALUES_MAX = kernels.VALUES_MAX.value;

const COLUMN_BYTES = kernels.COLUMN_BYTES.value;
const INPUT = kernels.COLUMNS.value;
const OUTPUT = INPUT + COLUMN_BYTES;
const OUTPUT_2 = OUTPUT + COLUMN_BYTES;
const FIRST_LENT = OUTPUT_2 + COLUMN_BYTES;

const results = new Float64Array(buffer, kernels.RESULTS.value, 4);
const input = columnAt(INPUT);
const inputBytes = new Uint8Array(buffer, INPUT, COLUMN_BYTES);
const output = columnAt(OUTPUT);
const outputBytes = new Uint8Array(buffer, OUTPUT, COLUMN_BYTES);
const outputPlaces = new Uint32Array(buffer, OUTPUT, KERNEL_VALUES_MAX);
const output2 = columnAt(OUTPUT_2);
const lent = Array.from({ length: LENT }, (_, index) =>
  columnAt(FIRST_LENT + index * COLUMN_BYTES),
);

function columnAt(place: number): Float64Array {
  return new Float64Array(buffer, place, KERNEL_VALUES_MAX);
}

/** One of the columns in the kernels' memory that others may use, from 0. */
export function kernelColumn(index: number): Float64Array {
  return lent[index]!;
}

/**
 * Looks at the first `count` values, at least one, and sums them up in `scan`. False: one is no safe integer, or -0, and `scan` is as it
 * was.
 */
export function scanIntegers(values: Float64Array, count: number, scan: NumberScan): boolean {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let runs = 1;
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    if (kernels.scanIntegers(placeOf(values, start, taken), taken, sum) === 0) return false;
    min = Math.min(min, results[0]!);
    max = Math.max(max, results[1]!);
    sum = results[2]!;
    runs += results[3]!;
    if (start > 0) runs += +(values[start] !== values[start - 1]);
  }
  return describeIntegers(scan, min, max, sum, runs);
}

/** What was found out about integers, into `scan`. False: they are not all safe, and `scan` is as it was. */
export function describeIntegers(
  scan: NumberScan,
  min: number,
  max: number,
  sum: number,
  runs: number,
): boolean {
  if (min < Number.MIN_SAFE_INTEGER || max > Number.MAX_SAFE_INTEGER) return false;
  scan.areIntegers = true;
  scan.areFloats = false;
  scan.isKnown = true;
  scan.min = min;
  scan.max = max;
  scan.sum = sum;
  scan.runs = runs;
  return true;
}

/** Looks at the first `count` values, at least one, of which not all are safe integers or one is -0. */
export function scanReals(values: Float64Array, count: number, scan: NumberScan): void {
  scan.areIntegers = false;
  scan.areFloats = true;
  scan.isKnown = true;
  scan.min = Infinity;
  scan.max = -Infinity;
  scan.sum = 0;
  scan.runs = 1;
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    const found = kernels.scanReals(placeOf(values, start, taken), taken, scan.sum);
    scan.areFloats &&= (found & 1) !== 0;
    scan.isKnown &&= (found & 2) === 0;
    if (results[0]! < scan.min) scan.min = results[0]!;
    if (results[1]! > scan.max) scan.max = results[1]!;
    scan.sum = results[2]!;
    scan.runs += results[3]!;
    if (start > 0) scan.runs += +!Object.is(values[start], values[start - 1]);
  }
}

/** The least and the greatest of the first `count` values, at least one and none NaN. */
export function extremes(values: Float64Array, count: number): { min: number; max: number } {
  let min = Infinity;
  let max = -Infinity;
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    kernels.extremes(placeOf(values, start, taken), taken);
    min = Math.min(min, results[0]!);
    max = Math.max(max, results[1]!);
  }
  return { min, max };
}

/** Writes what each of the first `count` values is above `base`, `width` bytes each (1, 2 or 4), to `bytes` from `at` on. */
export function packRests(
  bytes: Uint8Array,
  at: number,
  values: Float64Array,
  count: number,
  base: number,
  width: number,
): void {
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    kernels.pack(placeOf(values, start, taken), OUTPUT, taken, base, width);
    copyBytesOut(bytes, at + start * width, taken * width);
  }
}

/** The same as digits of base `radix`, `digits` a byte: 2 to 5, or 8. */
export function packDigits(
  bytes: Uint8Array,
  at: number,
  values: Float64Array,
  count: number,
  base: number,
  radix: number,
  digits: number,
): void {
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    kernels.packDigits(placeOf(values, start, taken), OUTPUT, taken, base, radix, digits);
    copyBytesOut(bytes, at + start / digits, Math.ceil(taken / digits));
  }
}

/**
 * Makes the differences of the first `count` values, at least two and integers, and describes them in `scan`: `min`, `max` and `runs`.
 */
export function differences(
  values: Float64Array,
  count: number,
  target: Float64Array,
  scan: NumberScan,
): void {
  scan.min = Infinity;
  scan.max = -Infinity;
  scan.runs = 1;
  for (let start = 0; start < count - 1; start += KERNEL_VALUES_MAX - 1) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    kernels.differences(placeOf(values, start, taken), targetOf(target, start), taken);
    takeOut(target, start, taken - 1);
    scan.min = Math.min(scan.min, results[0]!);
    scan.max = Math.max(scan.max, results[1]!);
    scan.runs += results[2]!;
    if (start > 0) scan.runs += +(target[start] !== target[start - 1]);
  }
}

/**
 * Lists the first `count` values that are not from `base` to `base` + `reach`, and returns how many they are. It stops soon
 * after they are more than `most`; so many fit `places`, and what does not is left out.
 */
export function listOutside(
  values: Float64Array,
  count: number,
  base: number,
  reach: number,
  most: number,
  places: Uint32Array,
): number {
  let listed = 0;
  for (let start = 0; start < count && listed <= most; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    const from = placeOf(values, start, taken);
    const found = kernels.listOutside(from, OUTPUT, taken, base, reach, most - listed);
    for (let index = 0; index < found && listed < places.length; index++) {
      places[listed++] = start + outputPlaces[index]!;
    }
  }
  return listed;
}

/** Divides the first `count` values by `divisor`. Returns where the first one is that is no multiple of it, or `count`. */
export function divideExactly(
  values: Float64Array,
  count: number,
  divisor: number,
  target: Float64Array,
): number {
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    const from = placeOf(values, start, taken);
    const multiples = kernels.divideExactly(from, targetOf(target, start), taken, divisor);
    if (multiples < taken) return start + multiples;
    takeOut(target, start, taken);
  }
  return count;
}

/**
 * Multiplies the first `count` values by `power` and rounds them. Returns where the first one is that this makes no integer of that leads
 * back to it, -1 when one is -0, or `count`.
 */
export function scaleDecimals(
  values: Float64Array,
  count: number,
  power: number,
  target: Float64Array,
): number {
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    const from = placeOf(values, start, taken);
    const scaled = kernels.scaleDecimals(from, targetOf(target, start), taken, power);
    if (scaled < taken) return scaled < 0 ? scaled : start + scaled;
    takeOut(target, start, taken);
  }
  return count;
}

/**
 * Splits the first `count` values, at least one, into runs, whose values and lengths `heads` and `lengths` have room for. Bits are
 * compared: 0 and -0 differ, NaNs do not.
 */
export function splitRuns(
  values: Float64Array,
  count: number,
  heads: Float64Array,
  lengths: Float64Array,
): void {
  let run = 0;
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    const found = kernels.splitRuns(placeOf(values, start, taken), OUTPUT, OUTPUT_2, taken);
    const goesOn = start > 0 && Object.is(output[0], heads[run - 1]);
    if (goesOn) lengths[run - 1]! += output2[0]!;
    for (let index = goesOn ? 1 : 0; index < found; index++) {
      heads[run] = output[index]!;
      lengths[run++] = output2[index]!;
    }
  }
}

/** Reads what `packRests` wrote into target[first .. first + count). */
export function unpackRests(
  bytes: Uint8Array,
  at: number,
  target: Float64Array,
  first: number,
  count: number,
  base: number,
  width: number,
): void {
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    copyBytesIn(bytes, at + start * width, taken * width);
    kernels.unpack(INPUT, targetOf(target, first + start), taken, base, width);
    takeOut(target, first + start, taken);
  }
}

/** Reads what `packDigits` wrote. */
export function unpackDigits(
  bytes: Uint8Array,
  at: number,
  target: Float64Array,
  first: number,
  count: number,
  base: number,
  radix: number,
  digits: number,
): void {
  for (let start = 0; start < count; start += KERNEL_VALUES_MAX) {
    const taken = Math.min(KERNEL_VALUES_MAX, count - start);
    copyBytesIn(bytes, at + start / digits, Math.ceil(taken / digits));
    kernels.unpackDigits(INPUT, targetOf(target, first + start), taken, base, radix, digits);
    takeOut(target, first + start, taken);
  }
}

/** Replaces `count` - 1 differences in a kernel column by the `count` values, of which `first` is the first; all are safe integers. */
export function accumulate(column: Float64Array, count: number, first: number): void {
  kernels.accumulate(lentPlace(column), count, first);
}

/** Multiplies the first `count` values of a kernel column. */
export function multiply(column: Float64Array, count: number, factor: number): void {
  kernels.multiply(lentPlace(column), count, factor);
}

/** Divides the first `count` values of a kernel column. */
export function divide(column: Float64Array, count: number, divisor: number): void {
  kernels.divide(lentPlace(column), count, divisor);
}

export function isKernelColumn(values: Float64Array): boolean {
  return lentPlace(values) !== 0;
}

/** Where a kernel column is; 0 = it is none. */
function lentPlace(values: Float64Array): number {
  for (let index = 0; index < LENT; index++) {
    if (lent[index] === values) return FIRST_LENT + index * COLUMN_BYTES;
  }
  return 0;
}

/** Where in the kernels' memory these values are, or are from now on. */
function placeOf(values: Float64Array, start: number, count: number): number {
  const place = lentPlace(values);
  if (place !== 0) return place + start * 8;
  if (count < COPIED_MIN) {
    for (let index = 0; index < count; index++) input[index] = values[start + index]!;
  } else {
    input.set(values.subarray(start, start + count));
  }
  return INPUT;
}

/** Where a kernel makes what goes to the target, from `start` on. */
function targetOf(target: Float64Array, start: number): number {
  const place = lentPlace(target);
  return place === 0 ? OUTPUT : place + start * 8;
}

/** Copies what was made there to a target that is elsewhere. */
function takeOut(target: Float64Array, start: number, count: number): void {
  if (lentPlace(target) !== 0) return;
  if (count < COPIED_MIN) {
    for (let index = 0; index < count; index++) target[start + index] = output[index]!;
  } else {
    target.set(output.subarray(0, count), start);
  }
}

function copyBytesIn(bytes: Uint8Array, at: number, count: number): void {
  if (count < COPIED_MIN) {
    for (let index = 0; index < count; index++) inputBytes[index] = bytes[at + index]!;
  } else {
    inputBytes.set(bytes.subarray(at, at + count));
  }
}

function copyBytesOut(bytes: Uint8Array, at: number, count: number): void {
  if (count < COPIED_MIN) {
    for (let index = 0; index < count; index++) bytes[at + index] = outputBytes[index]!;
  } else {
    bytes.set(outputBytes.subarray(0, count), at);
  }
}
