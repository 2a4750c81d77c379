/** DATE_FORMAT's letters, out (DATE_FORMAT, TIME_FORMAT) and in (STR_TO_DATE). */

import {
  civilFromDays,
  daysFromCivil,
  daysInMonth,
  SECONDS_PER_DAY,
  weekdayOf,
} from './calendar.js';
import {
  dayName,
  dayNames,
  monthName,
  monthNames,
  weekOf,
} from './functions/time-part-functions.js';
import { textBytes } from './sql-value.js';

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

const date = { year: 0, month: 0, day: 0 };

function ordinalSuffix(day: number): string {
  if (day >= 11 && day <= 13) return 'th';
  return ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th';
}

/** Wall-clock seconds and microseconds by a MySQL format, as UTF-8. */
export function formatMoment(format: string, seconds: number, micros: number): Uint8Array {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const second = seconds - days * SECONDS_PER_DAY;
  let result = '';
  for (let i = 0; i < format.length; i++) {
    const character = format[i]!;
    if (character !== '%' || i + 1 === format.length) result += character;
    else result += letter(format[++i]!, days, second, micros);
  }
  return textBytes(result);
}

function letter(name: string, days: number, second: number, micros: number): string {
  const hour = Math.floor(second / 3600);
  const minute = Math.floor(second / 60) % 60;
  const hour12 = ((hour + 11) % 12) + 1;
  switch (name) {
    case 'H':
      return two(hour);
    case 'i':
      return two(minute);
    case 's':
    case 'S':
      return two(second % 60);
    case 'f':
      return String(Math.floor(micros)).padStart(6, '0');
    case 'k':
      return String(hour);
    case 'h':
    case 'I':
      return two(hour12);
    case 'l':
      return String(hour12);
    case 'p':
      return hour < 12 ? 'AM' : 'PM';
    case 'T':
      return `${two(hour)}:${two(minute)}:${two(second % 60)}`;
    case 'r':
      return `${two(hour12)}:${two(minute)}:${two(second % 60)} ${hour < 12 ? 'AM' : 'PM'}`;
    default:
      return dateLetter(name, days);
  }
}

function dateLetter(name: string, days: number): string {
  const weekday = weekdayOf(days);
  civilFromDays(days, date);
  const { year, month, day } = date;
  switch (name) {
    case 'Y':
      return String(year).padStart(4, '0');
    case 'y':
      return two(year % 100);
    case 'm':
      return two(month);
    case 'c':
      return String(month);
    case 'd':
      return two(day);
    case 'e':
      return String(day);
    case 'D':
      return `${day}${ordinalSuffix(day)}`;
    case 'M':
      return monthName(month);
    case 'b':
      return monthName(month).slice(0, 3);
    case 'W':
      return dayName(weekday);
    case 'a':
      return dayName(weekday).slice(0, 3);
    case 'w':
      return String((weekday + 1) % 7);
    case 'j':
      return String(days - daysFromCivil(year, 1, 1) + 1).padStart(3, '0');
    case 'U':
      return two(weekOf(days, 0).week);
    case 'u':
      return two(weekOf(days, 1).week);
    case 'V':
      return two(weekOf(days, 2).week);
    case 'v':
      return two(weekOf(days, 3).week);
    case 'X':
      return String(weekOf(days, 2).year).padStart(4, '0');
    case 'x':
      return String(weekOf(days, 3).year).padStart(4, '0');
    default:
      return name;
  }
}

/** What a format can bring in, which decides the type of STR_TO_DATE. */
export function formatParts(format: string): {
  readonly date: boolean;
  readonly time: boolean;
  readonly micros: boolean;
} {
  const letters = [...format.matchAll(/%(.)/g)].map((match) => match[1]!);
  const some = (names: string): boolean => letters.some((name) => names.includes(name));
  return { date: some('YymcdeDMbWajUuVvXx'), time: some('HiSsfkhIlpTr'), micros: some('f') };
}

interface Reading {
  year: number | null;
  month: number | null;
  day: number | null;
  hour: number;
  minute: number;
  second: number;
  micros: number;
  afternoon: boolean | null;
  weekday: number | null;
  week: number | null;
  mondayWeeks: boolean;
  dayOfYear: number | null;
}

export interface ReadMoment {
  /** Wall-clock seconds since 1970; of a time without date, seconds of the day. */
  readonly seconds: number;
  readonly micros: number;
}

/** null when the text does not follow the format or names no real day. */
export function readMoment(text: string, format: string): ReadMoment | null {
  const reading: Reading = {
    year: null,
    month: null,
    day: null,
    hour: 0,
    minute: 0,
    second: 0,
    micros: 0,
    afternoon: null,
    weekday: null,
    week: null,
    mondayWeeks: false,
    dayOfYear: null,
  };
  let at = 0;
  for (let i = 0; i < format.length; i++) {
    while (text[at] === ' ' && format[i] !== ' ') at++;
    if (format[i] === ' ') {
      while (text[at] === ' ') at++;
      continue;
    }
    if (at >= text.length) break;
    if (format[i] !== '%' || i + 1 === format.length) {
      if (text[at] !== format[i]) return null;
      at += 1;
      continue;
    }
    const end = readLetter(format[++i]!, text, at, reading);
    if (end < 0) return null;
    at = end;
  }
  return momentOf(reading, formatParts(format).date);
}

