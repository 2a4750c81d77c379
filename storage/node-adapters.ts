/**
 * The ports over the real machine: node:fs, classic-level, the clocks, the random source and the timers of this process.
 *
 * The only file of the room that touches any of them.
 */

import { randomFillSync } from 'node:crypto';
import * as fs from 'node:fs';
import { mkdir, open as openFolder, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join, resolve as absolute } from 'node:path';

import { ClassicLevel } from 'classic-level';

import { namedNoSpace } from './no-space-error.js';
import type {
  BatchOptions,
  Clock,
  Disk,
  DiskFile,
  KeyRange,
  KeyValueOperation,
  KeyValueSnapshot,
  OpenOptions,
  Random,
  SnapshotStore,
  Timers,
} from './ports.js';

const MEBIBYTE = 1 << 20;
/** A new log, a new manifest, and the index of a table. */
const OPENING_BYTES = 4 * MEBIBYTE;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export const systemRandom: Random = {
  fill: (target) => {
    randomFillSync(target);
  },
};

/** `keepsProcessAlive: false` for background work that must not hold up the end of a process (setTimeout + unref). */
export function systemTimers(options: { readonly keepsProcessAlive: boolean }): Timers {
  return {
    after(delayMs, task) {
      const timeout = setTimeout(task, delayMs);
      if (!options.keepsProcessAlive) timeout.unref();
      return { cancel: () => clearTimeout(timeout) };
    },
    yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

/**
 * Files through node:fs callbacks on plain descriptors: one hop to libuv's pool for a write, without a FileHandle around it.
 */
export const nodeDisk: Disk = {
  async open(path: string, options: OpenOptions): Promise<DiskFile> {
    const { O_RDWR, O_CREAT, O_DSYNC } = fs.constants;
    const flags =
      O_RDWR | (options.create === true ? O_CREAT : 0) | (options.durable === true ? O_DSYNC : 0);
    const descriptor = await new Promise<number>((resolve, reject) => {
      fs.open(path, flags, 0o640, (error, fd) => (error === null ? resolve(fd) : reject(error)));
    });
    return new NodeFile(descriptor, options.durable === true);
  },

  async list(folder: string): Promise<string[]> {
    try {
      return (await readdir(folder)).sort();
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw error;
    }
  },

  /** The folders made are on stable storage when this resolves: each one's entry is synced in its parent. */
  async makeFolder(folder: string): Promise<void> {
    const firstMade = await mkdir(folder, { recursive: true });
    if (firstMade === undefined) return;
    const stop = dirname(absolute(firstMade));
    let parent = absolute(folder);
    do {
      parent = dirname(parent);
      await syncFolder(parent);
    } while (parent !== stop);
  },

  rename,
  remove: unlink,

  syncFolder,

  /** What a process without privileges may use. */
  async freeBytes(folder: string): Promise<number> {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
};

async function syncFolder(folder: string): Promise<void> {
  const handle = await openFolder(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** WebAssembly's memory begins at a page, which no other memory of JavaScript's is sure to do. Nothing is ever run in it. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

/** What goes past the page cache: one page of WebAssembly, filled and written in one step. */
const direct = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
/** Linux asks for whole logical blocks; a disk with larger ones than this refuses with EINVAL. */
const DIRECT_BLOCK_BYTES = 512;

/**
 * A file's other descriptor, past the page cache (O_DIRECT): a synced write of some sectors is a tenth cheaper without the copy into a
 * page, its bookkeeping and its way out again. Where the system, the file system or the disk won't have it, it is not used.
 */
class DirectDescriptor {
  /** -1 = not opened, or closed; null = there is none. */
  #descriptor: number | null = -1;

  /** False: not all of it was written, and all of it is to be written the usual way. Throws what any write throws. */
  write(file: number, bytes: Uint8Array, position: number): boolean {
    const isWhole = bytes.length % DIRECT_BLOCK_BYTES === 0 && position % DIRECT_BLOCK_BYTES === 0;
    if (!isWhole || bytes.length > direct.length) return false;
    this.#descriptor = this.#descriptor === -1 ? this.#open(file) : this.#descriptor;
    if (this.#descriptor === null) return false;
    direct.set(bytes);
    try {
      return fs.writeSync(this.#descriptor, direct, 0, bytes.length, position) === bytes.length;
    } catch (error) {
      if (!isCode(error, 'EINVAL')) throw error;
      this.close();
      this.#descriptor = null;
      return false;
    }
  }

  close(): void {
    if (this.#descriptor !== null && this.#descriptor >= 0) fs.closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  /** By its descriptor: the file may have another name by now. */
  #open(file: number): number | null {
    const { O_WRONLY, O_DSYNC, O_DIRECT } = fs.constants;
    if (O_DIRECT === undefined) return null;
    try {
      return fs.openSync(`/proc/self/fd/${file}`, O_WRONLY | O_DSYNC | O_DIRECT);
    } catch {
      return null;
    }
  }
}

class NodeFile implements DiskFile {
  readonly #descriptor: number;
  readonly #direct: DirectDescriptor | null;

  constructor(descriptor: number, isDurable: boolean) {
    this.#descriptor = descriptor;
    this.#direct = isDurable ? new DirectDescriptor() : null;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const bytes = await this.#readOnce(target, done, position + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let rest: readonly Uint8Array[] = parts.filter((part) => part.length > 0);
    let at = position;
    while (rest.length > 0) {
      // A write may be cut short by a full disk or a signal: go on from there, and let the next one say why.
      const written = await this.#writeOnce(rest, at);
      if (written === 0) throw new Error(`A write at byte ${at} wrote nothing`);
      at += written;
      rest = withoutFirstBytes(rest, written);
    }
  }

  readonly writeNow = (parts: readonly Uint8Array[], position: number): void => {
    const [only] = parts;
    const isOne = parts.length === 1 && only !== undefined;
    if (isOne && this.#direct?.write(this.#descriptor, only, position) === true) return;
    let rest = parts;
    let at = position;
    for (;;) {
      const written = this.#writeOnceNow(rest, at);
      if (written === bytesOf(rest)) return;
      if (written === 0) throw new Error(`A write at byte ${at} wrote nothing`);
      at += written;
      rest = withoutFirstBytes(rest, written);
    }
  };

  sync(): Promise<void> {
    return this.#call((done) => fs.fdatasync(this.#descriptor, done));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#call((done) => fs.ftruncate(this.#descriptor, sizeBytes, done));
  }

  sizeBytes(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#descriptor, (error, stats) =>
        error === null ? resolve(stats.size) : reject(error),
      );
    });
  }

  close(): Promise<void> {
    this.#direct?.close();
    return this.#call((done) => fs.close(this.#descriptor, done));
  }

  #call(start: (done: (error: NodeJS.ErrnoException | null) => void) => void): Promise<void> {
    return new Promise((fulfil, reject) => {
      start((error) => (error ? reject(error) : fulfil()));
    });
  }

  #readOnce(target: Uint8Array, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#descriptor, target, offset, target.length - offset, position, (error, bytes) =>
        error === null ? resolve(bytes) : reject(error),
      );
    });
  }

  #writeOnceNow(parts: readonly Uint8Array[], position: number): number {
    const only = parts[0] as Uint8Array;
    return parts.length === 1
      ? fs.writeSync(this.#descriptor, only, 0, only.length, position)
      : fs.writevSync(this.#descriptor, parts, position);
  }

  #writeOnce(parts: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: NodeJS.ErrnoException | null, written: number): void =>
        error === null ? resolve(written) : reject(error);
      const only = parts[0] as Uint8Array;
      if (parts.length === 1) fs.write(this.#descriptor, only, 0, only.length, position, done);
      else fs.writev(this.#descriptor, parts, position, done);
    });
  }
}

function bytesOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

function withoutFirstBytes(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skip = bytes;
  let index = 0;
  for (; index < parts.length; index += 1) {
    const length = (parts[index] as Uint8Array).length;
    if (skip < length) break;
    skip -= length;
  }
  const rest = parts.slice(index);
  if (skip > 0) rest[0] = (rest[0] as Uint8Array).subarray(skip);
  return rest;
}

export interface ClassicLevelOptions {
  /** Memory of LevelDB's own write buffer; two of them may exist. Default 16 MiB. */
  readonly writeBufferBytes?: number;
  /** Size of its table files. Default 16 MiB. */
  readonly fileBytesMax?: number;
  /** Its block cache. Default 8 MiB: our own cache holds decoded blocks. */
  readonly cacheBytes?: number;
  /** Bytes an iterator may read ahead. Default 1 MiB. */
  readonly readAheadBytes?: number;
  /** Entries an iterator takes in one hop. Default 256. */
  readonly readAheadEntries?: number;
}

/**
 * LevelDB at `path`, created when missing. Values are compressed by our own codecs, so its compression is off; worker threads may
 * open the same path in this process (`multithreading`).
 */
export async function classicLevelStore(
  path: string,
  options: ClassicLevelOptions = {},
): Promise<SnapshotStore> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
    multithreading: true,
    writeBufferSize: options.writeBufferBytes ?? 16 * MEBIBYTE,
    maxFileSize: options.fileBytesMax ?? 16 * MEBIBYTE,
    cacheSize: options.cacheBytes ?? 8 * MEBIBYTE,
  });
  try {
    await level.open();
  } catch (error) {
    throw namedNoSpace(error);
  }
  return new ClassicLevelStore(
    level,
    options.readAheadBytes ?? MEBIBYTE,
    options.readAheadEntries ?? 256,
  );
}

