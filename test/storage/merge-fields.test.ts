/** merge_mode = 'last_non_null' in storage: of each field the newest value that is not NULL, wherever the rows lie and however they came. */

import fc from 'fast-check';
import { decodeSchemaBody, encodeSchemaBody, schemaIdOf } from '../../storage/schema-body.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import type { TableStore } from '../../storage/table-store.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';
import { bodyOf, printRow, visibleRows, type ModelRecord } from '../support/table-model.js';
import { flushAll, openMemoryStore, scanAll } from '../support/table-rig.js';
import type { PlainValue } from '../support/vector-values.js';

const schema: TableSchema = {
  tableId: 0x1122334455,
  appendMode: false,
  mergeFields: true,
  partitionMs: 86_400_000,
  columns: [
    { id: 0xa1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 0xb1, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 0xc1, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
    { id: 0xc2, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
    { id: 0xc3, type: ColumnType.timestamp, role: ColumnRole.field, precision: 9 },
  ],
};
const T0 = 1_700_000_000_000n;

type Fields = readonly [PlainValue, PlainValue, PlainValue];
const rowAt = (time: bigint, fields: Fields): PlainValue[] => ['h1', time, ...fields];

function write(store: TableStore, version: number, ...rows: readonly PlainValue[][]): void {
  store.defineTable(schema);
  const operations = [{ kind: 'rows' as const, rows: rows.map((cells) => ({ cells })) }];
  store.applyWrite(version, bodyOf(schema, { version, operations }), 0);
}

function remove(store: TableStore, version: number, time: bigint): void {
  const operations = [
    { kind: 'deletes' as const, rows: [{ cells: rowAt(time, [null, null, null]) }] },
  ];
  store.applyWrite(version, bodyOf(schema, { version, operations }), 0);
}

describe('rows of one identity become one', () => {
  it('each field keeps the newest value that is not NULL, and the row has the newest version', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, rowAt(T0, [1, 'one', null]));
    write(store, 1008, rowAt(T0, [null, 'two', 5n]));
    write(store, 1016, rowAt(T0, [3, null, null]));
    expect(await scanAll(store, schema)).toEqual([printRow(rowAt(T0, [3, 'two', 5n]))]);
    const view = store.readView();
    const versions: number[] = [];
    const columns = [0xc2];
    const scan = view.scan({
      parts: [{ tableId: schema.tableId, columns }],
      columns,
      timeMin: null,
      timeMax: null,
      seriesMask: null,
      order: 'any',
      needVersions: true,
    });
    for await (const batch of scan) versions.push(...batch.versions!.subarray(0, batch.length));
    view.release();
    expect(versions).toEqual([1016]);
  });

  it('in one record the later row counts, field by field', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, rowAt(T0, [1, 'one', null]), rowAt(T0, [2, null, 7n]));
    const merged = [printRow(rowAt(T0, [2, 'one', 7n]))];
    expect(await scanAll(store, schema)).toEqual(merged);
    await flushAll(store, 1, 5000);
    expect(await scanAll(store, schema)).toEqual(merged);
  });

  it('a tombstone cuts: nothing older shines through', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, rowAt(T0, [1, 'one', 1n]));
    remove(store, 1008, T0);
    write(store, 1016, rowAt(T0, [null, 'two', null]));
    expect(await scanAll(store, schema)).toEqual([printRow(rowAt(T0, [null, 'two', null]))]);
    // Older than the tombstone, however late it comes.
    write(store, 1004, rowAt(T0, [9, null, 9n]));
    expect(await scanAll(store, schema)).toEqual([printRow(rowAt(T0, [null, 'two', null]))]);
  });

  it('instants of one field that no base reaches are still picked from both rows', async () => {
    const { store } = await openMemoryStore();
    const [early, late] = [-2_000_000_000_000_000_000n, 4_000_000_000_000_000_000n];
    write(store, 1000, rowAt(T0, [1, null, early]), rowAt(T0 + 1n, [1, null, late]));
    await flushAll(store);
    write(store, 1008, rowAt(T0, [2, null, null]), rowAt(T0 + 1n, [2, null, null]));
    const rows = await scanAll(store, schema, { order: 'series-time' });
    expect(rows).toEqual([
      printRow(rowAt(T0, [2, null, early])),
      printRow(rowAt(T0 + 1n, [2, null, late])),
    ]);
  });

  it('a late row of the other origin fills in between: a flush has not collapsed what it must meet', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, rowAt(T0, [1, 'one', null]));
    write(store, 3000, rowAt(T0, [3, null, null]));
    // Below the horizon of the flush is only the first of them.
    await flushAll(store, 1, 1500);
    write(store, 2000, rowAt(T0, [2, 'two', 2n]));
    expect(await scanAll(store, schema)).toEqual([printRow(rowAt(T0, [3, 'two', 2n]))]);
  });
});

