/**
 * Text -> tokens.
 *
 * All of MySQL's lexical rules that clients lean on: three kinds of comment, `/*!NNNNN ... *\/` read as text when NNNNN is
 * at most the version we report, strings in either quote with doubled quotes and backslashes, hex and bit literals, names
 * that may start with a digit, and any word taken as a name right behind a dot.
 *
 * Has the whole text before it (statements that come here are bounded; INSERT ... VALUES goes through the byte scanner), and can stop
 * between any two tokens. One pass, no recursion, and it throws nothing but SqlError.
 */

import {
  countDigits,
  digitsToBytes,
  exponentEnd,
  isDigit,
  isNameByte,
  isNameStart,
  nameEnd,
  unescaped,
} from './lexical-rules.js';
import { syntaxError } from './statement-error.js';
import type { SqlTextOptions, Token, TokenKind } from './token.js';

/** 8.0.36, the version that the greeting reports. */
export const VERSION_COMMENT_MAX = 80036;

const SYMBOLS = [
  '<=>',
  '->>',
  '<<',
  '>>',
  '<=',
  '>=',
  '<>',
  '!=',
  '&&',
  '||',
  ':=',
  '::',
  '->',
  '@@',
];

/** By character code: those that no longer symbol begins with. */
const LONE_SYMBOLS: readonly (string | undefined)[] = Array.from({ length: 0x80 }, (_, code) => {
  const symbol = String.fromCharCode(code);
  return '()+*/%=~^,.;{}[]'.includes(symbol) ? symbol : undefined;
});

/** The tokens of `text`, ended by one of kind 'end'. Throws SqlError 1064. */
export function tokenize(text: string, options: SqlTextOptions): Token[] {
  const lexer = new Lexer(text, options);
  lexer.advance(Infinity);
  return lexer.tokens;
}

export class Lexer {
  /** So far; ended by one of kind 'end' once `advance` was true. */
  readonly tokens: Token[] = [];
  readonly #text: string;
  readonly #options: SqlTextOptions;
  #at = 0;
  /** The next backslash, as far as it was looked for. */
  #escapeAt = -1;
  #inVersionComment = false;

  constructor(text: string, options: SqlTextOptions) {
    this.#text = text;
    this.#options = options;
  }

  /** Cuts at most `most` tokens more. True = these were the last. Throws SqlError 1064. */
  advance(most: number): boolean {
    const text = this.#text;
    const enough = this.tokens.length + most;
    while (this.tokens.length < enough) {
      this.#skipBlanks();
      if (this.#at >= text.length) {
        if (this.#inVersionComment) {
          throw syntaxError(text, text.length);
        }
        this.#push('end', '', '', text.length, null);
        return true;
      }
      this.#token();
    }
    return false;
  }

