/**
 * The options of CREATE TABLE: ours in WITH (...), and MySQL's own behind the closing parenthesis.
 *
 * An unknown option of ours is an error that lists the known ones: an option that was mistyped and quietly ignored
 * would change what is kept. MySQL's options say how MySQL would store the table; they are accepted, and a note says
 * where they have no effect.
 */

import { SqlError } from '../../protocol/index.js';
import { fitsPartition } from '../../storage/index.js';
import type { TableOption } from '../sql/ast.js';
import type { StatementNote } from './statement-note.js';
import { note, warning } from './statement-note.js';
import { readTtl, type Ttl } from './ttl.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Each node chooses the width of a partition from the first rows of the table. */
export const AUTOMATIC_PARTITION = 0;
const PARTITION_MS_MIN = 60_000;
const PARTITION_MS_MAX = 36_500 * DAY_MS;
/** Time within a partition is held as an exact double: it must span fewer units than this. */
const PARTITION_UNITS_MAX = 2 ** 53;

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

const KNOWN_OPTIONS = ['append_mode', 'comment', 'merge_mode', 'partition', 'ttl'] as const;

/** A table of a given ttl has partitions of at most a quarter of it: what has expired goes partition by partition. */
const PARTITIONS_PER_TTL = 4;
const TTL_PARTITIONS_MS: readonly number[] = [30 * DAY_MS, 7 * DAY_MS, DAY_MS, 6 * HOUR_MS];

export interface ChosenOptions {
  /** null = not said. */
  readonly appendMode: boolean | null;
  readonly mergeMode: 'last_row' | 'last_non_null' | null;
  readonly partitionMs: number;
  readonly comment: string | null;
  /** null = that of the database. */
  readonly ttl: Ttl | null;
  /** As SHOW CREATE TABLE prints them; append_mode and ttl are left to the caller. */
  readonly printed: readonly (readonly [name: string, value: string])[];
}

/** What holds for a table whose CREATE does not say it. */
export interface TableDefaults {
  /** 0 = chosen from the data. */
  readonly partitionMs: number;
  /** Of the database or the configuration; null = rows are kept for ever. */
  readonly ttlMs: number | null;
}

/**
 * Reads WITH (...).
 * @param precision fraction digits of the time index, which bound the width of a partition
 */
export function readTableOptions(
  options: readonly TableOption[],
  precision: number,
  defaults: TableDefaults,
): ChosenOptions {
  let appendMode: boolean | null = null;
  let mergeMode: ChosenOptions['mergeMode'] = null;
  let ttl: Ttl | null = null;
  let partitionMs: number | null = null;
  let comment: string | null = null;
  const printed: (readonly [string, string])[] = [];
  const seen = new Set<string>();
  for (const { name, value } of options) {
    const option = name.toLowerCase();
    if (seen.has(option)) {
      throw new SqlError('ER_WRONG_ARGUMENTS', `Table option '${option}' is given twice`);
    }
    seen.add(option);
    switch (option) {
      case 'append_mode':
        appendMode = readBoolean(option, value);
        break;
      case 'partition':
        partitionMs = readPartition(value, precision);
        printed.push(['partition', value.trim().toLowerCase()]);
        break;
      case 'comment':
        comment = value;
        break;
      case 'merge_mode':
        mergeMode = readMergeMode(value);
        if (mergeMode === 'last_non_null') printed.push(['merge_mode', mergeMode]);
        break;
      case 'ttl':
        ttl = readTtl(value);
        break;
      default:
        throw unknownTableOption(name);
    }
  }
  if (partitionMs === null) {
    const ttlMs = ttl === null ? defaults.ttlMs : ttl.ms;
    partitionMs = defaultPartition(defaults.partitionMs, ttlMs, precision);
  }
  return { appendMode, mergeMode, partitionMs, comment, ttl, printed };
}

export function unknownTableOption(name: string): SqlError {
  return new SqlError(
    'ER_WRONG_ARGUMENTS',
    `Unknown table option '${name}'. Known options: ${KNOWN_OPTIONS.join(', ')}`,
  );
}

