/**
 * Which codec integers take: a plan a nesting level, made before anything is written.
 *
 * A plan is refined codec by codec and says what it will cost in bytes. Codecs that need a pass over the column (differences, exceptions, a
 * dictionary) are tried only where a sample of 64 values or differences promises that they beat the plan so far by a tenth.
 */

import { buildNumberDictionary, type NumberDictionary } from './number-dictionary.js';
import type { Effort } from './number-encoder.js';
import { NESTING_MAX, NumberCodec as Codec } from './number-codec.js';
import {
  differences,
  divideExactly,
  KERNEL_VALUES_MAX,
  kernelColumn,
  listOutside,
} from './number-kernels.js';
import { newScan, type NumberScan } from './number-scan.js';
import { packedBytes, packedReach, packedWidth } from './packed-integers.js';

export interface IntegerPlan {
  codec: Codec;
  /** packed, patched. */
  base: number;
  width: number;
  /** patched: values from base to base + reach are in place. */
  reach: number;
  /** patched: the first so many of `places` are where the values are that are not. */
  exceptions: number;
  places: Uint32Array;
  runs: number;
  divisor: number;
  dictionary: NumberDictionary | null;
}

/** Of fewer values only the frame of reference is looked at. */
const ALTERNATIVES_MIN = 16;
/** What another codec must at least save. */
const WORTHWHILE = 0.9;
/** Nothing is sought below about this many bytes a value: differences of -1, 0 and 1. */
const GOOD_BYTES = 0.21;
/** Codec, base and widths of a nested codec. */
const NESTED_BYTES = 12;
/** A smaller common divisor narrows too little. */
const DIVISOR_MIN = 8;
const DICTIONARY_VALUES_MIN = 64;
/** A dictionary's codes take a byte, so it is not tried below this. */
const DICTIONARY_BYTES_MIN = 1.2;

const SAMPLE = 64;
/** Of a sorted sample, the narrowest stretch of all but so many is what most values are like. */
const SPARE = 3;
const WINDOWS = 8;
const WINDOW_VALUES = SAMPLE / WINDOWS + 1;

// Encoding is synchronous, so its working memory can be shared; one set a nesting level.
const plans: readonly IntegerPlan[] = Array.from({ length: NESTING_MAX + 2 }, () => ({
  codec: Codec.packed,
  base: 0,
  width: 0,
  reach: 0,
  exceptions: 0,
  places: new Uint32Array(0),
  runs: 0,
  divisor: 1,
  dictionary: null,
}));
const scans = Array.from({ length: NESTING_MAX + 2 }, newScan);
const work: Float64Array[] = [];
const largeWork: Float64Array[] = [];
const sample = new Float64Array(SAMPLE);

export function planOf(level: number): IntegerPlan {
  return plans[level]!;
}

/** Holds the differences, quotients or scaled decimals that the plan of a level made. */
export function workOf(level: number): Float64Array {
  return work[level]!;
}

/** The same with room for `length` values: memory of the kernels, or, for more than these hold, an array kept for the next time. */
export function newWork(level: number, length: number): Float64Array {
  let array = kernelColumn(level + 1);
  if (length > KERNEL_VALUES_MAX) {
    array = largeWork[level] ?? array;
    if (array.length < length) array = new Float64Array(length);
    largeWork[level] = array;
  }
  work[level] = array;
  return array;
}

/**
 * Plans the first `count` values, safe integers, which `scan` describes, and returns about how many bytes they will take. `mayCode`: a
 * dictionary may be used (there is memory for one at a time).
 */
export function planIntegers(
  values: Float64Array,
  count: number,
  scan: NumberScan,
  effort: Effort,
  level: number,
  mayCode: boolean,
): number {
  const { min, max, runs } = scan;
  const plan = plans[level]!;
  const width = packedWidth(max - min, count);
  let bytes = packedBytes(width, count);
  plan.codec = width === -1 ? Codec.raw64 : Codec.packed;
  plan.base = min;
  plan.width = width;
  if (width === 0 || count < ALTERNATIVES_MIN || level >= NESTING_MAX) return bytes;
  const itemBytes = width === -1 ? 8 : Math.max(1, Math.min(4, bytes / count));
  const runBytes = runs * (1.5 + itemBytes) + NESTED_BYTES * 2;
  if (runBytes < bytes * WORTHWHILE) {
    plan.codec = Codec.runs;
    plan.runs = runs;
    bytes = runBytes;
  }
  if (width === -1 || (effort !== 'fast' && itemBytes >= 4 && plan.codec === Codec.packed)) {
    const multiple = tryMultiple(values, count, scan, effort, level, mayCode, bytes);
    if (multiple < bytes) return multiple;
  }
  if (effort === 'fast') {
    return hasEvenSteps(values, count) ? tryDeltas(values, count, effort, level, bytes) : bytes;
  }
  if (bytes <= count * GOOD_BYTES) return bytes;
  bytes = tryPatched(values, count, itemBytes, level, bytes);
  if (promisesDeltas(values, count, bytes)) bytes = tryDeltas(values, count, effort, level, bytes);
  if (mayCode && bytes > count * DICTIONARY_BYTES_MIN) {
    bytes = tryDictionary(values, count, scan, itemBytes, true, effort, level, bytes);
  }
  return bytes;
}

