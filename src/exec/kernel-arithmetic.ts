/**
 * `+ - * / % DIV` and unary minus over vectors whose operands already have the operation's class.
 *
 * Integers and decimals are exact: the loop runs on doubles while every result is a safe integer, and the whole vector
 * is done again with bigint otherwise. Division by zero gives NULL and a warning.
 */

import { SqlError } from '../../protocol/index.js';
import { decimalVector, fitsInteger64, integerVector } from './cast-number.js';
import { divideRounded, powerOfTen } from './decimal.js';
import {
  bigintAt,
  decimalAt,
  isNullAt,
  numberVector,
  unionNulls,
  type ExecVector,
  type Nulls,
} from './exec-vector.js';
import { warnDivisionByZero, type EvaluationEnvironment } from './evaluation-environment.js';

/** What the loops need besides the operands. */
export interface ArithmeticSite {
  readonly env: EvaluationEnvironment;
  /** The expression as text, for 1690; made only when it is needed. */
  readonly text: () => string;
}

function outOfRange(type: string, site: ArithmeticSite): SqlError {
  return new SqlError('ER_DATA_OUT_OF_RANGE', { type, expression: site.text() });
}

type SimpleOperator = '+' | '-' | '*';

function applyExact(operator: SimpleOperator, a: bigint, b: bigint): bigint {
  return operator === '+' ? a + b : operator === '-' ? a - b : a * b;
}

function loopSimple(
  operator: SimpleOperator,
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
  length: number,
): void {
  if (operator === '+') for (let i = 0; i < length; i++) out[i] = a[i]! + b[i]!;
  else if (operator === '-') for (let i = 0; i < length; i++) out[i] = a[i]! - b[i]!;
  else for (let i = 0; i < length; i++) out[i] = a[i]! * b[i]!;
}

/** Doubles; a result that is not finite is an error, as in MySQL. */
export function doubleArithmetic(
  operator: SimpleOperator | '/' | '%',
  left: ExecVector,
  right: ExecVector,
  site: ArithmeticSite,
): ExecVector {
  const length = left.length;
  let nulls = unionNulls(left.nulls, right.nulls, length);
  if (left.kind !== 'number' || right.kind !== 'number') throw new Error('doubles expected');
  const a = left.values;
  const b = right.values;
  const out = new Float64Array(length);
  if (operator === '/' || operator === '%') {
    const isDivision = operator === '/';
    for (let i = 0; i < length; i++) {
      if (b[i] !== 0) out[i] = isDivision ? a[i]! / b[i]! : a[i]! % b[i]!;
      else nulls = markDivisionByZero(nulls, i, length, site);
    }
  } else loopSimple(operator, a, b, out, length);
  for (let i = 0; i < length; i++) {
    if (!Number.isFinite(out[i]) && !(nulls !== null && nulls[i] === 1)) {
      throw outOfRange('DOUBLE', site);
    }
  }
  return numberVector(out, nulls, length);
}

/** Sets row i NULL, in an own copy; warns unless it was NULL anyway. */
function markDivisionByZero(
  nulls: Nulls,
  row: number,
  length: number,
  site: ArithmeticSite,
): Nulls {
  if (nulls !== null && nulls[row] === 1) return nulls;
  warnDivisionByZero(site.env);
  const own = new Uint8Array(length);
  if (nulls !== null) own.set(nulls.subarray(0, length));
  own[row] = 1;
  return own;
}

export interface IntegerSigns {
  readonly left: boolean;
  readonly right: boolean;
  readonly result: boolean;
}

/** `+ - *` of integers; past 64 bits (or below 0 where the result is unsigned): error 1690. */
export function integerArithmetic(
  operator: SimpleOperator,
  left: ExecVector,
  right: ExecVector,
  unsigned: IntegerSigns,
  site: ArithmeticSite,
): ExecVector {
  const length = left.length;
  const nulls = unionNulls(left.nulls, right.nulls, length);
  if (left.kind === 'number' && right.kind === 'number') {
    const out = new Float64Array(length);
    loopSimple(operator, left.values, right.values, out, length);
    if (allSafe(out, length) && !(unsigned.result && someNegative(out, nulls, length))) {
      return numberVector(out, nulls, length);
    }
  }
  const values = new Array<bigint>(length);
  for (let i = 0; i < length; i++) {
    values[i] = 0n;
    if (nulls !== null && nulls[i] === 1) continue;
    const value = applyExact(
      operator,
      bigintAt(left, i, unsigned.left),
      bigintAt(right, i, unsigned.right),
    );
    if (!fitsInteger64(value, unsigned.result)) {
      throw outOfRange(unsigned.result ? 'BIGINT UNSIGNED' : 'BIGINT', site);
    }
    values[i] = value;
  }
  return integerVector(values, nulls);
}

