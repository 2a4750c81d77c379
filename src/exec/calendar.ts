/**
 * The proleptic Gregorian calendar: days since 1970-01-01 <-> year, month, day, and MySQL's date texts.
 *
 * Everything here works on plain numbers and on caller-owned buffers and records, because the INSERT scanner and the
 * result encoder run it once per cell. The algorithm for both directions is the usual one of 400-year eras that
 * begin on 1 March, so that the leap day is the last day of the computed year.
 *
 * Accepted text (as MySQL 8, plus `Z`): leading spaces; `YYYY-MM-DD[( |T)hh[:mm[:ss[.fraction]]]][zone]` where any
 * punctuation may separate the parts and months, days, hours... may have one digit; `YY-MM-DD` (70..99 is 19xx);
 * without separators 6, 8, 12 or 14 digits; zone = `Z` or `+hh:mm` / `-hh:mm`.
 */

export const SECONDS_PER_DAY = 86_400;

/** First and last day that MySQL's DATE can hold: 0001-01-01 and 9999-12-31. */
export const DAYS_MIN = -719_162;
export const DAYS_MAX = 2_932_896;

/** Days since 1970-01-01. `month` 1..12; `day` may be any integer, it is just added. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** A date as numbers; a record that callers keep and overwrite. */
export interface CivilDate {
  year: number;
  month: number;
  day: number;
}

/** Writes year, month and day of `days` into `out`. */
export function civilFromDays(days: number, out: CivilDate): void {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  out.day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  out.month = shifted < 10 ? shifted + 3 : shifted - 9;
  out.year = yearOfEra + era * 400 + (out.month <= 2 ? 1 : 0);
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `month` 1..12. */
export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : (MONTH_DAYS[month - 1] ?? 0);
}

/** 0 = Monday .. 6 = Sunday, as MySQL's WEEKDAY(). */
export function weekdayOf(days: number): number {
  return (((days + 3) % 7) + 7) % 7;
}

/**
 * What a date text says; a record that callers keep and overwrite.
 * `offsetSeconds` is NaN when the text names no zone.
 */
export interface DateTimeFields extends CivilDate {
  hour: number;
  minute: number;
  second: number;
  /** 0..999,999,999. */
  nanosecond: number;
  /** Digits of the fraction as written, at most 9. */
  fractionDigits: number;
  hasTime: boolean;
  offsetSeconds: number;
}

export function newDateTimeFields(): DateTimeFields {
  return {
    year: 0,
    month: 0,
    day: 0,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    fractionDigits: 0,
    hasTime: false,
    offsetSeconds: NaN,
  };
}

/** How a text was read: not a date at all, a whole date, or a date followed by something else. */
export const DateTimeParse = { bad: 0, whole: 1, truncated: 2 } as const;
export type DateTimeParse = (typeof DateTimeParse)[keyof typeof DateTimeParse];

/** Wall-clock seconds since 1970-01-01 00:00:00 of what was parsed; the zone is not applied. */
export function localSecondsOf(fields: DateTimeFields): number {
  return (
    daysFromCivil(fields.year, fields.month, fields.day) * SECONDS_PER_DAY +
    fields.hour * 3600 +
    fields.minute * 60 +
    fields.second
  );
}

const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= 48 && byte <= 57;

const isSpace = (byte: number | undefined): boolean =>
  byte !== undefined && (byte === 32 || (byte >= 9 && byte <= 13));

function isSeparator(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= 33 && byte <= 47) ||
    (byte >= 58 && byte <= 64) ||
    (byte >= 91 && byte <= 96) ||
    (byte >= 123 && byte <= 126)
  );
}

/** Reads `count` digits at `at`; the caller has checked that they are digits. */
function digitsAt(buf: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) value = value * 10 + ((buf[i] ?? 48) - 48);
  return value;
}

function runOfDigits(buf: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && isDigit(buf[i])) i++;
  return i - at;
}

/**
 * Reads a date or datetime from buf[start..end) into `out`. Nothing is allocated.
 * A day that does not exist (2023-02-29, month 0, hour 24) is `bad`.
 */
