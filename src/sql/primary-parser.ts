/** The leaves and brackets of expressions: literals, names, variables, parameters, CASE, and what looks like a call. */

import { SqlError } from '../../protocol/index.js';
import type { Expression, Literal } from './ast.js';
import { parseCast, parseConvert } from './cast-parser.js';
import { call, isQueryStart, parseExpressionAt } from './expression-parser.js';
import { parseCall } from './function-call-parser.js';
import { parseInterval } from './interval-parser.js';
import { databaseOf } from './name-parser.js';
import { Series } from './parse-progress.js';
import { isReserved } from './reserved-words.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

/** Above this an integer literal is a DECIMAL. */
const INTEGER_MAX = 18_446_744_073_709_551_615n;

/** Integers of so many digits are exact as numbers, and read faster. */
const SAFE_DIGITS = 15;

/** How far to look for the comma that makes INTERVAL ( a function. */
const INTERVAL_TOKENS_MAX = 1000;

/** Functions that may be written without brackets. */
const NILADIC = new Set(
  'CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP CURRENT_USER'.split(
    ' ',
  ),
);

/** Reserved words that are functions when a bracket follows. */
const RESERVED_FUNCTIONS = new Set(
  `CHAR COALESCE CUME_DIST DATABASE DENSE_RANK FIRST_VALUE GROUPING IF INSERT LAG LAST_VALUE LEAD LEFT MOD NTH_VALUE NTILE
   PERCENT_RANK RANK REPEAT REPLACE RIGHT ROW_NUMBER SCHEMA USER`.split(/\s+/),
);

/** Character set introducers. Text is utf8mb4 throughout; the others hold ASCII only. */
const INTRODUCERS = new Set(['_UTF8MB4', '_UTF8', '_UTF8MB3', '_ASCII', '_LATIN1', '_BINARY']);
const ASCII_INTRODUCERS = new Set(['_ASCII', '_LATIN1']);

export function parsePrimary(cursor: TokenCursor): Expression {
  const token = cursor.peek();
  switch (token.kind) {
    case 'string':
      return literal({ type: 'string', value: cursor.string() });
    case 'integer':
    case 'decimal':
    case 'double':
      return literal(numberLiteral(cursor));
    case 'bytes':
      cursor.next();
      return literal({ type: 'bytes', value: token.bytes ?? new Uint8Array() });
    case 'parameter':
      cursor.next();
      return { kind: 'parameter', index: cursor.takeParameter() };
    case 'userVariable':
      cursor.next();
      if (cursor.at(':=')) {
        throw notSupported('assigning user variables outside SET');
      }
      return { kind: 'userVariable', name: token.value };
    case 'symbol':
      return parseSymbol(cursor);
    case 'word':
      return parseWord(cursor, token.keyword);
    case 'quotedName':
      return parseColumn(cursor);
    default:
      throw cursor.fault();
  }
}

export function literal(value: Literal): Expression {
  return { kind: 'literal', value };
}

function numberLiteral(cursor: TokenCursor): Literal {
  const token = cursor.next();
  if (token.kind === 'double') {
    const value = Number(token.value);
    if (!Number.isFinite(value)) {
      throw new SqlError('ER_ILLEGAL_VALUE_FOR_TYPE', { type: 'double', value: token.value });
    }
    return { type: 'double', value };
  }
  if (token.kind === 'integer' && token.value.length <= 40) {
    const isSafe = token.value.length <= SAFE_DIGITS;
    const value = BigInt(isSafe ? Number(token.value) : token.value);
    if (value <= INTEGER_MAX) {
      return { type: 'integer', value };
    }
  }
  return { type: 'decimal', text: token.value };
}

function parseSymbol(cursor: TokenCursor): Expression {
  if (cursor.accept('@@')) {
    return parseSystemVariable(cursor);
  }
  if (cursor.at('{')) {
    return parseOdbcLiteral(cursor);
  }
  if (!cursor.at('(')) {
    throw cursor.fault();
  }
  if (isQueryStart(cursor, 0)) {
    throw notSupported('subqueries');
  }
  cursor.next();
  const inner = parseExpressionAt(cursor);
  if (cursor.at(',')) {
    throw notSupported('row constructors');
  }
  cursor.expect(')');
  return inner;
}

/** Behind @@. */
function parseSystemVariable(cursor: TokenCursor): Expression {
  const scopeWord = cursor.peek(1).keyword === '.' ? cursor.peek().keyword : '';
  let scope: 'session' | 'global' | null = null;
  if (scopeWord === 'SESSION' || scopeWord === 'LOCAL') {
    scope = 'session';
  } else if (scopeWord === 'GLOBAL') {
    scope = 'global';
  }
  if (scope !== null) {
    cursor.next();
    cursor.next();
  }
  let name = cursor.nameBehindDot();
  while (cursor.accept('.')) {
    name += `.${cursor.nameBehindDot()}`;
  }
  return { kind: 'systemVariable', scope, name: name.toLowerCase() };
}

/** {d '..'}, {t '..'}, {ts '..'} */
function parseOdbcLiteral(cursor: TokenCursor): Expression {
  cursor.expect('{');
  const word = cursor.acceptAny(['D', 'T', 'TS']);
  if (word === null) {
    throw cursor.fault();
  }
  const value = temporalLiteral(
    word === 'D' ? 'DATE' : word === 'T' ? 'TIME' : 'TIMESTAMP',
    cursor.string(),
  );
  cursor.expect('}');
  return value;
}

