/** Vectors as plain values, for comparing: null, number, bigint (times, and integers beyond 2^53) or latin1 text. */

import type { Vector } from '../../storage/vector.js';

export type PlainValue = null | number | bigint | string;

export function valueAt(vector: Vector, row: number, isUnsigned = false): PlainValue {
  if (vector.nulls !== null && vector.nulls[row] === 1) return null;
  switch (vector.kind) {
    case 'number':
      return vector.values[row]!;
    case 'integer64': {
      const high = isUnsigned ? vector.high[row]! >>> 0 : vector.high[row]!;
      const value = BigInt(high) * 2n ** 32n + BigInt(vector.low[row]! >>> 0);
      const isSafe = value >= -(2n ** 53n - 1n) && value <= 2n ** 53n - 1n;
      return isSafe ? Number(value) : value;
    }
    case 'time':
      if (!Number.isSafeInteger(vector.offsets[row]!)) throw new Error('An unsafe time offset');
      return vector.base + BigInt(vector.offsets[row]!);
    case 'bytes':
      return text(vector.data, vector.starts[row]!, vector.starts[row + 1]!);
    case 'dictionary': {
      const { starts, data } = vector.dictionary;
      const code = vector.codes[row]!;
      return text(data, starts[code]!, starts[code + 1]!);
    }
  }
}

export function valuesOf(vector: Vector, isUnsigned = false): PlainValue[] {
  return Array.from({ length: vector.length }, (_, row) => valueAt(vector, row, isUnsigned));
}

/** Text that tells -0 from 0 and a number from a string. */
export function printValue(value: PlainValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function text(data: Uint8Array, start: number, end: number): string {
  return Buffer.from(data.subarray(start, end)).toString('latin1');
}
