/**
 * One column of rows under construction. Plain typed arrays that grow by doubling, one class for every kind so that the row batch's
 * calls stay monomorphic; which arrays are in use depends on the kind:
 *
 *   number, wide  values; wide columns switch to high/low at the first value beyond 2^53 and stay there until `clear`
 *   time          values = whole seconds since the epoch, fractions = units within the second
 *   bytes         starts (row + 1 = end of the row's bytes), data
 *
 * `values` and `fractions` are lanes of the batch (cell-lanes.ts), which gives them anew when it grows.
 *
 * A value of megabytes comes in pieces, each in a turn of the event loop: so the larger array that it may need is filled beforehand, piece by
 * piece too, from when the one in use is half full. If the value ends before that one is full, the larger one was for nothing.
 */

import type { CellLanes } from './cell-lanes.js';
import { columnKind, type ColumnKind } from './column-kind.js';
import type { ColumnValues } from './column-codec.js';
import { baseFor, baseSecondsFor, unitsPerSecond } from './time-base.js';
import { ColumnType, type StoredColumn } from './table-schema.js';

const TWO_32 = 2 ** 32;
const NO_CELLS = new Float64Array(0);

/** A smaller array is copied in the turn in which it is full. */
const PREPARED_BYTES_MIN = 512 * 1024;
/** Bytes copied beforehand for each that is added: twice as many are just enough. */
const COPIED_PER_ADDED = 3;

export class ColumnBuilder {
  readonly kind: ColumnKind;
  readonly isUnsigned: boolean;
  readonly precision: number;
  values: Float64Array = NO_CELLS;
  fractions: Float64Array = NO_CELLS;
  /** In use (and then for every row) while `isSplit`. */
  high: Int32Array = new Int32Array(0);
  low: Int32Array = new Int32Array(0);
  isSplit = false;
  starts: Uint32Array;
  data: Uint8Array;
  dataLength = 0;
  nulls: Uint8Array | null = null;
  nullCount = 0;
  #capacity: number;
  /** What `data` will be when it is full: has the first `#nextBytes` of it already. */
  #next: Uint8Array | null = null;
  #nextBytes = 0;

  constructor(column: StoredColumn, capacity: number) {
    this.kind = columnKind(column.type);
    this.isUnsigned = column.type === ColumnType.uint64;
    this.precision = column.precision;
    this.#capacity = capacity;
    const isBytes = this.kind === 'bytes';
    this.starts = new Uint32Array(isBytes ? capacity + 1 : 0);
    this.data = new Uint8Array(isBytes ? 256 : 0);
  }

  /** Lanes it takes: `values`, and `fractions` of a time. */
  get laneCount(): number {
    return this.kind === 'bytes' ? 0 : this.kind === 'time' ? 2 : 1;
  }

  /** Its lanes begin with lane `first`. */
  useLanes(lanes: CellLanes, first: number): void {
    if (this.kind === 'bytes') return;
    this.values = lanes.lane(first);
    if (this.kind === 'time') this.fractions = lanes.lane(first + 1);
  }

  /** Grows all but the lanes. */
  grow(capacity: number): void {
    if (this.kind === 'bytes') {
      const starts = new Uint32Array(capacity + 1);
      starts.set(this.starts);
      this.starts = starts;
    }
    if (this.isSplit) {
      this.high = grownInts(this.high, capacity);
      this.low = grownInts(this.low, capacity);
    }
    if (this.nulls !== null) {
      const nulls = new Uint8Array(capacity);
      nulls.set(this.nulls);
      this.nulls = nulls;
    }
    this.#capacity = capacity;
  }

  setNumber(row: number, value: number): void {
    if (this.isSplit) this.#putHalves(row, Math.floor(value / TWO_32), value >>> 0);
    else this.values[row] = value;
  }

  setHalves(row: number, high: number, low: number): void {
    const value = (this.isUnsigned ? high >>> 0 : high | 0) * TWO_32 + (low >>> 0);
    if (!this.isSplit) {
      if (Number.isSafeInteger(value)) {
        this.values[row] = value;
        return;
      }
      this.#split(row);
    }
    this.#putHalves(row, high, low);
  }

  setBytes(row: number, source: Uint8Array, start: number, end: number): void {
    const at = this.dataLength;
    const count = end - start;
    if (at + count > this.data.length) this.#growData(at + count);
    const data = this.data;
    if (count < 64) {
      for (let from = start, to = at; from < end; from++, to++) data[to] = source[from]!;
    } else {
      data.set(source.subarray(start, end), at);
    }
    this.dataLength = at + count;
    this.starts[row + 1] = at + count;
  }

  /** Behind what `setBytes` wrote in this row. */
  addBytes(row: number, source: Uint8Array, start: number, end: number): void {
    this.setBytes(row, source, start, end);
    this.#prepareNext(end - start);
  }

