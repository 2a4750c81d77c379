/** What the table store promises beside showing the right rows: what is on disk when, what is kept alive, and what is told. */

import { CorruptionError } from '../../storage/corruption-error.js';
import type { KeyValueOperation, KeyValueStore } from '../../storage/ports.js';
import { RowBatch } from '../../storage/row-batch.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { TableStore } from '../../storage/table-store.js';
import { encodeWriteBody, rangeTombstoneSection } from '../../storage/write-body.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { type Cells, printed, rowOf, write } from '../support/host-rows.js';
import { HOST_TABLE as schema } from '../support/host-table.js';
import { SeededRandom } from '../support/seeded-random.js';
import { readHexFixture } from '../support/hex-fixture.js';
import { bodyOf, printRow } from '../support/table-model.js';
import {
  flushAll,
  flushedState,
  openMemoryStore,
  realTimers,
  scanAll,
} from '../support/table-rig.js';
import { type PlainValue } from '../support/vector-values.js';

const appendSchema: TableSchema = { ...schema, tableId: 78, appendMode: true };
const T0 = 1_700_000_000_000;
const options = { memtableBytes: 1 << 20, cacheBytes: 1 << 20 };
const whole = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) };

function remove(store: TableStore, version: number, rows: readonly Cells[], to = schema): void {
  const body = bodyOf(to, { version, operations: [{ kind: 'deletes', rows: rows.map(rowOf) }] });
  store.applyWrite(version, body, 0);
}

function rangeDelete(store: TableStore, version: number, timeMax: number | null): void {
  const tombstone = {
    tableId: schema.tableId,
    timeMin: null,
    timeMax: timeMax === null ? null : BigInt(timeMax),
    tags: [],
  };
  store.applyWrite(version, Buffer.concat(encodeWriteBody([rangeTombstoneSection(tombstone)])), 0);
}

async function keysOf(kv: KeyValueStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of kv.keys(whole)) {
    const hex = Buffer.from(key).toString('hex');
    if (hex.startsWith(Buffer.from(prefix).toString('hex'))) keys.push(hex);
  }
  return keys;
}

/** Rows enough for several chunks and blocks, too wide to be packed. */
function bigBatch(
  rows: number,
  hosts: number,
  firstTime: number,
  value: (row: number) => number,
): Uint8Array {
  const batch = new RowBatch(schema);
  for (let row = 0; row < rows; row++) {
    const host = Buffer.from(`host-${row % hosts}`);
    const ms = firstTime + Math.floor(row / hosts) * 1000;
    batch.setBytes(0, host, 0, host.length);
    batch.setTime(1, Math.floor(ms / 1000), ms % 1000);
    batch.setNumber(2, value(row));
    batch.endRow();
  }
  return Buffer.concat(encodeWriteBody([batch.encodeSection()]));
}

const noisySchema: TableSchema = {
  ...schema,
  tableId: 79,
  columns: [
    ...schema.columns.slice(0, 2),
    { id: 104, type: ColumnType.blob, role: ColumnRole.field, precision: 0 },
  ],
};
const NOISY_ROWS = 4000;

/** Some `megabytes` that no codec makes smaller, in 4,000 rows. */
function noise(megabytes: number, firstSecond = 0): Uint8Array {
  const random = new SeededRandom(megabytes);
  const bytes = random.bytes(Math.floor((megabytes * 1024 * 1024) / NOISY_ROWS));
  const batch = new RowBatch(noisySchema);
  for (let row = 0; row < NOISY_ROWS; row++) {
    const host = Buffer.from(`host-${row % 7}`);
    batch.setBytes(0, host, 0, host.length);
    batch.setTime(1, T0 / 1000 + firstSecond + row, 0);
    bytes[row % bytes.length] = row;
    batch.setBytes(2, bytes, 0, bytes.length);
    batch.endRow();
  }
  return Buffer.concat(encodeWriteBody([batch.encodeSection()]));
}

