/** Options of tables and databases: GreptimeDB's WITH (k = v, ..), and MySQL's ENGINE = x CHARSET = y .. tail. */

import { SqlError } from '../../protocol/index.js';
import type { TableOption } from './ast.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

/** MySQL's table options of one word; those of two are read by hand. */
const MYSQL_OPTIONS = [
  'ENGINE',
  'CHARSET',
  'COLLATE',
  'COMMENT',
  'AUTO_INCREMENT',
  'AUTOEXTEND_SIZE',
  'AVG_ROW_LENGTH',
  'CHECKSUM',
  'COMPRESSION',
  'CONNECTION',
  'DELAY_KEY_WRITE',
  'ENCRYPTION',
  'ENGINE_ATTRIBUTE',
  'INSERT_METHOD',
  'KEY_BLOCK_SIZE',
  'MAX_ROWS',
  'MIN_ROWS',
  'PACK_KEYS',
  'PASSWORD',
  'ROW_FORMAT',
  'SECONDARY_ENGINE_ATTRIBUTE',
  'STATS_AUTO_RECALC',
  'STATS_PERSISTENT',
  'STATS_SAMPLE_PAGES',
  'TABLESPACE',
];

/** Character sets whose text utf8mb4 can hold; the name is accepted, the storage is utf8mb4. */
const CHARSETS = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'binary', 'ascii', 'latin1']);

/** WITH ( key = value , .. ); names in lower case, `a.b.c` joined by dots. */
export function parseWithOptions(cursor: TokenCursor): readonly TableOption[] {
  cursor.expect('WITH', '(');
  const options: TableOption[] = [];
  while (!cursor.accept(')')) {
    options.push(parseOption(cursor));
    if (!cursor.at(')')) {
      cursor.expect(',');
    }
  }
  return options;
}

/** key = value */
export function parseOption(cursor: TokenCursor): TableOption {
  let name = cursor.nameOrString();
  while (cursor.accept('.')) {
    name += `.${cursor.nameBehindDot()}`;
  }
  cursor.expect('=');
  return { name: name.toLowerCase(), value: parseOptionValue(cursor) };
}

/** MySQL's options, as many as follow; names in lower case, `charset` for all its spellings. */
export function parseTableOptions(cursor: TokenCursor): readonly TableOption[] {
  const options: TableOption[] = [];
  for (;;) {
    const comma = options.length > 0 && cursor.accept(',');
    const option = acceptTableOption(cursor);
    if (option !== null) {
      options.push(option);
    } else if (comma) {
      throw cursor.fault();
    } else {
      return options;
    }
  }
}

function acceptTableOption(cursor: TokenCursor): TableOption | null {
  const isDefault = cursor.accept('DEFAULT');
  let name: string | null;
  if (cursor.accept('CHARACTER', 'SET') || cursor.accept('CHAR', 'SET')) {
    name = 'charset';
  } else if (!isDefault && (cursor.at('DATA', 'DIRECTORY') || cursor.at('INDEX', 'DIRECTORY'))) {
    throw notSupported(`${cursor.peek().keyword} DIRECTORY`);
  } else if (!isDefault && cursor.at('UNION')) {
    throw notSupported('UNION of tables');
  } else {
    name = cursor.acceptAny(isDefault ? ['CHARSET', 'COLLATE'] : MYSQL_OPTIONS);
  }
  if (name === null) {
    if (isDefault) {
      throw cursor.fault();
    }
    return null;
  }
  cursor.accept('=');
  const value = parseOptionValue(cursor);
  if (name === 'charset' || name === 'CHARSET') {
    requireCharset(value);
  }
  return { name: name.toLowerCase(), value };
}

/** Throws 1115 for a character set that we have never heard of. */
export function requireCharset(name: string): void {
  if (!CHARSETS.has(name.toLowerCase())) {
    throw new SqlError('ER_UNKNOWN_CHARACTER_SET', { name });
  }
}

function parseOptionValue(cursor: TokenCursor): string {
  const { kind } = cursor.peek();
  if (kind === 'integer' || kind === 'decimal' || kind === 'double') {
    return cursor.next().value;
  }
  if (cursor.accept('-')) {
    return `-${parseOptionValue(cursor)}`;
  }
  return cursor.nameOrString();
}
