/** SHOW in all its forms. What a form shows is for others; here is only what was asked. */

import { SqlError } from '../../protocol/index.js';
import type { Expression, ShowStatement, TableName } from './ast.js';
import { parseExpressionAt } from './expression-parser.js';
import { databaseOf, parseDottedName, tableNameOf } from './name-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

type PlainShow = Extract<ShowStatement, { readonly limit: number | null }>;
type PlainWhat = PlainShow['what'];

/** Forms that are one word or two and then perhaps LIKE or WHERE. */
const PLAIN: readonly (readonly [words: readonly [string, string?], what: PlainWhat])[] = [
  [['DATABASES'], 'databases'],
  [['SCHEMAS'], 'databases'],
  [['VARIABLES'], 'variables'],
  [['STATUS'], 'status'],
  [['ENGINES'], 'engines'],
  [['STORAGE', 'ENGINES'], 'engines'],
  [['CHARSET'], 'charset'],
  [['CHARACTER', 'SET'], 'charset'],
  [['CHAR', 'SET'], 'charset'],
  [['COLLATION'], 'collation'],
  [['PLUGINS'], 'plugins'],
  [['PROCESSLIST'], 'processlist'],
  [['RPO'], 'rpo'],
  [['REPLICA', 'STATUS'], 'replicaStatus'],
  [['SLAVE', 'STATUS'], 'replicaStatus'],
  [['PRIVILEGES'], 'privileges'],
  [['PROCEDURE', 'STATUS'], 'procedureStatus'],
  [['FUNCTION', 'STATUS'], 'functionStatus'],
];

const KNOWN_ELSEWHERE = new Set(
  `ALL BINARY BINLOG COUNT ENGINE EXTENDED FLOW FLOWS FUNCTION MASTER OPEN PARSE_TREE PROCEDURE PROFILE PROFILES REGION REGIONS
   RELAYLOG REPLICAS SEARCH_PATH SLAVE TEMPORARY USER VIEWS`.split(/\s+/),
);

/** Behind SHOW. */
export function parseShow(cursor: TokenCursor): ShowStatement {
  cursor.accept('EXTENDED');
  const full = cursor.accept('FULL');
  const scope = parseScope(cursor);
  for (const [words, what] of PLAIN) {
    if (cursor.accept(...words)) {
      return parsePlain(cursor, what, full, scope);
    }
  }
  const word = cursor.peek().keyword;
  switch (word) {
    case 'TABLES':
      cursor.next();
      return parseTables(cursor, 'tables', full);
    case 'TABLE':
      cursor.expect('TABLE', 'STATUS');
      return parseTables(cursor, 'tableStatus', full);
    case 'COLUMNS':
    case 'FIELDS':
      cursor.next();
      return parseOfTable(cursor, 'columns', full);
    case 'INDEX':
    case 'INDEXES':
    case 'KEYS':
      cursor.next();
      return parseOfTable(cursor, 'index', full);
    case 'CREATE':
      cursor.next();
      return parseShowCreate(cursor);
    case 'WARNINGS':
    case 'ERRORS':
      cursor.next();
      return {
        ...plain(word === 'WARNINGS' ? 'warnings' : 'errors'),
        limit: parseShowLimit(cursor),
      };
    case 'GRANTS':
      cursor.next();
      return parseGrants(cursor);
    case 'EVENTS':
    case 'TRIGGERS':
      cursor.next();
      acceptDatabase(cursor);
      return { ...plain(word === 'EVENTS' ? 'events' : 'triggers'), ...parseFilter(cursor) };
    default:
      throw KNOWN_ELSEWHERE.has(word) ? notSupported(`SHOW ${word}`) : cursor.fault();
  }
}

function plain(what: PlainWhat): PlainShow {
  return { kind: 'show', what, full: false, scope: null, like: null, where: null, limit: null };
}