describe('format v1', () => {
  it('a flush writes these bytes, and they are read back', async () => {
    const fixtureSchema: TableSchema = {
      ...schema,
      tableId: 0x1122334455,
      columns: [
        { ...schema.columns[0]!, id: 0xa1a2a3a4a5a6 },
        { ...schema.columns[1]!, id: 0xb1 },
        { ...schema.columns[2]!, id: 0xc1 },
      ],
    };
    const { store, kv } = await openMemoryStore();
    const rows: readonly Cells[] = [
      ['h1', T0, 20.5],
      ['h2', T0, null],
      ['h1', T0 + 500, 21.25],
    ];
    write(store, 0x1000, rows, fixtureSchema);
    const tombstone = { tableId: fixtureSchema.tableId, timeMin: null, timeMax: 5n, tags: [] };
    store.applyWrite(0x1008, Buffer.concat(encodeWriteBody([rangeTombstoneSection(tombstone)])), 0);
    const position = {
      origin: 1,
      incarnation: 'a1b2c3d4e5f60718',
      sequence: 9,
      hash: '00112233445566778899aabbccddeeff',
    };
    const state = {
      vector: [position],
      replayFrom: [{ ...position, sequence: 7 }],
      catalog: Buffer.from('cat'),
      highestVersion: 0x1008,
    };
    store.freeze(state);
    await store.flush(() => 0);
    const fixtures: readonly [string, string][] = [
      ['62000000000001fffffffffff4' + '00000000', 'block-packed'],
      ['64000000112233445500000000', 'series-dictionary'],
      ['68', 'manifest-head'],
      ['72000000000001', 'manifest-run'],
    ];
    const empty = new ForgetfulKv();
    const operations: KeyValueOperation[] = [];
    for await (const [key, value] of kv.entries(whole))
      operations.push({ type: 'put', key, value });
    for (const [key, name] of fixtures) {
      const bytes = readHexFixture(`storage/testdata/v1/${name}.hex`);
      expect(Buffer.from((await kv.get(Buffer.from(key, 'hex')))!).toString('hex')).toBe(
        Buffer.from(bytes).toString('hex'),
      );
      operations.push({ type: 'put', key: Buffer.from(key, 'hex'), value: bytes });
    }
    await empty.batch(operations, { sync: true });
    const { store: reopened } = await openMemoryStore(empty);
    expect(reopened.flushed).toEqual({ ...state, catalog: new Uint8Array(Buffer.from('cat')) });
    expect(await scanAll(reopened, fixtureSchema, { order: 'series-time' })).toEqual(
      [rows[0]!, rows[2]!, rows[1]!].map(printed),
    );
  });
});

