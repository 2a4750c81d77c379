/** COUNT, SUM and AVG. */

import type { SqlType } from '../../catalog/sql-type.js';
import type { Accumulator } from '../aggregate-definition.js';
import { divideRounded, powerOfTen } from '../decimal.js';
import { ExactSums } from '../exact-sums.js';
import {
  bigintAt,
  decimalAt,
  isNullAt,
  isUnsigned,
  numberVector,
  type ExecVector,
} from '../exec-vector.js';
import { grownFloats } from '../growing-array.js';
import { VectorBuilder } from '../vector-builder.js';

/** Rows, or rows where no argument is NULL. */
export class CountAccumulator implements Accumulator {
  #counts: Float64Array = new Float64Array(0);

  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void {
    this.#counts = grownFloats(this.#counts, groupCount);
    const counts = this.#counts;
    const withNulls = args.filter((vector) => vector.nulls !== null);
    if (withNulls.length === 0) {
      for (let i = 0; i < length; i++) counts[groups[i]!] = counts[groups[i]!]! + 1;
      return;
    }
    for (let i = 0; i < length; i++) {
      if (!withNulls.some((vector) => isNullAt(vector, i)))
        counts[groups[i]!] = counts[groups[i]!]! + 1;
    }
  }

  results(from: number, to: number): ExecVector {
    this.#counts = grownFloats(this.#counts, to);
    return numberVector(this.#counts.slice(from, to), null, to - from);
  }

  sizeBytes(): number {
    return this.#counts.byteLength;
  }
}

/** SUM and AVG of doubles: plain summation in the order of the rows. */
export class DoubleSumAccumulator implements Accumulator {
  readonly #isAverage: boolean;
  #sums: Float64Array = new Float64Array(0);
  #counts: Float64Array = new Float64Array(0);

  constructor(isAverage: boolean) {
    this.#isAverage = isAverage;
  }

  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void {
    this.#sums = grownFloats(this.#sums, groupCount);
    this.#counts = grownFloats(this.#counts, groupCount);
    const vector = args[0]!;
    if (vector.kind !== 'number') throw new Error('doubles expected');
    const { values, nulls } = vector;
    const sums = this.#sums;
    const counts = this.#counts;
    for (let i = 0; i < length; i++) {
      if (nulls !== null && nulls[i] === 1) continue;
      const group = groups[i]!;
      sums[group] = sums[group]! + values[i]!;
      counts[group] = counts[group]! + 1;
    }
  }

  results(from: number, to: number): ExecVector {
    this.#sums = grownFloats(this.#sums, to);
    this.#counts = grownFloats(this.#counts, to);
    const length = to - from;
    const values = new Float64Array(length);
    const nulls = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const count = this.#counts[from + i]!;
      if (count === 0) nulls[i] = 1;
      else values[i] = this.#isAverage ? this.#sums[from + i]! / count : this.#sums[from + i]!;
    }
    return numberVector(values, nulls, length);
  }

  sizeBytes(): number {
    return this.#sums.byteLength + this.#counts.byteLength;
  }
}

/** SUM and AVG of integers and decimals: exact. The result is a DECIMAL; AVG has 4 digits more than its argument. */
export class ExactSumAccumulator implements Accumulator {
  readonly #argument: SqlType;
  readonly #result: Extract<SqlType, { kind: 'decimal' }>;
  readonly #isAverage: boolean;
  readonly #sums = new ExactSums();
  #counts: Float64Array = new Float64Array(0);

  constructor(
    argument: SqlType,
    result: Extract<SqlType, { kind: 'decimal' }>,
    isAverage: boolean,
  ) {
    this.#argument = argument;
    this.#result = result;
    this.#isAverage = isAverage;
  }

  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void {
    this.#sums.reserve(groupCount);
    this.#counts = grownFloats(this.#counts, groupCount);
    const vector = args[0]!;
    const small =
      vector.kind === 'number' ? vector.values : vector.kind === 'decimal' ? vector.small : null;
    const unsigned = isUnsigned(this.#argument);
    for (let i = 0; i < length; i++) {
      if (isNullAt(vector, i)) continue;
      const group = groups[i]!;
      this.#counts[group] = this.#counts[group]! + 1;
      if (small !== null) this.#sums.add(group, small[i]!);
      else if (vector.kind === 'decimal') this.#sums.addLarge(group, decimalAt(vector, i));
      else this.#sums.addLarge(group, bigintAt(vector, i, unsigned));
    }
  }

  results(from: number, to: number): ExecVector {
    this.#sums.reserve(to);
    this.#counts = grownFloats(this.#counts, to);
    const builder = new VectorBuilder(this.#result, to - from);
    const scale = this.#argument.kind === 'decimal' ? this.#argument.scale : 0;
    const factor = powerOfTen(this.#result.scale - scale);
    for (let group = from; group < to; group++) {
      const count = this.#counts[group]!;
      if (count === 0) builder.append(null);
      else {
        const total = this.#sums.total(group);
        builder.append(this.#isAverage ? divideRounded(total * factor, BigInt(count)) : total);
      }
    }
    return builder.finish();
  }

  sizeBytes(): number {
    return this.#sums.sizeBytes() + this.#counts.byteLength;
  }
}

/** Population or sample variance and deviation, by Welford's update: no cancellation of large squares. */
export class VarianceAccumulator implements Accumulator {
  readonly #isSample: boolean;
  readonly #isDeviation: boolean;
  #counts: Float64Array = new Float64Array(0);
  #means: Float64Array = new Float64Array(0);
  #squares: Float64Array = new Float64Array(0);

  constructor(isSample: boolean, isDeviation: boolean) {
    this.#isSample = isSample;
    this.#isDeviation = isDeviation;
  }

  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void {
    this.#grow(groupCount);
    const vector = args[0]!;
    if (vector.kind !== 'number') throw new Error('doubles expected');
    for (let i = 0; i < length; i++) {
      if (isNullAt(vector, i)) continue;
      const group = groups[i]!;
      const count = this.#counts[group]! + 1;
      const distance = vector.values[i]! - this.#means[group]!;
      const mean = this.#means[group]! + distance / count;
      this.#counts[group] = count;
      this.#means[group] = mean;
      this.#squares[group] = this.#squares[group]! + distance * (vector.values[i]! - mean);
    }
  }

  results(from: number, to: number): ExecVector {
    this.#grow(to);
    const length = to - from;
    const values = new Float64Array(length);
    const nulls = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const divisor = this.#counts[from + i]! - (this.#isSample ? 1 : 0);
      if (divisor <= 0) nulls[i] = 1;
      else {
        const variance = this.#squares[from + i]! / divisor;
        values[i] = this.#isDeviation ? Math.sqrt(variance) : variance;
      }
    }
    return numberVector(values, nulls, length);
  }

  sizeBytes(): number {
    return this.#counts.byteLength * 3;
  }

  #grow(count: number): void {
    this.#counts = grownFloats(this.#counts, count);
    this.#means = grownFloats(this.#means, count);
    this.#squares = grownFloats(this.#squares, count);
  }
}
