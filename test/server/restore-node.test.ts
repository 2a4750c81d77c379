/**
 * A restore that is cut off at any operation of the disk or the block store, by a power loss or a kill: what is left starts as a whole node or
 * not at all, and the restore can be done again.
 */

import type { DirectoryFiles } from '../../src/server/directory-files.js';
import { checkIdentity, DataDirectoryError } from '../../src/server/data-directory.js';
import { takeEmptyDirectory } from '../../src/server/empty-directory.js';
import { restoreNode } from '../../src/server/restore-node.js';
import { writeBackup } from '../../storage/backup.js';
import { LINEAGE_FACT } from '../../storage/restore.js';
import type { KeyValueStore } from '../../storage/ports.js';
import { ForgetfulDisk } from '../support/forgetful-disk.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { HOST_TABLE as schema } from '../support/host-table.js';
import { SeededRandom } from '../support/seeded-random.js';
import { bodyOf } from '../support/table-model.js';
import { flushAll, openMemoryStore, realTimers, scanAll } from '../support/table-rig.js';

const DATA = '/data';
const BACKUP = '/backup';
const NODE_ID = 2;
const HARMLESS_NAMES = ['node.json.new'];

interface Backup {
  readonly disk: ForgetfulDisk;
  readonly id: string;
  readonly rows: readonly string[];
}

async function writeSomeBackup(): Promise<Backup> {
  const { store, kv } = await openMemoryStore();
  store.defineTable(schema);
  for (const version of [8, 16]) {
    const rows = [1, 2, 3].map((at) => ({ cells: [`h${at}`, BigInt(version + at), at] as const }));
    const operations = [{ kind: 'rows', rows }] as const;
    store.applyWrite(version, bodyOf(schema, { version, operations }), 0);
    await flushAll(store, version);
  }
  const disk = new ForgetfulDisk();
  const { manifest } = await writeBackup(
    {
      snapshot: kv.snapshot(),
      disk,
      clock: { wallMs: () => 0, monotonicMs: () => 0 },
      random: new SeededRandom(1),
      timers: realTimers,
    },
    {
      folder: BACKUP,
      nodeId: 1,
      history: '00112233445566ff',
      onProgress: () => undefined,
      isCancelled: () => false,
    },
  );
  return { disk, id: manifest.id, rows: (await scanAll(store, schema)).sort() };
}

let backup: Backup;
beforeAll(async () => {
  backup = await writeSomeBackup();
});

