/**
 * Conversions of vectors to DATE, TIME, DATETIME and TIMESTAMP.
 *
 * Integers become counts in the target's own unit (10^-precision seconds), not MySQL's YYYYMMDD numbers; to DATE
 * and TIME they convert as in MySQL. Losing fraction digits rounds, as in MySQL.
 */

import type { SqlType } from '../catalog/sql-type.js';
import {
  DateTimeParse,
  DAYS_MAX,
  DAYS_MIN,
  daysFromCivil,
  daysInMonth,
  localSecondsOf,
  newDateTimeFields,
  parseDateTimeBytes,
  SECONDS_PER_DAY,
} from './calendar.js';
import { toDecimal, toInteger } from './cast-number.js';
import {
  bigintAt,
  bytesAt,
  decimalAt,
  isNullAt,
  isUnsigned,
  joinTime,
  nullVector,
  numberVector,
  splitTime,
  unitOf,
  type ExecVector,
} from './exec-vector.js';
import { warnIncorrect, type EvaluationEnvironment } from './evaluation-environment.js';
import { bytesText, isReal } from './sql-value.js';

type MomentType = Extract<SqlType, { kind: 'datetime' | 'timestamp' }>;

const fields = newDateTimeFields();

/** Wall-clock seconds of an instant and back; identity for equal kinds. */
function shiftSeconds(
  seconds: number,
  from: MomentType['kind'],
  to: MomentType['kind'],
  env: EvaluationEnvironment,
): number {
  if (from === to) return seconds;
  return from === 'timestamp'
    ? seconds + env.timeZone.offsetSecondsAt(seconds)
    : seconds - env.timeZone.offsetSecondsAtLocal(seconds);
}

export function toMoment(
  vector: ExecVector,
  from: SqlType,
  to: MomentType,
  env: EvaluationEnvironment,
): ExecVector {
  const { length } = vector;
  switch (from.kind) {
    case 'null':
      return nullVector(length);
    case 'datetime':
    case 'timestamp':
      return convertMoment(vector, from, to, env);
    case 'date':
      return fromDays(vector, to, env);
    case 'time':
      return fromClock(vector, to, env);
    case 'text':
    case 'blob':
    case 'json':
      return parseMoments(vector, to, env);
    default:
      return fromCounts(vector, from, to, env);
  }
}

function convertMoment(
  vector: ExecVector,
  from: MomentType,
  to: MomentType,
  env: EvaluationEnvironment,
): ExecVector {
  if (from.kind === to.kind && from.precision === to.precision) return vector;
  if (vector.kind === 'number') return vector;
  const { length, nulls } = vector;
  const source = splitTime(vector, unitOf(from));
  const seconds = new Float64Array(length);
  const fractions = new Float64Array(length);
  const unit = unitOf(to);
  const factor = unit / unitOf(from);
  for (let i = 0; i < length; i++) {
    let second = shiftSeconds(source.seconds[i]!, from.kind, to.kind, env);
    let fraction = source.fractions[i]! * factor;
    if (factor < 1) {
      fraction = Math.round(fraction);
      if (fraction >= unit) {
        fraction -= unit;
        second += 1;
      }
    }
    seconds[i] = second;
    fractions[i] = Math.round(fraction);
  }
  return joinTime({ seconds, fractions }, unit, nulls, length);
}

function fromDays(vector: ExecVector, to: MomentType, env: EvaluationEnvironment): ExecVector {
  const { length, nulls } = vector;
  if (vector.kind !== 'number') return nullVector(length);
  const seconds = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    seconds[i] = shiftSeconds(vector.values[i]! * SECONDS_PER_DAY, 'datetime', to.kind, env);
  }
  return joinTime({ seconds, fractions: new Float64Array(length) }, unitOf(to), nulls, length);
}

/** A time of day means today, as the statement's start says. */
function fromClock(vector: ExecVector, to: MomentType, env: EvaluationEnvironment): ExecVector {
  const { length, nulls } = vector;
  if (vector.kind !== 'number') return nullVector(length);
  const now = Math.floor(env.nowMs / 1000);
  const today = Math.floor((now + env.timeZone.offsetSecondsAt(now)) / SECONDS_PER_DAY);
  const seconds = new Float64Array(length);
  const fractions = new Float64Array(length);
  const unit = unitOf(to);
  for (let i = 0; i < length; i++) {
    const second = Math.floor(vector.values[i]! / 1e6);
    const micros = vector.values[i]! - second * 1e6;
    seconds[i] = shiftSeconds(today * SECONDS_PER_DAY + second, 'datetime', to.kind, env);
    fractions[i] = Math.floor((micros * unit) / 1e6);
  }
  return joinTime({ seconds, fractions }, unit, nulls, length);
}

