/**
 * Time zones: `SYSTEM`, `UTC`, fixed offsets `+hh:mm`, and the names of the IANA data base.
 *
 * Node knows the IANA rules only through Intl, and one question to Intl costs microseconds. So a named zone remembers
 * windows of about 12 days: the offset at each window's start and, where the end differs, the second of the change
 * (found by halving). A window is short enough that no real zone changes twice in it, and a scan's rows nearly
 * always fall into the window of the row before.
 */

import { SqlError } from '../../protocol/index.js';

export interface TimeZone {
  /** As the session would print it. */
  readonly name: string;
  /** Seconds east of UTC when that never changes, else null: the fast path. */
  readonly fixedOffsetSeconds: number | null;
  /** Seconds to add to `epochSeconds` to get the wall clock. */
  offsetSecondsAt(epochSeconds: number): number;
  /**
   * Seconds to subtract from wall-clock seconds to get the instant. A reading that occurs twice means the first;
   * one that the clock skipped is read with the offset before the change, so it lands after the gap.
   */
  offsetSecondsAtLocal(localSeconds: number): number;
}

/** A zone whose offset never changes. */
export function fixedTimeZone(name: string, offsetSeconds: number): TimeZone {
  return {
    name,
    fixedOffsetSeconds: offsetSeconds,
    offsetSecondsAt: () => offsetSeconds,
    offsetSecondsAtLocal: () => offsetSeconds,
  };
}

export const UTC: TimeZone = fixedTimeZone('UTC', 0);

const OFFSET_PATTERN = /^([+-])(\d{1,2}):(\d{2})$/;

/** Zones found so far by lower-case name; a process sees few, and the bound keeps a hostile session from filling it. */
const known = new Map<string, TimeZone>();
const KNOWN_MAX = 1000;

/**
 * The zone of a `SET time_zone` value. `systemZone` is what SYSTEM stands for (an IANA name or an offset).
 * Throws ER_UNKNOWN_TIME_ZONE.
 */
export function resolveTimeZone(name: string, systemZone = 'UTC'): TimeZone {
  const zone = findTimeZone(name, systemZone);
  if (zone === null)
    throw new SqlError('ER_UNKNOWN_TIME_ZONE', `Unknown or incorrect time zone: '${name}'`);
  return zone;
}

/** As resolveTimeZone, but null for an unknown name (CONVERT_TZ answers NULL). */
export function findTimeZone(name: string, systemZone = 'UTC'): TimeZone | null {
  const trimmed = name.trim();
  const lower = trimmed.toLowerCase();
  if (lower === 'system') {
    const zone = lower === systemZone.toLowerCase() ? UTC : findTimeZone(systemZone, 'UTC');
    return zone === null ? null : { ...zone, name: 'SYSTEM' };
  }
  if (lower === 'utc') return UTC;
  const cached = known.get(lower);
  if (cached !== undefined) return cached;
  const made = offsetZone(trimmed) ?? ianaZone(trimmed);
  if (made === null) return null;
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(lower, made);
  return made;
}

/** MySQL's range: -13:59 to +14:00. */
function offsetZone(name: string): TimeZone | null {
  const match = OFFSET_PATTERN.exec(name);
  if (match === null) return null;
  const hours = Number(match[2]);
  const minutes = Number(match[3]);
  const total = hours * 3600 + minutes * 60;
  const isNegative = match[1] === '-';
  if (minutes > 59 || total > (isNegative ? 13 * 3600 + 59 * 60 : 14 * 3600)) return null;
  const shown = `${match[1] ?? '+'}${String(hours).padStart(2, '0')}:${match[3] ?? '00'}`;
  return fixedTimeZone(shown, isNegative ? -total : total);
}

function ianaZone(name: string): TimeZone | null {
  if (!/^[A-Za-z]/.test(name)) return null;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      timeZoneName: 'longOffset',
      year: 'numeric',
    });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  const zone = new NamedZone(name, format);
  return {
    name,
    fixedOffsetSeconds: null,
    offsetSecondsAt: (epochSeconds) => zone.offsetSecondsAt(epochSeconds),
    offsetSecondsAtLocal: (localSeconds) => zone.offsetSecondsAtLocal(localSeconds),
  };
}

/** 2^20 seconds, about 12 days. */
const WINDOW_SECONDS = 1_048_576;
const WINDOWS_MAX = 8192;
/** What Intl can date: +-8.64e15 ms, with room for the window's end. */
const SECONDS_LIMIT = 8.6e12;

interface Window {
  readonly before: number;
  /** First second with the offset `after`; Infinity when the whole window has `before`. */
  readonly changeAt: number;
  readonly after: number;
}

class NamedZone {
  readonly #name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #windows = new Map<number, Window>();
  #lastIndex = NaN;
  #last: Window = { before: 0, changeAt: Infinity, after: 0 };

  constructor(name: string, format: Intl.DateTimeFormat) {
    this.#name = name;
    this.#format = format;
  }

  offsetSecondsAt(epochSeconds: number): number {
    const clamped = Math.min(Math.max(epochSeconds, -SECONDS_LIMIT), SECONDS_LIMIT);
    const index = Math.floor(clamped / WINDOW_SECONDS);
    if (index !== this.#lastIndex) {
      this.#last = this.#window(index);
      this.#lastIndex = index;
    }
    return clamped < this.#last.changeAt ? this.#last.before : this.#last.after;
  }

  offsetSecondsAtLocal(localSeconds: number): number {
    const dayBefore = this.offsetSecondsAt(localSeconds - 86_400);
    const dayAfter = this.offsetSecondsAt(localSeconds + 86_400);
    if (dayBefore === dayAfter) return dayBefore;
    if (this.offsetSecondsAt(localSeconds - dayBefore) === dayBefore) return dayBefore;
    if (this.offsetSecondsAt(localSeconds - dayAfter) === dayAfter) return dayAfter;
    return dayBefore;
  }

  #window(index: number): Window {
    const found = this.#windows.get(index);
    if (found !== undefined) return found;
    const start = index * WINDOW_SECONDS;
    const before = this.#ask(start);
    const after = this.#ask(start + WINDOW_SECONDS);
    let changeAt = Infinity;
    if (before !== after) {
      let low = start;
      let high = start + WINDOW_SECONDS;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (this.#ask(middle) === before) low = middle;
        else high = middle;
      }
      changeAt = high;
    }
    const window: Window = { before, changeAt, after };
    if (this.#windows.size >= WINDOWS_MAX) this.#windows.clear();
    this.#windows.set(index, window);
    return window;
  }

  /** Intl's long offset: `GMT`, `GMT+02:00` or, in the time before standard zones, `GMT-00:01:15`. */
  #ask(epochSeconds: number): number {
    const parts = this.#format.formatToParts(epochSeconds * 1000);
    const text = parts.find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
    const match = /^GMT(?:([+-])(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/.exec(text);
    if (match === null) throw new Error(`offset '${text}' of zone ${this.#name} is not readable`);
    const total = Number(match[2] ?? 0) * 3600 + Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0);
    return match[1] === '-' ? -total : total;
  }
}