describe('a compaction', () => {
  it('joins fields only at or below the horizon: above it something may still come in between', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, rowAt(T0, [1, 'one', null]));
    await flushAll(store, 1, 500);
    write(store, 3000, rowAt(T0, [null, 'three', 3n]));
    await flushAll(store, 2, 500);
    await store.compactTable(schema.tableId, () => 500);
    expect(store.stats()[0]).toMatchObject({ runs: 1, runRows: 2 });
    write(store, 2000, rowAt(T0, [2, 'two', null]));
    expect(await scanAll(store, schema)).toEqual([printRow(rowAt(T0, [2, 'three', 3n]))]);
    await flushAll(store, 3, 500);
    await store.compactTable(schema.tableId, () => 3000);
    expect(store.stats()[0]).toMatchObject({ runs: 1, runRows: 1 });
    expect(await scanAll(store, schema)).toEqual([printRow(rowAt(T0, [2, 'three', 3n]))]);
  });

  it('joins no fields while a memtable holds a row of that time: it may lie in between', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, rowAt(T0, [1, null, null]));
    write(store, 3000, rowAt(T0, [null, 'three', null]));
    await flushAll(store, 1, 500);
    write(store, 2000, rowAt(T0, [2, null, null]));
    await store.compactTable(schema.tableId, () => 5000);
    expect(await scanAll(store, schema)).toEqual([printRow(rowAt(T0, [2, 'three', null]))]);
  });
});

describe('whatever order records arrive in, and wherever a flush falls, the rows are the same', () => {
  const field = fc.option(fc.integer({ min: 0, max: 9 }), { nil: null });
  const change = fc.record({
    isDelete: fc.boolean(),
    time: fc.integer({ min: 0, max: 2 }),
    fields: fc.tuple(field, field, field),
  });

  it('for random changes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 2, maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
        async (changes, order, dice) => {
          const records: ModelRecord[] = changes.map(({ isDelete, time, fields }, index) => {
            const [a, b, c] = fields;
            const text = b === null ? null : String(b);
            const instant = c === null ? null : BigInt(c);
            const rows = [{ cells: rowAt(T0 + BigInt(time), [a, text, instant]) }];
            const kind = isDelete && dice.next().value < 3 ? 'deletes' : 'rows';
            return { version: 1000 + 8 * index, operations: [{ kind, rows }] };
          });
          const arrivals = records
            .map((record) => ({ record, at: order.next().value }))
            .sort((one, other) => one.at - other.at)
            .map(({ record }) => record);
          const kv = new ForgetfulKv();
          let { store } = await openMemoryStore(kv);
          const left = new Set(records.map(({ version }) => version));
          let applied = 0;
          for (const record of arrivals) {
            store.defineTable(schema);
            store.applyWrite(record.version, bodyOf(schema, record), 0);
            left.delete(record.version);
            applied += 1;
            if (dice.next().value >= 4) continue;
            await flushAll(store, applied, Math.min(...left, 1000 + 8 * records.length) - 1);
            if (dice.next().value < 3) ({ store } = await openMemoryStore(kv));
          }
          const expected = visibleRows(schema, records).map(({ cells }) => printRow(cells));
          expect((await scanAll(store, schema)).sort()).toEqual(expected.sort());
          expect(await scanAll(store, schema, { order: 'series-time' })).toEqual(expected.sort());
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the schema says so', () => {
  it('in these bytes, with an id of its own', () => {
    const stored = readHexFixture('storage/testdata/v1/schema-body-merge-fields.hex');
    expect(hexOfBytes(encodeSchemaBody(schema))).toBe(hexOfBytes(stored));
    expect(decodeSchemaBody(stored)).toEqual(schema);
    expect(schemaIdOf(schema)).not.toBe(schemaIdOf({ ...schema, mergeFields: false }));
  });

  it('and never together with append mode', () => {
    const bytes = encodeSchemaBody({ ...schema, appendMode: true });
    expect(() => decodeSchemaBody(bytes)).toThrow('both keeps every row and merges fields');
  });
});