/** Free bytes that opening may need: what LevelDB finds in its log it writes into tables. */
export async function classicLevelBytesToOpen(path: string): Promise<number> {
  let bytes = OPENING_BYTES;
  for (const name of await readdir(path)) {
    if (name.endsWith('.log')) bytes += (await stat(join(path, name))).size;
  }
  return bytes;
}

/** Which state of the store is read: that of a snapshot, or the newest. */
interface Moment {
  readonly snapshot?: ReturnType<ClassicLevel<Uint8Array, Uint8Array>['snapshot']>;
}

class ClassicLevelStore implements SnapshotStore {
  readonly #level: ClassicLevel<Uint8Array, Uint8Array>;
  readonly #readAheadBytes: number;
  readonly #readAheadEntries: number;

  constructor(
    level: ClassicLevel<Uint8Array, Uint8Array>,
    readAheadBytes: number,
    readAheadEntries: number,
  ) {
    this.#level = level;
    this.#readAheadBytes = readAheadBytes;
    this.#readAheadEntries = readAheadEntries;
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#level.get(key);
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#level.getMany([...keys]);
  }

  /** A chained batch, because of an array of operations the library clones each one, at several times the cost of writing it. */
  async batch(operations: readonly KeyValueOperation[], options: BatchOptions): Promise<void> {
    const batch = this.#level.batch();
    try {
      for (const operation of operations) {
        if (operation.type === 'put') batch.put(operation.key, operation.value);
        else batch.del(operation.key);
      }
      await batch.write({ sync: options.sync });
    } catch (error) {
      throw namedNoSpace(error);
    } finally {
      await batch.close();
    }
  }

