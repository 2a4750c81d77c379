/**
 * The rows of INSERT ... VALUES, from bytes straight into a batch.
 *
 *   rows  := row { , row } [;]
 *   row   := [ROW] ( [cell { , cell }] )
 *   cell  := literal | expression
 *
 * A state machine that is fed the text as it arrives and can stop at any byte. It assembles no frame and builds no tree. A plain
 * literal that lies within a chunk is read where it lies and converted into the batch without a JavaScript
 * value of its own; of whole rows that are written as usual, usual-row.ts makes short work. Everything else goes the slower way:
 *
 *   cell cut by the end of a chunk   its bytes are carried over, and read as above once its end has arrived
 *   string, hex longer than 64 KiB   resolved and written as it arrives (long-cell.ts), a stretch a turn
 *   anything but a plain literal     its text is handed to the target, which evaluates it
 *
 * Each byte is looked at a bounded number of times whatever the chunks: only the one cell that a chunk's end cuts is read twice,
 * a row never. Errors do not depend on the chunks either.
 */

import { SqlError } from '../../protocol/index.js';
import { ByteCollector } from './byte-collector.js';
import { CellSkipper } from './cell-skipper.js';
import { GapSkipper } from './gap-skipper.js';
import type { InsertCell, InsertTarget } from './insert-target.js';
import { LITERAL_BYTES_MAX, LiteralReader, writeDefault } from './literal-reader.js';
import { LongCell } from './long-cell.js';
import type { RowSink } from './row-sink.js';
import { ScanTail } from './scan-tail.js';
import { notSupported, syntaxErrorNear } from './statement-error.js';
import { statementText } from './statement-text.js';
import type { SqlTextOptions } from './token.js';
import { writeTypedValue } from './typed-cell.js';
import { UsualRowReader } from './usual-row.js';

export type { InsertCell, InsertTarget } from './insert-target.js';

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
  failed: 7,
} as const;
type State = (typeof State)[keyof typeof State];

/** An expression costs about as much time as so many rows. */
const EXPRESSION_ROWS = 16;
/** What is longer may only be a literal. */
const EXPRESSION_BYTES_MAX = LITERAL_BYTES_MAX;
/** So much of a cell is read at a time that is cut, or no plain literal, or long: looking for its end costs some nanoseconds a byte. */
const STRETCH_BYTES = 128 * 1024;

