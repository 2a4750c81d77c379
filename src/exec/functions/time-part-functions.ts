/** YEAR() .. MICROSECOND(), weeks and weekdays, EXTRACT, DATE(), TIME(), LAST_DAY and the like. */

import { SqlError } from '../../../protocol/index.js';
import type { SqlType } from '../../catalog/sql-type.js';
import { castTo } from '../../plan/bound-cast.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import {
  civilFromDays,
  daysFromCivil,
  daysInMonth,
  SECONDS_PER_DAY,
  weekdayOf,
} from '../calendar.js';
import { numberVector, unitOf } from '../exec-vector.js';
import {
  defineFunction,
  type CallSite,
  type FunctionDefinition,
  type ResolvedCall,
} from '../function-definition.js';
import {
  BIGINT,
  bytesText,
  DATE,
  isBytes,
  textBytes,
  timeType,
  varcharType,
} from '../sql-value.js';
import { mapMoment, momentArgument } from './moment-argument.js';
import { rowFunction } from './row-function.js';

const date = { year: 0, month: 0, day: 0 };

const daysOf = (seconds: number): number => Math.floor(seconds / SECONDS_PER_DAY);

const civilPart =
  (pick: () => number) =>
  (seconds: number): number => {
    civilFromDays(daysOf(seconds), date);
    return pick();
  };

const secondOfDay = (seconds: number): number => seconds - daysOf(seconds) * SECONDS_PER_DAY;

/** MySQL's WEEK() modes 0..7: which day a week begins with, whether week 0 exists, which week is the first. */
export function weekOf(
  days: number,
  mode: number,
): { readonly week: number; readonly year: number } {
  const mondayFirst = (mode & 1) !== 0;
  const oneToFiftyThree = (mode & 2) !== 0;
  const firstHasFourDays = ((mode & 4) !== 0) !== mondayFirst;
  civilFromDays(days, date);
  const { year } = date;
  const start = (ofYear: number): number => {
    const first = daysFromCivil(ofYear, 1, 1);
    // 0 = the first day of the week.
    const weekday = mondayFirst ? weekdayOf(first) : (weekdayOf(first) + 1) % 7;
    if (firstHasFourDays) return weekday <= 3 ? first - weekday : first - weekday + 7;
    return weekday === 0 ? first : first - weekday + 7;
  };
  const thisYear = start(year);
  if (days < thisYear) {
    if (!oneToFiftyThree) return { week: 0, year };
    return { week: Math.floor((days - start(year - 1)) / 7) + 1, year: year - 1 };
  }
  if (oneToFiftyThree && days >= start(year + 1)) return { week: 1, year: year + 1 };
  return { week: Math.floor((days - thisYear) / 7) + 1, year };
}

type Part = (seconds: number, fraction: number) => number;

/** Parts of a date; `epoch`-like parts of GreptimeDB's EXTRACT are not among MySQL's units. */
const DATE_PARTS: Readonly<Record<string, Part>> = {
  year: civilPart(() => date.year),
  month: civilPart(() => date.month),
  day: civilPart(() => date.day),
  quarter: civilPart(() => Math.floor((date.month + 2) / 3)),
  dayofweek: (seconds) => ((weekdayOf(daysOf(seconds)) + 1) % 7) + 1,
  weekday: (seconds) => weekdayOf(daysOf(seconds)),
  dayofyear: civilPart(
    () => daysFromCivil(date.year, date.month, date.day) - daysFromCivil(date.year, 1, 1) + 1,
  ),
  weekofyear: (seconds) => weekOf(daysOf(seconds), 3).week,
  to_days: (seconds) => daysOf(seconds) + 719_528,
};

function datePart(name: string, part: Part): FunctionDefinition {
  return defineFunction(name, 1, 1, ({ args, env }) => {
    const operand = momentArgument(args[0]!, env);
    return {
      type: BIGINT,
      args: [operand],
      nullable: operand.nullable,
      build: ([value]) => mapMoment(value!, operand.type, part),
    };
  });
}

/** HOUR, MINUTE, SECOND, MICROSECOND: of times of day and durations too, and of texts of either form. */
function clockPart(name: string, perUnit: number, modulo: number): FunctionDefinition {
  return defineFunction(name, 1, 1, (site) => {
    const operand = site.args[0]!;
    const isMoment =
      operand.type.kind === 'datetime' ||
      operand.type.kind === 'timestamp' ||
      operand.type.kind === 'date';
    if (!isMoment) return durationPart(site, perUnit, modulo);
    const moment = momentArgument(operand, site.env);
    const perSecond = perUnit / 1e6;
    const microsPerUnit = 1e6 / unitOf(moment.type);
    const part: Part =
      perUnit === 1
        ? (_, fraction) => Math.floor(fraction * microsPerUnit)
        : (seconds) => Math.floor(secondOfDay(seconds) / perSecond) % modulo;
    return {
      type: BIGINT,
      args: [moment],
      nullable: moment.nullable,
      build: ([value]) => mapMoment(value!, moment.type, part),
    };
  });
}

