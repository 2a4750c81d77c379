/**
 * Collects operations and writes them in synced batches of at least 4 MiB: LevelDB may lose an unsynced batch after a later one
 * survived, and a sync costs about the same for few bytes as for many.
 */

import type { KeyValueOperation, KeyValueStore } from './ports.js';

const BATCH_BYTES = 4 * 1024 * 1024;

export class SyncedBatches {
  readonly #kv: KeyValueStore;
  #operations: KeyValueOperation[] = [];
  #sizeBytes = 0;
  /** Keys and values added so far. */
  totalBytes = 0;

  constructor(kv: KeyValueStore) {
    this.#kv = kv;
  }

  async add(operations: readonly KeyValueOperation[]): Promise<void> {
    for (const operation of operations) {
      this.#operations.push(operation);
      if (operation.type === 'del') continue;
      const sizeBytes = operation.key.length + operation.value.length;
      this.#sizeBytes += sizeBytes;
      this.totalBytes += sizeBytes;
    }
    if (this.#sizeBytes >= BATCH_BYTES) await this.flush();
  }

  /** On stable storage: everything added so far, when it resolves. */
  async flush(): Promise<void> {
    if (this.#operations.length === 0) return;
    const operations = this.#operations;
    this.#operations = [];
    this.#sizeBytes = 0;
    await this.#kv.batch(operations, { sync: true });
  }
}
