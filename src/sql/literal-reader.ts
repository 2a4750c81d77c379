/**
 * Plain literals in VALUES, read where they lie: the hot path of every INSERT.
 *
 *   literal := [_binary | _utf8mb4] '..' | ".." | number | 0x.. | X'..' | NULL | TRUE | FALSE | DEFAULT
 *   and then blanks, and `,` or `)`
 *
 * A string or hex literal longer than LITERAL_BYTES_MAX is left to long-cell.ts, which reads it piece by piece.
 *
 * Nothing is written before the delimiter behind the literal was seen: 'a' may be the beginning of 'a' 'b', and 12 of 12345.
 */

import { isAscii } from 'node:buffer';
import { noDefault } from './cell-error.js';
import type { CellConverter } from './cell-conversion.js';
import type { InsertCell } from './insert-target.js';
import { NumberForm, NumberScan } from './number-scan.js';
import { LONG_RUN_BYTES, plainRunEnd } from './plain-run.js';
import type { RowSink } from './row-sink.js';
import { StringUnescaper } from './string-literal.js';
import type { SqlTextOptions } from './token.js';

/** A cell that is not longer is read here, if its end has come; one with a longer number, too. */
export const LITERAL_BYTES_MAX = 65_536;

/** Digits that a double certainly holds. */
const SHORT_DIGITS = 15;

const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const CLOSE = 0x29;
const PLUS = 0x2b;
const COMMA = 0x2c;
const DASH = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
const LETTER_A = 0x61;
const LETTER_D = 0x64;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const LETTER_X = 0x78;
const LETTER_Z = 0x7a;

export class LiteralReader {
  readonly #doubleQuote: number;
  readonly #backslashEscapes: boolean;
  readonly #number = new NumberScan();
  readonly #unescaper = new StringUnescaper();

  constructor(options: SqlTextOptions) {
    // No byte is -1.
    this.#doubleQuote = options.ansiQuotes ? -1 : DOUBLE_QUOTE;
    this.#backslashEscapes = !options.noBackslashEscapes;
  }

  /**
   * Writes the literal at `start` and returns where its delimiter is. -1, and nothing written, when there is no plain literal or
   * its end is not in buf[start..end), or too far. Throws SqlError for a value that does not fit.
   */
  read(cell: InsertCell, sink: RowSink, buf: Uint8Array, start: number, end: number): number {
    const first = buf[start]!;
    if (first === SINGLE_QUOTE || first === this.#doubleQuote) {
      return this.#string(cell.converter, sink, buf, start, end);
    }
    const isNumber =
      (first >= ZERO && first <= NINE) || first === DASH || first === POINT || first === PLUS;
    return isNumber
      ? this.#integer(cell.converter, sink, buf, start, end)
      : this.#word(cell, sink, buf, start, end);
  }

  #string(
    converter: CellConverter,
    sink: RowSink,
    buf: Uint8Array,
    start: number,
    end: number,
  ): number {
    const quote = buf[start]!;
    const limit = Math.min(end, start + LITERAL_BYTES_MAX + 1);
    let at = start + 1;
    let bits = 0;
    let isEscaped = false;
    /** So far plain bytes are looked at one by one. */
    let runLimit = Math.min(limit, at + LONG_RUN_BYTES);
    for (;;) {
      for (; at < runLimit; at += 1) {
        const byte = buf[at]!;
        if (byte === quote) {
          if (at + 1 === end || buf[at + 1] !== quote) break;
          isEscaped = true;
          at += 1;
          runLimit = Math.min(limit, at + LONG_RUN_BYTES);
        } else if (byte === BACKSLASH && this.#backslashEscapes) {
          isEscaped = true;
          at += 1;
          bits |= at < end ? buf[at]! : 0;
          runLimit = Math.min(limit, at + LONG_RUN_BYTES);
        } else {
          bits |= byte;
        }
      }
      if (at < runLimit) break;
      if (at >= limit) return -1;
      const runEnd = plainRunEnd(buf, at, limit, quote, this.#backslashEscapes);
      if (!isAscii(buf.subarray(at, runEnd))) bits |= 0x80;
      at = runEnd;
      runLimit = Math.min(limit, at + LONG_RUN_BYTES);
    }
    const close = delimiterAt(buf, at + 1, end);
    if (close < 0) {
      return -1;
    }
    if (isEscaped) {
      const unescaper = this.#unescaper;
      const length = unescaper.unescape(buf, start + 1, at, quote, this.#backslashEscapes);
      converter.text(sink, unescaper.bytes, 0, length, bits < 0x80);
    } else {
      converter.text(sink, buf, start + 1, at, bits < 0x80);
    }
    return close;
  }

  /** Short integers; what is more goes to `#longNumber`. */
  #integer(
    converter: CellConverter,
    sink: RowSink,
    buf: Uint8Array,
    start: number,
    end: number,
  ): number {
    const isNegative = buf[start] === DASH;
    const digitsAt = isNegative ? start + 1 : start;
    let at = digitsAt;
    let value = 0;
    for (; at < end; at += 1) {
      const digit = buf[at]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    const digits = at - digitsAt;
    const next = at < end ? buf[at] : 0;
    if (digits > 0 && digits <= SHORT_DIGITS && (next === COMMA || next === CLOSE)) {
      converter.integer(sink, isNegative ? 0 - value : value);
      return at;
    }
    return this.#longNumber(converter, sink, buf, start, end);
  }

  #longNumber(
    converter: CellConverter,
    sink: RowSink,
    buf: Uint8Array,
    start: number,
    end: number,
  ): number {
    const scan = this.#number;
    scan.read(buf, start, end);
    if (scan.form === NumberForm.none) {
      return -1;
    }
    const close = delimiterAt(buf, scan.end, end);
    if (close >= 0) {
      converter.number(sink, buf, scan);
      return close;
    }
    const isHex = buf[start] === ZERO && start + 1 < end && buf[start + 1] === LETTER_X;
    return isHex ? hexLiteral(converter, sink, buf, start + 2, end, false) : -1;
  }

  #word(cell: InsertCell, sink: RowSink, buf: Uint8Array, start: number, end: number): number {
    const first = buf[start]! | 0x20;
    if (first === LETTER_X && start + 1 < end && buf[start + 1] === SINGLE_QUOTE) {
      return hexLiteral(cell.converter, sink, buf, start + 2, end, true);
    }
    if (buf[start] === UNDERSCORE) {
      return this.#introduced(cell.converter, sink, buf, start, end);
    }
    const close = delimiterAt(buf, wordEnd(buf, start, end), end);
    if (close < 0) {
      return -1;
    }
    if (first === LETTER_N && isWord(buf, start, close, 'null')) {
      cell.converter.null(sink);
    } else if (first === LETTER_T && isWord(buf, start, close, 'true')) {
      cell.converter.boolean(sink, true);
    } else if (first === LETTER_F && isWord(buf, start, close, 'false')) {
      cell.converter.boolean(sink, false);
    } else if (first === LETTER_D && isWord(buf, start, close, 'default')) {
      writeDefault(cell, sink);
    } else {
      return -1;
    }
    return close;
  }

  /** _binary'..': dumps write BLOBs so. The bytes may be no UTF-8, so that they must not become text on their way. */
  #introduced(
    converter: CellConverter,
    sink: RowSink,
    buf: Uint8Array,
    start: number,
    end: number,
  ): number {
    let at = introducerEnd(buf, start, end);
    if (at === start) return -1;
    while (at < end && buf[at]! <= SPACE) at += 1;
    const isString = at < end && buf[at] === SINGLE_QUOTE;
    return isString ? this.#string(converter, sink, buf, at, end) : -1;
  }
}