function parseScope(cursor: TokenCursor): 'session' | 'global' | null {
  switch (cursor.acceptAny(['GLOBAL', 'SESSION', 'LOCAL'])) {
    case null:
      return null;
    case 'GLOBAL':
      return 'global';
    default:
      return 'session';
  }
}

function parsePlain(
  cursor: TokenCursor,
  what: PlainWhat,
  full: boolean,
  scope: 'session' | 'global' | null,
): ShowStatement {
  if (what === 'variables' && cursor.atName()) {
    // GreptimeDB's SHOW VARIABLES name
    const like = cursor.name().replace(/[\\%_]/g, '\\$&');
    return { ...plain(what), full, scope, like };
  }
  if (what === 'replicaStatus' && cursor.accept('FOR', 'CHANNEL')) {
    cursor.string();
  }
  return { ...plain(what), full, scope, ...parseFilter(cursor) };
}

function parseTables(
  cursor: TokenCursor,
  what: 'tables' | 'tableStatus',
  full: boolean,
): ShowStatement {
  const database = acceptDatabase(cursor);
  return { kind: 'show', what, full, database, ...parseFilter(cursor) };
}

function parseOfTable(
  cursor: TokenCursor,
  what: 'columns' | 'index',
  full: boolean,
): ShowStatement {
  if (cursor.acceptAny(['FROM', 'IN']) === null) {
    throw cursor.fault();
  }
  const named = tableNameOf(parseDottedName(cursor));
  const database = acceptDatabase(cursor);
  const table: TableName = { database: database ?? named.database, table: named.table };
  return { kind: 'show', what, full, table, ...parseFilter(cursor) };
}

/** [FROM | IN db] */
function acceptDatabase(cursor: TokenCursor): string | null {
  if (cursor.acceptAny(['FROM', 'IN']) === null) {
    return null;
  }
  return databaseOf(parseDottedName(cursor));
}

/** [LIKE 'pattern' | WHERE condition] */
function parseFilter(cursor: TokenCursor): {
  readonly like: string | null;
  readonly where: Expression | null;
} {
  const parameter = cursor.at('LIKE') && cursor.peek(1).kind === 'parameter';
  if (parameter) {
    throw new SqlError(
      'ER_UNSUPPORTED_PS',
      'A parameter is not possible in SHOW ... LIKE; write SHOW ... WHERE column LIKE ?',
    );
  }
  if (cursor.accept('LIKE')) {
    return { like: cursor.string(), where: null };
  }
  return { like: null, where: cursor.accept('WHERE') ? parseExpressionAt(cursor) : null };
}

/** [LIMIT n] */
function parseShowLimit(cursor: TokenCursor): number | null {
  if (!cursor.accept('LIMIT')) {
    return null;
  }
  const limit = cursor.unsignedInteger();
  if (cursor.atAny([',', 'OFFSET'])) {
    throw notSupported('an offset in SHOW WARNINGS');
  }
  return limit;
}

/** Behind GRANTS: one's own only. */
function parseGrants(cursor: TokenCursor): ShowStatement {
  if (cursor.accept('FOR')) {
    if (!cursor.accept('CURRENT_USER')) {
      throw notSupported('SHOW GRANTS for another user');
    }
    cursor.accept('(', ')');
  }
  return plain('grants');
}

/** Behind SHOW CREATE. */
function parseShowCreate(cursor: TokenCursor): ShowStatement {
  if (cursor.accept('TABLE')) {
    return { kind: 'show', what: 'createTable', table: tableNameOf(parseDottedName(cursor)) };
  }
  if (cursor.acceptAny(['DATABASE', 'SCHEMA']) !== null) {
    const ifNotExists = cursor.accept('IF', 'NOT', 'EXISTS');
    return { kind: 'show', what: 'createDatabase', database: cursor.name(), ifNotExists };
  }
  const word = cursor.peek().keyword;
  throw ['VIEW', 'PROCEDURE', 'FUNCTION', 'TRIGGER', 'EVENT', 'USER', 'FLOW'].includes(word)
    ? notSupported(`SHOW CREATE ${word}`)
    : cursor.fault();
}
