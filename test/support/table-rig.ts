/** A table store over a store in memory, and the shortest ways to write to it and read all of it. */

import type { FlushedState } from '../../storage/manifest-head.js';
import type { Timers } from '../../storage/ports.js';
import type { ReadView } from '../../storage/read-view.js';
import type { ScanRequest } from '../../storage/scan-request.js';
import { TableStore } from '../../storage/table-store.js';
import { ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { ForgetfulKv } from './forgetful-kv.js';
import { printRow } from './table-model.js';
import { valueAt } from './vector-values.js';

export const realTimers: Timers = {
  after: (delayMs, task) => {
    const timeout = setTimeout(task, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
  yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
};

export async function openMemoryStore(
  kv = new ForgetfulKv(),
): Promise<{ store: TableStore; kv: ForgetfulKv }> {
  const options = { memtableBytes: 1 << 20, cacheBytes: 1 << 20 };
  return { store: await TableStore.open({ kv, timers: realTimers }, options), kv };
}

export function flushedState(sequence: number): FlushedState {
  const position = { origin: 1, incarnation: 'a1b2c3d4e5f60718', sequence, hash: '' };
  return {
    vector: [position],
    replayFrom: [position],
    catalog: new Uint8Array(0),
    highestVersion: sequence,
  };
}

/** Freezes and flushes what is there. */
export async function flushAll(store: TableStore, sequence = 1, horizon = 0): Promise<void> {
  store.freeze(flushedState(sequence));
  await store.flush(() => horizon);
}

/** All rows of a table, printed. */
export async function scanAll(
  source: TableStore | ReadView,
  schema: TableSchema,
  change: Partial<ScanRequest> = {},
): Promise<string[]> {
  const view = source instanceof TableStore ? source.readView() : source;
  const columns = schema.columns.map(({ id }) => id);
  const rows: string[] = [];
  try {
    const scan = view.scan({
      parts: [{ tableId: schema.tableId, columns }],
      columns,
      timeMin: null,
      timeMax: null,
      seriesMask: null,
      order: 'any',
      ...change,
    });
    for await (const batch of scan) {
      for (let row = 0; row < batch.length; row++) {
        const cells = batch.columns.map((vector, column) => {
          const isUnsigned = schema.columns[column]?.type === ColumnType.uint64;
          return valueAt(vector, row, isUnsigned);
        });
        rows.push(printRow(cells));
      }
    }
  } finally {
    if (source instanceof TableStore) view.release();
  }
  return rows;
}
