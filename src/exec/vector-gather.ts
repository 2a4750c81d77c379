/** Picking rows out of vectors: by a selection within one, or by (vector, row) references across many. */

import { VECTOR_ROWS_MAX, type BytesVector } from '../../storage/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import { isNullAt, valueAt, type ExecVector, type Nulls } from './exec-vector.js';
import { VectorBuilder } from './vector-builder.js';

function gatherNulls(nulls: Nulls, rows: Uint32Array, count: number): Nulls {
  if (nulls === null) return null;
  const result = new Uint8Array(count);
  for (let i = 0; i < count; i++) result[i] = nulls[rows[i]!]!;
  return result;
}

function gatherNumbers(values: Float64Array, rows: Uint32Array, count: number): Float64Array {
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) result[i] = values[rows[i]!]!;
  return result;
}

function gatherInt32(values: Int32Array, rows: Uint32Array, count: number): Int32Array {
  const result = new Int32Array(count);
  for (let i = 0; i < count; i++) result[i] = values[rows[i]!]!;
  return result;
}

/** A new vector of the rows rows[0..count). */
export function gather(vector: ExecVector, rows: Uint32Array, count: number): ExecVector {
  const nulls = gatherNulls(vector.nulls, rows, count);
  const length = count;
  switch (vector.kind) {
    case 'number':
      return { kind: 'number', length, values: gatherNumbers(vector.values, rows, count), nulls };
    case 'integer64': {
      const high = gatherInt32(vector.high, rows, count);
      return { kind: 'integer64', length, high, low: gatherInt32(vector.low, rows, count), nulls };
    }
    case 'time':
      return { ...vector, length, offsets: gatherNumbers(vector.offsets, rows, count), nulls };
    case 'instant': {
      const seconds = gatherNumbers(vector.seconds, rows, count);
      const fractions = gatherNumbers(vector.fractions, rows, count);
      return { kind: 'instant', length, seconds, fractions, nulls };
    }
    case 'dictionary': {
      const codes = new Uint32Array(count);
      for (let i = 0; i < count; i++) codes[i] = vector.codes[rows[i]!]!;
      return { ...vector, length, codes, nulls };
    }
    case 'bytes':
      return gatherBytes(vector, rows, count, nulls);
    case 'decimal': {
      const small = vector.small === null ? null : gatherNumbers(vector.small, rows, count);
      let large: bigint[] | null = null;
      if (vector.large !== null) {
        large = new Array<bigint>(count);
        for (let i = 0; i < count; i++) large[i] = vector.large[rows[i]!]!;
      }
      return { ...vector, length, small, large, nulls };
    }
  }
}

function gatherBytes(
  vector: BytesVector,
  rows: Uint32Array,
  count: number,
  nulls: Nulls,
): BytesVector {
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    starts[i + 1] = starts[i]! + vector.starts[row + 1]! - vector.starts[row]!;
  }
  const data = new Uint8Array(starts[count]!);
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    let from = vector.starts[row]!;
    for (let to = starts[i]!; to < starts[i + 1]!; to++) data[to] = vector.data[from++]!;
  }
  return { kind: 'bytes', length: count, starts, data, nulls };
}

/** Rows named by references[from..to) (each `batch * VECTOR_ROWS_MAX + row`), out of `vectors` (one per batch, all of `type`). */
export function gatherAcross(
  vectors: readonly ExecVector[],
  type: SqlType,
  references: Float64Array,
  from: number,
  to: number,
): ExecVector {
  const first = vectors[0];
  const count = to - from;
  if (vectors.length === 1 && first !== undefined) {
    const rows = new Uint32Array(count);
    for (let i = 0; i < count; i++) rows[i] = references[from + i]!;
    return gather(first, rows, count);
  }
  if (first?.kind === 'number' && vectors.every((vector) => vector.kind === 'number')) {
    return gatherNumbersAcross(vectors, references, from, count);
  }
  const shared = sharedDictionary(vectors);
  if (shared !== null) return gatherCodesAcross(vectors, shared, references, from, count);
  const builder = new VectorBuilder(type, count);
  for (let i = from; i < to; i++) {
    const reference = references[i]!;
    const batch = Math.floor(reference / VECTOR_ROWS_MAX);
    builder.append(valueAt(vectors[batch]!, type, reference - batch * VECTOR_ROWS_MAX));
  }
  return builder.finish();
}

function gatherNumbersAcross(
  vectors: readonly ExecVector[],
  references: Float64Array,
  from: number,
  count: number,
): ExecVector {
  const values = new Float64Array(count);
  const nulls = vectors.some((vector) => vector.nulls !== null) ? new Uint8Array(count) : null;
  for (let i = 0; i < count; i++) {
    const reference = references[from + i]!;
    const batch = Math.floor(reference / VECTOR_ROWS_MAX);
    const row = reference - batch * VECTOR_ROWS_MAX;
    const vector = vectors[batch]!;
    if (vector.kind === 'number') values[i] = vector.values[row]!;
    if (nulls !== null && isNullAt(vector, row)) nulls[i] = 1;
  }
  return { kind: 'number', length: count, values, nulls };
}

function sharedDictionary(vectors: readonly ExecVector[]): BytesVector | null {
  const first = vectors[0];
  if (first?.kind !== 'dictionary') return null;
  const isShared = vectors.every(
    (vector) => vector.kind === 'dictionary' && vector.dictionary === first.dictionary,
  );
  return isShared ? first.dictionary : null;
}

function gatherCodesAcross(
  vectors: readonly ExecVector[],
  dictionary: BytesVector,
  references: Float64Array,
  from: number,
  count: number,
): ExecVector {
  const codes = new Uint32Array(count);
  const nulls = vectors.some((vector) => vector.nulls !== null) ? new Uint8Array(count) : null;
  for (let i = 0; i < count; i++) {
    const reference = references[from + i]!;
    const batch = Math.floor(reference / VECTOR_ROWS_MAX);
    const row = reference - batch * VECTOR_ROWS_MAX;
    const vector = vectors[batch]!;
    if (vector.kind === 'dictionary') codes[i] = vector.codes[row]!;
    if (nulls !== null && isNullAt(vector, row)) nulls[i] = 1;
  }
  return { kind: 'dictionary', length: count, codes, dictionary, nulls };
}
