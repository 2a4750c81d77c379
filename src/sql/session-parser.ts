/** Statements about the session and the server: transactions, USE, DESCRIBE, KILL, ADMIN, LOCK TABLES. */

import type { Expression, Statement } from './ast.js';
import { isQueryStart, parseExpressionAt } from './expression-parser.js';
import { parseTableName } from './name-parser.js';
import { expectOnlyOrWrite } from './set-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

/** Behind BEGIN. */
export function parseBegin(cursor: TokenCursor): Statement {
  cursor.accept('WORK');
  return { kind: 'begin', readOnly: null };
}

/** Behind START. */
export function parseStart(cursor: TokenCursor): Statement {
  if (!cursor.accept('TRANSACTION')) {
    throw cursor.atAny(['REPLICA', 'SLAVE', 'GROUP_REPLICATION'])
      ? notSupported(`START ${cursor.peek().keyword}`)
      : cursor.fault();
  }
  let readOnly: boolean | null = null;
  if (cursor.atAny(['READ', 'WITH'])) {
    do {
      if (cursor.accept('READ')) {
        readOnly = expectOnlyOrWrite(cursor);
      } else {
        cursor.expect('WITH', 'CONSISTENT', 'SNAPSHOT');
      }
    } while (cursor.accept(','));
  }
  return { kind: 'begin', readOnly };
}

/** Behind COMMIT or ROLLBACK. */
export function parseEndOfTransaction(cursor: TokenCursor, kind: 'commit' | 'rollback'): Statement {
  cursor.accept('WORK');
  if (kind === 'rollback' && cursor.at('TO')) {
    throw notSupported('SAVEPOINT');
  }
  if (cursor.accept('AND')) {
    if (!cursor.accept('NO')) {
      throw notSupported(`${kind.toUpperCase()} AND CHAIN`);
    }
    cursor.expect('CHAIN');
  }
  if (cursor.accept('NO')) {
    cursor.expect('RELEASE');
  } else if (cursor.at('RELEASE')) {
    throw notSupported(`${kind.toUpperCase()} RELEASE`);
  }
  return { kind };
}

/** Behind DESCRIBE, DESC or EXPLAIN. */
export function parseDescribe(cursor: TokenCursor): Statement {
  const explains =
    cursor.atAny(['ANALYZE', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'FOR']) ||
    (cursor.at('FORMAT') && cursor.peek(1).keyword === '=') ||
    (cursor.atAny(['EXTENDED', 'PARTITIONS', 'VERBOSE']) && isQueryStart(cursor, 1)) ||
    (isQueryStart(cursor, 0) && !cursor.at('TABLE'));
  if (explains) {
    throw notSupported('EXPLAIN of a statement');
  }
  // GreptimeDB's DESC TABLE t
  cursor.accept('TABLE');
  const table = parseTableName(cursor);
  let column: string | null = null;
  if (cursor.peek().kind === 'string') {
    column = cursor.string();
  } else if (cursor.atName()) {
    column = cursor.name();
  }
  return { kind: 'describe', table, column };
}

/** Behind KILL. */
export function parseKill(cursor: TokenCursor): Statement {
  const target = cursor.acceptAny(['QUERY', 'CONNECTION']) === 'QUERY' ? 'query' : 'connection';
  return { kind: 'kill', target, id: parseExpressionAt(cursor) };
}

/** Behind ADMIN; `start` is where the statement begins. */
export function parseAdmin(cursor: TokenCursor, start: number): Statement {
  const name = cursor.name().toLowerCase();
  let args: readonly Expression[] = [];
  if (!cursor.accept('(', ')')) {
    args = cursor.bracketedList(() => parseExpressionAt(cursor));
  }
  const text = cursor.text.slice(start, cursor.endOfLast);
  return { kind: 'admin', name, arguments: args, text };
}

/** Behind LOCK. Tables need no locks here: which tables and how is read and forgotten. */
export function parseLock(cursor: TokenCursor): Statement {
  expectTables(cursor, 'LOCK');
  cursor.list(() => {
    parseTableName(cursor);
    if (cursor.accept('AS') || cursor.atName()) {
      cursor.name();
    }
    cursor.accept('LOW_PRIORITY');
    if (cursor.accept('READ')) {
      cursor.accept('LOCAL');
    } else {
      cursor.expect('WRITE');
    }
  });
  return { kind: 'lockTables' };
}

/** Behind UNLOCK. */
export function parseUnlock(cursor: TokenCursor): Statement {
  expectTables(cursor, 'UNLOCK');
  return { kind: 'unlockTables' };
}

function expectTables(cursor: TokenCursor, verb: string): void {
  if (cursor.acceptAny(['TABLES', 'TABLE']) === null) {
    throw cursor.at('INSTANCE') || cursor.at('BINLOG')
      ? notSupported(`${verb} ${cursor.peek().keyword}`)
      : cursor.fault();
  }
}
