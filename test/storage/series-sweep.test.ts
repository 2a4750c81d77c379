/**
 * A node forgets series that no row has any more while it runs. Who reads or writes notices nothing of it: views and writes that are under
 * way keep what they began with, and tags that come back are those of a new series.
 */

import fc from 'fast-check';
import { encodeExpiryBody } from '../../storage/expiry-body.js';
import { writeDictionary } from '../../storage/dictionary-writer.js';
import { dictionaryOf } from '../../storage/keys.js';
import { OwnWrites } from '../../storage/own-writes.js';
import { Pacer } from '../../storage/pacer.js';
import type { ReadView } from '../../storage/read-view.js';
import { RecordKind } from '../../storage/record.js';
import { RowBatch } from '../../storage/row-batch.js';
import { SeriesDictionary } from '../../storage/series-dictionary.js';
import { inspectStore } from '../../storage/store-inspection.js';
import { SyncedBatches } from '../../storage/synced-batches.js';
import type { TableSchema } from '../../storage/table-schema.js';
import { TableState } from '../../storage/table-state.js';
import type { TableStore } from '../../storage/table-store.js';
import { TupleMemory } from '../../storage/tuple-memory.js';
import { encodeWriteBody } from '../../storage/write-body.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { hexOfBytes } from '../support/hex-fixture.js';
import { HOST_TABLE } from '../support/host-table.js';
import { STORE_SCHEMA, StoreRig } from '../support/store-rig.js';
import { bodyOf, printRow, setCell } from '../support/table-model.js';
import {
  flushAll,
  flushedState,
  openMemoryStore,
  realTimers,
  scanAll,
} from '../support/table-rig.js';

const HOUR = 3_600_000;
const T0 = 1_700_000_000_000 - (1_700_000_000_000 % HOUR);
const schema: TableSchema = { ...HOST_TABLE, tableId: 91, partitionMs: HOUR };
/** Above every version that is committed. */
const TOP = Number.MAX_SAFE_INTEGER - 2;

interface Row {
  readonly host: string;
  readonly hour: number;
}

type Cells = readonly [host: string, time: bigint, value: number];

const cellsOf = ({ host, hour }: Row): Cells => [host, BigInt(T0 + hour * HOUR), hour];
const at = (hour: number, ...hosts: readonly string[]): Row[] =>
  hosts.map((host) => ({ host, hour }));
const printed = (rows: readonly Row[]): string[] =>
  rows.map((row) => printRow(cellsOf(row))).sort();

class Rig {
  kv!: ForgetfulKv;
  store!: TableStore;
  #memory!: TupleMemory;
  #version = 0;
  #frozen = 0;

  static async open(): Promise<Rig> {
    const rig = new Rig();
    ({ kv: rig.kv, store: rig.store } = await openMemoryStore());
    rig.store.defineTable(schema);
    rig.#beginMemory();
    return rig;
  }

