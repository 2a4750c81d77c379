/** The order of rows that are named by (batch, row) references: one comparison per sort key, then the reference itself. */

import { VECTOR_ROWS_MAX } from '../../storage/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import type { SortKey } from '../plan/logical-plan.js';
import { compareText } from './caseless-text.js';
import {
  bigintAt,
  bytesAt,
  decimalAt,
  isUnsigned,
  splitTime,
  unitOf,
  type ExecVector,
  type SplitTime,
} from './exec-vector.js';
import { isBytes } from './sql-value.js';

/** Negative when the first reference comes first. Never 0 for two different references. */
export type RowOrder = (a: number, b: number) => number;

/** Order of two values that are not NULL, by batch and row. */
type ValueOrder = (batchA: number, rowA: number, batchB: number, rowB: number) => number;

interface KeyOrder {
  readonly nulls: readonly (Uint8Array | null)[];
  readonly hasNulls: boolean;
  readonly values: ValueOrder;
  readonly sign: 1 | -1;
}

/** `columns[ordinal][batch]` are the rows; `types` has the columns' types. */
export function rowOrder(
  keys: readonly SortKey[],
  columns: readonly (readonly ExecVector[])[],
  types: readonly { readonly type: SqlType }[],
): RowOrder {
  const orders = keys.map((key): KeyOrder => {
    const vectors = columns[key.ordinal]!;
    const nulls = vectors.map((vector) => vector.nulls);
    return {
      nulls,
      hasNulls: nulls.some((mask) => mask !== null),
      values: valueOrder(vectors, types[key.ordinal]!.type, key.isCaseless),
      sign: key.descending ? -1 : 1,
    };
  });
  return (a, b) => {
    const batchA = Math.floor(a / VECTOR_ROWS_MAX);
    const batchB = Math.floor(b / VECTOR_ROWS_MAX);
    const rowA = a - batchA * VECTOR_ROWS_MAX;
    const rowB = b - batchB * VECTOR_ROWS_MAX;
    for (const order of orders) {
      if (order.hasNulls) {
        const nullA = order.nulls[batchA]?.[rowA] ?? 0;
        const nullB = order.nulls[batchB]?.[rowB] ?? 0;
        if (nullA !== nullB) return (nullB - nullA) * order.sign;
        if (nullA === 1) continue;
      }
      const result = order.values(batchA, rowA, batchB, rowB);
      if (result !== 0) return result * order.sign;
    }
    return a - b;
  };
}

function valueOrder(
  vectors: readonly ExecVector[],
  type: SqlType,
  isCaseless: boolean,
): ValueOrder {
  if (vectors.every((vector) => vector.kind === 'number')) {
    const values = vectors.map((vector) =>
      vector.kind === 'number' ? vector.values : new Float64Array(0),
    );
    return (batchA, rowA, batchB, rowB) => values[batchA]![rowA]! - values[batchB]![rowB]!;
  }
  if (isBytes(type)) return bytesOrder(vectors, isCaseless);
  switch (type.kind) {
    case 'datetime':
    case 'timestamp':
      return timeOrder(vectors, unitOf(type));
    case 'decimal':
      return (batchA, rowA, batchB, rowB) =>
        sign(decimalAt(vectors[batchA]!, rowA), decimalAt(vectors[batchB]!, rowB));
    default: {
      const unsigned = isUnsigned(type);
      return (batchA, rowA, batchB, rowB) =>
        sign(
          bigintAt(vectors[batchA]!, rowA, unsigned),
          bigintAt(vectors[batchB]!, rowB, unsigned),
        );
    }
  }
}

const sign = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

function bytesOrder(vectors: readonly ExecVector[], isCaseless: boolean): ValueOrder {
  const compare: BytesOrder = isCaseless
    ? (a, rowA, b, rowB) => compareText(bytesAt(a, rowA), bytesAt(b, rowB))
    : comparePlain;
  return (batchA, rowA, batchB, rowB) => {
    const a = vectors[batchA]!;
    const b = vectors[batchB]!;
    if (a.kind === 'dictionary' && b.kind === 'dictionary') {
      const codeA = a.codes[rowA]!;
      const codeB = b.codes[rowB]!;
      if (a.dictionary === b.dictionary && codeA === codeB) return 0;
      return compare(a.dictionary, codeA, b.dictionary, codeB);
    }
    const left = a.kind === 'dictionary' ? a.dictionary : a;
    const right = b.kind === 'dictionary' ? b.dictionary : b;
    const entryA = a.kind === 'dictionary' ? a.codes[rowA]! : rowA;
    const entryB = b.kind === 'dictionary' ? b.codes[rowB]! : rowB;
    return compare(left, entryA, right, entryB);
  };
}

type BytesOrder = (a: ExecVector, rowA: number, b: ExecVector, rowB: number) => number;

/** Byte by byte where they lie: a view of each would cost more than the comparison. */
function comparePlain(a: ExecVector, rowA: number, b: ExecVector, rowB: number): number {
  if (a.kind !== 'bytes' || b.kind !== 'bytes') return 0;
  const endA = a.starts[rowA + 1]!;
  const endB = b.starts[rowB + 1]!;
  let atA = a.starts[rowA]!;
  let atB = b.starts[rowB]!;
  const lengths = endA - atA - (endB - atB);
  while (atA < endA && atB < endB) {
    const difference = a.data[atA++]! - b.data[atB++]!;
    if (difference !== 0) return difference;
  }
  return lengths;
}

function timeOrder(vectors: readonly ExecVector[], unit: number): ValueOrder {
  const isFlat = vectors.every(
    (vector) => vector.kind === 'number' || (vector.kind === 'time' && vector.base === 0n),
  );
  if (isFlat) {
    const offsets = vectors.map((vector) =>
      vector.kind === 'time' ? vector.offsets : new Float64Array(0),
    );
    return (batchA, rowA, batchB, rowB) => offsets[batchA]![rowA]! - offsets[batchB]![rowB]!;
  }
  const split: readonly SplitTime[] = vectors.map((vector) => splitTime(vector, unit));
  return (batchA, rowA, batchB, rowB) =>
    split[batchA]!.seconds[rowA]! - split[batchB]!.seconds[rowB]! ||
    split[batchA]!.fractions[rowA]! - split[batchB]!.fractions[rowB]!;
}
