/**
 * `twintide inspect DATA_DIR`: what a stopped node has on disk, without changing it. A node that runs holds the lock, and then this says so.
 *
 * The journals are always read whole, as a start reads them. Of the tables the manifest is read, and with --verify every value: each
 * checksum is compared and each column decoded.
 */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  classicLevelStore,
  inspectJournal,
  inspectStore,
  nodeDisk,
  systemTimers,
  type JournalInspection,
  type StoreInspection,
} from '../../storage/index.js';
import { Catalog } from '../catalog/catalog.js';
import { openExistingDataDirectory, type DataDirectory } from '../server/data-directory.js';
import { ExitCode } from './exit-codes.js';
import { faultsOf, inspectReport } from './inspect-report.js';
import { ProgressBar, type Screen } from './progress-bar.js';

const timers = systemTimers({ keepsProcessAlive: true });

export interface InspectOptions {
  readonly path: string;
  readonly isVerified: boolean;
  /** Where the bar of --verify is drawn. */
  readonly screen: Screen;
}

/** Prints the report; the exit code is 1 when anything is damaged. Throws DataDirectoryError. */
export async function runInspect(options: InspectOptions): Promise<number> {
  const path = resolve(options.path);
  const { directory, nodeId } = await openExistingDataDirectory(path);
  try {
    const journals = await readJournals(directory, options.isVerified);
    const store = await readStore(directory, options);
    const tableNames = namesOf(store);
    const report = { path, nodeId, isVerified: options.isVerified, journals, store, tableNames };
    console.log(inspectReport(report));
    return faultsOf(report).length === 0 ? ExitCode.done : ExitCode.failed;
  } finally {
    await directory.close();
  }
}

async function readJournals(
  directory: DataDirectory,
  everyDigest: boolean,
): Promise<JournalInspection[]> {
  const journals: JournalInspection[] = [];
  const folders = await readdir(directory.journalFolder).catch(() => []);
  for (const name of folders.sort()) {
    if (!/^[1-7]$/.test(name)) continue;
    const folder = join(directory.journalFolder, name);
    journals.push(
      await inspectJournal(
        { disk: nodeDisk, timers },
        { folder, origin: Number(name), everyDigest },
      ),
    );
  }
  return journals;
}

async function readStore(
  directory: DataDirectory,
  options: InspectOptions,
): Promise<StoreInspection> {
  const bar = new ProgressBar(options.screen);
  const kv = await classicLevelStore(directory.storeFolder);
  try {
    return await inspectStore(
      { kv, timers },
      {
        everyBlock: options.isVerified,
        onProgress: (done, all) => {
          if (options.isVerified) bar.draw('verifying', done, all, `${done} of ${all} runs`);
        },
      },
    );
  } finally {
    bar.close();
    await kv.close();
  }
}

function namesOf(store: StoreInspection): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  if (store.flushed === null) return names;
  const catalog = new Catalog();
  catalog.restore(store.flushed.catalog);
  for (const database of catalog.databases()) {
    for (const table of catalog.tables(database.name)) {
      for (const part of table.parts) names.set(part.tableId, `${database.name}.${table.name}`);
    }
  }
  return names;
}
