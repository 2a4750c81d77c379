/** The three ways to write a cast: CAST(x AS type), CONVERT(x, type) or CONVERT(x USING charset), and x::type. */

import { SqlError } from '../../protocol/index.js';
import type { Expression } from './ast.js';
import { parseExpressionAt } from './expression-parser.js';
import { intervalOfText } from './interval-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';
import { parseCastType, parseType } from './type-parser.js';

/** Behind CAST. */
export function parseCast(cursor: TokenCursor): Expression {
  cursor.expect('(');
  const operand = parseExpressionAt(cursor);
  if (cursor.at('AT', 'TIME', 'ZONE')) {
    throw notSupported('AT TIME ZONE');
  }
  cursor.expect('AS');
  const cast = castOperand(cursor, operand, () => parseCastType(cursor));
  if (cursor.at('ARRAY')) {
    throw notSupported('CAST ... ARRAY');
  }
  cursor.expect(')');
  return cast;
}

/** Behind CONVERT. */
export function parseConvert(cursor: TokenCursor): Expression {
  cursor.expect('(');
  const operand = parseExpressionAt(cursor);
  let cast: Expression;
  if (cursor.accept('USING')) {
    cast = inCharset(cursor.nameOrString().toLowerCase(), operand);
  } else {
    cursor.expect(',');
    cast = { kind: 'cast', operand, type: parseCastType(cursor) };
  }
  cursor.expect(')');
  return cast;
}

/** Behind `::`. */
export function castTo(cursor: TokenCursor, operand: Expression): Expression {
  return castOperand(cursor, operand, () => parseType(cursor));
}

function castOperand(
  cursor: TokenCursor,
  operand: Expression,
  type: () => Extract<Expression, { kind: 'cast' }>['type'],
): Expression {
  const isText = operand.kind === 'literal' && operand.value.type === 'string';
  if (isText && cursor.at('INTERVAL')) {
    cursor.next();
    return intervalOfText(operand.value.value);
  }
  return { kind: 'cast', operand, type: type() };
}

/** Everything we hold is UTF-8, of which the older names are parts. */
function inCharset(charset: string, operand: Expression): Expression {
  switch (charset) {
    case 'utf8mb4':
    case 'utf8mb3':
    case 'utf8':
      return { kind: 'cast', operand, type: { kind: 'text', spelling: 'varchar', length: null } };
    case 'binary':
      return { kind: 'cast', operand, type: { kind: 'blob', spelling: 'varbinary', length: null } };
    case 'latin1':
    case 'ascii':
    case 'ucs2':
    case 'utf16':
    case 'utf32':
      throw notSupported(`CONVERT ... USING ${charset}; text is utf8mb4 throughout`);
    default:
      throw new SqlError('ER_UNKNOWN_CHARACTER_SET', { name: charset });
  }
}
