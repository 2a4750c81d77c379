/**
 * INSERT, REPLACE and DELETE as trees.
 *
 * INSERT comes here when it is prepared, or small; the text of a bulk INSERT never does (insert-scanner.ts). Both
 * refuse the same forms with the same words: those that would have to read before they write.
 */

import type { Expression, Statement, TableName } from './ast.js';
import { isQueryStart, parseExpressionAt } from './expression-parser.js';
import { parseTableName } from './name-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

/** What stands before the first row of an INSERT. */
export interface InsertHead {
  readonly name: TableName;
  /** null = all columns of the table in order. */
  readonly columns: readonly string[] | null;
  readonly replace: boolean;
  readonly ignore: boolean;
}

/** INSERT | REPLACE [..] [INTO] t [(cols)] VALUES, up to and with VALUES. Throws 1064, and 1235 for the other forms. */
export function parseInsertHead(cursor: TokenCursor): InsertHead {
  const verb = cursor.acceptAny(['INSERT', 'REPLACE']);
  if (verb === null) {
    throw cursor.fault();
  }
  cursor.acceptAny(['LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY']);
  if (verb === 'INSERT' && cursor.at('IGNORE')) {
    throw notSupported('INSERT IGNORE');
  }
  cursor.accept('INTO');
  cursor.accept('TABLE');
  const name = parseTableName(cursor);
  if (cursor.at('PARTITION')) {
    throw notSupported(`${verb} ... PARTITION`);
  }
  if (isQueryStart(cursor, 0)) {
    throw notSupported(`${verb} ... SELECT`);
  }
  const columns = cursor.at('(') ? parseColumnNames(cursor) : null;
  if (cursor.at('SET')) {
    throw notSupported(`${verb} ... SET`);
  }
  if (isQueryStart(cursor, 0) && !cursor.at('VALUES')) {
    throw notSupported(`${verb} ... SELECT`);
  }
  if (cursor.acceptAny(['VALUES', 'VALUE']) === null) {
    throw cursor.fault();
  }
  return { name, columns, replace: verb === 'REPLACE', ignore: false };
}

/** ( [c , ..] ); a name may be qualified by its table. */
function parseColumnNames(cursor: TokenCursor): readonly string[] {
  cursor.expect('(');
  if (cursor.accept(')')) {
    return [];
  }
  const columns = cursor.list(() => {
    let column = cursor.name();
    while (cursor.accept('.')) {
      column = cursor.nameBehindDot();
    }
    return column;
  });
  cursor.expect(')');
  return columns;
}

export function parseInsert(cursor: TokenCursor): Statement {
  const head = parseInsertHead(cursor);
  const rows = cursor.list(() => {
    cursor.accept('ROW');
    return parseRow(cursor);
  });
  refuseInsertTail(cursor, head.replace);
  return { kind: 'insert', ...head, rows };
}

function parseRow(cursor: TokenCursor): readonly Expression[] {
  if (cursor.accept('(', ')')) {
    return [];
  }
  return cursor.bracketedList(parseExpressionAt);
}

/** What may follow the rows and is not built. */
export function refuseInsertTail(cursor: TokenCursor, replace: boolean): void {
  if (!replace && (cursor.at('ON', 'DUPLICATE') || cursor.at('AS'))) {
    throw notSupported('ON DUPLICATE KEY UPDATE');
  }
  if (cursor.at('ON', 'CONFLICT')) {
    throw notSupported('ON CONFLICT');
  }
  if (cursor.at('RETURNING')) {
    throw notSupported('RETURNING');
  }
}

/** Behind DELETE. */
export function parseDelete(cursor: TokenCursor): Statement {
  while (cursor.acceptAny(['LOW_PRIORITY', 'QUICK']) !== null) {
    /* hints that change nothing */
  }
  if (cursor.at('IGNORE')) {
    throw notSupported('DELETE IGNORE');
  }
  if (!cursor.at('FROM') && cursor.atName()) {
    throw notSupported('DELETE from several tables');
  }
  cursor.expect('FROM');
  const name = parseTableName(cursor);
  if (cursor.atAny([',', '.', 'USING'])) {
    throw notSupported('DELETE from several tables');
  }
  if (cursor.atAny(['AS']) || cursor.atName()) {
    throw notSupported('an alias in DELETE');
  }
  const where = cursor.accept('WHERE') ? parseExpressionAt(cursor) : null;
  if (cursor.atAny(['ORDER', 'LIMIT', 'RETURNING'])) {
    throw notSupported(`DELETE ... ${cursor.peek().keyword}`);
  }
  return { kind: 'delete', name, where };
}
