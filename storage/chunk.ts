/**
 * Up to 8,192 rows of one table in a memtable, column by column, over shared memory.
 *
 * A chunk starts small and doubles into new arrays; readers keep the arrays they were given, whose rows do not change until the chunk is
 * released. Its memory may have had another life (memtable-memory.ts): every value of every row is written, NULLs too. All columns are cut
 * together: a value that does not fit a column's representation (64-bit halves, a time base) starts a new chunk.
 */

import { columnKind } from './column-kind.js';
import type { ColumnValues, SplitTimeColumn } from './column-codec.js';
import type { MemtableMemory } from './memtable-memory.js';
import { Page } from './page.js';
import { copyInSlices, SLICE_BYTES } from './slice-bytes.js';
import { ColumnRole, type ColumnId, type StoredColumn } from './table-schema.js';
import { unitsPerSecond } from './time-base.js';
import {
  type BytesVector,
  type DictionaryVector,
  type TimeVector,
  VECTOR_ROWS_MAX,
  type Vector,
} from './vector.js';

const TWO_32 = 2 ** 32;
const FEW_ROWS = 16;
/** A loop is faster for what is shorter. */
const SHORT_BYTES = 64;
const NO_NUMBERS = new Float64Array(0);
const NO_INTEGERS = new Int32Array(0);
const NO_HANDLES = new Uint32Array(0);
const NO_BYTES = new Uint8Array(0);
/** A chunk with more bytes of strings in a column takes no more rows: to give them a longer array copies them in one go. */
const DATA_BYTES_FULL = 2 * 1024 * 1024;

/** The columns of a table's chunks, with their places. */
export class ChunkLayout {
  readonly columns: readonly StoredColumn[];
  readonly timeIndex: number;
  readonly #indexOf: ReadonlyMap<ColumnId, number>;

  constructor(columns: readonly StoredColumn[]) {
    this.columns = columns;
    this.#indexOf = new Map(columns.map((column, index) => [column.id, index]));
    this.timeIndex = columns.findIndex((column) => column.role === ColumnRole.time);
  }

  /** -1 = the layout lacks the column. */
  indexOf(columnId: ColumnId): number {
    return this.#indexOf.get(columnId) ?? -1;
  }
}

class ChunkColumn {
  readonly form: 'number' | 'integer64' | 'time' | 'bytes';
  readonly base: bigint;
  /** number and time. */
  values: Float64Array = NO_NUMBERS;
  high: Int32Array = NO_INTEGERS;
  low: Int32Array = NO_INTEGERS;
  starts: Uint32Array = NO_HANDLES;
  /** Over the whole of its shared buffer. */
  data: Uint8Array = NO_BYTES;
  dataLength = 0;
  /** Null until the first NULL. */
  nulls: Uint8Array | null = null;

  constructor(form: ChunkColumn['form'], base: bigint) {
    this.form = form;
    this.base = base;
  }
}

/** What decides the representation of a new chunk. */
export interface ChunkForms {
  /** By layout column: true = 64-bit halves. */
  readonly isWide: (index: number) => boolean;
  /** By layout column of time kind. */
  readonly baseOf: (index: number) => bigint;
}

export class Chunk {
  readonly layout: ChunkLayout;
  rows = 0;
  capacity = 0;
  series: Uint32Array = NO_HANDLES;
  versions: Float64Array = NO_NUMBERS;
  ordinals: Uint32Array = NO_HANDLES;
  tombstones: Uint8Array | null = null;
  /** Bounds of the rows so far; times are offsets from `base`. */
  timeMin = Infinity;
  timeMax = -Infinity;
  versionMin = Infinity;
  versionMax = -Infinity;
  sizeBytes = 0;
  readonly #columns: readonly ChunkColumn[];
  readonly #memory: MemtableMemory;
  /** Holds all columns but NULL flags, tombstones and the bytes of strings. */
  #buffer: SharedArrayBuffer | null = null;

