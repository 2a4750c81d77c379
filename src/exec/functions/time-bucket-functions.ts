/**
 * date_bin and date_trunc: the start of the bucket that a time falls in.
 *
 * Steps shorter than a day count from the epoch (for a TIMESTAMP: from 1970-01-01 00:00 UTC). Steps of a day and longer begin at
 * local midnight of the session's zone, so a day that a clock change makes longer is still one bucket. An origin given by the
 * user is where counting starts instead.
 */

import { SqlError } from '../../../protocol/index.js';
import { castTo } from '../../plan/bound-cast.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import { civilFromDays, daysFromCivil, SECONDS_PER_DAY, weekdayOf } from '../calendar.js';
import type { EvaluationEnvironment } from '../evaluation-environment.js';
import { joinTime, splitTime, unitOf, type ExecVector } from '../exec-vector.js';
import { defineFunction, type FunctionDefinition } from '../function-definition.js';
import { addMonthsToSeconds, DAY_MICROS, intervalRule, monthsBetween } from '../interval.js';
import { bytesText } from '../sql-value.js';
import { momentArgument, type MomentType } from './moment-argument.js';
import { unitOfArgument } from './time-part-functions.js';

interface Step {
  readonly months: number;
  readonly micros: number;
}

function stepOf(argument: BoundExpression): Step {
  const amount =
    argument.kind === 'interval' && argument.amount.kind === 'constant'
      ? argument.amount.value
      : null;
  if (argument.kind !== 'interval' || amount === null) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      'Incorrect arguments to date_bin: the first must be a constant INTERVAL',
    );
  }
  const rule = intervalRule(argument.unit);
  const count = amount instanceof Uint8Array ? Number(bytesText(amount)) : Number(amount);
  if (rule === undefined || rule.kind === 'compound' || !Number.isInteger(count) || count <= 0) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      'Incorrect arguments to date_bin: the interval must be positive and of one unit',
    );
  }
  const total = count * rule.each;
  return rule.kind === 'months' ? { months: total, micros: 0 } : { months: 0, micros: total };
}

/** Start of the bucket in wall-clock seconds (whole seconds; the fraction of the result is 0). */
type LocalBucket = (seconds: number) => number;

/**
 * Buckets by wall clock: there and back through the zone for timestamps. A short bucket (an hour or less) keeps the offset of
 * its row, or the two hours that a clock change repeats would become one.
 */
function byWallClock(
  vector: ExecVector,
  type: MomentType,
  env: EvaluationEnvironment,
  bucket: LocalBucket,
  isShort = false,
): ExecVector {
  const unit = unitOf(type);
  const { length, nulls } = vector;
  const source = splitTime(vector, unit).seconds;
  const seconds = new Float64Array(length);
  const zone = type.kind === 'timestamp' ? env.timeZone : null;
  for (let i = 0; i < length; i++) {
    const second = source[i]!;
    if (zone === null) seconds[i] = bucket(second);
    else {
      const offset = zone.offsetSecondsAt(second);
      const local = bucket(second + offset);
      seconds[i] = local - (isShort ? offset : zone.offsetSecondsAtLocal(local));
    }
  }
  return joinTime({ seconds, fractions: new Float64Array(length) }, unit, nulls, length);
}

/** Buckets of a fixed length from an origin; exact down to the column's own unit. */
function byLength(
  vector: ExecVector,
  type: MomentType,
  stepMicros: number,
  origin: { readonly seconds: number; readonly micros: number },
): ExecVector {
  const unit = unitOf(type);
  const { length, nulls } = vector;
  const source = splitTime(vector, unit);
  const seconds = new Float64Array(length);
  const fractions = new Float64Array(length);
  if (stepMicros % 1e6 === 0 && origin.micros === 0) {
    const step = stepMicros / 1e6;
    for (let i = 0; i < length; i++) {
      seconds[i] = Math.floor((source.seconds[i]! - origin.seconds) / step) * step + origin.seconds;
    }
    return joinTime({ seconds, fractions }, unit, nulls, length);
  }
  const perMicro = unit / 1e6;
  for (let i = 0; i < length; i++) {
    // Microseconds from the origin: exact for 285 years around it.
    const distance =
      (source.seconds[i]! - origin.seconds) * 1e6 +
      Math.floor(source.fractions[i]! / perMicro) -
      origin.micros;
    const start = Math.floor(distance / stepMicros) * stepMicros + origin.micros;
    const second = Math.floor(start / 1e6);
    seconds[i] = second + origin.seconds;
    fractions[i] = Math.floor((start - second * 1e6) * perMicro);
  }
  return joinTime({ seconds, fractions }, unit, nulls, length);
}

const date = { year: 0, month: 0, day: 0 };

