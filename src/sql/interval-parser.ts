/**
 * INTERVAL expressions: MySQL's `INTERVAL n unit`, and GreptimeDB's `INTERVAL '1 hour 30 minutes'` and '1h30m'::INTERVAL.
 *
 * The tree knows one amount and one unit. A text of several units is folded into its smallest common one (months, or
 * microseconds); months and days together have no common unit and are refused.
 */

import { SqlError } from '../../protocol/index.js';
import type { Expression, IntervalUnit } from './ast.js';
import { parseExpressionAt } from './expression-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

const UNITS = new Set(
  `MICROSECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR SECOND_MICROSECOND MINUTE_MICROSECOND MINUTE_SECOND
   HOUR_MICROSECOND HOUR_SECOND HOUR_MINUTE DAY_MICROSECOND DAY_SECOND DAY_MINUTE DAY_HOUR YEAR_MONTH`.split(
    /\s+/,
  ),
);

const TEXT_PART = /\s*([+-]?\d+(?:\.\d+)?)\s*([a-z]+)/iy;

type TextUnit = { readonly unit: IntervalUnit; readonly each: number };

/** Units in interval texts, as so many of the unit that they are folded into. */
const TEXT_UNITS: ReadonlyMap<string, TextUnit> = new Map(
  (
    [
      ['month', 1200, 'century centuries'],
      ['month', 120, 'decade decades'],
      ['month', 12, 'y year years yr yrs'],
      ['month', 1, 'mon mons month months'],
      ['microsecond', 604_800_000_000, 'w week weeks'],
      ['microsecond', 86_400_000_000, 'd day days'],
      ['microsecond', 3_600_000_000, 'h hour hours hr hrs'],
      ['microsecond', 60_000_000, 'm min mins minute minutes'],
      ['microsecond', 1_000_000, 's sec secs second seconds'],
      ['microsecond', 1000, 'ms milli millis millisecond milliseconds'],
      ['microsecond', 1, 'us micro micros microsecond microseconds'],
    ] as const
  ).flatMap(([unit, each, names]) =>
    names.split(' ').map((name): [string, TextUnit] => [name, { unit, each }]),
  ),
);

/** From INTERVAL on; the interval function INTERVAL(a, b, ..) is told apart by its comma. */
export function parseInterval(cursor: TokenCursor): Expression {
  cursor.expect('INTERVAL');
  const amount = parseExpressionAt(cursor);
  if (UNITS.has(cursor.peek().keyword) || isOldUnit(cursor.peek().keyword)) {
    return { kind: 'interval', amount, unit: parseIntervalUnit(cursor) };
  }
  if (amount.kind === 'literal' && amount.value.type === 'string') {
    return intervalOfText(amount.value.value);
  }
  throw cursor.fault();
}

/** day, hour_minute, SQL_TSI_DAY, ...; in lower case. Throws 1064 at anything else. */
export function parseIntervalUnit(cursor: TokenCursor): IntervalUnit {
  const word = cursor.peek().keyword;
  const unit = isOldUnit(word) ? word.slice('SQL_TSI_'.length) : word;
  if (!UNITS.has(unit)) {
    throw cursor.fault();
  }
  cursor.next();
  return unit.toLowerCase();
}

function isOldUnit(word: string): boolean {
  return word.startsWith('SQL_TSI_');
}

/** '1 hour 30 minutes', '1h30m', '-2 mon'. Throws 1525 for text that is no interval. */
export function intervalOfText(text: string): Expression {
  const totals = new Map<IntervalUnit, number>();
  TEXT_PART.lastIndex = 0;
  let end = 0;
  let single: { amount: string; name: string } | null = null;
  for (let part = TEXT_PART.exec(text); part !== null; part = TEXT_PART.exec(text)) {
    const [, amount = '', name = ''] = part;
    const unit = TEXT_UNITS.get(name.toLowerCase());
    if (unit === undefined) {
      break;
    }
    totals.set(unit.unit, (totals.get(unit.unit) ?? 0) + Number(amount) * unit.each);
    single = end === 0 ? { amount, name } : null;
    end = TEXT_PART.lastIndex;
  }
  const [first, ...others] = [...totals];
  if (first === undefined || text.slice(end).trim() !== '' || !Number.isSafeInteger(first[1])) {
    throw new SqlError('ER_WRONG_VALUE', { type: 'INTERVAL', value: text });
  }
  if (others.length > 0) {
    throw notSupported(`intervals that mix months with days or time: '${text}'`);
  }
  return single !== null && /^[+-]?\d+$/.test(single.amount)
    ? singleUnit(single.amount, single.name, first)
    : interval(BigInt(first[1]), first[0]);
}

/** An interval of one part keeps its unit where MySQL has it, which reads better in EXPLAIN. */
function singleUnit(amount: string, name: string, folded: [IntervalUnit, number]): Expression {
  const stem = name.toUpperCase().replace(/S$/, '');
  return UNITS.has(stem)
    ? interval(BigInt(amount), stem.toLowerCase())
    : interval(BigInt(folded[1]), folded[0]);
}

function interval(amount: bigint, unit: IntervalUnit): Expression {
  return {
    kind: 'interval',
    amount: { kind: 'literal', value: { type: 'integer', value: amount } },
    unit,
  };
}
