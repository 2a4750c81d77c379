/**
 * The most memory that a node may hold by its configuration, and so what a soak holds it to.
 *
 * Memtables: one that fills, and as many as may wait for their flush (storage/write-stall.ts). A worker thread needs at most what a
 * memtable holds, in the blocks that it has encoded and not yet written, and a runtime of its own. Each query has its limit. Each connection
 * that writes has a statement that is being read and a record that is being made of it; what statements were read into is kept for the next
 * ones, up to a part of a memtable (src/server/row-batch-pool.ts).
 */

const MEBIBYTE = 1024 * 1024;

/** Generations at a time: one fills, one is flushed, one waits behind it. */
const GENERATIONS = 3;
const ROW_BATCH_SHARE = 1 / 4;
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
}

/** Bytes, by what needs them. `idleBytes` is what the process holds before anybody comes. */
export function memoryBudget(
  settings: MemorySettings,
  idleBytes: number,
): Readonly<Record<string, number>> {
  return {
    'idle process': idleBytes,
    memtables: GENERATIONS * settings.memtableBytes,
    'row batches': ROW_BATCH_SHARE * settings.memtableBytes,
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
