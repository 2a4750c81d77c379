/**
 * ALTER of tables and databases: their options.
 *
 *   ALTER TABLE t    SET 'ttl' = '7d' [, ..] | UNSET 'ttl' [, ..] | WITH (ttl = '7d' [, ..])
 *   ALTER DATABASE d the same
 *   ALTER TABLE t    DISABLE KEYS | ENABLE KEYS        dumps are full of it; it has no meaning without secondary indexes
 */

import type { Statement, TableOption } from './ast.js';
import { parseTableName } from './name-parser.js';
import { parseOption, parseWithOptions } from './option-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

/** Behind ALTER. */
export function parseAlter(cursor: TokenCursor): Statement {
  if (cursor.acceptAny(['DATABASE', 'SCHEMA']) !== null) {
    const name = cursor.name();
    return { kind: 'alterDatabase', name, ...parseChanges(cursor, 'ALTER DATABASE') };
  }
  if (!cursor.accept('TABLE')) {
    throw notSupported(`ALTER ${cursor.next().keyword}`);
  }
  const name = parseTableName(cursor);
  if (cursor.accept('DISABLE', 'KEYS') || cursor.accept('ENABLE', 'KEYS')) {
    return { kind: 'empty' };
  }
  return { kind: 'alterTable', name, ...parseChanges(cursor, 'ALTER TABLE') };
}

interface OptionChanges {
  readonly set: readonly TableOption[];
  readonly unset: readonly string[];
}

function parseChanges(cursor: TokenCursor, statement: string): OptionChanges {
  if (cursor.at('WITH')) {
    return { set: parseWithOptions(cursor), unset: [] };
  }
  if (cursor.accept('SET')) {
    return { set: cursor.list(() => parseOption(cursor)), unset: [] };
  }
  if (cursor.accept('UNSET')) {
    return { set: [], unset: cursor.list(() => cursor.nameOrString().toLowerCase()) };
  }
  if (cursor.peek().kind === 'end') {
    throw cursor.fault();
  }
  throw notSupported(`${statement} ... ${cursor.next().keyword}`);
}
