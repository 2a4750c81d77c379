/**
 * SELECT over one table or none.
 *
 * What belongs to SELECT and is not built (joins, subqueries, UNION, CTEs, windows, RANGE queries, ROLLUP, INTO) is recognised
 * by its keyword and refused by name: text that is read as something else than it means would be a wrong answer.
 */

import type { Expression, OrderItem, SelectItem, SelectStatement, TableReference } from './ast.js';
import { isQueryStart, parseExpressionAt } from './expression-parser.js';
import { parseDottedName, tableNameOf } from './name-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

const JOINS = ['JOIN', 'INNER', 'CROSS', 'LEFT', 'RIGHT', 'NATURAL', 'STRAIGHT_JOIN', ','];

/** Hints to MySQL's optimizer and to its query cache: they change no result. */
const SELECT_HINTS = [
  'ALL',
  'HIGH_PRIORITY',
  'STRAIGHT_JOIN',
  'SQL_SMALL_RESULT',
  'SQL_BIG_RESULT',
  'SQL_BUFFER_RESULT',
  'SQL_NO_CACHE',
  'SQL_CACHE',
];

/** SELECT ..., also in brackets. */
export function parseSelect(cursor: TokenCursor): SelectStatement {
  if (cursor.accept('(')) {
    const inner = cursor.nested(() => parseSelect(cursor));
    cursor.expect(')');
    refuseSetOperation(cursor);
    if (cursor.atAny(['ORDER', 'LIMIT'])) {
      throw notSupported(`${cursor.peek().keyword} behind a query in brackets`);
    }
    return inner;
  }
  if (cursor.at('WITH')) {
    throw notSupported('common table expressions (WITH)');
  }
  if (cursor.atAny(['VALUES', 'TABLE'])) {
    throw notSupported(`${cursor.peek().keyword} as a query`);
  }
  cursor.expect('SELECT');
  const distinct = parseSelectOptions(cursor);
  const items = cursor.list(() => parseItem(cursor));
  refuseInto(cursor);
  const from = cursor.accept('FROM') ? parseFrom(cursor) : null;
  const where = cursor.accept('WHERE') ? parseExpressionAt(cursor) : null;
  refuseRange(cursor);
  const groupBy = parseGroupBy(cursor);
  const having = cursor.accept('HAVING') ? parseExpressionAt(cursor) : null;
  if (cursor.at('WINDOW')) {
    throw notSupported('window functions');
  }
  refuseSetOperation(cursor);
  refuseRange(cursor);
  const orderBy = parseOrderBy(cursor);
  const { limit, offset } = parseLimit(cursor);
  refuseInto(cursor);
  skipLocking(cursor);
  refuseInto(cursor);
  refuseSetOperation(cursor);
  return {
    kind: 'select',
    distinct,
    items,
    from,
    where,
    groupBy,
    having,
    orderBy,
    limit,
    offset,
  };
}

function parseSelectOptions(cursor: TokenCursor): boolean {
  let distinct = false;
  for (;;) {
    if (cursor.acceptAny(['DISTINCT', 'DISTINCTROW']) !== null) {
      distinct = true;
      if (cursor.at('ON', '(')) {
        throw notSupported('DISTINCT ON');
      }
    } else if (cursor.at('SQL_CALC_FOUND_ROWS')) {
      throw notSupported('SQL_CALC_FOUND_ROWS');
    } else if (cursor.acceptAny(SELECT_HINTS) === null) {
      return distinct;
    }
  }
}

function parseItem(cursor: TokenCursor): SelectItem {
  if (cursor.accept('*')) {
    return { kind: 'star', table: null };
  }
  const table = acceptTableStar(cursor);
  if (table !== null) {
    return { kind: 'star', table: tableNameOf(table) };
  }
  const { start } = cursor.peek();
  const expression = parseExpressionAt(cursor);
  const text = headingOf(cursor.text.slice(start, cursor.endOfLast), expression);
  if (cursor.at('RANGE')) {
    throw notSupported('RANGE queries');
  }
  return { kind: 'expression', expression, alias: parseAlias(cursor), text };
}

/** t.* and db.t.*; null, and nothing taken, at anything else. */
function acceptTableStar(cursor: TokenCursor): readonly string[] | null {
  let ahead = 0;
  if (!cursor.atName()) {
    return null;
  }
  while (cursor.peek(ahead + 1).keyword === '.') {
    ahead += 2;
    if (cursor.peek(ahead).keyword === '*') {
      const parts: string[] = [];
      for (let part = 0; part < ahead; part += 2) {
        parts.push(cursor.next().value);
        cursor.expect('.');
      }
      cursor.expect('*');
      return parts;
    }
  }
  return null;
}

/** MySQL heads a column by its text, except that a string is headed by what it says. */
function headingOf(text: string, expression: Expression): string {
  const isString = expression.kind === 'literal' && expression.value.type === 'string';
  return isString ? expression.value.value : text;
}

/** [AS] name | [AS] 'name' */
function parseAlias(cursor: TokenCursor): string | null {
  if (cursor.accept('AS')) {
    return cursor.peek().kind === 'string' ? cursor.string() : cursor.name();
  }
  if (cursor.peek().kind === 'string') {
    return cursor.string();
  }
  return cursor.atName() ? cursor.name() : null;
}

