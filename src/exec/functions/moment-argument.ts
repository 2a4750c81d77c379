/** Date and time arguments brought to wall-clock DATETIME, and kernels over them. */

import type { SqlType } from '../../catalog/sql-type.js';
import { castTo } from '../../plan/bound-cast.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import { newDateTimeFields, parseDateTimeBytes } from '../calendar.js';
import type { Evaluator } from '../batch.js';
import type { EvaluationEnvironment } from '../evaluation-environment.js';
import {
  numberVector,
  splitTime,
  unitOf,
  type ExecVector,
  type SplitTime,
} from '../exec-vector.js';
import { datetimeType, isBytes, LONG_TEXT } from '../sql-value.js';

export type MomentType = Extract<SqlType, { kind: 'datetime' | 'timestamp' }>;

/**
 * The argument as a DATETIME: a TIMESTAMP at the session's wall clock, a text parsed, a number read as YYYYMMDD[hhmmss].
 * The result's type tells its precision.
 */
export function momentArgument(
  operand: BoundExpression,
  env: EvaluationEnvironment,
): BoundExpression {
  const { type } = operand;
  switch (type.kind) {
    case 'datetime':
      return operand;
    case 'timestamp':
      return castTo(operand, datetimeType(type.precision), env);
    case 'date':
      return castTo(operand, datetimeType(0), env);
    case 'time':
      return castTo(operand, datetimeType(type.precision), env);
    case 'integer':
    case 'decimal':
    case 'boolean':
      return castTo(castTo(operand, LONG_TEXT, env), datetimeType(0), env);
    default:
      return castTo(operand, datetimeType(textDigits(operand)), env);
  }
}

const fields = newDateTimeFields();

/** A text constant has the digits it is written with, any other text six. */
function textDigits(operand: BoundExpression): number {
  if (operand.kind !== 'constant' || !(operand.value instanceof Uint8Array)) return 6;
  parseDateTimeBytes(operand.value, 0, operand.value.length, fields);
  return Math.min(fields.fractionDigits, 6);
}

/** One number per row from wall-clock seconds and the fraction (of 10^digits = `unit`). */
export function mapMoment(
  operand: Evaluator,
  type: SqlType,
  apply: (seconds: number, fraction: number) => number,
): Evaluator {
  const unit = unitOf(type);
  return (batch) => {
    const vector = operand(batch);
    const { seconds, fractions } = splitTime(vector, unit);
    const values = new Float64Array(batch.length);
    for (let i = 0; i < batch.length; i++) values[i] = apply(seconds[i]!, fractions[i]!);
    return numberVector(values, vector.nulls, batch.length);
  };
}

/** New seconds and fractions per row. */
export function rebuildMoment(vector: ExecVector, unit: number): SplitTime {
  const source = splitTime(vector, unit);
  // splitTime may hand out the vector's own arrays; these are written to.
  return {
    seconds: source.seconds.slice(0, vector.length),
    fractions: source.fractions.slice(0, vector.length),
  };
}

/** Digits that MySQL shows: its types end at six. */
export const shownPrecision = (type: SqlType): number =>
  type.kind === 'datetime' || type.kind === 'timestamp' || type.kind === 'time'
    ? Math.min(type.precision, 6)
    : isBytes(type)
      ? 6
      : 0;
