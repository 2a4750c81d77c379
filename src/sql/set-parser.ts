/**
 * SET: system and user variables, NAMES, CHARACTER SET and TRANSACTION, several in one statement and mixed.
 *
 * As in MySQL the last SESSION or GLOBAL written holds for the assignments behind it that say nothing, `@@x` excepted. A bare word as value
 * (`= ON`, `= utf8mb4`, `= SYSTEM`) is that word as a string.
 */

import type { Expression, SetAssignment } from './ast.js';
import { parseExpressionAt } from './expression-parser.js';
import { literal } from './primary-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

type Scope = 'session' | 'global' | null;

/** Reserved words that MySQL takes as values all the same. */
const WORD_VALUES = ['ON', 'ALL', 'BINARY', 'ROW', 'SYSTEM'];

/** Behind SET. */
export function parseSet(cursor: TokenCursor): readonly SetAssignment[] {
  if (cursor.atAny(['PASSWORD', 'ROLE', 'RESOURCE']) && cursor.peek(1).keyword !== ',') {
    throw notSupported(`SET ${cursor.peek().keyword}`);
  }
  if (cursor.at('DEFAULT', 'ROLE')) {
    throw notSupported('SET DEFAULT ROLE');
  }
  const sticky: { scope: Scope } = { scope: null };
  return cursor.list(() => parseAssignment(cursor, sticky));
}

function parseAssignment(cursor: TokenCursor, sticky: { scope: Scope }): SetAssignment {
  const token = cursor.peek();
  if (token.kind === 'userVariable') {
    cursor.next();
    expectAssign(cursor);
    return { target: 'user', name: token.value, value: parseExpressionAt(cursor) };
  }
  if (cursor.accept('@@')) {
    return parseSystemAssignment(cursor, parseDottedScope(cursor));
  }
  const scope = parseScope(cursor);
  if (cursor.accept('TRANSACTION')) {
    return parseTransaction(cursor, scope);
  }
  sticky.scope = scope ?? sticky.scope;
  if (scope === null && cursor.at('NAMES')) {
    cursor.next();
    return parseNames(cursor);
  }
  if (scope === null && (cursor.accept('CHARACTER', 'SET') || cursor.accept('CHARSET'))) {
    return { target: 'names', charset: parseCharset(cursor), collation: null };
  }
  if (cursor.accept('TIME', 'ZONE')) {
    cursor.acceptAny(['=', 'TO']);
    return { target: 'system', scope: sticky.scope, name: 'time_zone', value: parseValue(cursor) };
  }
  return parseSystemAssignment(cursor, sticky.scope);
}

/** [SESSION | LOCAL | GLOBAL] before a name. */
function parseScope(cursor: TokenCursor): Scope {
  if (cursor.atAny(['PERSIST', 'PERSIST_ONLY'])) {
    throw notSupported(`SET ${cursor.peek().keyword}`);
  }
  switch (cursor.acceptAny(['SESSION', 'LOCAL', 'GLOBAL'])) {
    case null:
      return null;
    case 'GLOBAL':
      return 'global';
    default:
      return 'session';
  }
}

/** [session. | local. | global.] behind @@ */
function parseDottedScope(cursor: TokenCursor): Scope {
  if (cursor.peek(1).keyword !== '.') {
    return null;
  }
  const scope = parseScope(cursor);
  if (scope !== null) {
    cursor.expect('.');
  }
  return scope;
}

function parseSystemAssignment(cursor: TokenCursor, scope: Scope): SetAssignment {
  let name = cursor.name();
  while (cursor.accept('.')) {
    name += `.${cursor.nameBehindDot()}`;
  }
  expectAssign(cursor);
  const value = parseValue(cursor);
  const known = name.toLowerCase() === 'timezone' ? 'time_zone' : name.toLowerCase();
  return { target: 'system', scope, name: known, value };
}

function expectAssign(cursor: TokenCursor): void {
  if (cursor.acceptAny(['=', ':=']) === null) {
    throw cursor.fault();
  }
}

/** DEFAULT is null. */
function parseValue(cursor: TokenCursor): Expression | null {
  if (cursor.accept('DEFAULT')) {
    return null;
  }
  const isWord = cursor.atAny(WORD_VALUES) && endsAssignment(cursor, 1);
  if (isWord) {
    return literal({ type: 'string', value: cursor.next().value });
  }
  const value = parseExpressionAt(cursor);
  return value.kind === 'column' && value.table === null
    ? literal({ type: 'string', value: value.name })
    : value;
}

function endsAssignment(cursor: TokenCursor, ahead: number): boolean {
  const token = cursor.peek(ahead);
  return token.kind === 'end' || token.keyword === ',' || token.keyword === ';';
}

/** Behind NAMES. */
function parseNames(cursor: TokenCursor): SetAssignment {
  const charset = parseCharset(cursor);
  const collation = cursor.accept('COLLATE') ? cursor.nameOrString().toLowerCase() : null;
  return { target: 'names', charset, collation };
}

/** DEFAULT is null. */
function parseCharset(cursor: TokenCursor): string | null {
  return cursor.accept('DEFAULT') ? null : cursor.nameOrString().toLowerCase();
}

/** Behind TRANSACTION: ISOLATION LEVEL x and READ ONLY | READ WRITE, in any order. */
function parseTransaction(cursor: TokenCursor, scope: Scope): SetAssignment {
  let isolation: string | null = null;
  let readOnly: boolean | null = null;
  do {
    if (isolation === null && cursor.accept('ISOLATION', 'LEVEL')) {
      isolation = parseIsolation(cursor);
    } else if (readOnly === null && cursor.accept('READ')) {
      readOnly = expectOnlyOrWrite(cursor);
    } else {
      throw cursor.fault();
    }
  } while (cursor.accept(','));
  return { target: 'transaction', scope, isolation, readOnly };
}

/** As transaction_isolation spells it: READ-COMMITTED. */
function parseIsolation(cursor: TokenCursor): string {
  for (const level of ['REPEATABLE READ', 'READ COMMITTED', 'READ UNCOMMITTED', 'SERIALIZABLE']) {
    const [first = '', second] = level.split(' ');
    if (cursor.accept(first, second)) {
      return level.replace(' ', '-');
    }
  }
  throw cursor.fault();
}

/** Behind READ: true for ONLY, false for WRITE. */
export function expectOnlyOrWrite(cursor: TokenCursor): boolean {
  const word = cursor.acceptAny(['ONLY', 'WRITE']);
  if (word === null) {
    throw cursor.fault();
  }
  return word === 'ONLY';
}