/** Of a text whose newlines are counted. */
const BYTES_ONE_BY_ONE_MAX = 512;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const HASH = 0x23;
const OPEN = 0x28;
const CLOSE = 0x29;
const COMMA = 0x2c;
const DASH = 0x2d;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const ROW_LETTERS = [0x72, 0x6f, 0x77];

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class InsertScanner {
  #target: InsertTarget;
  readonly #cells: readonly InsertCell[];
  readonly #rowsPerTurn: number;
  readonly #literals: LiteralReader;
  readonly #usual: UsualRowReader;
  readonly #skipper: CellSkipper;
  readonly #gap = new GapSkipper();
  readonly #carry = new ByteCollector();
  /** Offset of the carry's first byte in its cell. */
  #carryFrom = 0;
  readonly #long: LongCell;
  /** In what of the cell is in no carry. */
  #longLines = 0;
  readonly #firstLine: number;
  #batch: RowSink;
  #state: State = State.row;
  #rowLetters = 0;
  #row = 0;
  #position = 0;
  #turn = 0;
  #isBatchFull = false;
  #tail: ScanTail | null = null;
  /** Of the first byte of `#chunk` that was not read by an earlier call. */
  #line: number;
  #chunk: Uint8Array = new Uint8Array();
  #chunkStart = 0;

  constructor(target: InsertTarget, options: InsertScannerOptions) {
    this.#target = target;
    this.#cells = target.cells;
    this.#batch = target.batch;
    this.#rowsPerTurn = options.rowsPerTurn;
    this.#literals = new LiteralReader(options);
    this.#usual = new UsualRowReader(this.#cells, this.#batch, this.#literals, options);
    this.#skipper = new CellSkipper(options);
    this.#long = new LongCell(options);
    this.#firstLine = options.line;
    this.#line = options.line;
  }

  /**
   * The same statement again, with other rows: what was worked out of the columns is kept.
   * Requires: the target has the cells and the context of the one before. Whatever became of that one is forgotten.
   */
  restart(target: InsertTarget): void {
    this.#target = target;
    this.#batch = target.batch;
    this.#state = State.row;
    this.#row = 0;
    this.#isBatchFull = false;
    this.#tail = null;
    this.#gap.close();
    this.#line = this.#firstLine;
  }

  /** Rows begun so far; after `end`, rows written. */
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
    this.#turn = this.#rowsPerTurn;
    this.#isBatchFull = false;
    this.#chunk = chunk;
    this.#chunkStart = start;
    this.#batch = this.#target.batch;
    this.#usual.use(this.#batch);
    let at = start;
    try {
      while (at < end && this.#turn > 0) {
        const isPlain = this.#tail === null && !this.#gap.isOpen;
        if (isPlain && this.#state === State.cell && this.#position > 0) {
          at = this.#restOfRow(chunk, at, end);
          continue;
        }
        const isBetweenRows = isPlain && this.#state === State.row;
        const open = isBetweenRows ? bracketBehindBlanks(chunk, at, end) : -1;
        at = open < 0 ? this.#step(chunk, at, end) : this.#usualRows(chunk, open, end);
      }
    } catch (error) {
      this.#fail();
      throw error;
    }
    this.#line += countNewlines(chunk, start, at);
    return at - start;
  }

  /** The text is over. Throws SqlError: 1064 when it ended too early or went on behind its end, 1235 for clauses not built. */
  end(): void {
    if (this.#state === State.failed) {
      throw new Error('a failed scan has no end');
    }
    const isComplete = this.#state === State.rowEnd || this.#state === State.ended;
    if (isComplete && this.#tail === null && this.#gap.mayEnd) {
      return;
    }
    const error = this.#tail?.error() ?? this.#endedEarly();
    this.#fail();
    throw error;
  }

  #fail(): void {
    if (this.#state === State.cell || this.#state === State.carry) {
      this.#batch.abandonRow();
    }
    this.#long.close();
    this.#state = State.failed;
  }

  /** Quotes from the string or comment that was never closed; else the end is the fault. */
  #endedEarly(): SqlError {
    const opened = this.#state === State.carry ? this.#skipper.openedAt : -1;
    if (opened < 0) {
      return syntaxErrorNear('', this.#line);
    }
    const { bytes, length } = this.#carry;
    const from = opened - this.#carryFrom;
    const near = decoder.decode(bytes.subarray(from, length));
    const lines = countNewlines(bytes, from, length) + this.#longLines;
    return syntaxErrorNear(near, this.#line - lines);
  }

  /** Reads rows from the bracket at `start` on, for as long as they are as usual. */
  #usualRows(buf: Uint8Array, start: number, end: number): number {
    const usual = this.#usual;
    const mayBeMany = this.#target.omitted.length === 0;
    let at = start;
    while (at < end && buf[at] === OPEN && this.#turn > 0) {
      if (mayBeMany) {
        at = usual.readMany(buf, at, end, this.#turn, this.#target);
        if (usual.rowsRead > 0) {
          this.#row += usual.rowsRead;
          this.#turn -= usual.rowsRead;
          this.#state = State.row;
          if (at === end || buf[at] !== OPEN || this.#turn === 0) return at;
        }
      }
      this.#beginRow();
      at = usual.read(buf, at + 1, end);
      this.#position = usual.position;
      if (this.#position === 0 || usual.delimiter !== CLOSE) return at;
      this.#endUsualRow(buf);
      if (at === end || buf[at] !== COMMA) return at;
      this.#state = State.row;
      at += 1;
    }
    return at;
  }

  /** Goes on, behind a comma, in a row that was interrupted by the end of a chunk or by a cell that is not as usual. */
  #restOfRow(buf: Uint8Array, start: number, end: number): number {
    const usual = this.#usual;
    const before = this.#position;
    const at = usual.readOn(buf, start, end, before);
    if (usual.position === before) return this.#step(buf, start, end);
    this.#position = usual.position;
    if (usual.delimiter === CLOSE) this.#endUsualRow(buf);
    return at;
  }

  #endUsualRow(buf: Uint8Array): void {
    if (this.#position !== this.#cells.length) throw this.#wrongCount();
    this.#endRow();
    this.#usual.rowEnded(buf);
  }

  #step(buf: Uint8Array, start: number, end: number): number {
    if (this.#state === State.carry) {
      return this.#continueCarry(buf, start, end);
    }
    if (this.#tail !== null) {
      return this.#continueTail(this.#tail, buf, start, end);
    }
    if (this.#gap.isOpen) {
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
        this.#gap.open(byte);
        return at + 1;
      }
    }
    return this.#state === State.cell ? this.#cell(buf, at, end) : this.#punctuation(at, byte);
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
    if (first === COMMA || first === CLOSE) {
      return this.#noCell(start, first);
    }
    const cell = this.#cells[this.#position];
    if (cell === undefined) {
      throw this.#wrongCount();
    }
    let close = this.#literals.read(cell, this.#batch, buf, start, end);
    if (close < 0) {
      const stop = Math.min(end, start + STRETCH_BYTES);
      close = this.#expression(cell, buf, start, stop);
      if (close < 0) {
        if (stop < end) this.#turn = 0;
        return stop;
      }
    }
    this.#endCell(buf[close]!);
    return close + 1;
  }

  /** VALUES (): every column has its default. Elsewhere a cell is missing. */
  #noCell(at: number, byte: number): number {
    if (byte !== CLOSE || this.#position > 0) {
      this.#beginTail(at, true);
      return at;
    }
    for (const cell of this.#cells) {
      writeDefault(cell, this.#batch);
    }
    this.#endRow();
    return at + 1;
  }

  /** No plain literal, or not all of it is here; then -1, and it is carried. */
  #expression(cell: InsertCell, buf: Uint8Array, start: number, end: number): number {
    this.#skipper.reset();
    const close = this.#skipper.advance(buf, start, end);
    if (close < 0) {
      this.#beginCarry();
      this.#carryOn(buf, start, end);
      return -1;
    }
    if (close - start > EXPRESSION_BYTES_MAX) {
      this.#long.open(cell.converter, this.#batch, buf, start, close);
      this.#endLongCell();
      return close;
    }
    const text = statementText(buf.subarray(start, close));
    const value = this.#target.evaluate(text, this.#position);
    writeTypedValue(cell.converter, this.#batch, value);
    this.#turn = Math.max(1, this.#turn - EXPRESSION_ROWS);
    return close;
  }

  #continueCarry(buf: Uint8Array, start: number, end: number): number {
    const stop = Math.min(end, start + STRETCH_BYTES);
    const close = this.#skipper.advance(buf, start, stop);
    this.#carryOn(buf, start, close < 0 ? stop : close);
    if (close < 0) {
      if (stop < end) this.#turn = 0;
      return stop;
    }
    this.#endCarry(buf, close);
    return close + 1;
  }

  #beginCarry(): void {
    this.#carry.clear();
    this.#carryFrom = 0;
    this.#longLines = 0;
    this.#long.close();
    this.#state = State.carry;
  }

  /** buf[start..end) are the next bytes of the carried cell, and looked at. What a long string is resolved from need not be carried. */
  #carryOn(buf: Uint8Array, start: number, end: number): void {
    const carry = this.#carry;
    if (this.#long.isOpen) {
      const read = this.#long.add(buf, start, end);
      this.#longLines += countNewlines(buf, start, read);
      if (read < end) this.#carryBehindLong(buf, read, end);
      return;
    }
    carry.append(buf, start, end);
    const cell = this.#cells[this.#position];
    const isTried = this.#long.isRefused || carry.length <= EXPRESSION_BYTES_MAX;
    if (isTried || cell === undefined) return;
    const read = this.#long.open(cell.converter, this.#batch, carry.bytes, 0, carry.length);
    if (this.#long.isRefused) this.#carryBehindLong(carry.bytes.slice(), read, carry.length);
  }

  /** What was read as a long string goes on in another way: nothing but an error can come of it, and the rest is kept for its words. */
  #carryBehindLong(buf: Uint8Array, start: number, end: number): void {
    this.#carryFrom = this.#skipper.seen - (end - start);
    this.#longLines = 0;
    this.#carry.clear();
    this.#carry.append(buf, start, end);
  }

  /** The carried cell ends at the delimiter buf[close]. */
  #endCarry(buf: Uint8Array, close: number): void {
    const carry = this.#carry;
    this.#state = State.cell;
    if (this.#long.isOpen || this.#long.isRefused) {
      this.#endLongCell();
      this.#endCell(buf[close]!);
      return;
    }
    const { length } = carry;
    carry.append(buf, close, close + 1);
    const cell = this.#cells[this.#position];
    if (length <= EXPRESSION_BYTES_MAX || cell === undefined) {
      this.#cell(carry.bytes, 0, carry.length);
      return;
    }
    // Digits may be many.
    const end = this.#literals.read(cell, this.#batch, carry.bytes, 0, carry.length);
    if (end < 0) throw tooLongExpression();
    this.#endCell(buf[close]!);
  }

  #endLongCell(): void {
    if (!this.#long.finish()) throw tooLongExpression();
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
    const { omitted } = this.#target;
    for (let index = 0; index < omitted.length; index += 1) {
      omitted[index]!.replay(this.#batch);
    }
    this.#batch.endRow();
    this.#state = State.rowEnd;
    this.#turn -= 1;
    if (this.#target.isBatchFull()) {
      this.#isBatchFull = true;
      this.#turn = 0;
    }
  }

  #wrongCount(): SqlError {
    return new SqlError('ER_WRONG_VALUE_COUNT_ON_ROW', { row: this.#row });
  }

  /** What was no comment is, in a cell, the beginning of an expression (-5, --5), and elsewhere a fault. */
  #continueGap(buf: Uint8Array, start: number, end: number): number {
    const at = this.#gap.advance(buf, start, end);
    const { refusal } = this.#gap;
    if (refusal.length === 0) {
      return at;
    }
    if (this.#state === State.cell && refusal[0] === DASH) {
      this.#skipper.reset();
      this.#skipper.advance(refusal, 0, refusal.length);
      this.#beginCarry();
      this.#carry.append(refusal, 0, refusal.length);
    } else {
      this.#beginTail(at, true).collect(refusal, 0, refusal.length);
    }
    return at;
  }

  /** From `at` on text is only collected, to be quoted or to be told what clause it is. */
  #beginTail(at: number, isFault: boolean): ScanTail {
    const line = this.#line + countNewlines(this.#chunk, this.#chunkStart, at);
    this.#tail = new ScanTail(isFault, line);
    return this.#tail;
  }

  #continueTail(tail: ScanTail, buf: Uint8Array, start: number, end: number): number {
    const taken = tail.collect(buf, start, end);
    if (tail.isFull) {
      throw tail.error();
    }
    return start + taken;
  }
}

function tooLongExpression(): SqlError {
  return notSupported(`an expression of more than ${EXPRESSION_BYTES_MAX} bytes in VALUES`);
}

/** Where a row begins, with nothing but blanks before it; -1 = something else comes first. */
function bracketBehindBlanks(chunk: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && chunk[at]! <= SPACE) at += 1;
  return at < end && chunk[at] === OPEN ? at : -1;
}

/** In few bytes one by one: a view of them and a call out of JavaScript would cost more than that. */
function countNewlines(buf: Uint8Array, start: number, end: number): number {
  if (end - start <= BYTES_ONE_BY_ONE_MAX) {
    let count = 0;
    for (let at = start; at < end; at += 1) if (buf[at] === NEWLINE) count += 1;
    return count;
  }
  const bytes = Buffer.from(buf.buffer, buf.byteOffset + start, end - start);
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
