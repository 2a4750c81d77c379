/**
 * sql_mode: a comma-separated list of words, some of which stand for several others.
 *
 * Three of them change what we do: ANSI_QUOTES and NO_BACKSLASH_ESCAPES how text is read, and the strict modes whether
 * a value that does not fit is an error. The others are kept and given back.
 */

import { SqlError } from '../../protocol/index.js';

const SINGLE_MODES = [
  'REAL_AS_FLOAT',
  'PIPES_AS_CONCAT',
  'ANSI_QUOTES',
  'IGNORE_SPACE',
  'ONLY_FULL_GROUP_BY',
  'NO_UNSIGNED_SUBTRACTION',
  'NO_DIR_IN_CREATE',
  'NO_AUTO_VALUE_ON_ZERO',
  'NO_BACKSLASH_ESCAPES',
  'STRICT_TRANS_TABLES',
  'STRICT_ALL_TABLES',
  'NO_ZERO_IN_DATE',
  'NO_ZERO_DATE',
  'ALLOW_INVALID_DATES',
  'ERROR_FOR_DIVISION_BY_ZERO',
  'HIGH_NOT_PRECEDENCE',
  'NO_ENGINE_SUBSTITUTION',
  'PAD_CHAR_TO_FULL_LENGTH',
  'TIME_TRUNCATE_FRACTIONAL',
  'NO_AUTO_CREATE_USER',
] as const;

const COMBINATIONS: Readonly<Record<string, readonly string[]>> = {
  ANSI: [
    'REAL_AS_FLOAT',
    'PIPES_AS_CONCAT',
    'ANSI_QUOTES',
    'IGNORE_SPACE',
    'ONLY_FULL_GROUP_BY',
    'ANSI',
  ],
  TRADITIONAL: [
    'STRICT_TRANS_TABLES',
    'STRICT_ALL_TABLES',
    'NO_ZERO_IN_DATE',
    'NO_ZERO_DATE',
    'ERROR_FOR_DIVISION_BY_ZERO',
    'TRADITIONAL',
    'NO_ENGINE_SUBSTITUTION',
  ],
};

const ORDER: readonly string[] = [...SINGLE_MODES, 'ANSI', 'TRADITIONAL'];

/** Upper case, combinations spelled out, each word once, in MySQL's order. Throws 1231 for an unknown word. */
export function normalizeSqlMode(value: string): string {
  const words = new Set<string>();
  for (const part of value.split(',')) {
    const word = part.trim().toUpperCase();
    if (word === '') continue;
    if (!ORDER.includes(word)) {
      throw new SqlError('ER_WRONG_VALUE_FOR_VAR', { name: 'sql_mode', value: part.trim() });
    }
    for (const each of COMBINATIONS[word] ?? [word]) words.add(each);
  }
  return [...words].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)).join(',');
}

/** What of a mode the server acts on. */
export interface SqlModeFlags {
  readonly ansiQuotes: boolean;
  readonly noBackslashEscapes: boolean;
  readonly pipesAsConcat: boolean;
  /** A value that does not fit its column is an error, not a warning. */
  readonly strict: boolean;
}

/** @param mode normalized */
export function sqlModeFlags(mode: string): SqlModeFlags {
  const words = mode.split(',');
  return {
    ansiQuotes: words.includes('ANSI_QUOTES'),
    noBackslashEscapes: words.includes('NO_BACKSLASH_ESCAPES'),
    pipesAsConcat: words.includes('PIPES_AS_CONCAT'),
    strict: words.includes('STRICT_TRANS_TABLES') || words.includes('STRICT_ALL_TABLES'),
  };
}
