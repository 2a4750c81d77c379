/**
 * The rows of INSERT ... VALUES, from bytes straight into a batch.
 *
 *   rows  := row { , row } [;]
 *   row   := [ROW] ( [cell { , cell }] )
 *   cell  := literal | expression
 *
 * A state machine that is fed the text as it arrives and can stop at any byte. It assembles no frame and builds no tree. A plain
 * literal that lies within a chunk is read where it lies and converted into the batch without a JavaScript
 * value of its own. Everything else goes the slower way:
 *
 *   cell cut by the end of a chunk   its bytes are carried over, and read as above once its end has arrived
 *   anything but a plain literal     its text is handed to the target, which evaluates it
 *
 * Each byte is looked at a bounded number of times whatever the chunks: only the one cell that a chunk's end cuts is read twice,
 * a row never. Errors do not depend on the chunks either: the text that a 1064 quotes is collected until
 * there is enough of it.
 */

import { SqlError } from '../../protocol/index.js';
import type { TypedValue } from '../exec/sql-value.js';
import { noDefault } from './cell-error.js';
import type { CellConverter, ConversionContext } from './cell-conversion.js';
import { CellSkipper } from './cell-skipper.js';
import { NumberForm, NumberScan } from './number-scan.js';
import type { RecordedCell } from './recorded-cell.js';
import type { RowSink } from './row-sink.js';
import { notSupported, syntaxErrorNear } from './statement-error.js';
import { StringUnescaper } from './string-literal.js';
import type { SqlTextOptions } from './token.js';
import { writeTypedValue } from './typed-cell.js';

/** One position in the rows of VALUES. */
export interface InsertCell {
  readonly converter: CellConverter;
  /** What DEFAULT means here; null when the column must be given. */
  readonly defaultCell: RecordedCell | null;
}

/** Where the rows go. */
export interface InsertTarget {
  /** Looked at anew in each `write`: it may be another one after `onBatchFull`. */
  readonly batch: RowSink;
  /** The scanner sets `row`. */
  readonly context: ConversionContext;
  readonly cells: readonly InsertCell[];
  /** The columns that the statement does not name, written into every row. */
  readonly omitted: readonly RecordedCell[];
  /** The value of an expression at position `position`. Throws SqlError. */
  evaluate(text: string, position: number): TypedValue;
  /** Asked after each row. */
  isBatchFull(): boolean;
  /** Called between two `write`s, never from inside one. */
  onBatchFull(): void | Promise<void>;
}

export interface InsertScannerOptions extends SqlTextOptions {
  /** Line of the statement on which the rows begin, from 1. */
  readonly line: number;
  /** Rows after which `write` returns, so that its caller can let others run. */
  readonly rowsPerTurn: number;
}

const State = {
  /** A row must come. */
  row: 0,
  /** Inside the word ROW. */
  rowWord: 1,
  /** Behind ROW. */
  bracket: 2,
  /** A cell must come; in the first position of a row also its end. */
  cell: 3,
  /** Inside a cell whose beginning is in the carry. */
  carry: 4,
  /** Behind a row. */
  rowEnd: 5,
  /** Behind the `;`. */
  ended: 6,
  /** Collecting what stands behind the last row, or the text of a fault. */
  tail: 7,
  failed: 8,
} as const;
type State = (typeof State)[keyof typeof State];

/** Blanks and comments between tokens; behind `none` the names say what was seen last. */
const Gap = { none: 0, slash: 1, opened: 2, block: 3, star: 4, dash: 5, dashes: 6, line: 7 } as const;
type Gap = (typeof Gap)[keyof typeof Gap];

/** An expression costs about as much time as so many rows. */
const EXPRESSION_ROWS = 16;
const EXPRESSION_BYTES_MAX = 65_536;
/** 80 characters of at most four bytes. */
const NEAR_BYTES_MAX = 320;

const SPACE = 0x20;
const SINGLE_QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const STAR = 0x2a;
const PLUS = 0x2b;
const COMMA = 0x2c;
const DASH = 0x2d;
const POINT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const SEMICOLON = 0x3b;
const HASH = 0x23;
const BANG = 0x21;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
/** Digits that a double certainly holds. */
const SHORT_DIGITS = 15;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const ROW_LETTERS = [0x72, 0x6f, 0x77];

