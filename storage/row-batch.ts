/**
 * Rows under construction, column by column: what the INSERT scanner and prepared statements write into, and what becomes a
 * section of a record.
 *
 * The hot path allocates nothing: numbers go straight into typed arrays, text fields into one arena a column, tag cells into the
 * row's tag tuple, which is looked up by its bytes in a batch-local dictionary when the row ends. So a batch of 100 hosts and
 * 10,000 rows carries every tag once and a byte a row.
 */

import assert from 'node:assert';
import { ByteDictionary } from './byte-dictionary.js';
import { ColumnBuilder } from './column-builder.js';
import { columnKind, rowColumnsOf } from './column-kind.js';
import { SECTION_ROWS_MAX, type RowsKind, sectionShape } from './rows-section.js';
import {
  ColumnRole,
  ColumnType,
  type SchemaId,
  type StoredColumn,
  type TableSchema,
} from './table-schema.js';
import { TagTupleWriter } from './tag-tuple.js';
import { encodeRowsSection } from './write-body.js';
import { schemaIdOf } from './schema-body.js';

const INITIAL_ROWS = 64;
const TWO_32 = 2 ** 32;
/** Section header, counts, and what each column adds once: form, codec and base. */
const FIXED_BYTES = 64;
const COLUMN_FIXED_BYTES = 32;

export class RowBatch {
  readonly schema: TableSchema;
  readonly schemaId: SchemaId;
  /** Rows ended. */
  rowCount = 0;

  readonly #columns: readonly StoredColumn[];
  /** By schema column; null for tags. */
  readonly #builders: readonly (ColumnBuilder | null)[];
  readonly #fieldBuilders: readonly ColumnBuilder[];
  readonly #tagCount: number;
  readonly #rowBytes: number;
  readonly #tuples = new ByteDictionary();
  #tupleOf = new Float64Array(INITIAL_ROWS);
  #capacity = INITIAL_ROWS;
  #dataBytes = 0;

  /** The tuple of the row under construction, complete up to tag `#nextTag`. */
  readonly #tuple = new TagTupleWriter();
  #nextTag = 0;
  /** Cells that came before their turn, each as a tuple of one. Null until that happens. */
  #early: (TagTupleWriter | null)[] | null = null;

  constructor(schema: TableSchema) {
    this.schema = schema;
    this.schemaId = schemaIdOf(schema);
    this.#columns = schema.columns;
    this.#builders = schema.columns.map((column) =>
      column.role === ColumnRole.tag ? null : new ColumnBuilder(column, INITIAL_ROWS),
    );
    this.#fieldBuilders = this.#builders.filter((builder) => builder !== null);
    this.#tagCount = schema.columns.length - this.#fieldBuilders.length;
    const firstTags = schema.columns.slice(0, this.#tagCount);
    assert(
      firstTags.every((column) => column.role === ColumnRole.tag),
      'tags come first in a schema',
    );
    this.#rowBytes = rowColumnsOf(schema).reduce((sum, column) => sum + cellBytes(column), 4);
  }

