/**
 * The most memory that a node may hold by its configuration, and so what a soak holds it to.
 *
 * Memtables: one that fills, and as many as may wait for their flush (storage/write-stall.ts). A worker thread needs at most what a
 * memtable holds, in the blocks that it has encoded and not yet written, and a runtime of its own. Each query has its limit. Each connection
 * that writes has a statement that is being read and a record that is being made of it; what statements were read into is kept for the next
 * ones, up to a part of a memtable (src/server/row-batch-pool.ts). Each journal keeps its newest records for a peer that is not far behind.
 */

import { MEMTABLE_SHARE } from '../src/server/row-batch-pool.js';
import { tailBytesFor } from '../storage/store.js';
import { FROZEN_GENERATIONS_MAX } from '../storage/write-stall.js';

const MEBIBYTE = 1024 * 1024;

/** LevelDB beside `cache_bytes`: two write buffers of 16 MiB, its own cache, its table of open files. */
const LEVELDB_BYTES = 48 * MEBIBYTE;
/** Heap, code and stack of a thread that runs the flush. */
const THREAD_BYTES = 48 * MEBIBYTE;

export interface MemorySettings {
  readonly memtableBytes: number;
  readonly cacheBytes: number;
  readonly workers: number;
  /** Of one query, and how many run at the same time. */
  readonly queryBytes: number;
  readonly queries: number;
  readonly maxRecordBytes: number;
  readonly writers: number;
  /** The node's own, and with a peer its copy of the peer's. */
  readonly journals: number;
}

/** Bytes, by what needs them. `idleBytes` is what the process holds before anybody comes. */
export function memoryBudget(
  settings: MemorySettings,
  idleBytes: number,
): Readonly<Record<string, number>> {
  return {
    'idle process': idleBytes,
    memtables: (1 + FROZEN_GENERATIONS_MAX) * settings.memtableBytes,
    'row batches': MEMTABLE_SHARE * settings.memtableBytes,
    'journal tails': settings.journals * tailBytesFor(settings.memtableBytes),
    cache: settings.cacheBytes,
    LevelDB: LEVELDB_BYTES,
    workers: settings.workers * (settings.memtableBytes + THREAD_BYTES),
    queries: settings.queries * settings.queryBytes,
    connections: settings.writers * 2 * settings.maxRecordBytes,
  };
}

export function totalOf(budget: Readonly<Record<string, number>>): number {
  return Object.values(budget).reduce((sum, bytes) => sum + bytes, 0);
}
