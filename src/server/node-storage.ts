/** What a node has on disk, opened: its directory, LevelDB, and the store with everything recovered. */

import {
  classicLevelBytesToOpen,
  classicLevelStore,
  nodeDisk,
  ReopeningStore,
  Store,
  systemClock,
  systemRandom,
  systemTimers,
  ThreadWorkers,
  WriteLatch,
  type BackgroundWorkers,
  type KeyValueStore,
} from '../../storage/index.js';
import { Catalog } from '../catalog/catalog.js';
import type { Config } from './config.js';
import { openDataDirectory, type DataDirectory } from './data-directory.js';
import type { Logger } from './logger.js';
import type { Closers } from './node.js';

export interface NodeStorage {
  readonly directory: DataDirectory;
  readonly kv: ReopeningStore;
  readonly store: Store;
  readonly catalog: Catalog;
}

/** Rejects when the data directory or what is in it cannot be used; what was opened until then is among the closers. */
export async function openStorage(
  config: Config,
  log: Logger,
  closers: Closers,
): Promise<NodeStorage> {
  const directory = await openDataDirectory(config.node.dataDir, config.node.id);
  closers.push(() => directory.close());
  const timers = systemTimers({ keepsProcessAlive: false });
  const { storeFolder } = directory;
  const latch = WriteLatch.memory();
  const workers = new ThreadWorkers({ path: storeFolder, threads: config.storage.workers, latch });
  const kv = await ReopeningStore.open({
    timers,
    open: () => classicLevelStore(storeFolder),
    freeBytes: () => nodeDisk.freeBytes(storeFolder),
    bytesToOpen: () => classicLevelBytesToOpen(storeFolder),
    letGo: () => workers.pause(),
    latch,
    onFull: () => log.warn('the disk is full: the block store is opened anew when there is room'),
    onReopened: () => {
      log.info('the block store was opened anew');
      workers.resume();
    },
  });
  closers.push(() => kv.close());
  closers.push(() => workers.close());
  workers.start();
  const { store, catalog } = await openStore(config, log, directory, kv, workers);
  closers.push(() => store.close());
  return { directory, kv, store, catalog };
}

async function openStore(
  config: Config,
  log: Logger,
  directory: DataDirectory,
  kv: KeyValueStore,
  workers: BackgroundWorkers,
): Promise<{ store: Store; catalog: Catalog }> {
  let catalog: Catalog | null = null;
  const { store, report } = await Store.open(
    {
      disk: nodeDisk,
      kv,
      workers,
      clock: systemClock,
      random: systemRandom,
      timers: systemTimers({ keepsProcessAlive: false }),
      stateMachine: (tables) =>
        (catalog = new Catalog({
          tableDefined: (schema) => tables.defineTable(schema),
          tableDropped: (tableId, version) => tables.dropTable(tableId, version),
        })),
    },
    {
      nodeId: config.node.id,
      journalFolder: directory.journalFolder,
      segmentBytes: config.replication.segmentBytes,
      maxRecordBytes: config.replication.maxRecordBytes,
      memtableBytes: config.storage.memtableBytes,
      memtableAgeMs: config.storage.memtableAgeMs,
      cacheBytes: config.storage.cacheBytes,
      maxClockSkewMs: config.replication.maxClockSkewMs,
      retainBytes: config.replication.retainBytes,
      diskReserveBytes: config.storage.diskReserveBytes,
      blockFolder: directory.storeFolder,
    },
  );
  log.info({ replayed: report.replayedRecords, own: report.own, copy: report.copy }, 'recovered');
  return { store, catalog: catalog! };
}
