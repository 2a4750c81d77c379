/** MIN, MAX, ANY_VALUE, FIRST_VALUE and LAST_VALUE. */

import type { SqlType } from '../../catalog/sql-type.js';
import type { Accumulator } from '../aggregate-definition.js';
import { compareText } from '../caseless-text.js';
import {
  isNullAt,
  numberVector,
  splitTime,
  unitOf,
  valueAt,
  type ExecVector,
} from '../exec-vector.js';
import { grownBytes, grownFloats } from '../growing-array.js';
import { compareBytes } from '../kernel-comparison.js';
import { isBytes, isReal, type SqlValue } from '../sql-value.js';
import { VectorBuilder } from '../vector-builder.js';

/** True when every vector of the type is of the kind `number`. */
export const isPlainNumber = (type: SqlType): boolean =>
  isReal(type) ||
  type.kind === 'boolean' ||
  type.kind === 'date' ||
  type.kind === 'time' ||
  (type.kind === 'integer' && type.bits < 64);

/** MIN and MAX of plain numbers. */
export class NumberExtremeAccumulator implements Accumulator {
  readonly #sign: 1 | -1;
  /** The best so far times sign, so that smaller is better; Infinity = none. */
  #best: Float64Array = new Float64Array(0);

  constructor(isMax: boolean) {
    this.#sign = isMax ? -1 : 1;
  }

  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void {
    this.#best = grownFloats(this.#best, groupCount, Infinity);
    const vector = args[0]!;
    if (vector.kind !== 'number') throw new Error('numbers expected');
    const { values, nulls } = vector;
    const best = this.#best;
    for (let i = 0; i < length; i++) {
      if (nulls !== null && nulls[i] === 1) continue;
      const value = values[i]! * this.#sign;
      if (value < best[groups[i]!]!) best[groups[i]!] = value;
    }
  }

  results(from: number, to: number): ExecVector {
    this.#best = grownFloats(this.#best, to, Infinity);
    const length = to - from;
    const values = new Float64Array(length);
    const nulls = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const value = this.#best[from + i]!;
      if (value === Infinity) nulls[i] = 1;
      else values[i] = value * this.#sign + 0;
    }
    return numberVector(values, nulls, length);
  }

  sizeBytes(): number {
    return this.#best.byteLength;
  }
}

/** MIN and MAX of datetimes and timestamps. */
export class TimeExtremeAccumulator implements Accumulator {
  readonly #type: SqlType;
  readonly #sign: 1 | -1;
  #seconds: Float64Array = new Float64Array(0);
  #fractions: Float64Array = new Float64Array(0);

