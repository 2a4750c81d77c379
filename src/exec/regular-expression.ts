/**
 * REGEXP through JavaScript's expressions, which share nearly all of ICU's syntax.
 *
 * JavaScript's matcher can't be stopped once it runs, and it blocks the event loop. So patterns and subjects have a
 * longest length, and a pattern with an unbounded repeat inside an unbounded repeat (the usual way to exponential time)
 * is refused.
 */

import { SqlError } from '../../protocol/index.js';

const PATTERN_CHARACTERS_MAX = 1000;
/** Only this much of a subject is searched. */
const SUBJECT_CHARACTERS_MAX = 65_536;

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '\\p{L}\\p{N}',
  alpha: '\\p{L}',
  blank: ' \\t',
  cntrl: '\\p{Cc}',
  digit: '0-9',
  lower: '\\p{Ll}',
  punct: '\\p{P}\\p{S}',
  space: '\\s',
  upper: '\\p{Lu}',
  xdigit: '0-9A-Fa-f',
};

/** `matchType` letters as MySQL's REGEXP_LIKE: c, i, m, n. Throws ER_REGEXP_ERROR. */
export function compileRegularExpression(
  pattern: string,
  isCaseless: boolean,
  matchType = '',
): (subject: string) => RegExpExecArray | null {
  if (pattern.length > PATTERN_CHARACTERS_MAX)
    throw regexpError(`longer than ${PATTERN_CHARACTERS_MAX} characters`);
  const inline = /^\(\?([imsx]+)\)/.exec(pattern);
  const body = inline === null ? pattern : pattern.slice(inline[0].length);
  let caseless = isCaseless;
  for (const letter of matchType) if (letter === 'i' || letter === 'c') caseless = letter === 'i';
  const letters = (inline?.[1] ?? '') + matchType;
  let flags = 'u';
  if (caseless || inline?.[1]?.includes('i') === true) flags += 'i';
  if (letters.includes('m')) flags += 'm';
  if (letters.includes('s') || matchType.includes('n')) flags += 's';
  if (hasNestedRepeat(body))
    throw regexpError('a repeat inside a repeat could take exponential time');
  const source = body.replace(/\[:(\w+):\]/g, (whole, name: string) => CLASSES[name] ?? whole);
  const expression = compile(source, flags);
  return (subject) => expression.exec(subject.slice(0, SUBJECT_CHARACTERS_MAX));
}

/** ICU takes escapes of plain characters, which only the mode without `u` allows. */
function compile(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  try {
    return new RegExp(source, flags.replace('u', ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw regexpError(error.message.replace(/^Invalid regular expression: /, ''));
  }
}

function regexpError(reason: string): SqlError {
  return new SqlError('ER_REGEXP_ERROR', { reason });
}

/** True for `(a+)*` and the like: a group that holds an unbounded repeat is itself repeated without bound. */
function hasNestedRepeat(pattern: string): boolean {
  const groups: boolean[] = [false];
  let closed: boolean | null = null;
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!;
    const wasClosed = closed;
    closed = null;
    if (character === '\\') i += 1;
    else if (inClass) inClass = character !== ']';
    else if (character === '[') {
      inClass = true;
      if (pattern[i + 1] === ']') i += 1;
    } else if (character === '(') groups.push(false);
    else if (character === ')') {
      closed = groups.length > 1 ? groups.pop()! : false;
      if (closed) groups[groups.length - 1] = true;
    } else if (isUnboundedRepeat(pattern, i)) {
      if (wasClosed === true) return true;
      groups[groups.length - 1] = true;
    }
  }
  return false;
}

function isUnboundedRepeat(pattern: string, at: number): boolean {
  const character = pattern[at];
  return character === '*' || character === '+' || /^\{\d*,\}/.test(pattern.slice(at, at + 12));
}
