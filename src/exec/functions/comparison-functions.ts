/**
 * `= <> < <= > >= <=>`, IN, LEAST/GREATEST's order: which form two operands are compared in.
 *
 * MySQL's rules, with two of our own: an integer compared with a TIMESTAMP or DATETIME is a count in its unit, and a
 * constant is converted to the other side's type once, here, so that the plan can push it into the scan.
 */

import type { SqlType } from '../../catalog/sql-type.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import { boundConstant, castTo } from '../../plan/bound-cast.js';
import { collationOf } from '../../plan/type-rules.js';
import { newDateTimeFields, DateTimeParse, parseDateTimeBytes } from '../calendar.js';
import { decimalScaleOf } from '../cast-number.js';
import { castValue } from '../cast-vector.js';
import { decimalPrecision, parseDecimal } from '../decimal.js';
import type { EvaluationEnvironment } from '../evaluation-environment.js';
import { warnIncorrect } from '../evaluation-environment.js';
import { precisionOf } from '../exec-vector.js';
import { defineFunction, type FunctionDefinition } from '../function-definition.js';
import {
  compareVectors,
  type ComparisonForm,
  type ComparisonOperator,
} from '../kernel-comparison.js';
import {
  BIGINT,
  bytesText,
  datetimeType,
  decimalType,
  DOUBLE,
  integerValue,
  isBytes,
  isInteger,
  isReal,
  timeType,
} from '../sql-value.js';

export interface AlignedOperands {
  readonly form: ComparisonForm;
  readonly left: BoundExpression;
  readonly right: BoundExpression;
}

type MomentType = Extract<SqlType, { kind: 'datetime' | 'timestamp' }>;

const isMoment = (type: SqlType): type is MomentType =>
  type.kind === 'datetime' || type.kind === 'timestamp';

const atPrecision = (type: MomentType, precision: number): MomentType =>
  type.precision === precision ? type : { ...type, precision };

/** Both operands converted so that they can be compared. */
export function alignOperands(
  left: BoundExpression,
  right: BoundExpression,
  env: EvaluationEnvironment,
): AlignedOperands {
  const a = left.type;
  const b = right.type;
  if (a.kind === 'null' || b.kind === 'null') return { form: 'number', left, right };
  if (isMoment(a) || isMoment(b)) return alignMoments(left, right, env);
  if (a.kind === 'date' || b.kind === 'date') return alignDates(left, right, env);
  if (a.kind === 'time' || b.kind === 'time') return alignClocks(left, right, env);
  if (isBytes(a) && isBytes(b)) {
    const isBinary = a.kind === 'blob' || b.kind === 'blob';
    const isCaseless = !isBinary && collationOf([left, right]).name === 'caseless';
    return { form: isCaseless ? 'caseless' : 'bytes', left, right };
  }
  return alignNumbers(left, right, env);
}

function alignMoments(
  left: BoundExpression,
  right: BoundExpression,
  env: EvaluationEnvironment,
): AlignedOperands {
  const a = left.type;
  const b = right.type;
  if (isMoment(a) && isMoment(b)) {
    const precision = Math.max(a.precision, b.precision);
    const kind =
      a.kind === b.kind || right.kind === 'constant'
        ? a
        : left.kind === 'constant'
          ? b
          : datetimeType(precision);
    return castBoth(left, right, atPrecision(kind as MomentType, precision), 'moment', env);
  }
  const moment = (isMoment(a) ? a : b) as MomentType;
  const other = isMoment(a) ? right : left;
  const converted = asMoment(other, moment, env);
  const type = converted.type as MomentType;
  const kept = castTo(
    isMoment(a) ? left : right,
    type.kind === 'timestamp' || type.kind === 'datetime' ? type : moment,
    env,
  );
  return isMoment(a)
    ? { form: 'moment', left: kept, right: converted }
    : { form: 'moment', left: converted, right: kept };
}

/** The other operand of a comparison with a `moment`. A text constant keeps the digits it has. */
function asMoment(
  operand: BoundExpression,
  moment: MomentType,
  env: EvaluationEnvironment,
): BoundExpression {
  if (operand.kind === 'constant' && isBytes(operand.type)) {
    return textConstantAsMoment(operand.value as Uint8Array | null, moment, env);
  }
  const precision = isBytes(operand.type)
    ? Math.max(moment.precision, 6)
    : operand.type.kind === 'time'
      ? Math.max(moment.precision, operand.type.precision)
      : moment.precision;
  return castTo(operand, atPrecision(moment, precision), env);
}

const fields = newDateTimeFields();

function textConstantAsMoment(
  bytes: Uint8Array | null,
  moment: MomentType,
  env: EvaluationEnvironment,
): BoundExpression {
  if (bytes === null) return boundConstant(moment, null);
  const integer = /^\s*-?\d{1,19}\s*$/.exec(bytesText(bytes));
  const outcome = parseDateTimeBytes(bytes, 0, bytes.length, fields);
  if (outcome === DateTimeParse.bad) {
    if (integer !== null) {
      // GreptimeDB reads integer strings as counts; MySQL's 14 and 8 digit forms were taken above.
      return boundConstant(moment, castValue(BigInt(integer[0].trim()), BIGINT, moment, env));
    }
    warnIncorrect(env, 'datetime', bytesText(bytes));
    return boundConstant(moment, null);
  }
  let digits = fields.fractionDigits;
  const nanos = fields.nanosecond;
  while (digits > 0 && nanos % 10 ** (9 - digits + 1) === 0) digits -= 1;
  const type = atPrecision(moment, Math.max(moment.precision, digits));
  return boundConstant(
    type,
    castValue(bytes, { kind: 'text', spelling: 'text', length: null }, type, env),
  );
}