  #push(
    kind: TokenKind,
    keyword: string,
    value: string,
    start: number,
    bytes: Uint8Array | null,
  ): void {
    this.tokens.push({ kind, keyword, value, bytes, start, end: this.#at });
  }

  #skipBlanks(): void {
    const text = this.#text;
    while (this.#at < text.length) {
      const code = text.charCodeAt(this.#at);
      if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) {
        this.#at += 1;
      } else if (code === 0x23 /* # */) {
        this.#skipLine();
      } else if (code === 0x2d /* - */ && isDashComment(text, this.#at)) {
        this.#skipLine();
      } else if (code === 0x2f /* / */ && text.charCodeAt(this.#at + 1) === 0x2a) {
        this.#openComment();
      } else if (
        this.#inVersionComment &&
        code === 0x2a /* * */ &&
        text.charCodeAt(this.#at + 1) === 0x2f
      ) {
        this.#inVersionComment = false;
        this.#at += 2;
      } else {
        return;
      }
    }
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end + 1;
  }

  #openComment(): void {
    const text = this.#text;
    const start = this.#at;
    if (text.charCodeAt(start + 2) !== 0x21 /* ! */) {
      const end = text.indexOf('*/', start + 2);
      if (end < 0) {
        throw syntaxError(text, start);
      }
      this.#at = end + 2;
      return;
    }
    const digits = countDigits(text, start + 3, 6);
    if (digits < 5) {
      this.#inVersionComment = true;
      this.#at = start + 3;
    } else if (Number(text.slice(start + 3, start + 3 + digits)) <= VERSION_COMMENT_MAX) {
      this.#inVersionComment = true;
      this.#at = start + 3 + digits;
    } else {
      this.#at = skipUnwantedVersionComment(text, start);
    }
  }

  #token(): void {
    const text = this.#text;
    const start = this.#at;
    const code = text.charCodeAt(start);
    const next = text.charCodeAt(start + 1);
    if (code === 0x27 || code === 0x22) {
      if (code === 0x22 && this.#options.ansiQuotes) {
        this.#quotedName(code);
      } else {
        this.#string(start);
      }
    } else if (code === 0x60) {
      this.#quotedName(code);
    } else if (next === 0x27 && (code | 0x20) === 0x78 /* x'..' */) {
      this.#quotedBytes(16);
    } else if (next === 0x27 && (code | 0x20) === 0x62 /* b'..' */) {
      this.#quotedBytes(2);
    } else if (next === 0x27 && (code | 0x20) === 0x6e /* n'..' */) {
      this.#at += 1;
      this.#string(start);
    } else if (isDigit(code) || (code === 0x2e && isDigit(next) && !this.#behindName())) {
      this.#numberOrName();
    } else if (isNameStart(code)) {
      if (code === 0x24 && next === 0x24) {
        throw syntaxError(text, start);
      }
      this.#word();
    } else if (code === 0x3f) {
      this.#at += 1;
      this.#push('parameter', '?', '?', start, null);
    } else if (code === 0x40 && next !== 0x40) {
      this.#userVariable();
    } else {
      this.#symbol(code);
    }
  }

  /** `t.1st`: a dot that touches the name before it ends that name, it does not start a number. */
  #behindName(): boolean {
    const last = this.tokens.at(-1);
    return (
      last !== undefined &&
      last.end === this.#at &&
      (last.kind === 'word' || last.kind === 'quotedName')
    );
  }

  #symbol(code: number): void {
    const text = this.#text;
    const start = this.#at;
    const symbol = LONE_SYMBOLS[code] ?? symbolAt(text, start);
    if (symbol === null) {
      throw syntaxError(text, start);
    }
    this.#at += symbol.length;
    this.#push('symbol', symbol, symbol, start, null);
    if (code === 0x2e /* . */ && isNameByte(text.charCodeAt(this.#at))) {
      const touchesName = this.tokens.at(-2)?.end === start;
      if (touchesName) {
        this.#word();
      }
    }
  }

  #word(): void {
    const start = this.#at;
    this.#at = nameEnd(this.#text, start);
    const value = this.#text.slice(start, this.#at);
    this.#push('word', value.toUpperCase(), value, start, null);
  }

  #quotedName(quote: number): void {
    const start = this.#at;
    const value = this.#quoted(quote, false);
    if (value === '') {
      throw syntaxError(this.#text, start);
    }
    this.#push('quotedName', '', value, start, null);
  }

  /** A string whose opening quote is at the current position; `start` is where its token begins (N'..'). */
  #string(start: number): void {
    const quote = this.#text.charCodeAt(this.#at);
    const value = this.#quoted(quote, !this.#options.noBackslashEscapes);
    this.#push('string', '', value, start, null);
  }

  #quoted(quote: number, backslashEscapes: boolean): string {
    const text = this.#text;
    const open = this.#at;
    const mark = String.fromCharCode(quote);
    let value = '';
    let copied = open + 1;
    let quoteAt = text.indexOf(mark, copied);
    let escapeAt = backslashEscapes ? this.#escapeFrom(copied) : Infinity;
    while (quoteAt >= 0) {
      if (escapeAt < quoteAt) {
        value += text.slice(copied, escapeAt) + unescaped(text.charAt(escapeAt + 1));
        copied = escapeAt + 2;
        escapeAt = this.#escapeFrom(copied);
        if (quoteAt < copied) quoteAt = text.indexOf(mark, copied);
        continue;
      }
      value += text.slice(copied, quoteAt);
      if (text.charCodeAt(quoteAt + 1) !== quote) {
        this.#at = quoteAt + 1;
        return value;
      }
      copied = quoteAt + 1;
      quoteAt = text.indexOf(mark, copied + 1);
    }
    throw syntaxError(text, open);
  }

  /** Where the next backslash is; Infinity = there is none. It is looked for once, not for each of many literals before it. */
  #escapeFrom(at: number): number {
    if (this.#escapeAt < at) {
      const found = this.#text.indexOf('\\', at);
      this.#escapeAt = found < 0 ? Infinity : found;
    }
    return this.#escapeAt;
  }

  #quotedBytes(radix: 2 | 16): void {
    const text = this.#text;
    const start = this.#at;
    const close = text.indexOf("'", start + 2);
    const digits = close < 0 ? '' : text.slice(start + 2, close);
    const wellFormed = radix === 2 ? /^[01]*$/.test(digits) : /^([0-9a-f]{2})*$/i.test(digits);
    if (close < 0 || !wellFormed) {
      throw syntaxError(text, start);
    }
    this.#at = close + 1;
    this.#push('bytes', '', '', start, digitsToBytes(digits, radix));
  }

  #numberOrName(): void {
    const text = this.#text;
    const start = this.#at;
    if (text.charCodeAt(start) === 0x30 && this.#prefixedBytes(start)) {
      return;
    }
    let at = start + countDigits(text, start, Infinity);
    let kind: TokenKind = 'integer';
    if (text.charCodeAt(at) === 0x2e) {
      at += 1;
      at += countDigits(text, at, Infinity);
      kind = 'decimal';
    }
    const exponent = exponentEnd(text, at);
    if (exponent > 0) {
      at = exponent;
      kind = 'double';
    }
    if (kind === 'integer' && isNameByte(text.charCodeAt(at))) {
      this.#word();
      return;
    }
    this.#at = at;
    this.#push(kind, '', text.slice(start, at), start, null);
  }

  /** 0x1F and 0b01; anything else behind the letter makes it a name (0xyz). */
  #prefixedBytes(start: number): boolean {
    const text = this.#text;
    const letter = text.charAt(start + 1);
    if (letter !== 'x' && letter !== 'b') {
      return false;
    }
    const end = nameEnd(text, start);
    const digits = text.slice(start + 2, end);
    const radix = letter === 'x' ? 16 : 2;
    if (!(radix === 16 ? /^[0-9a-f]+$/i : /^[01]+$/).test(digits)) {
      return false;
    }
    this.#at = end;
    const even = radix === 16 && digits.length % 2 === 1 ? `0${digits}` : digits;
    this.#push('bytes', '', '', start, digitsToBytes(even, radix));
    return true;
  }

  #userVariable(): void {
    const text = this.#text;
    const start = this.#at;
    this.#at += 1;
    const code = text.charCodeAt(this.#at);
    let name: string;
    if (code === 0x27 || code === 0x22 || code === 0x60) {
      name = this.#quoted(code, code !== 0x60 && !this.#options.noBackslashEscapes);
    } else {
      const nameStart = this.#at;
      while (isNameByte(text.charCodeAt(this.#at)) || text.charCodeAt(this.#at) === 0x2e) {
        this.#at += 1;
      }
      name = text.slice(nameStart, this.#at);
    }
    this.#push('userVariable', '', name, start, null);
  }
}

/** The longest symbol that stands at `start`. */
function symbolAt(text: string, start: number): string | null {
  const long = SYMBOLS.find((symbol) => text.startsWith(symbol, start));
  const first = text.charAt(start);
  return long ?? ('-<>!&|:'.includes(first) ? first : null);
}

/** `--` starts a comment only before a blank, a control character or the end. */
function isDashComment(text: string, at: number): boolean {
  const third = text.charCodeAt(at + 2);
  return text.charCodeAt(at + 1) === 0x2d && !(third > 0x20);
}

/** A version comment for newer servers; comments may stand inside it, one level deep. */
function skipUnwantedVersionComment(text: string, start: number): number {
  let at = start + 3;
  for (;;) {
    const close = text.indexOf('*/', at);
    if (close < 0) {
      throw syntaxError(text, start);
    }
    const open = text.indexOf('/*', at);
    if (open < 0 || open > close) {
      return close + 2;
    }
    const innerClose = text.indexOf('*/', open + 2);
    if (innerClose < 0) {
      throw syntaxError(text, start);
    }
    at = innerClose + 2;
  }
}