function readLetter(name: string, text: string, at: number, into: Reading): number {
  const number = (digits: number, store: (value: number) => void): number => {
    const match = new RegExp(`^\\d{1,${digits}}`).exec(text.slice(at, at + digits));
    if (match === null) return -1;
    store(Number(match[0]));
    return at + match[0].length;
  };
  const word = (
    names: readonly string[],
    length: number | null,
    store: (index: number) => void,
  ): number => {
    const rest = text.slice(at).toLowerCase();
    const index = names.findIndex((known) =>
      rest.startsWith(known.slice(0, length ?? undefined).toLowerCase()),
    );
    if (index < 0) return -1;
    store(index);
    return at + (length ?? names[index]!.length);
  };
  switch (name) {
    case 'Y':
    case 'X':
    case 'x':
      return number(4, (value) => (into.year = value));
    case 'y':
      return number(2, (value) => (into.year = value < 70 ? 2000 + value : 1900 + value));
    case 'm':
    case 'c':
      return number(2, (value) => (into.month = value));
    case 'd':
    case 'e':
      return number(2, (value) => (into.day = value));
    case 'D': {
      const end = number(2, (value) => (into.day = value));
      return end < 0 ? end : end + 2;
    }
    case 'M':
      return word(monthNames, null, (index) => (into.month = index + 1));
    case 'b':
      return word(monthNames, 3, (index) => (into.month = index + 1));
    case 'W':
      return word(dayNames, null, (index) => (into.weekday = index));
    case 'a':
      return word(dayNames, 3, (index) => (into.weekday = index));
    case 'w':
      return number(1, (value) => (into.weekday = (value + 6) % 7));
    case 'j':
      return number(3, (value) => (into.dayOfYear = value));
    case 'U':
    case 'V':
    case 'u':
    case 'v':
      into.mondayWeeks = name === 'u' || name === 'v';
      return number(2, (value) => (into.week = value));
    case 'H':
    case 'k':
    case 'h':
    case 'I':
    case 'l':
      return number(2, (value) => (into.hour = value));
    case 'i':
      return number(2, (value) => (into.minute = value));
    case 's':
    case 'S':
      return number(2, (value) => (into.second = value));
    case 'f': {
      const digits = /^\d{1,6}/.exec(text.slice(at, at + 6))?.[0] ?? '';
      into.micros = Number(digits.padEnd(6, '0'));
      return digits === '' ? -1 : at + digits.length;
    }
    case 'p':
      return word(['AM', 'PM'], null, (index) => (into.afternoon = index === 1));
    case 'T':
    case 'r': {
      const match = /^(\d{1,2}):(\d{1,2}):(\d{1,2})/.exec(text.slice(at));
      if (match === null) return -1;
      into.hour = Number(match[1]);
      into.minute = Number(match[2]);
      into.second = Number(match[3]);
      const end = at + match[0].length;
      if (name === 'T') return end;
      const half = /^ ?([AP])M/i.exec(text.slice(end));
      if (half !== null) into.afternoon = half[1]!.toUpperCase() === 'P';
      return end + (half?.[0].length ?? 0);
    }
    default:
      return text[at] === name ? at + 1 : -1;
  }
}

function momentOf(reading: Reading, wantsDate: boolean): ReadMoment | null {
  let { hour } = reading;
  if (reading.afternoon !== null) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (reading.afternoon ? 12 : 0);
  }
  if (hour > 23 || reading.minute > 59 || reading.second > 59) return null;
  const clock = hour * 3600 + reading.minute * 60 + reading.second;
  if (!wantsDate) return { seconds: clock, micros: reading.micros };
  const days = daysOf(reading);
  return days === null ? null : { seconds: days * SECONDS_PER_DAY + clock, micros: reading.micros };
}

function daysOf(reading: Reading): number | null {
  const { year, month, day } = reading;
  if (year === null) return null;
  if (reading.dayOfYear !== null) return daysFromCivil(year, 1, 1) + reading.dayOfYear - 1;
  if (reading.week !== null && reading.weekday !== null) {
    const first = daysFromCivil(year, 1, 1);
    if (reading.mondayWeeks) {
      const weekday = weekdayOf(first);
      const start = weekday <= 3 ? first - weekday : first - weekday + 7;
      return start + (reading.week - 1) * 7 + reading.weekday;
    }
    const sundayBased = (weekdayOf(first) + 1) % 7;
    const start = sundayBased === 0 ? first : first - sundayBased + 7;
    return start + (reading.week - 1) * 7 + ((reading.weekday + 1) % 7);
  }
  if (month === null || day === null || month < 1 || month > 12) return null;
  return day < 1 || day > daysInMonth(year, month) ? null : daysFromCivil(year, month, day);
}
