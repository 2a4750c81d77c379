/** Names of tables: t, db.t, and GreptimeDB's catalog.db.t, whose catalog can only be ours. */

import { SqlError } from '../../protocol/index.js';
import type { TableName } from './ast.js';
import type { TokenCursor } from './token-cursor.js';

const CATALOGS = new Set(['twintide', 'def']);

export function parseTableName(cursor: TokenCursor): TableName {
  return tableNameOf(parseDottedName(cursor));
}

/** name { . name } */
export function parseDottedName(cursor: TokenCursor): readonly string[] {
  const parts = [cursor.name()];
  while (cursor.accept('.')) {
    parts.push(cursor.nameBehindDot());
  }
  return parts;
}

/** Throws 1049 for another catalog than ours and 1102 for more than three parts. */
export function tableNameOf(parts: readonly string[]): TableName {
  const table = parts.at(-1);
  if (table === undefined) {
    throw new Error('a name has at least one part');
  }
  return { database: databaseOf(parts.slice(0, -1)), table };
}

/** The database named by what stands before the last dot: db, catalog.db or nothing. */
export function databaseOf(parts: readonly string[]): string | null {
  if (parts.length > 2) {
    throw new SqlError('ER_WRONG_DB_NAME', { database: parts.join('.') });
  }
  const catalog = parts.length === 2 ? parts[0] : undefined;
  if (catalog !== undefined && !CATALOGS.has(catalog.toLowerCase())) {
    throw new SqlError(
      'ER_BAD_DB_ERROR',
      `Unknown database '${parts.join('.')}'; the only catalog is 'twintide'`,
    );
  }
  return parts.at(-1) ?? null;
}
