/**
 * How fast INSERT text becomes rows, in MB of text a second on one core: 21 columns (10 string tags, a timestamp text, 10 small
 * integers), once into a sink that keeps nothing and once into a RowBatch that is encoded whenever it is full. Then statement by
 * statement of 5,000 rows, as a server reads them: two batches take turns and share what they remember of the tags. The time is the
 * processor's, not the clock's.
 *
 *   node dist/bench/insert-scan.js [megabytes]
 */

import { fixedTimeZone } from '../src/exec/time-zone.js';
import { CellConverter } from '../src/sql/cell-conversion.js';
import type { ConversionContext } from '../src/sql/cell-conversion.js';
import { InsertScanner } from '../src/sql/insert-scanner.js';
import type { InsertTarget } from '../src/sql/insert-target.js';
import type { RowSink } from '../src/sql/row-sink.js';
import { ColumnRole, ColumnType, RowBatch, TupleMemory } from '../storage/index.js';
import type { TableSchema } from '../storage/index.js';
import { type CpuShape, SHAPES } from './cpu-workload.js';
import { renderInserts } from './render-mysql.js';

const CHUNK_BYTES = 65_536;
const ROWS = 50_000;
const BATCH_BYTES = 4 << 20;
const STATEMENT_ROWS = 5000;
const STATEMENTS = 40;

/** Takes everything and keeps nothing. */
class EmptySink implements RowSink {
  rowCount = 0;
  cells = 0;
  setNumber(): void {
    this.cells += 1;
  }
  setInteger64(): void {
    this.cells += 1;
  }
  setTime(): void {
    this.cells += 1;
  }
  setBytes(): void {
    this.cells += 1;
  }
  takesPieces(): boolean {
    return true;
  }
  addBytes(): void {
    this.cells += 0;
  }
  setNull(): void {
    this.cells += 1;
  }
  endRow(): void {
    this.rowCount += 1;
  }
  abandonRow(): void {
    this.cells = 0;
  }
}

function textOfRows(): Buffer {
  const rows: string[] = [];
  for (let row = 0; row < ROWS; row += 1) {
    const host = row % 100;
    const tags = Array.from(
      { length: 10 },
      (_, tag) => `'tag_${tag}_value_${(host * 7 + tag) % 100}'`,
    );
    const second = String(row % 60).padStart(2, '0');
    const minute = String(Math.floor(row / 60) % 60).padStart(2, '0');
    const values = Array.from({ length: 10 }, (_, field) => String((row * 31 + field * 17) % 100));
    rows.push(`(${tags.join(',')},'2026-01-01 10:${minute}:${second}',${values.join(',')})`);
  }
  return Buffer.from(rows.join(','));
}