function monthBucket(months: number): LocalBucket {
  return (seconds) => {
    civilFromDays(Math.floor(seconds / SECONDS_PER_DAY), date);
    const total = date.year * 12 + date.month - 1 - 1970 * 12;
    const start = Math.floor(total / months) * months + 1970 * 12;
    const year = Math.floor(start / 12);
    return daysFromCivil(year, start - year * 12 + 1, 1) * SECONDS_PER_DAY;
  };
}

function monthBucketFrom(months: number, origin: number): LocalBucket {
  return (seconds) => {
    let count = Math.floor(monthsBetween(origin, 0, seconds, 0) / months) * months;
    if (addMonthsToSeconds(origin, count) > seconds) count -= months;
    return addMonthsToSeconds(origin, count);
  };
}

function bucketed(operand: BoundExpression, env: EvaluationEnvironment): BoundExpression {
  return operand.type.kind === 'timestamp' ? operand : momentArgument(operand, env);
}

/** Whole seconds and microseconds of a constant origin. */
function originOf(
  argument: BoundExpression,
  type: MomentType,
  env: EvaluationEnvironment,
): { seconds: number; micros: number } {
  const constant = castTo(argument, { ...type, precision: 6 }, env);
  if (constant.kind !== 'constant' || typeof constant.value !== 'bigint') {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      'Incorrect arguments to date_bin: the origin must be a constant time',
    );
  }
  const micros = Number(((constant.value % 1_000_000n) + 1_000_000n) % 1_000_000n);
  return { seconds: Number((constant.value - BigInt(micros)) / 1_000_000n), micros };
}

const dateBin = defineFunction('date_bin', 2, 3, ({ args, env }) => {
  const step = stepOf(args[0]!);
  const operand = bucketed(args[1]!, env);
  const type = operand.type as MomentType;
  const origin = args[2] === undefined ? null : originOf(args[2], type, env);
  const zone = type.kind === 'timestamp' ? env.timeZone : null;
  let kernel: (vector: ExecVector) => ExecVector;
  if (step.months > 0) {
    const local =
      origin === null ? null : origin.seconds + (zone?.offsetSecondsAt(origin.seconds) ?? 0);
    const bucket = local === null ? monthBucket(step.months) : monthBucketFrom(step.months, local);
    kernel = (vector) => byWallClock(vector, type, env, bucket);
  } else if (origin === null && step.micros >= DAY_MICROS) {
    const seconds = step.micros / 1e6;
    kernel = (vector) =>
      byWallClock(vector, type, env, (second) => Math.floor(second / seconds) * seconds);
  } else {
    const from = origin ?? { seconds: 0, micros: 0 };
    kernel = (vector) => byLength(vector, type, step.micros, from);
  }
  return {
    type,
    args: [operand],
    nullable: operand.nullable,
    build:
      ([value]) =>
      (batch) =>
        kernel(value!(batch)),
  };
});

const TRUNCATIONS: Readonly<Record<string, LocalBucket>> = {
  second: (seconds) => seconds,
  minute: (seconds) => Math.floor(seconds / 60) * 60,
  hour: (seconds) => Math.floor(seconds / 3600) * 3600,
  day: (seconds) => Math.floor(seconds / SECONDS_PER_DAY) * SECONDS_PER_DAY,
  week: (seconds) => {
    const days = Math.floor(seconds / SECONDS_PER_DAY);
    return (days - weekdayOf(days)) * SECONDS_PER_DAY;
  },
  month: monthBucket(1),
  quarter: monthBucket(3),
  year: monthBucket(12),
};

const dateTrunc = defineFunction('date_trunc', 2, 2, ({ args, env }) => {
  const unit = unitOfArgument(args[0], 'date_trunc');
  const operand = bucketed(args[1]!, env);
  const type = operand.type as MomentType;
  const epoch = { seconds: 0, micros: 0 };
  let kernel: (vector: ExecVector) => ExecVector;
  if (unit === 'millisecond' || unit === 'microsecond') {
    kernel = (vector) => byLength(vector, type, unit === 'millisecond' ? 1000 : 1, epoch);
  } else {
    const bucket = Object.hasOwn(TRUNCATIONS, unit) ? TRUNCATIONS[unit] : undefined;
    if (bucket === undefined) {
      throw new SqlError(
        'ER_WRONG_ARGUMENTS',
        `Incorrect arguments to date_trunc: unknown unit '${unit}'`,
      );
    }
    const isShort = unit === 'second' || unit === 'minute' || unit === 'hour';
    kernel = (vector) => byWallClock(vector, type, env, bucket, isShort);
  }
  return {
    type,
    args: [operand],
    nullable: operand.nullable,
    build:
      ([value]) =>
      (batch) =>
        kernel(value!(batch)),
  };
});

export const timeBucketFunctions: readonly FunctionDefinition[] = [dateBin, dateTrunc];
