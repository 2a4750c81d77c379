/**
 * Exact sums of integers per group: a double each while the sum is a safe integer, and a bigint for what spilled.
 *
 * Invariant: the sum of a group is low[group] + (high.get(group) ?? 0), and low[group] is a safe integer.
 */

import { grownFloats } from './growing-array.js';

export class ExactSums {
  #low: Float64Array = new Float64Array(0);
  readonly #high = new Map<number, bigint>();

  reserve(groupCount: number): void {
    this.#low = grownFloats(this.#low, groupCount);
  }

  /** `value` must be a safe integer. */
  add(group: number, value: number): void {
    const sum = this.#low[group]! + value;
    if (sum <= Number.MAX_SAFE_INTEGER && sum >= -Number.MAX_SAFE_INTEGER) this.#low[group] = sum;
    else {
      this.addLarge(group, BigInt(this.#low[group]!));
      this.#low[group] = value;
    }
  }

  addLarge(group: number, value: bigint): void {
    this.#high.set(group, (this.#high.get(group) ?? 0n) + value);
  }

  total(group: number): bigint {
    return BigInt(this.#low[group] ?? 0) + (this.#high.get(group) ?? 0n);
  }

  sizeBytes(): number {
    return this.#low.byteLength + this.#high.size * 64;
  }
}
