/**
 * Rows as nearly all writers send them, cell by cell without detours: the innermost loop of a bulk INSERT.
 *
 * What is usual depends on the column, and is worked out once a statement as a small number a position:
 *
 *   integer  a few digits; neighbours whose columns take any of up to five digits are read as one run, straight into the lanes of
 *            the batch
 *   text     '..' in ASCII, nothing escaped
 *   time     the very text of the row before: then it is the value of the row before
 *   plain    any other column: a literal, read by the literal reader
 *
 * and the tags, when they are the first cells of the row, are compared as a whole with those of the tuple that is likely to come
 * (tag-texts.ts, canonical-tags.ts). A cell that is not as usual goes to the literal reader, which also finds every fault; what that does not know, or a
 * cell cut by the end of the chunk, is left to the scanner, which goes on from `position`. Rows of nothing but likely tags, the time of the row
 * before and integers are read many at once (usual-rows.ts).
 */

import type { CellConverter } from './cell-conversion.js';
import type { InsertCell, InsertTarget } from './insert-target.js';
import type { LiteralReader } from './literal-reader.js';
import { NO_TUPLE, type RowSink, type TupleSink } from './row-sink.js';
import { CanonicalTags } from './canonical-tags.js';
import { type TagLayout, TagTexts } from './tag-texts.js';
import { SpelledTags } from './spelled-tags.js';
import type { SqlTextOptions } from './token.js';
import { UsualRows } from './usual-rows.js';
import { UsualTime } from './usual-time.js';

const CellKind = { plain: 0, integer: 1, text: 2, time: 3 } as const;

/** Integers of runs: more digits go the longer way. */
const RUN_DIGITS_MAX = 5;
const RUN_VALUE_MAX = 99_999;

/** Digits that the integer loop takes. */
const DIGITS_MAX = 10;
/** No sink's `lanesVersion`. */
const NO_LANES = 0;

const SPACE = 0x20;
const QUOTE = 0x27;
const CLOSE = 0x29;
const COMMA = 0x2c;
const ZERO = 0x30;
/** From ZERO: what the byte behind a digit is when it is no digit. */
const COMMA_FROM_ZERO = COMMA - ZERO;
const CLOSE_FROM_ZERO = CLOSE - ZERO;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const LETTER_D = 0x64;

export class UsualRowReader {
  /** Cells of the row that were read. */
  position = 0;
  /** Behind the last of them: a comma or a bracket. */
  delimiter = COMMA;
  /** Rows that `readMany` read. */
  rowsRead = 0;

  readonly #cells: readonly InsertCell[];
  readonly #literals: LiteralReader;
  readonly #kinds: Uint8Array;
  readonly #columns: Uint32Array;
  /** Of integers the range; of texts #max is the length in characters. */
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  /** By position: behind the run of integers that the cell is in; the position itself when it is in none. */
  readonly #runEnds: Uint32Array;
  /** By position: where the lane of a run's cell begins. */
  readonly #laneStarts: Uint32Array;
  #lanesVersion = NO_LANES;
  #sink: RowSink;
  #chunk: Uint8Array = new Uint8Array();
  /** Over `#chunk`. */
  #view = new DataView(this.#chunk.buffer);

  // Tags that come first.
  readonly #layouts: SqlTextOptions;
  #layout: TagLayout | null = null;
  #canonical: CanonicalTags | null = null;
  /** What `#layout` was worked out for. */
  #layoutTagCount = 0;
  #tuples: TupleSink | null = null;
  #tuplesOf: object | null = null;
  #texts: TagTexts | null = null;
  #tagCount = 0;
  #tagsStart = 0;
  /** Behind the tags of a row whose text is worth to be learned, else -1. */
  #tagsEnd = -1;
  #isLearnable = false;

  /** That was read last. */
  readonly #time = new UsualTime();
  #timePosition = -1;

  /** Null while not all cells behind the tags are of the kinds that it reads. */
  #many: UsualRows | null = null;
  /** `#many`, or what was worked out for it before: null when the tags are no layout. */
  #manyOfLayout: UsualRows | null = null;

  constructor(
    cells: readonly InsertCell[],
    sink: RowSink,
    literals: LiteralReader,
    options: SqlTextOptions,
  ) {
    this.#cells = cells;
    this.#literals = literals;
    this.#layouts = options;
    this.#sink = sink;
    this.#kinds = Uint8Array.from(cells, ({ converter }) => kindOf(converter));
    this.#columns = Uint32Array.from(cells, ({ converter }) => converter.column);
    this.#min = Float64Array.from(cells, ({ converter }) => converter.min);
    this.#max = Float64Array.from(cells, ({ converter }) => textLength(converter) ?? converter.max);
    this.#runEnds = Uint32Array.from(cells.keys());
    this.#laneStarts = new Uint32Array(cells.length);
    this.#timePosition = this.#kinds.indexOf(CellKind.time);
  }

