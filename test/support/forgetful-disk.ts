/**
 * A disk in memory that forgets what no completed sync covers.
 *
 * Fault model. A sector (512 bytes) is written as a whole or not at all. Everything else a real disk may do to bytes that
 * are not synced, this one does at a crash: each dirty sector keeps its old or its new content, independently; a file that grew or
 * shrank has its old or its new size; each create, rename and remove whose folder was not synced has happened or not.
 * A write in flight counts as not synced: its sectors may be there or not. A completed write on a durable file, and everything
 * before a completed sync of its file, is safe. After a failed sync nothing is known: the sectors stay dirty.
 *
 * A write on the spot (`writeNow`) is the same in one step. A machine that stops in the middle of one can't leave its caller waiting, as
 * nothing else would: it throws PowerLossError, and whoever runs the process has it end there.
 *
 * Folders are names alone: all exist. One that holds files may be renamed with them.
 *
 * What it does is decided by the seed given to `crash` and by the options; time passes only where a `latency` is given.
 */

import type { Disk, DiskFile, OpenOptions } from '../../storage/ports.js';
import { SeededRandom } from './seeded-random.js';

const SECTOR_BYTES = 512;

export type DiskOperation =
  'open' | 'read' | 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'syncFolder';

export interface DiskFault {
  readonly operation: DiskOperation;
  /** The n-th such operation from now on, 1 = the next. */
  readonly nth: number;
  readonly code: 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EROFS' | 'EMFILE';
  /** Only operations on paths that contain this count. */
  readonly path?: string;
}

export interface ForgetfulDiskOptions {
  /** The planted bug: syncs and durable writes are answered at once, and nothing is safe. */
  readonly ignoresSync?: boolean;
  /** Awaited before an operation completes; a write's bytes are in flight meanwhile. */
  readonly latency?: (operation: DiskOperation, bytes: number) => Promise<void>;
  /**
   * Files can be written on the spot. Called while the bytes of such a write are in flight: time passes here, and the power may go.
   * Left out: files have no `writeNow`.
   */
  readonly onTheSpot?: (bytes: number) => void;
  /** Bytes that all files together may take; beyond that, ENOSPC. See also `setCapacity`. */
  readonly capacityBytes?: number;
}

/** The machine stopped inside a write on the spot, or the process that asks for one is dead. */
export class PowerLossError extends Error {
  override readonly name = 'PowerLossError';
}

/** Whether the end of the machine is all that is told, by whomever. */
export function isPowerLoss(error: unknown): boolean {
  if (error instanceof PowerLossError) return true;
  return error instanceof Error && isPowerLoss(error.cause);
}

class Inode {
  /** What a read sees. */
  current: Uint8Array = new Uint8Array(0);
  /** What is on stable storage. */
  stable: Uint8Array = new Uint8Array(0);
  /** Sectors in which the two may differ. */
  readonly dirty = new Set<number>();
}

interface FolderChange {
  readonly folder: string;
  readonly kind: 'link' | 'unlink' | 'rename';
  readonly path: string;
  readonly to?: string;
  readonly inode?: Inode;
}

export class ForgetfulDisk implements Disk {
  readonly #options: ForgetfulDiskOptions;
  #files = new Map<string, Inode>();
  /** What a crash begins with: the entries of synced folders. */
  #stableFiles = new Map<string, Inode>();
  #folderChanges: FolderChange[] = [];
  #faults: { fault: DiskFault; seen: number }[] = [];
  /** Operations of an older life never complete. */
  #life = 0;
  #isDead = false;
  #diesAt = Infinity;
  #operationCount = 0;
  #onTheSpotCount = 0;
  #capacityBytes: number;

  constructor(options: ForgetfulDiskOptions = {}) {
    this.#options = options;
    this.#capacityBytes = options.capacityBytes ?? Infinity;
  }

  /** Operations begun since the disk was made: reads and listings do not count. */
  get operationCount(): number {
    return this.#operationCount;
  }