function fromCounts(
  vector: ExecVector,
  from: SqlType,
  to: MomentType,
  env: EvaluationEnvironment,
): ExecVector {
  const { length } = vector;
  const unit = unitOf(to);
  const bigUnit = BigInt(unit);
  const counts =
    isReal(from) || from.kind === 'decimal' ? toInteger(vector, from, false, env) : vector;
  const nulls = new Uint8Array(length);
  const seconds = new Float64Array(length);
  const fractions = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    if (isNullAt(counts, i)) {
      nulls[i] = 1;
      continue;
    }
    const count = bigintAt(counts, i, isUnsigned(from));
    const fraction = ((count % bigUnit) + bigUnit) % bigUnit;
    const second = Number((count - fraction) / bigUnit);
    if (isInCalendar(second)) {
      seconds[i] = second;
      fractions[i] = Number(fraction);
    } else {
      warnIncorrect(env, to.kind, count.toString());
      nulls[i] = 1;
    }
  }
  return joinTime({ seconds, fractions }, unit, nulls, length);
}

export const isInCalendar = (seconds: number): boolean =>
  seconds >= DAYS_MIN * SECONDS_PER_DAY && seconds < (DAYS_MAX + 1) * SECONDS_PER_DAY;

function parseMoments(vector: ExecVector, to: MomentType, env: EvaluationEnvironment): ExecVector {
  const { length } = vector;
  const nulls = new Uint8Array(length);
  const seconds = new Float64Array(length);
  const fractions = new Float64Array(length);
  const unit = unitOf(to);
  const divisor = 1e9 / unit;
  for (let i = 0; i < length; i++) {
    if (isNullAt(vector, i)) {
      nulls[i] = 1;
      continue;
    }
    const bytes = bytesAt(vector, i);
    const outcome = parseDateTimeBytes(bytes, 0, bytes.length, fields);
    if (outcome === DateTimeParse.bad) {
      warnIncorrect(env, 'datetime', bytesText(bytes));
      nulls[i] = 1;
      continue;
    }
    if (outcome === DateTimeParse.truncated) warnIncorrect(env, 'datetime', bytesText(bytes));
    let second = localSecondsOf(fields);
    let fraction = Math.round(fields.nanosecond / divisor);
    if (fraction >= unit) {
      fraction -= unit;
      second += 1;
    }
    if (Number.isNaN(fields.offsetSeconds)) second = shiftSeconds(second, 'datetime', to.kind, env);
    else second = shiftSeconds(second - fields.offsetSeconds, 'timestamp', to.kind, env);
    seconds[i] = second;
    fractions[i] = fraction;
  }
  return joinTime({ seconds, fractions }, unit, nulls, length);
}

export function toDate(vector: ExecVector, from: SqlType, env: EvaluationEnvironment): ExecVector {
  const { length } = vector;
  if (from.kind === 'null' || from.kind === 'date') return vector;
  if (from.kind === 'datetime' || from.kind === 'timestamp') {
    return momentDays(vector, from, env);
  }
  if (
    from.kind === 'time' ||
    from.kind === 'text' ||
    from.kind === 'blob' ||
    from.kind === 'json'
  ) {
    const moment = { kind: 'datetime', precision: 9, precisionGiven: true } as const;
    return momentDays(toMoment(vector, from, moment, env), moment, env);
  }
  const integers = toInteger(vector, from, false, env);
  const values = new Float64Array(length);
  const nulls = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const days = isNullAt(integers, i) ? null : daysOfNumber(Number(bigintAt(integers, i, false)));
    if (days === null) {
      nulls[i] = 1;
      if (!isNullAt(integers, i)) warnIncorrect(env, 'date', String(bigintAt(integers, i, false)));
    } else values[i] = days;
  }
  return numberVector(values, nulls, length);
}

/** YYYYMMDD or YYYYMMDDhhmmss; null when it is no day. */
function daysOfNumber(value: number): number | null {
  const number = value > 99_999_999 ? Math.floor(value / 1_000_000) : value;
  const year = Math.floor(number / 10_000);
  const month = Math.floor(number / 100) % 100;
  const day = number % 100;
  if (year > 9999 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month))
    return null;
  return daysFromCivil(year, month, day);
}

