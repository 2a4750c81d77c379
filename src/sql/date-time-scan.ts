/**
 * Dates and times from bytes, for cells.
 *
 * Nearly every row of a bulk INSERT says `YYYY-MM-DD hh:mm:ss`, perhaps with a fraction and a `Z`, and has the date of
 * the row before. That form is read here, by position, with the day number of the last date kept: no loop, no division. Every other form
 * that MySQL takes goes to the general reader of src/exec/calendar.ts, which SELECT uses too: a text means
 * the same in an INSERT and in a comparison.
 */

import {
  DateTimeParse,
  daysFromCivil,
  daysInMonth,
  localSecondsOf,
  newDateTimeFields,
  parseDateTimeBytes,
} from '../exec/calendar.js';

const SECONDS_PER_DAY = 86_400;
/** Length of `YYYY-MM-DD hh:mm:ss`. */
const SECONDS_TEXT_BYTES = 19;
const FRACTION_DIGITS_MAX = 9;
const POWERS_OF_TEN = Float64Array.from({ length: 10 }, (_, exponent) => 10 ** exponent);

const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const SPACE = 0x20;
const POINT = 0x2e;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

/** The date and time read last; one instance is kept and overwritten. */
export class DateTimeScan {
  /** Wall-clock seconds since 1970-01-01 00:00:00 as written, the zone not applied. */
  localSeconds = 0;
  /** In units of 10^-precision seconds, rounded from what was written (half up); 0 <= fraction < 10^precision. */
  fraction = 0;
  /** Seconds east of UTC of the zone in the text, NaN when it names none. */
  offsetSeconds = NaN;
  /** Days since 1970-01-01. */
  days = 0;

  /** yyyymmdd of the date that `#lastDays` belongs to; none at first. */
  #lastDate = -1;
  #lastDays = 0;
  readonly #fields = newDateTimeFields();

  /**
   * Reads buf[start..end). `bad`: no date, or one that does not exist. `truncated`: a date, and then something that belongs to no date.
   */
  read(buf: Uint8Array, start: number, end: number, precision: number): DateTimeParse {
    if (end - start >= SECONDS_TEXT_BYTES && this.#readUsual(buf, start, end, precision)) {
      return DateTimeParse.whole;
    }
    const fields = this.#fields;
    const outcome = parseDateTimeBytes(buf, start, end, fields);
    if (outcome !== DateTimeParse.bad) {
      this.days = daysFromCivil(fields.year, fields.month, fields.day);
      this.localSeconds = localSecondsOf(fields);
      this.offsetSeconds = fields.offsetSeconds;
      this.#setFraction(fields.nanosecond, FRACTION_DIGITS_MAX, precision);
    }
    return outcome;
  }

  /** False, and nothing is known, when the text has another form. */
  #readUsual(buf: Uint8Array, start: number, end: number, precision: number): boolean {
    const separator = buf[start + 10]!;
    if (
      buf[start + 4] !== DASH ||
      buf[start + 7] !== DASH ||
      (separator !== SPACE && separator !== LETTER_T) ||
      buf[start + 13] !== COLON ||
      buf[start + 16] !== COLON
    ) {
      return false;
    }
    const century = twoDigits(buf, start);
    const yearOfCentury = twoDigits(buf, start + 2);
    const month = twoDigits(buf, start + 5);
    const day = twoDigits(buf, start + 8);
    const hour = twoDigits(buf, start + 11);
    const minute = twoDigits(buf, start + 14);
    const second = twoDigits(buf, start + 17);
    const noDigit = century | yearOfCentury | month | day | hour | minute | second;
    if (noDigit < 0 || hour > 23 || minute > 59 || second > 59) {
      return false;
    }
    const year = century * 100 + yearOfCentury;
    const date = year * 10_000 + month * 100 + day;
    if (date !== this.#lastDate) {
      if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
        return false;
      }
      this.#lastDate = date;
      this.#lastDays = daysFromCivil(year, month, day);
    }
    this.days = this.#lastDays;
    this.localSeconds = this.#lastDays * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    return this.#readTail(buf, start + SECONDS_TEXT_BYTES, end, precision);
  }

  /** [ . digits ] [ Z ] and nothing else. */
  #readTail(buf: Uint8Array, start: number, end: number, precision: number): boolean {
    this.fraction = 0;
    this.offsetSeconds = NaN;
    let last = end;
    if (last > start && buf[last - 1] === LETTER_Z) {
      last -= 1;
      this.offsetSeconds = 0;
    }
    if (last === start) {
      return true;
    }
    const digits = last - start - 1;
    if (buf[start] !== POINT || digits < 1 || digits > FRACTION_DIGITS_MAX) {
      return false;
    }
    let value = 0;
    for (let at = start + 1; at < last; at += 1) {
      const digit = buf[at]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) {
        return false;
      }
      value = value * 10 + digit;
    }
    this.#setFraction(value, digits, precision);
    return true;
  }

  /** `value` in units of 10^-digits seconds; rounding may carry into the seconds. */
  #setFraction(value: number, digits: number, precision: number): void {
    if (digits <= precision) {
      this.fraction = value * POWERS_OF_TEN[precision - digits]!;
      return;
    }
    const divisor = POWERS_OF_TEN[digits - precision]!;
    const rounded = Math.floor(value / divisor + 0.5);
    if (rounded === POWERS_OF_TEN[precision]!) {
      this.fraction = 0;
      this.localSeconds += 1;
    } else {
      this.fraction = rounded;
    }
  }
}

/** Negative when one of the two bytes is no digit. */
function twoDigits(buf: Uint8Array, at: number): number {
  const tens = buf[at]! - ZERO;
  const ones = buf[at + 1]! - ZERO;
  return tens >>> 0 <= 9 && ones >>> 0 <= 9 ? tens * 10 + ones : -1;
}