export class InsertScanner {
  readonly #target: InsertTarget;
  readonly #cells: readonly InsertCell[];
  #batch: RowSink;
  readonly #options: InsertScannerOptions;
  readonly #backslashEscapes: boolean;
  readonly #skipper: CellSkipper;
  readonly #number = new NumberScan();
  readonly #unescaper = new StringUnescaper();
  #state: State = State.row;
  #gap: Gap = Gap.none;
  #rowLetters = 0;
  #row = 0;
  #position = 0;
  #turn = 0;
  #isBatchFull = false;
  #carry = new Uint8Array(1024);
  #carryLength = 0;
  readonly #tail = new Uint8Array(NEAR_BYTES_MAX);
  #tailLength = 0;
  #tailIsFault = false;
  #tailLine = 0;
  /** Newlines in chunks that are done with. */
  #line: number;
  #chunk = new Uint8Array();
  #chunkStart = 0;

  constructor(target: InsertTarget, options: InsertScannerOptions) {
    this.#target = target;
    this.#cells = target.cells;
    this.#batch = target.batch;
    this.#options = options;
    this.#backslashEscapes = !options.noBackslashEscapes;
    this.#skipper = new CellSkipper(options);
    this.#line = options.line;
  }

  /** Rows written so far. */
  get rowCount(): number {
    return this.#row;
  }

  /** True when the last `write` stopped because the batch is full: `onBatchFull` is due. */
  get isBatchFull(): boolean {
    return this.#isBatchFull;
  }

  /**
   * Reads chunk[start..end) and returns how many bytes it took: fewer than given when the batch is full or enough rows were
   * read for one turn. Throws SqlError; the statement is over then, and the row under construction is abandoned.
   */
  write(chunk: Uint8Array, start: number, end: number): number {
    if (this.#state === State.failed) {
      throw new Error('a failed scan takes no more text');
    }
    this.#turn = this.#options.rowsPerTurn;
    this.#isBatchFull = false;
    this.#chunk = chunk;
    this.#chunkStart = start;
    this.#batch = this.#target.batch;
    let at = start;
    try {
      while (at < end && this.#turn > 0) {
        at = this.#step(chunk, at, end);
      }
    } catch (error) {
      this.#fail();
      throw error;
    }
    this.#line += countNewlines(chunk, start, at);
    return at - start;
  }

