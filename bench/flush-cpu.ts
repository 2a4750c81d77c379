/**
 * CPU of a flush alone: rows of the cpu workload (10 tags, a time, 10 metrics) in memtables, turned into runs.
 *
 * The key-value store takes batches and keeps nothing, so that the figure is sorting, gathering and encoding, which is what runs in the
 * worker. `node dist/bench/flush-cpu.js`; microseconds of CPU a row, best of some.
 */

import { systemTimers } from '../storage/node-adapters.js';
import type { KeyValueOperation, KeyValueStore } from '../storage/ports.js';
import { RowBatch } from '../storage/row-batch.js';
import { TableStore } from '../storage/table-store.js';
import { ColumnRole, ColumnType, type TableSchema } from '../storage/table-schema.js';
import { encodeWriteBody } from '../storage/write-body.js';
import { SeededNumbers, SHAPES, type CpuShape } from './cpu-workload.js';

const TAGS = 10;
const METRICS = 10;
const BATCH_ROWS = 5000;
const START_S = Date.UTC(2026, 0, 1) / 1000;
const ROWS = 800_000;
const REPETITIONS = 3;

const SCHEMA: TableSchema = {
  tableId: 1,
  appendMode: false,
  partitionMs: 30 * 86_400_000,
  columns: [
    ...Array.from({ length: TAGS }, (_, index) => ({
      id: 100 + index,
      type: ColumnType.text,
      role: ColumnRole.tag,
      precision: 0,
    })),
    { id: 200, type: ColumnType.datetime, role: ColumnRole.time, precision: 0 },
    ...Array.from({ length: METRICS }, (_, index) => ({
      id: 300 + index,
      type: ColumnType.int64,
      role: ColumnRole.field,
      precision: 0,
    })),
  ],
};

class CountingKv implements KeyValueStore {
  bytes = 0;
  get = (): Promise<undefined> => Promise.resolve(undefined);
  getMany = (keys: readonly Uint8Array[]): Promise<undefined[]> =>
    Promise.resolve(keys.map(() => undefined));
  batch(operations: readonly KeyValueOperation[]): Promise<void> {
    for (const operation of operations) {
      if (operation.type === 'put') this.bytes += operation.key.length + operation.value.length;
    }
    return Promise.resolve();
  }
  async *entries(): AsyncGenerator<never> {}
  async *keys(): AsyncGenerator<never> {}
  compactRange = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();
}

function fill(store: TableStore, shape: CpuShape, rows: number): void {
  const numbers = new SeededNumbers(7);
  const usage = new Uint8Array(shape.hosts * METRICS);
  const tags = Array.from({ length: shape.hosts }, (_, host) =>
    Array.from({ length: TAGS }, (__, tag) =>
      Buffer.from(`tag_${tag}_${tag === 0 ? host : host % 7}`),
    ),
  );
  let batch = new RowBatch(SCHEMA);
  let version = 1_000_000;
  for (let row = 0; row < rows; row++) {
    const host = row % shape.hosts;
    tags[host]!.forEach((bytes, column) => batch.setBytes(column, bytes, 0, bytes.length));
    batch.setTime(TAGS, START_S + Math.floor(row / shape.hosts) * 10, 0);
    for (let metric = 0; metric < METRICS; metric++) {
      const at = host * METRICS + metric;
      usage[at] = Math.min(100, Math.max(0, usage[at]! + numbers.below(3) - 1));
      batch.setNumber(TAGS + 1 + metric, usage[at]);
    }
    batch.endRow();
    if (batch.rowCount === BATCH_ROWS || row === rows - 1) {
      version += 2048;
      store.applyWrite(version, Buffer.concat(encodeWriteBody([batch.encodeSection()])), 0);
      batch = new RowBatch(SCHEMA);
    }
  }
}

async function measure(name: string, shape: CpuShape): Promise<void> {
  let best = Infinity;
  let bytes = 0;
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const kv = new CountingKv();
    const store = await TableStore.open(
      { kv, timers: systemTimers({ keepsProcessAlive: true }) },
      { memtableBytes: 1 << 30, cacheBytes: 0 },
    );
    store.defineTable(SCHEMA);
    fill(store, shape, ROWS);
    store.freeze({ vector: [], replayFrom: [], catalog: new Uint8Array(0), highestVersion: 1 });
    const before = process.cpuUsage();
    await store.flush(() => Number.MAX_SAFE_INTEGER);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / ROWS);
    bytes = kv.bytes;
    await store.close();
  }
  console.log(
    `${name}: ${best.toFixed(3)} us of CPU a row, ${(bytes / ROWS).toFixed(1)} bytes a row`,
  );
}

async function main(): Promise<void> {
  for (const [name, shape] of Object.entries(SHAPES)) await measure(name, shape);
}

void main();
