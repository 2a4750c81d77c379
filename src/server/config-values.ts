/**
 * The spellings of a setting's value: sizes, durations, counts, addresses, choices.
 *
 *   size      = 0 | digits | digits[.digits] unit     unit = B KiB MiB GiB TiB (powers of 1024), KB MB GB TB (of 1000)
 *   duration  = "off" (where allowed) | digits[.digits] unit      unit = ms s m h d, and us for very short ones
 *   address   = host ":" port | "[" IPv6 "]" ":" port
 *
 * A value arrives as TOML gave it (a string, a number...) or as the text of a flag or an environment variable, so a count
 * may be `8` or `"8"`. A bare number is a size in bytes, but never a duration: half of all readers would take it for
 * seconds and the other half for milliseconds.
 *
 * A parser returns the value or throws `ValueError`, whose message completes the sentence "this key ...".
 */

/** The value of a setting cannot be read. The caller adds the key's name and where it stands. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}

/** A raw setting to its value. Throws ValueError. */
export type ValueParser<T> = (raw: unknown) => T;

export interface Address {
  readonly host: string;
  readonly port: number;
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** How a raw value is quoted in a message. */
function show(raw: unknown): string {
  return typeof raw === 'string' ? JSON.stringify(raw) : String(raw);
}

function asText(raw: unknown): string | null {
  if (typeof raw === 'string') return raw.trim();
  if (typeof raw === 'number' || typeof raw === 'bigint') return String(raw);
  return null;
}

/** Bytes, a whole number within `min`..`max`. */
export function size(min: number, max: number): ValueParser<number> {
  return (raw) => {
    const found = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(asText(raw) ?? '');
    const unit = found === null ? undefined : SIZE_UNITS[found[2]!.toLowerCase()];
    if (found === null || unit === undefined) {
      throw new ValueError(
        `needs a size such as "64MiB", "1GiB" or 0 (bytes), and got ${show(raw)}`,
      );
    }
    const bytes = Math.round(Number(found[1]) * unit);
    if (bytes < min || bytes > max) {
      throw new ValueError(
        `must lie between ${formatSize(min)} and ${formatSize(max)}, and got ${show(raw)}`,
      );
    }
    return bytes;
  };
}

/** Milliseconds within `minMs`..`maxMs`. */
export function duration(minMs: number, maxMs: number): ValueParser<number> {
  return (raw) => {
    const found =
      typeof raw === 'string' ? /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(raw.trim()) : null;
    if (found === null) {
      throw new ValueError(
        `needs a duration with its unit, such as "500ms", "5s", "10m" or "7d", and got ${show(raw)}`,
      );
    }
    const ms = Math.round(Number(found[1]) * DURATION_UNITS_MS[found[2]!]!);
    if (ms < minMs || ms > maxMs) {
      throw new ValueError(
        `must lie between ${formatDuration(minMs)} and ${formatDuration(maxMs)}, and got ${show(raw)}`,
      );
    }
    return ms;
  };
}

/** Milliseconds within `minMs`..`maxMs`, to the microsecond. */
export function shortDuration(minMs: number, maxMs: number): ValueParser<number> {
  return (raw) => {
    const found = typeof raw === 'string' ? /^(\d+(?:\.\d+)?)\s*(us|ms)$/.exec(raw.trim()) : null;
    if (found === null) {
      throw new ValueError(
        `needs a duration with its unit, such as "200us" or "1ms", and got ${show(raw)}`,
      );
    }
    const ms = Math.round(Number(found[1]) * (found[2] === 'us' ? 1 : 1_000)) / 1_000;
    if (ms < minMs || ms > maxMs) {
      throw new ValueError(
        `must lie between ${formatDuration(minMs)} and ${formatDuration(maxMs)}, and got ${show(raw)}`,
      );
    }
    return ms;
  };
}

/** `null` for "off" (or an empty text), else what `parse` reads. */
export function orOff<T>(parse: ValueParser<T>): ValueParser<T | null> {
  return (raw) => {
    if (raw === 'off' || raw === '') return null;
    try {
      return parse(raw);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new ValueError(error.message.replace(/^needs a/, 'needs "off" or a'), { cause: error });
    }
  };
}

/** 0 for "auto", else what `parse` reads. */
export function orAuto(parse: ValueParser<number>): ValueParser<number> {
  return (raw) => {
    if (raw === 'auto') return 0;
    try {
      return parse(raw);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new ValueError(error.message.replace(/^needs a/, 'needs "auto" or a'), {
        cause: error,
      });
    }
  };
}

export function count(min: number, max: number): ValueParser<number> {
  return (raw) => {
    const text = asText(raw) ?? '';
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new ValueError(`needs a whole number from ${min} to ${max}, and got ${show(raw)}`);
    }
    return value;
  };
}

export function choice<const T extends string>(...choices: readonly T[]): ValueParser<T> {
  return (raw) => {
    const found = choices.find((candidate) => candidate === raw);
    if (found === undefined) {
      const all = choices.map((candidate) => JSON.stringify(candidate)).join(' or ');
      throw new ValueError(`must be ${all}, and is ${show(raw)}`);
    }
    return found;
  };
}

export function text(minLength: number, maxLength: number): ValueParser<string> {
  return (raw) => {
    if (typeof raw !== 'string') throw new ValueError(`needs a text, and got ${show(raw)}`);
    if (raw.length < minLength || raw.length > maxLength) {
      // The value itself is not repeated: it may be a secret.
      throw new ValueError(
        `must be ${minLength} to ${maxLength} characters long, and has ${raw.length}`,
      );
    }
    return raw;
  };
}

/** Port 0 means "any free port"; pass `minPort` 1 where that makes no sense (an address to dial). */
export function address(minPort: 0 | 1): ValueParser<Address> {
  return (raw) => {
    const found =
      typeof raw === 'string'
        ? /^(?:\[([0-9a-f:.%\w]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(raw.trim())
        : null;
    const port = found === null ? -1 : Number(found[3]);
    if (found === null || port < minPort || port > 65_535) {
      throw new ValueError(
        `needs an address with its port, such as "127.0.0.1:4002" or "[::1]:4002", and got ${show(raw)}`,
      );
    }
    return { host: found[1] ?? found[2]!, port };
  };
}

/** Only processes of this machine reach such a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** "host:port", with brackets around an IPv6 host. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Bytes in the largest binary unit that divides them: 67108864 is "64MiB". */
export function formatSize(bytes: number): string {
  for (const [unit, factor] of [
    ['TiB', 2 ** 40],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

/** Milliseconds in the largest unit that divides them: 30000 is "30s", 0.2 is "200us". */
export function formatDuration(ms: number): string {
  if (!Number.isInteger(ms)) return `${Math.round(ms * 1_000)}us`;
  for (const [unit, factor] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return `${ms}ms`;
}