  constructor(layout: ChunkLayout, forms: ChunkForms, capacity: number, memory: MemtableMemory) {
    this.layout = layout;
    this.#memory = memory;
    this.#columns = layout.columns.map((column, index) => {
      const kind = columnKind(column.type);
      if (kind === 'time') return new ChunkColumn('time', forms.baseOf(index));
      if (kind === 'wide') return new ChunkColumn(forms.isWide(index) ? 'integer64' : 'number', 0n);
      return new ChunkColumn(kind, 0n);
    });
    this.#grow(capacity);
  }

  /** Base of the time column. */
  get base(): bigint {
    return this.#columns[this.layout.timeIndex]!.base;
  }

  /** Offsets of the time column. */
  get times(): Float64Array {
    return this.#columns[this.layout.timeIndex]!.values;
  }

  /** Rows that still fit, by count. */
  get room(): number {
    for (const column of this.#columns) {
      if (column.dataLength > DATA_BYTES_FULL) return 0;
    }
    return VECTOR_ROWS_MAX - this.rows;
  }

  isWide(index: number): boolean {
    return this.#columns[index]!.form === 'integer64';
  }

  baseOf(index: number): bigint {
    return this.#columns[index]!.base;
  }

  /** Makes the arrays reach to `rows` rows. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return;
    let capacity = this.capacity;
    while (capacity < rows) capacity *= 2;
    this.#grow(Math.min(capacity, VECTOR_ROWS_MAX));
  }

  /** Takes the times of rows at..end-1 into the bounds. Requires: they are written. */
  noteTimes(at: number, end: number): void {
    const { times } = this;
    let { timeMin, timeMax } = this;
    for (let row = at; row < end; row++) {
      const time = times[row]!;
      if (time < timeMin) timeMin = time;
      if (time > timeMax) timeMax = time;
    }
    this.timeMin = timeMin;
    this.timeMax = timeMax;
  }

  markTombstones(from: number, count: number): void {
    if (this.tombstones === null) {
      this.tombstones = new Uint8Array(new SharedArrayBuffer(this.capacity));
      this.sizeBytes += this.capacity;
    }
    this.tombstones.fill(1, from, from + count);
  }

  /** Copies `count` values of a decoded column, from its row `from` on, to row `at`. They fit: the caller has cut the rows. */
  copyColumn(index: number, at: number, values: ColumnValues, from: number, count: number): void {
    const column = this.#columns[index]!;
    if (values.nulls !== null) this.#copyNulls(column, at, values.nulls, from, count);
    switch (values.kind) {
      case 'number':
        if (column.form === 'integer64') copyAsHalves(column, at, values.values, from, count);
        else copyRows(column.values, at, values.values, from, count);
        return;
      case 'integer64':
        copyRows(column.high, at, values.high, from, count);
        copyRows(column.low, at, values.low, from, count);
        return;
      case 'time':
        copyTimes(column, at, values, from, count);
        return;
      case 'split-time':
        copySplitTimes(column, at, values, from, count, this.layout.columns[index]!.precision);
        return;
      case 'bytes': {
        const { starts } = values;
        const dataStart = starts[from]!;
        const dataEnd = starts[from + count]!;
        this.#reserveData(column, dataEnd - dataStart);
        column.data.set(values.data.subarray(dataStart, dataEnd), column.dataLength);
        endStrings(column, at, values, from, count);
        return;
      }
      case 'dictionary': {
        for (let row = 0; row < count; row++) this.#copyCoded(column, at + row, values, from + row);
      }
    }
  }

  /** As `copyColumn`, of strings that are long together: yields behind each slice the bytes that it had. */
  *copyStrings(
    index: number,
    at: number,
    values: BytesVector | DictionaryVector,
    from: number,
    count: number,
  ): Generator<number, undefined> {
    const column = this.#columns[index]!;
    if (values.nulls !== null) this.#copyNulls(column, at, values.nulls, from, count);
    if (values.kind === 'dictionary') {
      let yielded = column.dataLength;
      for (let row = 0; row < count; row++) {
        this.#copyCoded(column, at + row, values, from + row);
        if (column.dataLength - yielded < SLICE_BYTES) continue;
        yield column.dataLength - yielded;
        yielded = column.dataLength;
      }
      return;
    }
    const start = values.starts[from]!;
    const end = values.starts[from + count]!;
    this.#reserveData(column, end - start);
    yield* copyInSlices(column.data, column.dataLength, values.data, start, end);
    endStrings(column, at, values, from, count);
  }

  /** Rows that a section lacks a column for. */
  fillNulls(index: number, at: number, count: number): void {
    const column = this.#columns[index]!;
    column.nulls ??= this.#newNulls();
    column.nulls.fill(1, at, at + count);
    if (column.form === 'bytes') {
      column.starts.fill(column.dataLength, at + 1, at + count + 1);
    } else if (column.form === 'integer64') {
      column.high.fill(0, at, at + count);
      column.low.fill(0, at, at + count);
    } else {
      column.values.fill(0, at, at + count);
    }
  }

  /** Leaves its memory to others. Requires: nobody reads these rows any more, in any thread, or ever will. */
  release(): void {
    if (this.#buffer !== null) this.#memory.give(this.#buffer);
    this.#buffer = null;
    for (const column of this.#columns) {
      if (column.data.length > 0) this.#memory.give(column.data.buffer as SharedArrayBuffer);
      column.data = NO_BYTES;
      column.values = NO_NUMBERS;
    }
    this.series = NO_HANDLES;
    this.versions = NO_NUMBERS;
    this.rows = 0;
    this.capacity = 0;
  }

  /** The first `rows` rows with the columns asked for (layout places; -1 = the chunk lacks it), over the chunk's own arrays. */
  page(rows: number, columns: readonly number[]): Page {
    return new Page({
      length: rows,
      series: this.series.subarray(0, rows),
      base: this.base,
      times: this.times.subarray(0, rows),
      versions: this.versions.subarray(0, rows),
      tombstones: this.tombstones?.subarray(0, rows) ?? null,
      ordinals: this.ordinals.subarray(0, rows),
      columns: columns.map((index) => (index === -1 ? null : this.#vector(index, rows))),
    });
  }

  #vector(index: number, length: number): Vector {
    const column = this.#columns[index]!;
    const nulls = column.nulls?.subarray(0, length) ?? null;
    switch (column.form) {
      case 'number':
        return { kind: 'number', length, values: column.values.subarray(0, length), nulls };
      case 'integer64': {
        const high = column.high.subarray(0, length);
        return { kind: 'integer64', length, high, low: column.low.subarray(0, length), nulls };
      }
      case 'time': {
        const offsets = column.values.subarray(0, length);
        return { kind: 'time', length, base: column.base, offsets, nulls };
      }
      case 'bytes': {
        const starts = column.starts.subarray(0, length + 1);
        return { kind: 'bytes', length, starts, data: column.data, nulls };
      }
    }
  }

  /** New arrays of `capacity` rows over one shared buffer, 8-byte columns first. */
  #grow(capacity: number): void {
    let words = 1;
    let halfWords = 2;
    for (const { form } of this.#columns) {
      if (form === 'number' || form === 'time') words++;
      else halfWords += form === 'bytes' ? 1 : 2;
    }
    const starts = this.#columns.length;
    const buffer = this.#memory.take(capacity * (words * 8 + halfWords * 4) + starts * 4);
    let offset = 0;
    const floats = (old: Float64Array): Float64Array => {
      const array = new Float64Array(buffer, offset, capacity);
      array.set(old.subarray(0, this.rows));
      offset += capacity * 8;
      return array;
    };
    this.versions = floats(this.versions);
    for (const column of this.#columns) {
      if (column.form === 'number' || column.form === 'time') column.values = floats(column.values);
    }
    const uints = (old: Uint32Array, length: number, used: number): Uint32Array => {
      const array = new Uint32Array(buffer, offset, length);
      array.set(old.subarray(0, used));
      offset += length * 4;
      return array;
    };
    const ints = (old: Int32Array): Int32Array => {
      const array = new Int32Array(buffer, offset, capacity);
      array.set(old.subarray(0, this.rows));
      offset += capacity * 4;
      return array;
    };
    this.series = uints(this.series, capacity, this.rows);
    this.ordinals = uints(this.ordinals, capacity, this.rows);
    for (const column of this.#columns) {
      if (column.form === 'bytes') {
        column.starts = uints(column.starts, capacity + 1, this.rows + 1);
        column.starts[0] = 0;
      } else if (column.form === 'integer64') {
        column.high = ints(column.high);
        column.low = ints(column.low);
      }
      if (column.nulls !== null) column.nulls = this.#grownFlags(column.nulls, capacity);
    }
    if (this.tombstones !== null) this.tombstones = this.#grownFlags(this.tombstones, capacity);
    this.sizeBytes += buffer.byteLength - (this.#buffer?.byteLength ?? 0);
    this.#buffer = buffer;
    this.capacity = capacity;
  }

  #grownFlags(old: Uint8Array, capacity: number): Uint8Array {
    const flags = new Uint8Array(new SharedArrayBuffer(capacity));
    flags.set(old.subarray(0, this.rows));
    this.sizeBytes += capacity - old.length;
    return flags;
  }

  #newNulls(): Uint8Array {
    this.sizeBytes += this.capacity;
    return new Uint8Array(new SharedArrayBuffer(this.capacity));
  }

  #copyNulls(
    column: ChunkColumn,
    at: number,
    nulls: Uint8Array,
    from: number,
    count: number,
  ): void {
    column.nulls ??= this.#newNulls();
    copyRows(column.nulls, at, nulls, from, count);
  }

  #copyCoded(column: ChunkColumn, to: number, values: DictionaryVector, row: number): void {
    const { dictionary } = values;
    const isNull = values.nulls !== null && values.nulls[row] === 1;
    const code = values.codes[row]!;
    const start = isNull ? 0 : dictionary.starts[code]!;
    const end = isNull ? 0 : dictionary.starts[code + 1]!;
    this.#reserveData(column, end - start);
    let length = column.dataLength;
    if (end - start < SHORT_BYTES) {
      for (let byte = start; byte < end; byte++) column.data[length++] = dictionary.data[byte]!;
    } else {
      column.data.set(dictionary.data.subarray(start, end), length);
      length += end - start;
    }
    column.dataLength = length;
    column.starts[to + 1] = length;
  }

  #reserveData(column: ChunkColumn, more: number): void {
    const needed = column.dataLength + more;
    if (needed <= column.data.length) return;
    let size = Math.max(column.data.length * 2, 1024);
    while (size < needed) size *= 2;
    // It is on its way to being full: it gets what it can need, and is not copied again.
    if (size >= DATA_BYTES_FULL) size = Math.max(size, 2 * DATA_BYTES_FULL);
    const data = new Uint8Array(this.#memory.take(size));
    data.set(column.data.subarray(0, column.dataLength));
    this.sizeBytes += size - column.data.length;
    column.data = data;
  }
}

