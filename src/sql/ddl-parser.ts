/** CREATE, DROP and TRUNCATE of databases and tables. */

import type { Statement, TableName, TableOption } from './ast.js';
import { parseCreateTable } from './create-table-parser.js';
import { parseTableName } from './name-parser.js';
import { parseWithOptions, requireCharset } from './option-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

/** Behind CREATE. */
export function parseCreate(cursor: TokenCursor): Statement {
  if (cursor.at('OR', 'REPLACE')) {
    throw notSupported('CREATE OR REPLACE');
  }
  if (cursor.acceptAny(['DATABASE', 'SCHEMA']) !== null) {
    return parseCreateDatabase(cursor);
  }
  if (cursor.accept('TABLE')) {
    return parseCreateTable(cursor);
  }
  throw notSupportedObject(cursor, 'CREATE');
}

function parseCreateDatabase(cursor: TokenCursor): Statement {
  const ifNotExists = cursor.accept('IF', 'NOT', 'EXISTS');
  const name = cursor.name();
  const options: TableOption[] = [];
  for (;;) {
    if (cursor.at('WITH')) {
      options.push(...parseWithOptions(cursor));
    } else if (!acceptDatabaseOption(cursor)) {
      return { kind: 'createDatabase', name, ifNotExists, options };
    }
  }
}

/** MySQL's [DEFAULT] CHARACTER SET x, COLLATE x, ENCRYPTION 'x': text is utf8mb4 whatever they say. */
function acceptDatabaseOption(cursor: TokenCursor): boolean {
  const isDefault = cursor.accept('DEFAULT');
  if (
    cursor.accept('CHARACTER', 'SET') ||
    cursor.accept('CHAR', 'SET') ||
    cursor.accept('CHARSET')
  ) {
    cursor.accept('=');
    requireCharset(cursor.nameOrString());
    return true;
  }
  if (cursor.acceptAny(['COLLATE', 'ENCRYPTION']) !== null) {
    cursor.accept('=');
    cursor.nameOrString();
    return true;
  }
  if (isDefault) {
    throw cursor.fault();
  }
  return false;
}

/** Behind DROP. */
export function parseDrop(cursor: TokenCursor): Statement {
  if (cursor.acceptAny(['DATABASE', 'SCHEMA']) !== null) {
    const ifExists = cursor.accept('IF', 'EXISTS');
    return { kind: 'dropDatabase', name: cursor.name(), ifExists };
  }
  if (cursor.acceptAny(['TABLE', 'TABLES']) !== null) {
    const ifExists = cursor.accept('IF', 'EXISTS');
    const names: TableName[] = cursor.list(() => parseTableName(cursor));
    cursor.acceptAny(['RESTRICT', 'CASCADE']);
    return { kind: 'dropTable', names, ifExists };
  }
  throw notSupportedObject(cursor, 'DROP');
}

/** Behind TRUNCATE. */
export function parseTruncate(cursor: TokenCursor): Statement {
  cursor.accept('TABLE');
  const name = parseTableName(cursor);
  if (cursor.at('FILE', 'RANGE')) {
    throw notSupported('TRUNCATE ... FILE RANGE');
  }
  return { kind: 'truncate', name };
}

/** Objects that MySQL or GreptimeDB has and we have not; anything else is a typing error. */
const OBJECTS = new Set(
  `AGGREGATE ALGORITHM DEFINER EVENT EXTERNAL FLOW FULLTEXT FUNCTION INDEX LOGFILE PREPARE PROCEDURE RESOURCE ROLE SERVER SPATIAL
   SQL TABLESPACE TEMPORARY TRIGGER UNDO UNIQUE USER VIEW`.split(/\s+/),
);

function notSupportedObject(cursor: TokenCursor, verb: string): Error {
  const word = cursor.peek().keyword;
  return OBJECTS.has(word) ? notSupported(`${verb} ${word}`) : cursor.fault();
}