/** A dictionary for values that are no integers and would take `itemBytes` each; false = it does not pay. */
export function planDictionary(
  values: Float64Array,
  count: number,
  scan: NumberScan,
  itemBytes: number,
  effort: Effort,
  level: number,
): boolean {
  const bytes = itemBytes * count;
  return tryDictionary(values, count, scan, itemBytes, false, effort, level, bytes) < bytes;
}

/** Quotients by the greatest common divisor of all values, as a plan of the next level. */
function tryMultiple(
  values: Float64Array,
  count: number,
  scan: NumberScan,
  effort: Effort,
  level: number,
  mayCode: boolean,
  bytes: number,
): number {
  let divisor = sampledDivisor(values, count);
  if (divisor < DIVISOR_MIN) return bytes;
  const quotients = newWork(level, count);
  for (;;) {
    const multiples = divideExactly(values, count, divisor, quotients);
    if (multiples === count) break;
    // The sample had more in common than all have: from the start again.
    divisor = commonDivisor(divisor, Math.abs(values[multiples]!));
    if (divisor < DIVISOR_MIN) return bytes;
  }
  const inner = scans[level]!;
  inner.min = scan.min / divisor;
  inner.max = scan.max / divisor;
  inner.runs = scan.runs;
  const multiple = planIntegers(quotients, count, inner, effort, level + 1, mayCode) + NESTED_BYTES;
  if (multiple >= bytes * WORTHWHILE) return bytes;
  const plan = plans[level]!;
  plan.codec = Codec.multiple;
  plan.divisor = divisor;
  return multiple;
}

/** The greatest common divisor of some of the values: a day for dates, a second for times in finer units. */
function sampledDivisor(values: Float64Array, count: number): number {
  const step = Math.max(1, Math.floor(count / SAMPLE));
  let divisor = 0;
  for (let index = 0; index < count && divisor !== 1; index += step) {
    divisor = commonDivisor(divisor, Math.abs(values[index]!));
  }
  return Math.max(1, divisor);
}

function commonDivisor(a: number, b: number): number {
  let divisor = a;
  let rest = b;
  while (rest !== 0) {
    const next = divisor % rest;
    divisor = rest;
    rest = next;
  }
  return divisor;
}

/** Most values in a narrow range, the few others apart. */
function tryPatched(
  values: Float64Array,
  count: number,
  itemBytes: number,
  level: number,
  bytes: number,
): number {
  const step = count / SAMPLE;
  for (let index = 0; index < SAMPLE; index++) sample[index] = values[Math.floor(index * step)]!;
  const span = narrowestSpan();
  const least = packedWidth(span, count);
  if (least === -1 || packedBytes(least, count) >= bytes * WORTHWHILE) return bytes;
  // All that these bytes reach is used, half of what is left over to either side.
  const reach = packedReach(least);
  const width = packedWidth(reach, count);
  const base = Math.max(spanStart - Math.floor((reach - span) / 2), Number.MIN_SAFE_INTEGER);
  const plan = plans[level]!;
  const packed = packedBytes(width, count) + NESTED_BYTES * 2;
  const exceptionBytes = 1.5 + itemBytes;
  // With more, it does not pay.
  const worthwhile = Math.ceil((bytes * WORTHWHILE - packed) / exceptionBytes);
  const most = Math.max(0, Math.min(count, worthwhile));
  if (plan.places.length <= most) plan.places = new Uint32Array(2 * most + 1);
  const exceptions = listOutside(values, count, base, reach, most, plan.places);
  const patched = packed + exceptions * exceptionBytes;
  if (patched >= bytes * WORTHWHILE) return bytes;
  plan.codec = Codec.patched;
  plan.base = base;
  plan.width = width;
  plan.reach = reach;
  plan.exceptions = exceptions;
  return patched;
}

