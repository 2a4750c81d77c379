/**
 * Choosing a codec for numbers and writing them (number-codec.ts has the bytes).
 *
 * 'fast' effort is for records, which are encoded on the way to the journal, in order of arrival: besides packed and decimals it looks
 * for what is nearly free to store, repeated values and even steps. 'small' is for flushed blocks and 'compact' for compacted ones, whose
 * rows are sorted by series: all codecs are weighed. What a value costs is looked up in a small sample first, so that a codec
 * that cannot win costs no pass over the column.
 */

import type { ByteWriter } from './byte-writer.js';
import {
  DECIMALS_MAX as DECIMALS_MAX_SMALL,
  isLittleEndian,
  NESTING_MAX,
  NumberCodec as Codec,
  POWERS,
} from './number-codec.js';
import {
  isKernelColumn,
  KERNEL_VALUES_MAX,
  kernelColumn,
  scaleDecimals,
  splitRuns,
  WRITTEN_VALUES_MIN,
} from './number-kernels.js';
import {
  type IntegerPlan,
  newWork,
  planDictionary,
  planIntegers,
  planOf,
  workOf,
} from './number-plan.js';
import { newScan, type NumberScan, type NumberSummary, scanNumbers } from './number-scan.js';
import { packedStride, writePacked } from './packed-integers.js';

export type Effort = 'fast' | 'small' | 'compact';

const DECIMALS_MAX_FAST = 4;
/** Real numbers are written as runs when these are on average at least so long. */
const RUN_LENGTH_MIN = 10;

// Encoding is synchronous, so its working memory can be shared; one set a nesting level.
const scans = Array.from({ length: NESTING_MAX + 2 }, newScan);
const scaledScan = newScan();
const runHeads: Float64Array[] = [];
const runLengths: Float64Array[] = [];
/** A column without its exceptions. */
let patchWork = new Float64Array(WRITTEN_VALUES_MIN);

/**
 * Writes the first `count` values. Returns how far apart like bytes are in what was written (1, 2, 4 or 8). `summary`, if given,
 * receives what the values sum up to.
 */
export function encodeNumbers(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  effort: Effort,
  summary: NumberSummary | null = null,
): number {
  if (count === 0) {
    if (summary !== null) summary.isKnown = false;
    writer.uint8(Codec.raw64);
    return 1;
  }
  const column = inKernelMemory(values, count);
  const scan = scans[0]!;
  scanNumbers(column, count, scan);
  if (summary !== null) {
    summary.isKnown = scan.isKnown;
    summary.min = scan.min;
    summary.max = scan.max;
    summary.sum = scan.sum;
  }
  return encodeScanned(writer, column, count, scan, effort, 0, true);
}

/** Copied once, for all loops to come, where one does. */
function inKernelMemory(values: Float64Array, count: number): Float64Array {
  if (count < WRITTEN_VALUES_MIN || count > KERNEL_VALUES_MAX) return values;
  const column = kernelColumn(0);
  column.set(values.length === count ? values : values.subarray(0, count));
  return column;
}

function encodeNested(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  effort: Effort,
  level: number,
  mayCode: boolean,
): void {
  if (count === 0) {
    writer.uint8(Codec.raw64);
    return;
  }
  const scan = scans[level]!;
  scanNumbers(values, count, scan);
  encodeScanned(writer, values, count, scan, effort, level, mayCode);
}

function encodeScanned(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  scan: NumberScan,
  effort: Effort,
  level: number,
  mayCode: boolean,
): number {
  if (!scan.areIntegers) return encodeReals(writer, values, count, scan, effort, level, mayCode);
  planIntegers(values, count, scan, effort, level, mayCode);
  return writePlan(writer, values, count, effort, level, mayCode);
}

/** Writes integers as the plan of this level says. */
function writePlan(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  effort: Effort,
  level: number,
  mayCode: boolean,
): number {
  const plan = planOf(level);
  switch (plan.codec) {
    case Codec.packed:
      writer.uint8(Codec.packed);
      writePacked(writer, values, count, plan.base, plan.width);
      return packedStride(plan.width);
    case Codec.runs:
      writeRuns(writer, values, count, plan.runs, effort, level, mayCode);
      return 1;
    case Codec.patched:
      return writePatched(writer, values, count, plan, level);
    case Codec.multiple:
      writer.uint8(Codec.multiple);
      writer.varint(plan.divisor);
      return writePlan(writer, workOf(level), count, effort, level + 1, mayCode);
    case Codec.deltas:
      return writeDeltas(writer, values, count, effort, level, mayCode);
    case Codec.dictionary:
      return writeDictionary(writer, count, plan, effort, level);
    default:
      return writeRaw64(writer, values, count);
  }
}

function encodeReals(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  scan: NumberScan,
  effort: Effort,
  level: number,
  mayCode: boolean,
): number {
  const { runs } = scan;
  // Records are not made smaller by it often enough.
  const areFloats = effort !== 'fast' && scan.areFloats;
  if (runs === 1) {
    writer.uint8(Codec.constant);
    writer.float64(values[0]!);
    return 1;
  }
  if (level < NESTING_MAX) {
    if (runs * RUN_LENGTH_MIN < count) {
      writeRuns(writer, values, count, runs, effort, level, mayCode);
      return 1;
    }
    const exponent = scaleToIntegers(values, count, effort, level);
    if (exponent > 0) {
      writer.uint8(Codec.decimal);
      writer.uint8(exponent);
      planIntegers(workOf(level), count, scaledScan, effort, level + 1, mayCode);
      return writePlan(writer, workOf(level), count, effort, level + 1, mayCode);
    }
    const itemBytes = areFloats ? 4 : 8;
    if (
      mayCode &&
      effort !== 'fast' &&
      planDictionary(values, count, scan, itemBytes, effort, level)
    ) {
      return writeDictionary(writer, count, planOf(level), effort, level);
    }
  }
  return areFloats ? writeRaw32(writer, values, count) : writeRaw64(writer, values, count);
}

