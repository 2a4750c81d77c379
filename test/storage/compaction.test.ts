/** What compaction promises beside showing the right rows: what it may forget and when, what is on disk when, and who is not disturbed. */

import { CorruptionError } from '../../storage/corruption-error.js';
import { InlineWorkers } from '../../storage/inline-workers.js';
import { blocksOf, runKey } from '../../storage/keys.js';
import type { KeyValueStore } from '../../storage/ports.js';
import { Run } from '../../storage/run.js';
import { openValue } from '../../storage/sealed-value.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { TableStore } from '../../storage/table-store.js';
import { encodeWriteBody, rangeTombstoneSection } from '../../storage/write-body.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { HOST_TABLE } from '../support/host-table.js';
import { SeededRandom } from '../support/seeded-random.js';
import { bodyOf, type ModelRow, printRow } from '../support/table-model.js';
import { flushAll, openMemoryStore, realTimers, scanAll } from '../support/table-rig.js';

const schema: TableSchema = {
  ...HOST_TABLE,
  columns: [
    ...HOST_TABLE.columns,
    { id: 104, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
  ],
};
const T0 = 1_700_000_000_000;
const ALL = Number.MAX_SAFE_INTEGER;

type Cells = readonly [string, number, number | null, (number | null)?];

const rowOf = ([host, time, a, b]: Cells): ModelRow => ({
  cells: [host, BigInt(time), a, b ?? null],
});
const printed = (cells: Cells): string => printRow(rowOf(cells).cells);

function write(store: TableStore, version: number, rows: readonly Cells[], to = schema): void {
  store.defineTable(to);
  const body = bodyOf(to, { version, operations: [{ kind: 'rows', rows: rows.map(rowOf) }] });
  store.applyWrite(version, body, 0);
}

function remove(store: TableStore, version: number, rows: readonly Cells[]): void {
  const body = bodyOf(schema, {
    version,
    operations: [{ kind: 'deletes', rows: rows.map(rowOf) }],
  });
  store.applyWrite(version, body, 0);
}

function removeRange(store: TableStore, version: number, from: number, to: number): void {
  const section = rangeTombstoneSection({
    tableId: schema.tableId,
    timeMin: BigInt(from),
    timeMax: BigInt(to),
    tags: [{ columnId: 101, values: [Buffer.from('a')] }],
  });
  store.applyWrite(version, Buffer.concat(encodeWriteBody([section])), 0);
}

const compact = (store: TableStore, horizon: number, tableId = schema.tableId): Promise<void> =>
  store.compactTable(tableId, () => horizon);

const rowsOnDisk = (store: TableStore): number => store.stats()[0]!.runRows;

async function runsOf(kv: KeyValueStore): Promise<Run[]> {
  const runs: Run[] = [];
  for await (const [key, value] of kv.entries({ gte: runKey(0), lt: runKey(2 ** 40) })) {
    runs.push(Run.decode(Buffer.from(key).readUIntBE(1, 6), openValue(key, value)));
  }
  return runs;
}

async function blockKeys(kv: KeyValueStore, runId: number): Promise<number> {
  let count = 0;
  for await (const key of kv.keys(blocksOf(runId))) count += key.length > 0 ? 1 : 0;
  return count;
}

describe('what is overwritten', () => {
  test.each([
    // horizon, rows left of three versions of one and a single other one
    [0, 4],
    [19, 4],
    [20, 3],
    [30, 2],
    [ALL, 2],
  ])('goes up to the stable horizon: %d leaves %d', async (horizon, left) => {
    const { store } = await openMemoryStore();
    for (const version of [10, 20, 30]) {
      write(store, version, [['a', T0, version]]);
      if (version === 10) write(store, 11, [['b', T0, 1]]);
      await flushAll(store, version);
    }
    await compact(store, horizon);
    expect(store.stats()[0]).toMatchObject({ runs: 1, runRows: left });
    expect(await scanAll(store, schema)).toEqual([printed(['a', T0, 30]), printed(['b', T0, 1])]);
  });

  test('a late row below the newest and above the horizon still finds its place', async () => {
    const { store } = await openMemoryStore();
    write(store, 10, [['a', T0, 10]]);
    await flushAll(store, 1);
    write(store, 30, [['a', T0, 30]]);
    await flushAll(store, 2);
    await compact(store, 15);
    write(store, 20, [['a', T0, 20]]);
    expect(await scanAll(store, schema)).toEqual([printed(['a', T0, 30])]);
    await flushAll(store, 3);
    await compact(store, ALL);
    expect(rowsOnDisk(store)).toBe(1);
    expect(await scanAll(store, schema)).toEqual([printed(['a', T0, 30])]);
  });

  test('costs readers nothing any more once all runs are joined', async () => {
    const { store } = await openMemoryStore();
    for (const version of [10, 20]) {
      write(store, version, [['a', T0, version]]);
      await flushAll(store, version);
    }
    const before = store.readView();
    expect(before.estimate(schema.tableId).exactRows).toBeNull();
    before.release();
    await compact(store, ALL);
    const after = store.readView();
    expect(after.estimate(schema.tableId).exactRows).toBe(1);
    after.release();
  });
});

describe('a tombstone of a row', () => {
  test('goes when all runs of the partition are joined and it is at or below the horizon', async () => {
    const { store } = await openMemoryStore();
    write(store, 10, [['a', T0, 1]]);
    await flushAll(store, 1);
    remove(store, 20, [['a', T0, null]]);
    await flushAll(store, 2);
    await compact(store, 19);
    expect(rowsOnDisk(store)).toBe(2);
    await compact(store, 20);
    expect(store.stats()[0]).toMatchObject({ runs: 0, runRows: 0 });
    expect(await scanAll(store, schema)).toEqual([]);
  });

  test('stays while a memtable holds a row that it deletes', async () => {
    const { store, kv } = await openMemoryStore();
    write(store, 5, [['b', T0, 1]]);
    remove(store, 20, [['a', T0, null]]);
    await flushAll(store, 1);
    // Older than the tombstone and only now here; at the time of the compaction it is in memory alone.
    write(store, 10, [['a', T0, 1]]);
    await compact(store, 20);
    expect(rowsOnDisk(store)).toBe(2);
    expect(await scanAll(store, schema)).toEqual([printed(['b', T0, 1])]);
    await flushAll(store, 2);
    await compact(store, 20);
    expect(rowsOnDisk(store)).toBe(1);
    const { store: reopened } = await openMemoryStore(kv);
    expect(await scanAll(reopened, schema)).toEqual([printed(['b', T0, 1])]);
  });

  test('stays in a job that leaves out a run of the partition', async () => {
    const { store } = await openMemoryStore();
    // One run that is larger than the others by tiers, and holds the row.
    const random = new SeededRandom(1);
    const noise: Cells[] = Array.from({ length: 60_000 }, (_, row) => [
      'noise',
      T0 + row,
      random.nextFloat(),
      random.nextFloat(),
    ]);
    write(store, 10, [['a', T0, 1], ...noise]);
    await flushAll(store, 1);
    for (let flush = 2; flush <= 5; flush++) {
      remove(store, 20 + flush, [['a', T0, null]]);
      await flushAll(store, flush);
    }
    expect(await store.compactNext(() => ALL)).toBe(true);
    expect(store.stats()[0]).toMatchObject({ runs: 2, runRows: 60_002 });
    const rows = await scanAll(store, schema, { timeMax: BigInt(T0) });
    expect(rows).toEqual([printed(noise[0]!)]);
    await compact(store, ALL);
    expect(store.stats()[0]).toMatchObject({ runs: 1, runRows: 60_000 });
  });
});

test('rows that a range tombstone killed go, and then the tombstone, and both stay gone', async () => {
  const { store, kv } = await openMemoryStore();
  write(store, 10, [
    ['a', T0, 1],
    ['a', T0 + 1, 2],
    ['b', T0, 3],
  ]);
  await flushAll(store, 1);
  removeRange(store, 20, T0, T0);
  await flushAll(store, 2);
  await compact(store, 19);
  expect(rowsOnDisk(store)).toBe(3);
  await compact(store, 20);
  expect(rowsOnDisk(store)).toBe(2);
  // The tombstone kills nothing any more: the count needs no look at rows.
  const view = store.readView();
  expect(view.estimate(schema.tableId).exactRows).toBe(2);
  view.release();
  const { store: reopened } = await openMemoryStore(kv);
  expect(await scanAll(reopened, schema)).toEqual([
    printed(['a', T0 + 1, 2]),
    printed(['b', T0, 3]),
  ]);
});

describe('merged fields', () => {
  const merging: TableSchema = { ...schema, mergeFields: true };

  test('become one row when no other source can have one between them', async () => {
    const { store } = await openMemoryStore();
    write(store, 10, [['a', T0, 1, 2]], merging);
    await flushAll(store, 1);
    write(store, 30, [['a', T0, 3, null]], merging);
    await flushAll(store, 2);
    // Between the two, and in memory.
    write(store, 20, [['a', T0, null, 4]], merging);
    await compact(store, ALL);
    expect(rowsOnDisk(store)).toBe(2);
    expect(await scanAll(store, merging)).toEqual([printed(['a', T0, 3, 4])]);
    await flushAll(store, 3);
    await compact(store, ALL);
    expect(rowsOnDisk(store)).toBe(1);
    expect(await scanAll(store, merging)).toEqual([printed(['a', T0, 3, 4])]);
  });
});

test('append mode keeps what was written twice', async () => {
  const appending: TableSchema = { ...schema, appendMode: true };
  const { store } = await openMemoryStore();
  for (const version of [10, 20, 30]) {
    write(
      store,
      version,
      [
        ['a', T0, 1],
        ['a', T0, 1],
      ],
      appending,
    );
    await flushAll(store, version);
  }
  await compact(store, ALL);
  expect(store.stats()[0]).toMatchObject({ runs: 1, runRows: 6 });
  expect(await scanAll(store, appending)).toHaveLength(6);
});

/** Four flushes of which each overwrites a part of the one before, with a delete among them. */
async function fourRuns(kv: KeyValueStore): Promise<TableStore> {
  const store = await TableStore.open(
    { kv, timers: realTimers },
    { memtableBytes: 1 << 20, cacheBytes: 0 },
  );
  for (let flush = 1; flush <= 4; flush++) {
    const rows = Array.from({ length: 3000 }, (_, row): Cells => [
      `h${row % 3}`,
      T0 + flush * 500 + row,
      row / 7,
      flush,
    ]);
    write(store, flush * 10, rows);
    remove(store, flush * 10 + 5, rows.slice(0, 10));
    await flushAll(store, flush);
  }
  return store;
}

test('a power loss at any batch of a compaction leaves the old runs or the new one, and no orphan', async () => {
  const expected = await scanAll(await fourRuns(new ForgetfulKv()), schema);
  const random = new SeededRandom(7);
  let isDone = false;
  for (let failing = 0; !isDone; failing++) {
    const kv = new ForgetfulKv();
    await (await fourRuns(kv)).close();
    let batches = 0;
    const dying: KeyValueStore = {
      ...kv.mount(),
      batch: (operations, options) =>
        // The batch may be there or not: what its answer would have said nobody knows.
        batches++ < failing
          ? kv.batch(operations, options)
          : kv.batch(operations, { sync: false }).then(() => Promise.reject(new Error('power'))),
    };
    const store = await TableStore.open(
      { kv: dying, timers: realTimers },
      { memtableBytes: 1 << 20, cacheBytes: 0 },
    );
    const failure: unknown = await compact(store, ALL).catch((error: unknown) => error);
    isDone = failure === undefined;
    kv.crash(random);
    const { store: reopened } = await openMemoryStore(kv);
    expect([1, 4]).toContain(reopened.stats()[0]!.runs);
    if (isDone) expect(reopened.stats()[0]!.runs).toBe(1);
    expect((await scanAll(reopened, schema)).sort()).toEqual([...expected].sort());
    const named = new Set((await runsOf(kv)).map(({ id }) => id));
    for (let id = 1; id < 20; id++) if (!named.has(id)) expect(await blockKeys(kv, id)).toBe(0);
  }
});

describe('whoever reads meanwhile', () => {
  test('goes on with the old runs, which are deleted when the last one is done', async () => {
    const kv = new ForgetfulKv();
    const store = await fourRuns(kv);
    const expected = await scanAll(store, schema);
    const view = store.readView();
    await compact(store, ALL);
    expect(await blockKeys(kv, 1)).toBeGreaterThan(0);
    expect(await scanAll(view, schema)).toEqual(expected);
    view.release();
    await store.close();
    expect(await blockKeys(kv, 1)).toBe(0);
  });

  test('and writes, flushes and deletes, finds all of it afterwards', async () => {
    const store = await fourRuns(new ForgetfulKv());
    const compacting = compact(store, 45);
    write(store, 50, [['h0', T0 + 600, 1, 50]]);
    await flushAll(store, 5);
    removeRange(store, 60, 0, T0 * 2);
    write(store, 70, [['a', T0, 7]]);
    await compacting;
    const rows = await scanAll(store, schema);
    expect(rows).toContain(printed(['a', T0, 7]));
    expect(rows).toContain(printed(['h0', T0 + 600, 1, 50]));
    expect(store.stats()[0]!.runs).toBe(2);
  });

  test('and drops the table, leaves nothing of it', async () => {
    const kv = new ForgetfulKv();
    const store = await fourRuns(kv);
    const compacting = compact(store, ALL);
    store.dropTable(schema.tableId, 90);
    await compacting;
    await flushAll(store, 6);
    await store.close();
    expect(await runsOf(kv)).toEqual([]);
    for (let id = 1; id < 20; id++) expect(await blockKeys(kv, id)).toBe(0);
  });
});

test('a damaged run is left alone: its readers are told, and nobody else', async () => {
  const kv = new ForgetfulKv();
  const store = await fourRuns(kv);
  for await (const key of kv.keys(blocksOf(2))) {
    kv.flip(key, 9, 0x10);
    break;
  }
  await compact(store, ALL);
  expect(store.backgroundCounts).toMatchObject({ damagedRuns: 4, compactions: 0 });
  expect(await store.compactNext(() => ALL)).toBe(false);
  await expect(scanAll(store, schema)).rejects.toBeInstanceOf(CorruptionError);
  write(store, 100, [['new', T0 + 1e9, 1]]);
  await flushAll(store, 5);
  const later = { timeMin: BigInt(T0 + 1e9) };
  expect(await scanAll(store, schema, later)).toEqual([printed(['new', T0 + 1e9, 1])]);
});

test('writers do not wait for runs that no compaction can join, because one of them is damaged', async () => {
  const kv = new ForgetfulKv();
  const store = await fourRuns(kv);
  expect(store.openRunsMax).toBe(4);
  for await (const key of kv.keys(blocksOf(2))) {
    kv.flip(key, 9, 0x10);
    break;
  }
  await compact(store, ALL);
  expect(store.openRunsMax).toBe(0);
  write(store, 100, [['new', T0 + 1e9, 1]]);
  await flushAll(store, 5);
  expect(store.openRunsMax).toBe(1);
});

test('what grows too large is cut into several runs, which do not overlap', async () => {
  const kv = new ForgetfulKv();
  const store = await fourRuns(kv);
  const before = await scanAll(store, schema);
  await store.close();
  const workers = new InlineWorkers({ kv, timers: realTimers });
  const inputs = (await runsOf(kv)).map(({ id }) => id);
  const { runs, rowsIn, rowsOut } = await workers.run({
    kind: 'compaction',
    tableId: schema.tableId,
    partition: (await runsOf(kv))[0]!.partition,
    appendMode: false,
    mergeFields: false,
    timeColumn: schema.columns[1]!,
    columns: schema.columns.slice(1),
    inputs,
    isWhole: true,
    horizon: ALL,
    settledHorizon: ALL,
    tombstones: [],
    expiredThrough: null,
    runBytes: 1,
    runIds: { first: 100, count: 3 },
  });
  expect(rowsIn).toBe(4 * 3010);
  expect(rowsOut).toBe(before.length);
  const written = runs.map(({ id, entry }) => Run.decode(id, entry));
  expect(written.map(({ id }) => id)).toEqual([100, 101]);
  const [first, second] = written as [Run, Run];
  expect(first.blocks.rows + second.blocks.rows).toBe(before.length);
  expect(first.blocks.seriesMax).toBeLessThanOrEqual(second.blocks.seriesMin);
  for (const run of written) {
    expect(run).toMatchObject({ suspects: [], tombstoneSpans: [] });
    expect(await blockKeys(kv, run.id)).toBe(run.keyCount);
  }
});