/** True for an option of CREATE TABLE. */
export function isTableOption(name: string): boolean {
  return KNOWN_OPTIONS.some((known) => known === name);
}

function defaultPartition(partitionMs: number, ttlMs: number | null, precision: number): number {
  if (partitionMs !== AUTOMATIC_PARTITION) {
    checkPartition(partitionMs, `${partitionMs / DAY_MS}d`, precision);
    return partitionMs;
  }
  if (ttlMs === null || ttlMs === 0) return AUTOMATIC_PARTITION;
  const widest = ttlMs / PARTITIONS_PER_TTL;
  return TTL_PARTITIONS_MS.find((width) => width <= widest) ?? HOUR_MS;
}

export interface MysqlOptions {
  readonly comment: string | null;
  readonly notes: readonly StatementNote[];
}

/** Reads ENGINE=, CHARSET=, COMMENT= and the like: all are accepted, notes say what they do not do. */
export function readMysqlOptions(options: readonly TableOption[], table: string): MysqlOptions {
  let comment: string | null = null;
  const notes: StatementNote[] = [];
  for (const { name, value } of options) {
    const option = name
      .toLowerCase()
      .replace(/^default\s+/, '')
      .replaceAll(/[\s_]+/g, '_');
    switch (option) {
      case 'comment':
        comment = value;
        break;
      case 'engine':
        if (value.toLowerCase() !== 'twintide') {
          notes.push(note(1266, `Using storage engine TWINTIDE for table '${table}'`));
        }
        break;
      case 'charset':
      case 'character_set':
        if (!/^utf8(mb[34])?$/i.test(value)) {
          notes.push(warning(`CHARSET=${value} has no effect: text is always utf8mb4`));
        }
        break;
      case 'collate':
        if (!/^(utf8mb[34]|utf8)_bin$/i.test(value)) {
          notes.push(
            warning(
              `COLLATE=${value} has no effect on table '${table}': rows are identified and compared by utf8mb4_bin`,
            ),
          );
        }
        break;
      default:
        notes.push(warning(`Table option ${name.toUpperCase()} has no effect`));
    }
  }
  return { comment, notes };
}

function readBoolean(option: string, value: string): boolean {
  const lower = value.trim().toLowerCase();
  if (lower === 'true' || lower === '1' || lower === 'on') return true;
  if (lower === 'false' || lower === '0' || lower === 'off') return false;
  throw new SqlError(
    'ER_WRONG_ARGUMENTS',
    `Table option '${option}' is 'true' or 'false', not '${value}'`,
  );
}

function readPartition(value: string, precision: number): number {
  if (/^\s*auto\s*$/i.test(value)) return AUTOMATIC_PARTITION;
  const match = /^\s*(\d{1,6})\s*([smhdw])\s*$/i.exec(value);
  const unitMs = UNIT_MS[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unitMs === undefined) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `Table option 'partition' is a whole number and a unit of s, m, h, d or w, such as '1d' or '30d', or 'auto', not '${value}'`,
    );
  }
  const partitionMs = Number(match[1]) * unitMs;
  if (partitionMs < PARTITION_MS_MIN || partitionMs > PARTITION_MS_MAX) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `Table option 'partition' must be between '1m' and '36500d', not '${value}'`,
    );
  }
  checkPartition(partitionMs, value, precision);
  return partitionMs;
}

function checkPartition(partitionMs: number, value: string, precision: number): void {
  if (fitsPartition(partitionMs, precision)) return;
  const unitsPerMs = 10 ** (precision - 3);
  const daysMax = Math.floor(PARTITION_UNITS_MAX / unitsPerMs / DAY_MS);
  throw new SqlError(
    'ER_WRONG_ARGUMENTS',
    `A partition of '${value}' is too wide for a time index of ${precision} digits: choose at most '${daysMax}d'`,
  );
}

function readMergeMode(value: string): 'last_row' | 'last_non_null' {
  const lower = value.trim().toLowerCase();
  if (lower === 'last_row' || lower === 'last_non_null') return lower;
  throw new SqlError(
    'ER_WRONG_ARGUMENTS',
    `Table option 'merge_mode' is 'last_row' or 'last_non_null', not '${value}'`,
  );
}