describe('a flush', () => {
  it('writes dictionary and blocks in synced batches before the manifest names them', async () => {
    const kv = new ForgetfulKv();
    const batches: { keys: string[]; isSynced: boolean; sizeBytes: number }[] = [];
    const spying: KeyValueStore = {
      get: (key) => kv.get(key),
      getMany: (keys) => kv.getMany(keys),
      entries: (range) => kv.entries(range),
      keys: (range) => kv.keys(range),
      compactRange: () => kv.compactRange(),
      close: () => kv.close(),
      batch: (operations, { sync }) => {
        const sizeBytes = operations.reduce(
          (sum, one) => sum + (one.type === 'put' ? one.value.length : 0),
          0,
        );
        batches.push({
          keys: operations.map(({ key }) => String.fromCharCode(key[0]!)),
          isSynced: sync,
          sizeBytes,
        });
        return kv.batch(operations, { sync });
      },
    };
    const store = await TableStore.open({ kv: spying, timers: realTimers }, options);
    for (let table = 0; table < 3; table++) {
      store.defineTable({ ...noisySchema, tableId: 200 + table });
      store.defineTable({ ...schema, tableId: 300 + table });
    }
    for (let table = 0; table < 3; table++) {
      const to = { ...noisySchema, tableId: 200 + table };
      const rows = Array.from({ length: 4000 }, (_, row) => ({
        cells: [`h${row % 9}`, BigInt(T0 + row), `${'x'.repeat(1500)}${row}`],
      }));
      store.applyWrite(
        100 + table,
        bodyOf(to, { version: 0, operations: [{ kind: 'rows', rows }] }),
        0,
      );
    }
    await flushAll(store);
    expect(batches.length).toBeGreaterThan(3);
    expect(batches.every(({ isSynced }) => isSynced)).toBe(true);
    const last = batches.at(-1)!;
    expect(new Set(last.keys)).toEqual(new Set(['t', 'r', 'h']));
    for (const batch of batches.slice(0, -1))
      expect(batch.keys.every((kind) => 'bd'.includes(kind))).toBe(true);
    // The last one of blocks is what is left.
    const blocks = batches.filter((batch) => batch.keys.includes('b'));
    for (const batch of blocks.slice(0, -1))
      expect(batch.sizeBytes).toBeGreaterThanOrEqual(4 * 1024 * 1024);
    const kinds = batches.flatMap(({ keys }) => keys);
    expect(kinds.lastIndexOf('d')).toBeLessThan(kinds.indexOf('b'));
  });

  it('that fails at any of its batches leaves nothing but orphans, which the next start deletes', async () => {
    const body = noise(9);
    let batchCount = Infinity;
    for (let failing = 0; failing <= batchCount; failing++) {
      const kv = new ForgetfulKv();
      let batches = 0;
      const failingKv: KeyValueStore = {
        get: (key) => kv.get(key),
        getMany: (keys) => kv.getMany(keys),
        entries: (range) => kv.entries(range),
        keys: (range) => kv.keys(range),
        compactRange: () => kv.compactRange(),
        close: () => kv.close(),
        batch: (operations, sync) => {
          if (batches++ === failing) return Promise.reject(new Error('disk'));
          return kv.batch(operations, sync);
        },
      };
      const store = await TableStore.open({ kv: failingKv, timers: realTimers }, options);
      store.defineTable(noisySchema);
      store.applyWrite(100, body, 0);
      store.freeze(flushedState(1));
      const failure: unknown = await store.flush(() => 0).catch((error: unknown) => error);
      const isWritten = batches <= failing;
      expect(failure === undefined).toBe(isWritten);
      if (isWritten) batchCount = batches;
      const { store: reopened } = await openMemoryStore(kv);
      expect(reopened.flushed === null).toBe(!isWritten);
      if (!isWritten) {
        expect(await keysOf(kv, 'b')).toEqual([]);
        reopened.defineTable(noisySchema);
        reopened.applyWrite(100, body, 0);
      }
      const { rows, exactRows } = estimateOf(reopened, noisySchema);
      expect([rows, exactRows]).toEqual([NOISY_ROWS, NOISY_ROWS]);
      // A run id is never used again, not even an orphan's.
      write(reopened, 200, [['new', T0 + 1e9, 1]]);
      await flushAll(reopened, 2);
      const runs = (await keysOf(kv, 'r')).map((key) => Number.parseInt(key.slice(2), 16));
      const hadBlocks = failing > 1;
      expect(Math.min(...runs)).toBe(isWritten || !hadBlocks ? 1 : 2);
    }
    // Dictionary, blocks, the rest of them, the manifest.
    expect(batchCount).toBeGreaterThanOrEqual(4);
  });

  it('leaves orphans that stay deleted, whatever an unsynced log loses two starts later', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const kv = new ForgetfulKv({ forgetsRotatedLogs: true });
      const noManifest: KeyValueStore = {
        ...kv.mount(),
        batch: (operations, sync) =>
          operations.some(({ key }) => key[0] === 'h'.charCodeAt(0))
            ? Promise.reject(new Error('disk'))
            : kv.batch(operations, sync),
      };
      const failing = await TableStore.open({ kv: noManifest, timers: realTimers }, options);
      failing.defineTable(schema);
      failing.applyWrite(100, bigBatch(20_000, 5, T0, Math.sin), 0);
      failing.freeze(flushedState(1));
      await expect(failing.flush(() => 0)).rejects.toThrow('disk');
      expect((await keysOf(kv, 'b')).length).toBeGreaterThan(3);

      await openMemoryStore(kv);
      const { store } = await openMemoryStore(kv);
      write(store, 200, [['a', T0, 1]]);
      await flushAll(store, 1);
      kv.crash(new SeededRandom(seed));
      const { store: reopened } = await openMemoryStore(kv);
      expect(await scanAll(reopened, schema)).toEqual([printed(['a', T0, 1])]);
    }
  });

  it('becomes visible in one step: readers see every row once, before, while and after', async () => {
    const { store } = await openMemoryStore();
    store.defineTable(appendSchema);
    const schemaRows = 30_000;
    const rows = Array.from({ length: schemaRows }, (_, row): Cells => [
      `h${row % 50}`,
      T0 + row,
      row,
    ]);
    write(store, 10, rows, appendSchema);
    store.freeze(flushedState(1));
    let isDone = false;
    const flushing = store.flush(() => 0).finally(() => (isDone = true));
    let scans = 0;
    do {
      expect((await scanAll(store, appendSchema)).length).toBe(schemaRows);
      scans++;
    } while (!isDone);
    await flushing;
    expect(scans).toBeGreaterThan(1);
    expect((await scanAll(store, appendSchema)).length).toBe(schemaRows);
  });

  it('gives the event loop many turns: 100,000 rows of disorder', async () => {
    const { store } = await openMemoryStore();
    store.defineTable(schema);
    store.applyWrite(
      100,
      bigBatch(50_000, 100, T0, (row) => row / 100),
      0,
    );
    store.applyWrite(
      101,
      bigBatch(50_000, 100, T0 - 400_000, (row) => Math.cos(row)),
      0,
    );
    store.freeze(flushedState(1));
    let isDone = false;
    const flushing = store.flush(() => 0).finally(() => (isDone = true));
    let turns = 0;
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      turns += 1;
    }
    await flushing;
    // Many turns say that the work is cut small; how long the longest lasts says more about the machine's other work.
    expect(turns).toBeGreaterThan(100);
  });

  it('keeps an overwritten row while the overwriting version is above the stable horizon', async () => {
    for (const [horizon, kept] of [
      [199, 2],
      [200, 1],
    ] as const) {
      const { store } = await openMemoryStore();
      write(store, 100, [['a', T0, 1]]);
      write(store, 200, [['a', T0, 2]]);
      await flushAll(store, 1, horizon);
      expect(store.stats()[0]!.runRows).toBe(kept);
      expect(await scanAll(store, schema)).toEqual([printed(['a', T0, 2])]);
    }
  });

  it('gives the space of wholly deleted runs back, and forgets the tombstone with them', async () => {
    const { store, kv } = await openMemoryStore();
    write(store, 100, [['a', T0, 1]]);
    await flushAll(store);
    rangeDelete(store, 200, null);
    expect(store.memtableBytes()).toBeGreaterThan(0);
    write(store, 300, [['a', T0, 3]]);
    await flushAll(store, 2, 150);
    expect(store.stats()[0]!.runs).toBe(2);
    write(store, 301, [['b', T0, 3]]);
    await flushAll(store, 3, 400);
    await store.close();
    expect(store.stats()[0]!.runs).toBe(2);
    expect((await keysOf(kv, 'r')).length).toBe(2);
    expect((await keysOf(kv, 'b')).every((key) => !key.startsWith('62000000000001'))).toBe(true);
    const left: readonly Cells[] = [
      ['a', T0, 3],
      ['b', T0, 3],
    ];
    expect(await scanAll(store, schema)).toEqual(left.map(printed));
    const view = store.readView();
    expect(view.estimate(schema.tableId).exactRows === null).toBe(true);
    view.release();
  });
});

