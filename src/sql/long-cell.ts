/**
 * The cell of a long literal, a string or hex digits: resolved as it arrives (long-literal.ts, long-hex.ts), and where the column takes any bytes or any text, written as it
 * is resolved. So a value of megabytes takes no turn of its own, neither when its end has come nor before.
 *
 * Elsewhere (VARCHAR(20), INT) the value is converted as a whole: what is longer than such a column holds is refused at once.
 *
 * What is wrong with a text is told when its end has come: where the pieces were cut makes no difference.
 */

import type { SqlError } from '../../protocol/index.js';
import type { CellConverter } from './cell-conversion.js';
import { incorrectString } from './cell-error.js';
import { takesPieces } from './cell-pieces.js';
import { introducerEnd } from './literal-reader.js';
import { LongHex } from './long-hex.js';
import { LongLiteral } from './long-literal.js';
import type { LongValue } from './long-value.js';
import type { RowSink } from './row-sink.js';
import type { SqlTextOptions } from './token.js';
import { badByteAt, characterAt } from './utf8-scan.js';

/** Of each piece so many bytes wait for the next: no character is cut, and an error can quote what follows a bad byte. */
const HELD_BYTES = 16;

export class LongCell {
  readonly #text: LongLiteral;
  readonly #hex = new LongHex();
  /** The one that is read, or was. */
  #literal: LongValue;
  #converter: CellConverter | null = null;
  #sink: RowSink | null = null;
  #isWritten = false;
  #fault: SqlError | null = null;

  constructor(options: SqlTextOptions) {
    this.#text = new LongLiteral(options);
    this.#literal = this.#text;
  }

  /** A literal is being read, and all that came belongs to it. */
  get isOpen(): boolean {
    return this.#converter !== null && !this.#literal.isRefused;
  }

  /** What was read as a literal was more than that. */
  get isRefused(): boolean {
    return this.#converter !== null && this.#literal.isRefused;
  }

  /**
   * A cell begins with buf[start..end), all of an introducer included. Returns what `add` does, or `start` when it begins neither as a string
   * nor as hex digits do; then it is not open.
   */
  open(
    converter: CellConverter,
    sink: RowSink,
    buf: Uint8Array,
    start: number,
    end: number,
  ): number {
    this.close();
    const from = this.#begin(buf, start, end);
    if (from < 0) return start;
    this.#converter = converter;
    this.#sink = sink;
    return this.add(buf, from, end);
  }

  /** The next bytes of the cell. Returns the index of the first that makes it more than a literal; `end` when none does. */
  add(buf: Uint8Array, start: number, end: number): number {
    const at = this.#literal.add(buf, start, end);
    if (this.#isOfPieces()) this.#flush(false);
    return at;
  }

  /** The cell has ended. False when it was no whole literal. Throws what converting the value throws. */
  finish(): boolean {
    const converter = this.#converter;
    const sink = this.#sink;
    const literal = this.#literal;
    if (converter === null || sink === null || !literal.isWhole) return false;
    if (this.#isOfPieces()) {
      this.#flush(true);
      if (this.#fault !== null) throw this.#fault;
    } else if (literal === this.#hex) {
      converter.bytes(sink, literal.bytes.subarray(0, literal.length));
    } else {
      converter.text(sink, literal.bytes, 0, literal.length, false);
    }
    this.close();
    return true;
  }

  close(): void {
    this.#literal.close();
    this.#converter = null;
    this.#sink = null;
    this.#isWritten = false;
    this.#fault = null;
  }

  /** Where what `add` takes begins; -1 when it is no literal. */
  #begin(buf: Uint8Array, start: number, end: number): number {
    const digitsAt = this.#hex.begin(buf, start, end);
    if (digitsAt >= 0) {
      this.#literal = this.#hex;
      return digitsAt;
    }
    this.#literal = this.#text;
    const from = introducerEnd(buf, start, end);
    return this.#text.begin(buf[start]!, from > start) ? from : -1;
  }

  /** The column takes whatever comes: there is nothing to be known of the whole. */
  #isOfPieces(): boolean {
    const converter = this.#converter;
    const sink = this.#sink;
    return converter !== null && sink !== null && takesPieces(converter, sink);
  }

  #flush(isEnd: boolean): void {
    const { bytes, length } = this.#literal;
    const end = isEnd ? length : characterAt(bytes, length - HELD_BYTES);
    if (end < 0 || (end === 0 && !isEnd)) return;
    this.#write(bytes, end, length);
    this.#literal.drop(end);
  }

  /** bytes[0..end) are the next of the value; `length` bytes of it are known. */
  #write(bytes: Uint8Array, end: number, length: number): void {
    if (this.#fault !== null) return;
    const converter = this.#converter!;
    const badAt = converter.type.kind === 'text' ? badByteAt(bytes, 0, end) : -1;
    if (badAt >= 0) {
      this.#fault = incorrectString(converter, bytes, badAt, length);
    } else if (this.#isWritten) {
      this.#sink!.addBytes(converter.column, bytes, 0, end);
    } else {
      this.#sink!.setBytes(converter.column, bytes, 0, end);
      this.#isWritten = true;
    }
  }
}
