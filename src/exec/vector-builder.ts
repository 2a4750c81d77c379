/**
 * Builds a vector of one SQL type value by value: for virtual tables, results of row-by-row functions, group keys
 * and sorted output. Not for hot paths, which fill typed arrays directly.
 */

import type { SqlType } from '../catalog/sql-type.js';
import type { ExecVector, Nulls } from './exec-vector.js';
import { unitOf } from './exec-vector.js';
import { isBytes, type SqlValue } from './sql-value.js';

const INITIAL_BYTES = 256;

export class VectorBuilder {
  readonly #type: SqlType;
  readonly #form: 'number' | 'bytes' | 'time' | 'decimal';
  #length = 0;
  #nulls: Uint8Array;
  #hasNulls = false;
  /** Numbers, unscaled decimals while they fit, whole seconds. */
  #numbers: Float64Array;
  #fractions: Float64Array;
  /** Set from the first value on that a double does not hold. */
  #bigints: bigint[] | null = null;
  #starts: Uint32Array;
  #data: Uint8Array;

  /** `capacity` is a hint; the builder grows. */
  constructor(type: SqlType, capacity: number) {
    const size = Math.max(capacity, 1);
    this.#type = type;
    this.#form = isBytes(type)
      ? 'bytes'
      : type.kind === 'datetime' || type.kind === 'timestamp'
        ? 'time'
        : type.kind === 'decimal'
          ? 'decimal'
          : 'number';
    this.#nulls = new Uint8Array(size);
    this.#numbers = new Float64Array(this.#form === 'bytes' ? 0 : size);
    this.#fractions = new Float64Array(this.#form === 'time' ? size : 0);
    this.#starts = new Uint32Array(this.#form === 'bytes' ? size + 1 : 0);
    this.#data = new Uint8Array(this.#form === 'bytes' ? INITIAL_BYTES : 0);
  }

  get length(): number {
    return this.#length;
  }

  append(value: SqlValue): void {
    const row = this.#length;
    if (row === this.#nulls.length) this.#grow();
    this.#length = row + 1;
    if (value === null) {
      this.#nulls[row] = 1;
      this.#hasNulls = true;
      if (this.#form === 'bytes') this.#starts[row + 1] = this.#starts[row]!;
      this.#bigints?.push(0n);
      return;
    }
    switch (this.#form) {
      case 'bytes':
        this.#appendBytes(row, value instanceof Uint8Array ? value : new Uint8Array(0));
        return;
      case 'time':
        this.#appendTime(row, value instanceof Uint8Array ? 0n : BigInt(value));
        return;
      default:
        this.#appendNumber(row, value instanceof Uint8Array ? 0 : value);
    }
  }

  /** The vector so far; the builder must not be used afterwards. */
  finish(): ExecVector {
    const length = this.#length;
    const nulls: Nulls = this.#hasNulls ? this.#nulls : null;
    switch (this.#form) {
      case 'bytes':
        return { kind: 'bytes', length, starts: this.#starts, data: this.#data, nulls };
      case 'time': {
        if (unitOf(this.#type) > 1000) {
          const seconds = this.#numbers;
          return { kind: 'instant', length, seconds, fractions: this.#fractions, nulls };
        }
        return { kind: 'time', length, base: 0n, offsets: this.#numbers, nulls };
      }
      case 'decimal': {
        const scale = this.#type.kind === 'decimal' ? this.#type.scale : 0;
        const large = this.#bigints;
        return {
          kind: 'decimal',
          length,
          scale,
          small: large === null ? this.#numbers : null,
          large,
          nulls,
        };
      }
      case 'number':
        if (this.#bigints === null) return { kind: 'number', length, values: this.#numbers, nulls };
        return integer64Vector(this.#bigints, nulls);
    }
  }

  #appendNumber(row: number, value: number | bigint): void {
    if (this.#bigints !== null) {
      this.#bigints.push(BigInt(value));
      return;
    }
    const asNumber = Number(value);
    if (typeof value === 'bigint' && !Number.isSafeInteger(asNumber)) {
      const bigints = new Array<bigint>(row);
      for (let i = 0; i < row; i++) bigints[i] = BigInt(this.#numbers[i]!);
      bigints.push(value);
      this.#bigints = bigints;
      return;
    }
    this.#numbers[row] = asNumber;
  }

  #appendTime(row: number, count: bigint): void {
    const unit = unitOf(this.#type);
    if (unit <= 1000) {
      this.#numbers[row] = Number(count);
      return;
    }
    const bigUnit = BigInt(unit);
    const fraction = ((count % bigUnit) + bigUnit) % bigUnit;
    this.#numbers[row] = Number((count - fraction) / bigUnit);
    this.#fractions[row] = Number(fraction);
  }

  #appendBytes(row: number, value: Uint8Array): void {
    const start = this.#starts[row]!;
    const end = start + value.length;
    if (end > this.#data.length) {
      const data = new Uint8Array(Math.max(end, this.#data.length * 2));
      data.set(this.#data.subarray(0, start));
      this.#data = data;
    }
    this.#data.set(value, start);
    this.#starts[row + 1] = end;
  }

  #grow(): void {
    const size = this.#nulls.length * 2;
    const nulls = new Uint8Array(size);
    nulls.set(this.#nulls);
    this.#nulls = nulls;
    if (this.#numbers.length > 0) {
      const numbers = new Float64Array(size);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    if (this.#fractions.length > 0) {
      const fractions = new Float64Array(size);
      fractions.set(this.#fractions);
      this.#fractions = fractions;
    }
    if (this.#starts.length > 0) {
      const starts = new Uint32Array(size + 1);
      starts.set(this.#starts);
      this.#starts = starts;
    }
  }
}

/** 64-bit integers as two halves; values beyond 64 bits keep their low bits only. */
export function integer64Vector(values: readonly bigint[], nulls: Nulls): ExecVector {
  const length = values.length;
  const high = new Int32Array(length);
  const low = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const value = values[i]!;
    high[i] = Number(BigInt.asIntN(32, value >> 32n));
    low[i] = Number(BigInt.asIntN(32, value));
  }
  return { kind: 'integer64', length, high, low, nulls };
}
