/**
 * Function calls, and those that have a grammar of their own. They become ordinary calls, arguments in the order of the
 * plain form where there is one:
 *
 *   EXTRACT(unit FROM x)              extract('unit', x)
 *   SUBSTRING(x FROM a [FOR b])       substring(x, a[, b])     also SUBSTR, MID
 *   POSITION(a IN x)                  locate(a, x)
 *   TRIM([side] [r] FROM x)           trim(x) | ltrim(x) | rtrim(x) | trim(x, r, 'both' | 'leading' | 'trailing')
 *   TIMESTAMPADD(unit, n, x)          timestampadd('unit', n, x)   TIMESTAMPDIFF likewise
 *   GET_FORMAT(DATE, 'x')             get_format('date', 'x')
 *   CHAR(n.. USING utf8mb4)           char(n..) cast to text
 */

import type { Expression } from './ast.js';
import { call, isQueryStart, parseExpressionAt, parseOperandAt } from './expression-parser.js';
import { parseIntervalUnit } from './interval-parser.js';
import { literal } from './primary-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

/** At a name with a bracket behind it. */
export function parseCall(cursor: TokenCursor): Expression {
  const name = cursor.next().value.toLowerCase();
  cursor.expect('(');
  const parsed = parseArguments(cursor, name);
  cursor.expect(')');
  refuseDecorations(cursor);
  return parsed;
}

function parseArguments(cursor: TokenCursor, name: string): Expression {
  switch (name) {
    case 'extract': {
      const unit = parseIntervalUnit(cursor);
      cursor.expect('FROM');
      return call(name, [text(unit), parseExpressionAt(cursor)]);
    }
    case 'timestampadd':
    case 'timestampdiff': {
      const unit = parseIntervalUnit(cursor);
      cursor.expect(',');
      return call(name, [text(unit), ...plainArguments(cursor)]);
    }
    case 'get_format': {
      const kind = cursor.acceptAny(['DATE', 'TIME', 'DATETIME', 'TIMESTAMP']);
      if (kind === null) {
        throw cursor.fault();
      }
      cursor.expect(',');
      return call(name, [text(kind.toLowerCase()), parseExpressionAt(cursor)]);
    }
    case 'substring':
    case 'substr':
    case 'mid':
      return parseSubstring(cursor);
    case 'position': {
      const sought = parseOperandAt(cursor);
      cursor.expect('IN');
      return call('locate', [sought, parseExpressionAt(cursor)]);
    }
    case 'trim':
      return parseTrim(cursor);
    case 'char':
      return parseChar(cursor);
    default:
      return parsePlainCall(cursor, name);
  }
}

function parsePlainCall(cursor: TokenCursor, name: string): Expression {
  if (cursor.at('*') && cursor.peek(1).keyword === ')') {
    if (name !== 'count') {
      throw cursor.fault();
    }
    cursor.next();
    return { kind: 'call', name, arguments: [], distinct: false, star: true };
  }
  const distinct = cursor.accept('DISTINCT');
  if (!distinct) {
    cursor.accept('ALL');
  }
  const args = cursor.at(')') && !distinct ? [] : plainArguments(cursor);
  if (cursor.at('ORDER', 'BY')) {
    throw notSupported(`ORDER BY inside ${name.toUpperCase()}()`);
  }
  if (cursor.at('SEPARATOR')) {
    throw notSupported(`SEPARATOR inside ${name.toUpperCase()}()`);
  }
  return { kind: 'call', name, arguments: args, distinct, star: false };
}

function plainArguments(cursor: TokenCursor): readonly Expression[] {
  if (isQueryStart(cursor, 0)) {
    throw notSupported('subqueries');
  }
  return cursor.list(() => parseExpressionAt(cursor));
}

function parseSubstring(cursor: TokenCursor): Expression {
  const operand = parseExpressionAt(cursor);
  if (!cursor.accept('FROM')) {
    cursor.expect(',');
    return call('substring', [operand, ...plainArguments(cursor)]);
  }
  const start = parseExpressionAt(cursor);
  const length = cursor.accept('FOR') ? [parseExpressionAt(cursor)] : [];
  return call('substring', [operand, start, ...length]);
}

function parseTrim(cursor: TokenCursor): Expression {
  const side = (cursor.acceptAny(['BOTH', 'LEADING', 'TRAILING']) ?? 'BOTH').toLowerCase();
  if (cursor.accept('FROM')) {
    return call(plainTrim(side), [parseExpressionAt(cursor)]);
  }
  const first = parseExpressionAt(cursor);
  if (cursor.accept('FROM')) {
    return call('trim', [parseExpressionAt(cursor), first, text(side)]);
  }
  if (side !== 'both') {
    throw cursor.fault();
  }
  return call('trim', [first]);
}

function plainTrim(side: string): string {
  return side === 'leading' ? 'ltrim' : side === 'trailing' ? 'rtrim' : 'trim';
}

function parseChar(cursor: TokenCursor): Expression {
  const made = call('char', plainArguments(cursor));
  if (!cursor.accept('USING')) {
    return made;
  }
  const charset = cursor.nameOrString().toLowerCase();
  if (!['utf8mb4', 'utf8', 'utf8mb3'].includes(charset)) {
    throw notSupported(`CHAR(... USING ${charset})`);
  }
  return { kind: 'cast', operand: made, type: { kind: 'text', spelling: 'varchar', length: null } };
}

/** What may follow the brackets and is not built. */
function refuseDecorations(cursor: TokenCursor): void {
  if (cursor.at('OVER')) {
    throw notSupported('window functions');
  }
  if (cursor.at('FILTER', '(')) {
    throw notSupported('FILTER (WHERE ...)');
  }
  if (cursor.at('WITHIN', 'GROUP')) {
    throw notSupported('WITHIN GROUP');
  }
}

function text(value: string): Expression {
  return literal({ type: 'string', value });
}
