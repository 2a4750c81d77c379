/**
 * Spare segment files: preallocated with real zeros, or recycled with old bytes in them.
 *
 * A write into a file whose blocks exist and were written before needs no metadata, which halves its latency; and a node that
 * has spares can go on for a while when the disk is full. So a few are kept ready, made in the background, and a released
 * segment comes back here instead of being deleted.
 *
 * What a spare contains does not matter (see segment.ts), only that its blocks exist. A file that is shorter than a
 * segment was being made when the node died: it is removed.
 *
 * A full disk makes no spare. In the background that is noted and tried again; whoever needs one waits for it (room-wait.ts).
 */

import { parseSpareFileName, spareFileName } from './segment.js';
import type { Disk, Timer, Timers } from './ports.js';
import type { RoomWait } from './room-wait.js';

const FILL_BYTES = 1024 * 1024;
const RETRY_MS = 1000;

export interface SegmentPoolOptions {
  readonly folder: string;
  readonly segmentBytes: number;
  /** Spares to keep ready. */
  readonly target: number;
}

export interface SegmentPoolDeps {
  readonly disk: Disk;
  readonly timers: Timers;
  readonly room: RoomWait;
  /** A file was made: the disk has less room. */
  readonly onAllocated?: () => void;
}

export class SegmentPool {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #room: RoomWait;
  readonly #onAllocated: () => void;
  readonly #options: SegmentPoolOptions;
  /** Paths of files that may be taken. */
  readonly #ready: string[] = [];
  #target: number;
  /** Somebody needs one now. */
  #isTaking = false;
  #nextOrdinal = 1;
  #filling: Promise<void> | null = null;
  #retry: Timer | null = null;
  #lastError: Error | null = null;
  #isClosed = false;

  constructor(deps: SegmentPoolDeps, options: SegmentPoolOptions) {
    this.#disk = deps.disk;
    this.#timers = deps.timers;
    this.#room = deps.room;
    this.#onAllocated = deps.onAllocated ?? ((): void => undefined);
    this.#options = options;
    this.#target = options.target;
  }

  get readyCount(): number {
    return this.#ready.length;
  }

  /** Why the last attempt to make a spare failed; null after a success. A full disk shows here first. */
  get lastError(): Error | null {
    return this.#lastError;
  }

  /** Takes over what a previous start left: whole spares are used, half-made ones removed. */
  async adopt(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const ordinal = parseSpareFileName(name);
      if (ordinal === null) continue;
      this.#nextOrdinal = Math.max(this.#nextOrdinal, ordinal + 1);
      const path = this.#path(name);
      const file = await this.#disk.open(path, {});
      const sizeBytes = await file.sizeBytes();
      await file.close();
      if (sizeBytes === this.#options.segmentBytes) this.#ready.push(path);
      else await this.#disk.remove(path);
    }
  }

  /** How many spares to keep ready from now on. */
  setTarget(target: number): void {
    this.#target = target;
    this.refill();
  }

  /**
   * Path of a spare, which is the caller's from now on: a ready one, or one made now. Waits while the disk has no room, and rejects as it
   * does. One call at a time.
   */
  async take(): Promise<string> {
    this.#isTaking = true;
    try {
      return await this.#room.until(() => this.#takeOne());
    } finally {
      this.#isTaking = false;
      this.refill();
    }
  }

  async #takeOne(): Promise<string> {
    // What is being made may fail; then one is made for this call, so that only its own failure counts.
    await this.#filling;
    if (this.#ready.length === 0) {
      this.refill();
      await this.#filling;
    }
    const path = this.#ready.shift();
    if (path !== undefined) return path;
    throw this.#lastError ?? new Error('The pool of segment files is closed');
  }

  get #wanted(): number {
    return this.#isTaking ? Math.max(1, this.#target) : this.#target;
  }

  /**
   * Takes a file that nobody needs any more and makes it a spare, or removes it when there are enough. The old name is gone from
   * stable storage when this resolves.
   */
  async give(path: string, sizeBytes: number): Promise<void> {
    if (this.#ready.length >= this.#wanted || sizeBytes !== this.#options.segmentBytes) {
      await this.#disk.remove(path);
      await this.#disk.syncFolder(this.#options.folder);
    } else {
      const spare = this.#nextPath();
      await this.#disk.rename(path, spare);
      await this.#disk.syncFolder(this.#options.folder);
      this.#ready.push(spare);
    }
    this.refill();
    this.#room.wake();
  }

  /** Starts making spares in the background if some are missing. */
  refill(): void {
    if (this.#isClosed || this.#filling !== null || this.#ready.length >= this.#wanted) return;
    this.#retry?.cancel();
    this.#retry = null;
    this.#filling = this.#fill().finally(() => {
      this.#filling = null;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#filling;
  }

  /** Never rejects: a failure is kept, and tried again a little later. */
  async #fill(): Promise<void> {
    try {
      while (!this.#isClosed && this.#ready.length < this.#wanted) {
        this.#ready.push(await this.#make());
      }
      this.#lastError = null;
    } catch (error) {
      this.#lastError = error instanceof Error ? error : new Error(String(error));
      // Whoever takes one tries again by itself.
      if (this.#isClosed || this.#isTaking) return;
      this.#retry = this.#timers.after(RETRY_MS, () => this.refill());
    }
  }

  async #make(): Promise<string> {
    await this.#room.check(this.#options.segmentBytes);
    const path = this.#nextPath();
    const file = await this.#disk.open(path, { create: true });
    try {
      await writeZeros(file, 0, this.#options.segmentBytes);
      await file.sync();
    } catch (error) {
      await file.close();
      await this.#disk.remove(path);
      throw error;
    }
    await file.close();
    this.#onAllocated();
    return path;
  }

  #nextPath(): string {
    const path = this.#path(spareFileName(this.#nextOrdinal));
    this.#nextOrdinal += 1;
    return path;
  }

  #path(name: string): string {
    return `${this.#options.folder}/${name}`;
  }
}

/** Writes zeros to [from, to), a mebibyte at a time. */
export async function writeZeros(
  file: { write(parts: readonly Uint8Array[], position: number): Promise<void> },
  from: number,
  to: number,
): Promise<void> {
  const zeros = new Uint8Array(Math.min(FILL_BYTES, Math.max(to - from, 0)));
  for (let position = from; position < to; position += zeros.length) {
    const bytes = Math.min(zeros.length, to - position);
    await file.write([zeros.subarray(0, bytes)], position);
  }
}
