/**
 * Comparisons of two vectors that have one common form. The result is 1, 0 or NULL per row.
 *
 * An operator is three numbers: the answers for less, equal and greater. Every loop writes one of them, so one loop per
 * form serves all six operators.
 */

import { compareText } from './caseless-text.js';
import {
  bigintAt,
  bytesAt,
  decimalAt,
  isNullAt,
  numberVector,
  splitTime,
  unionNulls,
  unitOf,
  type ExecVector,
  type Nulls,
} from './exec-vector.js';
import type { BytesVector } from '../../storage/index.js';
import type { SqlType } from '../catalog/sql-type.js';

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | '<=>';

interface Answers {
  readonly less: number;
  readonly equal: number;
  readonly greater: number;
}

const ANSWERS: Readonly<Record<ComparisonOperator, Answers>> = {
  '=': { less: 0, equal: 1, greater: 0 },
  '<=>': { less: 0, equal: 1, greater: 0 },
  '<>': { less: 1, equal: 0, greater: 1 },
  '<': { less: 1, equal: 0, greater: 0 },
  '<=': { less: 1, equal: 1, greater: 0 },
  '>': { less: 0, equal: 0, greater: 1 },
  '>=': { less: 0, equal: 1, greater: 1 },
};

/** How the two sides are held: `integer` may mix signs, `moment` has one unit, `caseless` is text under a _ci collation. */
export type ComparisonForm = 'number' | 'integer' | 'decimal' | 'bytes' | 'caseless' | 'moment';

export interface ComparisonSides {
  readonly form: ComparisonForm;
  readonly leftType: SqlType;
  readonly rightType: SqlType;
}

export function compareVectors(
  operator: ComparisonOperator,
  sides: ComparisonSides,
  left: ExecVector,
  right: ExecVector,
): ExecVector {
  const length = left.length;
  const out = new Float64Array(length);
  fill(ANSWERS[operator], sides, left, right, out);
  if (operator === '<=>') return nullSafe(left, right, out);
  return numberVector(out, unionNulls(left.nulls, right.nulls, length), length);
}

function nullSafe(left: ExecVector, right: ExecVector, out: Float64Array): ExecVector {
  for (let i = 0; i < left.length; i++) {
    const leftNull = isNullAt(left, i);
    const rightNull = isNullAt(right, i);
    if (leftNull || rightNull) out[i] = leftNull && rightNull ? 1 : 0;
  }
  return numberVector(out, null, left.length);
}

function fill(
  answers: Answers,
  sides: ComparisonSides,
  left: ExecVector,
  right: ExecVector,
  out: Float64Array,
): void {
  if (left.kind === 'number' && right.kind === 'number') {
    fillNumbers(answers, left.values, right.values, out);
    return;
  }
  switch (sides.form) {
    case 'number':
    case 'integer': {
      const leftUnsigned = sides.leftType.kind === 'integer' && sides.leftType.unsigned;
      const rightUnsigned = sides.rightType.kind === 'integer' && sides.rightType.unsigned;
      for (let i = 0; i < out.length; i++) {
        const a = bigintAt(left, i, leftUnsigned);
        const b = bigintAt(right, i, rightUnsigned);
        out[i] = a < b ? answers.less : a > b ? answers.greater : answers.equal;
      }
      return;
    }
    case 'decimal':
      fillDecimals(answers, left, right, out);
      return;
    case 'moment':
      fillMoments(answers, left, right, unitOf(sides.leftType), out);
      return;
    case 'bytes':
      fillBytes(answers, left, right, out);
      return;
    case 'caseless':
      for (let i = 0; i < out.length; i++) {
        const order = compareText(bytesAt(left, i), bytesAt(right, i));
        out[i] = order < 0 ? answers.less : order > 0 ? answers.greater : answers.equal;
      }
  }
}

function fillNumbers(answers: Answers, a: Float64Array, b: Float64Array, out: Float64Array): void {
  const { less, equal, greater } = answers;
  for (let i = 0; i < out.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    out[i] = x < y ? less : x > y ? greater : equal;
  }
}

function fillDecimals(
  answers: Answers,
  left: ExecVector,
  right: ExecVector,
  out: Float64Array,
): void {
  if (left.kind === 'decimal' && right.kind === 'decimal' && left.small && right.small) {
    fillNumbers(answers, left.small, right.small, out);
    return;
  }
  for (let i = 0; i < out.length; i++) {
    const a = decimalAt(left, i);
    const b = decimalAt(right, i);
    out[i] = a < b ? answers.less : a > b ? answers.greater : answers.equal;
  }
}

function fillMoments(
  answers: Answers,
  left: ExecVector,
  right: ExecVector,
  unit: number,
  out: Float64Array,
): void {
  if (left.kind === 'time' && right.kind === 'time') {
    const shift = right.base - left.base;
    if (shift === 0n) {
      fillNumbers(answers, left.offsets, right.offsets, out);
      return;
    }
  }
  const a = splitTime(left, unit);
  const b = splitTime(right, unit);
  for (let i = 0; i < out.length; i++) {
    const order = a.seconds[i]! - b.seconds[i]! || a.fractions[i]! - b.fractions[i]!;
    out[i] = order < 0 ? answers.less : order > 0 ? answers.greater : answers.equal;
  }
}

function fillBytes(answers: Answers, left: ExecVector, right: ExecVector, out: Float64Array): void {
  if (left.kind === 'dictionary' && right.kind === 'dictionary' && right.dictionary.length === 1) {
    fillByDictionary(answers, left.codes, left.dictionary, right.dictionary, left.nulls, out);
    return;
  }
  for (let i = 0; i < out.length; i++) {
    const order = compareBytes(bytesAt(left, i), bytesAt(right, i));
    out[i] = order < 0 ? answers.less : order > 0 ? answers.greater : answers.equal;
  }
}

/** A column of codes against one constant: each code is compared once. */
function fillByDictionary(
  answers: Answers,
  codes: Uint32Array,
  dictionary: BytesVector,
  constant: BytesVector,
  nulls: Nulls,
  out: Float64Array,
): void {
  if (dictionary.length > out.length * 4) {
    const value = bytesAt(constant, 0);
    for (let i = 0; i < out.length; i++) {
      if (nulls !== null && nulls[i] === 1) continue;
      const order = compareBytes(bytesAt(dictionary, codes[i]!), value);
      out[i] = order < 0 ? answers.less : order > 0 ? answers.greater : answers.equal;
    }
    return;
  }
  const value = bytesAt(constant, 0);
  const known = new Float64Array(dictionary.length).fill(-1);
  for (let i = 0; i < out.length; i++) {
    if (nulls !== null && nulls[i] === 1) continue;
    const code = codes[i]!;
    if (known[code] === -1) {
      const order = compareBytes(bytesAt(dictionary, code), value);
      known[code] = order < 0 ? answers.less : order > 0 ? answers.greater : answers.equal;
    }
    out[i] = known[code]!;
  }
}

/** Unsigned bytes in order; a prefix is smaller (NO PAD). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