function momentDays(vector: ExecVector, from: MomentType, env: EvaluationEnvironment): ExecVector {
  const { length, nulls } = vector;
  const { seconds } = splitTime(vector, unitOf(from));
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    values[i] = Math.floor(shiftSeconds(seconds[i]!, from.kind, 'datetime', env) / SECONDS_PER_DAY);
  }
  return numberVector(values, nulls, length);
}

/** 838:59:59 in microseconds: the largest TIME. */
const TIME_MAX = 3_020_399_000_000;

export function toClock(vector: ExecVector, from: SqlType, env: EvaluationEnvironment): ExecVector {
  const { length, nulls } = vector;
  if (from.kind === 'null' || from.kind === 'time') return vector;
  const values = new Float64Array(length);
  switch (from.kind) {
    case 'date':
      return numberVector(values, nulls, length);
    case 'datetime':
    case 'timestamp': {
      const { seconds, fractions } = splitTime(vector, unitOf(from));
      const perMicro = unitOf(from) / 1e6;
      for (let i = 0; i < length; i++) {
        const local = shiftSeconds(seconds[i]!, from.kind, 'datetime', env);
        const second = local - Math.floor(local / SECONDS_PER_DAY) * SECONDS_PER_DAY;
        values[i] = second * 1e6 + Math.floor(fractions[i]! / perMicro);
      }
      return numberVector(values, nulls, length);
    }
    case 'text':
    case 'blob':
    case 'json':
      return parseClocks(vector, env);
    default: {
      const decimals = toDecimal(vector, from, 6, env);
      for (let i = 0; i < length; i++) {
        if (isNullAt(decimals, i)) continue;
        const unscaled = decimalAt(decimals, i);
        const size = unscaled < 0n ? -unscaled : unscaled;
        const clock = Number(size / 1_000_000n);
        const seconds =
          Math.floor(clock / 10_000) * 3600 + (Math.floor(clock / 100) % 100) * 60 + (clock % 100);
        const micros = Math.min(seconds * 1e6 + Number(size % 1_000_000n), TIME_MAX);
        values[i] = unscaled < 0n ? -micros : micros;
      }
      return numberVector(values, nulls, length);
    }
  }
}

const CLOCK_TEXT = /^\s*(-)?(?:(\d+) )?(\d+)(?::(\d{1,2}))?(?::(\d{1,2}))?(?:\.(\d{0,6})\d*)?\s*$/;

/** Microseconds of `[-][days ]hh:mm[:ss[.fraction]]`, `hhmmss` or a datetime text; null when it is none of them. */
function parseClockText(text: string): number | null {
  const match = CLOCK_TEXT.exec(text);
  if (match === null) {
    const bytes = new TextEncoder().encode(text);
    if (parseDateTimeBytes(bytes, 0, bytes.length, fields) === DateTimeParse.bad) return null;
    const second = fields.hour * 3600 + fields.minute * 60 + fields.second;
    return second * 1e6 + Math.floor(fields.nanosecond / 1000);
  }
  const hasColon = match[4] !== undefined;
  const lead = Number(match[3]);
  const days = Number(match[2] ?? 0);
  let hours = lead;
  let minutes = Number(match[4] ?? 0);
  let seconds = Number(match[5] ?? 0);
  if (!hasColon && match[2] === undefined) {
    hours = Math.floor(lead / 10_000);
    minutes = Math.floor(lead / 100) % 100;
    seconds = lead % 100;
  }
  if (minutes > 59 || seconds > 59) return null;
  const micros = Number((match[6] ?? '').padEnd(6, '0'));
  const total = ((days * 24 + hours) * 3600 + minutes * 60 + seconds) * 1e6 + micros;
  const clamped = Math.min(total, TIME_MAX);
  return match[1] === '-' ? -clamped : clamped;
}

function parseClocks(vector: ExecVector, env: EvaluationEnvironment): ExecVector {
  const { length } = vector;
  const values = new Float64Array(length);
  const nulls = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    if (isNullAt(vector, i)) {
      nulls[i] = 1;
      continue;
    }
    const text = bytesText(bytesAt(vector, i));
    const micros = parseClockText(text);
    if (micros === null) {
      warnIncorrect(env, 'time', text);
      nulls[i] = 1;
    } else values[i] = micros;
  }
  return numberVector(values, nulls, length);
}