function durationPart({ args, env }: CallSite, perUnit: number, modulo: number): ResolvedCall {
  const operand = castTo(args[0]!, timeType(6), env);
  const wraps = perUnit !== 3_600_000_000;
  return {
    type: BIGINT,
    args: [operand],
    build:
      ([value]) =>
      (batch) => {
        const vector = value!(batch);
        const values = new Float64Array(batch.length);
        if (vector.kind === 'number') {
          for (let i = 0; i < batch.length; i++) {
            const whole = Math.floor(Math.abs(vector.values[i]!) / perUnit);
            values[i] = wraps ? whole % modulo : whole;
          }
        }
        return numberVector(values, vector.nulls, batch.length);
      },
  };
}

/** EXTRACT of compound units puts the parts side by side: DAY_MINUTE of the 3rd, 04:05 is 30405. */
const COMPOUND_PARTS: Readonly<Record<string, readonly string[]>> = {
  year_month: ['year', 'month'],
  day_hour: ['day', 'hour'],
  day_minute: ['day', 'hour', 'minute'],
  day_second: ['day', 'hour', 'minute', 'second'],
  day_microsecond: ['day', 'hour', 'minute', 'second', 'microsecond'],
  hour_minute: ['hour', 'minute'],
  hour_second: ['hour', 'minute', 'second'],
  hour_microsecond: ['hour', 'minute', 'second', 'microsecond'],
  minute_second: ['minute', 'second'],
  minute_microsecond: ['minute', 'second', 'microsecond'],
  second_microsecond: ['second', 'microsecond'],
};

const clockDefinitions: Readonly<Record<string, FunctionDefinition>> = {
  hour: clockPart('hour', 3_600_000_000, 24),
  minute: clockPart('minute', 60_000_000, 60),
  second: clockPart('second', 1_000_000, 60),
  microsecond: clockPart('microsecond', 1, 1_000_000),
};

const week = (name: string, withYear: boolean): FunctionDefinition =>
  defineFunction(name, 1, 2, ({ args, env }) => {
    const operand = momentArgument(args[0]!, env);
    const mode = args[1] === undefined ? null : args[1].kind === 'constant' ? args[1].value : null;
    const fixed = (typeof mode === 'number' ? mode & 7 : 0) | (withYear ? 2 : 0);
    return {
      type: BIGINT,
      args: [operand],
      build: ([value]) =>
        mapMoment(value!, operand.type, (seconds) => {
          const result = weekOf(daysOf(seconds), fixed);
          return withYear ? result.year * 100 + result.week : result.week;
        }),
    };
  });

/** The unit word that the parser passes as a text constant. */
export function unitOfArgument(
  argument: BoundExpression | undefined,
  functionName: string,
): string {
  if (argument?.kind === 'constant' && argument.value instanceof Uint8Array) {
    return bytesText(argument.value).toLowerCase();
  }
  throw new SqlError('ER_WRONG_ARGUMENTS', { what: functionName });
}

function partDefinition(unit: string): FunctionDefinition | undefined {
  if (unit === 'week') return week('week', false);
  if (Object.hasOwn(clockDefinitions, unit)) return clockDefinitions[unit];
  return Object.hasOwn(DATE_PARTS, unit) ? datePart(unit, DATE_PARTS[unit]!) : undefined;
}

const extract = (name: string): FunctionDefinition =>
  defineFunction(name, 2, 2, (site) => {
    const unit = unitOfArgument(site.args[0], name);
    const operand = site.args[1]!;
    const parts = COMPOUND_PARTS[unit] ?? [unit];
    const resolved = parts.map((part) =>
      partDefinition(part)?.resolve({ ...site, args: [operand] }),
    );
    if (resolved.some((part) => part === undefined)) {
      throw new SqlError('ER_WRONG_ARGUMENTS', { what: name });
    }
    const known = resolved as ResolvedCall[];
    return {
      type: BIGINT,
      args: known.map((part) => part.args![0]!),
      build: (evaluators) => {
        const built = known.map((part, i) => part.build([evaluators[i]!]));
        return (batch) => {
          const vectors = built.map((evaluate) => evaluate(batch));
          const values = new Float64Array(batch.length);
          vectors.forEach((vector, i) => {
            const width = parts[i] === 'microsecond' ? 1e6 : 100;
            if (vector.kind !== 'number') return;
            for (let row = 0; row < batch.length; row++)
              values[row] = values[row]! * width + vector.values[row]!;
          });
          return numberVector(values, vectors[0]!.nulls, batch.length);
        };
      },
    };
  });