/** A data directory on a disk of its own. */
class Scene {
  readonly disk = new ForgetfulDisk();
  readonly random: SeededRandom;
  /** Block stores by the number in their CURRENT. */
  readonly #stores: ForgetfulKv[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  get isNode(): Promise<boolean> {
    return this.disk.names(DATA).then((names) => names.includes('node.json'));
  }

  /** As one process does it. */
  async restore(): Promise<void> {
    const directory = await takeEmptyDirectory(DATA, {
      files: filesOn(this.disk),
      lock: async () => ({ close: async () => undefined }),
    });
    await restoreNode(
      directory,
      {
        disk: backup.disk,
        timers: realTimers,
        createStore: (folder) => this.#createStore(folder),
      },
      { folder: BACKUP, nodeId: NODE_ID, onProgress: () => undefined },
    );
    await directory.close();
  }

  /** Cuts the restore at an operation; true when it was done before that. */
  async restoreCutAt(operation: number, keepsCache: boolean): Promise<boolean> {
    this.disk.dieAtOperation(operation);
    let isDone = false;
    const restoring = this.restore().then(() => (isDone = true));
    while (!this.disk.isDead && !isDone) await Promise.race([restoring, nextTurn()]);
    this.disk.crash(this.random, { keepsCache });
    for (const kv of this.#stores) kv.crash(this.random);
    return isDone;
  }

  /** What a start finds: refused, an empty directory, or a node with these rows. */
  async start(): Promise<'refused' | 'empty' | readonly string[]> {
    const files = filesOn(this.disk);
    const found = (await files.names(DATA)).filter((name) => !HARMLESS_NAMES.includes(name));
    let isNew: boolean;
    try {
      isNew = await checkIdentity(files, DATA, NODE_ID);
    } catch (error) {
      expect(error).toMatchObject({ code: 'TWINTIDE_DATA_DIR_FOREIGN' });
      expect(error).toBeInstanceOf(DataDirectoryError);
      return 'refused';
    }
    if (isNew) {
      expect(found).toEqual([]);
      return 'empty';
    }
    const kv = this.#stores[Number(await files.read(`${DATA}/store/CURRENT`))]!;
    const lineage = await kv.get(Buffer.from(`local/${LINEAGE_FACT}`));
    expect(Buffer.from(lineage!).toString()).toBe(backup.id);
    const { store } = await openMemoryStore(kv);
    return (await scanAll(store, schema)).sort();
  }

  /** LevelDB, as far as it matters: files of a folder that say which store it is, and a write before each batch. */
  async #createStore(folder: string): Promise<KeyValueStore> {
    expect(await this.disk.names(folder)).toEqual([]);
    const kv = new ForgetfulKv();
    this.#stores.push(kv);
    const current = await this.disk.open(`${folder}/CURRENT`, { create: true });
    await current.write([Buffer.from(String(this.#stores.length - 1))], 0);
    await current.sync();
    const log = await this.disk.open(`${folder}/000003.log`, { create: true });
    const mounted = kv.mount();
    return {
      ...mounted,
      batch: async (operations, options) => {
        await log.write([Uint8Array.of(1)], 0);
        await mounted.batch(operations, options);
        await log.sync();
      },
    };
  }
}

function filesOn(disk: ForgetfulDisk): DirectoryFiles {
  const mounted = disk.mount();
  return {
    makeFolder: (path) => mounted.makeFolder(path),
    names: (folder) => disk.names(folder),
    read: async (path) => {
      const names = await mounted.list(path.slice(0, path.lastIndexOf('/')));
      if (!names.includes(path.slice(path.lastIndexOf('/') + 1))) return undefined;
      return Buffer.from(disk.contentOf(path)).toString();
    },
    write: async (path, text) => {
      const file = await mounted.open(path, { create: true });
      await file.truncate(0);
      await file.write([Buffer.from(text)], 0);
      await file.sync();
    },
    rename: (from, to) => mounted.rename(from, to),
    removeAll: (path) => disk.removeAll(path),
    syncFolder: (path) => mounted.syncFolder(path),
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A restore has fewer operations; each test walks up to the one at which it is done. */
const OPERATIONS_MAX = 60;

// What a power loss takes with it is drawn anew for each seed.
describe.each([
  ['a power loss', false, 20],
  ['a kill', true, 2],
])('%s at each operation of a restore', (_, keepsCache, seeds) => {
  /** One life for each operation and seed, with what `attempts - 1` earlier restores left that were cut off somewhere. */
  async function eachCut(
    attempts: number,
    look: (scene: Scene, isDone: boolean) => Promise<void>,
  ): Promise<void> {
    let operation = 1;
    for (let isAnyDone = false; !isAnyDone; operation += 1) {
      expect(operation).toBeLessThan(OPERATIONS_MAX);
      for (let seed = 0; seed < seeds; seed += 1) {
        const scene = new Scene(operation * seeds + seed);
        let isDone = false;
        for (let left = attempts; left > 0 && !(await scene.isNode); left -= 1) {
          const cutAt = left === 1 ? operation : scene.random.integer(1, operation);
          isDone = await scene.restoreCutAt(cutAt, keepsCache);
        }
        isAnyDone ||= isDone;
        try {
          await look(scene, isDone);
        } catch (error) {
          throw new Error(`operation ${operation}, seed ${seed}`, { cause: error });
        }
      }
    }
    expect(operation).toBeGreaterThan(10);
  }

  test.each([1, 2])('what starts then is whole (attempts: %i)', async (attempts) => {
    const seen = new Set<string>();
    await eachCut(attempts, async (scene, isDone) => {
      const found = await scene.start();
      if (isDone || typeof found !== 'string') expect(found).toEqual(backup.rows);
      seen.add(typeof found === 'string' ? found : 'whole');
    });
    expect(seen).toContain('refused');
    expect(seen).toContain('whole');
  });

  test('it is done again, and starts whole', async () => {
    await eachCut(2, async (scene) => {
      const isNode = await scene.isNode;
      const again = scene.restore();
      if (isNode) await expect(again).rejects.toThrow('is not empty: it holds node.json');
      else await again;
      expect(await scene.start()).toEqual(backup.rows);
    });
  });
});
