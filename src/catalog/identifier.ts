/** Names of databases, tables and columns: what MySQL allows, and how they are quoted. */

import { SqlError } from '../../protocol/index.js';

export const IDENTIFIER_CHARACTERS_MAX = 64;

/** Throws 1102 or 1059. */
export function checkDatabaseName(name: string): void {
  if (isMalformed(name)) throw new SqlError('ER_WRONG_DB_NAME', { database: name });
  checkLength(name);
}

/** Throws 1103 or 1059. */
export function checkTableName(name: string): void {
  if (isMalformed(name)) throw new SqlError('ER_WRONG_TABLE_NAME', { table: name });
  checkLength(name);
}

/** Throws 1166 or 1059. */
export function checkColumnName(name: string): void {
  if (isMalformed(name)) throw new SqlError('ER_WRONG_COLUMN_NAME', { column: name });
  checkLength(name);
}

/** `name`, as SHOW CREATE TABLE writes it. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** 'text' as a string literal that reads back alike with and without NO_BACKSLASH_ESCAPES, backslashes aside. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`;
}

/** True when two column names are the same to MySQL. */
export function isSameColumnName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Empty, ending in a space, holding NUL, or outside the basic multilingual plane: MySQL refuses all of these. */
function isMalformed(name: string): boolean {
  return (
    name === '' || name.endsWith(' ') || name.includes('\0') || /[\u{10000}-\u{10ffff}]/u.test(name)
  );
}

function checkLength(name: string): void {
  if (name.length > IDENTIFIER_CHARACTERS_MAX) throw new SqlError('ER_TOO_LONG_IDENT', { name });
}