const MONTHS =
  'January February March April May June July August September October November December'.split(
    ' ',
  );
const DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ');

export const monthName = (month: number): string => MONTHS[month - 1] ?? '';
export const dayName = (weekday: number): string => DAYS[weekday] ?? '';
export const monthNames = MONTHS;
export const dayNames = DAYS;

function nameFunction(name: string, pick: (days: number) => string): FunctionDefinition {
  return rowFunction({
    name,
    min: 1,
    parameters: ['moment'],
    type: varcharType(9),
    prepare: () => (args) => textBytes(pick(Math.floor(args.micros(0) / 86_400_000_000))),
  });
}

const toDate = defineFunction('date', 1, 1, ({ args, env }) => {
  const operand = castTo(args[0]!, DATE, env);
  return { type: DATE, args: [operand], build: ([value]) => value! };
});

const toTime = defineFunction('time', 1, 1, ({ args, env }) => {
  const { type } = args[0]!;
  const precision = isBytes(type)
    ? 6
    : 'precision' in type && type.kind !== 'decimal'
      ? Math.min(type.precision, 6)
      : 0;
  const operand = castTo(args[0]!, timeType(precision), env);
  return { type: timeType(precision), args: [operand], build: ([value]) => value! };
});

function dateOf(name: string, type: SqlType, apply: (days: number) => number): FunctionDefinition {
  return defineFunction(name, 1, 1, ({ args, env }) => {
    const operand = momentArgument(args[0]!, env);
    return {
      type,
      args: [operand],
      build: ([value]) => mapMoment(value!, operand.type, (seconds) => apply(daysOf(seconds))),
    };
  });
}

export const timePartFunctions: readonly FunctionDefinition[] = [
  ...Object.entries(DATE_PARTS).map(([name, part]) => datePart(name, part)),
  datePart('dayofmonth', DATE_PARTS['day']!),
  ...Object.values(clockDefinitions),
  week('week', false),
  week('yearweek', true),
  extract('extract'),
  extract('date_part'),
  nameFunction('monthname', (days) => {
    civilFromDays(days, date);
    return monthName(date.month);
  }),
  nameFunction('dayname', (days) => dayName(weekdayOf(days))),
  toDate,
  toTime,
  dateOf('last_day', DATE, (days) => {
    civilFromDays(days, date);
    return daysFromCivil(date.year, date.month, daysInMonth(date.year, date.month));
  }),
  defineFunction('time_to_sec', 1, 1, ({ args, env }) => {
    const operand = castTo(args[0]!, timeType(6), env);
    return {
      type: BIGINT,
      args: [operand],
      build:
        ([value]) =>
        (batch) => {
          const vector = value!(batch);
          const values = new Float64Array(batch.length);
          if (vector.kind === 'number') {
            for (let i = 0; i < batch.length; i++) values[i] = Math.trunc(vector.values[i]! / 1e6);
          }
          return numberVector(values, vector.nulls, batch.length);
        },
    };
  }),
  rowFunction({
    name: 'sec_to_time',
    min: 1,
    parameters: ['double'],
    type: timeType(0),
    prepare: () => (args) =>
      Math.max(-3_020_399, Math.min(3_020_399, Math.round(args.number(0)))) * 1e6,
  }),
  rowFunction({
    name: 'makedate',
    min: 2,
    parameters: ['integer'],
    type: DATE,
    prepare: () => (args) => {
      const day = args.number(1);
      const year = args.number(0);
      const full = year < 70 ? year + 2000 : year < 100 ? year + 1900 : year;
      return day < 1 || full > 9999 || full < 0 ? null : daysFromCivil(full, 1, 1) + day - 1;
    },
  }),
  rowFunction({
    name: 'maketime',
    min: 3,
    parameters: ['integer', 'integer', 'double'],
    type: timeType(6),
    prepare: () => (args) => {
      const hours = args.number(0);
      const [minutes, seconds] = [args.number(1), args.number(2)];
      if (minutes < 0 || minutes > 59 || seconds < 0 || seconds >= 60) return null;
      const micros = (Math.abs(hours) * 3600 + minutes * 60) * 1e6 + Math.round(seconds * 1e6);
      return Math.min(micros, 3_020_399_000_000) * (hours < 0 ? -1 : 1);
    },
  }),
  rowFunction({
    name: 'from_days',
    min: 1,
    parameters: ['integer'],
    type: DATE,
    prepare: () => (args) => args.number(0) - 719_528,
  }),
];
