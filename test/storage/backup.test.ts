/** Backups: what comes back, what is copied again, what an interruption leaves, and that every flipped bit is found. */

import { createHash } from 'node:crypto';
import { BackupError } from '../../storage/backup-error.js';
import { writeBackup, type BackupResult } from '../../storage/backup.js';
import {
  backupFileEntry,
  readBackupFile,
  writeBackupFile,
  type StoredValue,
} from '../../storage/backup-file.js';
import { MANIFEST_NAME, readBackupManifest } from '../../storage/backup-manifest.js';
import { CorruptionError } from '../../storage/corruption-error.js';
import { blockKey } from '../../storage/keys.js';
import type { Disk } from '../../storage/ports.js';
import { LINEAGE_FACT, restoreBackup, verifyBackup } from '../../storage/restore.js';
import { sealValue } from '../../storage/sealed-value.js';
import type { TableStore } from '../../storage/table-store.js';
import { ForgetfulDisk } from '../support/forgetful-disk.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';
import { HOST_TABLE as schema } from '../support/host-table.js';
import { SeededRandom } from '../support/seeded-random.js';
import { bodyOf } from '../support/table-model.js';
import { flushAll, openMemoryStore, realTimers, scanAll } from '../support/table-rig.js';

const FOLDER = '/backup';
const HISTORY = '00112233445566ff';
const DAY_MS = 86_400_000;
const T0 = 19_675 * DAY_MS;

const nothing = (): undefined => undefined;

/** A store, a disk for its backups, and what either can do to the other. */
class Rig {
  readonly disk = new ForgetfulDisk();
  readonly random = new SeededRandom(5);
  store!: TableStore;
  kv!: ForgetfulKv;
  #flushes = 0;

  static async open(): Promise<Rig> {
    const rig = new Rig();
    const { store, kv } = await openMemoryStore();
    rig.store = store;
    rig.kv = kv;
    store.defineTable(schema);
    return rig;
  }

