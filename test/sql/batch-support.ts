/** Rows that a scanner wrote into batches, and what a batch would hold that remembers nothing of earlier rows. */

import { SqlError } from '../../protocol/index.js';
import type { InsertScanner } from '../../src/sql/insert-scanner.js';
import type { RowSink } from '../../src/sql/row-sink.js';
import { RowBatch, type TableSchema } from '../../storage/index.js';
import { RowsSectionReader, sectionShape, type RowsKind } from '../../storage/rows-section.js';
import { writeTuple } from '../../storage/series-resolver.js';
import { freshMemory } from '../../storage/vector-memory.js';
import type { Vector } from '../../storage/vector.js';
import { encodeWriteBody, sectionsOf, type Section } from '../../storage/write-body.js';
import { hexOfBytes } from '../support/hex-fixture.js';
import { printValue, valueAt } from '../support/vector-values.js';

/** Everything of a batch but what tells tuples again. */
export class ForgetfulSink implements RowSink {
  readonly batch: RowBatch;

  constructor(schema: TableSchema) {
    this.batch = new RowBatch(schema);
  }

  get rowCount(): number {
    return this.batch.rowCount;
  }
  setNumber(column: number, value: number): void {
    this.batch.setNumber(column, value);
  }
  setInteger64(column: number, high: number, low: number): void {
    this.batch.setInteger64(column, high, low);
  }
  setTime(column: number, seconds: number, fraction: number): void {
    this.batch.setTime(column, seconds, fraction);
  }
  setBytes(column: number, source: Uint8Array, start: number, end: number): void {
    this.batch.setBytes(column, source, start, end);
  }
  takesPieces(column: number): boolean {
    return this.batch.takesPieces(column);
  }
  addBytes(column: number, source: Uint8Array, start: number, end: number): void {
    this.batch.addBytes(column, source, start, end);
  }
  setNull(column: number): void {
    this.batch.setNull(column);
  }
  endRow(): void {
    this.batch.endRow();
  }
  abandonRow(): void {
    this.batch.abandonRow();
  }
}

/** Each row's tags, as text, and the bytes of everything that is not tags. */
export function readSection(
  schema: TableSchema,
  section: Uint8Array,
  kind: RowsKind,
): { tags: string[]; tupleCount: number; rest: string } {
  const [{ reader }] = [...sectionsOf(Buffer.concat(encodeWriteBody([section])), 0)] as [Section];
  const shape = sectionShape(schema, kind);
  const { tags, tupleOf, tupleCount, rowCount } = new RowsSectionReader(reader, shape, freshMemory);
  const tuples = Array.from({ length: tupleCount }, (_, tuple) =>
    tags.map((column) => printValue(valueAt(column as Vector, tuple))).join(),
  );
  return {
    tags: Array.from({ length: rowCount }, (_, row) => tuples[tupleOf?.[row] ?? 0]!),
    tupleCount,
    rest: hexOfBytes(reader.bytes.subarray(reader.offset - shape.columns.length, reader.end)),
  };
}

/** Canonical bytes of the distinct tuples of a 'rows' section. */
export function tuplesOf(schema: TableSchema, section: Uint8Array): Uint8Array[] {
  const [{ reader }] = [...sectionsOf(Buffer.concat(encodeWriteBody([section])), 0)] as [Section];
  const shape = sectionShape(schema, 'rows');
  const { tags, tupleCount } = new RowsSectionReader(reader, shape, freshMemory);
  return Array.from({ length: tupleCount }, (_, tuple) => {
    const { bytes, length } = writeTuple(tags, tuple);
    return bytes.slice(0, length);
  });
}

/** What became of it: 'read', or the error. Each piece is wiped after it was read, as a socket's buffer would be. */
export function readPieces(scanner: InsertScanner, text: string, cuts: readonly number[]): string {
  const bytes = Buffer.from(text);
  try {
    let start = 0;
    for (const end of [...cuts, bytes.length]) {
      const piece = new Uint8Array(end - start + 2).fill(0x27);
      piece.set(bytes.subarray(start, end), 1);
      for (let at = 1; at < piece.length - 1;) at += scanner.write(piece, at, piece.length - 1);
      piece.fill(0x29);
      start = end;
    }
    scanner.end();
    return 'read';
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `${error.errno} ${error.message}`;
  }
}
