/**
 * Expressions, with MySQL's operators and exactly its precedence. Loosest first:
 *
 *   OR ||  <  XOR  <  AND &&  <  NOT  <  IS, = <=> <> < <= > >=  <  IN BETWEEN LIKE REGEXP
 *     <  |  <  &  <  << >>  <  + -  <  * / % DIV MOD  <  ^  <  unary - + ~ !  <  COLLATE :: -> ->>
 *
 * It surprises in four places: NOT binds looser than comparison and `!` tighter than anything binary; comparisons chain
 * from the left (1 < 2 < 3 compares a truth value with 3); IN, LIKE and the others take a bit expression on their left, so
 * that `a = b LIKE c` is a = (b LIKE c); and `^` binds tighter than `*`.
 *
 * AND and OR chains become balanced trees: tools generate thousands of terms, and everything behind the parser
 * recurses. Balancing keeps order and meaning, since both are associative in three-valued logic.
 *
 * This file and primary-parser.ts call each other, as the grammar does.
 */

import { SqlError } from '../../protocol/index.js';
import type { BinaryOperator, Expression } from './ast.js';
import { Series } from './parse-progress.js';
import { parsePrimary } from './primary-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';
import { castTo } from './cast-parser.js';

const COMPARISONS: ReadonlyMap<string, BinaryOperator> = new Map([
  ['=', '='],
  ['<=>', '<=>'],
  ['<>', '<>'],
  ['!=', '<>'],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
]);

/** Operators of a bit expression: how tightly they bind, and their names in the tree. */
const BIT_OPERATORS: ReadonlyMap<
  string,
  { readonly level: number; readonly name: BinaryOperator }
> = new Map([
  ['|', { level: 1, name: '|' }],
  ['&', { level: 2, name: '&' }],
  ['<<', { level: 3, name: '<<' }],
  ['>>', { level: 3, name: '>>' }],
  ['+', { level: 4, name: '+' }],
  ['-', { level: 4, name: '-' }],
  ['*', { level: 5, name: '*' }],
  ['/', { level: 5, name: '/' }],
  ['%', { level: 5, name: '%' }],
  ['DIV', { level: 5, name: 'div' }],
  ['MOD', { level: 5, name: '%' }],
  ['^', { level: 6, name: '^' }],
]);

/** Brackets before a subquery that are looked through; each level of nesting looks again. */
const QUERY_BRACKETS_MAX = 8;

const PREDICATES = ['IN', 'BETWEEN', 'LIKE', 'REGEXP', 'RLIKE', 'ILIKE', 'MEMBER', 'SOUNDS'];

/** Throws SqlError: 1064, and 1235 for what is known and not built. */
export function parseExpressionAt(cursor: TokenCursor): Expression {
  return cursor.atLoneItem() ? parsePrimary(cursor) : cursor.nested(() => parseOr(cursor));
}

function parseOr(cursor: TokenCursor): Expression {
  return balanced('or', cursor.series(Series.or, parseXor, acceptOr));
}

function acceptOr(cursor: TokenCursor): boolean {
  return cursor.accept('OR') || (cursor.options.pipesAsConcat !== true && cursor.accept('||'));
}

function parseXor(cursor: TokenCursor): Expression {
  let left = parseAnd(cursor);
  for (let count = 0; cursor.accept('XOR'); count += 1) {
    growChain(cursor, count);
    left = { kind: 'binary', operator: 'xor', left, right: parseAnd(cursor) };
  }
  return left;
}

function parseAnd(cursor: TokenCursor): Expression {
  return balanced('and', cursor.series(Series.and, parseNot, acceptAnd));
}

function acceptAnd(cursor: TokenCursor): boolean {
  return cursor.accept('AND') || cursor.accept('&&');
}

function balanced(operator: 'and' | 'or', terms: readonly Expression[]): Expression {
  const [first] = terms;
  if (first === undefined) {
    throw new Error('a chain has at least one term');
  }
  if (terms.length === 1) {
    return first;
  }
  const middle = terms.length >> 1;
  return {
    kind: 'binary',
    operator,
    left: balanced(operator, terms.slice(0, middle)),
    right: balanced(operator, terms.slice(middle)),
  };
}