/** Behind _binary or _utf8mb4 at `start`; `start` when neither is there. */
export function introducerEnd(buf: Uint8Array, start: number, end: number): number {
  if (buf[start] !== UNDERSCORE) return start;
  let at = start;
  while (at < end && buf[at]! > SPACE && buf[at] !== SINGLE_QUOTE) at += 1;
  const length = at - start;
  const isBinary = length === '_binary'.length && startsWith(buf, start, end, '_binary');
  const isText = length === '_utf8mb4'.length && startsWith(buf, start, end, '_utf8mb4');
  return isBinary || isText ? at : start;
}

/** Throws 1364 when the column has no default. */
export function writeDefault(cell: InsertCell, sink: RowSink): void {
  if (cell.defaultCell === null) {
    throw noDefault(cell.converter);
  }
  cell.defaultCell.replay(sink);
}

/** The digits of a hex literal begin at `start`. */
function hexLiteral(
  converter: CellConverter,
  sink: RowSink,
  buf: Uint8Array,
  start: number,
  end: number,
  isQuoted: boolean,
): number {
  // With what opens it, it is not longer.
  const limit = Math.min(end, start + LITERAL_BYTES_MAX - 1);
  let at = start;
  while (at < limit && hexDigit(buf[at]!) >= 0) at += 1;
  const digits = at - start;
  const isClosed = at < limit && buf[at] === SINGLE_QUOTE && digits % 2 === 0;
  const isWhole = isQuoted ? isClosed : digits > 0 && at < limit;
  const close = isWhole ? delimiterAt(buf, isQuoted ? at + 1 : at, end) : -1;
  if (close < 0) {
    return -1;
  }
  const bytes = new Uint8Array((digits + 1) >> 1);
  for (let digit = digits - 1, to = bytes.length - 1; digit >= 0; digit -= 2, to -= 1) {
    const high = digit > 0 ? hexDigit(buf[start + digit - 1]!) : 0;
    bytes[to] = high * 16 + hexDigit(buf[start + digit]!);
  }
  converter.bytes(sink, bytes);
  return close;
}

/** Where the comma or bracket is that only blanks separate from `start`; -1 when something else comes, or nothing. */
function delimiterAt(buf: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && buf[at]! <= SPACE) at += 1;
  return at < end && (buf[at] === COMMA || buf[at] === CLOSE) ? at : -1;
}

function wordEnd(buf: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (buf[at]! | 0x20) >= LETTER_A && (buf[at]! | 0x20) <= LETTER_Z) at += 1;
  return at;
}

/** True when buf[start..end) is `word` and then at most blanks. */
function isWord(buf: Uint8Array, start: number, end: number, word: string): boolean {
  if (!startsWith(buf, start, end, word)) {
    return false;
  }
  const next = start + word.length;
  return next === end || buf[next]! <= SPACE;
}

/** `word` is in lower case, the bytes in any; `_` is the only other character it may have. */
function startsWith(buf: Uint8Array, start: number, end: number, word: string): boolean {
  if (start + word.length > end) {
    return false;
  }
  for (let index = 0; index < word.length; index += 1) {
    const wanted = word.charCodeAt(index);
    const byte = buf[start + index]!;
    if (byte !== wanted && (byte | 0x20) !== wanted) return false;
  }
  return true;
}

/** -1 for no digit. */
function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = byte | 0x20;
  return letter >= LETTER_A && letter <= LETTER_F ? letter - LETTER_A + 10 : -1;
}