function estimateOf(store: TableStore, of = schema): { rows: number; exactRows: number | null } {
  const view = store.readView();
  const estimate = view.estimate(of.tableId);
  view.release();
  return estimate;
}

describe('damage', () => {
  async function flushed(): Promise<ForgetfulKv> {
    const { store, kv } = await openMemoryStore();
    store.defineTable(schema);
    store.applyWrite(
      100,
      bigBatch(20_000, 10, T0, (row) => Math.sin(row)),
      0,
    );
    await flushAll(store);
    await store.close();
    return kv;
  }

  it('of any stored value is told before any of it is used', async () => {
    const kv = await flushed();
    const keys: Uint8Array[] = [];
    for await (const key of kv.keys(whole)) keys.push(key);
    expect(keys.length).toBeGreaterThan(10);
    for (const key of keys) {
      const size = (await kv.get(key))!.length;
      for (const offset of [0, 4, size >>> 1, size - 1]) {
        kv.flip(key, offset, 0x10);
        const reading = openMemoryStore(kv).then(({ store }) => scanAll(store, schema));
        await expect(reading).rejects.toThrow(CorruptionError);
        kv.flip(key, offset, 0x10);
      }
    }
    const { store } = await openMemoryStore(kv);
    expect((await scanAll(store, schema)).length).toBe(20_000);
  });

  it('a missing block is damage at the start, and in a scan of a run that was counted before', async () => {
    const kv = await flushed();
    const blocks = await keysOf(kv, 'b');
    const { store } = await openMemoryStore(kv);
    await kv.batch([{ type: 'del', key: Buffer.from(blocks[3]!, 'hex') }], { sync: true });
    await expect(scanAll(store, schema)).rejects.toThrow(/missing/);
    await expect(openMemoryStore(kv)).rejects.toThrow(/the manifest counts/);
  });

  it('a value under another key is damage', async () => {
    const kv = await flushed();
    const [first, second] = (await keysOf(kv, 'b')).map((key) => Buffer.from(key, 'hex'));
    await kv.batch([{ type: 'put', key: first!, value: (await kv.get(second!))! }], { sync: true });
    const { store } = await openMemoryStore(kv);
    await expect(scanAll(store, schema)).rejects.toThrow(CorruptionError);
  });
});

