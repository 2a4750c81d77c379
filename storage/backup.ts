/**
 * A backup of the block store into a folder, while the node serves.
 *
 *   flush, then a snapshot -> runs that the folder lacks -> dictionaries that changed -> everything else -> manifest -> what no
 *                                                                                                           manifest names goes
 *
 * A snapshot of LevelDB is a state between two batches, and each flush is one batch: so what is copied is what a start would find at that
 * moment, exactly the records of the flushed-to vector. The journals need not come along.
 *
 * A run never changes and its id is never used again, so a run that an earlier backup has is not copied again; nor is one that an interrupted
 * backup finished, after it was read. Each value's checksum is compared as it is copied: damage is found now, not at the restore.
 * Until the new manifest has replaced the old one, the old backup is whole.
 */

import { BackupError } from './backup-error.js';
import {
  backupFileEntry,
  PARTIAL_SUFFIX,
  readBackupFile,
  writeBackupFile,
  type BackupFileEntry,
  type StoredValue,
} from './backup-file.js';
import {
  MANIFEST_NAME,
  readBackupManifest,
  replaceBackupManifest,
  type BackupManifest,
} from './backup-manifest.js';
import { CorruptionError } from './corruption-error.js';
import {
  allDictionaries,
  allRuns,
  blocksOf,
  dictionaryOf,
  headKey,
  parseBlockKey,
  tableOfDictionaryKey,
} from './keys.js';
import { runIdOf } from './manifest.js';
import { decodeHead } from './manifest-head.js';
import { Pacer } from './pacer.js';
import type { Clock, Disk, KeyRange, KeyValueSnapshot, Random, Timers } from './ports.js';
import type { NodeId } from './position.js';
import { Run } from './run.js';
import { corruptKey, openValue } from './sealed-value.js';
import type { TableId } from './table-schema.js';

const ID_BYTES = 8;
const FILE_SUFFIX = '.values';
/** A byte is checked against its CRC and goes into a digest: about a nanosecond each. */
const UNITS_PER_BYTE = 0.2;
/** A byte of a run's entry is taken apart, which costs as much as so many that are copied. */
const DECODED_BYTE = 25;
/** All keys but blocks, dictionaries and `local/`: whatever else the store keeps comes along by itself. */
const OTHER_KEYS: readonly KeyRange[] = [
  { gte: Uint8Array.of(), lt: Buffer.from('b') },
  { gte: Buffer.from('c'), lt: Buffer.from('d') },
  { gte: Buffer.from('e'), lt: Buffer.from('local/') },
  { gte: Buffer.from('local0'), lt: Uint8Array.of(0xff) },
];

export interface BackupDeps {
  readonly snapshot: KeyValueSnapshot;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
}

export interface BackupProgress {
  readonly filesDone: number;
  readonly filesAll: number;
  /** Written by this backup so far. */
  readonly bytesCopied: number;
}

export interface BackupOptions {
  readonly folder: string;
  readonly nodeId: NodeId;
  /** Of the data directory; see BackupManifest. */
  readonly history: string;
  readonly onProgress: (progress: BackupProgress) => void;
  /** Asked between values: true ends the backup with a BackupError. */
  readonly isCancelled: () => boolean;
}

export interface BackupResult {
  readonly manifest: BackupManifest;
  readonly filesCopied: number;
  readonly bytesCopied: number;
}

/** Throws BackupError, CorruptionError for a damaged value, and the disk's errors; the backup that was there is then whole. */
export async function writeBackup(deps: BackupDeps, options: BackupOptions): Promise<BackupResult> {
  return new Backup(deps, options).run();
}

class Backup {
  readonly #deps: BackupDeps;
  readonly #options: BackupOptions;
  readonly #pacer: Pacer;
  readonly #files: BackupFileEntry[] = [];
  #filesAll = 0;
  #filesCopied = 0;
  #bytesCopied = 0;

  constructor(deps: BackupDeps, options: BackupOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#pacer = new Pacer(deps.timers);
  }

  async run(): Promise<BackupResult> {
    const { disk, random, clock } = this.#deps;
    const { folder, history, nodeId } = this.#options;
    await disk.makeFolder(folder);
    const before = await this.#previous();
    const present = new Set(await disk.list(folder));
    const known = new Map((before?.files ?? []).map((file) => [file.name, file]));

    const headValue = await this.#deps.snapshot.get(headKey);
    const state = headValue === undefined ? null : decodeHead(openValue(headKey, headValue)).state;
    if (state === null) throw new BackupError('nothing was ever flushed: there is nothing to save');
    const runs = await this.#runs();
    const tables = await this.#dictionaryTables();
    this.#filesAll = runs.length + tables.length + 1;

    for (const run of runs) await this.#keepOrCopyRun(run, known, present);
    for (const tableId of tables) await this.#keepOrCopyDictionary(tableId, known, present);
    const id = new Uint8Array(ID_BYTES);
    random.fill(id);
    const idText = Buffer.from(id).toString('hex');
    await this.#copy(`head-${idText}${FILE_SUFFIX}`, () => this.#checked(OTHER_KEYS));
    // The names of all files are on stable storage before the manifest says them.
    await disk.syncFolder(folder);

    const manifest: BackupManifest = {
      format: 1,
      id: idText,
      history,
      nodeId,
      finishedAtMs: clock.wallMs(),
      highestVersion: state.highestVersion,
      contains: state.vector.map(({ origin, incarnation, sequence }) => ({
        origin,
        incarnation,
        sequence,
      })),
      files: this.#files,
    };
    await replaceBackupManifest(disk, folder, manifest);
    await this.#removeUnnamed();
    return { manifest, filesCopied: this.#filesCopied, bytesCopied: this.#bytesCopied };
  }

  /** The backup that is there. Another history's is never written over: it may be all that is left of it. */
  async #previous(): Promise<BackupManifest | null> {
    const { disk } = this.#deps;
    const { folder, history, nodeId } = this.#options;
    const before = await readBackupManifest(disk, folder);
    if (before === null || before.history === history) return before;
    throw new BackupError(
      `${folder} holds a backup of ${before.nodeId === nodeId ? `another history of node ${nodeId} (the node was restored or began anew since)` : `node ${before.nodeId}`}: ` +
        `give this one a folder of its own`,
    );
  }