/** DATE '..', TIME '..', TIMESTAMP '..'. */
function temporalLiteral(word: string, text: string): Expression {
  if (word === 'TIME') {
    const fraction = /\.(\d{1,6})/.exec(text)?.[1] ?? '';
    const type = { kind: 'time', precision: fraction.length } as const;
    return { kind: 'cast', operand: literal({ type: 'string', value: text }), type };
  }
  return literal({ type: word === 'DATE' ? 'date' : 'timestamp', text });
}

function parseWord(cursor: TokenCursor, word: string): Expression {
  const next = cursor.peek(1);
  switch (word) {
    case 'NULL':
      cursor.next();
      return literal({ type: 'null' });
    case 'TRUE':
    case 'FALSE':
      cursor.next();
      return literal({ type: 'boolean', value: word === 'TRUE' });
    case 'CASE':
      return parseCase(cursor);
    case 'CAST':
    case 'CONVERT':
      if (next.keyword === '(') {
        cursor.next();
        return word === 'CAST' ? parseCast(cursor) : parseConvert(cursor);
      }
      break;
    case 'INTERVAL':
      return isIntervalFunction(cursor) ? parseCall(cursor) : parseInterval(cursor);
    case 'DEFAULT':
      if (next.keyword === '(') {
        throw notSupported('DEFAULT(column)');
      }
      cursor.next();
      return { kind: 'default' };
    case 'EXISTS':
      throw notSupported('subqueries');
    case 'MATCH':
      throw notSupported('MATCH ... AGAINST');
    case 'VALUES':
      throw notSupported('VALUES(column)');
    case 'ROW':
      throw notSupported('row constructors');
    case 'DATE':
    case 'TIME':
    case 'TIMESTAMP':
      if (next.kind === 'string') {
        cursor.next();
        return temporalLiteral(word, cursor.string());
      }
      break;
    default:
      break;
  }
  if (word.startsWith('_') && (next.kind === 'string' || next.kind === 'bytes')) {
    return parseIntroduced(cursor, word);
  }
  if (
    next.keyword === '(' &&
    (!isReserved(word) || RESERVED_FUNCTIONS.has(word) || NILADIC.has(word))
  ) {
    return parseCall(cursor);
  }
  if (NILADIC.has(word)) {
    cursor.next();
    return call(word.toLowerCase(), []);
  }
  return parseColumn(cursor);
}

/** INTERVAL(n, a, b) is a function: a comma stands directly in its brackets, and not far behind them. */
function isIntervalFunction(cursor: TokenCursor): boolean {
  if (cursor.peek(1).keyword !== '(') {
    return false;
  }
  for (let ahead = 2, depth = 1; ahead < INTERVAL_TOKENS_MAX; ahead += 1) {
    const { keyword } = cursor.peek(ahead);
    depth += keyword === '(' ? 1 : keyword === ')' ? -1 : 0;
    if (depth === 0) {
      return false;
    }
    if (depth === 1 && keyword === ',') {
      return true;
    }
  }
  return false;
}

/** _utf8mb4'..', _binary'..', _latin1 X'..' */
function parseIntroduced(cursor: TokenCursor, word: string): Expression {
  if (!INTRODUCERS.has(word)) {
    throw new SqlError('ER_UNKNOWN_CHARACTER_SET', { name: word.slice(1).toLowerCase() });
  }
  cursor.next();
  const token = cursor.peek();
  const bytes =
    token.kind === 'bytes'
      ? (cursor.next().bytes ?? new Uint8Array())
      : new TextEncoder().encode(cursor.string());
  if (word === '_BINARY') {
    return literal({ type: 'bytes', value: bytes });
  }
  if (ASCII_INTRODUCERS.has(word) && bytes.some((byte) => byte >= 0x80)) {
    throw notSupported(`${word.toLowerCase()} text outside ASCII; text is utf8mb4 throughout`);
  }
  return literal({ type: 'string', value: new TextDecoder().decode(bytes) });
}

function parseCase(cursor: TokenCursor): Expression {
  cursor.expect('CASE');
  const operand = cursor.at('WHEN') ? null : parseExpressionAt(cursor);
  const branches = cursor.series(Series.branches, parseBranch, (at) => at.at('WHEN'));
  const otherwise = cursor.accept('ELSE') ? parseExpressionAt(cursor) : null;
  cursor.expect('END');
  return { kind: 'case', operand, branches, otherwise };
}

function parseBranch(cursor: TokenCursor): { when: Expression; then: Expression } {
  cursor.expect('WHEN');
  const when = parseExpressionAt(cursor);
  cursor.expect('THEN');
  return { when, then: parseExpressionAt(cursor) };
}

/** c, t.c, db.t.c, catalog.db.t.c */
function parseColumn(cursor: TokenCursor): Expression {
  const parts = [cursor.name()];
  while (cursor.at('.') && cursor.peek(1).keyword !== '*') {
    cursor.next();
    parts.push(cursor.nameBehindDot());
  }
  if (cursor.at('(')) {
    throw parts.length === 1
      ? cursor.fault()
      : new SqlError('ER_SP_DOES_NOT_EXIST', { kind: 'FUNCTION', name: parts.join('.') });
  }
  const name = parts.at(-1) ?? '';
  const table = parts.at(-2) ?? null;
  return { kind: 'column', database: databaseOf(parts.slice(0, -2)), table, name };
}
