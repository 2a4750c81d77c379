/**
 * The time of the row before: its text, from the first byte up to the delimiter, and its value. The same text is the same time. A text with other
 * minutes and seconds is so much earlier or later, where clocks are not put forward or back.
 */

import type { TimeCell } from './time-cell.js';

const TEXT_BYTES_MAX = 48;
const WORD_BYTES = 4;

const QUOTE = 0x27;
const CLOSE = 0x29;
const COMMA = 0x2c;
const DASH = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;

/** Where in a text 'YYYY-MM-DD hh:mm:ss what does not change within an hour stands. */
const DASHES_AT = [5, 8] as const;
const COLONS_AT = [14, 17] as const;
const DIGITS_AT = [1, 2, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19] as const;
const MINUTES_AT = 15;
const SECONDS_AT = 18;
const BEHIND_SECONDS = 20;

export class UsualTime {
  readonly text = new Uint8Array(TEXT_BYTES_MAX);
  /** Of the text; 0 = there is none, or it is longer or shorter than what is compared. */
  length = 0;
  seconds = 0;
  fraction = 0;
  /** `seconds` of the beginning of its hour, if a text of the same hour differs from this one in digits of minutes and seconds alone; else NaN. */
  hour = NaN;
  readonly #view = new DataView(this.text.buffer);

  /** buf[start..end) is the text that `cell` read last. */
  keep(buf: Uint8Array, start: number, end: number, cell: TimeCell): void {
    const length = end - start;
    this.length = length >= WORD_BYTES && length <= TEXT_BYTES_MAX ? length : 0;
    for (let index = 0; index < this.length; index += 1) this.text[index] = buf[start + index]!;
    this.seconds = cell.seconds;
    this.fraction = cell.fraction;
    this.hour = cell.countsEvenly && this.#isUsual ? cell.seconds - this.#secondsOfHour : NaN;
  }

  get #isUsual(): boolean {
    const { text, length } = this;
    return (
      length > BEHIND_SECONDS &&
      text[0] === QUOTE &&
      DASHES_AT.every((at) => text[at] === DASH) &&
      COLONS_AT.every((at) => text[at] === COLON) &&
      DIGITS_AT.every((at) => isDigit(text[at]!)) &&
      !isDigit(text[BEHIND_SECONDS]!)
    );
  }

  get #secondsOfHour(): number {
    return this.#twoDigits(MINUTES_AT) * 60 + this.#twoDigits(SECONDS_AT);
  }

  #twoDigits(at: number): number {
    return (this.text[at]! - ZERO) * 10 + this.text[at + 1]! - ZERO;
  }

  /**
   * The text and a delimiter stand at `start` in `chunk`, which ends at `end`. Compared from the end, where times differ, four bytes at a
   * time; the last step overlaps the one before it.
   */
  isAt(chunk: DataView, start: number, end: number): boolean {
    const { length } = this;
    if (length === 0 || start + length >= end) return false;
    const delimiter = chunk.getUint8(start + length);
    if (delimiter !== COMMA && delimiter !== CLOSE) return false;
    const text = this.#view;
    for (let at = length - WORD_BYTES; at > 0; at -= WORD_BYTES) {
      if (chunk.getInt32(start + at, true) !== text.getInt32(at, true)) return false;
    }
    return chunk.getInt32(start, true) === text.getInt32(0, true);
  }
}

function isDigit(byte: number): boolean {
  return (byte - ZERO) >>> 0 <= 9;
}
