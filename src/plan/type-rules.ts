/** MySQL's rules for the types of operators and of expressions that choose among several values. */

import type { SqlType } from '../catalog/sql-type.js';
import { decimalScaleOf } from '../exec/cast-number.js';
import { DECIMAL_DIGITS_MAX, DECIMAL_SCALE_MAX } from '../exec/decimal.js';
import { isUnsigned } from '../exec/exec-vector.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  decimalType,
  DOUBLE,
  isBytes,
  isInteger,
  isReal,
  LONG_BLOB,
  LONG_TEXT,
  NULL_TYPE,
  varcharType,
} from '../exec/sql-value.js';
import type { Collation } from './bound-expression.js';
import { DEFAULT_COLLATION } from './bound-expression.js';

/** Digits before the point that the type may have, as a decimal. */
function integerDigitsOf(type: SqlType): number {
  switch (type.kind) {
    case 'boolean':
      return 1;
    case 'integer':
      return type.bits === 64 ? (type.unsigned ? 20 : 19) : Math.ceil(type.bits * 0.302);
    case 'decimal':
      return type.precision - type.scale;
    case 'date':
      return 8;
    case 'time':
      return 7;
    case 'datetime':
    case 'timestamp':
      return 14;
    default:
      return 20;
  }
}

export function boundedDecimal(integerDigits: number, scale: number): SqlType {
  const kept = Math.min(scale, DECIMAL_SCALE_MAX);
  return decimalType(Math.min(Math.max(integerDigits + kept, 1), DECIMAL_DIGITS_MAX), kept);
}

/** The class of numbers that an operand takes part as in arithmetic. */
export function numericClass(type: SqlType): 'double' | 'decimal' | 'integer' {
  if (isReal(type) || isBytes(type)) return 'double';
  if (isInteger(type) || type.kind === 'null' || type.kind === 'date') return 'integer';
  return decimalScaleOf(type) === 0 && type.kind !== 'decimal' ? 'integer' : 'decimal';
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | 'div';

export function arithmeticType(
  operator: ArithmeticOperator,
  left: SqlType,
  right: SqlType,
): SqlType {
  const classes = [numericClass(left), numericClass(right)];
  if (operator === 'div') return isUnsigned(left) || isUnsigned(right) ? BIGINT_UNSIGNED : BIGINT;
  if (classes.includes('double')) return DOUBLE;
  const leftScale = decimalScaleOf(left);
  const rightScale = decimalScaleOf(right);
  if (operator === '/') {
    const digits = integerDigitsOf(left) + rightScale;
    return boundedDecimal(digits, leftScale + 4);
  }
  if (!classes.includes('decimal')) {
    const unsigned = operator === '%' ? isUnsigned(left) : isUnsigned(left) || isUnsigned(right);
    return unsigned ? BIGINT_UNSIGNED : BIGINT;
  }
  if (operator === '*') {
    return boundedDecimal(integerDigitsOf(left) + integerDigitsOf(right), leftScale + rightScale);
  }
  const scale = Math.max(leftScale, rightScale);
  const digits = Math.max(integerDigitsOf(left), integerDigitsOf(right));
  return boundedDecimal(operator === '%' ? digits : digits + 1, scale);
}

/** The one type of CASE, IF, COALESCE, GREATEST...: every value converts to it. */
export function commonType(types: readonly SqlType[]): SqlType {
  let result: SqlType = NULL_TYPE;
  for (const type of types) result = mergeTypes(result, type);
  return result;
}

function mergeTypes(a: SqlType, b: SqlType): SqlType {
  if (a.kind === 'null') return b;
  if (b.kind === 'null') return a;
  if (isBytes(a) || isBytes(b)) return mergeTexts(a, b);
  if (isTemporalKind(a) || isTemporalKind(b)) return mergeTemporals(a, b);
  if (isReal(a) || isReal(b)) return a.kind === 'float' && b.kind === 'float' ? a : DOUBLE;
  if (a.kind === 'decimal' || b.kind === 'decimal') {
    const scale = Math.max(decimalScaleOf(a), decimalScaleOf(b));
    return boundedDecimal(Math.max(integerDigitsOf(a), integerDigitsOf(b)), scale);
  }
  return mergeIntegers(a, b);
}

const isTemporalKind = (type: SqlType): boolean =>
  type.kind === 'date' ||
  type.kind === 'time' ||
  type.kind === 'datetime' ||
  type.kind === 'timestamp';

function mergeIntegers(a: SqlType, b: SqlType): SqlType {
  if (a.kind === 'boolean') return b;
  if (b.kind === 'boolean' || a.kind !== 'integer' || b.kind !== 'integer') return a;
  if (a.unsigned === b.unsigned) return a.bits >= b.bits ? a : b;
  const signed = a.unsigned ? b : a;
  const unsigned = a.unsigned ? a : b;
  if (unsigned.bits < signed.bits) return signed;
  return unsigned.bits === 64 ? decimalType(20, 0) : BIGINT;
}

function mergeTemporals(a: SqlType, b: SqlType): SqlType {
  if (!isTemporalKind(a) || !isTemporalKind(b)) return varcharType(40);
  if (a.kind === b.kind) {
    if (a.kind === 'date' || b.kind === 'date') return a;
    return (a as { precision: number }).precision >= (b as { precision: number }).precision ? a : b;
  }
  const precision = Math.max(decimalScaleOf(a), decimalScaleOf(b));
  return { kind: 'datetime', precision, precisionGiven: true };
}

function mergeTexts(a: SqlType, b: SqlType): SqlType {
  if (a.kind === 'blob' || b.kind === 'blob') return LONG_BLOB;
  if (a.kind === 'json' && b.kind === 'json') return a;
  const left = textLength(a);
  const right = textLength(b);
  return left === null || right === null ? LONG_TEXT : varcharType(Math.max(left, right));
}

/** Most characters of a value as text, null = unbounded. */
export function textLength(type: SqlType): number | null {
  switch (type.kind) {
    case 'text':
      return type.length;
    case 'blob':
    case 'json':
      return null;
    case 'null':
      return 0;
    case 'boolean':
      return 1;
    case 'integer':
      return integerDigitsOf(type) + 1;
    case 'decimal':
      return type.precision + 2;
    case 'float':
      return 12;
    case 'double':
      return 22;
    case 'date':
      return 10;
    case 'time':
      return 10 + (type.precision === 0 ? 0 : type.precision + 1);
    case 'datetime':
    case 'timestamp':
      return 19 + (type.precision === 0 ? 0 : type.precision + 1);
  }
}

/** The collation that wins; of two equally strong the first, but caseless loses to binary between columns. */
function strongerCollation(a: Collation, b: Collation): Collation {
  if (a.strength !== b.strength) return a.strength < b.strength ? a : b;
  return a.name === 'binary' ? a : b;
}

export function collationOf(
  operands: readonly { readonly collation: Collation; readonly type: SqlType }[],
): Collation {
  let result = DEFAULT_COLLATION;
  for (const operand of operands) {
    if (!isBytes(operand.type)) continue;
    if (operand.collation.strength < result.strength) result = operand.collation;
    else result = strongerCollation(result, operand.collation);
  }
  return result;
}