  async #runs(): Promise<Run[]> {
    const runs: Run[] = [];
    for await (const [key, value] of this.#deps.snapshot.entries(allRuns)) {
      runs.push(Run.decode(runIdOf(key), openValue(key, value)));
      await this.#pace(value.length * DECODED_BYTE);
    }
    return runs;
  }

  async #dictionaryTables(): Promise<TableId[]> {
    const tables = new Set<TableId>();
    for await (const key of this.#deps.snapshot.keys(allDictionaries)) {
      tables.add(tableOfDictionaryKey(key));
    }
    return [...tables];
  }

  async #keepOrCopyRun(
    run: Run,
    known: ReadonlyMap<string, BackupFileEntry>,
    present: ReadonlySet<string>,
  ): Promise<void> {
    const name = `run-${run.id}${FILE_SUFFIX}`;
    const kept = await this.#kept(name, known, present);
    if (kept === null) await this.#copy(name, () => this.#runValues(run));
    else this.#done(kept);
  }

  /** Its name is its digest: an unchanged dictionary is the file that is there. */
  async #keepOrCopyDictionary(
    tableId: TableId,
    known: ReadonlyMap<string, BackupFileEntry>,
    present: ReadonlySet<string>,
  ): Promise<void> {
    const values = (): AsyncIterable<StoredValue> => this.#checked([dictionaryOf(tableId)]);
    const { history } = this.#options;
    const { sha256 } = await backupFileEntry('', history, values());
    const name = `dictionary-${tableId}-${sha256.slice(0, 16)}${FILE_SUFFIX}`;
    const kept = await this.#kept(name, known, present);
    if (kept === null) await this.#copy(name, values);
    else this.#done(kept);
  }

  /** The entry of a file that need not be copied: in the backup before, or whole in the folder. */
  async #kept(
    name: string,
    known: ReadonlyMap<string, BackupFileEntry>,
    present: ReadonlySet<string>,
  ): Promise<BackupFileEntry | null> {
    if (!present.has(name)) return null;
    const entry = known.get(name);
    const { disk } = this.#deps;
    const { folder, history } = this.#options;
    if (entry !== undefined) {
      const file = await disk.open(`${folder}/${name}`, {});
      try {
        if ((await file.sizeBytes()) === entry.bytes) return entry;
      } finally {
        await file.close();
      }
      return null;
    }
    // Of a backup that was interrupted: nobody has vouched for it yet.
    try {
      const values = readBackupFile(disk, folder, name, history, null);
      for (;;) {
        const step = await values.next();
        if (step.done === true) return step.value;
        await this.#pace(step.value[1].length);
      }
    } catch (error) {
      if (error instanceof CorruptionError) return null;
      throw error;
    }
  }

  async #copy(name: string, values: () => AsyncIterable<StoredValue>): Promise<void> {
    const { folder, history } = this.#options;
    const entry = await writeBackupFile(this.#deps.disk, folder, name, history, values());
    this.#filesCopied += 1;
    this.#bytesCopied += entry.bytes;
    this.#done(entry);
  }

  #done(entry: BackupFileEntry): void {
    this.#files.push(entry);
    this.#options.onProgress({
      filesDone: this.#files.length,
      filesAll: this.#filesAll,
      bytesCopied: this.#bytesCopied,
    });
  }

  /** All values of a run, and exactly those that the manifest says. */
  async *#runValues(run: Run): AsyncGenerator<StoredValue> {
    let found = 0;
    for await (const [key, value] of this.#checked([blocksOf(run.id)])) {
      const place = parseBlockKey(key);
      if (place === null || !run.hasValue(place.columnId, place.block)) {
        throw corruptKey(key, 'the manifest does not know this value');
      }
      found += 1;
      yield [key, value];
    }
    if (found !== run.keyCount) {
      throw new CorruptionError(
        { path: `the block store, run ${run.id}` },
        `the manifest counts ${run.keyCount} values, there are ${found}`,
      );
    }
  }

  async *#checked(ranges: readonly KeyRange[]): AsyncGenerator<StoredValue> {
    for (const range of ranges) {
      for await (const [key, value] of this.#deps.snapshot.entries(range)) {
        openValue(key, value);
        yield [key, value];
        await this.#pace(value.length);
      }
    }
  }

  async #pace(bytes: number): Promise<void> {
    if (this.#options.isCancelled()) throw new BackupError('the backup was cancelled');
    if (this.#pacer.spend(bytes * UNITS_PER_BYTE)) await this.#pacer.turn();
  }

  /** Files of ours that the manifest does not name. What is not ours stays. */
  async #removeUnnamed(): Promise<void> {
    const { disk } = this.#deps;
    const { folder } = this.#options;
    const named = new Set(this.#files.map(({ name }) => name));
    for (const name of await disk.list(folder)) {
      if (name === MANIFEST_NAME || named.has(name)) continue;
      const isOurs = /^(?:run|dictionary|head)-[0-9a-f-]+\.values$/.test(
        name.endsWith(PARTIAL_SUFFIX) ? name.slice(0, -PARTIAL_SUFFIX.length) : name,
      );
      if (isOurs) await disk.remove(`${folder}/${name}`);
    }
  }
}
