/** A backup begins with a flush, whatever else the store is busy with. */

import { BackupService } from '../../src/server/backup-service.js';
import { RecordKind } from '../../storage/index.js';
import { restoreBackup } from '../../storage/restore.js';
import { OPEN_RUNS_SOFT } from '../../storage/write-stall.js';
import { ForgetfulDisk } from '../support/forgetful-disk.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { STORE_SCHEMA, StoreRig, writeOf } from '../support/store-rig.js';
import { openMemoryStore, realTimers, scanAll } from '../support/table-rig.js';

const FOLDER = '/backup';
/** More of them would be one after another for ever. */
const FLUSHES_MAX = 5;

let rig: StoreRig;
let disk: ForgetfulDisk;
let flushes: number;

beforeEach(async () => {
  rig = new StoreRig();
  disk = new ForgetfulDisk();
  flushes = 0;
  await rig.start();
  rig.defineTable();
});

async function write(value: number): Promise<void> {
  rig.append(RecordKind.write, writeOf([value]));
  await rig.settle();
}

async function backUp(): Promise<void> {
  const { store, kv, clock, random } = rig;
  const flush = store.flush.bind(store);
  jest.spyOn(store, 'flush').mockImplementation((options) => {
    flushes += 1;
    if (flushes > FLUSHES_MAX) throw new Error('a backup flushes on and on');
    return flush(options);
  });
  const backups = new BackupService({ store, kv, disk, clock, random, timers: clock });
  await clock.runUntilSettled(backups.run(FOLDER, new AbortController().signal));
}

async function rowsInBackup(): Promise<number> {
  const kv = new ForgetfulKv();
  await restoreBackup({ disk, kv, timers: realTimers }, FOLDER, () => undefined);
  const { store } = await openMemoryStore(kv);
  return (await scanAll(store, STORE_SCHEMA)).length;
}

test('while runs wait to be joined it takes one flush', async () => {
  const runs = OPEN_RUNS_SOFT + 6;
  // As where the disk has no room for the run that they would become.
  jest.spyOn(rig.store.tables, 'compactNext').mockResolvedValue(false);
  for (let run = 0; run < runs; run += 1) {
    await write(run);
    await rig.clock.runUntilSettled(rig.store.flush());
  }
  expect(rig.store.isStalled).toBe(true);
  await backUp();
  expect(flushes).toBe(1);
  expect(await rowsInBackup()).toBe(runs);
});

test('while generations queue for their flush the newest rows are in it', async () => {
  const queued: Promise<void>[] = [];
  for (let value = 0; value < 5; value += 1) {
    await write(value);
    queued.push(rig.store.flush());
  }
  await write(5);
  await backUp();
  await Promise.all(queued);
  expect(await rowsInBackup()).toBe(6);
});