  /** Writes on the spot that were completed. */
  get onTheSpotCount(): number {
    return this.#onTheSpotCount;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Somebody else fills the disk, or makes room: what all files together may take from now on. */
  setCapacity(capacityBytes: number): void {
    this.#capacityBytes = capacityBytes;
  }

  /** What all files together take. */
  get usedBytes(): number {
    let used = 0;
    for (const inode of this.#files.values()) used += inode.current.length;
    return used;
  }

  /** The machine stops at the n-th operation from now (1 = the next): it begins but never completes, and nothing follows. */
  dieAtOperation(nth: number): void {
    this.#diesAt = this.#operationCount + nth;
  }

  /** Lets the n-th operation of a kind fail. */
  failNext(fault: DiskFault): void {
    this.#faults.push({ fault, seen: 0 });
  }

  /**
   * Power loss (default), or with `keepsCache` a killed process: what was written stays, but a write in flight is done in part. With
   * `tear: false` everything not synced is simply gone. Files opened before never answer again.
   */
  crash(random: SeededRandom, options: { tear?: boolean; keepsCache?: boolean } = {}): void {
    this.#life += 1;
    this.#isDead = false;
    this.#diesAt = Infinity;
    this.#faults = [];
    if (options.keepsCache !== true) {
      const keepProbability = options.tear === false ? 0 : random.pick([0, 0.1, 0.5, 0.9, 1]);
      this.#forgetFolders(random, keepProbability);
      for (const inode of new Set([...this.#files.values(), ...this.#stableFiles.values()])) {
        forgetInode(inode, random, keepProbability);
      }
    }
  }

  /** The disk for one process: after the next crash nothing done through it has an effect or an answer. */
  mount(): Disk {
    const life = this.#life;
    const alive = <T>(use: () => Promise<T>): Promise<T> => (life === this.#life ? use() : never());
    return {
      open: (path, options) => alive(() => this.open(path, options)),
      list: (folder) => alive(() => this.list(folder)),
      makeFolder: () => alive(() => this.makeFolder()),
      rename: (from, to) => alive(() => this.rename(from, to)),
      remove: (path) => alive(() => this.remove(path)),
      syncFolder: (folder) => alive(() => this.syncFolder(folder)),
      freeBytes: () => alive(() => this.freeBytes()),
    };
  }

  /** Flips bits of a file, on stable storage too. */
  flip(path: string, offset: number, mask: number): void {
    const inode = this.#inodeOf(path);
    inode.current[offset]! ^= mask;
    inode.stable[offset]! ^= mask;
  }

  /** What a read would see now. */
  contentOf(path: string): Uint8Array {
    return this.#inodeOf(path).current.slice();
  }

  /** Puts a file there, on stable storage. */
  plant(path: string, content: Uint8Array): void {
    const inode = new Inode();
    inode.current = content.slice();
    inode.stable = content.slice();
    this.#files.set(path, inode);
    this.#stableFiles.set(path, inode);
  }

  async open(path: string, options: OpenOptions): Promise<DiskFile> {
    if (!this.#begin('open', path)) await never();
    let inode = this.#files.get(path);
    if (inode === undefined) {
      if (options.create !== true) throw diskError('ENOENT', `open ${path}`);
      inode = new Inode();
      this.#files.set(path, inode);
      this.#folderChanges.push({ folder: folderOf(path), kind: 'link', path, inode });
    }
    return this.#handle(path, inode, options.durable === true);
  }

  async list(folder: string): Promise<string[]> {
    const prefix = `${folder}/`;
    const names = [...this.#files.keys()].filter((path) => path.startsWith(prefix));
    return names
      .map((path) => path.slice(prefix.length))
      .filter((name) => !name.includes('/'))
      .sort();
  }

  /** Names of the files and of the folders with files in a folder. */
  async names(folder: string): Promise<string[]> {
    const prefix = `${folder}/`;
    const below = this.#pathsBelow(folder).map((path) => path.slice(prefix.length).split('/')[0]!);
    return [...new Set(below)].sort();
  }

  /** Removes a file, or all files below a folder one by one. */
  async removeAll(path: string): Promise<void> {
    const paths = this.#files.has(path) ? [path] : this.#pathsBelow(path);
    for (const one of paths) await this.remove(one);
  }

  /** Every one exists. */
  async makeFolder(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    if (!this.#begin('rename', from)) await never();
    const change = { folder: folderOf(to), kind: 'rename', path: from, to } as const;
    if (this.#pathsBelow(from).length === 0) this.#inodeOf(from);
    if (this.#pathsBelow(to).length > 0) throw diskError('ENOTEMPTY', to);
    applyChange(this.#files, change);
    this.#folderChanges.push(change);
    await this.#complete('rename', 0);
  }

  async remove(path: string): Promise<void> {
    if (!this.#begin('remove', path)) await never();
    this.#inodeOf(path);
    this.#files.delete(path);
    this.#folderChanges.push({ folder: folderOf(path), kind: 'unlink', path });
    await this.#complete('remove', 0);
  }

  async syncFolder(folder: string): Promise<void> {
    if (!this.#begin('syncFolder', folder)) await never();
    await this.#complete('syncFolder', 0);
    if (this.#options.ignoresSync === true) return;
    const rest: FolderChange[] = [];
    for (const change of this.#folderChanges) {
      if (change.folder === folder) applyChange(this.#stableFiles, change);
      else rest.push(change);
    }
    this.#folderChanges = rest;
  }

  async freeBytes(): Promise<number> {
    return Math.max(0, this.#capacityBytes - this.usedBytes);
  }

  #handle(path: string, inode: Inode, isDurable: boolean): DiskFile {
    const life = this.#life;
    const begin = (operation: DiskOperation): boolean =>
      life === this.#life && this.#begin(operation, path);
    const complete = async (operation: DiskOperation, bytes: number): Promise<void> => {
      await this.#complete(operation, bytes);
      if (life !== this.#life) await never();
    };
    const stabilise = (sectors: Iterable<number>): void => {
      if (this.#options.ignoresSync !== true) makeStable(inode, sectors);
    };
    let isClosed = false;
    const checkOpen = (): void => {
      if (isClosed) throw diskError('EBADF', path);
    };
    const { onTheSpot } = this.#options;
    const writeNow = (parts: readonly Uint8Array[], position: number): void => {
      checkOpen();
      const isGone = (): boolean => this.#isDead || life !== this.#life;
      const write = (): Set<number> => writeParts(inode, parts, position);
      const bytes = bytesOf(parts);
      if (life === this.#life) this.#dieIfDue(write);
      if (!begin('write')) throw new PowerLossError(path);
      this.#checkCapacity(inode, position + bytes, path);
      const sectors = write();
      onTheSpot?.(bytes);
      if (isGone()) throw new PowerLossError(path);
      if (isDurable) stabilise(sectors);
      this.#onTheSpotCount += 1;
    };
    return {
      ...(onTheSpot === undefined ? {} : { writeNow }),
      read: async (target, position) => {
        checkOpen();
        if (!begin('read')) await never();
        const bytes = Math.max(0, Math.min(target.length, inode.current.length - position));
        target.set(inode.current.subarray(position, position + bytes));
        await complete('read', bytes);
        return bytes;
      },
      write: async (parts, position) => {
        checkOpen();
        const bytes = bytesOf(parts);
        if (life === this.#life) this.#dieIfDue(() => writeParts(inode, parts, position));
        if (!begin('write')) await never();
        this.#checkCapacity(inode, position + bytes, path);
        const sectors = writeParts(inode, parts, position);
        await complete('write', bytes);
        if (isDurable) stabilise(sectors);
      },
      sync: async () => {
        checkOpen();
        const sectors = [...inode.dirty];
        if (!begin('sync')) await never();
        await complete('sync', 0);
        stabilise(sectors);
      },
      truncate: async (sizeBytes) => {
        checkOpen();
        if (!begin('truncate')) await never();
        resize(inode, sizeBytes);
        await complete('truncate', 0);
      },
      sizeBytes: async () => inode.current.length,
      close: async () => {
        isClosed = true;
      },
    };
  }

  /** A write that the machine does not survive may have left its bytes behind. */
  #dieIfDue(leaveBehind: () => void): void {
    if (!this.#isDead && this.#operationCount + 1 >= this.#diesAt) leaveBehind();
  }

  /** Counts the operation and throws a planted fault; false when the machine is dead. Synchronous: no crash can come in between. */
  #begin(operation: DiskOperation, path: string): boolean {
    if (this.#isDead) return false;
    if (operation !== 'read' && operation !== 'open') {
      this.#operationCount += 1;
      if (this.#operationCount >= this.#diesAt) {
        this.#isDead = true;
        return false;
      }
    }
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.operation !== operation || !path.includes(fault.path ?? '')) continue;
      entry.seen += 1;
      if (entry.seen === fault.nth) throw diskError(fault.code, `${operation} ${path}`);
    }
    return true;
  }

  async #complete(operation: DiskOperation, bytes: number): Promise<void> {
    const life = this.#life;
    await this.#options.latency?.(operation, bytes);
    if (this.#isDead || life !== this.#life) await never();
  }

  #checkCapacity(inode: Inode, endBytes: number, path: string): void {
    const growth = endBytes - inode.current.length;
    if (growth <= 0 || this.#capacityBytes === Infinity) return;
    if (this.usedBytes + growth > this.#capacityBytes) throw diskError('ENOSPC', `write ${path}`);
  }

  #forgetFolders(random: SeededRandom, keepProbability: number): void {
    const files = new Map(this.#stableFiles);
    for (const change of this.#folderChanges) {
      if (random.chance(keepProbability)) applyChange(files, change);
    }
    this.#folderChanges = [];
    this.#files = files;
    this.#stableFiles = new Map(files);
  }

  #pathsBelow(folder: string): string[] {
    return [...this.#files.keys()].filter((path) => path.startsWith(`${folder}/`));
  }

  #inodeOf(path: string): Inode {
    const inode = this.#files.get(path);
    if (inode === undefined) throw diskError('ENOENT', path);
    return inode;
  }
}

function applyChange(files: Map<string, Inode>, change: FolderChange): void {
  const { kind, path, to, inode } = change;
  if (kind === 'link') files.set(path, inode!);
  else if (kind === 'unlink') files.delete(path);
  else {
    for (const [old, renamed] of [...files]) {
      if (old !== path && !old.startsWith(`${path}/`)) continue;
      files.delete(old);
      files.set(to! + old.slice(path.length), renamed);
    }
  }
}

function bytesOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function writeParts(inode: Inode, parts: readonly Uint8Array[], position: number): Set<number> {
  const bytes = bytesOf(parts);
  if (position + bytes > inode.current.length) resize(inode, position + bytes);
  let at = position;
  for (const part of parts) {
    inode.current.set(part, at);
    at += part.length;
  }
  const sectors = new Set<number>();
  for (let sector = Math.floor(position / SECTOR_BYTES); sector * SECTOR_BYTES < at; sector += 1) {
    sectors.add(sector);
    inode.dirty.add(sector);
  }
  return sectors;
}

function resize(inode: Inode, sizeBytes: number): void {
  const resized = new Uint8Array(sizeBytes);
  resized.set(inode.current.subarray(0, sizeBytes));
  inode.current = resized;
}

/** Size and these sectors are on stable storage now. */
function makeStable(inode: Inode, sectors: Iterable<number>): void {
  if (inode.stable.length !== inode.current.length) {
    const resized = new Uint8Array(inode.current.length);
    resized.set(inode.stable.subarray(0, resized.length));
    inode.stable = resized;
  }
  for (const sector of sectors) {
    inode.dirty.delete(sector);
    copySector(inode.current, inode.stable, sector);
  }
}

function forgetInode(inode: Inode, random: SeededRandom, keepProbability: number): void {
  const sizes = [inode.stable.length, inode.current.length];
  const survivor = new Uint8Array(random.chance(keepProbability) ? sizes[1]! : sizes[0]!);
  survivor.set(inode.stable.subarray(0, survivor.length));
  const sectors = [...inode.dirty].sort((a, b) => a - b);
  for (const sector of sectors) {
    if (random.chance(keepProbability)) copySector(inode.current, survivor, sector);
  }
  inode.current = survivor;
  inode.stable = survivor.slice();
  inode.dirty.clear();
}

function copySector(from: Uint8Array, to: Uint8Array, sector: number): void {
  const start = sector * SECTOR_BYTES;
  const end = Math.min(start + SECTOR_BYTES, from.length, to.length);
  if (end > start) to.set(from.subarray(start, end), start);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function diskError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

/** What a dead machine answers. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
