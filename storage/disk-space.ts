/**
 * How much room the disk has, and whether clients may still write.
 *
 * The last bytes of a disk are not for clients: what the peer has acknowledged must find room in its copy here, and a flush, a compaction
 * and a deletion need room before they give some back. So clients' writes stop at the *reserve*, while everything else goes on.
 *
 * Nobody asks the disk on the way of a write: it is looked at once a second and after whatever takes much of it at once. Writing starts
 * again a little above the mark at which it stopped, or a disk that hovers there would refuse every other statement.
 */

import type { Disk, Timer, Timers } from './ports.js';

const LOOK_MS = 1_000;
/** This share of the reserve must be free beyond it before clients write again. */
const RESUME_SHARE = 1 / 16;

export interface DiskSpaceOptions {
  /** One on each file system that is written to. They exist. */
  readonly folders: readonly string[];
  /** 0 = clients may use all of it. */
  readonly reserveBytes: number;
}

export class DiskSpace {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #options: DiskSpaceOptions;
  #freeBytes: number | null = null;
  #isLow = false;
  #timer: Timer | null = null;
  #looking: Promise<void> | null = null;
  #isStopped = false;
  #listeners: ((isLow: boolean) => void)[] = [];

  constructor(deps: { readonly disk: Disk; readonly timers: Timers }, options: DiskSpaceOptions) {
    this.#disk = deps.disk;
    this.#timers = deps.timers;
    this.#options = options;
  }

  /** Where there is least, when it was last looked at; null = it is not known. */
  get freeBytes(): number | null {
    return this.#freeBytes;
  }

  get reserveBytes(): number {
    return this.#options.reserveBytes;
  }

  /** Less than the reserve is free. */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** Called when `isLow` has changed. */
  onChange(listener: (isLow: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** Looks now, and from now on each second until `stop`. */
  async start(): Promise<void> {
    await this.look();
    this.#lookLater();
  }

  /** Looks now; joins a look that is under way. A disk that can't say changes nothing else. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#isStopped) return;
    this.#timer = this.#timers.after(LOOK_MS, () => void this.look().then(() => this.#lookLater()));
  }

  async #look(): Promise<void> {
    const { folders, reserveBytes } = this.#options;
    const found = await Promise.allSettled(folders.map((folder) => this.#disk.freeBytes(folder)));
    if (this.#isStopped) return;
    // Not every file system tells, and not always. Then what finds no room to write is the first to know.
    const told = found.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
    this.#freeBytes = told.length < folders.length ? null : Math.min(...told);
    if (this.#freeBytes === null) return;
    const enoughBytes = reserveBytes * (this.#isLow ? 1 + RESUME_SHARE : 1);
    const isLow = this.#freeBytes < enoughBytes;
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    for (const listener of this.#listeners) listener(isLow);
  }
}
