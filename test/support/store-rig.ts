/**
 * One node's store over a disk and a LevelDB stand-in that forget what was not synced, on a virtual clock: started, written to past
 * any gate, cut off, and started again.
 */

import {
  ColumnRole,
  ColumnType,
  RecordKind,
  RowBatch,
  Store,
  encodeSchemaBody,
  encodeWriteBody,
  type RecordView,
  type StateMachine,
  type StoreOptions,
  type TableSchema,
} from '../../storage/index.js';
import { ForgetfulDisk } from './forgetful-disk.js';
import { ForgetfulKv } from './forgetful-kv.js';
import { SeededRandom } from './seeded-random.js';
import { VirtualClock } from './virtual-clock.js';

/** A tag, the time, a number. Append mode: a record that is applied twice shows as rows that are there twice. */
export const STORE_SCHEMA: TableSchema = {
  tableId: 4242,
  columns: [
    { id: 11, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 12, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 13, type: ColumnType.int64, role: ColumnRole.field, precision: 0 },
  ],
  appendMode: true,
  partitionMs: 86_400_000,
};

export const STORE_OPTIONS: StoreOptions = {
  nodeId: 1,
  journalFolder: '/journal',
  segmentBytes: 64 * 1024,
  maxRecordBytes: 16 * 1024,
  memtableBytes: 1 << 22,
  cacheBytes: 1 << 20,
  maxClockSkewMs: 500,
  retainBytes: 0,
};

const NO_CATALOG: StateMachine = {
  apply: () => undefined,
  snapshot: () => new Uint8Array(0),
  restore: () => undefined,
};

/** The body of a write of a row for each value: each at a time of its own, of one of three hosts. */
export function writeOf(values: readonly number[]): Uint8Array[] {
  const batch = new RowBatch(STORE_SCHEMA);
  for (const value of values) {
    const tag = Buffer.from(`host${value % 3}`);
    batch.setBytes(0, tag, 0, tag.length);
    batch.setTime(1, 1_767_225_600 + value, 0);
    batch.setNumber(2, value);
    batch.endRow();
  }
  return encodeWriteBody([batch.encodeSection()]);
}

export class StoreRig {
  readonly random: SeededRandom;
  readonly disk = new ForgetfulDisk();
  readonly kv = new ForgetfulKv();
  readonly clock = new VirtualClock();
  store!: Store;
  /** Of the own records of this start. */
  durable = 0;
  /** What is durable from now on is applied by `applyTo` alone. */
  isHeld = false;
  /** Own records that are not yet applied. */
  #waiting: RecordView[] = [];

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
  }

  /** Resolves to the number of records that were replayed. */
  async start(
    options: Partial<StoreOptions> = {},
    stateMachine: StateMachine = NO_CATALOG,
  ): Promise<number> {
    this.#waiting = [];
    this.isHeld = false;
    const opening = Store.open(
      {
        disk: this.disk.mount(),
        kv: this.kv.mount(),
        clock: this.clock,
        random: this.random,
        timers: this.clock,
        stateMachine: () => stateMachine,
      },
      { ...STORE_OPTIONS, ...options },
    );
    const { store, report } = await this.clock.runUntilSettled(opening);
    this.store = store;
    store.setHorizonHeld(false);
    store.own.onDurable((_, position) => {
      this.durable = position.sequence;
      if (!this.isHeld) this.applyTo(position.sequence);
    });
    return report.replayedRecords;
  }

  applyTo(sequence: number): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.sequence <= sequence) {
      this.store.applyOwn(this.#waiting.shift()!);
    }
  }

  append(kind: RecordKind, body: readonly Uint8Array[]): RecordView {
    const record = this.store.own.append(kind, this.store.versions.next(), body);
    this.#waiting.push(record);
    return record;
  }

  defineTable(): void {
    this.append(RecordKind.schema, [encodeSchemaBody(STORE_SCHEMA)]);
  }

  async settle(): Promise<void> {
    await this.clock.advance(50);
  }

  powerLoss(): void {
    this.disk.crash(this.random);
    this.kv.crash(this.random);
  }

  /** The numbers of all rows that show, in order. */
  async values(schema: TableSchema = STORE_SCHEMA): Promise<number[]> {
    const view = this.store.tables.readView();
    const found: number[] = [];
    const reading = (async () => {
      const scan = view.scan({
        parts: [{ tableId: schema.tableId, columns: [13] }],
        columns: [13],
        timeMin: null,
        timeMax: null,
        seriesMask: null,
        order: 'any',
      });
      for await (const batch of scan) {
        const column = batch.columns[0]!;
        if (column.kind !== 'number') throw new Error('small integers come as numbers');
        for (let row = 0; row < batch.length; row++) found.push(column.values[row]!);
      }
    })();
    await this.clock.runUntilSettled(reading);
    view.release();
    return found.sort((a, b) => a - b);
  }
}