/** Differences, as a plan of the next level. */
function tryDeltas(
  values: Float64Array,
  count: number,
  effort: Effort,
  level: number,
  bytes: number,
): number {
  const deltas = newWork(level, count);
  const scan = scans[level]!;
  differences(values, count, deltas, scan);
  if (scan.min < Number.MIN_SAFE_INTEGER || scan.max > Number.MAX_SAFE_INTEGER) return bytes;
  const inner = planIntegers(deltas, count - 1, scan, effort, level + 1, false) + NESTED_BYTES;
  if (inner >= bytes * WORTHWHILE) return bytes;
  plans[level]!.codec = Codec.deltas;
  return inner;
}

/** Codes of distinct values, as a plan of the next level. */
function tryDictionary(
  values: Float64Array,
  count: number,
  scan: NumberScan,
  itemBytes: number,
  areIntegers: boolean,
  effort: Effort,
  level: number,
  bytes: number,
): number {
  if (count < DICTIONARY_VALUES_MIN) return bytes;
  const entriesMax = bytes > 2.5 * count ? count / 4 : Math.min(256, count / 4);
  const dictionary = buildNumberDictionary(values, count, entriesMax, areIntegers);
  if (dictionary === null) return bytes;
  const last = dictionary.entryCount - 1;
  const coded =
    packedBytes(packedWidth(last, count), count) + (last + 1) * itemBytes + NESTED_BYTES * 2;
  if (coded >= bytes * WORTHWHILE) return bytes;
  const plan = plans[level]!;
  plan.codec = Codec.dictionary;
  plan.dictionary = dictionary;
  const inner = scans[level]!;
  inner.min = 0;
  inner.max = last;
  inner.runs = scan.runs;
  planIntegers(dictionary.codes, count, inner, effort, level + 1, false);
  return coded;
}

/** True when a sample of differences says that they pack well enough to be worth a pass. */
function promisesDeltas(values: Float64Array, count: number, bytes: number): boolean {
  const changes = sampleDeltas(values, count);
  // Even steps with an odd one now and then.
  if (changes * 16 <= SAMPLE) return true;
  const width = packedWidth(narrowestSpan(), count);
  return width !== -1 && packedBytes(width, count) < bytes * WORTHWHILE;
}

/** True when nearly all differences of neighbours equal the one before. */
function hasEvenSteps(values: Float64Array, count: number): boolean {
  return count >= SAMPLE && sampleDeltas(values, count) * 16 <= SAMPLE;
}

/** Samples differences in stretches, and returns how many of them differ from the one before. */
function sampleDeltas(values: Float64Array, count: number): number {
  const step = (count - WINDOW_VALUES) / (WINDOWS - 1);
  let changes = 0;
  let at = 0;
  for (let window = 0; window < WINDOWS; window++) {
    const start = Math.floor(window * step);
    const end = start + WINDOW_VALUES;
    let previous = values[start + 1]! - values[start]!;
    for (let index = start + 1; index < end; index++) {
      const delta = values[index]! - values[index - 1]!;
      sample[at++] = delta;
      if (delta !== previous) changes++;
      previous = delta;
    }
  }
  return changes;
}

/**
 * The width of the narrowest span that has all of the sample but SPARE; leaves its start in `spanStart`. Sorting the sample would tell, but
 * only its ends matter.
 */
function narrowestSpan(): number {
  for (let rank = 0; rank <= SPARE; rank++) {
    lowest[rank] = Infinity;
    highest[rank] = -Infinity;
  }
  for (let index = 0; index < SAMPLE; index++) {
    const value = sample[index]!;
    if (value < lowest[SPARE]!) {
      let rank = SPARE;
      for (; rank > 0 && lowest[rank - 1]! > value; rank--) lowest[rank] = lowest[rank - 1]!;
      lowest[rank] = value;
    }
    if (value > highest[0]!) {
      let rank = 0;
      for (; rank < SPARE && highest[rank + 1]! < value; rank++) {
        highest[rank] = highest[rank + 1]!;
      }
      highest[rank] = value;
    }
  }
  let least = Infinity;
  for (let first = 0; first <= SPARE; first++) {
    const span = highest[first]! - lowest[first]!;
    if (span >= least) continue;
    least = span;
    spanStart = lowest[first]!;
  }
  return least;
}

let spanStart = 0;
/** The least and the greatest values of the sample, rising. */
const lowest = new Float64Array(SPARE + 1);
const highest = new Float64Array(SPARE + 1);
