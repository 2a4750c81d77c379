/** DATE_FORMAT, STR_TO_DATE, CONVERT_TZ and the functions that tell the time. */

import { SqlError } from '../../../protocol/index.js';
import type { SqlType } from '../../catalog/sql-type.js';
import { castTo } from '../../plan/bound-cast.js';
import { SECONDS_PER_DAY } from '../calendar.js';
import { formatMoment, formatParts, readMoment } from '../date-format.js';
import { warnIncorrect } from '../evaluation-environment.js';
import { constantVector, withLength } from '../exec-vector.js';
import { defineFunction, type FunctionDefinition } from '../function-definition.js';
import {
  bytesText,
  DATE,
  datetimeType,
  timeType,
  varcharType,
  type SqlValue,
} from '../sql-value.js';
import { findTimeZone } from '../time-zone.js';
import { momentArgument } from './moment-argument.js';
import { rowFunction } from './row-function.js';

function dateFormat(name: string): FunctionDefinition {
  return rowFunction({
    name,
    min: 2,
    max: 3,
    parameters: ['moment', 'text'],
    type: varcharType(255),
    prepare: () => (args) => {
      const micros = args.micros(0);
      const seconds = Math.floor(micros / 1e6);
      return formatMoment(args.text(1), seconds, micros - seconds * 1e6);
    },
  });
}

/** TIME_FORMAT takes durations: hours may pass 24. */
const timeFormat = defineFunction('time_format', 2, 2, (site) => {
  const clock = castTo(site.args[0]!, timeType(6), site.env);
  return rowFunction({
    name: 'time_format',
    min: 2,
    parameters: ['keep', 'text'],
    type: varcharType(64),
    prepare: () => (args) => {
      const micros = Math.abs(args.number(0));
      const seconds = Math.floor(micros / 1e6);
      const hours = Math.floor(seconds / 3600);
      const format = args.text(1).replaceAll(/%[Hk]/g, String(hours).padStart(2, '0'));
      return formatMoment(
        args.number(0) < 0 ? `-${format}` : format,
        seconds % SECONDS_PER_DAY,
        micros - seconds * 1e6,
      );
    },
  }).resolve({ ...site, args: [clock, site.args[1]!] });
});

/** The type follows from a constant format: DATE, TIME, or DATETIME (with %f: 6 digits). */
const strToDate = defineFunction('str_to_date', 2, 2, (site) => {
  const format = site.args[1]!;
  const parts =
    format.kind === 'constant' && format.value instanceof Uint8Array
      ? formatParts(bytesText(format.value))
      : { date: true, time: true, micros: true };
  const type: SqlType = !parts.time
    ? DATE
    : !parts.date
      ? timeType(parts.micros ? 6 : 0)
      : datetimeType(parts.micros ? 6 : 0);
  return rowFunction({
    name: 'str_to_date',
    min: 2,
    parameters: ['text'],
    type,
    prepare:
      ({ env }) =>
      (args): SqlValue => {
        const read = readMoment(args.text(0), args.text(1));
        if (read === null) {
          warnIncorrect(env, 'datetime', args.text(0));
          return null;
        }
        if (type.kind === 'date') return Math.floor(read.seconds / SECONDS_PER_DAY);
        if (type.kind === 'time') return read.seconds * 1e6 + read.micros;
        return parts.micros
          ? BigInt(read.seconds) * 1_000_000n + BigInt(read.micros)
          : BigInt(read.seconds);
      },
  }).resolve(site);
});

/** Unknown zones and unreadable times give NULL. */
const convertTz = defineFunction('convert_tz', 3, 3, (site) => {
  const moment = momentArgument(site.args[0]!, site.env);
  const precision = moment.type.kind === 'datetime' ? moment.type.precision : 0;
  const type = datetimeType(precision);
  const unit = 10n ** BigInt(precision);
  return rowFunction({
    name: 'convert_tz',
    min: 3,
    parameters: ['keep', 'text', 'text'],
    type,
    prepare:
      ({ context }) =>
      (args) => {
        const from = findTimeZone(args.text(1), context.systemTimeZone);
        const to = findTimeZone(args.text(2), context.systemTimeZone);
        if (from === null || to === null) return null;
        const count = args.value(0) as bigint;
        const fraction = ((count % unit) + unit) % unit;
        const local = Number((count - fraction) / unit);
        const instant = local - from.offsetSecondsAtLocal(local);
        return BigInt(instant + to.offsetSecondsAt(instant)) * unit + fraction;
      },
  }).resolve({ ...site, args: [moment, site.args[1]!, site.args[2]!] });
});

const PRECISION_MAX = 6;

/** NOW(n) and its kin; `sysdate` asks the clock again, the others say when the statement began. */
function clockFunction(
  name: string,
  zone: 'session' | 'utc',
  part: 'datetime' | 'date' | 'time',
): FunctionDefinition {
  return defineFunction(name, 0, 1, (site) => {
    const { context, args } = site;
    const given = args[0]?.kind === 'constant' ? Number(args[0].value) : 0;
    if (!(given >= 0 && given <= 9)) {
      throw new SqlError('ER_TOO_BIG_PRECISION', {
        precision: given,
        column: name,
        max: PRECISION_MAX,
      });
    }
    const precision = Math.min(given, PRECISION_MAX);
    const read = (ms: number): SqlValue => {
      const seconds = Math.floor(ms / 1000);
      const local = seconds + (zone === 'utc' ? 0 : context.timeZone.offsetSecondsAt(seconds));
      const millis = Math.floor(ms - seconds * 1000);
      const days = Math.floor(local / SECONDS_PER_DAY);
      if (part === 'date') return days;
      const cut = 10 ** Math.max(3 - precision, 0);
      if (part === 'time')
        return (
          (local - days * SECONDS_PER_DAY) * 1e6 +
          (precision === 0 ? 0 : Math.floor(millis / cut) * cut * 1000)
        );
      const fraction = Math.floor((millis * 10 ** precision) / 1000);
      return BigInt(local) * 10n ** BigInt(precision) + BigInt(fraction);
    };
    const type: SqlType =
      part === 'date' ? DATE : part === 'time' ? timeType(precision) : datetimeType(precision);
    const isLive = name === 'sysdate';
    const fixed = constantVector(read(context.nowMs), type);
    const millis = BigInt(Math.floor(context.nowMs)) * 1000n;
    const step = 10n ** BigInt(6 - precision);
    return {
      type,
      nullable: false,
      isVolatile: isLive,
      build: () =>
        isLive
          ? (batch) => constantVector(read(context.clock.wallMs()), type, batch.length)
          : (batch) => withLength(fixed, batch.length),
      ...(part === 'datetime' && zone === 'session'
        ? { instantMicros: millis - (((millis % step) + step) % step) }
        : {}),
    };
  });
}

export const timeFormatFunctions: readonly FunctionDefinition[] = [
  dateFormat('date_format'),
  timeFormat,
  strToDate,
  convertTz,
  ...['now', 'current_timestamp', 'localtime', 'localtimestamp', 'sysdate'].map((name) =>
    clockFunction(name, 'session', 'datetime'),
  ),
  clockFunction('utc_timestamp', 'utc', 'datetime'),
  clockFunction('curdate', 'session', 'date'),
  clockFunction('current_date', 'session', 'date'),
  clockFunction('utc_date', 'utc', 'date'),
  clockFunction('curtime', 'session', 'time'),
  clockFunction('current_time', 'session', 'time'),
  clockFunction('utc_time', 'utc', 'time'),
];