  /** As clients' writes do: with a memory of tuples that lasts. One of few tuples goes on to handles of series soon. */
  #beginMemory(): void {
    const seriesOfTable = () => this.store.seriesOf(schema.tableId);
    this.#memory = new TupleMemory(1, { seriesOfTable, tuplesMax: 3 });
  }

  /** A write that is not applied yet. */
  encode(...rows: readonly Row[]): Uint8Array {
    const batch = new RowBatch(schema, this.#memory);
    for (const row of rows) {
      cellsOf(row).forEach((value, column) => setCell(batch, column, value));
      batch.endRow();
    }
    const body = Buffer.concat(encodeWriteBody([batch.encodeSection()]));
    batch.clear();
    this.#memory = this.#memory.current();
    return body;
  }

  apply(body: Uint8Array): void {
    this.#version += 8;
    this.store.applyWrite(this.#version, body, 0);
  }

  write(...rows: readonly Row[]): void {
    this.apply(this.encode(...rows));
  }

  /** Begins a new generation. */
  freeze(): void {
    this.store.freeze(flushedState((this.#version += 8)));
    this.#frozen += 1;
  }

  async flush(): Promise<void> {
    this.freeze();
    for (; this.#frozen > 0; this.#frozen--) await this.store.flush(() => 0);
  }

  /** Each host's series is a dictionary value of its own. */
  async writeApart(...rows: readonly Row[]): Promise<void> {
    for (const row of rows) {
      this.write(row);
      await this.flush();
    }
  }

  expire(hours: number): void {
    const through = BigInt(T0 + hours * HOUR - 1);
    this.store.applyExpiry(encodeExpiryBody([{ tableId: schema.tableId, through }]));
  }

  async compact(): Promise<void> {
    await this.store.compactTable(schema.tableId, () => 0);
  }

  async restart(): Promise<void> {
    await this.store.close();
    ({ store: this.store } = await openMemoryStore(this.kv));
    this.#beginMemory();
  }

  /** Begins to forget: all but the last step is done. */
  async beginToForget(): Promise<{ readonly end: Promise<number> }> {
    const end = this.store.forgetSeries(1);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    return { end };
  }

  get series(): number {
    return this.store.stats()[0]!.series;
  }

  /** Of a dictionary value: its bytes behind the CRC. */
  async values(): Promise<string[]> {
    const values: string[] = [];
    for await (const [, value] of this.kv.entries(dictionaryOf(schema.tableId))) {
      values.push(hexOfBytes(value.subarray(4)));
    }
    return values;
  }

  async rows(source: TableStore | ReadView = this.store): Promise<string[]> {
    return (await scanAll(source, schema)).sort();
  }

  async faults(): Promise<readonly string[]> {
    const deps = { kv: this.kv, timers: realTimers };
    return (await inspectStore(deps, { everyBlock: true })).faults;
  }
}

/** 'aa' and 'bb' have expired, of the one that is left there are rows on disk. */
async function expired(): Promise<Rig> {
  const rig = await Rig.open();
  await rig.writeApart(...at(0, 'aa', 'bb'), ...at(9, 'cc'));
  rig.expire(1);
  await rig.flush();
  return rig;
}

const entry = (first: number, host: string): string =>
  `0${first}010303${Buffer.from(host).toString('hex')}`;

describe('series without a row are forgotten', () => {
  it('at once in memory, and on disk with the next series that come', async () => {
    const rig = await expired();
    const bytesBefore = rig.store.stats()[0]!.seriesBytes;
    expect([rig.series, await rig.store.forgetSeries(1)]).toEqual([3, 2]);
    expect([rig.series, rig.store.seriesCount]).toEqual([1, 1]);
    expect(rig.store.stats()[0]!.seriesBytes).toBeLessThanOrEqual(bytesBefore);
    expect(await rig.values()).toEqual([entry(0, 'aa'), entry(1, 'bb'), entry(2, 'cc')]);
    await rig.writeApart(...at(9, 'dd'));
    expect(await rig.values()).toEqual(['0002', entry(2, 'cc'), entry(3, 'dd')]);
    await rig.restart();
    expect(await rig.rows()).toEqual(printed(at(9, 'cc', 'dd')));
    expect(rig.series).toBe(2);
    expect(await rig.faults()).toEqual([]);
  });

  it('and get a new id when they come back, before or after the disk knows', async () => {
    const rig = await expired();
    await rig.store.forgetSeries(1);
    rig.write(...at(9, 'aa', 'cc'));
    expect(rig.series).toBe(2);
    expect(await rig.rows()).toEqual(printed(at(9, 'aa', 'cc')));
    await rig.flush();
    expect(await rig.values()).toEqual(['0002', entry(2, 'cc'), entry(3, 'aa')]);
    await rig.writeApart(...at(10, 'bb', 'aa'));
    await rig.restart();
    expect(await rig.rows()).toEqual(printed([...at(9, 'aa', 'cc'), ...at(10, 'aa', 'bb')]));
    expect(await rig.faults()).toEqual([]);
  });

  it('not before their rows have left the memory, and the runs', async () => {
    const rig = await Rig.open();
    await rig.writeApart(...at(0, 'aa'), ...at(9, 'bb'));
    rig.write(...at(9, 'aa'));
    rig.expire(1);
    await rig.flush();
    expect(await rig.store.forgetSeries(1)).toBe(0);
    rig.expire(10);
    rig.write(...at(11, 'bb'));
    expect(await rig.store.forgetSeries(1)).toBe(0);
    await rig.flush();
    expect([await rig.store.forgetSeries(1), rig.series]).toEqual([1, 1]);
    expect(await rig.rows()).toEqual(printed(at(11, 'bb')));
  });

  it('only where at least as many go as stay, and as many as was asked for', async () => {
    const rig = await Rig.open();
    await rig.writeApart(...at(0, 'aa'), ...at(9, 'bb', 'cc'));
    rig.expire(1);
    await rig.flush();
    expect(await rig.store.forgetSeries(1)).toBe(0);
    const other = await expired();
    expect(await other.store.forgetSeries(3)).toBe(0);
  });

  it('again and again, the vacant ids of before included', async () => {
    const rig = await Rig.open();
    for (let hour = 0; hour < 6; hour++) {
      await rig.writeApart(...at(hour, `a${hour}`, `b${hour}`));
      rig.expire(hour);
      await rig.flush();
      expect(await rig.store.forgetSeries(1)).toBe(hour === 0 ? 0 : 2);
      expect(rig.series).toBe(2);
    }
    await rig.writeApart(...at(6, 'a6'));
    expect(await rig.values()).toHaveLength(4);
    await rig.restart();
    expect(await rig.rows()).toEqual(printed([...at(5, 'a5', 'b5'), ...at(6, 'a6')]));
  });

  it('and nothing is known of when they had their last row, but of the others it is', async () => {
    const rig = await expired();
    await rig.store.forgetSeries(1);
    // The same identity twice: the later one counts, though the memtable is another.
    rig.write(...at(9, 'cc'), ...at(9, 'cc'));
    rig.write(...at(9, 'aa'), ...at(9, 'aa'));
    expect(await rig.rows()).toEqual(printed(at(9, 'aa', 'cc')));
    await rig.flush();
    expect(await rig.rows()).toEqual(printed(at(9, 'aa', 'cc')));
  });
});

describe('meanwhile', () => {
  it('a series that comes back stays', async () => {
    const rig = await expired();
    const forgetting = await rig.beginToForget();
    rig.write(...at(9, 'aa'));
    expect(await forgetting.end).toBe(0);
    expect(rig.series).toBe(3);
    expect(await rig.rows()).toEqual(printed(at(9, 'aa', 'cc')));
  });

  it.each([
    ['is flushed at once', ['aa', 'flush']],
    ['comes after a flush has begun', ['cc', 'flush', 'aa']],
    ['comes between two flushes', ['cc', 'flush', 'aa', 'flush', 'cc']],
  ])('so does one that %s', async (_what, steps) => {
    const rig = await expired();
    const forgetting = await rig.beginToForget();
    let flushing = Promise.resolve();
    for (const step of steps) {
      if (step !== 'flush') rig.write(...at(9, step));
      else if (step === steps.at(-1)) flushing = rig.flush();
      else rig.freeze();
    }
    expect(await forgetting.end).toBe(0);
    await flushing;
    await rig.flush();
    await rig.restart();
    expect(await rig.rows()).toEqual(printed(at(9, 'aa', 'cc')));
  });

  it('new series come, and those that are known get rows', async () => {
    const rig = await expired();
    const forgetting = await rig.beginToForget();
    rig.write(...at(9, 'dd'), ...at(10, 'cc'));
    expect(await forgetting.end).toBe(2);
    rig.write(...at(10, 'dd', 'ee'));
    const rows = printed([...at(9, 'cc', 'dd'), ...at(10, 'cc', 'dd', 'ee')]);
    expect(await rig.rows()).toEqual(rows);
    await rig.flush();
    await rig.restart();
    expect(await rig.rows()).toEqual(rows);
  });

  it('a view reads what it has read before', async () => {
    const rig = await Rig.open();
    await rig.writeApart(...at(0, 'aa', 'bb'), ...at(9, 'cc'));
    const view = rig.store.readView();
    rig.expire(1);
    await rig.flush();
    expect(await rig.store.forgetSeries(1)).toBe(2);
    await rig.writeApart(...at(9, 'dd'));
    expect(await rig.rows(view)).toEqual(printed([...at(0, 'aa', 'bb'), ...at(9, 'cc')]));
    expect(view.series(schema.tableId).count).toBe(3);
    view.release();
    expect(await rig.rows()).toEqual(printed(at(9, 'cc', 'dd')));
  });

  it('a transaction has its own rows, whenever they were staged', async () => {
    const rig = await expired();
    const own = new OwnWrites(TOP);
    const rows = [...at(20, 'aa', 'new', 'cc')];
    const body = bodyOf(schema, {
      version: TOP,
      operations: [{ kind: 'rows', rows: rows.map((row) => ({ cells: cellsOf(row) })) }],
    });
    const expected = printed([...at(9, 'cc'), ...rows]);
    const before = rig.store.readView();
    expect(await rig.store.forgetSeries(1)).toBe(2);
    const staged = before.withOverlay(own, [body]);
    expect(staged.step()).toBe(true);
    const view = staged.view();
    expect(await rig.rows(view)).toEqual(expected);
    expect(own.isCurrent).toBe(false);
    view.release();
    const again = rig.store.readView().withOverlay(new OwnWrites(TOP), [body]);
    expect(again.step()).toBe(true);
    const later = again.view();
    expect(await rig.rows(later)).toEqual(expected);
    later.release();
  });

  it('a transaction on an older view has the ids of then, whatever has come since', async () => {
    const rig = await expired();
    const before = rig.store.readView();
    expect(await rig.store.forgetSeries(1)).toBe(2);
    const row = { host: 'bb', hour: 20 };
    const operations = [{ kind: 'rows' as const, rows: [{ cells: cellsOf(row) }] }];
    const body = bodyOf(schema, { version: TOP, operations });
    for (let time = 0; time < 2; time++) rig.apply(body);
    const staged = before.withOverlay(new OwnWrites(TOP), [body]);
    expect(staged.step()).toBe(true);
    const view = staged.view();
    expect(await rig.rows(view)).toEqual(printed([...at(9, 'cc'), row]));
    view.release();
  });

  it('a write that is staged is waited for', async () => {
    const rig = await expired();
    const rows = Array.from({ length: 12_000 }, (_, row) => ({ host: 'aa', hour: 20 + row }));
    const write = rig.store.stageWrite(1_000_000, [rig.encode(...rows)]);
    write.step(1);
    let isForgotten = false;
    const forgetting = await rig.beginToForget();
    void forgetting.end.then(() => (isForgotten = true));
    for (let turn = 0; turn < 50; turn++) await realTimers.yieldTurn();
    expect(isForgotten).toBe(false);
    rig.store.publish(write);
    expect(await forgetting.end).toBe(0);
    expect(await rig.rows()).toEqual(printed([...at(9, 'cc'), ...rows]));
  });

  it('the memory of what is flushed is given back', async () => {
    const rig = await expired();
    const rows = Array.from({ length: 12_000 }, (_, row) => ({ host: 'aa', hour: 20 + row }));
    const held = rig.store.stageWrite(1_000_000, [rig.encode(...rows)]);
    held.step(1);
    const forgetting = await rig.beginToForget();
    rig.write(...at(9, 'dd'));
    const { idleMemtables } = rig.store.memory();
    await rig.flush();
    for (let turn = 0; turn < 20; turn++) await realTimers.yieldTurn();
    expect(rig.store.memory().idleMemtables).toBeGreaterThan(idleMemtables);
    rig.store.publish(held);
    expect(await forgetting.end).toBe(0);
  });

  it('what was done ahead for a record is lost, and its rows are right', async () => {
    const rig = await Rig.open();
    const hosts = Array.from({ length: 600 }, (_, host) => `h${host}`);
    rig.write(...at(0, ...hosts));
    await rig.flush();
    await rig.writeApart(...at(9, 'cc'));
    rig.expire(1);
    await rig.flush();
    const body = rig.encode(...at(9, ...hosts));
    const preparation = rig.store.prepareWrite([body]);
    preparation.step();
    preparation.step();
    expect(await rig.store.forgetSeries(1)).toBe(600);
    while (!preparation.step());
    rig.apply(body);
    preparation.end();
    const rows = printed(at(9, 'cc', ...hosts));
    expect(await rig.rows()).toEqual(rows);
    await rig.flush();
    await rig.restart();
    expect(await rig.rows()).toEqual(rows);
  });

  it('a write of a client that was encoded with the old ids is applied with the new', async () => {
    const rig = await expired();
    // Past the memory's bounds, so that tuples go by the handles of their series.
    for (const host of ['aa', 'bb', 'cc', 'aa']) rig.encode(...at(9, host));
    const body = rig.encode(...at(9, 'bb', 'aa'));
    await rig.store.forgetSeries(1);
    rig.apply(body);
    rig.write(...at(10, 'aa', 'bb', 'cc'));
    expect(await rig.rows()).toEqual(
      printed([...at(9, 'aa', 'bb', 'cc'), ...at(10, 'aa', 'bb', 'cc')]),
    );
  });

  it('series that are made ahead have their own tags', async () => {
    const { store } = await openMemoryStore();
    const [host, ...others] = schema.columns;
    const region = { ...host!, id: 100 };
    const twoTags: TableSchema = { ...schema, tableId: 92, columns: [region, host!, ...others] };
    store.defineTable(twoTags);
    const hosts = (name: string, count: number): string[] =>
      Array.from({ length: count }, (_, number) => `${name}${number}`);
    const bodyOfRows = (name: string, ofRegion: string, hour: number, count: number): Uint8Array =>
      bodyOf(twoTags, {
        version: hour,
        operations: [
          {
            kind: 'rows',
            rows: hosts(name, count).map((one) => ({
              cells: [ofRegion, ...cellsOf({ host: one, hour })],
            })),
          },
        ],
      });
    store.applyWrite(8, bodyOfRows('old', 'east', 0, 1200), 0);
    await flushAll(store, 8);
    store.applyWrite(16, bodyOfRows('live', 'west', 9, 1), 0);
    await flushAll(store, 16);
    const through = BigInt(T0 + HOUR - 1);
    store.applyExpiry(encodeExpiryBody([{ tableId: 92, through }]));
    await flushAll(store, 24);
    const body = bodyOfRows('new', 'west', 10, 900);
    const preparation = store.prepareWrite([body]);
    for (let step = 0; step < 3; step++) preparation.step();
    expect(store.seriesCount).toBeGreaterThan(1201);
    expect(await store.forgetSeries(1)).toBe(1200);
    while (!preparation.step());
    store.applyWrite(32, body, 0);
    preparation.end();
    const expected = [
      ['west', ...cellsOf({ host: 'live0', hour: 9 })],
      ...hosts('new', 900).map((one) => ['west', ...cellsOf({ host: one, hour: 10 })]),
    ].map((cells) => printRow(cells));
    expect((await scanAll(store, twoTags)).sort()).toEqual(expected.sort());
    await store.close();
  });

  it('a client that expects a series by its old number is not told another', async () => {
    const rig = await expired();
    // In a memory that goes by handles of series: 'aa' comes after 'nn', which is none.
    rig.encode(...at(9, 'nn', 'aa', 'nn', 'aa'));
    await rig.store.forgetSeries(1);
    const hosts = Array.from({ length: 600 }, (_, host) => `h${host}`);
    const body = rig.encode(...at(9, 'nn', 'cc', ...hosts));
    const preparation = rig.store.prepareWrite([body]);
    while (!preparation.step());
    rig.apply(body);
    preparation.end();
    const rows = printed(at(9, 'nn', 'cc', ...hosts));
    expect(await rig.rows()).toEqual(rows);
    await rig.flush();
    await rig.restart();
    expect(await rig.rows()).toEqual(rows);
  });

  it('the store may be closed', async () => {
    const rig = await expired();
    const forgetting = await rig.beginToForget();
    await rig.restart();
    expect(await forgetting.end).toBe(0);
    expect(await rig.rows()).toEqual(printed(at(9, 'cc')));
  });

  it('the table may be dropped', async () => {
    const rig = await expired();
    const forgetting = await rig.beginToForget();
    rig.store.dropTable(schema.tableId, 1_000_000);
    expect(await forgetting.end).toBe(0);
    await flushAll(rig.store, 1_000_000);
    expect(rig.store.seriesCount).toBe(0);
  });
});

describe('a disk without room', () => {
  it('gets what is to be forgotten with the flush that fits', async () => {
    const rig = await expired();
    await rig.store.forgetSeries(1);
    rig.write(...at(9, 'aa'));
    rig.kv.failNextBatch('ENOSPC');
    await expect(rig.flush()).rejects.toThrow();
    expect(await rig.values()).toEqual([entry(0, 'aa'), entry(1, 'bb'), entry(2, 'cc')]);
    await rig.store.flush(() => 0);
    expect(await rig.values()).toEqual(['0002', entry(2, 'cc'), entry(3, 'aa')]);
    await rig.restart();
    expect(await rig.rows()).toEqual(printed(at(9, 'aa', 'cc')));
  });

  it('may have lost series that are vacant by now', async () => {
    const kv = new ForgetfulKv();
    const table = new TableState(schema);
    table.define('s', schema, new Uint8Array(0));
    table.series.leaveVacant(2);
    const tuple = Uint8Array.of(3, 0x61, 0x61);
    table.series.idOf(tuple, 0, tuple.length);
    table.series.leaveVacant(1);
    const batches = new SyncedBatches(kv);
    await writeDictionary(table, batches, new Pacer(realTimers));
    await batches.flush();
    const loaded = SeriesDictionary.ofTags(table.series.tags.map(({ column }) => column));
    for await (const [, value] of kv.entries(dictionaryOf(schema.tableId)))
      loaded.load(value.subarray(4));
    expect([loaded.count, loaded.seriesCount]).toEqual([4, 1]);
    expect(loaded.tuple(2)).toEqual(tuple);
  });
});

it('a running store does so by itself, after a flush', async () => {
  const rig = new StoreRig();
  await rig.start({ segmentBytes: 1 << 22, maxRecordBytes: 1 << 20 });
  rig.defineTable();
  const { store, clock } = rig;
  const write = async (name: string, count: number, hour: number): Promise<void> => {
    const batch = new RowBatch(STORE_SCHEMA);
    for (let number = 0; number < count; number++) {
      const host = Buffer.from(`${name}${number}`);
      batch.setBytes(0, host, 0, host.length);
      batch.setTime(1, (T0 + hour * HOUR) / 1000, 0);
      batch.setNumber(2, hour);
      batch.endRow();
    }
    rig.append(RecordKind.write, encodeWriteBody([batch.encodeSection()]));
    await rig.settle();
    await clock.runUntilSettled(store.flush());
  };
  await write('old', 5000, 0);
  await write('live', 1, 99);
  expect(store.tables.seriesCount).toBe(5001);
  const { tableId } = STORE_SCHEMA;
  const through = BigInt(T0 + 98 * HOUR);
  rig.append(RecordKind.expiry, [encodeExpiryBody([{ tableId, through }])]);
  await rig.settle();
  await write('live', 2, 99);
  await clock.advance(1_000);
  expect(store.tables.seriesCount).toBe(2);
  expect(await rig.values()).toEqual([99, 99, 99]);
});

it('any table of any churn is the same, whenever series are forgotten', async () => {
  const step = fc.record({
    hosts: fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }),
    apart: fc.boolean(),
    flushes: fc.boolean(),
    expires: fc.boolean(),
    compacts: fc.boolean(),
    forgets: fc.constantFrom('no', 'no', 'wait', 'beside'),
    views: fc.boolean(),
    restarts: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
  });
  let forgotten = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
      const rig = await Rig.open();
      let live: Row[] = [];
      const views: { view: ReadView; rows: string[] }[] = [];
      const closeViews = async (): Promise<void> => {
        for (const { view, rows } of views.splice(0)) {
          expect(await rig.rows(view)).toEqual(rows);
          view.release();
        }
      };
      for (const [hour, one] of steps.entries()) {
        const beside = one.forgets === 'beside' ? rig.store.forgetSeries(1) : null;
        const rows = at(hour, ...one.hosts.map((host) => `h${host}`));
        if (one.apart) await rig.writeApart(...rows);
        else rig.write(...rows);
        live.push(...rows);
        if (one.expires) {
          rig.expire(hour - 1);
          live = live.filter((row) => row.hour >= hour - 1);
        }
        if (one.views) views.push({ view: rig.store.readView(), rows: printed(live) });
        if (one.flushes) await rig.flush();
        if (one.compacts) await rig.compact();
        if (one.forgets === 'wait') forgotten += await rig.store.forgetSeries(1);
        if (beside !== null) forgotten += await beside;
        const hosts = new Set(live.map(({ host }) => host)).size;
        expect(rig.series).toBeGreaterThanOrEqual(hosts);
        expect(await rig.rows()).toEqual(printed(live));
        if (!one.restarts) continue;
        await closeViews();
        await rig.flush();
        await rig.restart();
        expect(await rig.rows()).toEqual(printed(live));
        expect(await rig.faults()).toEqual([]);
      }
      await closeViews();
      await rig.flush();
      await rig.restart();
      expect(await rig.rows()).toEqual(printed(live));
      expect(await rig.faults()).toEqual([]);
    }),
    { numRuns: 100 },
  );
  expect(forgotten).toBeGreaterThan(0);
});