  /** BOOLEAN, integers up to 53 bits, floats, days of a DATE. */
  setNumber(column: number, value: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) builder.setNumber(this.rowCount, value);
    else this.#tagCell(column).numberCell(value);
  }

  /** A 64-bit integer as two halves: high * 2^32 + (low >>> 0). */
  setInteger64(column: number, high: number, low: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) {
      builder.setHalves(this.rowCount, high, low);
      return;
    }
    const isUnsigned = this.#columns[column]!.type === ColumnType.uint64;
    const upper = isUnsigned ? high >>> 0 : high | 0;
    const value = upper * TWO_32 + (low >>> 0);
    if (Number.isSafeInteger(value)) this.#tagCell(column).numberCell(value);
    else this.#tagCell(column).textCell(String(BigInt(upper) * 2n ** 32n + BigInt(low >>> 0)));
  }

  /** Seconds since the epoch, rounded down, and the rest in the column's units: 0 <= fraction < 10^precision. */
  setTime(column: number, seconds: number, fraction: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) {
      builder.values[this.rowCount] = seconds;
      builder.fractions[this.rowCount] = fraction;
      return;
    }
    const unit = 10 ** this.#columns[column]!.precision;
    const value = seconds * unit + fraction;
    if (Number.isSafeInteger(value)) this.#tagCell(column).numberCell(value);
    else this.#tagCell(column).textCell(String(BigInt(seconds) * BigInt(unit) + BigInt(fraction)));
  }

  /** Text and blob: copies `source[start..end)`. */
  setBytes(column: number, source: Uint8Array, start: number, end: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) {
      builder.setBytes(this.rowCount, source, start, end);
      this.#dataBytes += end - start;
    } else {
      this.#tagCell(column).bytesCell(source, start, end);
    }
  }

  setNull(column: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) builder.setNull(this.rowCount);
    else this.#tagCell(column).nullCell();
  }

  endRow(): void {
    const tuple = this.#tuple;
    if (this.#nextTag < this.#tagCount) this.#appendEarly();
    this.#tupleOf[this.rowCount] = this.#tuples.add(tuple.bytes, 0, tuple.length);
    tuple.length = 0;
    this.#nextTag = 0;
    this.rowCount++;
    if (this.rowCount === this.#capacity) this.#grow();
  }

  /** Forgets the cells set since the last `endRow`. */
  abandonRow(): void {
    for (const builder of this.#fieldBuilders) builder.abandon(this.rowCount);
    this.#forgetTuple();
  }

  /** An upper bound of what `encodeSection` returns, in bytes. */
  get approximateBytes(): number {
    return (
      FIXED_BYTES +
      this.#columns.length * COLUMN_FIXED_BYTES +
      this.rowCount * this.#rowBytes +
      this.#dataBytes +
      this.#tuples.dataBytes +
      this.#tuples.count * this.#tagCount * 9
    );
  }

  /** Memory held, in bytes. */
  get sizeBytes(): number {
    return this.#capacity * (this.#rowBytes + 8) + this.#dataBytes + this.#tuples.sizeBytes;
  }

  /** All rows as a 'rows' section. */
  encodeSection(): Uint8Array {
    return this.#encode('rows');
  }

  /** The keys (tags and time) of all rows as a 'key deletes' section. */
  encodeKeySection(): Uint8Array {
    return this.#encode('key-deletes');
  }

  /** Forgets all rows; buffers are kept. */
  clear(): void {
    for (const builder of this.#fieldBuilders) builder.clear();
    this.#forgetTuple();
    this.#tuples.clear();
    this.rowCount = 0;
    this.#dataBytes = 0;
  }

  #encode(kind: RowsKind): Uint8Array {
    assert(
      this.rowCount > 0 && this.rowCount <= SECTION_ROWS_MAX,
      'a section has rows, not too many',
    );
    const shape = sectionShape(this.schema, kind);
    const builderOf = shape.columns.map((column) => this.#builders[this.#columns.indexOf(column)]!);
    return encodeRowsSection(this.schemaId, shape, {
      rowCount: this.rowCount,
      tuples: this.#tuples,
      tupleOf: this.#tupleOf,
      column: (index) => builderOf[index]!.column(this.rowCount),
    });
  }

  /** Where the cell of this tag goes: the tuple itself when it is this tag's turn, else a place to wait. */
  #tagCell(column: number): TagTupleWriter {
    if (column === this.#nextTag) {
      this.#nextTag++;
      return this.#tuple;
    }
    this.#early ??= Array.from({ length: this.#tagCount }, () => null);
    const early = (this.#early[column] ??= new TagTupleWriter());
    early.clear();
    return early;
  }

  #appendEarly(): void {
    for (; this.#nextTag < this.#tagCount; this.#nextTag++) {
      const early = this.#early?.[this.#nextTag] ?? null;
      assert(early !== null && early.length > 0, 'every tag of a row is set');
      this.#tuple.rawCell(early.bytes, 0, early.length);
      early.clear();
    }
  }

  #forgetTuple(): void {
    this.#tuple.clear();
    this.#nextTag = 0;
    for (const early of this.#early ?? []) early?.clear();
  }

  #grow(): void {
    this.#capacity *= 2;
    for (const builder of this.#fieldBuilders) builder.grow(this.#capacity);
    const tupleOf = new Float64Array(this.#capacity);
    tupleOf.set(this.#tupleOf);
    this.#tupleOf = tupleOf;
  }
}

/** Most bytes that a cell of this column takes in a section, the bytes of strings apart; the NULL bit is rounded up into it. */
function cellBytes(column: StoredColumn): number {
  const kind = columnKind(column.type);
  return kind === 'time' ? 17 : 9;
}
