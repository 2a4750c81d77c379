/**
 * The main thread's LevelDB, which a full disk does not end.
 *
 * After a write that found no room LevelDB is of no use for another one until it was opened anew: either it refuses them all itself, or
 * it takes them and loses them (write-latch.ts). Reading goes on. So a batch that finds no room waits: once the disk has what opening
 * needs, the background threads let go of LevelDB, reads are held for a moment, it is closed and opened, and the batch is done again.
 * A batch is all or nothing, and doing it twice is the same as doing it once.
 *
 * What a job of a background thread wrote before that may be gone. Whoever names it in a batch says since when (`opening`), and is refused
 * if LevelDB was opened in between.
 */

import { JobStoppedError } from './job-deps.js';
import { isNoSpace, NoSpaceError } from './no-space-error.js';
import type {
  KeyRange,
  KeyValueOperation,
  KeyValueSnapshot,
  BatchOptions,
  SnapshotStore,
  Timers,
} from './ports.js';
import { WriteLatch } from './write-latch.js';

const RETRY_MS = 1_000;

export interface ReopeningStoreDeps {
  readonly timers: Timers;
  readonly open: () => Promise<SnapshotStore>;
  /** What the disk has, and what it must have before opening is tried: LevelDB then writes what is in its log into a table. */
  readonly freeBytes: () => Promise<number>;
  readonly bytesToOpen: () => Promise<number>;
  /** Resolves when no other thread has it open. */
  readonly letGo: () => Promise<void>;
  /** Shared with the threads. */
  readonly latch: SharedArrayBuffer;
  /** A write found no room, and reading goes on. */
  readonly onFull: () => void;
  readonly onReopened: () => void;
}

export class ReopeningStore implements SnapshotStore {
  readonly #deps: ReopeningStoreDeps;
  readonly #latch: WriteLatch;
  #inner: SnapshotStore;
  #openings = 1;
  /** Reads under way, and who waits for the last of them. */
  #reads = 0;
  #onLastRead: () => void = () => undefined;
  /** While it is closed and opened: reads wait. */
  #held: Promise<void> | null = null;
  #reopening: Promise<void> | null = null;
  #isEnding = false;
  #endWait: () => void = () => undefined;

  static async open(deps: ReopeningStoreDeps): Promise<ReopeningStore> {
    return new ReopeningStore(deps, await deps.open());
  }

  private constructor(deps: ReopeningStoreDeps, inner: SnapshotStore) {
    this.#deps = deps;
    this.#inner = inner;
    this.#latch = new WriteLatch(deps.latch, 0, deps.timers);
  }

  get opening(): number {
    return this.#openings;
  }

  async untilWritable(): Promise<void> {
    if (this.#latch.hasFailed) await this.#reopen();
  }

  endWaits(): void {
    this.#isEnding = true;
    this.#endWait();
  }

  async batch(operations: readonly KeyValueOperation[], options: BatchOptions): Promise<void> {
    let { opening } = options;
    for (;;) {
      await this.untilWritable();
      if (opening !== undefined && opening !== this.#openings) {
        throw new NoSpaceError('the block store was opened anew since its blocks were written');
      }
      let isTried = false;
      try {
        await this.#latch.write(() => {
          isTried = true;
          return this.#inner.batch(operations, { sync: options.sync });
        });
        return;
      } catch (error) {
        if (!isNoSpace(error)) throw error;
      }
      await this.untilWritable();
      // No write had failed before this one: what it names is still there, and it is done again.
      if (isTried && opening !== undefined) opening = this.#openings;
    }
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#inner.get(key));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read(() => this.#inner.getMany(keys));
  }

  async *entries(range: KeyRange): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    const done = await this.#beginRead();
    try {
      yield* this.#inner.entries(range);
    } finally {
      done();
    }
  }

  async *keys(range: KeyRange): AsyncGenerator<Uint8Array> {
    const done = await this.#beginRead();
    try {
      yield* this.#inner.keys(range);
    } finally {
      done();
    }
  }

  /** A snapshot does not outlive the opening that it was taken in: its reads reject then. */
  snapshot(): KeyValueSnapshot {
    return this.#inner.snapshot();
  }

  compactRange(gte: Uint8Array, lt: Uint8Array): Promise<void> {
    return this.#read(() => this.#inner.compactRange(gte, lt));
  }

  async close(): Promise<void> {
    this.endWaits();
    await this.#reopening?.catch(() => undefined);
    await this.#inner.close();
  }

  // ---- reading ----

  async #read<T>(read: () => Promise<T>): Promise<T> {
    const done = await this.#beginRead();
    try {
      return await read();
    } finally {
      done();
    }
  }

  /** Resolves to what ends the read. */
  async #beginRead(): Promise<() => void> {
    while (this.#held !== null) await this.#held;
    this.#reads += 1;
    return () => {
      this.#reads -= 1;
      if (this.#reads === 0) this.#onLastRead();
    };
  }

  // ---- opening anew ----

  /** Rejects when opening fails for another reason than room, or when nobody wants to wait any more. */
  #reopen(): Promise<void> {
    this.#reopening ??= this.#reopenOnce().finally(() => {
      this.#reopening = null;
    });
    return this.#reopening;
  }

  async #reopenOnce(): Promise<void> {
    this.#deps.onFull();
    while ((await this.#deps.freeBytes()) < (await this.#deps.bytesToOpen())) await this.#pause();
    await this.#deps.letGo();
    let release: () => void = () => undefined;
    this.#held = new Promise((resolve) => (release = resolve));
    try {
      if (this.#reads > 0) await new Promise<void>((resolve) => (this.#onLastRead = resolve));
      await this.#inner.close();
      await this.#openAgain();
      this.#openings += 1;
      this.#latch.reset();
    } finally {
      this.#held = null;
      release();
    }
    this.#deps.onReopened();
  }

  async #openAgain(): Promise<void> {
    for (;;) {
      try {
        this.#inner = await this.#deps.open();
        return;
      } catch (error) {
        if (!isNoSpace(error)) throw error;
      }
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    if (this.#isEnding) throw new JobStoppedError();
    await new Promise<void>((resolve) => {
      this.#endWait = resolve;
      this.#deps.timers.after(RETRY_MS, resolve);
    });
    if (this.#isEnding) throw new JobStoppedError();
  }
}
