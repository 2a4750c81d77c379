/**
 * The options of CREATE TABLE: ours in WITH (...), and MySQL's own behind the closing parenthesis.
 *
 * An unknown option of ours is an error that lists the known ones: an option that was mistyped and quietly ignored
 * would change what is kept. MySQL's options say how MySQL would store the table; they are accepted, and a note says
 * where they have no effect.
 */

import { SqlError } from '../../protocol/index.js';
import type { TableOption } from '../sql/ast.js';
import type { StatementNote } from './statement-note.js';
import { note, warning } from './statement-note.js';

const DAY_MS = 86_400_000;
/** Width of a time partition where neither the statement nor the configuration says one. */
export const DEFAULT_PARTITION_MS = 30 * DAY_MS;
const PARTITION_MS_MIN = 60_000;
const PARTITION_MS_MAX = 36_500 * DAY_MS;
/** Time within a partition is held as an exact double: it must span fewer units than this. */
const PARTITION_UNITS_MAX = 2 ** 53;

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

const KNOWN_OPTIONS = ['append_mode', 'comment', 'merge_mode', 'partition', 'ttl'] as const;

export interface ChosenOptions {
  /** null = not said. */
  readonly appendMode: boolean | null;
  readonly partitionMs: number;
  readonly comment: string | null;
  /** As SHOW CREATE TABLE prints them, in a fixed order; append_mode is left to the caller. */
  readonly printed: readonly (readonly [name: string, value: string])[];
}

/**
 * Reads WITH (...).
 * @param precision fraction digits of the time index, which bound the width of a partition
 * @param defaultPartitionMs where the statement says none
 */
export function readTableOptions(
  options: readonly TableOption[],
  precision: number,
  defaultPartitionMs: number,
): ChosenOptions {
  let appendMode: boolean | null = null;
  let partitionMs = defaultPartitionMs;
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
        readMergeMode(value);
        break;
      case 'ttl':
        readTtl(value);
        break;
      default:
        throw new SqlError(
          'ER_WRONG_ARGUMENTS',
          `Unknown table option '${name}'. Known options: ${KNOWN_OPTIONS.join(', ')}`,
        );
    }
  }
  if (!seen.has('partition')) {
    checkPartition(defaultPartitionMs, `${defaultPartitionMs / DAY_MS}d`, precision);
  }
  return { appendMode, partitionMs, comment, printed };
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
  const match = /^\s*(\d{1,6})\s*([smhdw])\s*$/i.exec(value);
  const unitMs = UNIT_MS[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unitMs === undefined) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `Table option 'partition' is a whole number and a unit of s, m, h, d or w, such as '1d' or '30d', not '${value}'`,
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
  const unitsPerMs = 10 ** (precision - 3);
  if (partitionMs * unitsPerMs < PARTITION_UNITS_MAX) return;
  const daysMax = Math.floor(PARTITION_UNITS_MAX / unitsPerMs / DAY_MS);
  throw new SqlError(
    'ER_WRONG_ARGUMENTS',
    `A partition of '${value}' is too wide for a time index of ${precision} digits: choose at most '${daysMax}d'`,
  );
}

function readMergeMode(value: string): void {
  const lower = value.trim().toLowerCase();
  if (lower === 'last_row') return;
  if (lower === 'last_non_null') {
    throw new SqlError(
      'ER_NOT_SUPPORTED_YET',
      "merge_mode='last_non_null' comes later; the default, 'last_row', replaces whole rows",
    );
  }
  throw new SqlError(
    'ER_WRONG_ARGUMENTS',
    `Table option 'merge_mode' is 'last_row' or 'last_non_null', not '${value}'`,
  );
}

/** The spellings of "keep for ever" are what every table does. */
function readTtl(value: string): void {
  if (/^\s*(|forever|null|0s?)\s*$/i.test(value)) return;
  throw new SqlError(
    'ER_NOT_SUPPORTED_YET',
    'The table option ttl comes later; until then use DELETE FROM ... WHERE on the time index',
  );
}
