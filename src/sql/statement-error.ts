/**
 * The errors that reading a statement can end in, with MySQL's wording where tools match on it.
 *
 * A syntax error quotes the text from the first token that did not fit, as MySQL does: at most 80 characters, and the
 * line it is on. A statement that is well known but not built says what is missing (1235): a client that knows MySQL must
 * be able to tell a typing error from a feature that does not exist.
 */

import { SqlError } from '../../protocol/index.js';

const NEAR_CHARACTERS_MAX = 80;

/** 1064, for the fault at `offset` of `text`. */
export function syntaxError(text: string, offset: number): SqlError {
  return syntaxErrorNear(text.slice(offset, offset + NEAR_CHARACTERS_MAX), lineOf(text, offset));
}

/** 1064, where only the text from the fault on is at hand; `line` is 1-based. */
export function syntaxErrorNear(text: string, line: number): SqlError {
  return new SqlError('ER_PARSE_ERROR', { near: text.slice(0, NEAR_CHARACTERS_MAX), line });
}

/** 1064 for text that is well formed but nested deeper than we are willing to follow. */
export function nestingError(text: string, offset: number, levelsMax: number): SqlError {
  return new SqlError(
    'ER_PARSE_ERROR',
    `The expression is nested deeper than ${levelsMax} levels at line ${lineOf(text, offset)}; split the statement`,
  );
}

/** 1235. `what` names the statement or clause, in the user's words. */
export function notSupported(what: string): SqlError {
  return new SqlError('ER_NOT_SUPPORTED_YET', { feature: what });
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}