/** The bytes of these rows are in the column's data: now they are its rows from `at` on. */
function endStrings(
  column: ChunkColumn,
  at: number,
  { starts }: BytesVector,
  from: number,
  count: number,
): void {
  const shift = column.dataLength - starts[from]!;
  for (let row = 0; row < count; row++) {
    column.starts[at + row + 1] = starts[from + row + 1]! + shift;
  }
  column.dataLength += starts[from + count]! - starts[from]!;
}

/** Of a few rows each one is copied: a view of them costs more. */
function copyRows<Values extends Float64Array | Int32Array | Uint8Array>(
  target: Values,
  at: number,
  source: Values,
  from: number,
  count: number,
): void {
  if (count > FEW_ROWS) {
    target.set(source.subarray(from, from + count), at);
    return;
  }
  for (let row = 0; row < count; row++) target[at + row] = source[from + row]!;
}

function copyAsHalves(
  column: ChunkColumn,
  at: number,
  values: Float64Array,
  from: number,
  count: number,
): void {
  for (let row = 0; row < count; row++) {
    const value = values[from + row]!;
    column.high[at + row] = Math.floor(value / TWO_32);
    column.low[at + row] = value >>> 0;
  }
}

function copyTimes(
  column: ChunkColumn,
  at: number,
  values: TimeVector,
  from: number,
  count: number,
): void {
  if (values.base === column.base) {
    copyRows(column.values, at, values.offsets, from, count);
    return;
  }
  const delta = Number(values.base - column.base);
  for (let row = 0; row < count; row++) {
    const isNull = values.nulls !== null && values.nulls[from + row] === 1;
    column.values[at + row] = isNull ? 0 : values.offsets[from + row]! + delta;
  }
}

function copySplitTimes(
  column: ChunkColumn,
  at: number,
  values: SplitTimeColumn,
  from: number,
  count: number,
  precision: number,
): void {
  const unit = unitsPerSecond(precision);
  const baseSeconds = Number(column.base / BigInt(unit));
  for (let row = 0; row < count; row++) {
    const isNull = values.nulls !== null && values.nulls[from + row] === 1;
    column.values[at + row] = isNull
      ? 0
      : (values.seconds[from + row]! - baseSeconds) * unit + values.fractions[from + row]!;
  }
}
