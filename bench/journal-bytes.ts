/**
 * Bytes a row in the journal, and what it costs to make and to read them: records of 5,000 rows of the cpu workload, in order of arrival.
 *
 *   node dist/bench/journal-bytes.js
 *
 * Groups add a header and padding to 512 bytes to each record or to many; they are not counted.
 */

import { ByteReader } from '../storage/byte-reader.js';
import { RECORD_HEADER_BYTES } from '../storage/record.js';
import { RowBatch } from '../storage/row-batch.js';
import { RowsSectionReader, sectionShape } from '../storage/rows-section.js';
import { ColumnRole, ColumnType, type TableSchema } from '../storage/table-schema.js';
import { TupleMemory } from '../storage/tuple-memory.js';
import { ScratchMemory } from '../storage/vector-memory.js';
import { encodeWriteBody } from '../storage/write-body.js';
import { type CpuShape, forEachCpuRow, METRICS, SHAPES, TAGS } from './cpu-workload.js';

const BATCH_ROWS = 5000;
const BATCHES = 40;
const ROUNDS = 15;
/** Sections, kind, length, owner. */
const SECTION_HEADER_BYTES = 2 + 1 + 4 + 8;

const column = (id: number, type: ColumnType, role: ColumnRole) => ({
  id,
  type,
  role,
  precision: 0,
});
const SCHEMA: TableSchema = {
  tableId: 1,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: [
    ...TAGS.map((_, index) => column(100 + index, ColumnType.text, ColumnRole.tag)),
    column(200, ColumnType.datetime, ColumnRole.time),
    ...METRICS.map((_, index) => column(300 + index, ColumnType.int64, ColumnRole.field)),
  ],
};

for (const [name, shape] of Object.entries(SHAPES)) measure(name, shape);

function measure(name: string, shape: CpuShape): void {
  const batches = batchesOf(shape);
  const rows = batches.length * BATCH_ROWS;
  let bodies: Buffer[] = [];
  const writeNs = best(() => {
    bodies = batches.map((batch) => Buffer.concat(encodeWriteBody([batch.encodeSection()])));
  });
  const tagMemory = new ScratchMemory();
  const memory = new ScratchMemory();
  const sectionReader = sectionShape(SCHEMA, 'rows');
  const readNs = best(() => {
    for (const body of bodies) {
      tagMemory.reset();
      const reader = new RowsSectionReader(
        new ByteReader(body, SECTION_HEADER_BYTES),
        sectionReader,
        tagMemory,
      );
      for (let index = 0; index < sectionReader.columns.length; index++) {
        memory.reset();
        reader.nextColumn(memory);
      }
    }
  });
  const bytes = bodies.reduce((sum, body) => sum + body.length + RECORD_HEADER_BYTES, 0);
  console.log(
    `${name}: ${(bytes / rows).toFixed(2)} bytes a row, written in ${(writeNs / rows).toFixed(0)} ns a row, read in ${(readNs / rows).toFixed(0)}`,
  );
}

function batchesOf(shape: CpuShape): RowBatch[] {
  const tuples = new TupleMemory(TAGS.length);
  const batches: RowBatch[] = [];
  let batch = new RowBatch(SCHEMA, tuples);
  forEachCpuRow(shape, 20260101, BATCH_ROWS * BATCHES, (row) => {
    row.tags.forEach((tag, index) => {
      const cell = Buffer.from(tag);
      batch.setBytes(index, cell, 0, cell.length);
    });
    batch.setTime(TAGS.length, row.seconds, 0);
    METRICS.forEach((_, index) => {
      batch.setNumber(TAGS.length + 1 + index, row.usage[row.at + index]!);
    });
    batch.endRow();
    if (batch.rowCount < BATCH_ROWS) return;
    batches.push(batch);
    batch = new RowBatch(SCHEMA, tuples);
  });
  return batches;
}

/** The least time of a round, in nanoseconds. */
function best(round: () => void): number {
  let least = Infinity;
  for (let index = 0; index < ROUNDS; index++) {
    const start = process.hrtime.bigint();
    round();
    least = Math.min(least, Number(process.hrtime.bigint() - start));
  }
  return least;
}