  entries(range: KeyRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    return this.#entries(range, {});
  }

  keys(range: KeyRange): AsyncIterable<Uint8Array> {
    return this.#keys(range, {});
  }

  snapshot(): KeyValueSnapshot {
    const snapshot = this.#level.snapshot();
    return {
      get: (key) => this.#level.get(key, { snapshot }),
      entries: (range) => this.#entries(range, { snapshot }),
      keys: (range) => this.#keys(range, { snapshot }),
      close: () => snapshot.close(),
    };
  }

  async *#entries(
    range: KeyRange,
    moment: Moment,
  ): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    const iterator = this.#level.iterator({ ...this.#iteratorOptions(range), ...moment });
    try {
      for (;;) {
        const entries = await iterator.nextv(this.#readAheadEntries);
        if (entries.length === 0) return;
        yield* entries;
      }
    } finally {
      await iterator.close();
    }
  }

  async *#keys(range: KeyRange, moment: Moment): AsyncGenerator<Uint8Array> {
    const iterator = this.#level.keys({ ...this.#iteratorOptions(range), ...moment });
    try {
      for (;;) {
        const keys = await iterator.nextv(this.#readAheadEntries);
        if (keys.length === 0) return;
        yield* keys;
      }
    } finally {
      await iterator.close();
    }
  }

  compactRange(gte: Uint8Array, lt: Uint8Array): Promise<void> {
    return this.#level.compactRange(gte, lt);
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  #iteratorOptions(range: KeyRange): {
    gte: Uint8Array;
    lt: Uint8Array;
    limit: number;
    highWaterMarkBytes: number;
  } {
    return {
      gte: range.gte,
      lt: range.lt,
      limit: range.limit ?? -1,
      highWaterMarkBytes: this.#readAheadBytes,
    };
  }
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
