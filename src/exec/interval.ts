/**
 * INTERVAL units, and adding them to wall-clock times.
 *
 * Every unit is either so many months or so many microseconds. Months keep the day where the month has it, else its last day.
 * Compound units take texts such as '1 2:30:15'; any punctuation separates the parts, and missing ones are the leading ones.
 */

import { civilFromDays, daysFromCivil, daysInMonth, SECONDS_PER_DAY } from './calendar.js';

export type IntervalUnitRule =
  | { readonly kind: 'months'; readonly each: number }
  | { readonly kind: 'micros'; readonly each: number }
  /** Parts from the largest to the smallest, each worth so many microseconds (or months). */
  | {
      readonly kind: 'compound';
      readonly base: 'months' | 'micros';
      readonly parts: readonly number[];
      readonly endsInFraction: boolean;
    };

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY_MICROS = 24 * HOUR;

const months = (each: number): IntervalUnitRule => ({ kind: 'months', each });
const micros = (each: number): IntervalUnitRule => ({ kind: 'micros', each });
const compound = (parts: readonly number[], endsInFraction = false): IntervalUnitRule => ({
  kind: 'compound',
  base: 'micros',
  parts,
  endsInFraction,
});

const RULES: Readonly<Record<string, IntervalUnitRule>> = {
  microsecond: micros(1),
  millisecond: micros(1000),
  second: micros(SECOND),
  minute: micros(MINUTE),
  hour: micros(HOUR),
  day: micros(DAY_MICROS),
  week: micros(7 * DAY_MICROS),
  month: months(1),
  quarter: months(3),
  year: months(12),
  second_microsecond: compound([SECOND, 1], true),
  minute_microsecond: compound([MINUTE, SECOND, 1], true),
  minute_second: compound([MINUTE, SECOND]),
  hour_microsecond: compound([HOUR, MINUTE, SECOND, 1], true),
  hour_second: compound([HOUR, MINUTE, SECOND]),
  hour_minute: compound([HOUR, MINUTE]),
  day_microsecond: compound([DAY_MICROS, HOUR, MINUTE, SECOND, 1], true),
  day_second: compound([DAY_MICROS, HOUR, MINUTE, SECOND]),
  day_minute: compound([DAY_MICROS, HOUR, MINUTE]),
  day_hour: compound([DAY_MICROS, HOUR]),
  year_month: { kind: 'compound', base: 'months', parts: [12, 1], endsInFraction: false },
};

export function intervalRule(unit: string): IntervalUnitRule | undefined {
  return Object.hasOwn(RULES, unit) ? RULES[unit] : undefined;
}

/** True when adding the unit to a DATE gives a DATE. */
export function isWholeDays(unit: string): boolean {
  const rule = intervalRule(unit);
  if (rule === undefined) return false;
  if (rule.kind === 'compound') return rule.base === 'months';
  return rule.kind === 'months' || rule.each % DAY_MICROS === 0;
}

/** Months or microseconds of a compound text; null when it is none. */
export function compoundAmount(
  text: string,
  rule: Extract<IntervalUnitRule, { kind: 'compound' }>,
): number | null {
  const isNegative = text.trim().startsWith('-');
  const numbers = text.match(/\d+/g);
  if (numbers === null || numbers.length > rule.parts.length) return null;
  const parts = rule.parts.slice(rule.parts.length - numbers.length);
  let total = 0;
  numbers.forEach((digits, i) => {
    const isFraction = rule.endsInFraction && i === numbers.length - 1 && numbers.length > 1;
    const value = Number(isFraction ? digits.padEnd(6, '0').slice(0, 6) : digits);
    total += value * parts[i]!;
  });
  return isNegative ? -total : total;
}

const date = { year: 0, month: 0, day: 0 };

/** Days since 1970 plus months. */
export function addMonths(days: number, count: number): number {
  civilFromDays(days, date);
  const total = date.year * 12 + date.month - 1 + count;
  const year = Math.floor(total / 12);
  const month = total - year * 12 + 1;
  return daysFromCivil(year, month, Math.min(date.day, daysInMonth(year, month)));
}

/** Wall-clock seconds plus months; the time of day stays. */
export function addMonthsToSeconds(seconds: number, count: number): number {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  return addMonths(days, count) * SECONDS_PER_DAY + (seconds - days * SECONDS_PER_DAY);
}

/** Whole months from a to b (wall-clock seconds and microseconds), toward zero. */
export function monthsBetween(a: number, aMicros: number, b: number, bMicros: number): number {
  if (b < a || (b === a && bMicros < aMicros)) return 0 - monthsBetween(b, bMicros, a, aMicros);
  const aDays = Math.floor(a / SECONDS_PER_DAY);
  const bDays = Math.floor(b / SECONDS_PER_DAY);
  civilFromDays(aDays, date);
  const aDay = date.day;
  const aMonths = date.year * 12 + date.month;
  civilFromDays(bDays, date);
  const whole = date.year * 12 + date.month - aMonths;
  const aRest = (a - aDays * SECONDS_PER_DAY) * 1e6 + aMicros;
  const bRest = (b - bDays * SECONDS_PER_DAY) * 1e6 + bMicros;
  const isShort = date.day < aDay || (date.day === aDay && bRest < aRest);
  return isShort ? whole - 1 : whole;
}
