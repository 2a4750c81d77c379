/**
 * Many rows at once: those of a bulk INSERT from all series in turn, with the same time and small integers, go through a kernel
 * (kernels/rows.ts), and what it read goes into the batch column by column.
 *
 * Which tags come next is likely, and what their text would be is known (tag-texts.ts); or there are very many, and each row's tuple is made
 * of what it spells (spelled-tags.ts). At the first row that is not so, or has another
 * time, or a cell that is no plain integer, or is not here as a whole, the kernel stops, and that row is read alone (usual-row.ts).
 * Where that happens row after row the kernel is asked more and more seldom.
 */

import {
  chunkText,
  greatest,
  handles,
  INTEGER_MAX,
  INTEGERS_MAX,
  NO_SLOT,
  output,
  OUTPUT_CELLS,
  readRows,
  results,
  ROWS_MAX,
  TEXT_BYTES_MIN,
  timeText,
} from './row-kernel.js';
import type { InsertTarget } from './insert-target.js';
import type { TupleSink } from './row-sink.js';
import type { SpelledTags } from './spelled-tags.js';
import type { TagTexts } from './tag-texts.js';
import type { UsualTime } from './usual-time.js';

/** In less there is little to gain. */
const BYTES_MIN = 512;
/** So many rows more than it read last is the kernel asked for. */
const MORE_ROWS = 16;
/** As many as are worth a call. */
const ROWS_MIN = 2;
const PAUSE_ROWS_MAX = 256;
/** Of a spelled tag, its length field included. */
const TAG_BYTES_MAX = 127;

/** Of the cells behind the tags: integers, a time, integers. */
export interface UsualColumns {
  /** In the order of VALUES, with the greatest value that a cell may have. */
  readonly integers: readonly { readonly column: number; readonly max: number }[];
  /** So many of them stand before the time. */
  readonly before: number;
  readonly time: number;
}

export class UsualRows {
  /** Behind the rows that were read last. */
  behind = 0;
  readonly #columns: readonly number[];
  readonly #greatest: Uint32Array;
  readonly #before: number;
  readonly #timeColumn: number;
  readonly #time: UsualTime;
  readonly #spelled: SpelledTags | null;
  /** What of the chunk the kernel has. */
  #pieceStart = 0;
  #pieceEnd = -1;
  #asked = MORE_ROWS;
  /** Rows for which the kernel is not asked, and how many they are each time. */
  #pause = 0;
  #pauseRows = 0;

  /** `time` is that of the row before, whenever rows are read. `spelled`: null when tags may be spelled in too many ways. */
  constructor(
    { integers, before, time: timeColumn }: UsualColumns,
    time: UsualTime,
    spelled: SpelledTags | null,
  ) {
    this.#columns = integers.map(({ column }) => column);
    this.#greatest = Uint32Array.from(integers, ({ max }) => Math.min(max, INTEGER_MAX));
    this.#before = before;
    this.#timeColumn = timeColumn;
    this.#time = time;
    this.#spelled = spelled;
  }

  /** Rows may have so many integers. */
  static get integersMax(): number {
    return INTEGERS_MAX;
  }

  /** Another chunk comes, or another scanner was at work. */
  beginChunk(): void {
    this.#pieceEnd = -1;
  }