  /** The text is over. Throws SqlError 1064 when it ended too early or went on behind its end, 1235 for clauses not built. */
  end(): void {
    if (this.#state === State.failed) {
      throw new Error('a failed scan has no end');
    }
    const isWhole =
      (this.#state === State.rowEnd || this.#state === State.ended) &&
      (this.#gap === Gap.none || this.#gap === Gap.line || this.#gap === Gap.dashes);
    if (isWhole) {
      return;
    }
    const error = this.#endError();
    this.#fail();
    throw error;
  }

  #fail(): void {
    const inRow = this.#state === State.cell || this.#state === State.carry;
    if (inRow) {
      this.#batch.abandonRow();
    }
    this.#state = State.failed;
  }

  #endError(): SqlError {
    if (this.#state === State.tail) {
      return this.#tailError();
    }
    const opened = this.#state === State.carry ? this.#skipper.openedAt : -1;
    if (opened < 0) {
      return syntaxErrorNear('', this.#line);
    }
    const near = decoder.decode(this.#carry.subarray(opened, this.#carryLength));
    const behind = countNewlines(this.#carry, opened, this.#carryLength);
    return syntaxErrorNear(near, this.#line - behind);
  }

  #step(buf: Uint8Array, start: number, end: number): number {
    if (this.#state === State.carry) {
      return this.#continueCarry(buf, start, end);
    }
    if (this.#state === State.tail) {
      return this.#collectTail(buf, start, end);
    }
    if (this.#gap !== Gap.none) {
      return this.#continueGap(buf, start, end);
    }
    if (this.#state === State.rowWord) {
      return this.#punctuation(start, buf[start]!);
    }
    let at = start;
    let byte = buf[at]!;
    while (byte <= SPACE) {
      at += 1;
      if (at === end) {
        return end;
      }
      byte = buf[at]!;
    }
    if (byte === SLASH || byte === HASH || byte === DASH) {
      const isNumber = byte === DASH && at + 1 < end && buf[at + 1] !== DASH;
      if (!isNumber) {
        this.#gap = byte === SLASH ? Gap.slash : byte === HASH ? Gap.line : Gap.dash;
        return at + 1;
      }
    }
    if (this.#state === State.cell) {
      return this.#cell(buf, at, end);
    }
    return this.#punctuation(at, byte);
  }

  /** A byte between rows. */
  #punctuation(at: number, byte: number): number {
    switch (this.#state) {
      case State.row:
      case State.bracket:
        if (byte === OPEN) {
          this.#beginRow();
          return at + 1;
        }
        if (this.#state === State.row && (byte | 0x20) === ROW_LETTERS[0]) {
          this.#rowLetters = 1;
          this.#state = State.rowWord;
          return at + 1;
        }
        break;
      case State.rowWord:
        if ((byte | 0x20) === ROW_LETTERS[this.#rowLetters]) {
          this.#rowLetters += 1;
          if (this.#rowLetters === ROW_LETTERS.length) this.#state = State.bracket;
          return at + 1;
        }
        break;
      case State.rowEnd:
        if (byte === COMMA) {
          this.#state = State.row;
          return at + 1;
        }
        if (byte === SEMICOLON) {
          this.#state = State.ended;
          return at + 1;
        }
        this.#beginTail(at, false);
        return at;
      default:
        if (byte === SEMICOLON) {
          return at + 1;
        }
    }
    this.#beginTail(at, true);
    return at;
  }

  #beginRow(): void {
    this.#row += 1;
    this.#position = 0;
    this.#target.context.row = this.#row;
    this.#state = State.cell;
  }

  /** Reads the cell that begins at `start`, up to and with the comma or bracket behind it, or starts to carry it. */
  #cell(buf: Uint8Array, start: number, end: number): number {
    const first = buf[start]!;
    if (first === CLOSE && this.#position === 0) {
      this.#emptyRow();
      return start + 1;
    }
    if (first === COMMA || first === CLOSE) {
      this.#beginTail(start, true);
      return start;
    }
    const cell = this.#cells[this.#position];
    if (cell === undefined) {
      throw this.#wrongCount();
    }
    const { converter } = cell;
    const batch = this.#batch;
    let close = -1;
    if (first === SINGLE_QUOTE || (first === DOUBLE_QUOTE && !this.#options.ansiQuotes)) {
      let at = start + 1;
      let bits = 0;
      let isEscaped = false;
      for (; at < end; at += 1) {
        const byte = buf[at]!;
        if (byte === first) {
          if (at + 1 < end && buf[at + 1] === first) at += 1;
          else break;
          isEscaped = true;
        } else if (byte === BACKSLASH && this.#backslashEscapes) {
          isEscaped = true;
          at += 1;
          bits |= at < end ? buf[at]! : 0;
        } else {
          bits |= byte;
        }
      }
      close = delimiterAt(buf, at + 1, end);
      if (close >= 0) {
        if (isEscaped) this.#escapedText(converter, buf, start, at, bits < 0x80);
        else converter.text(batch, buf, start + 1, at, bits < 0x80);
      }
    } else if (isNumberStart(first)) {
      const isNegative = first === DASH;
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
        converter.integer(batch, isNegative ? 0 - value : value);
        close = at;
      } else {
        close = this.#plainNumber(converter, buf, start, end);
      }
    } else {
      close = this.#word(cell, buf, start, end);
    }
    if (close < 0) {
      return this.#expressionOrCarry(buf, start, end);
    }
    this.#endCell(buf[close]!);
    return close + 1;
  }

  #escapedText(
    converter: CellConverter,
    buf: Uint8Array,
    start: number,
    end: number,
    isAscii: boolean,
  ): void {
    const unescaper = this.#unescaper;
    const length = unescaper.unescape(buf, start + 1, end, buf[start]!, this.#backslashEscapes);
    converter.text(this.#batch, unescaper.bytes, 0, length, isAscii);
  }

  /** Any number; returns where its delimiter is, -1 when it is no plain number or not whole. */
  #plainNumber(converter: CellConverter, buf: Uint8Array, start: number, end: number): number {
    const scan = this.#number;
    scan.read(buf, start, end);
    if (scan.form === NumberForm.none) {
      return -1;
    }
    const close = delimiterAt(buf, scan.end, end);
    if (close >= 0) {
      converter.number(this.#batch, buf, scan);
    } else if (buf[start] === ZERO && buf[start + 1] === 0x78) {
      return this.#hex(converter, buf, start + 2, end, false);
    }
    return close;
  }

  /** NULL, TRUE, FALSE, DEFAULT and X'..'; returns where the delimiter is, -1 for anything else. */
  #word(cell: InsertCell, buf: Uint8Array, start: number, end: number): number {
    const batch = this.#batch;
    const first = buf[start]! | 0x20;
    const close = delimiterAt(buf, wordEnd(buf, start, end), end);
    if (first === 0x78 && start + 1 < end && buf[start + 1] === SINGLE_QUOTE) {
      return this.#hex(cell.converter, buf, start + 2, end, true);
    }
    if (close < 0) {
      return -1;
    }
    if (first === 0x6e && isWord(buf, start, close, 'null')) {
      cell.converter.null(batch);
    } else if (first === 0x74 && isWord(buf, start, close, 'true')) {
      cell.converter.boolean(batch, true);
    } else if (first === 0x66 && isWord(buf, start, close, 'false')) {
      cell.converter.boolean(batch, false);
    } else if (first === 0x64 && isWord(buf, start, close, 'default')) {
      this.#default(cell);
    } else {
      return -1;
    }
    return close;
  }

  #hex(
    converter: CellConverter,
    buf: Uint8Array,
    start: number,
    end: number,
    isQuoted: boolean,
  ): number {
    let at = start;
    while (at < end && hexDigit(buf[at]!) >= 0) at += 1;
    const digits = at - start;
    const isWhole = isQuoted ? at < end && buf[at] === SINGLE_QUOTE && digits % 2 === 0 : digits > 0;
    const close = isWhole ? delimiterAt(buf, isQuoted ? at + 1 : at, end) : -1;
    if (close < 0) {
      return -1;
    }
    const bytes = new Uint8Array((digits + 1) >> 1);
    for (let digit = digits - 1, to = bytes.length - 1; digit >= 0; digit -= 2, to -= 1) {
      const high = digit > 0 ? hexDigit(buf[start + digit - 1]!) : 0;
      bytes[to] = high * 16 + hexDigit(buf[start + digit]!);
    }
    converter.bytes(this.#batch, bytes);
    return close;
  }

  #default(cell: InsertCell): void {
    if (cell.defaultCell === null) {
      throw noDefault(cell.converter);
    }
    cell.defaultCell.replay(this.#batch);
  }

  /** VALUES (): every column has its default. */
  #emptyRow(): void {
    for (const cell of this.#cells) {
      this.#default(cell);
    }
    this.#endRow();
  }

  #endCell(delimiter: number): void {
    this.#position += 1;
    if (delimiter === COMMA) {
      this.#state = State.cell;
      return;
    }
    if (this.#position !== this.#cells.length) {
      throw this.#wrongCount();
    }
    this.#endRow();
  }

