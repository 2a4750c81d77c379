/**
 * What column codecs cost and save: nanoseconds a value to choose a codec, write and read it back, and bytes a value, next to raw
 * doubles behind zlib; then bytes a row of a whole run: keys, checksums, statistics and the series dictionary included.
 *
 *   node dist/bench/codecs.js [small | compact ...]
 *
 * A time is the best of several rounds over all blocks: whatever else the machine does only ever adds.
 */

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { compress, decompress, isCompressed } from '../storage/block-compression.js';
import { BlockEncoder } from '../storage/block.js';
import { ByteReader } from '../storage/byte-reader.js';
import { ByteWriter } from '../storage/byte-writer.js';
import { columnForm, decodeColumn, encodeColumn } from '../storage/column-codec.js';
import type { Effort } from '../storage/number-encoder.js';
import { encodeRun } from '../storage/run.js';
import { ColumnRole, ColumnType, type StoredColumn } from '../storage/table-schema.js';
import type { NumberVector, Vector } from '../storage/vector.js';
import { ScratchMemory } from '../storage/vector-memory.js';
import { type CodecTable, cpuTable, vegaTables } from './codec-data.js';
import { SHAPES } from './cpu-workload.js';

const ROUNDS = 5;
const ROUNDS_NS = 5e7;
const ROUNDS_MAX = 200;
const DICTIONARY_KEY_BYTES = 17;
const RUN_KEY_BYTES = 7;

const efforts = process.argv.slice(2) as Effort[];
/** Rows of one generation, about: a memtable of 64 MiB. */
const FLUSHED_ROWS = 500_000;

for (const effort of efforts.length > 0 ? efforts : (['small', 'compact'] as const)) {
  const rowsMax = effort === 'small' ? FLUSHED_ROWS : Infinity;
  const tables = [
    cpuTable('cpu, 100 hosts', SHAPES.s100, rowsMax),
    cpuTable('cpu, 4000 hosts', SHAPES.s4000, rowsMax),
    ...vegaTables(),
  ];
  for (const table of tables) report(table, effort);
}

function report(table: CodecTable, effort: Effort): void {
  console.log(`\n${table.name}, ${table.rows} rows, effort '${effort}'`);
  console.log(
    '  column              write ns  read ns  bytes/value   raw + zlib: write ns  read ns  bytes/value',
  );
  const hidden: readonly [string, readonly Vector[]][] = [
    ['(series)', table.pages.map((page) => numbers(Float64Array.from(page.series)))],
    ['(version)', table.pages.map((page) => numbers(page.versions))],
  ];
  const columns = table.columns.map((name, index): [string, Vector[]] => [
    name,
    table.pages.map((page) => page.columns[index]!),
  ]);
  const named = [...hidden, ...columns];
  const usages = named.filter(([name]) => name.startsWith('usage_'));
  // Ten alike columns are one line.
  for (const [name, vectors] of named) {
    if (!usages.some(([usage]) => usage === name)) line(name, vectors, effort);
  }
  if (usages.length > 0) {
    const all = usages.flatMap(([, vectors]) => vectors);
    line('usage_*', all, effort);
  }
  wholeRun(table, effort);
}

