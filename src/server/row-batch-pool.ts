/**
 * Row batches between statements. A batch has a typed array a column and dictionaries that have grown to fit; to make one costs more
 * than to fill it with a row, and a stream of large INSERTs would fill the heap with arrays that live for one statement.
 *
 * One pool serves all sessions of the node, so that idle sessions hold nothing. It keeps the batches used last, whatever
 * their table.
 */

import { RowBatch, type TableSchema } from '../../storage/index.js';

/** About as many as INSERTs run at the same moment; one of a wide table may hold some MiB. */
const BATCHES_MAX = 16;

export class RowBatchPool {
  /** Least recently given first. All empty. */
  readonly #idle: RowBatch[] = [];

  /** An empty batch of this very schema. */
  take(schema: TableSchema): RowBatch {
    const index = this.#idle.findLastIndex((batch) => batch.schema === schema);
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1);
    return found ?? new RowBatch(schema);
  }

  /** Requires: empty, and not used by the caller any more. */
  give(batch: RowBatch): void {
    if (this.#idle.length === BATCHES_MAX) this.#idle.shift();
    this.#idle.push(batch);
  }
}
