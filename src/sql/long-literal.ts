/**
 * A string literal of any length, resolved as its bytes arrive: quotes taken off, doubled quotes and escapes read.
 *
 *   literal := [_binary | _utf8mb4] '..' | ".."   and then blanks
 *
 * Resumable at any byte. Whoever feeds it knows where the cell ends; `isWhole` then says whether it was such a literal and nothing more.
 */

import { LongBytes } from './long-bytes.js';
import type { LongValue } from './long-value.js';
import { LONG_RUN_BYTES, plainRunEnd } from './plain-run.js';
import { writeEscaped } from './string-literal.js';
import type { SqlTextOptions } from './token.js';

const Mode = {
  /** Behind an introducer. */
  before: 0,
  string: 1,
  escape: 2,
  /** Behind a quote: the end, or half of a doubled one. */
  quote: 3,
  behind: 4,
  /** Something else. */
  refused: 5,
} as const;
type Mode = (typeof Mode)[keyof typeof Mode];

const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;

export class LongLiteral extends LongBytes implements LongValue {
  readonly #backslashEscapes: boolean;
  readonly #ansiQuotes: boolean;
  #mode: Mode = Mode.refused;
  #quote = SINGLE_QUOTE;

  constructor(options: SqlTextOptions) {
    super();
    this.#backslashEscapes = !options.noBackslashEscapes;
    this.#ansiQuotes = options.ansiQuotes;
  }

  get isWhole(): boolean {
    return this.#mode === Mode.quote || this.#mode === Mode.behind;
  }

  get isRefused(): boolean {
    return this.#mode === Mode.refused;
  }

  /** A cell begins with `first`, or with an introducer if `isIntroduced`, which is not given to `add`. False: that is no string. */
  begin(first: number, isIntroduced: boolean): boolean {
    this.length = 0;
    const isQuote = first === SINGLE_QUOTE || (first === DOUBLE_QUOTE && !this.#ansiQuotes);
    this.#quote = isIntroduced ? SINGLE_QUOTE : first;
    this.#mode = isIntroduced || isQuote ? Mode.before : Mode.refused;
    return !this.isRefused;
  }

  add(buf: Uint8Array, start: number, end: number): number {
    // An escape may begin before these bytes and stay two bytes long.
    this.reserve(this.length + end - start + 1);
    let at = start;
    while (at < end) {
      const byte = buf[at]!;
      switch (this.#mode) {
        case Mode.before:
          if (byte === this.#quote) this.#mode = Mode.string;
          else if (byte > SPACE) this.#mode = Mode.refused;
          break;
        case Mode.string:
          at = this.#inside(buf, at, end) - 1;
          break;
        case Mode.escape:
          this.length = writeEscaped(this.bytes, this.length, byte);
          this.#mode = Mode.string;
          break;
        case Mode.quote:
          if (byte === this.#quote) {
            this.bytes[this.length] = byte;
            this.length += 1;
            this.#mode = Mode.string;
          } else {
            this.#mode = byte <= SPACE ? Mode.behind : Mode.refused;
          }
          break;
        default:
          if (byte > SPACE) this.#mode = Mode.refused;
      }
      if (this.#mode === Mode.refused) return at;
      at += 1;
    }
    return end;
  }

  close(): void {
    this.#mode = Mode.refused;
    this.release();
  }

  /** Reads from inside the string on; returns where that ended: behind a quote or a backslash, or at `end`. */
  #inside(buf: Uint8Array, start: number, end: number): number {
    const quote = this.#quote;
    const escapes = this.#backslashEscapes;
    const out = this.bytes;
    let { length } = this;
    let at = start;
    /** So far plain bytes are looked at one by one. */
    let runLimit = at + LONG_RUN_BYTES;
    while (at < end) {
      const byte = buf[at]!;
      if (byte === quote) {
        this.#mode = Mode.quote;
        at += 1;
        break;
      }
      if (byte === BACKSLASH && escapes) {
        at += 1;
        if (at === end) {
          this.#mode = Mode.escape;
          break;
        }
        length = writeEscaped(out, length, buf[at]!);
        at += 1;
        runLimit = at + LONG_RUN_BYTES;
      } else if (at < runLimit) {
        out[length] = byte;
        length += 1;
        at += 1;
      } else {
        const runEnd = plainRunEnd(buf, at, end, quote, escapes);
        out.set(buf.subarray(at, runEnd), length);
        length += runEnd - at;
        at = runEnd;
        runLimit = at + LONG_RUN_BYTES;
      }
    }
    this.length = length;
    return at;
  }
}