describe('dropping a table', () => {
  it('discards its rows, those to come too; a view keeps what it has, and keys go when it is released', async () => {
    const { store, kv } = await openMemoryStore();
    write(store, 100, [['a', T0, 1]]);
    await flushAll(store);
    write(store, 101, [['b', T0, 2]]);
    const view = store.readView();
    store.dropTable(schema.tableId, 102);
    expect(store.schemaOf(schema.tableId)).toBeUndefined();
    write(store, 103, [['c', T0, 3]]);
    expect(await scanAll(store, schema)).toEqual([]);
    await flushAll(store, 2);
    await store.close();
    expect((await keysOf(kv, 'r')).length).toBe(0);
    expect((await keysOf(kv, 'b')).length).toBe(1);
    expect((await scanAll(view, schema)).sort()).toEqual([
      printed(['a', T0, 1]),
      printed(['b', T0, 2]),
    ]);
    view.release();
    await store.close();
    expect(await keysOf(kv, 'b')).toEqual([]);
    const { store: reopened } = await openMemoryStore(kv);
    write(reopened, 104, [['d', T0, 4]]);
    expect(await scanAll(reopened, schema)).toEqual([]);
    expect(reopened.stats()).toEqual([]);
  });

  it('takes its series with it: out of the count at once, from the disk when the drop is there', async () => {
    const { store, kv } = await openMemoryStore();
    write(store, 100, [
      ['a', T0, 1],
      ['b', T0, 2],
    ]);
    write(store, 101, [['c', T0, 3]], appendSchema);
    await flushAll(store);
    expect([store.seriesCount, (await keysOf(kv, 'd')).length]).toEqual([3, 2]);
    write(store, 102, [['z', T0, 3]]);
    store.dropTable(schema.tableId, 103);
    write(store, 104, [['y', T0, 3]]);
    expect([store.seriesCount, (await keysOf(kv, 'd')).length]).toEqual([1, 2]);
    await flushAll(store, 2);
    await store.close();
    expect((await keysOf(kv, 'd')).length).toBe(1);
    const { store: reopened } = await openMemoryStore(kv);
    expect(reopened.seriesCount).toBe(1);
    expect(await scanAll(reopened, appendSchema)).toEqual([printed(['c', T0, 3])]);
  });

  it('a power loss at any batch leaves its series whole, or no trace of them after the next start', async () => {
    const hosts = (from: number, to: number): Cells[] =>
      Array.from({ length: to - from }, (_, host) => [`h${from + host}`, T0, host]);
    for (let seed = 0; seed < 30; seed++) {
      const random = new SeededRandom(seed);
      const kv = new ForgetfulKv({
        forgetsRotatedLogs: seed % 2 === 0,
        latency: () => realTimers.yieldTurn(),
      });
      const first = await TableStore.open({ kv: kv.mount(), timers: realTimers }, options);
      // Several dictionary values: one a flush.
      for (let flush = 0; flush < 5; flush++) {
        write(first, 100 + flush, hosts(flush * 10, flush * 10 + 10));
        await flushAll(first, flush + 1);
      }
      write(first, 110, [['kept', T0, 1]], appendSchema);
      first.dropTable(schema.tableId, 111);
      const someTurns = async (): Promise<void> => {
        for (let turn = random.integer(0, 12); turn > 0; turn--) await realTimers.yieldTurn();
      };
      await someTurns();
      const flushing = flushAll(first, 6);
      await someTurns();
      kv.crash(random);
      flushing.catch(() => undefined);
      const second = await TableStore.open({ kv: kv.mount(), timers: realTimers }, options);
      const isDropped = second.flushed?.highestVersion === 6;
      const series = second.stats().find(({ tableId }) => tableId === schema.tableId)?.series;
      expect([seed, series]).toEqual([seed, isDropped ? undefined : 50]);
      if (!isDropped) expect((await scanAll(second, schema)).length).toBe(50);
      await second.close();
      const left = (await keysOf(kv, 'd')).filter((key) => key.startsWith('64000000000000004d'));
      expect([seed, left.length]).toEqual([seed, isDropped ? 0 : 5]);
    }
  });

  it('while its rows are being flushed leaves no run of it', async () => {
    const { store, kv } = await openMemoryStore();
    store.defineTable(schema);
    store.applyWrite(100, bigBatch(50_000, 10, T0, Math.sin), 0);
    store.freeze(flushedState(1));
    const flushing = store.flush(() => 0);
    await realTimers.yieldTurn();
    store.dropTable(schema.tableId, 101);
    await flushing;
    await store.close();
    expect(await keysOf(kv, 'r')).toEqual([]);
    expect(await keysOf(kv, 'b')).toEqual([]);
  });
});

