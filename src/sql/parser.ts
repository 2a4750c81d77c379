/**
 * Text -> statement.
 *
 * Dispatches on the first word. One statement a text; a `;` may end it, text of comments only is the empty statement. A known statement
 * that is not built is 1235 with its name, an unknown word 1064.
 *
 * Throws nothing but SqlError, whatever the text.
 */

import { parseAlter } from './alter-parser.js';
import type { Expression, Statement } from './ast.js';
import { parseCreate, parseDrop, parseTruncate } from './ddl-parser.js';
import { parseDelete, parseInsert } from './dml-parser.js';
import { parseExpressionAt } from './expression-parser.js';
import { Lexer } from './lexer.js';
import { ParsePause, ParseProgress } from './parse-progress.js';
import { parseSelect } from './select-parser.js';
import {
  parseAdmin,
  parseBegin,
  parseDescribe,
  parseEndOfTransaction,
  parseKill,
  parseLock,
  parseStart,
  parseUnlock,
} from './session-parser.js';
import { parseSet } from './set-parser.js';
import { parseShow } from './show-parser.js';
import { notSupported, syntaxError } from './statement-error.js';
import type { SqlTextOptions, Token } from './token.js';
import { TokenCursor } from './token-cursor.js';

/** Statements of MySQL and GreptimeDB that are not built. */
const NOT_BUILT = new Set(
  `ANALYZE BINLOG CACHE CALL CHANGE CHECK CHECKSUM CLONE CLOSE COMMENT COPY DEALLOCATE DECLARE DO EXECUTE FETCH FLUSH GET
   GRANT HANDLER HELP IMPORT INSTALL LOAD OPTIMIZE PREPARE PURGE RENAME REPAIR RESET RESIGNAL RESTART REVOKE SHUTDOWN SIGNAL
   STOP TABLE TQL UNDROP UNINSTALL UPDATE VALUES WITH XA`.split(/\s+/),
);

/** One to two milliseconds, before the code is optimised. */
const TOKENS_PER_TURN = 2048;

export interface ParsedStatement {
  readonly statement: Statement;
  /** How many `?` the text has. */
  readonly parameterCount: number;
}

/** Throws SqlError: 1064 at what is no SQL, 1235 at what is known and not built, others for names and values. */
export function parseStatement(text: string, options: SqlTextOptions): ParsedStatement {
  return parsedWhole(new TokenCursor(text, options));
}

/**
 * The same, some `tokensPerTurn` at a time: whoever asks for the next step may give the event loop a turn before. Returns and throws what
 * parseStatement does. For long texts: what is read between two steps is kept, which short ones need not pay for.
 */
export function* parseInTurns(
  text: string,
  options: SqlTextOptions,
  tokensPerTurn = TOKENS_PER_TURN,
): Generator<undefined, ParsedStatement, undefined> {
  const lexer = new Lexer(text, options);
  while (!lexer.advance(tokensPerTurn)) yield;
  const progress = new ParseProgress(tokensPerTurn);
  for (;;) {
    yield;
    try {
      return parsedWhole(new TokenCursor(text, options, lexer.tokens, progress));
    } catch (error) {
      if (!(error instanceof ParsePause)) throw error;
    }
  }
}

function parsedWhole(cursor: TokenCursor): ParsedStatement {
  while (cursor.accept(';')) {
    /* an empty statement before the first */
  }
  const statement: Statement = cursor.peek().kind === 'end' ? { kind: 'empty' } : parseOne(cursor);
  while (cursor.accept(';')) {
    /* the end of the statement */
  }
  if (cursor.peek().kind !== 'end') {
    throw cursor.fault();
  }
  return { statement, parameterCount: cursor.parameterCount };
}

/** One expression and nothing else: a cell of an INSERT that is no plain literal, a default. */
export function parseExpression(text: string, options: SqlTextOptions): Expression {
  const cursor = new TokenCursor(text, options);
  const expression = parseExpressionAt(cursor);
  if (cursor.peek().kind !== 'end') {
    throw cursor.fault();
  }
  return expression;
}

function parseOne(cursor: TokenCursor): Statement {
  const first = cursor.peek();
  switch (first.keyword) {
    case 'SELECT':
    case '(':
      return parseSelect(cursor);
    case 'INSERT':
    case 'REPLACE':
      return parseInsert(cursor);
    default:
      break;
  }
  cursor.next();
  switch (first.keyword) {
    case 'SHOW':
      return parseShow(cursor);
    case 'SET':
      return { kind: 'set', assignments: parseSet(cursor) };
    case 'DELETE':
      return parseDelete(cursor);
    case 'CREATE':
      return parseCreate(cursor);
    case 'DROP':
      return parseDrop(cursor);
    case 'TRUNCATE':
      return parseTruncate(cursor);
    case 'USE':
      return { kind: 'use', database: cursor.name() };
    case 'DESCRIBE':
    case 'DESC':
    case 'EXPLAIN':
      return parseDescribe(cursor);
    case 'BEGIN':
      return parseBegin(cursor);
    case 'START':
      return parseStart(cursor);
    case 'COMMIT':
      return parseEndOfTransaction(cursor, 'commit');
    case 'ROLLBACK':
      return parseEndOfTransaction(cursor, 'rollback');
    case 'SAVEPOINT':
    case 'RELEASE':
      throw notSupported('SAVEPOINT');
    case 'KILL':
      return parseKill(cursor);
    case 'ADMIN':
      return parseAdmin(cursor, first.start);
    case 'LOCK':
      return parseLock(cursor);
    case 'UNLOCK':
      return parseUnlock(cursor);
    case 'ALTER':
      return parseAlter(cursor);
    default:
      throw notBuiltOrUnknown(cursor, first);
  }
}

function notBuiltOrUnknown(cursor: TokenCursor, { keyword: word, start }: Token): Error {
  if (!NOT_BUILT.has(word)) {
    return syntaxError(cursor.text, start);
  }
  const object = cursor.peek();
  return notSupported(word === 'FLUSH' ? `FLUSH ${object.keyword}` : word);
}
