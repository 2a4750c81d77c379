/**
 * The loops of kernels/numbers.ts, for columns of any length: what they look at is copied into their memory a few thousand values at a
 * time, and what they make is copied out.
 */

import { kernelModule } from './kernel-module.js';
import type { NumberScan } from './number-scan.js';

/** What kernels/numbers.ts exports. */
interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly VALUES_MAX: { readonly value: number };
  readonly RESULTS: { readonly value: number };
  readonly INPUT: { readonly value: number };
  readonly OUTPUT: { readonly value: number };
  scanIntegers(count: number, sum: number): number;
}

/** Fewer values are copied one by one: a call of the typed array's own costs more. */
const COPIED_MIN = 24;

const kernels = kernelModule<Kernels>('numbers');
const { buffer } = kernels.memory;
const VALUES_MAX = kernels.VALUES_MAX.value;
const results = new Float64Array(buffer, kernels.RESULTS.value, 8);
const input = new Float64Array(buffer, kernels.INPUT.value, VALUES_MAX);

/**
 * Looks at the first `count` values, at least one, and sums them up in `scan`. False: one is no safe integer, or -0, and `scan` is as it
 * was.
 */
export function scanIntegers(values: Float64Array, count: number, scan: NumberScan): boolean {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let runs = 1;
  for (let start = 0; start < count; start += VALUES_MAX) {
    const taken = Math.min(VALUES_MAX, count - start);
    copyIn(values, start, taken);
    if (kernels.scanIntegers(taken, sum) === 0) return false;
    min = Math.min(min, results[0]!);
    max = Math.max(max, results[1]!);
    sum = results[2]!;
    runs += results[3]!;
    if (start > 0) runs += +(values[start] !== values[start - 1]);
  }
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

function copyIn(values: Float64Array, start: number, count: number): void {
  if (count < COPIED_MIN) {
    for (let index = 0; index < count; index++) input[index] = values[start + index]!;
  } else {
    input.set(values.subarray(start, start + count));
  }
}