  /**
   * Reads rows from the bracket at `start` on, each with the comma behind it; returns how many, at most `count`. The batch is not full afterwards.
   */
  read(
    buf: Uint8Array,
    start: number,
    end: number,
    count: number,
    texts: TagTexts,
    sink: TupleSink,
    target: InsertTarget,
  ): number {
    if (this.#pause > 0) {
      this.#pause -= 1;
      return 0;
    }
    if (end - start < BYTES_MIN || this.#time.length < TEXT_BYTES_MIN) return 0;
    let total = 0;
    let at = start;
    for (;;) {
      const most = Math.min(count - total, this.#asked);
      const spelled = sink.takesSpelled ? this.#spelled : null;
      const asked =
        spelled === null
          ? this.#likelyRows(most, sink, target)
          : this.#spelledRows(most, end - at, spelled, sink, target);
      if (asked < ROWS_MIN) break;
      const rows =
        spelled === null
          ? this.#readLikely(buf, at, end, asked, texts, sink)
          : this.#readSpelled(buf, at, end, asked, spelled, sink);
      if (rows > 0) at = this.#pieceStart + results[0]!;
      total += rows;
      this.#asked = rows === asked ? rows * 2 : Math.max(rows + MORE_ROWS, asked - (asked >> 2));
      if (rows < asked) break;
    }
    this.#pauseRows = total < ROWS_MIN ? Math.min(PAUSE_ROWS_MAX, this.#pauseRows * 2 + 1) : 0;
    this.#pause = this.#pauseRows;
    this.behind = at;
    return total;
  }

  /** Up to `asked` rows, the ones that are likely. */
  #readLikely(
    buf: Uint8Array,
    start: number,
    end: number,
    asked: number,
    texts: TagTexts,
    sink: TupleSink,
  ): number {
    const slot = texts.slot();
    if (slot?.has(handles[0]!) !== true) return 0;
    this.#bring(buf, start, end);
    const rows = this.#ask(start, asked, slot.offset, 0, sink);
    if (rows > 0) sink.endRows(handles, rows);
    return rows;
  }

  /** Up to `asked` rows of any series. */
  #readSpelled(
    buf: Uint8Array,
    start: number,
    end: number,
    asked: number,
    spelled: SpelledTags,
    sink: TupleSink,
  ): number {
    this.#bring(buf, start, end);
    spelled.bring();
    const rows = this.#ask(start, asked, NO_SLOT, spelled.tagCount, sink);
    if (rows > 0) sink.endSpelledRows(spelled, rows);
    return rows;
  }

  /** The kernel reads up to `asked` rows, and what it read goes into the batch, all but the tags. */
  #ask(start: number, asked: number, slot: number, tags: number, sink: TupleSink): number {
    const integers = this.#columns.length;
    // Not a round number of cells: columns would push each other out of the processor's cache.
    const stride = (asked | 15) + 10;
    const rows = readRows(
      start - this.#pieceStart,
      this.#pieceEnd - this.#pieceStart,
      asked,
      slot,
      tags,
      this.#before,
      this.#time.length,
      integers - this.#before,
      stride,
      this.#time.seconds,
      this.#time.hour,
    );
    if (rows === 0) return 0;
    for (let index = 0; index < integers; index += 1) {
      sink.setNumbers(this.#columns[index]!, output, index * stride, rows);
    }
    sink.setTimes(this.#timeColumn, output, integers * stride, rows, this.#time.fraction);
    return rows;
  }

  /** How many of the next rows can be told from the ones before, and go into the batch without any doubt; `handles` has their tuples. */
  #likelyRows(count: number, sink: TupleSink, target: InsertTarget): number {
    let rows = sink.likelyTuples(handles, Math.min(count, this.#rowsMax));
    while (rows > 0 && target.isBatchFull(rows, sink.likelyBytes)) {
      rows = sink.likelyTuples(handles, rows >> 1);
    }
    return rows;
  }

  /** How many of the next rows, whatever their tags, go into the batch without any doubt; of the text so many bytes are there. */
  #spelledRows(
    count: number,
    textBytes: number,
    { tagCount }: SpelledTags,
    sink: TupleSink,
    target: InsertTarget,
  ): number {
    const tupleBytes = (rows: number): number =>
      Math.min(textBytes, chunkText.length, rows * tagCount * TAG_BYTES_MAX);
    const most = Math.min(count, this.#rowsMax);
    let room = sink.roomForSpelled(most, tupleBytes(most));
    while (room > 0 && target.isBatchFull(room, sink.likelyBytes)) {
      room = sink.roomForSpelled(room >> 1, tupleBytes(room >> 1));
    }
    return room;
  }

  /** That a call may read. */
  get #rowsMax(): number {
    return Math.min(ROWS_MAX, Math.floor(OUTPUT_CELLS / (this.#columns.length + 1)) - 32);
  }

  /** Into the kernel's memory. */
  #bring(buf: Uint8Array, start: number, end: number): void {
    if (start >= this.#pieceEnd) {
      this.#pieceStart = start;
      this.#pieceEnd = Math.min(end, start + chunkText.length);
      chunkText.set(buf.subarray(start, this.#pieceEnd));
    }
    const { text, length } = this.#time;
    for (let index = 0; index < length; index += 1) timeText[index] = text[index]!;
    for (let index = 0; index < this.#greatest.length; index += 1) {
      greatest[index] = this.#greatest[index]!;
    }
  }
}