function parseNot(cursor: TokenCursor): Expression {
  if (cursor.accept('NOT')) {
    const operand = cursor.nested(() => parseNot(cursor));
    return { kind: 'unary', operator: 'not', operand };
  }
  return parseComparison(cursor);
}

function parseComparison(cursor: TokenCursor): Expression {
  let left = parsePredicate(cursor);
  for (let count = 0; ; count += 1) {
    const operator = COMPARISONS.get(cursor.peek().keyword);
    if (operator !== undefined) {
      cursor.next();
      if (cursor.atAny(['ANY', 'ALL', 'SOME']) && cursor.peek(1).keyword === '(') {
        throw notSupported('subqueries');
      }
      left = { kind: 'binary', operator, left, right: parsePredicate(cursor) };
    } else if (cursor.accept('IS')) {
      left = parseIs(cursor, left);
    } else {
      return left;
    }
    growChain(cursor, count);
  }
}

/** Behind IS. */
function parseIs(cursor: TokenCursor, operand: Expression): Expression {
  const negated = cursor.accept('NOT');
  switch (cursor.acceptAny(['NULL', 'UNKNOWN', 'TRUE', 'FALSE'])) {
    case 'NULL':
    case 'UNKNOWN':
      return { kind: 'isNull', operand, negated };
    case 'TRUE':
      return { kind: 'isBoolean', operand, value: true, negated };
    case 'FALSE':
      return { kind: 'isBoolean', operand, value: false, negated };
    default:
      throw cursor.fault();
  }
}

function parsePredicate(cursor: TokenCursor): Expression {
  const operand = parseBitExpression(cursor, 1);
  const negated = cursor.at('NOT') && PREDICATES.includes(cursor.peek(1).keyword);
  if (negated) {
    cursor.next();
  }
  switch (cursor.acceptAny(PREDICATES)) {
    case null:
      return operand;
    case 'IN':
      return { kind: 'in', operand, list: parseInList(cursor), negated };
    case 'BETWEEN': {
      const low = parseBitExpression(cursor, 1);
      cursor.expect('AND');
      const high = cursor.nested(() => parsePredicate(cursor));
      return { kind: 'between', operand, low, high, negated };
    }
    case 'LIKE': {
      const pattern = parseUnary(cursor);
      return { kind: 'like', operand, pattern, escape: parseEscape(cursor), negated };
    }
    case 'REGEXP':
    case 'RLIKE':
      return { kind: 'regexp', operand, pattern: parseBitExpression(cursor, 1), negated };
    case 'ILIKE':
      throw notSupported('ILIKE; write LIKE ... COLLATE utf8mb4_0900_ai_ci');
    case 'MEMBER':
      throw notSupported('MEMBER OF');
    default:
      throw notSupported('SOUNDS LIKE');
  }
}

function parseInList(cursor: TokenCursor): readonly Expression[] {
  if (cursor.peek().keyword === '(' && isQueryStart(cursor, 1)) {
    throw notSupported('subqueries');
  }
  return cursor.bracketedList(parseExpressionAt);
}

/** [ESCAPE 'c'] */
function parseEscape(cursor: TokenCursor): string | null {
  if (!cursor.accept('ESCAPE')) {
    return null;
  }
  const escape = cursor.string();
  if ([...escape].length > 1) {
    throw new SqlError('ER_WRONG_ARGUMENTS', 'Incorrect arguments to ESCAPE');
  }
  return escape;
}

/** What stands before IN in POSITION(a IN b): everything that binds tighter than a predicate. */
export function parseOperandAt(cursor: TokenCursor): Expression {
  return cursor.nested(() => parseBitExpression(cursor, 1));
}

/** Operators of at least `level`, all of which chain from the left. */
function parseBitExpression(cursor: TokenCursor, level: number): Expression {
  let left = parseUnary(cursor);
  for (let count = 0; ; count += 1) {
    const operator = BIT_OPERATORS.get(cursor.peek().keyword);
    if (operator === undefined || operator.level < level) {
      return left;
    }
    growChain(cursor, count);
    cursor.next();
    const right = parseBitExpression(cursor, operator.level + 1);
    left = { kind: 'binary', operator: operator.name, left, right };
  }
}