/** Behind FROM. */
function parseFrom(cursor: TokenCursor): TableReference | null {
  if (cursor.accept('DUAL')) {
    return null;
  }
  if (cursor.at('(')) {
    throw notSupported(isQueryStart(cursor, 0) ? 'derived tables' : 'joins');
  }
  if (cursor.atAny(['LATERAL', 'JSON_TABLE'])) {
    throw notSupported(`${cursor.peek().keyword} in FROM`);
  }
  const name = tableNameOf(parseDottedName(cursor));
  if (cursor.at('PARTITION')) {
    throw notSupported('PARTITION in FROM');
  }
  let alias: string | null = null;
  if (cursor.accept('AS')) {
    alias = cursor.nameOrString();
  } else if (cursor.atName() && !isAlign(cursor)) {
    alias = cursor.name();
  }
  skipIndexHints(cursor);
  if (cursor.atAny(JOINS)) {
    throw notSupported('joins');
  }
  return { kind: 'table', name, alias };
}

/** USE INDEX (..), FORCE INDEX FOR ORDER BY (..), ... */
function skipIndexHints(cursor: TokenCursor): void {
  while (
    cursor.atAny(['USE', 'FORCE', 'IGNORE']) &&
    ['INDEX', 'KEY'].includes(cursor.peek(1).keyword)
  ) {
    cursor.next();
    cursor.next();
    if (cursor.accept('FOR')) {
      if (!cursor.accept('JOIN')) {
        cursor.next();
        cursor.expect('BY');
      }
    }
    cursor.skipBrackets();
  }
}

function parseGroupBy(cursor: TokenCursor): readonly Expression[] {
  if (!cursor.accept('GROUP')) {
    return [];
  }
  cursor.expect('BY');
  const groupBy = cursor.list(() => parseExpressionAt(cursor));
  if (cursor.at('WITH', 'ROLLUP')) {
    throw notSupported('WITH ROLLUP');
  }
  return groupBy;
}

export function parseOrderBy(cursor: TokenCursor): readonly OrderItem[] {
  if (!cursor.accept('ORDER')) {
    return [];
  }
  cursor.expect('BY');
  return cursor.list(() => {
    const expression = parseExpressionAt(cursor);
    const descending = cursor.acceptAny(['ASC', 'DESC']) === 'DESC';
    if (cursor.at('NULLS')) {
      throw notSupported('NULLS FIRST and NULLS LAST');
    }
    return { expression, descending };
  });
}

/** [LIMIT n | LIMIT offset, n | LIMIT n OFFSET offset]; numbers or parameters. */
export function parseLimit(cursor: TokenCursor): {
  readonly limit: Expression | null;
  readonly offset: Expression | null;
} {
  if (!cursor.accept('LIMIT')) {
    return { limit: null, offset: null };
  }
  const first = parseCount(cursor);
  if (cursor.accept(',')) {
    return { limit: parseCount(cursor), offset: first };
  }
  return { limit: first, offset: cursor.accept('OFFSET') ? parseCount(cursor) : null };
}

function parseCount(cursor: TokenCursor): Expression {
  const { kind } = cursor.peek();
  if (kind !== 'integer' && kind !== 'parameter') {
    throw cursor.fault();
  }
  const count = parseCountToken(cursor);
  if (count === null) {
    throw cursor.fault();
  }
  return count;
}

function parseCountToken(cursor: TokenCursor): Expression | null {
  const token = cursor.next();
  if (token.kind === 'parameter') {
    return { kind: 'parameter', index: cursor.takeParameter() };
  }
  if (token.value.length > 20) {
    return null;
  }
  return { kind: 'literal', value: { type: 'integer', value: BigInt(token.value) } };
}

/** Readers never lock here, so FOR UPDATE and its kin change nothing. */
function skipLocking(cursor: TokenCursor): void {
  for (;;) {
    if (cursor.accept('FOR', 'UPDATE') || cursor.accept('FOR', 'SHARE')) {
      if (cursor.accept('OF')) {
        cursor.list(() => parseDottedName(cursor));
      }
      if (!cursor.accept('NOWAIT')) {
        cursor.accept('SKIP', 'LOCKED');
      }
    } else if (!cursor.accept('LOCK', 'IN', 'SHARE', 'MODE')) {
      return;
    }
  }
}

function refuseInto(cursor: TokenCursor): void {
  if (cursor.at('INTO')) {
    throw notSupported('SELECT ... INTO');
  }
}

function refuseSetOperation(cursor: TokenCursor): void {
  if (cursor.atAny(['UNION', 'INTERSECT', 'EXCEPT'])) {
    throw notSupported(cursor.peek().keyword);
  }
}

/** ALIGN is a name like any other unless it is followed by what only a RANGE query has there. */
function isAlign(cursor: TokenCursor): boolean {
  const next = cursor.peek(1);
  return cursor.at('ALIGN') && (next.kind === 'string' || next.keyword === '(');
}

function refuseRange(cursor: TokenCursor): void {
  if (cursor.at('RANGE') || cursor.at('ALIGN')) {
    throw notSupported('RANGE queries');
  }
}
