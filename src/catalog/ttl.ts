/**
 * `ttl`: how long the rows of a table, or of all tables of a database, are kept.
 *
 *   ttl      := 'forever' | 'null' | '' | duration           the first three and a duration of 0 mean the same
 *   duration := (digits unit)+                               1h 30m, 7d, 1month; as GreptimeDB writes it
 *
 * What a statement did not say is inherited: the table's own ttl, else its database's, else `[storage] ttl` of the configuration.
 */

import { SqlError } from '../../protocol/index.js';

/** In a ddl record, too: fields may be added, never renamed or given another meaning. */
export interface Ttl {
  /** Milliseconds; 0 = rows are kept for ever. */
  readonly ms: number;
  /** As the statement wrote it. */
  readonly text: string;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** A mean month is a twelfth of a mean Gregorian year of 365.25 days. */
const YEAR_MS = 365.25 * DAY_MS;

/** `M` is a month and `m` a minute; all other units in any case. */
const UNITS_MS: readonly (readonly [spellings: RegExp, ms: number])[] = [
  [/^(ms|msec|millis)$/i, 1],
  [/^(s|sec|secs|seconds?)$/i, SECOND_MS],
  [/^(m|min|mins|minutes?|MIN|MINS|MINUTES?)$/, MINUTE_MS],
  [/^(h|hr|hrs|hours?)$/i, HOUR_MS],
  [/^(d|days?)$/i, DAY_MS],
  [/^(w|weeks?)$/i, 7 * DAY_MS],
  [/^(M|months?|MONTHS?)$/, YEAR_MS / 12],
  [/^(y|years?)$/i, YEAR_MS],
];
/** The clock behind it is looked at every few seconds. */
const TTL_MS_MIN = SECOND_MS;
const TTL_MS_MAX = 1000 * YEAR_MS;

/** Throws SqlError for what is no ttl. */
export function readTtl(value: string): Ttl {
  const text = value.trim().replaceAll(/\s+/g, ' ');
  if (/^(|forever|null)$/i.test(text)) return { ms: 0, text: 'forever' };
  if (/^instant$/i.test(text)) {
    throw new SqlError(
      'ER_NOT_SUPPORTED_YET',
      "ttl='instant' is not supported: rows are kept for at least a second; choose a short ttl such as '1m'",
    );
  }
  const ms = durationMs(text);
  if (ms === null) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `The option ttl is a duration such as '12h', '7d' or '1y', or 'forever', not '${value}'`,
    );
  }
  if (ms === 0) return { ms: 0, text: 'forever' };
  if (ms < TTL_MS_MIN || ms > TTL_MS_MAX) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `The option ttl must be between '1s' and '1000y', or 'forever', not '${value}'`,
    );
  }
  return { ms: Math.round(ms), text };
}

/** What holds for a table in the end: milliseconds, or null = its rows are kept for ever. */
export function effectiveTtlMs(
  table: Ttl | null,
  database: Ttl | null,
  defaultMs: number | null,
): number | null {
  const ms = table?.ms ?? database?.ms ?? defaultMs ?? 0;
  return ms === 0 ? null : ms;
}

function durationMs(text: string): number | null {
  if (text === '0') return 0;
  let ms = 0;
  let rest = text;
  while (rest !== '') {
    const found = /^(\d{1,15}) ?([a-z]+) ?/i.exec(rest);
    const unit = UNITS_MS.find(([spellings]) => spellings.test(found?.[2] ?? ''));
    if (found === null || unit === undefined) return null;
    ms += Number(found[1]) * unit[1];
    rest = rest.slice(found[0].length);
  }
  return ms;
}