describe('a view', () => {
  it.each([true, false])(
    'of several parts reads them as their union, series matched by tags (flushed: %p)',
    async (isFlushed) => {
      const other: TableSchema = {
        ...schema,
        tableId: 90,
        columns: [
          { ...schema.columns[0]!, id: 901 },
          { ...schema.columns[1]!, id: 902 },
          { ...schema.columns[2]!, id: 903 },
          { id: 904, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
        ],
      };
      const { store } = await openMemoryStore();
      write(store, 100, [
        ['a', T0, 1],
        ['b', T0, 2],
      ]);
      store.defineTable(other);
      const rows: readonly (readonly PlainValue[])[] = [
        ['z', BigInt(T0), 5, 'z'],
        ['b', BigInt(T0), 6, 'wins'],
        ['a', BigInt(T0 + 5), 7, null],
      ];
      store.applyWrite(
        101,
        bodyOf(other, {
          version: 101,
          operations: [{ kind: 'rows', rows: rows.map((cells) => ({ cells })) }],
        }),
        0,
      );
      if (isFlushed) await flushAll(store);
      const parts = [
        { tableId: 77, columns: [101, 102, 103, null] },
        { tableId: 90, columns: [901, 902, 903, 904] },
      ];
      const expected = [
        ['a', BigInt(T0), 1, null],
        ['a', BigInt(T0 + 5), 7, null],
        ['b', BigInt(T0), 6, 'wins'],
        ['z', BigInt(T0), 5, 'z'],
      ].map((cells) => printRow(cells as PlainValue[]));
      for (const order of ['any', 'series-time'] as const) {
        const found = await scanAll(store, schema, { parts, columns: [101, 102, 103, 904], order });
        expect(order === 'any' ? found.sort() : found).toEqual(expected);
      }
      const view = store.readView();
      expect(view.seriesOfParts(parts).count).toBe(3);
      view.release();
    },
  );

  it('reads old rows of a table that got a new column', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [['a', T0, 1]]);
    await flushAll(store);
    write(store, 101, [['a', T0 + 1, 2]]);
    const wider: TableSchema = {
      ...schema,
      columns: [
        ...schema.columns,
        { id: 199, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
      ],
    };
    store.defineTable(wider);
    const cells = ['a', BigInt(T0 + 2), 3, 'new'];
    store.applyWrite(
      102,
      bodyOf(wider, { version: 102, operations: [{ kind: 'rows', rows: [{ cells }] }] }),
      0,
    );
    // A late writer that does not know the column yet.
    write(store, 103, [['a', T0 + 3, 4]]);
    const expected = [
      ['a', BigInt(T0), 1, null],
      ['a', BigInt(T0 + 1), 2, null],
      cells,
      ['a', BigInt(T0 + 3), 4, null],
    ].map((row) => printRow(row as PlainValue[]));
    expect((await scanAll(store, wider)).sort()).toEqual(expected);
    await flushAll(store, 2);
    expect((await scanAll(store, wider)).sort()).toEqual(expected);
    expect(await scanAll(store, { ...schema, tableId: 12345 })).toEqual([]);
  });

  it('stops at the rows asked for, and gives versions on request', async () => {
    const { store } = await openMemoryStore();
    store.defineTable(schema);
    store.applyWrite(
      100,
      bigBatch(50_000, 10, T0, (row) => row),
      0,
    );
    const view = store.readView();
    let batches = 0;
    const scan = view.scan({
      parts: [{ tableId: 77, columns: [103] }],
      columns: [103],
      timeMin: null,
      timeMax: null,
      seriesMask: null,
      order: 'any',
      limitRows: 10_000,
      needVersions: true,
    });
    for await (const batch of scan) {
      batches++;
      expect(batch.length).toBeLessThanOrEqual(8192);
      expect(batch.versions!.subarray(0, batch.length).every((version) => version === 100)).toBe(
        true,
      );
    }
    expect(batches).toBe(2);
    view.release();
  });
});

describe('what is known without merging', () => {
  it('ordered ingest is exact across flushes and a start; a late row is not', async () => {
    const kv = new ForgetfulKv();
    let { store } = await openMemoryStore(kv);
    for (let index = 0; index < 5; index++)
      write(store, 100 + index, [
        ['a', T0 + index, 1],
        ['b', T0 + index, 1],
      ]);
    await flushAll(store);
    expect(estimateOf(store).exactRows).toBe(10);
    ({ store } = await openMemoryStore(kv));
    write(store, 200, [
      ['a', T0 + 10, 1],
      ['new', T0, 1],
    ]);
    expect(estimateOf(store).exactRows).toBe(12);
    // After a start nobody knows how far each series had come.
    write(store, 201, [['a', T0 + 3, 9]]);
    expect(estimateOf(store).exactRows).toBeNull();
    expect((await scanAll(store, schema)).length).toBe(12);
  });
});

describe('an estimate', () => {
  it('has the bounds of its own rows only, whatever is written after the view was taken', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [['a', T0, 1]]);
    const view = store.readView();
    write(store, 101, [
      ['a', T0 + 5, 2],
      ['b', T0 - 5, 2],
    ]);
    const { rows, exactRows, timeMin, timeMax } = view.estimate(schema.tableId);
    expect([rows, exactRows, timeMin, timeMax]).toEqual([1, 1, BigInt(T0), BigInt(T0)]);
    view.release();
  });

  it('is no matter to a column that no schema has yet: it reads as NULLs', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [['a', T0, 1]]);
    const parts = [{ tableId: schema.tableId, columns: [103, 55_555] }];
    expect(await scanAll(store, schema, { parts, columns: [103, 55_555] })).toEqual(['1 | NULL']);
  });
});

