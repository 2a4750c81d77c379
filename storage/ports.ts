/**
 * Everything storage/ and replication/ need from the machine, as small interfaces.
 *
 * Nothing in those two rooms reads a clock, a file, a socket or a random number by itself: the
 * simulator runs them unchanged on a virtual clock and on a disk that forgets or tears every byte
 * that no completed sync covers.
 */

import type { BackgroundJob, JobResult } from './background-job.js';

export interface Clock {
  /** Milliseconds since the Unix epoch; may jump either way. */
  wallMs(): number;
  /** Milliseconds of a clock that never goes back; its zero has no meaning. */
  monotonicMs(): number;
}

export interface Random {
  /** Fills `target` with random bytes. */
  fill(target: Uint8Array): void;
}

export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Runs `task` once after `delayMs`. */
  after(delayMs: number, task: () => void): Timer;
  /** Resolves in a later turn of the event loop: what long loops await about every 2 ms. */
  yieldTurn(): Promise<void>;
}

export interface DiskFile {
  /** Reads into `target` from byte `position`; resolves to the bytes read (fewer only at end of file). */
  read(target: Uint8Array, position: number): Promise<number>;
  /**
   * Writes the parts one after another from byte `position`: all of it, or it rejects. On a file opened `durable` the bytes
   * are on stable storage when it resolves. `parts` must not change until then.
   */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * The same as `write`, on the spot: returns when it is done, throws as `write` rejects. Blocks the thread for as long as the disk
   * takes; a disk that can't, or had better not, lacks it.
   */
  readonly writeNow?: (parts: readonly Uint8Array[], position: number) => void;
  /** Resolves when all bytes written so far are on stable storage. A rejection is final: never retry. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Create the file when it does not exist (it is kept when it does). */
  readonly create?: boolean;
  /** Every write is on stable storage when it resolves (O_DSYNC). */
  readonly durable?: boolean;
}

export interface Disk {
  /** Rejects with an error whose `code` is 'ENOENT', 'ENOSPC', 'EIO'... as Node's own do. */
  open(path: string, options: OpenOptions): Promise<DiskFile>;
  /** File names (not paths) in a folder, sorted; empty when the folder does not exist. */
  list(folder: string): Promise<string[]>;
  /** With its parents; on stable storage when it resolves. */
  makeFolder(folder: string): Promise<void>;
  /** Atomic; durable only after `syncFolder`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
  /** Bytes that may still be written to the file system that the folder is on; the folder exists. */
  freeBytes(folder: string): Promise<number>;
}

export type KeyValueOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

export interface KeyRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
  readonly limit?: number;
}

/** The store as it was at one moment, whatever is written since. Until it is closed LevelDB keeps all that it shows. */
export interface KeyValueSnapshot {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  entries(range: KeyRange): AsyncIterable<readonly [Uint8Array, Uint8Array]>;
  keys(range: KeyRange): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface BatchOptions {
  /** On stable storage when it resolves. */
  readonly sync: boolean;
  /** The batch names what a background job wrote: rejects with NoSpaceError when the store was opened anew since. */
  readonly opening?: number;
}

/** LevelDB as we use it: byte keys in byte order, atomic batches, `sync` or not durable. */
export interface KeyValueStore {
  /** Which opening this is, in a store that can be opened anew. */
  readonly opening?: number;
  /** Resolves when batches are taken again, in a store that a full disk can close to them. */
  readonly untilWritable?: () => Promise<void>;
  /** The store is about to be closed: what waits for room rejects with JobStoppedError. */
  readonly endWaits?: () => void;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** Rejects with an error whose `code` is ENOSPC, and has changed nothing, when there is no room. */
  batch(operations: readonly KeyValueOperation[], options: BatchOptions): Promise<void>;
  entries(range: KeyRange): AsyncIterable<readonly [Uint8Array, Uint8Array]>;
  keys(range: KeyRange): AsyncIterable<Uint8Array>;
  compactRange(gte: Uint8Array, lt: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Whoever does the work that must not hold up the main thread: sorting, encoding and writing runs. */
export interface BackgroundWorkers {
  /**
   * Does the job; what it wrote is on stable storage when this resolves. A rejection means that the job failed, or the
   * worker died: some of its blocks may be there, and no manifest may name them. With NoSpaceError it may be asked for again.
   */
  run(job: BackgroundJob): Promise<JobResult>;
  /**
   * Has the system give pages to memory that is new, where a thread is idle, so that others need not wait for them. Changes nothing in it,
   * whoever writes there meanwhile.
   */
  readonly warm?: (buffers: readonly SharedArrayBuffer[]) => void;
  /** Jobs under way stop and reject; resolves when none touches the key-value store any more. */
  close(): Promise<void>;
}

/** One whose state can be held: what a backup reads. */
export interface SnapshotStore extends KeyValueStore {
  snapshot(): KeyValueSnapshot;
}