function allSafe(values: Float64Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (!Number.isSafeInteger(values[i])) return false;
  return true;
}

function someNegative(values: Float64Array, nulls: Nulls, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (values[i]! < 0 && (nulls === null || nulls[i] === 0)) return true;
  }
  return false;
}

/** DIV and % of integers, toward zero. */
export function integerDivision(
  operator: 'div' | '%',
  left: ExecVector,
  right: ExecVector,
  unsigned: IntegerSigns,
  site: ArithmeticSite,
): ExecVector {
  const length = left.length;
  let nulls = unionNulls(left.nulls, right.nulls, length);
  if (left.kind === 'number' && right.kind === 'number') {
    const out = new Float64Array(length);
    const a = left.values;
    const b = right.values;
    for (let i = 0; i < length; i++) {
      if (b[i] === 0) nulls = markDivisionByZero(nulls, i, length, site);
      else {
        const rest = a[i]! % b[i]!;
        // (a - a % b) is an exact multiple, so this quotient is exact. `+ 0` turns -0 into 0.
        out[i] = (operator === '%' ? rest : (a[i]! - rest) / b[i]!) + 0;
      }
    }
    if (!(unsigned.result && someNegative(out, nulls, length)))
      return numberVector(out, nulls, length);
  }
  const values = new Array<bigint>(length);
  for (let i = 0; i < length; i++) {
    values[i] = 0n;
    if (nulls !== null && nulls[i] === 1) continue;
    const divisor = bigintAt(right, i, unsigned.right);
    if (divisor === 0n) {
      nulls = markDivisionByZero(nulls, i, length, site);
      continue;
    }
    const dividend = bigintAt(left, i, unsigned.left);
    const value = operator === 'div' ? dividend / divisor : dividend % divisor;
    if (!fitsInteger64(value, unsigned.result)) {
      throw outOfRange(unsigned.result ? 'BIGINT UNSIGNED' : 'BIGINT', site);
    }
    values[i] = value;
  }
  return integerVector(values, nulls);
}

function scaleOf(vector: ExecVector): number {
  return vector.kind === 'decimal' ? vector.scale : 0;
}

/** `+ - %` of decimals brought to one scale beforehand, and `*` of any scales. */
export function decimalArithmetic(
  operator: SimpleOperator | '%',
  left: ExecVector,
  right: ExecVector,
  resultScale: number,
  site: ArithmeticSite,
): ExecVector {
  const length = left.length;
  let nulls = unionNulls(left.nulls, right.nulls, length);
  const natural = operator === '*' ? scaleOf(left) + scaleOf(right) : resultScale;
  if (
    operator !== '%' &&
    natural === resultScale &&
    smallOf(left) !== null &&
    smallOf(right) !== null
  ) {
    const out = new Float64Array(length);
    loopSimple(operator, smallOf(left)!, smallOf(right)!, out, length);
    if (allSafe(out, length)) {
      return { kind: 'decimal', length, scale: resultScale, small: out, large: null, nulls };
    }
  }
  const values = new Array<bigint>(length);
  const limit = powerOfTen(65);
  for (let i = 0; i < length; i++) {
    values[i] = 0n;
    if (nulls !== null && nulls[i] === 1) continue;
    const a = decimalAt(left, i);
    const b = decimalAt(right, i);
    let value: bigint;
    if (operator === '%') {
      if (b === 0n) {
        nulls = markDivisionByZero(nulls, i, length, site);
        continue;
      }
      value = a % b;
    } else value = applyExact(operator, a, b);
    if (natural > resultScale) value = divideRounded(value, powerOfTen(natural - resultScale));
    if (value >= limit || value <= -limit) throw outOfRange('DECIMAL', site);
    values[i] = value;
  }
  return decimalVector(values, resultScale, nulls);
}

function smallOf(vector: ExecVector): Float64Array | null {
  return vector.kind === 'decimal' ? vector.small : vector.kind === 'number' ? vector.values : null;
}

