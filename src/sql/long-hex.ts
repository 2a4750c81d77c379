/**
 * A hex literal of any length, resolved as its digits arrive.
 *
 *   literal := X'..' | x'..' | 0x..   and then blanks
 *
 * Resumable at any byte, as long-literal.ts is. The digits of 0x.. may be odd in number, and the first is a byte of its own then; but that is
 * known only when the last has come, so those of a literal longer than LITERAL_BYTES_MAX may not.
 */

import { LITERAL_BYTES_MAX } from './literal-reader.js';
import { LongBytes } from './long-bytes.js';
import type { LongValue } from './long-value.js';

const Mode = { digits: 0, behind: 1, refused: 2 } as const;
type Mode = (typeof Mode)[keyof typeof Mode];

const OPENING_BYTES = 2;
const ODD_DIGITS_MAX = LITERAL_BYTES_MAX - OPENING_BYTES;

const SPACE = 0x20;
const QUOTE = 0x27;
const ZERO = 0x30;
const LETTER_X = 0x78;

/** Values of the bytes that are digits; of others NO_DIGIT. */
const NO_DIGIT = 0xff;
const DIGITS = new Uint8Array(256).fill(NO_DIGIT);
for (const digit of '0123456789abcdefABCDEF') DIGITS[digit.charCodeAt(0)] = parseInt(digit, 16);

export class LongHex extends LongBytes implements LongValue {
  #mode: Mode = Mode.refused;
  #isQuoted = false;
  /** So far. */
  #digitCount = 0;
  /** The first digit of a byte whose second has not come, or NO_DIGIT. */
  #first = NO_DIGIT;

  get isWhole(): boolean {
    const isEnded = this.#isQuoted ? this.#mode === Mode.behind : this.#mode !== Mode.refused;
    return isEnded && this.#first === NO_DIGIT && (this.#isQuoted || this.#digitCount > 0);
  }

  get isRefused(): boolean {
    return this.#mode === Mode.refused;
  }

  /**
   * A cell begins with buf[start..end). Returns where its digits begin; -1 when it is no such literal. Requires: at least LITERAL_BYTES_MAX bytes,
   * and that all of them are given to the first `add`.
   */
  begin(buf: Uint8Array, start: number, end: number): number {
    this.length = 0;
    this.#first = NO_DIGIT;
    this.#digitCount = 0;
    const first = buf[start]!;
    const second = start + 1 < end ? buf[start + 1] : 0;
    this.#isQuoted = second === QUOTE;
    const isHex = this.#isQuoted
      ? (first | 0x20) === LETTER_X
      : first === ZERO && second === LETTER_X;
    this.#mode = isHex ? Mode.digits : Mode.refused;
    return isHex ? start + OPENING_BYTES : -1;
  }

  add(buf: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#mode === Mode.digits) {
      at = this.#digits(buf, at, end);
      if (at === end) return end;
      const isEnded = this.#isQuoted ? buf[at] === QUOTE : buf[at]! <= SPACE;
      if (isEnded && !this.#isQuoted) this.#makeEven();
      this.#mode = isEnded && this.#first === NO_DIGIT ? Mode.behind : Mode.refused;
      if (this.#mode === Mode.refused) return at;
      at += 1;
    }
    while (at < end && buf[at]! <= SPACE) at += 1;
    if (at < end) this.#mode = Mode.refused;
    return at;
  }

  close(): void {
    this.#mode = Mode.refused;
    this.release();
  }

  /** Reads digits on, up to the first byte that is none. */
  #digits(buf: Uint8Array, start: number, end: number): number {
    // One more for the last of an odd number.
    this.reserve(this.length + ((end - start + 1) >> 1) + 1);
    const out = this.bytes;
    let { length } = this;
    let first = this.#first;
    let at = start;
    for (; at < end; at += 1) {
      const digit = DIGITS[buf[at]!]!;
      if (digit === NO_DIGIT) break;
      if (first === NO_DIGIT) first = digit;
      else {
        out[length] = first * 16 + digit;
        length += 1;
        first = NO_DIGIT;
      }
    }
    this.#first = first;
    this.#digitCount += at - start;
    this.length = length;
    return at;
  }

  /** All digits have come. Of few, none has been taken yet. */
  #makeEven(): void {
    if (this.#first === NO_DIGIT || this.#digitCount > ODD_DIGITS_MAX) return;
    const { bytes } = this;
    let first = 0;
    for (let at = 0; at < this.length; at += 1) {
      const both = bytes[at]!;
      bytes[at] = first * 16 + (both >> 4);
      first = both & 0x0f;
    }
    bytes[this.length] = first * 16 + this.#first;
    this.length += 1;
    this.#first = NO_DIGIT;
  }
}
