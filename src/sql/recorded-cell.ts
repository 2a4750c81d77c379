/**
 * One converted cell, kept to be repeated: a column's DEFAULT is converted once a statement and written once a row.
 *
 * It is made by letting a converter write into it as if it were the batch.
 */

import type { RowSink } from './row-sink.js';

const EMPTY = new Uint8Array();

export class RecordedCell implements RowSink {
  readonly rowCount = 0;
  #kind: 'unset' | 'null' | 'number' | 'integer64' | 'time' | 'bytes' = 'unset';
  #column = 0;
  #first = 0;
  #second = 0;
  #bytes = EMPTY;

  setNumber(column: number, value: number): void {
    this.#record('number', column, value, 0);
  }

  setInteger64(column: number, high: number, low: number): void {
    this.#record('integer64', column, high, low);
  }

  setTime(column: number, seconds: number, fraction: number): void {
    this.#record('time', column, seconds, fraction);
  }

  setBytes(column: number, source: Uint8Array, start: number, end: number): void {
    this.#record('bytes', column, 0, 0);
    this.#bytes = source.slice(start, end);
  }

  takesPieces(): boolean {
    return false;
  }

  addBytes(): void {
    throw new Error('a recorded cell is set at once');
  }

  setNull(column: number): void {
    this.#record('null', column, 0, 0);
  }

  endRow(): void {
    throw new Error('a recorded cell is no row');
  }

  abandonRow(): void {
    throw new Error('a recorded cell is no row');
  }

  /** Writes the cell as it was recorded. */
  replay(sink: RowSink): void {
    switch (this.#kind) {
      case 'number':
        sink.setNumber(this.#column, this.#first);
        break;
      case 'integer64':
        sink.setInteger64(this.#column, this.#first, this.#second);
        break;
      case 'time':
        sink.setTime(this.#column, this.#first, this.#second);
        break;
      case 'bytes':
        sink.setBytes(this.#column, this.#bytes, 0, this.#bytes.length);
        break;
      case 'null':
        sink.setNull(this.#column);
        break;
      case 'unset':
        throw new Error('nothing was recorded');
    }
  }

  #record(
    kind: 'null' | 'number' | 'integer64' | 'time' | 'bytes',
    column: number,
    first: number,
    second: number,
  ): void {
    this.#kind = kind;
    this.#column = column;
    this.#first = first;
    this.#second = second;
  }
}