  #endRow(): void {
    const target = this.#target;
    const { omitted } = target;
    const batch = this.#batch;
    for (let index = 0; index < omitted.length; index += 1) {
      omitted[index]!.replay(batch);
    }
    batch.endRow();
    this.#state = State.rowEnd;
    this.#turn -= 1;
    if (target.isBatchFull()) {
      this.#isBatchFull = true;
      this.#turn = 0;
    }
  }

  #wrongCount(): SqlError {
    return new SqlError('ER_WRONG_VALUE_COUNT_ON_ROW', { row: this.#row });
  }

  /** No plain literal, or not all of it here. */
  #expressionOrCarry(buf: Uint8Array, start: number, end: number): number {
    this.#skipper.reset();
    const close = this.#skipper.advance(buf, start, end);
    if (close < 0) {
      this.#carryLength = 0;
      this.#state = State.carry;
      this.#carryOn(buf, start, end);
      return end;
    }
    if (close - start > EXPRESSION_BYTES_MAX) {
      throw notSupported(`an expression of more than ${EXPRESSION_BYTES_MAX} bytes in VALUES`);
    }
    const value = this.#target.evaluate(decoder.decode(buf.subarray(start, close)), this.#position);
    writeTypedValue(this.#cells[this.#position]!.converter, this.#batch, value);
    this.#turn = Math.max(1, this.#turn - EXPRESSION_ROWS);
    this.#endCell(buf[close]!);
    return close + 1;
  }

  #continueCarry(buf: Uint8Array, start: number, end: number): number {
    const close = this.#skipper.advance(buf, start, end);
    if (close < 0) {
      this.#carryOn(buf, start, end);
      return end;
    }
    this.#carryOn(buf, start, close + 1);
    this.#state = State.cell;
    this.#cell(this.#carry, 0, this.#carryLength);
    return close + 1;
  }

  #carryOn(buf: Uint8Array, start: number, end: number): void {
    const length = this.#carryLength + end - start;
    if (length > this.#carry.length) {
      const grown = new Uint8Array(Math.max(length, this.#carry.length * 2));
      grown.set(this.#carry.subarray(0, this.#carryLength));
      this.#carry = grown;
    }
    for (let from = start, to = this.#carryLength; from < end; from += 1, to += 1) {
      this.#carry[to] = buf[from]!;
    }
    this.#carryLength = length;
  }

  /** Goes on in a comment, or in what may turn out to be one. */
  #continueGap(buf: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const byte = buf[at]!;
      switch (this.#gap) {
        case Gap.line:
          if (byte === NEWLINE) this.#gap = Gap.none;
          break;
        case Gap.block:
          if (byte === STAR) this.#gap = Gap.star;
          break;
        case Gap.opened:
          if (byte === BANG) throw notSupported('version comments between rows');
          this.#gap = byte === STAR ? Gap.star : Gap.block;
          break;
        case Gap.star:
          if (byte === SLASH) this.#gap = Gap.none;
          else if (byte !== STAR) this.#gap = Gap.block;
          break;
        case Gap.slash:
          if (byte !== STAR) return this.#noComment(buf, at, [SLASH]);
          this.#gap = Gap.opened;
          break;
        case Gap.dash:
          if (byte !== DASH) return this.#noComment(buf, at, [DASH]);
          this.#gap = Gap.dashes;
          break;
        default:
          if (byte > SPACE) return this.#noComment(buf, at, [DASH, DASH]);
          this.#gap = byte === NEWLINE ? Gap.none : Gap.line;
      }
      if (this.#gap === Gap.none) {
        return at + 1;
      }
    }
    return end;
  }

  /** `seen` did not start a comment: in a cell it is the beginning of an expression, elsewhere a fault. */
  #noComment(buf: Uint8Array, at: number, seen: readonly number[]): number {
    this.#gap = Gap.none;
    const bytes = Uint8Array.from(seen);
    if (this.#state === State.cell && bytes[0] === DASH) {
      this.#skipper.reset();
      this.#skipper.advance(bytes, 0, bytes.length);
      this.#carryLength = 0;
      this.#state = State.carry;
      this.#carryOn(bytes, 0, bytes.length);
    } else {
      this.#beginTail(at, true);
      this.#tail.set(bytes);
      this.#tailLength = bytes.length;
    }
    return at;
  }

  /** From here on text is only collected, to be quoted or to be told what clause it is. */
  #beginTail(at: number, isFault: boolean): void {
    this.#state = State.tail;
    this.#tailIsFault = isFault;
    this.#tailLength = 0;
    this.#tailLine = this.#line + countNewlines(this.#chunk, this.#chunkStart, at);
  }

  #collectTail(buf: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, NEAR_BYTES_MAX - this.#tailLength);
    this.#tail.set(buf.subarray(start, start + count), this.#tailLength);
    this.#tailLength += count;
    if (this.#tailLength === NEAR_BYTES_MAX) {
      throw this.#tailError();
    }
    return start + count;
  }

  #tailError(): SqlError {
    const text = decoder.decode(this.#tail.subarray(0, this.#tailLength));
    if (!this.#tailIsFault) {
      if (/^(on\s+duplicate|as)\b/i.test(text)) return notSupported('ON DUPLICATE KEY UPDATE');
      if (/^on\s+conflict\b/i.test(text)) return notSupported('ON CONFLICT');
      if (/^returning\b/i.test(text)) return notSupported('RETURNING');
    }
    return syntaxErrorNear(text, this.#tailLine);
  }
}

function isNumberStart(byte: number): boolean {
  return (byte >= ZERO && byte <= 0x39) || byte === DASH || byte === POINT || byte === PLUS;
}

/** Where the comma or bracket is that only blanks separate from `start`; -1 when something else comes, or nothing. */
function delimiterAt(buf: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && buf[at]! <= SPACE) at += 1;
  return at < end && (buf[at] === COMMA || buf[at] === CLOSE) ? at : -1;
}

function wordEnd(buf: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (buf[at]! | 0x20) >= 0x61 && (buf[at]! | 0x20) <= 0x7a) at += 1;
  return at;
}

/** True when buf[start..end) is `word` and then at most blanks. */
function isWord(buf: Uint8Array, start: number, end: number, word: string): boolean {
  for (let index = 0; index < word.length; index += 1) {
    if ((buf[start + index]! | 0x20) !== word.charCodeAt(index)) return false;
  }
  const next = start + word.length;
  return next === end || buf[next]! <= SPACE;
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= 0x39) return byte - ZERO;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function countNewlines(buf: Uint8Array, start: number, end: number): number {
  const bytes = Buffer.from(buf.buffer, buf.byteOffset + start, end - start);
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