function alignDates(
  left: BoundExpression,
  right: BoundExpression,
  env: EvaluationEnvironment,
): AlignedOperands {
  const date: SqlType = { kind: 'date' };
  const other = left.type.kind === 'date' ? right : left;
  if (other.type.kind === 'date') return { form: 'number', left, right };
  if (isBytes(other.type) || other.type.kind === 'time') {
    if (other.kind === 'constant' && other.value instanceof Uint8Array) {
      const outcome = parseDateTimeBytes(other.value, 0, other.value.length, fields);
      const isMidnight = fields.hour + fields.minute + fields.second + fields.nanosecond === 0;
      if (outcome !== DateTimeParse.bad && isMidnight && Number.isNaN(fields.offsetSeconds)) {
        return castBoth(left, right, date, 'number', env);
      }
      if (outcome === DateTimeParse.bad) {
        warnIncorrect(env, 'date', bytesText(other.value));
        const nothing = boundConstant(date, null);
        return other === right
          ? { form: 'number', left, right: nothing }
          : { form: 'number', left: nothing, right };
      }
    }
    return castBoth(left, right, datetimeType(6), 'moment', env);
  }
  const numeric = (side: BoundExpression): BoundExpression =>
    side.type.kind === 'date' ? castTo(side, BIGINT, env) : side;
  return alignNumbers(numeric(left), numeric(right), env);
}

function alignClocks(
  left: BoundExpression,
  right: BoundExpression,
  env: EvaluationEnvironment,
): AlignedOperands {
  const isClockLike = (type: SqlType): boolean => type.kind === 'time' || isBytes(type);
  if (isClockLike(left.type) && isClockLike(right.type)) {
    return castBoth(left, right, timeType(6), 'number', env);
  }
  const numeric = (side: BoundExpression): BoundExpression =>
    side.type.kind === 'time' ? castTo(side, decimalType(13, precisionOf(side.type)), env) : side;
  return alignNumbers(numeric(left), numeric(right), env);
}

function alignNumbers(
  left: BoundExpression,
  right: BoundExpression,
  env: EvaluationEnvironment,
): AlignedOperands {
  const a = exactTextNumber(left, right.type);
  const b = exactTextNumber(right, left.type);
  if (isInteger(a.type) && isInteger(b.type)) return { form: 'integer', left: a, right: b };
  if (isReal(a.type) || isReal(b.type) || isBytes(a.type) || isBytes(b.type)) {
    return castBoth(a, b, DOUBLE, 'number', env);
  }
  const scale = Math.max(decimalScaleOf(a.type), decimalScaleOf(b.type));
  return castBoth(a, b, decimalType(65, scale), 'decimal', env);
}

/** A text constant that is a whole number, against an exact number: compared exactly, not as a double. */
function exactTextNumber(operand: BoundExpression, other: SqlType): BoundExpression {
  const isExact = isInteger(other) || other.kind === 'decimal';
  if (!isExact || operand.kind !== 'constant' || !(operand.value instanceof Uint8Array))
    return operand;
  if (operand.type.kind === 'blob') return operand;
  const parsed = parseDecimal(bytesText(operand.value));
  if (!parsed.whole) return operand;
  if (parsed.scale === 0 && parsed.unscaled < 1n << 63n && parsed.unscaled >= -(1n << 63n)) {
    return boundConstant(BIGINT, integerValue(parsed.unscaled));
  }
  const precision = decimalPrecision(parsed.unscaled, parsed.scale);
  return boundConstant(decimalType(precision, parsed.scale), parsed.unscaled);
}

function castBoth(
  left: BoundExpression,
  right: BoundExpression,
  type: SqlType,
  form: ComparisonForm,
  env: EvaluationEnvironment,
): AlignedOperands {
  return { form, left: castTo(left, type, env), right: castTo(right, type, env) };
}

function comparison(operator: ComparisonOperator): FunctionDefinition {
  return defineFunction(operator, 2, 2, ({ args, env }) => {
    const { form, left, right } = alignOperands(args[0]!, args[1]!, env);
    const sides = { form, leftType: left.type, rightType: right.type };
    const isNullSafe = operator === '<=>';
    return {
      type: BIGINT,
      args: [left, right],
      nullable: !isNullSafe && (left.nullable || right.nullable),
      build:
        ([a, b]) =>
        (batch) =>
          compareVectors(operator, sides, a!(batch), b!(batch)),
    };
  });
}

export const comparisonFunctions: readonly FunctionDefinition[] = (
  ['=', '<>', '<', '<=', '>', '>=', '<=>'] as const
).map(comparison);