  constructor(type: SqlType, isMax: boolean) {
    this.#type = type;
    this.#sign = isMax ? -1 : 1;
  }

  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void {
    this.#seconds = grownFloats(this.#seconds, groupCount, Infinity);
    this.#fractions = grownFloats(this.#fractions, groupCount);
    const vector = args[0]!;
    const { seconds, fractions } = splitTime(vector, unitOf(this.#type));
    const sign = this.#sign;
    for (let i = 0; i < length; i++) {
      if (isNullAt(vector, i)) continue;
      const group = groups[i]!;
      const second = seconds[i]! * sign;
      const fraction = fractions[i]! * sign;
      const order = second - this.#seconds[group]!;
      if (order < 0 || (order === 0 && fraction < this.#fractions[group]!)) {
        this.#seconds[group] = second;
        this.#fractions[group] = fraction;
      }
    }
  }

  results(from: number, to: number): ExecVector {
    this.#seconds = grownFloats(this.#seconds, to, Infinity);
    this.#fractions = grownFloats(this.#fractions, to);
    const builder = new VectorBuilder(this.#type, to - from);
    const unit = BigInt(unitOf(this.#type));
    for (let group = from; group < to; group++) {
      const second = this.#seconds[group]!;
      if (second === Infinity) builder.append(null);
      else {
        const count =
          BigInt(second * this.#sign) * unit + BigInt(this.#fractions[group]! * this.#sign);
        builder.append(count);
      }
    }
    return builder.finish();
  }

  sizeBytes(): number {
    return this.#seconds.byteLength + this.#fractions.byteLength;
  }
}

type IsBetter = (candidate: SqlValue, best: SqlValue) => boolean;

function betterValue(type: SqlType, isMax: boolean, isCaseless: boolean): IsBetter {
  if (isBytes(type)) {
    const compare = isCaseless ? compareText : compareBytes;
    return (candidate, best) => {
      const order = compare(candidate as Uint8Array, best as Uint8Array);
      return isMax ? order > 0 : order < 0;
    };
  }
  return (candidate, best) => (isMax ? candidate! > best! : candidate! < best!);
}

/** MIN and MAX of everything else, and ANY_VALUE: one JavaScript value per group. */
export class ValueAccumulator implements Accumulator {
  readonly #type: SqlType;
  readonly #isBetter: IsBetter;
  readonly #best: SqlValue[] = [];
  #bytes = 0;

  private constructor(type: SqlType, isBetter: IsBetter) {
    this.#type = type;
    this.#isBetter = isBetter;
  }

  static extreme(type: SqlType, isMax: boolean, isCaseless: boolean): ValueAccumulator {
    return new ValueAccumulator(type, betterValue(type, isMax, isCaseless));
  }

  /** The first value that is not NULL. */
  static any(type: SqlType): ValueAccumulator {
    return new ValueAccumulator(type, () => false);
  }

  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void {
    const best = this.#best;
    while (best.length < groupCount) best.push(null);
    const vector = args[0]!;
    for (let i = 0; i < length; i++) {
      if (isNullAt(vector, i)) continue;
      const group = groups[i]!;
      const candidate = valueAt(vector, this.#type, i);
      const known = best[group]!;
      if (known !== null && !this.#isBetter(candidate, known)) continue;
      best[group] = keep(candidate);
      this.#bytes += sizeOf(candidate) - sizeOf(known);
    }
  }

  results(from: number, to: number): ExecVector {
    const builder = new VectorBuilder(this.#type, to - from);
    for (let group = from; group < to; group++) builder.append(this.#best[group] ?? null);
    return builder.finish();
  }

  sizeBytes(): number {
    return this.#bytes + this.#best.length * 16;
  }
}

/** Bytes are copied: the vector they stand in goes away. */
const keep = (value: SqlValue): SqlValue => (value instanceof Uint8Array ? value.slice() : value);
const sizeOf = (value: SqlValue): number => (value instanceof Uint8Array ? value.length + 64 : 0);

/** FIRST_VALUE and LAST_VALUE: the value at the least or greatest time; of equal times the first or last row. NULLs count. */
export class EdgeAccumulator implements Accumulator {
  readonly #type: SqlType;
  readonly #timeType: SqlType | null;
  readonly #isLast: boolean;
  readonly #values: SqlValue[] = [];
  #seconds: Float64Array = new Float64Array(0);
  #fractions: Float64Array = new Float64Array(0);
  #seen: Uint8Array = new Uint8Array(0);
  #bytes = 0;

  /** `timeType` null: no time index, the order of the rows decides. */
  constructor(type: SqlType, timeType: SqlType | null, isLast: boolean) {
    this.#type = type;
    this.#timeType = timeType;
    this.#isLast = isLast;
  }

  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void {
    this.#seconds = grownFloats(this.#seconds, groupCount);
    this.#fractions = grownFloats(this.#fractions, groupCount);
    this.#seen = grownBytes(this.#seen, groupCount);
    while (this.#values.length < groupCount) this.#values.push(null);
    const vector = args[0]!;
    const times = this.#timeType === null ? null : splitTime(args[1]!, unitOf(this.#timeType));
    for (let i = 0; i < length; i++) {
      const group = groups[i]!;
      const second = times === null ? 0 : times.seconds[i]!;
      const fraction = times === null ? 0 : times.fractions[i]!;
      const order = second - this.#seconds[group]! || fraction - this.#fractions[group]!;
      const isKept = this.#seen[group] === 1 && (this.#isLast ? order < 0 : order >= 0);
      if (isKept) continue;
      this.#seen[group] = 1;
      this.#seconds[group] = second;
      this.#fractions[group] = fraction;
      const value = keep(valueAt(vector, this.#type, i));
      this.#bytes += sizeOf(value) - sizeOf(this.#values[group]!);
      this.#values[group] = value;
    }
  }

  results(from: number, to: number): ExecVector {
    const builder = new VectorBuilder(this.#type, to - from);
    for (let group = from; group < to; group++) builder.append(this.#values[group] ?? null);
    return builder.finish();
  }

  sizeBytes(): number {
    return this.#bytes + this.#values.length * 16 + this.#seconds.byteLength * 2;
  }
}