  setNull(row: number): void {
    this.nulls ??= new Uint8Array(this.#capacity);
    this.nulls[row] = 1;
    this.nullCount++;
    if (this.kind === 'bytes') {
      this.starts[row + 1] = this.dataLength;
    } else {
      this.values[row] = 0;
      if (this.kind === 'time') this.fractions[row] = 0;
      else if (this.isSplit) this.#putHalves(row, 0, 0);
    }
  }

  /** From row `at` on: the cells from[start..end) of another builder of such a column. Requires: there is room for them. */
  copyRows(at: number, from: ColumnBuilder, start: number, end: number): void {
    for (let row = start, to = at; row < end; row++, to++) {
      if (from.nullCount > 0 && from.nulls![row] === 1) this.setNull(to);
      else if (this.kind === 'bytes') {
        this.setBytes(to, from.data, from.starts[row]!, from.starts[row + 1]!);
      } else if (from.isSplit) this.setHalves(to, from.high[row]!, from.low[row]!);
      else {
        this.setNumber(to, from.values[row]!);
        if (this.kind === 'time') this.fractions[to] = from.fractions[row]!;
      }
    }
  }

  /** Forgets the cell of a row that did not end. */
  abandon(row: number): void {
    if (this.nulls !== null && this.nulls[row] === 1) {
      this.nulls[row] = 0;
      this.nullCount--;
    }
    if (this.kind === 'bytes') this.dataLength = this.starts[row]!;
    this.#dropNext();
  }

  clear(): void {
    if (this.nullCount > 0) this.nulls!.fill(0);
    this.nullCount = 0;
    this.isSplit = false;
    this.dataLength = 0;
    this.#dropNext();
  }

  /** The first `length` rows; valid until the next call that changes the builder. */
  column(length: number): ColumnValues {
    const nulls = this.nullCount > 0 ? this.nulls : null;
    if (this.kind === 'bytes') {
      return { kind: 'bytes', length, starts: this.starts, data: this.data, nulls };
    }
    if (this.kind === 'time') return this.#timeColumn(length, nulls);
    if (this.isSplit) {
      return { kind: 'integer64', length, high: this.high, low: this.low, nulls };
    }
    return { kind: 'number', length, values: this.values, nulls };
  }

  /** Offsets from one base when all rows are near enough, else seconds and fractions. */
  #timeColumn(length: number, nulls: Uint8Array | null): ColumnValues {
    const { values: seconds, fractions } = this;
    const unit = unitsPerSecond(this.precision);
    let row = 0;
    while (row < length && nulls !== null && nulls[row] === 1) row++;
    const isEmpty = row === length;
    const base = isEmpty ? 0n : baseFor(seconds[row]!, this.precision);
    const baseSeconds = isEmpty ? 0 : baseSecondsFor(seconds[row]!, this.precision);
    const offsets = timeOffsets(length);
    for (row = 0; row < length; row++) {
      if (nulls !== null && nulls[row] === 1) {
        offsets[row] = 0;
        continue;
      }
      const offset = (seconds[row]! - baseSeconds) * unit + fractions[row]!;
      if (!Number.isSafeInteger(offset)) {
        return { kind: 'split-time', length, seconds, fractions, nulls };
      }
      offsets[row] = offset;
    }
    return { kind: 'time', length, base, offsets, nulls };
  }

  #putHalves(row: number, high: number, low: number): void {
    this.high[row] = high;
    this.low[row] = low;
  }

  #split(rows: number): void {
    this.isSplit = true;
    this.high = grownInts(this.high, this.#capacity);
    this.low = grownInts(this.low, this.#capacity);
    for (let row = 0; row < rows; row++) {
      const value = this.values[row]!;
      this.#putHalves(row, Math.floor(value / TWO_32), value >>> 0);
    }
  }

  #growData(needed: number): void {
    let size = this.data.length * 2;
    while (size < needed) size *= 2;
    const isPrepared = this.#next !== null && this.#next.length === size;
    const data = isPrepared ? this.#next! : new Uint8Array(size);
    const copied = isPrepared ? this.#nextBytes : 0;
    data.set(this.data.subarray(copied, this.dataLength), copied);
    this.data = data;
    this.#dropNext();
  }

  /** `added` bytes more are there. */
  #prepareNext(added: number): void {
    const { data, dataLength } = this;
    if (data.length < PREPARED_BYTES_MIN || dataLength * 2 <= data.length) return;
    this.#next ??= new Uint8Array(data.length * 2);
    const from = this.#nextBytes;
    const to = Math.min(from + added * COPIED_PER_ADDED, dataLength);
    this.#next.set(data.subarray(from, to), from);
    this.#nextBytes = to;
  }

  #dropNext(): void {
    this.#next = null;
    this.#nextBytes = 0;
  }
}

// Filled and encoded in one synchronous step, so all builders can share it.
let offsetScratch = new Float64Array(1024);

function timeOffsets(length: number): Float64Array {
  if (offsetScratch.length < length) offsetScratch = new Float64Array(length * 2);
  return offsetScratch;
}

function grownInts(array: Int32Array, capacity: number): Int32Array {
  if (array.length >= capacity) return array;
  const grown = new Int32Array(capacity);
  grown.set(array);
  return grown;
}
