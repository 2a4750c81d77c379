/**
 * Finds where a cell of VALUES (..) ends, without understanding it: the comma or bracket that is in no string, comment or inner bracket.
 *
 * Resumable at any byte: everything it must remember between two chunks is one state, the open quote and the depth.
 *
 *   plain    -- ' " ` -->  string   (a doubled quote closes and opens again, which comes to the same)
 *   string   -- \ ------>  escape -- any --> string
 *   plain    -- / -->  slash -- * -->  block -- * --> star -- / --> plain
 *   plain    -- - -->  dash -- - --> dashes -- blank --> line -- newline --> plain      also # --> line
 */

import { LONG_RUN_BYTES, plainRunEnd } from './plain-run.js';

const Mode = {
  plain: 0,
  string: 1,
  escape: 2,
  slash: 3,
  dash: 4,
  dashes: 5,
  line: 6,
  block: 7,
  star: 8,
} as const;
type Mode = (typeof Mode)[keyof typeof Mode];

const NEWLINE = 0x0a;
const SPACE = 0x20;
const HASH = 0x23;
const STAR = 0x2a;
const COMMA = 0x2c;
const DASH = 0x2d;
const SLASH = 0x2f;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;
const SINGLE_QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const BACKTICK = 0x60;
const LETTER_A = 0x61;

/** Digits and letters: where nothing is open they mean nothing here. */
const IS_WORD = new Uint8Array(256);
for (const byte of Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz')) {
  IS_WORD[byte] = 1;
  if (byte >= LETTER_A) IS_WORD[byte - 0x20] = 1;
}

export class CellSkipper {
  readonly #backslashEscapes: boolean;
  readonly #doubleQuoteIsName: boolean;
  #mode: Mode = Mode.plain;
  #quote = 0;
  #depth = 0;
  #seen = 0;
  #openedAt = -1;
  /** Offset of the quote that closed the last string. */
  #closedAt = -1;

  constructor(options: { readonly ansiQuotes: boolean; readonly noBackslashEscapes: boolean }) {
    this.#backslashEscapes = !options.noBackslashEscapes;
    this.#doubleQuoteIsName = options.ansiQuotes;
  }

  /** Before the first byte of a cell. */
  reset(): void {
    this.#mode = Mode.plain;
    this.#depth = 0;
    this.#seen = 0;
    this.#openedAt = -1;
    this.#closedAt = -1;
  }

  /** Bytes of the cell that were looked at. */
  get seen(): number {
    return this.#seen;
  }

  /** True inside a string or a comment. */
  get isInert(): boolean {
    return (
      this.#mode === Mode.string ||
      this.#mode === Mode.escape ||
      this.#mode === Mode.line ||
      this.#mode === Mode.block ||
      this.#mode === Mode.star
    );
  }

  /** How many brackets are open. */
  get depth(): number {
    return this.#depth;
  }

  /** Offset in the cell of the string or comment that is still open, -1 when none is. */
  get openedAt(): number {
    return this.isInert && this.#mode !== Mode.line ? this.#openedAt : -1;
  }

  /** Index of the byte that ends the cell, -1 when buf[start..end) does not hold it. */
  advance(buf: Uint8Array, start: number, end: number): number {
    let longRunAt = start + LONG_RUN_BYTES;
    for (let at = start; at < end; at += 1) {
      const byte = buf[at]!;
      switch (this.#mode) {
        case Mode.string:
          if (byte === this.#quote) {
            this.#mode = Mode.plain;
            this.#closedAt = this.#seen + at - start;
          } else if (byte === BACKSLASH && this.#escapes()) this.#mode = Mode.escape;
          else if (at >= longRunAt) {
            at = plainRunEnd(buf, at, end, this.#quote, this.#escapes()) - 1;
            longRunAt = at + LONG_RUN_BYTES;
          }
          break;
        case Mode.escape:
          this.#mode = Mode.string;
          longRunAt = at + LONG_RUN_BYTES;
          break;
        case Mode.line:
          if (byte === NEWLINE) this.#mode = Mode.plain;
          break;
        case Mode.block:
          if (byte === STAR) this.#mode = Mode.star;
          break;
        case Mode.star:
          if (byte === SLASH) this.#mode = Mode.plain;
          else if (byte !== STAR) this.#mode = Mode.block;
          break;
        default:
          if (this.#mode === Mode.plain && IS_WORD[byte] === 1) {
            // Hex digits may be millions.
            while (at + 1 < end && IS_WORD[buf[at + 1]!] === 1) at += 1;
            break;
          }
          if (this.#plainByte(byte, this.#seen + at - start)) {
            this.#seen += at - start;
            return at;
          }
      }
    }
    this.#seen += end - start;
    return -1;
  }

  #escapes(): boolean {
    const isName =
      this.#quote === BACKTICK || (this.#quote === DOUBLE_QUOTE && this.#doubleQuoteIsName);
    return this.#backslashEscapes && !isName;
  }

  /** A byte outside strings and comments, number `offset` of the cell; true when it ends the cell. */
  #plainByte(byte: number, offset: number): boolean {
    const before = this.#mode;
    this.#mode = Mode.plain;
    switch (byte) {
      case SINGLE_QUOTE:
      case DOUBLE_QUOTE:
      case BACKTICK:
        this.#mode = Mode.string;
        // A doubled quote goes on with the string.
        if (byte !== this.#quote || offset !== this.#closedAt + 1) this.#openedAt = offset;
        this.#quote = byte;
        return false;
      case OPEN:
        this.#depth += 1;
        return false;
      case CLOSE:
        this.#depth -= 1;
        return this.#depth < 0;
      case COMMA:
        return this.#depth === 0;
      case HASH:
        this.#mode = Mode.line;
        return false;
      case SLASH:
        this.#mode = Mode.slash;
        return false;
      case STAR:
        if (before === Mode.slash) {
          this.#mode = Mode.block;
          this.#openedAt = offset - 1;
        }
        return false;
      case DASH:
        this.#mode = before === Mode.dash || before === Mode.dashes ? Mode.dashes : Mode.dash;
        return false;
      default:
        if (before === Mode.dashes && byte <= SPACE && byte !== NEWLINE) this.#mode = Mode.line;
        return false;
    }
  }
}