function growChain(cursor: TokenCursor, count: number): void {
  if (count > 0) {
    cursor.chainGrew();
  }
}

/** MySQL's simple expression: prefix operators and what binds tighter. Under PIPES_AS_CONCAT `||` binds here too. */
function parseUnary(cursor: TokenCursor): Expression {
  let left = parsePrefixed(cursor);
  for (let count = 0; cursor.options.pipesAsConcat === true && cursor.accept('||'); count += 1) {
    growChain(cursor, count);
    left = { kind: 'binary', operator: '||', left, right: parsePrefixed(cursor) };
  }
  return left;
}

function parsePrefixed(cursor: TokenCursor): Expression {
  switch (cursor.acceptAny(['-', '+', '~', '!', 'BINARY'])) {
    case '-':
      return negate(nestedPrefixed(cursor));
    case '+':
      return { kind: 'unary', operator: '+', operand: nestedPrefixed(cursor) };
    case '~':
      return { kind: 'unary', operator: '~', operand: nestedPrefixed(cursor) };
    case '!':
      return { kind: 'unary', operator: 'not', operand: nestedPrefixed(cursor) };
    case 'BINARY': {
      const type = { kind: 'blob', spelling: 'varbinary', length: null } as const;
      return { kind: 'cast', operand: nestedPrefixed(cursor), type };
    }
    default:
      return parsePostfixed(cursor);
  }
}

function nestedPrefixed(cursor: TokenCursor): Expression {
  return cursor.nested(() => parsePrefixed(cursor));
}

/** A minus before a number belongs to the number, so that -9223372036854775808 is a BIGINT and not a sum gone over. */
function negate(operand: Expression): Expression {
  if (operand.kind === 'literal') {
    const literal = operand.value;
    switch (literal.type) {
      case 'integer':
        return { kind: 'literal', value: { type: 'integer', value: -literal.value } };
      case 'double':
        return { kind: 'literal', value: { type: 'double', value: -literal.value } };
      case 'decimal': {
        const { text } = literal;
        const negative = text.startsWith('-') ? text.slice(1) : `-${text}`;
        return { kind: 'literal', value: { type: 'decimal', text: negative } };
      }
      default:
        break;
    }
  }
  return { kind: 'unary', operator: '-', operand };
}

function parsePostfixed(cursor: TokenCursor): Expression {
  let operand = parsePrimary(cursor);
  for (let count = 0; ; count += 1) {
    growChain(cursor, count);
    if (cursor.accept('COLLATE')) {
      operand = { kind: 'collate', operand, collation: cursor.nameOrString().toLowerCase() };
    } else if (cursor.accept('::')) {
      operand = castTo(cursor, operand);
    } else if (cursor.accept('->')) {
      operand = jsonPath(cursor, operand);
    } else if (cursor.accept('->>')) {
      operand = call('json_unquote', [jsonPath(cursor, operand)]);
    } else {
      return operand;
    }
  }
}

function jsonPath(cursor: TokenCursor, operand: Expression): Expression {
  const path: Expression = { kind: 'literal', value: { type: 'string', value: cursor.string() } };
  return call('json_extract', [operand, path]);
}

/** A plain call in the tree. */
export function call(name: string, args: readonly Expression[]): Expression {
  return { kind: 'call', name, arguments: args, distinct: false, star: false };
}

/** True when a query starts `ahead` tokens on, which inside brackets means a subquery. */
export function isQueryStart(cursor: TokenCursor, ahead: number): boolean {
  let at = ahead;
  while (cursor.peek(at).keyword === '(' && at - ahead < QUERY_BRACKETS_MAX) {
    at += 1;
  }
  const word = cursor.peek(at).keyword;
  return (
    word === 'SELECT' ||
    word === 'WITH' ||
    word === 'TABLE' ||
    (word === 'VALUES' && cursor.peek(at + 1).keyword === 'ROW')
  );
}
