/**
 * The key-value store as one process has it open: when the process dies, nothing it asks for after that happens or answers, but a batch
 * that the operating system already has goes its way. (A power loss is the store's own `crash`.)
 */

import type { KeyValueStore } from '../../storage/index.js';

export class KillableKv implements KeyValueStore {
  readonly #kv: KeyValueStore;
  #isDead = false;
  #failure: Error | null = null;

  constructor(kv: KeyValueStore) {
    this.#kv = kv;
  }

  kill(): void {
    this.#isDead = true;
  }

  /** The next batch rejects and changes nothing. */
  failNextBatch(failure: Error): void {
    this.#failure = failure;
  }

  get: KeyValueStore['get'] = (key) => this.#alive(() => this.#kv.get(key));

  getMany: KeyValueStore['getMany'] = (keys) => this.#alive(() => this.#kv.getMany(keys));

  batch: KeyValueStore['batch'] = (operations, options) =>
    this.#alive(async () => {
      const failure = this.#failure;
      this.#failure = null;
      if (failure !== null) throw failure;
      await this.#kv.batch(operations, options);
    });

  compactRange: KeyValueStore['compactRange'] = (gte, lt) =>
    this.#alive(() => this.#kv.compactRange(gte, lt));

  close: KeyValueStore['close'] = () => this.#alive(() => this.#kv.close());

  async *entries(
    range: Parameters<KeyValueStore['entries']>[0],
  ): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    for await (const entry of this.#kv.entries(range)) yield await this.#alive(async () => entry);
  }

  async *keys(range: Parameters<KeyValueStore['keys']>[0]): AsyncGenerator<Uint8Array> {
    for await (const key of this.#kv.keys(range)) yield await this.#alive(async () => key);
  }

  async #alive<T>(use: () => Promise<T>): Promise<T> {
    if (this.#isDead) await new Promise(() => undefined);
    const result = await use();
    if (this.#isDead) await new Promise(() => undefined);
    return result;
  }
}
