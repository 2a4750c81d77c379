/**
 * Row batches between statements. A batch has a typed array a column and dictionaries that have grown to fit; to make one costs more
 * than to fill it with a row, and a stream of large INSERTs would fill the heap with arrays that live for one statement.
 *
 * One pool serves all sessions of the node, so that idle sessions hold nothing. It keeps the batches used last, whatever
 * their table, within a share of what memtables may take. Batches of one schema share what they remember of its tag tuples.
 */

import {
  ColumnRole,
  RowBatch,
  TupleMemory,
  type TableId,
  type TableSchema,
  type TableSeries,
} from '../../storage/index.js';

/** More than INSERTs run at the same moment, as a rule. */
const BATCHES_MAX = 256;
/** One that has held a large INSERT of a wide table has some MiB; together they may have this part of `memtable_bytes`. */
export const MEMTABLE_SHARE = 1 / 4;
const MEMORIES_MAX = 16;

export class RowBatchPool {
  /** Least recently given first. All empty, each with its size as it was given. */
  readonly #idle: { readonly batch: RowBatch; readonly sizeBytes: number }[] = [];
  readonly #limitBytes: number;
  readonly #seriesOf: (tableId: TableId) => TableSeries | null;
  #idleBytes = 0;
  /** Of the tables written last, least recently used first. */
  readonly #memories = new Map<TableSchema, TupleMemory>();
  #newest: TableSchema | null = null;

  /** `seriesOf`: what the store knows of a table's series, for those with more of them than a memory of tuples holds. */
  constructor(
    limits: { readonly memtableBytes: number },
    seriesOf: (tableId: TableId) => TableSeries | null,
  ) {
    this.#limitBytes = limits.memtableBytes * MEMTABLE_SHARE;
    this.#seriesOf = seriesOf;
  }

  /** Of the batches between statements. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** An empty batch of this very schema. */
  take(schema: TableSchema): RowBatch {
    const batch = this.#takeIdle(schema) ?? new RowBatch(schema, this.#memoryOf(schema));
    this.#remember(schema, batch.tuples);
    return batch;
  }

  /** Requires: empty, and not used by the caller any more. */
  give(batch: RowBatch): void {
    const { sizeBytes } = batch;
    if (sizeBytes > this.#limitBytes) return;
    this.#idle.push({ batch, sizeBytes });
    this.#idleBytes += sizeBytes;
    while (this.#idle.length > BATCHES_MAX || this.#idleBytes > this.#limitBytes) {
      this.#idleBytes -= this.#idle.shift()!.sizeBytes;
    }
  }

  #takeIdle(schema: TableSchema): RowBatch | null {
    // The one given last, as a rule.
    for (let index = this.#idle.length - 1; index >= 0; index--) {
      const { batch, sizeBytes } = this.#idle[index]!;
      if (batch.schema !== schema) continue;
      if (index === this.#idle.length - 1) this.#idle.pop();
      else this.#idle.splice(index, 1);
      this.#idleBytes -= sizeBytes;
      return batch;
    }
    return null;
  }

  #memoryOf(schema: TableSchema): TupleMemory {
    const known = this.#memories.get(schema);
    if (known !== undefined) return known;
    const tags = schema.columns.filter(({ role }) => role === ColumnRole.tag);
    const { tableId } = schema;
    return new TupleMemory(tags.length, { seriesOfTable: () => this.#seriesOf(tableId) });
  }

  #remember(schema: TableSchema, memory: TupleMemory): void {
    if (this.#newest === schema && this.#memories.get(schema) === memory) return;
    this.#newest = schema;
    this.#memories.delete(schema);
    const [oldest] = this.#memories.keys();
    if (oldest !== undefined && this.#memories.size === MEMORIES_MAX) this.#memories.delete(oldest);
    this.#memories.set(schema, memory);
  }
}