const schema: TableSchema = {
  tableId: 1,
  columns: [
    ...Array.from({ length: 10 }, (_, index) => ({
      id: index + 1,
      type: ColumnType.text,
      role: ColumnRole.tag,
      precision: 0,
    })),
    { id: 11, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    ...Array.from({ length: 10 }, (_, index) => ({
      id: index + 12,
      type: ColumnType.int64,
      role: ColumnRole.field,
      precision: 0,
    })),
  ],
  appendMode: false,
  partitionMs: 86_400_000,
};

function targetOf(
  batch: RowSink,
  isBatchFull: () => boolean,
  onBatchFull: () => void,
): InsertTarget {
  const context: ConversionContext = { row: 0, timeZone: fixedTimeZone('UTC', 0) };
  const types = [
    ...Array.from(
      { length: 10 },
      () => ({ kind: 'text', spelling: 'varchar', length: 64 }) as const,
    ),
    { kind: 'timestamp', precision: 3, precisionGiven: true } as const,
    ...Array.from({ length: 10 }, () => ({ kind: 'integer', bits: 64, unsigned: false }) as const),
  ];
  const cells = types.map((type, index) => ({
    converter: new CellConverter(
      { name: `c${index}`, type, nullable: true, schemaIndex: index },
      context,
    ),
    defaultCell: null,
  }));
  const evaluate = (): never => {
    throw new Error('no expressions here');
  };
  return { batch, context, cells, omitted: [], evaluate, isBatchFull, onBatchFull };
}

function scan(text: Buffer, target: InsertTarget): void {
  const options = { ansiQuotes: false, noBackslashEscapes: false, line: 1, rowsPerTurn: 1000 };
  const scanner = new InsertScanner(target, options);
  for (let start = 0; start < text.length; start += CHUNK_BYTES) {
    const end = Math.min(start + CHUNK_BYTES, text.length);
    for (let at = start; at < end;) {
      at += scanner.write(text, at, end);
      if (scanner.isBatchFull) void target.onBatchFull();
    }
  }
  scanner.end();
}

function measure(name: string, text: Buffer, repeats: number, target: InsertTarget): void {
  scan(text, target);
  const started = process.cpuUsage();
  for (let repeat = 0; repeat < repeats; repeat += 1) scan(text, target);
  const seconds = secondsSince(started);
  const megabytes = (text.length * repeats) / 1e6;
  const rows = (ROWS * repeats) / seconds;
  console.log(
    `${name}: ${(megabytes / seconds).toFixed(0)} MB/s, ${(rows / 1000).toFixed(0)}k rows/s, ${((rows * 21) / 1e6).toFixed(1)}M values/s`,
  );
}

function secondsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

/** Whole statements, each into an empty batch that is then encoded. */
function measureStatements(name: string, shape: CpuShape, repeats: number): void {
  const { requests } = renderInserts(shape, STATEMENT_ROWS, 1, STATEMENT_ROWS * STATEMENTS);
  const texts = requests.map((packet) => packet.subarray(packet.indexOf('VALUES ') + 7));
  const tuples = new TupleMemory(10);
  const batches = [new RowBatch(schema, tuples), new RowBatch(schema, tuples)];
  let scanSeconds = 0;
  let encodeSeconds = 0;
  let textBytes = 0;
  for (let repeat = 0; repeat < repeats + 1; repeat += 1) {
    // The first round is for the compiler.
    if (repeat === 1) scanSeconds = encodeSeconds = textBytes = 0;
    for (const [index, statement] of texts.entries()) {
      const batch = batches[index % 2]!;
      const beforeScan = process.cpuUsage();
      scan(
        statement,
        targetOf(
          batch,
          () => false,
          () => undefined,
        ),
      );
      scanSeconds += secondsSince(beforeScan);
      const beforeEncode = process.cpuUsage();
      batch.encodeSection();
      batch.clear();
      encodeSeconds += secondsSince(beforeEncode);
      textBytes += statement.length;
    }
  }
  const rows = STATEMENT_ROWS * texts.length * repeats;
  console.log(
    `${name}: scan ${((scanSeconds / rows) * 1e6).toFixed(3)} us a row, encode ${((encodeSeconds / rows) * 1e6).toFixed(3)} us a row, ${(textBytes / rows).toFixed(0)} bytes of text a row`,
  );
}

const text = textOfRows();
const repeats = Math.max(1, Math.round((Number(process.argv[2] ?? 500) * 1e6) / text.length));
const empty = new EmptySink();
measure(
  'scan only       ',
  text,
  repeats,
  targetOf(
    empty,
    () => false,
    () => undefined,
  ),
);
const batch = new RowBatch(schema);
measure(
  'scan + RowBatch ',
  text,
  repeats,
  targetOf(
    batch,
    () => batch.approximateBytes > BATCH_BYTES,
    () => batch.clear(),
  ),
);
measure(
  'scan + RowBatch + encode',
  text,
  repeats,
  targetOf(
    batch,
    () => batch.approximateBytes > BATCH_BYTES,
    () => {
      batch.encodeSection();
      batch.clear();
    },
  ),
);
for (const [name, shape] of Object.entries(SHAPES)) {
  measureStatements(`statements, ${name}`, shape, Math.max(1, repeats >> 2));
}
