/** Times and dates into TIMESTAMP, DATETIME and DATE columns: zones, rounding, range. */

import { DateTimeParse } from '../exec/calendar.js';
import type { TimeZone } from '../exec/time-zone.js';
import { incorrectTime, quotedValue } from './cell-error.js';
import type { CellPlace } from './cell-error.js';
import { DateTimeScan } from './date-time-scan.js';
import type { RowSink } from './row-sink.js';

const SECONDS_PER_DAY = 86_400;
const SECONDS_PER_HOUR = 3600;
/** 0000-01-01 00:00:00 and 9999-12-31 23:59:59, the ends of DATETIME. */
const SECONDS_MIN = -62_167_219_200;
const SECONDS_MAX = 253_402_300_799;
/** Times are kept as 64-bit counts of their unit: at 9 digits from 1677-09-21 to 2262-04-11, at 8 digits to the year 4892. */
const COUNT_MAX = 2n ** 63n;

/** Writes the cells of one column. */
export class TimeCell {
  /** The time written last. */
  seconds = 0;
  fraction = 0;
  readonly #place: CellPlace & { readonly column: number };
  readonly #zone: TimeZone;
  readonly #isInstant: boolean;
  readonly #isDate: boolean;
  readonly #precision: number;
  readonly #unitsPerSecond: number;
  /** Up to here, either way, any fraction fits the column. */
  readonly #safeSeconds: number;
  readonly #scan = new DateTimeScan();

  /** `place.type` is a timestamp, a datetime or a date; for other types the methods must not be called. */
  constructor(place: CellPlace & { readonly column: number }, zone: TimeZone) {
    const { type } = place;
    this.#place = place;
    this.#zone = zone;
    this.#isInstant = type.kind === 'timestamp';
    this.#isDate = type.kind === 'date';
    this.#precision = type.kind === 'datetime' || type.kind === 'timestamp' ? type.precision : 0;
    this.#unitsPerSecond = 10 ** this.#precision;
    const wholeSeconds = Number(COUNT_MAX / BigInt(this.#unitsPerSecond));
    this.#safeSeconds = Math.min(-SECONDS_MIN, wholeSeconds - 1);
  }

  /**
   * Texts that differ from that of the time written last in minutes and seconds have values that differ by as much: the zone puts no clock forward
   * or back, and all values fit.
   */
  get countsEvenly(): boolean {
    const fits = Math.abs(this.seconds) + SECONDS_PER_HOUR <= this.#safeSeconds;
    return fits && !this.#isDate && this.#zone.fixedOffsetSeconds !== null;
  }

  /** A count since the epoch in the column's own unit. */
  count(sink: RowSink, count: number): void {
    const seconds = Math.floor(count / this.#unitsPerSecond);
    this.#write(sink, seconds, count - seconds * this.#unitsPerSecond);
  }

  /** As `count`, beyond 2^53. */
  wideCount(sink: RowSink, count: bigint): void {
    const units = BigInt(this.#unitsPerSecond);
    const rest = ((count % units) + units) % units;
    this.#write(sink, Number((count - rest) / units), Number(rest));
  }

  /** A wall-clock reading without zone; `fraction` in units of 10^-precision seconds. */
  localTime(sink: RowSink, seconds: number, fraction: number, precision: number): void {
    const offset = this.#isInstant ? this.#zone.offsetSecondsAtLocal(seconds) : 0;
    this.#rounded(sink, seconds - offset, fraction, precision);
  }

  /** An instant; `fraction` in units of 10^-precision seconds. */
  instant(sink: RowSink, seconds: number, fraction: number, precision: number): void {
    const offset = this.#isInstant ? 0 : this.#zone.offsetSecondsAt(seconds);
    this.#rounded(sink, seconds + offset, fraction, precision);
  }

  /** Text is a date as MySQL writes it, perhaps with `Z` or an offset; without, it is in the session's zone. Throws 1292. */
  text(sink: RowSink, buf: Uint8Array, start: number, end: number): void {
    const scan = this.#scan;
    if (scan.read(buf, start, end, this.#precision) !== DateTimeParse.whole) {
      throw incorrectTime(this.#place, quotedValue(buf, start, end));
    }
    if (this.#isDate) {
      sink.setNumber(this.#place.column, scan.days);
      return;
    }
    const seconds = this.#ownSeconds(scan.localSeconds, scan.offsetSeconds);
    if (!this.#holds(seconds, scan.fraction)) {
      throw incorrectTime(this.#place, quotedValue(buf, start, end));
    }
    this.#set(sink, seconds, scan.fraction);
  }

  /** From the wall clock of a text to the seconds that the column keeps. `offset` is NaN when the text names no zone. */
  #ownSeconds(localSeconds: number, offset: number): number {
    const hasZone = !Number.isNaN(offset);
    if (!this.#isInstant) {
      if (!hasZone) return localSeconds;
      const instant = localSeconds - offset;
      return instant + this.#zone.offsetSecondsAt(instant);
    }
    if (hasZone) return localSeconds - offset;
    return (
      localSeconds -
      (this.#zone.fixedOffsetSeconds ?? this.#zone.offsetSecondsAtLocal(localSeconds))
    );
  }

  /** Half up, to the column's precision; a DATE takes the day. */
  #rounded(sink: RowSink, seconds: number, fraction: number, precision: number): void {
    if (this.#isDate) {
      sink.setNumber(this.#place.column, Math.floor(seconds / SECONDS_PER_DAY));
      return;
    }
    if (fraction === 0) {
      this.#write(sink, seconds, 0);
      return;
    }
    const digits = precision - this.#precision;
    if (digits <= 0) {
      this.#write(sink, seconds, fraction * 10 ** -digits);
      return;
    }
    const rounded = Math.floor(fraction / 10 ** digits + 0.5);
    const carries = rounded === this.#unitsPerSecond;
    this.#write(sink, carries ? seconds + 1 : seconds, carries ? 0 : rounded);
  }

  #write(sink: RowSink, seconds: number, fraction: number): void {
    if (!this.#holds(seconds, fraction)) {
      const count = BigInt(seconds) * BigInt(this.#unitsPerSecond) + BigInt(fraction);
      throw incorrectTime(this.#place, String(count));
    }
    this.#set(sink, seconds, fraction);
  }

  #holds(seconds: number, fraction: number): boolean {
    if (Math.abs(seconds) <= this.#safeSeconds) return true;
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) return false;
    const count = BigInt(seconds) * BigInt(this.#unitsPerSecond) + BigInt(fraction);
    return count >= -COUNT_MAX && count < COUNT_MAX;
  }

  #set(sink: RowSink, seconds: number, fraction: number): void {
    this.seconds = seconds;
    this.fraction = fraction;
    sink.setTime(this.#place.column, seconds, fraction);
  }
}