export function parseDateTimeBytes(
  buf: Uint8Array,
  start: number,
  end: number,
  out: DateTimeFields,
): DateTimeParse {
  out.hour = 0;
  out.minute = 0;
  out.second = 0;
  out.nanosecond = 0;
  out.fractionDigits = 0;
  out.hasTime = false;
  out.offsetSeconds = NaN;
  let at = start;
  while (at < end && isSpace(buf[at])) at++;
  let last = end;
  while (last > at && isSpace(buf[last - 1])) last--;
  const digits = runOfDigits(buf, at, last);
  if (digits >= 5) at = parseCompact(buf, at, last, digits, out);
  else at = parseSeparated(buf, at, last, digits, out);
  if (at < 0 || !isRealDate(out)) return DateTimeParse.bad;
  if (at < last && out.hasTime) at = parseZone(buf, at, last, out);
  if (at < 0) return DateTimeParse.bad;
  return at === last ? DateTimeParse.whole : DateTimeParse.truncated;
}

function isRealDate(out: DateTimeFields): boolean {
  return (
    out.month >= 1 &&
    out.month <= 12 &&
    out.day >= 1 &&
    out.day <= daysInMonth(out.year, out.month) &&
    out.hour <= 23 &&
    out.minute <= 59 &&
    out.second <= 59
  );
}

const fullYear = (year: number): number => (year < 70 ? 2000 + year : 1900 + year);

function parseCompact(
  buf: Uint8Array,
  start: number,
  end: number,
  digits: number,
  out: DateTimeFields,
): number {
  const withTime = digits === 12 || digits === 14;
  if (!withTime && digits !== 6 && digits !== 8) return -1;
  const yearDigits = digits === 8 || digits === 14 ? 4 : 2;
  let at = start;
  const year = digitsAt(buf, at, yearDigits);
  out.year = yearDigits === 2 ? fullYear(year) : year;
  at += yearDigits;
  out.month = digitsAt(buf, at, 2);
  out.day = digitsAt(buf, at + 2, 2);
  at += 4;
  if (withTime) {
    out.hasTime = true;
    out.hour = digitsAt(buf, at, 2);
    out.minute = digitsAt(buf, at + 2, 2);
    out.second = digitsAt(buf, at + 4, 2);
    return parseFraction(buf, at + 6, end, out);
  }
  // 20240131T101500 and '20240131 10:15:00'
  if (at < end && (buf[at] === 84 || isSpace(buf[at]))) {
    const time = parseTimePart(buf, at + 1, end, out);
    return time < 0 ? at : time;
  }
  return at;
}

function parseSeparated(
  buf: Uint8Array,
  start: number,
  end: number,
  yearDigits: number,
  out: DateTimeFields,
): number {
  if (yearDigits === 0) return -1;
  let at = start;
  const year = digitsAt(buf, at, yearDigits);
  out.year = yearDigits <= 2 ? fullYear(year) : year;
  at += yearDigits;
  for (let part = 0; part < 2; part++) {
    if (!isSeparator(buf[at]) || at >= end) return -1;
    at++;
    const count = Math.min(runOfDigits(buf, at, end), 2);
    if (count === 0) return -1;
    const value = digitsAt(buf, at, count);
    if (part === 0) out.month = value;
    else out.day = value;
    at += count;
  }
  if (at >= end) return at;
  if (buf[at] !== 84 && buf[at] !== 116 && !isSpace(buf[at])) return at;
  let timeAt = at + 1;
  while (timeAt < end && isSpace(buf[timeAt])) timeAt++;
  const time = parseTimePart(buf, timeAt, end, out);
  return time < 0 ? at : time;
}

/** hh[:mm[:ss[.fraction]]] or hhmmss. -1 when there is no digit. */
function parseTimePart(buf: Uint8Array, start: number, end: number, out: DateTimeFields): number {
  const run = runOfDigits(buf, start, end);
  if (run === 0) return -1;
  out.hasTime = true;
  if (run === 6 || run === 4) {
    out.hour = digitsAt(buf, start, 2);
    out.minute = digitsAt(buf, start + 2, 2);
    out.second = run === 6 ? digitsAt(buf, start + 4, 2) : 0;
    return run === 6 ? parseFraction(buf, start + 6, end, out) : start + 4;
  }
  const hourDigits = Math.min(run, 2);
  out.hour = digitsAt(buf, start, hourDigits);
  let at = start + hourDigits;
  for (let part = 0; part < 2; part++) {
    const isColon = buf[at] === 58 || (isSeparator(buf[at]) && buf[at] !== 43 && buf[at] !== 45);
    if (at >= end || !isColon || !isDigit(buf[at + 1]) || at + 1 >= end) return at;
    const count = Math.min(runOfDigits(buf, at + 1, end), 2);
    const value = digitsAt(buf, at + 1, count);
    if (part === 0) out.minute = value;
    else out.second = value;
    at += 1 + count;
  }
  return parseFraction(buf, at, end, out);
}

