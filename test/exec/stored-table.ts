/** A table in a real TableStore, so that queries are tested against what storage really hands out. */

import {
  ColumnType,
  encodeWriteBody,
  RowBatch,
  TableStore,
  type RangeTombstone,
  rangeTombstoneSection,
  systemTimers,
} from '../../storage/index.js';
import type { TableDefinition } from '../../src/catalog/table-definition.js';
import type { TableView } from '../../src/exec/execution-context.js';
import type { SqlValue } from '../../src/exec/sql-value.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import type { KeyBatch } from '../../src/plan/delete-plan.js';
import { valueAt } from '../../src/exec/exec-vector.js';

export class StoredTable {
  readonly definition: TableDefinition;
  readonly #store: TableStore;
  #version = 100;

  private constructor(definition: TableDefinition, store: TableStore) {
    this.definition = definition;
    this.#store = store;
  }

  static async open(definition: TableDefinition): Promise<StoredTable> {
    const store = await TableStore.open(
      { kv: new ForgetfulKv(), timers: systemTimers({ keepsProcessAlive: true }) },
      { memtableBytes: 1 << 26, cacheBytes: 1 << 24 },
    );
    for (const part of definition.parts) store.defineTable(part.schema);
    return new StoredTable(definition, store);
  }

  /** Rows in the order of the definition's columns, as one write. */
  insert(rows: readonly (readonly SqlValue[])[]): void {
    const batch = this.#batchOf(rows);
    this.#apply(batch.encodeSection());
  }

  deleteKeys({ length, tags, time }: KeyBatch): void {
    const { definition } = this;
    const rows: SqlValue[][] = [];
    for (let i = 0; i < length; i++) {
      const row = definition.columns.map((): SqlValue => null);
      definition.tags.forEach((tag, t) => (row[tag.position] = valueAt(tags[t]!, tag.type, i)));
      row[definition.timeIndex.position] = valueAt(time, definition.timeIndex.type, i);
      rows.push(row);
    }
    this.#apply(this.#batchOf(rows).encodeKeySection());
  }

  deleteRange(tombstone: RangeTombstone): void {
    this.#apply(rangeTombstoneSection(tombstone));
  }

  /** Everything so far goes to runs on the store. */
  async flush(): Promise<void> {
    this.#store.freeze({
      vector: [],
      replayFrom: [],
      catalog: new Uint8Array(),
      highestVersion: this.#version,
    });
    await this.#store.flush(() => 0);
  }

  view(): TableView {
    return this.#store.readView();
  }

  close(): Promise<void> {
    return Promise.resolve(this.#store.close());
  }

  #apply(section: Uint8Array): void {
    this.#version += 8;
    this.#store.applyWrite(this.#version, Buffer.concat(encodeWriteBody([section])), 0);
  }

  #batchOf(rows: readonly (readonly SqlValue[])[]): RowBatch {
    const { schema } = this.definition.parts[0];
    const batch = new RowBatch(schema);
    for (const row of rows) {
      for (const { schemaIndex, position } of this.definition.columns) {
        setCell(batch, schemaIndex, row[position] ?? null);
      }
      batch.endRow();
    }
    return batch;
  }
}

function setCell(batch: RowBatch, column: number, value: SqlValue): void {
  const { type, precision } = batch.schema.columns[column]!;
  if (value === null) batch.setNull(column);
  else if (value instanceof Uint8Array) batch.setBytes(column, value, 0, value.length);
  else if (type === ColumnType.timestamp || type === ColumnType.datetime) {
    const unit = 10n ** BigInt(precision);
    const count = BigInt(value);
    const fraction = ((count % unit) + unit) % unit;
    batch.setTime(column, Number((count - fraction) / unit), Number(fraction));
  } else if (type === ColumnType.int64 || type === ColumnType.uint64) {
    const wide = BigInt(value);
    batch.setInteger64(
      column,
      Number(BigInt.asIntN(32, wide >> 32n)),
      Number(BigInt.asIntN(32, wide)),
    );
  } else batch.setNumber(column, Number(value));
}