describe('memory', () => {
  it('of a thousand tables of one row each stays small, and an empty generation has none', async () => {
    const { store } = await openMemoryStore();
    expect(store.memtableBytes()).toBe(0);
    for (let table = 1; table <= 1000; table++)
      write(store, table, [['a', T0, 1]], { ...schema, tableId: table });
    const bytes = store.memtableBytes();
    expect(bytes).toBeGreaterThan(1000 * 64 * 24);
    expect(bytes).toBeLessThan(8 * 1024 * 1024);
    await flushAll(store);
    expect(store.memtableBytes()).toBe(0);
  });

  it('of a full table is little more than its arrays', async () => {
    const { store } = await openMemoryStore();
    store.defineTable(schema);
    for (let part = 0; part < 10; part++)
      store.applyWrite(part + 1, bigBatch(8192, 100, T0 + part * 1e6, Math.sin), 0);
    // Version, time and value, series and ordinal.
    expect(store.memtableBytes() / 81_920).toBeGreaterThanOrEqual(32);
    expect(store.memtableBytes() / 81_920).toBeLessThan(50);
  });

  it('of flushed rows is used by the next ones, and a part of the rest is kept', async () => {
    const { store } = await openMemoryStore();
    store.defineTable(schema);
    const rows = bigBatch(8192, 10, T0, Math.sin);
    store.applyWrite(1, rows, 0);
    // Beside their series, which stay.
    const bytes = store.memtableBytes();
    expect(store.memory().idleMemtables).toBe(0);
    await flushAll(store);
    expect(store.memory().idleMemtables).toBeGreaterThan(bytes / 2);
    store.applyWrite(2, rows, 0);
    expect(store.memtableBytes()).toBeGreaterThan(bytes / 2);
    expect(store.memory().idleMemtables).toBe(0);

    for (let version = 3; version < 10; version++) store.applyWrite(version, rows, 0);
    expect(store.memtableBytes()).toBeGreaterThan(options.memtableBytes);
    await flushAll(store);
    expect(store.memory().idleMemtables).toBeGreaterThan(options.memtableBytes / 2);
    expect(store.memory().idleMemtables).toBeLessThanOrEqual(options.memtableBytes);
  });

  it('of flushed rows is left alone while a view reads them, active or frozen when it was opened', async () => {
    const { store } = await openMemoryStore();
    const rowsOf = (value: number): Cells[] =>
      Array.from({ length: 200 }, (_, row) => [`host-${row % 3}`, T0 + row, value]);
    write(store, 100, rowsOf(1));
    const active = store.readView();
    store.freeze(flushedState(1));
    const frozen = store.readView();
    await store.flush(() => 0);
    expect(store.memory().idleMemtables).toBe(0);
    for (let round = 2; round < 5; round++) {
      write(store, 100 * round, rowsOf(round));
      await flushAll(store, round);
    }
    for (const view of [active, frozen]) {
      expect(await scanAll(view, schema)).toEqual(rowsOf(1).map(printed));
      view.release();
    }
    expect(store.memory().idleMemtables).toBeGreaterThan(0);
    expect((await scanAll(store, schema)).length).toBe(200);
  });

  it('of rows that came after a view is used again however long the view stays open', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [['a', T0, 1]]);
    const view = store.readView();
    await flushAll(store);
    const idle = [];
    for (let round = 2; round < 6; round++) {
      write(store, 100 * round, [['a', T0, round]]);
      await flushAll(store, round);
      idle.push(store.memory().idleMemtables);
    }
    expect(idle[0]).toBeGreaterThan(0);
    expect(new Set(idle).size).toBe(1);
    expect(await scanAll(view, schema)).toEqual([printed(['a', T0, 1])]);
    view.release();
    expect(store.memory().idleMemtables).toBe(2 * idle[0]!);
  });

  it('that was used before shows nothing of what it held', async () => {
    const { store } = await openMemoryStore();
    const wider: TableSchema = {
      ...schema,
      columns: [
        ...schema.columns,
        { id: 110, type: ColumnType.int64, role: ColumnRole.field, precision: 0 },
        { id: 111, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
        { id: 112, type: ColumnType.timestamp, role: ColumnRole.field, precision: 3 },
      ],
    };
    store.defineTable(wider);
    const full = ['a', BigInt(T0), 1.5, 2n ** 60n, 'text', BigInt(T0)];
    const bare = ['a', BigInt(T0 + 1), null, null, null, null];
    const body = (version: number, cells: PlainValue[]): Uint8Array =>
      bodyOf(wider, { version, operations: [{ kind: 'rows', rows: [{ cells }] }] });
    store.applyWrite(100, body(100, full), 0);
    await flushAll(store);
    // With NULLs; and by a writer that does not know the columns.
    store.applyWrite(101, body(101, bare), 0);
    write(store, 102, [['a', T0 + 2, null]]);
    const expected = [full, bare, ['a', BigInt(T0 + 2), null, null, null, null]].map((cells) =>
      printRow(cells as PlainValue[]),
    );
    for (const isFlushed of [false, true]) {
      if (isFlushed) await flushAll(store, 2);
      expect((await scanAll(store, wider)).sort()).toEqual(expected);
    }
  });

  it('of the block cache stays within its bound', async () => {
    const kv = new ForgetfulKv();
    const store = await TableStore.open(
      { kv, timers: realTimers },
      { memtableBytes: 1, cacheBytes: 300_000 },
    );
    store.defineTable(schema);
    store.applyWrite(100, bigBatch(100_000, 10, T0, Math.sin), 0);
    await flushAll(store);
    for (let round = 0; round < 2; round++)
      expect((await scanAll(store, schema)).length).toBe(100_000);
    expect(store.cacheStatistics.sizeBytes).toBeLessThanOrEqual(300_000);
    expect(store.cacheStatistics.sizeBytes).toBeGreaterThan(100_000);
  });
});