  /** A run of its own, of a day of its own. */
  async addRun(hosts = 2, rows = 50): Promise<void> {
    this.#flushes += 1;
    const day = T0 + this.#flushes * DAY_MS;
    const operation = {
      kind: 'rows' as const,
      rows: Array.from({ length: rows }, (_, row) => ({
        cells: [`h${row % hosts}`, BigInt(day + row), this.random.integer(0, 1e9) / 7] as const,
      })),
    };
    const version = this.#flushes * 8;
    this.store.applyWrite(version, bodyOf(schema, { version, operations: [operation] }), 0);
    await flushAll(this.store, this.#flushes);
  }

  async backUp(
    change: { disk?: Disk; history?: string; nodeId?: number; isCancelled?: () => boolean } = {},
  ): Promise<BackupResult> {
    return writeBackup(
      {
        snapshot: this.kv.snapshot(),
        disk: change.disk ?? this.disk.mount(),
        clock: { wallMs: () => 1_700_000_000_000, monotonicMs: () => 0 },
        random: this.random,
        timers: realTimers,
      },
      {
        folder: FOLDER,
        nodeId: change.nodeId ?? 1,
        history: change.history ?? HISTORY,
        onProgress: nothing,
        isCancelled: change.isCancelled ?? (() => false),
      },
    );
  }

  async restore(): Promise<ForgetfulKv> {
    const kv = new ForgetfulKv();
    await restoreBackup({ disk: this.disk.mount(), kv, timers: realTimers }, FOLDER, nothing);
    return kv;
  }

  async names(): Promise<string[]> {
    return this.disk.list(FOLDER);
  }
}

async function rowsIn(kv: ForgetfulKv): Promise<string[]> {
  const { store } = await openMemoryStore(kv);
  return (await scanAll(store, schema)).sort();
}

async function untilDead(disk: ForgetfulDisk, isDone: () => boolean): Promise<void> {
  while (!disk.isDead && !isDone()) await new Promise((resolve) => setImmediate(resolve));
}

test('what was flushed comes back, with what it contains and where it is from', async () => {
  const rig = await Rig.open();
  await rig.addRun();
  await rig.addRun();
  const rows = (await scanAll(rig.store, schema)).sort();
  const { manifest } = await rig.backUp();
  expect(manifest).toMatchObject({
    nodeId: 1,
    history: HISTORY,
    highestVersion: 2,
    contains: [{ origin: 1, incarnation: 'a1b2c3d4e5f60718', sequence: 2 }],
  });
  const kv = await rig.restore();
  expect(await rowsIn(kv)).toEqual(rows);
  expect(rows).toHaveLength(100);
  expect(Buffer.from((await kv.get(Buffer.from(`local/${LINEAGE_FACT}`)))!).toString()).toBe(
    manifest.id,
  );
});

test('what is written after the snapshot is not in it', async () => {
  const rig = await Rig.open();
  await rig.addRun();
  const rows = (await scanAll(rig.store, schema)).sort();
  const snapshot = rig.kv.snapshot();
  await rig.addRun();
  rig.kv.snapshot = () => snapshot;
  await rig.backUp();
  expect(await rowsIn(await rig.restore())).toEqual(rows);
});

test('the next backup copies what is new, and drops what is no longer named', async () => {
  const rig = await Rig.open();
  await rig.addRun();
  await rig.addRun();
  const first = await rig.backUp();
  // Two runs, one dictionary, the head.
  expect(first.filesCopied).toBe(4);
  await rig.addRun();
  const second = await rig.backUp();
  expect(second.filesCopied).toBe(2);
  // A new series: its dictionary changed, and so the file before it goes.
  await rig.addRun(3);
  expect((await rig.backUp()).filesCopied).toBe(3);
  expect((await rig.names()).filter((name) => name.startsWith('dictionary-'))).toHaveLength(1);

  rig.store.dropTable(77, 1000);
  await flushAll(rig.store, 9, Infinity);
  rig.disk.plant(`${FOLDER}/notes.txt`, Buffer.from('not ours'));
  const last = await rig.backUp();
  expect(last.manifest.files.filter(({ name }) => name.startsWith('run-'))).toEqual([]);
  expect(await rig.names()).toEqual(
    [...last.manifest.files.map(({ name }) => name), MANIFEST_NAME, 'notes.txt'].sort(),
  );
});

test('a backup of another node or history is never written over', async () => {
  const rig = await Rig.open();
  await rig.addRun();
  await rig.backUp();
  const before = await rig.names();
  await expect(rig.backUp({ history: 'ffffffffffffffff' })).rejects.toThrow(
    '/backup holds a backup of another history of node 1',
  );
  await expect(rig.backUp({ history: 'ffffffffffffffff', nodeId: 2 })).rejects.toThrow(
    '/backup holds a backup of node 1',
  );
  expect(await rig.names()).toEqual(before);
});

test('power lost at any operation of the disk: the backup before is whole, and the next goes on', async () => {
  for (let operation = 1, isDone = false; !isDone; operation += 1) {
    const rig = await Rig.open();
    await rig.addRun();
    const { manifest: before } = await rig.backUp();
    const rowsBefore = (await scanAll(rig.store, schema)).sort();
    await rig.addRun(3);
    const rowsAfter = (await scanAll(rig.store, schema)).sort();
    rig.disk.dieAtOperation(operation);
    const backup = rig.backUp().then(() => (isDone = true));
    await Promise.race([backup, untilDead(rig.disk, () => isDone)]);
    // Every other time the process alone is killed, and what it wrote stays.
    rig.disk.crash(rig.random, { keepsCache: operation % 2 === 0 });

    const manifest = await readBackupManifest(rig.disk.mount(), FOLDER);
    expect(manifest).not.toBeNull();
    const isOld = manifest!.id === before.id;
    expect(await rowsIn(await rig.restore())).toEqual(isOld ? rowsBefore : rowsAfter);
    await rig.backUp();
    expect(await rowsIn(await rig.restore())).toEqual(rowsAfter);
  }
});

test('a run that an interrupted backup finished is read, not copied', async () => {
  const rig = await Rig.open();
  await rig.addRun();
  await rig.addRun();
  // Asked for each run of the manifest, and for each value.
  let values = 0;
  await expect(rig.backUp({ isCancelled: () => ++values > 3 })).rejects.toThrow(BackupError);
  expect(await rig.names()).toContain('run-1.values');
  expect(await rig.names()).not.toContain(MANIFEST_NAME);
  const finished = await rig.backUp();
  expect(finished.filesCopied).toBe(finished.manifest.files.length - 1);
  // Half of a run, or a damaged one, is copied again.
  const other = await Rig.open();
  await other.addRun();
  await other.addRun();
  values = 0;
  await expect(other.backUp({ isCancelled: () => ++values > 3 })).rejects.toThrow(BackupError);
  other.disk.flip(`${FOLDER}/run-1.values`, 50, 1);
  const mended = await other.backUp();
  expect(mended.filesCopied).toBe(mended.manifest.files.length);
  await verifyBackup({ disk: other.disk.mount(), timers: realTimers }, FOLDER, nothing);
});

test('a damaged value ends the backup with its place, and the backup before stays', async () => {
  const rig = await Rig.open();
  await rig.addRun();
  const { manifest } = await rig.backUp();
  await rig.addRun(2, 3000);
  rig.kv.flip(blockKey(2, 103, 0), 100, 4);
  await expect(rig.backUp()).rejects.toThrow(
    'Corruption in the block store, run 2, column 103, block 0: its checksum does not match',
  );
  expect((await readBackupManifest(rig.disk.mount(), FOLDER))?.id).toBe(manifest.id);
  await verifyBackup({ disk: rig.disk.mount(), timers: realTimers }, FOLDER, nothing);
});

test('a flipped bit of any byte, a cut and a missing file of a backup are found, with file and place', async () => {
  const rig = await Rig.open();
  await rig.addRun(2, 20);
  await rig.backUp();
  const verify = (): Promise<unknown> =>
    verifyBackup({ disk: rig.disk.mount(), timers: realTimers }, FOLDER, nothing);
  await verify();
  for (const name of await rig.names()) {
    const path = `${FOLDER}/${name}`;
    const size = rig.disk.contentOf(path).length;
    for (let offset = 0; offset < size; offset += 1) {
      const mask = 1 << (offset % 8);
      rig.disk.flip(path, offset, mask);
      await expect(verify()).rejects.toThrow(`Corruption in ${path}`);
      if (offset % 16 === 0) await expect(rig.restore()).rejects.toThrow(CorruptionError);
      rig.disk.flip(path, offset, mask);
    }
    if (name === MANIFEST_NAME) continue;
    const whole = rig.disk.contentOf(path);
    rig.disk.plant(path, whole.subarray(0, size - 1));
    await expect(verify()).rejects.toThrow(
      `Corruption in ${path}, byte 0: it has ${size - 1} bytes, the manifest says ${size}`,
    );
    await rig.disk.mount().remove(path);
    await expect(verify()).rejects.toThrow(`Corruption in ${path}: the file is missing`);
    rig.disk.plant(path, whole);
  }
  await verify();
});

test('nothing flushed is nothing to save; a folder without a backup is said', async () => {
  const rig = await Rig.open();
  await expect(rig.backUp()).rejects.toThrow('nothing was ever flushed');
  await expect(rig.restore()).rejects.toThrow('/backup holds no backup');
});

describe('format v1', () => {
  const keys = ['h', 'r'].map((name) => Buffer.from(name));
  const values = keys.map((key, index) => [key, sealValue(key, Buffer.alloc(index, 7))] as const);
  async function* stored(): AsyncGenerator<StoredValue> {
    yield* values;
  }
  const fixture = readHexFixture('storage/testdata/v1/backup-file.hex');

  it('a backup file is these bytes, and its digest is that of all but the digest', async () => {
    const disk = new ForgetfulDisk();
    const entry = await writeBackupFile(disk, FOLDER, 'x.values', HISTORY, stored());
    expect(hexOfBytes(disk.contentOf(`${FOLDER}/x.values`))).toBe(hexOfBytes(fixture));
    const sha256 = createHash('sha256').update(fixture.subarray(0, -32)).digest('hex');
    expect(entry).toEqual({ name: 'x.values', bytes: fixture.length, entries: 2, sha256 });
    expect(await backupFileEntry('x.values', HISTORY, stored())).toEqual(entry);
  });

  it('and these bytes are read back', async () => {
    const disk = new ForgetfulDisk();
    disk.plant(`${FOLDER}/x.values`, fixture);
    const read: StoredValue[] = [];
    for await (const value of readBackupFile(disk, FOLDER, 'x.values', HISTORY, null)) {
      read.push(value);
    }
    expect(read.map((pair) => pair.map(hexOfBytes))).toEqual(
      values.map((pair) => pair.map(hexOfBytes)),
    );
  });
});