/** Digits after the ninth are dropped: no column keeps them. */
function parseFraction(buf: Uint8Array, start: number, end: number, out: DateTimeFields): number {
  if (start >= end || (buf[start] !== 46 && buf[start] !== 44)) return start;
  const run = runOfDigits(buf, start + 1, end);
  const kept = Math.min(run, 9);
  let value = digitsAt(buf, start + 1, kept);
  for (let i = kept; i < 9; i++) value *= 10;
  out.nanosecond = value;
  out.fractionDigits = kept;
  return start + 1 + run;
}

/** `Z`, `+hh:mm`, `-hh:mm`, spaces allowed before. Returns `start` when there is none, -1 when it is out of range. */
function parseZone(buf: Uint8Array, start: number, end: number, out: DateTimeFields): number {
  let at = start;
  while (at < end && isSpace(buf[at])) at++;
  const sign = buf[at];
  if (sign === 90 || sign === 122) {
    out.offsetSeconds = 0;
    return at + 1;
  }
  if (sign !== 43 && sign !== 45) return start;
  const hourDigits = runOfDigits(buf, at + 1, Math.min(end, at + 3));
  const colon = buf[at + 1 + hourDigits] === 58 ? 1 : 0;
  const minuteAt = at + 1 + hourDigits + colon;
  if (hourDigits !== 2) return start;
  const minuteDigits = runOfDigits(buf, minuteAt, Math.min(end, minuteAt + 2));
  if (minuteDigits !== 2 && !(minuteDigits === 0 && colon === 0)) return start;
  const minutes = digitsAt(buf, minuteAt, minuteDigits);
  const total = digitsAt(buf, at + 1, 2) * 3600 + minutes * 60;
  if (minutes > 59 || total > 14 * 3600) return -1;
  out.offsetSeconds = sign === 45 ? -total : total;
  return minuteAt + minuteDigits;
}

const scratchDate: CivilDate = { year: 0, month: 0, day: 0 };

function writeTwo(target: Uint8Array, at: number, value: number): void {
  target[at] = 48 + Math.floor(value / 10);
  target[at + 1] = 48 + (value % 10);
}

/** Writes `YYYY-MM-DD` (10 bytes) at `at`; returns the end. */
export function writeDate(target: Uint8Array, at: number, days: number): number {
  civilFromDays(days, scratchDate);
  const year = scratchDate.year;
  writeTwo(target, at, Math.floor(year / 100));
  writeTwo(target, at + 2, year % 100);
  target[at + 4] = 45;
  writeTwo(target, at + 5, scratchDate.month);
  target[at + 7] = 45;
  writeTwo(target, at + 8, scratchDate.day);
  return at + 10;
}

/** Writes `hh:mm:ss` and, when `digits` > 0, `.` and the fraction (`digits` wide, so `fraction` < 10^digits). */
export function writeTimeOfDay(
  target: Uint8Array,
  at: number,
  secondOfDay: number,
  fraction: number,
  digits: number,
): number {
  writeTwo(target, at, Math.floor(secondOfDay / 3600));
  target[at + 2] = 58;
  writeTwo(target, at + 3, Math.floor(secondOfDay / 60) % 60);
  target[at + 5] = 58;
  writeTwo(target, at + 6, secondOfDay % 60);
  if (digits === 0) return at + 8;
  target[at + 8] = 46;
  let rest = fraction;
  for (let i = at + 8 + digits; i > at + 8; i--) {
    target[i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + 9 + digits;
}

/** `YYYY-MM-DD hh:mm:ss[.fraction]`, at most 29 bytes, of wall-clock seconds since 1970. Returns the end. */
export function writeDateTime(
  target: Uint8Array,
  at: number,
  seconds: number,
  fraction: number,
  digits: number,
): number {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const end = writeDate(target, at, days);
  target[end] = 32;
  return writeTimeOfDay(target, end + 1, seconds - days * SECONDS_PER_DAY, fraction, digits);
}