  /** Rows go to `sink` from now on. */
  use(sink: RowSink): void {
    if (sink !== this.#sink || this.#tuples === null) {
      this.#sink = sink;
      this.#tuples = 'setTuple' in sink ? (sink as TupleSink) : null;
      if (this.#tuples === null) this.#forgetRuns();
      const tagCount = this.#tuples?.tagCount ?? 0;
      if (tagCount !== this.#layoutTagCount) {
        this.#layoutTagCount = tagCount;
        this.#layout = this.#layoutOf(tagCount);
        this.#canonical = this.#layout === null ? null : CanonicalTags.of(this.#layout);
        this.#manyOfLayout = this.#layout === null ? null : this.#usualRows(this.#layout);
        this.#forgetRuns();
      }
    }
    this.#many?.beginChunk();
    const tuplesOf = this.#tuples?.tuples ?? null;
    if (tuplesOf === this.#tuplesOf) return;
    this.#tuplesOf = tuplesOf;
    this.#texts =
      tuplesOf === null || this.#layout === null ? null : TagTexts.of(tuplesOf, this.#layout);
    this.#tagCount = this.#texts === null ? 0 : (this.#layout?.tags.length ?? 0);
  }

  /**
   * Reads rows from the bracket at `start` on, each with the comma behind it, as long as they are like those before; returns where the next
   * one begins. `rowsRead` is how many they were: at most `count`. Requires: the statement omits no column.
   */
  readMany(
    buf: Uint8Array,
    start: number,
    end: number,
    count: number,
    target: InsertTarget,
  ): number {
    const texts = this.#texts;
    const tuples = this.#tuples;
    this.rowsRead = 0;
    if (texts === null || tuples === null) return start;
    if (tuples.lanesVersion !== this.#lanesVersion) this.#findRuns(tuples);
    const many = this.#many;
    if (many === null) return start;
    this.rowsRead = many.read(buf, start, end, count, texts, tuples, target);
    return this.rowsRead > 0 ? many.behind : start;
  }

  /**
   * Reads the cells of the row whose first one begins at `start`, as far as they are known here; returns where the next one, or what
   * stands behind the row, begins. Throws SqlError for a value that does not fit.
   */
  read(buf: Uint8Array, start: number, end: number): number {
    const texts = this.#texts;
    const tuples = this.#tuples;
    this.position = 0;
    this.delimiter = COMMA;
    this.#tagsEnd = -1;
    if (tuples !== null && tuples.lanesVersion !== this.#lanesVersion) this.#findRuns(tuples);
    if (texts === null || tuples === null) {
      return this.#readCells(buf, start, end, 0, this.#kinds.length);
    }
    const likely = tuples.likelyTuple;
    let at = -1;
    if (likely >= 0) at = texts.match(likely, this.#viewOf(buf), start, end);
    else if (likely < NO_TUPLE) at = this.#matchSeries(tuples, likely, buf, start, end);
    if (at >= 0) {
      tuples.setTuple(likely);
    } else {
      this.#isLearnable = true;
      at = this.#readCells(buf, start, end, 0, this.#tagCount);
      if (this.position < this.#tagCount || this.delimiter !== COMMA) return at;
      this.#tagsStart = start;
      this.#tagsEnd = this.#isLearnable ? at : -1;
    }
    return this.#readCells(buf, at, end, this.#tagCount, this.#kinds.length);
  }

  /** As `read`, in a row whose cells before `position` were read: the next one begins at `start`. */
  readOn(buf: Uint8Array, start: number, end: number, position: number): number {
    const tuples = this.#tuples;
    this.position = position;
    this.delimiter = COMMA;
    this.#tagsEnd = -1;
    if (tuples !== null && tuples.lanesVersion !== this.#lanesVersion) this.#findRuns(tuples);
    return this.#readCells(buf, start, end, position, this.#kinds.length);
  }

  /** The row that was read last, and whole, has ended in the sink. */
  rowEnded(buf: Uint8Array): void {
    if (this.#tagsEnd < 0 || this.#tuples?.mayRepeat !== true) return;
    this.#texts?.learn(this.#tuples.lastTuple, buf, this.#tagsStart, this.#tagsEnd);
  }

  #matchSeries(
    tuples: TupleSink,
    likely: number,
    buf: Uint8Array,
    start: number,
    end: number,
  ): number {
    const canonical = this.#canonical;
    const series = canonical === null ? null : tuples.plainSeries(likely);
    if (canonical === null || series === null) return -1;
    return canonical.match(series, tuples.seriesStart(likely), this.#viewOf(buf), start, end);
  }

  /** Of the bytes from the chunk's first on: sockets read into one buffer, so one view serves chunk after chunk. */
  #viewOf(buf: Uint8Array): DataView {
    if (buf !== this.#chunk) {
      this.#chunk = buf;
      const { buffer, byteOffset } = buf;
      if (this.#view.buffer !== buffer || this.#view.byteOffset !== byteOffset) {
        this.#view = new DataView(buffer, byteOffset);
      }
    }
    return this.#view;
  }

  /** The cells at positions from..to-1, up to one that is not known here or the end of the row. */
  #readCells(buf: Uint8Array, start: number, end: number, from: number, to: number): number {
    const kinds = this.#kinds;
    const runEnds = this.#runEnds;
    const columns = this.#columns;
    const min = this.#min;
    const max = this.#max;
    const sink = this.#sink;
    let at = start;
    let position = from;
    for (; position < to; position += 1) {
      if (runEnds[position]! > position) {
        at = this.#readRun(buf, at, end, position);
        position = this.position;
        if (this.delimiter === CLOSE || position === to) break;
      }
      while (at < end && buf[at]! <= SPACE) at += 1;
      if (at === end) break;
      let close = -1;
      switch (kinds[position]) {
        case CellKind.integer: {
          const first = buf[at]!;
          if (first >= ZERO && first <= NINE && at + DIGITS_MAX < end) {
            let value = first - ZERO;
            let next = at + 1;
            let byte = buf[next]!;
            const last = at + DIGITS_MAX;
            while (byte >= ZERO && byte <= NINE && next < last) {
              value = value * 10 + (byte - ZERO);
              next += 1;
              byte = buf[next]!;
            }
            const isEnded = byte === COMMA || byte === CLOSE;
            if (isEnded && value <= max[position]! && value >= min[position]!) {
              sink.setNumber(columns[position]!, value);
              close = next;
            }
          }
          break;
        }
        case CellKind.text: {
          if (buf[at] !== QUOTE) break;
          const first = at + 1;
          let next = first;
          while (next < end) {
            const byte = buf[next]!;
            if (byte === QUOTE || byte === BACKSLASH || byte >= 0x80) break;
            next += 1;
          }
          if (next + 1 >= end || buf[next] !== QUOTE) break;
          const behind = buf[next + 1]!;
          if ((behind === COMMA || behind === CLOSE) && next - first <= max[position]!) {
            sink.setBytes(columns[position]!, buf, first, next);
            close = next + 1;
          }
          break;
        }
        case CellKind.time:
          if (position === this.#timePosition && this.#time.isAt(this.#viewOf(buf), at, end)) {
            sink.setTime(columns[position]!, this.#time.seconds, this.#time.fraction);
            close = at + this.#time.length;
          }
          break;
        default:
      }
      if (close < 0) {
        close = this.#readLiteral(position, buf, at, end);
        if (close < 0) break;
      }
      at = close + 1;
      this.delimiter = buf[close]!;
      if (this.delimiter === CLOSE) {
        position += 1;
        break;
      }
    }
    this.position = position;
    return at;
  }

  /**
   * Reads the run that the cell at `position` is in, up to the first cell that is not as usual or the end of the row, and sets `position`
   * and `delimiter`.
   */
  #readRun(buf: Uint8Array, start: number, end: number, from: number): number {
    const tuples = this.#tuples!;
    const { cells } = tuples;
    const row = tuples.rowCount;
    const laneStarts = this.#laneStarts;
    const runEnd = this.#runEnds[from]!;
    let at = start;
    let position = from;
    for (; position < runEnd && at + RUN_DIGITS_MAX < end; position += 1) {
      let value = buf[at]! - ZERO;
      if (value >>> 0 > 9) break;
      let next = at + 1;
      let digit = buf[next]! - ZERO;
      if (digit >>> 0 <= 9) {
        value = value * 10 + digit;
        digit = buf[++next]! - ZERO;
        const last = at + RUN_DIGITS_MAX;
        while (digit >>> 0 <= 9 && next < last) {
          value = value * 10 + digit;
          digit = buf[++next]! - ZERO;
        }
      }
      if (digit === COMMA_FROM_ZERO) {
        cells[laneStarts[position]! + row] = value;
        at = next + 1;
      } else if (digit === CLOSE_FROM_ZERO) {
        cells[laneStarts[position]! + row] = value;
        this.delimiter = CLOSE;
        this.position = position + 1;
        return next + 1;
      } else break;
    }
    this.position = position;
    return at;
  }

  #forgetRuns(): void {
    this.#lanesVersion = NO_LANES;
    for (let position = 0; position < this.#runEnds.length; position += 1) {
      this.#runEnds[position] = position;
    }
    this.#many = null;
  }

  /** Where the batch's lanes are now. */
  #findRuns(tuples: TupleSink): void {
    const runEnds = this.#runEnds;
    this.#lanesVersion = tuples.lanesVersion;
    for (let position = runEnds.length - 1; position >= 0; position -= 1) {
      const takesAny =
        this.#kinds[position] === CellKind.integer &&
        this.#min[position]! <= 0 &&
        this.#max[position]! >= RUN_VALUE_MAX;
      const start = takesAny ? tuples.laneStart(this.#columns[position]!) : -1;
      if (start >= 0) this.#laneStarts[position] = start;
      const goesOn = position + 1 < runEnds.length && runEnds[position + 1]! > position + 1;
      runEnds[position] = start < 0 ? position : goesOn ? runEnds[position + 1]! : position + 1;
    }
    const haveLanes = this.#kinds.every(
      (kind, position) =>
        position < this.#tagCount ||
        kind !== CellKind.integer ||
        tuples.laneStart(this.#columns[position]!) >= 0,
    );
    this.#many = haveLanes ? this.#manyOfLayout : null;
    this.#many?.beginChunk();
  }

  /** Null when cells behind the tags are no integers, but for one time. */
  #usualRows({ tags }: TagLayout): UsualRows | null {
    const time = this.#timePosition;
    const behind = this.#cells.map(({ converter }) => converter).slice(tags.length);
    const integers = behind.filter(
      (_, index) => this.#kinds[tags.length + index] === CellKind.integer,
    );
    const before = time - tags.length;
    if (before < 0 || integers.length !== behind.length - 1) return null;
    if (integers.length > UsualRows.integersMax) return null;
    const spelled = SpelledTags.of(
      this.#cells.slice(0, tags.length).map(({ converter }, position) => ({
        column: converter.column,
        type: converter.type,
        nullable: converter.nullable,
        max: this.#max[position]!,
      })),
    );
    return new UsualRows({ integers, before, time: this.#columns[time]! }, this.#time, spelled);
  }

  #readLiteral(position: number, buf: Uint8Array, start: number, end: number): number {
    const cell = this.#cells[position]!;
    const first = buf[start]!;
    // DEFAULT means what the statement says, not what the text says.
    if ((first | 0x20) === LETTER_D) this.#isLearnable = false;
    const close = this.#literals.read(cell, this.#sink, buf, start, end);
    const isTime = close >= 0 && position === this.#timePosition;
    if (isTime && (first === QUOTE || (first >= ZERO && first <= NINE))) {
      this.#time.keep(buf, start, close, cell.converter.time);
    }
    return close;
  }

  /** Null when the tags are not the first cells, or are of types whose texts mean something else in another session. */
  #layoutOf(tagCount: number): TagLayout | null {
    const tags = this.#cells.slice(0, tagCount).map(({ converter }) => converter);
    const areFirst =
      tagCount > 0 &&
      this.#cells.length > tagCount &&
      tags.every(({ column, type }) => column < tagCount && isTimeless(type.kind));
    return areFirst ? { ...this.#layouts, tags } : null;
  }
}

function kindOf(converter: CellConverter): number {
  switch (converter.type.kind) {
    case 'integer':
    case 'boolean':
      return CellKind.integer;
    case 'text':
      return converter.type.spelling === 'char' ? CellKind.plain : CellKind.text;
    case 'timestamp':
    case 'datetime':
      return CellKind.time;
    default:
      return CellKind.plain;
  }
}

/** Null for a type that is no text. */
function textLength({ type }: CellConverter): number | null {
  return type.kind === 'text' ? (type.length ?? Infinity) : null;
}

function isTimeless(kind: CellConverter['type']['kind']): boolean {
  return kind === 'text' || kind === 'blob' || kind === 'integer' || kind === 'boolean';
}
