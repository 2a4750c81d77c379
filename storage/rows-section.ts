/**
 * Sections that carry rows by value: 'rows' and 'key deletes'. Self-contained: tags are dictionaries of bytes, never a node's ids.
 *
 *   payload := varint rows, varint tuples,
 *              (u8 form, column)*          the tag columns over the distinct tag tuples
 *              [numbers(rows)]             each row's tuple; left out when there is one tuple
 *              u8 form * n                 the columns that follow, in schema order
 *              column * n                  time kinds first, then the others, each in schema order
 *
 * Time columns come first because their bases decide how a reader cuts the rows into chunks. A 'key deletes' section has the
 * table's time column only.
 */

import { type ByteReader, DamagedBytesError } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import {
  columnForm,
  type ColumnValues,
  decodeColumn,
  encodeColumn,
  isWideForm,
} from './column-codec.js';
import { columnKind, rowColumnsOf, tagColumnsOf, timeColumnOf } from './column-kind.js';
import { decodeNumbers } from './number-decoder.js';
import { encodeNumbers } from './number-encoder.js';
import type { StoredColumn, TableSchema } from './table-schema.js';
import type { ResolvedTagBlocks } from './tag-block-cache.js';
import type { VectorMemory } from './vector-memory.js';

/** More rows than any record holds: a bound for damaged counts. */
export const SECTION_ROWS_MAX = 1 << 22;

export type RowsKind = 'rows' | 'key-deletes';

/** What a schema's sections of one kind look like; worked out once a schema. */
export interface SectionShape {
  readonly kind: RowsKind;
  readonly tagCount: number;
  /** Carried row by row, in schema order. */
  readonly columns: readonly StoredColumn[];
  /** Places in `columns` as they are written: time kinds first. */
  readonly order: readonly number[];
  /** How many of `order` are of time kind. */
  readonly timeCount: number;
}

export function sectionShape(schema: TableSchema, kind: RowsKind): SectionShape {
  const columns = kind === 'rows' ? rowColumnsOf(schema) : [timeColumnOf(schema)];
  const times: number[] = [];
  const others: number[] = [];
  columns.forEach((column, index) => {
    (columnKind(column.type) === 'time' ? times : others).push(index);
  });
  return {
    kind,
    tagCount: tagColumnsOf(schema).length,
    columns,
    order: [...times, ...others],
    timeCount: times.length,
  };
}

export interface SectionRows {
  readonly rowCount: number;
  /** Distinct tag tuples. */
  readonly tupleCount: number;
  /** Writes the tag columns over the distinct tuples, each a form and a column. */
  readonly writeTags: (writer: ByteWriter) => void;
  /** Each row's tuple. */
  readonly tupleOf: Float64Array;
  /** The values of the shape's columns, called once a column: its arrays are good until the next call. */
  readonly column: (index: number) => ColumnValues;
}

/** @param lends long strings of rows are lent to the writer, those of tags are not */
export function encodeRowsPayload(
  writer: ByteWriter,
  shape: SectionShape,
  rows: SectionRows,
  lends: boolean,
): void {
  const { tupleCount } = rows;
  writer.varint(rows.rowCount);
  writer.varint(tupleCount);
  rows.writeTags(writer);
  if (lends) writer.borrow();
  if (tupleCount > 1) encodeNumbers(writer, rows.tupleOf, rows.rowCount, 'fast');
  const formsAt = writer.reserve(shape.columns.length);
  for (const index of shape.order) {
    const column = rows.column(index);
    const form = columnForm(column);
    writer.bytes[formsAt + index] = form;
    encodeColumn(writer, column, form, 'fast');
  }
}

/** Reads a payload in the order it was written: `tags`, then `tupleOf`, then every column through `nextColumn`. */
export class RowsSectionReader {
  readonly rowCount: number;
  readonly tupleCount: number;
  /** Values over the distinct tuples: strings or dictionaries of canonical bytes. Empty when `resolved` says the series. */
  readonly tags: readonly ColumnValues[];
  /** Series of the tuples, when their bytes are known from an earlier section. */
  readonly resolved: Uint32Array | null;
  /** Null: all rows have tuple 0. */
  readonly tupleOf: Float64Array | null;
  readonly shape: SectionShape;
  readonly #reader: ByteReader;
  readonly #forms: Uint8Array;
  readonly #tagsStart: number;
  readonly #tagsEnd: number;
  #next = 0;

  /** `memory` must keep the tags and tuple numbers for as long as they are used. `known` are the table's. */
  constructor(
    reader: ByteReader,
    shape: SectionShape,
    memory: VectorMemory,
    known: ResolvedTagBlocks | null = null,
  ) {
    this.#reader = reader;
    this.shape = shape;
    this.rowCount = reader.varint();
    this.tupleCount = reader.varint();
    if (this.rowCount < 1 || this.rowCount > SECTION_ROWS_MAX) {
      throw new DamagedBytesError(`a section has ${this.rowCount} rows`);
    }
    if (this.tupleCount < 1 || this.tupleCount > this.rowCount) {
      throw new DamagedBytesError(`a section has ${this.tupleCount} tag tuples`);
    }
    this.#tagsStart = reader.offset;
    const block = known?.match(reader.bytes, reader.offset, reader.end, this.tupleCount) ?? null;
    const tags: ColumnValues[] = [];
    if (block !== null) reader.skip(block.bytes.length);
    else {
      for (let tag = 0; tag < shape.tagCount; tag++) {
        tags.push(decodeColumn(reader, reader.uint8(), this.tupleCount, memory));
      }
    }
    this.#tagsEnd = reader.offset;
    this.tags = tags;
    this.resolved = block?.series ?? null;
    this.tupleOf = this.tupleCount > 1 ? decodeNumbers(reader, this.rowCount, memory) : null;
    this.#forms = reader.view(shape.columns.length);
  }

  /** The tuples have these series: to be known by their bytes the next time. */
  offerResolved(known: ResolvedTagBlocks, series: Uint32Array): void {
    known.offer(this.#reader.bytes, this.#tagsStart, this.#tagsEnd, this.tupleCount, series);
  }

  /** The same for once: for the reader that applies these very bytes. `series` is kept. */
  prepareResolved(known: ResolvedTagBlocks, series: Uint32Array): void {
    known.prepare(this.#reader.bytes, this.#tagsStart, this.#tagsEnd, series);
  }

  /** True when the column comes as 64-bit halves. */
  isWide(index: number): boolean {
    return isWideForm(this.#forms[index]!);
  }

  /** The values of the next column in the shape's `order`. */
  nextColumn(memory: VectorMemory): ColumnValues {
    const form = this.#forms[this.shape.order[this.#next++]!]!;
    return decodeColumn(this.#reader, form, this.rowCount, memory);
  }
}