/** `/` of decimals: rounded to `resultScale`. */
export function decimalDivision(
  left: ExecVector,
  right: ExecVector,
  resultScale: number,
  site: ArithmeticSite,
): ExecVector {
  const length = left.length;
  let nulls = unionNulls(left.nulls, right.nulls, length);
  const shift = resultScale - scaleOf(left) + scaleOf(right);
  const a = smallOf(left);
  const b = smallOf(right);
  const factor = 10 ** Math.min(Math.max(shift, 0), 22);
  const values = new Array<bigint>(length);
  const out = new Float64Array(length);
  let isSmall = a !== null && b !== null && shift >= 0 && shift <= 15;
  for (let i = 0; i < length && isSmall; i++) {
    if (nulls !== null && nulls[i] === 1) continue;
    if (b![i] === 0) nulls = markDivisionByZero(nulls, i, length, site);
    else {
      const dividend = a![i]! * factor;
      isSmall = Number.isSafeInteger(dividend);
      out[i] = quotientRounded(dividend, b![i]!);
    }
  }
  if (isSmall)
    return { kind: 'decimal', length, scale: resultScale, small: out, large: null, nulls };
  for (let i = 0; i < length; i++) {
    values[i] = 0n;
    if (nulls !== null && nulls[i] === 1) continue;
    const divisor = decimalAt(right, i);
    if (divisor === 0n) nulls = markDivisionByZero(nulls, i, length, site);
    else if (shift >= 0) values[i] = divideRounded(decimalAt(left, i) * powerOfTen(shift), divisor);
    else values[i] = divideRounded(decimalAt(left, i), divisor * powerOfTen(-shift));
  }
  return decimalVector(values, resultScale, nulls);
}

/** Exact for safe integers: half away from zero. */
function quotientRounded(dividend: number, divisor: number): number {
  const a = Math.abs(dividend);
  const b = Math.abs(divisor);
  const rest = a % b;
  let quotient = (a - rest) / b;
  if (rest >= b - rest) quotient += 1;
  return (dividend < 0 !== divisor < 0 ? -quotient : quotient) + 0;
}

/** DIV of decimals: the integer part. */
export function decimalIntegerDivision(
  left: ExecVector,
  right: ExecVector,
  unsigned: boolean,
  site: ArithmeticSite,
): ExecVector {
  const length = left.length;
  let nulls = unionNulls(left.nulls, right.nulls, length);
  const leftFactor = powerOfTen(Math.max(scaleOf(right) - scaleOf(left), 0));
  const rightFactor = powerOfTen(Math.max(scaleOf(left) - scaleOf(right), 0));
  const a = smallOf(left);
  const b = smallOf(right);
  if (a !== null && b !== null && leftFactor === 1n && rightFactor <= 1_000_000_000n && !unsigned) {
    const factor = Number(rightFactor);
    const out = new Float64Array(length);
    let isSafe = true;
    for (let i = 0; i < length && isSafe; i++) {
      if (nulls !== null && nulls[i] === 1) continue;
      const divisor = b[i]! * factor;
      isSafe = Number.isSafeInteger(divisor);
      if (divisor === 0) nulls = markDivisionByZero(nulls, i, length, site);
      else out[i] = (a[i]! - (a[i]! % divisor)) / divisor + 0;
    }
    if (isSafe) return numberVector(out, nulls, length);
  }
  const values = new Array<bigint>(length);
  for (let i = 0; i < length; i++) {
    values[i] = 0n;
    if (nulls !== null && nulls[i] === 1) continue;
    const divisor = decimalAt(right, i) * rightFactor;
    if (divisor === 0n) {
      nulls = markDivisionByZero(nulls, i, length, site);
      continue;
    }
    const value = (decimalAt(left, i) * leftFactor) / divisor;
    if (!fitsInteger64(value, unsigned)) {
      throw outOfRange(unsigned ? 'BIGINT UNSIGNED' : 'BIGINT', site);
    }
    values[i] = value;
  }
  return integerVector(values, nulls);
}

/** DIV of doubles. */
export function doubleIntegerDivision(
  left: ExecVector,
  right: ExecVector,
  unsigned: boolean,
  site: ArithmeticSite,
): ExecVector {
  const quotient = doubleArithmetic('/', left, right, site);
  const values = new Array<bigint>(quotient.length);
  for (let i = 0; i < quotient.length; i++) {
    values[i] = 0n;
    if (quotient.kind !== 'number' || isNullAt(quotient, i)) continue;
    const value = BigInt(Math.trunc(quotient.values[i]!));
    if (!fitsInteger64(value, unsigned)) throw outOfRange('BIGINT', site);
    values[i] = value;
  }
  return integerVector(values, quotient.nulls);
}

/** `-x` of an integer or decimal. */
export function negate(
  operand: ExecVector,
  unsigned: boolean,
  isDecimal: boolean,
  site: ArithmeticSite,
): ExecVector {
  const { length, nulls } = operand;
  if (operand.kind === 'number') {
    const out = new Float64Array(length);
    for (let i = 0; i < length; i++) out[i] = 0 - operand.values[i]!;
    return numberVector(out, nulls, length);
  }
  const values = new Array<bigint>(length);
  for (let i = 0; i < length; i++) {
    values[i] = -(isDecimal ? decimalAt(operand, i) : bigintAt(operand, i, unsigned));
    if (!isDecimal && !fitsInteger64(values[i]!, false)) throw outOfRange('BIGINT', site);
  }
  return operand.kind === 'decimal'
    ? decimalVector(values, operand.scale, nulls)
    : integerVector(values, nulls);
}