describe('multi-part writes', () => {
  it('are one write: the later row wins across parts, and append mode counts on', async () => {
    const { store } = await openMemoryStore();
    for (const to of [schema, appendSchema]) {
      store.defineTable(to);
      const parts = [1, 2, 3].map((value) =>
        bodyOf(to, { version: 0, operations: [{ kind: 'rows', rows: [rowOf(['a', T0, value])] }] }),
      );
      store.applyMultiPart(500, parts);
    }
    expect(await scanAll(store, schema)).toEqual([printed(['a', T0, 3])]);
    expect(await scanAll(store, appendSchema)).toEqual(
      [1, 2, 3].map((value) => printed(['a', T0, value])),
    );
    await flushAll(store, 1, 1000);
    expect(await scanAll(store, schema)).toEqual([printed(['a', T0, 3])]);
    expect((await scanAll(store, appendSchema)).length).toBe(3);
    expect(store.stats().map(({ runRows }) => runRows)).toEqual([1, 3]);
  });
});

describe('deletes', () => {
  it('of a range stay while something older can still arrive, even when there is nothing yet to delete', async () => {
    const kv = new ForgetfulKv();
    let { store } = await openMemoryStore(kv);
    store.defineTable(schema);
    rangeDelete(store, 200, null);
    await flushAll(store, 1, 199);
    ({ store } = await openMemoryStore(kv));
    write(store, 150, [['late', T0, 1]]);
    expect(await scanAll(store, schema)).toEqual([]);
    // Applied before the flush and replayed after it: it counts once.
    rangeDelete(store, 200, null);
    await flushAll(store, 2, 250);
    ({ store } = await openMemoryStore(kv));
    expect(await scanAll(store, schema)).toEqual([]);
  });

  it('survive a flush and kill what arrives later with a lower version', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [
      ['a', T0, 1],
      ['b', T0, 1],
    ]);
    remove(store, 200, [['a', T0, 0]]);
    rangeDelete(store, 210, T0 - 1);
    await flushAll(store, 1, 0);
    write(store, 150, [
      ['a', T0, 2],
      ['late', T0 - 1, 3],
    ]);
    expect(await scanAll(store, schema)).toEqual([printed(['b', T0, 1])]);
    write(store, 220, [
      ['a', T0, 4],
      ['late', T0 - 1, 5],
    ]);
    const left: readonly Cells[] = [
      ['a', T0, 4],
      ['b', T0, 1],
      ['late', T0 - 1, 5],
    ];
    expect((await scanAll(store, schema)).sort()).toEqual(left.map(printed));
  });
});

test('long strings fill a chunk before its rows do, and all of them are read', async () => {
  const { store } = await openMemoryStore();
  store.defineTable(noisySchema);
  const writes = 6;
  for (let round = 0; round < writes; round++) {
    store.applyWrite(8 + round, noise(1.5, round * NOISY_ROWS), 0);
  }
  const view = store.readView();
  const columns = noisySchema.columns.map(({ id }) => id);
  const scan = view.scan({
    parts: [{ tableId: noisySchema.tableId, columns }],
    columns,
    timeMin: null,
    timeMax: null,
    seriesMask: null,
    order: 'any',
  });
  const held: number[] = [];
  for await (const { columns: vectors } of scan) {
    const blobs = vectors.at(-1)!;
    if (blobs.kind === 'bytes') held.push(blobs.data.length);
  }
  view.release();
  expect(Math.max(...held)).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(await scanAll(store, noisySchema)).toHaveLength(writes * NOISY_ROWS);
});