function line(name: string, vectors: readonly Vector[], effort: Effort): void {
  const values = vectors.reduce((sum, vector) => sum + vector.length, 0);
  const writer = new ByteWriter(1 << 20);
  let encoded: { readonly form: number; readonly bytes: Uint8Array }[] = [];
  const writeNs = best(() => {
    encoded = vectors.map((vector) => {
      writer.clear();
      const form = columnForm(vector);
      const stride = encodeColumn(writer, vector, form, effort);
      const bytes = writer.take();
      return { form, bytes: effort === 'compact' ? (compress(bytes, stride) ?? bytes) : bytes };
    });
  });
  const memory = new ScratchMemory();
  const readNs = best(() => {
    encoded.forEach(({ form, bytes }, index) => {
      memory.reset();
      const plain = isCompressed(bytes) && effort === 'compact' ? decompress(bytes) : bytes;
      decodeColumn(new ByteReader(plain), form, vectors[index]!.length, memory);
    });
  });
  const sizeBytes = encoded.reduce((sum, { bytes }) => sum + bytes.length + 1, 0);

  let deflated: Buffer[] = [];
  const plain = vectors.map(rawBytes);
  const zlibWriteNs = best(() => {
    deflated = plain.map((bytes) => deflateRawSync(bytes, { level: 1 }));
  });
  const zlibReadNs = best(() => {
    for (const bytes of deflated) inflateRawSync(bytes);
  });
  const zlibBytes = deflated.reduce((sum, bytes) => sum + bytes.length, 0);
  const cells = [
    (writeNs / values).toFixed(2).padStart(8),
    (readNs / values).toFixed(2).padStart(7),
    (sizeBytes / values).toFixed(3).padStart(11),
    (zlibWriteNs / values).toFixed(1).padStart(20),
    (zlibReadNs / values).toFixed(1).padStart(7),
    (zlibBytes / values).toFixed(3).padStart(11),
  ];
  console.log(`  ${name.padEnd(18)}  ${cells.join('  ')}`);
}

function wholeRun(table: CodecTable, effort: Effort): void {
  const columns = table.columns.map((_, index): StoredColumn => ({
    id: 0x1234_5678_0000 + index * 0x0101,
    type: index === 0 ? ColumnType.timestamp : ColumnType.float64,
    role: index === 0 ? ColumnRole.time : ColumnRole.field,
    precision: index === 0 ? table.timeDigits : 0,
  }));
  const ids = columns.map((column) => column.id);
  let blockBytes = 0;
  let keyBytes = 0;
  let manifestBytes = 0;
  const writeNs = best(() => {
    blockBytes = 0;
    keyBytes = 0;
    const blocks = table.pages.map((page, block) => {
      const encoder = new BlockEncoder(page, ids, false, effort);
      while (encoder.step());
      const { operations, info } = encoder.finish(1, block);
      for (const operation of operations) {
        if (operation.type !== 'put') continue;
        keyBytes += operation.key.length;
        blockBytes += operation.value.length;
      }
      return info;
    });
    const header = { id: 1, tableId: 1, partition: 0, appendMode: false, columns };
    const entry = encodeRun({
      header,
      blocks,
      suspects: [],
      tombstoneSpans: [],
      sizeBytes: blockBytes,
    });
    manifestBytes = entry.length + RUN_KEY_BYTES;
  });
  const dictionaryBytes = table.seriesBytes + DICTIONARY_KEY_BYTES;
  const sum = blockBytes + keyBytes + manifestBytes + dictionaryBytes;
  const perRow = (bytes: number): string => (bytes / table.rows).toFixed(2);
  console.log(
    `  whole run: ${perRow(sum)} bytes a row (values ${perRow(blockBytes)}, keys ${perRow(keyBytes)}, manifest ${perRow(manifestBytes)}, series ${perRow(dictionaryBytes)}), written in ${(writeNs / table.rows).toFixed(0)} ns a row`,
  );
}

/** The least time of a round, in nanoseconds. Short rounds are run more often, until the compiler has seen enough of them. */
function best(round: () => void): number {
  let least = Infinity;
  let spent = 0;
  for (let index = 0; index < ROUNDS || (spent < ROUNDS_NS && index < ROUNDS_MAX); index++) {
    const start = process.hrtime.bigint();
    round();
    const elapsed = Number(process.hrtime.bigint() - start);
    spent += elapsed;
    least = Math.min(least, elapsed);
  }
  return least;
}

function numbers(values: Float64Array): NumberVector {
  return { kind: 'number', length: values.length, values, nulls: null };
}

function rawBytes(vector: Vector): Uint8Array {
  switch (vector.kind) {
    case 'number':
      return new Uint8Array(vector.values.buffer, vector.values.byteOffset, vector.length * 8);
    case 'time':
      return new Uint8Array(vector.offsets.buffer, vector.offsets.byteOffset, vector.length * 8);
    case 'bytes':
      return vector.data;
    default:
      throw new Error(`a ${vector.kind} column has no raw form here`);
  }
}