/**
 * Scales values that are decimals of few digits to integers, when these are narrow: into the work array of this level, and describes them
 * in `scaledScan`. Returns the exponent; 0 = they are not.
 */
function scaleToIntegers(
  values: Float64Array,
  count: number,
  effort: Effort,
  level: number,
): number {
  const decimalsMax = effort === 'fast' ? DECIMALS_MAX_FAST : DECIMALS_MAX_SMALL;
  const scaled = newWork(level, count);
  const first = values[0]!;
  let exponent = 0;
  let integers = 0;
  while (integers < count) {
    // What is scaled so far was scaled too little.
    if (++exponent > decimalsMax) return 0;
    const power = POWERS[exponent]!;
    // Most columns that are no decimals are told by their first value.
    if (Math.round(first * power) / power !== first) continue;
    integers = scaleDecimals(values, count, power, scaled);
    if (integers < 0) return 0;
  }
  scanNumbers(scaled, count, scaledScan);
  // Wider than four bytes a value gains nothing over raw doubles.
  const isNarrow = scaledScan.max - scaledScan.min < 2 ** 32;
  return scaledScan.areIntegers && isNarrow ? exponent : 0;
}

function writeRaw64(writer: ByteWriter, values: Float64Array, count: number): number {
  writer.uint8(Codec.raw64);
  const at = writer.reserve(count * 8);
  if (isLittleEndian) {
    writer.bytes.set(new Uint8Array(values.buffer, values.byteOffset, count * 8), at);
  } else {
    const view = new DataView(writer.bytes.buffer);
    for (let index = 0; index < count; index++)
      view.setFloat64(at + index * 8, values[index]!, true);
  }
  return 8;
}

function writeRaw32(writer: ByteWriter, values: Float64Array, count: number): number {
  writer.uint8(Codec.raw32);
  const at = writer.reserve(count * 4);
  const view = new DataView(writer.bytes.buffer);
  for (let index = 0; index < count; index++) view.setFloat32(at + index * 4, values[index]!, true);
  return 4;
}

/** The differences are in the work array of this level, and planned. */
function writeDeltas(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  effort: Effort,
  level: number,
  mayCode: boolean,
): number {
  const deltas = workOf(level);
  const inner = planOf(level + 1);
  if (inner.codec !== Codec.packed) {
    writer.uint8(Codec.deltas);
    writer.zigzag(values[0]!);
    return writePlan(writer, deltas, count - 1, effort, level + 1, mayCode);
  }
  writer.uint8(Codec.delta);
  writer.zigzag(values[0]!);
  writePacked(writer, deltas, count - 1, inner.base, inner.width);
  return packedStride(inner.width);
}

function writeRuns(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  runs: number,
  effort: Effort,
  level: number,
  mayCode: boolean,
): void {
  const heads = runMemory(runHeads, level, runs);
  const lengths = runMemory(runLengths, level, runs);
  splitRuns(values, count, heads, lengths);
  writer.uint8(Codec.runs);
  writer.varint(runs);
  encodeNested(writer, lengths, runs, effort, level + 1, mayCode);
  encodeNested(writer, heads, runs, effort, level + 1, mayCode);
}

function runMemory(arrays: Float64Array[], level: number, length: number): Float64Array {
  let array = arrays[level];
  if (array === undefined || array.length < length) {
    array = new Float64Array(Math.max(8192, length));
    arrays[level] = array;
  }
  return array;
}

function writePatched(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  plan: IntegerPlan,
  level: number,
): number {
  const { base, exceptions, places, width } = plan;
  const near = level === 0 && !isKernelColumn(values) ? patchable(values, count) : values;
  const steps = new Float64Array(exceptions);
  const far = new Float64Array(exceptions);
  let last = 0;
  for (let exception = 0; exception < exceptions; exception++) {
    const place = places[exception]!;
    steps[exception] = place - last;
    far[exception] = values[place]!;
    near[place] = base;
    last = place;
  }
  writer.uint8(Codec.patched);
  writer.varint(exceptions);
  encodeNested(writer, steps, exceptions, 'fast', level + 1, false);
  encodeNested(writer, far, exceptions, 'fast', level + 1, false);
  writePacked(writer, near, count, base, width);
  return packedStride(width);
}

/** The caller's own values stay as they are; copies and those of a nested level nobody needs any more once they are written. */
function patchable(values: Float64Array, count: number): Float64Array {
  if (patchWork.length < count) patchWork = new Float64Array(count);
  patchWork.set(values.subarray(0, count));
  return patchWork;
}

/** The codes are planned on the next level; they are written first, because the entries need plans of their own. */
function writeDictionary(
  writer: ByteWriter,
  count: number,
  plan: IntegerPlan,
  effort: Effort,
  level: number,
): number {
  const { entries, entryCount, codes } = plan.dictionary!;
  plan.dictionary = null;
  writer.uint8(Codec.dictionary);
  writer.varint(entryCount);
  const stride = writePlan(writer, codes, count, effort, level + 1, false);
  encodeNested(writer, entries, entryCount, effort, level + 1, false);
  return stride;
}
