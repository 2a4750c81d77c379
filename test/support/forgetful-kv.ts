/**
 * A key-value store in memory that loses batches no sync covers, as LevelDB may.
 *
 * A batch is atomic. At a crash any number of the newest batches since the last synced one is gone; with `forgetsRotatedLogs` also
 * batches before it, because LevelDB closes a full log file without syncing it. Keys are in byte order.
 */

import type {
  KeyRange,
  KeyValueOperation,
  KeyValueSnapshot,
  KeyValueStore,
  SnapshotStore,
} from '../../storage/ports.js';
import type { SeededRandom } from './seeded-random.js';

export interface ForgetfulKvOptions {
  /** The planted bug: a synced batch is no safer than another. */
  readonly ignoresSync?: boolean;
  /** At a crash, any unsynced batch may be gone, even one before a synced batch. */
  readonly forgetsRotatedLogs?: boolean;
  /** Awaited before an operation completes; a batch in flight may be there or not. */
  readonly latency?: (operation: 'get' | 'batch', bytes: number) => Promise<void>;
}

/** Decides what survives: chance, or a test that knows what it wants. */
export type Fortune = Pick<SeededRandom, 'integer' | 'chance'>;

interface Batch {
  readonly operations: readonly KeyValueOperation[];
  isSynced: boolean;
}

/** Batches kept one by one with `forgetsRotatedLogs`; older ones are as good as synced. */
const ROTATED_BATCHES_MAX = 10_000;

export class ForgetfulKv implements SnapshotStore {
  readonly #options: ForgetfulKvOptions;
  #values = new Map<string, Uint8Array>();
  /** Ascending; null when it must be sorted anew. Hex order is byte order. */
  #sorted: string[] | null = [];
  /** What survives for sure, and what came after. */
  #stable = new Map<string, Uint8Array>();
  #batches: Batch[] = [];
  #failNextBatch: string | null = null;
  #life = 0;

  constructor(options: ForgetfulKvOptions = {}) {
    this.#options = options;
  }

  get size(): number {
    return this.#values.size;
  }

  /** The next batch rejects with this code and changes nothing. */
  failNextBatch(code: 'EIO' | 'ENOSPC'): void {
    this.#failNextBatch = code;
  }

  /** Flips bits of a stored value, on stable storage too. */
  flip(key: Uint8Array, offset: number, mask: number): void {
    const value = this.#values.get(hexOf(key));
    if (value === undefined) throw new Error('No such key');
    const flipped = value.slice();
    flipped[offset]! ^= mask;
    const operation: KeyValueOperation = { type: 'put', key, value: flipped };
    apply(this.#values, operation);
    apply(this.#stable, operation);
  }

  /** Power loss: the store goes on with what survived. Operations under way never complete. */
  crash(random: Fortune): void {
    this.#life += 1;
    const lastSynced = this.#batches.findLastIndex((batch) => batch.isSynced);
    const unsynced = this.#batches.length - 1 - lastSynced;
    const kept = lastSynced + 1 + random.integer(0, unsynced);
    const values = new Map(this.#stable);
    for (const [place, batch] of this.#batches.slice(0, kept).entries()) {
      const isSafe =
        batch.isSynced || place > lastSynced || this.#options.forgetsRotatedLogs !== true;
      if (isSafe || random.chance(0.5))
        for (const operation of batch.operations) apply(values, operation);
    }
    this.#values = values;
    this.#stable = new Map(values);
    this.#batches = [];
    this.#sorted = null;
  }

  /** The store for one process: after the next crash nothing done through it has an effect or an answer. */
  mount(): KeyValueStore {
    const life = this.#life;
    const alive = <T>(use: () => Promise<T>): Promise<T> =>
      life === this.#life ? use() : new Promise(() => undefined);
    return {
      get: (key) => alive(() => this.get(key)),
      getMany: (keys) => alive(() => this.getMany(keys)),
      batch: (operations, options) => alive(() => this.batch(operations, options)),
      entries: (range) => this.entries(range),
      keys: (range) => this.keys(range),
      compactRange: () => alive(() => this.compactRange()),
      close: () => alive(() => this.close()),
    };
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.#pass('get', key.length);
    return this.#values.get(hexOf(key))?.slice();
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    await this.#pass('get', keys.length);
    return keys.map((key) => this.#values.get(hexOf(key))?.slice());
  }

  async batch(
    operations: readonly KeyValueOperation[],
    options: { readonly sync: boolean },
  ): Promise<void> {
    const code = this.#failNextBatch;
    if (code !== null) {
      this.#failNextBatch = null;
      throw Object.assign(new Error(`${code}: batch`), { code });
    }
    const batch: Batch = { operations: operations.map(copyOf), isSynced: false };
    for (const operation of batch.operations) {
      const key = hexOf(operation.key);
      if (operation.type === 'del' || !this.#values.has(key)) this.#sorted = null;
      apply(this.#values, operation);
    }
    this.#batches.push(batch);
    await this.#pass('batch', operations.length);
    if (options.sync && this.#options.ignoresSync !== true) this.#makeStable(batch);
  }

  async *entries(range: KeyRange): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    // An iterator sees the store as it was when it began.
    const entries = this.#keysIn(range).map((key) => [key, this.#values.get(key)!] as const);
    for (const [key, value] of entries) {
      await this.#pass('get', value.length);
      yield [Buffer.from(key, 'hex'), value.slice()];
    }
  }

  async *keys(range: KeyRange): AsyncGenerator<Uint8Array> {
    for (const key of this.#keysIn(range)) {
      await this.#pass('get', 0);
      yield Buffer.from(key, 'hex');
    }
  }

  /** What is there now, apart from what comes. */
  snapshot(): KeyValueSnapshot {
    return this.copy();
  }

  /** Another store with the same values, all of them safe. */
  copy(): ForgetfulKv {
    const moment = new ForgetfulKv(this.#options);
    moment.#values = new Map(this.#values);
    moment.#stable = new Map(this.#values);
    moment.#sorted = null;
    return moment;
  }

  async compactRange(): Promise<void> {}

  async close(): Promise<void> {}

  #makeStable(batch: Batch): void {
    batch.isSynced = true;
    const isAllSafe = this.#options.forgetsRotatedLogs !== true;
    const upTo = isAllSafe
      ? this.#batches.indexOf(batch) + 1
      : Math.max(0, this.#batches.length - ROTATED_BATCHES_MAX);
    for (const safe of this.#batches.splice(0, upTo)) {
      for (const operation of safe.operations) apply(this.#stable, operation);
    }
  }

  /** The keys of a range as they are now. */
  #keysIn(range: KeyRange): string[] {
    this.#sorted ??= [...this.#values.keys()].sort();
    const from = lowerBound(this.#sorted, hexOf(range.gte));
    const to = lowerBound(this.#sorted, hexOf(range.lt));
    const limit = range.limit ?? Infinity;
    return this.#sorted.slice(from, Math.min(to, from + limit));
  }

  async #pass(operation: 'get' | 'batch', bytes: number): Promise<void> {
    const life = this.#life;
    await this.#options.latency?.(operation, bytes);
    if (life !== this.#life) await new Promise(() => undefined);
  }
}

function apply(values: Map<string, Uint8Array>, operation: KeyValueOperation): void {
  if (operation.type === 'put') values.set(hexOf(operation.key), operation.value);
  else values.delete(hexOf(operation.key));
}

function copyOf(operation: KeyValueOperation): KeyValueOperation {
  return operation.type === 'put'
    ? { type: 'put', key: operation.key.slice(), value: operation.value.slice() }
    : { type: 'del', key: operation.key.slice() };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
