/** Tables at the edges of what tables can be: many of them, wide ones, ones without tags, and tags of any bytes. */

import { RowBatch } from '../../storage/row-batch.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { TagTupleWriter } from '../../storage/tag-tuple.js';
import { encodeWriteBody } from '../../storage/write-body.js';
import { flushAll, openMemoryStore, scanAll } from '../support/table-rig.js';

function schemaOf(tableId: number, tags: number, fields: number): TableSchema {
  const column = (id: number, type: ColumnType, role: ColumnRole, precision = 0) => ({
    id,
    type,
    role,
    precision,
  });
  return {
    tableId,
    appendMode: false,
    partitionMs: 86_400_000,
    columns: [
      ...Array.from({ length: tags }, (_, tag) => column(tag + 1, ColumnType.text, ColumnRole.tag)),
      column(5000, ColumnType.timestamp, ColumnRole.time, 3),
      ...Array.from({ length: fields }, (_, field) =>
        column(6000 + field, ColumnType.float64, ColumnRole.field),
      ),
    ],
  };
}

interface Row {
  readonly tags: readonly (Uint8Array | null)[];
  readonly second: number;
  readonly fields: readonly (number | null)[];
}

function bodyOf(schema: TableSchema, rows: readonly Row[]): Uint8Array {
  const batch = new RowBatch(schema);
  for (const { tags, second, fields } of rows) {
    tags.forEach((cell, tag) => {
      if (cell === null) batch.setNull(tag);
      else batch.setBytes(tag, cell, 0, cell.length);
    });
    batch.setTime(tags.length, second, 0);
    fields.forEach((value, field) => {
      const place = tags.length + 1 + field;
      if (value === null) batch.setNull(place);
      else batch.setNumber(place, value);
    });
    batch.endRow();
  }
  return Buffer.concat(encodeWriteBody([batch.encodeSection()]));
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('1,000 tables with few rows each', () => {
  it('take little memory, are flushed to one run each, and are all there after a restart', async () => {
    const { store, kv } = await openMemoryStore();
    const schemas = Array.from({ length: 1000 }, (_, index) => schemaOf(100 + index, 2, 18));
    const rowOf = (index: number, row: number): Row => ({
      tags: [bytes(`h${row}`), bytes('eu')],
      second: 1000 + row,
      fields: Array.from({ length: 18 }, (_, field) => index + field),
    });
    schemas.forEach((schema, index) => {
      store.defineTable(schema);
      const rows = Array.from({ length: 5 }, (_, row) => rowOf(index, row));
      store.applyWrite(8 * (index + 1), bodyOf(schema, rows), 0);
    });
    // Chunks of 64 rows: 20 columns of 8 bytes, the version, the series and the ordinal; and what 5 series take.
    expect(store.memtableBytes() / 1000).toBeLessThan(64 * (19 * 8 + 16) + 8192);
    await flushAll(store);
    const statistics = store.stats();
    expect(statistics.every(({ runs, runRows }) => runs === 1 && runRows === 5)).toBe(true);
    expect(store.memtableBytes()).toBe(0);
    await store.close();

    const reopened = (await openMemoryStore(kv)).store;
    expect(reopened.stats()).toHaveLength(1000);
    for (const index of [0, 499, 999]) {
      const printed = await scanAll(reopened, schemas[index]!);
      expect(printed).toHaveLength(5);
      expect(printed[4]).toMatch(/^"h4" \| "eu" \| 1004000n \| /);
      expect(printed[4]!.endsWith(` | ${index + 17}`)).toBe(true);
    }
    await reopened.close();
  });
});

describe('a table of 1,000 columns', () => {
  it('keeps every value, NULLs included, in memory, on disk and after a restart', async () => {
    const { store, kv } = await openMemoryStore();
    const schema = schemaOf(7, 1, 998);
    store.defineTable(schema);
    const rows = Array.from({ length: 100 }, (_, row): Row => ({
      tags: [bytes(`h${row % 3}`)],
      second: row,
      fields: Array.from({ length: 998 }, (__, field) =>
        (row + field) % 11 === 0 ? null : row * 1000 + field,
      ),
    }));
    store.applyWrite(8, bodyOf(schema, rows), 0);
    const expected = rows.map(({ tags, second, fields }) =>
      [
        `"${Buffer.from(tags[0]!).toString()}"`,
        `${second * 1000}n`,
        ...fields.map((value) => (value === null ? 'NULL' : String(value))),
      ].join(' | '),
    );
    expect(await scanAll(store, schema)).toEqual(expected);
    await flushAll(store);
    expect((await scanAll(store, schema)).sort()).toEqual([...expected].sort());
    await store.close();
    const reopened = (await openMemoryStore(kv)).store;
    expect((await scanAll(reopened, schema)).sort()).toEqual([...expected].sort());
    await reopened.close();
  });
});

describe('a table without tags', () => {
  it('is one series, whose rows replace each other by time', async () => {
    const { store, kv } = await openMemoryStore();
    const schema = schemaOf(8, 0, 1);
    store.defineTable(schema);
    const row = (second: number, value: number): Row => ({ tags: [], second, fields: [value] });
    store.applyWrite(8, bodyOf(schema, [row(1, 10), row(2, 20), row(1, 11)]), 0);
    expect((await scanAll(store, schema)).sort()).toEqual(['1000n | 11', '2000n | 20']);
    await flushAll(store);
    store.applyWrite(16, bodyOf(schema, [row(2, 21)]), 0);
    await flushAll(store, 2);
    await store.close();
    const reopened = (await openMemoryStore(kv)).store;
    reopened.applyWrite(24, bodyOf(schema, [row(3, 30)]), 0);
    const rows = (await scanAll(reopened, schema)).sort();
    expect(rows).toEqual(['1000n | 11', '2000n | 21', '3000n | 30']);
    expect(reopened.stats()[0]!.series).toBe(1);
    await reopened.close();
  });
});

describe('tags of any bytes', () => {
  it('twelve of them, empty, NULL, long and not UTF-8: series of their own, restart included', async () => {
    const { store, kv } = await openMemoryStore();
    const schema = schemaOf(9, 12, 1);
    store.defineTable(schema);
    const values = [bytes(''), null, bytes('\xff\xfe\x00'), bytes('x'.repeat(70_000)), bytes('a')];
    const rows = values.map((value, series): Row => ({
      tags: Array.from({ length: 12 }, (_, tag) => (tag === series + 3 ? value : bytes('same'))),
      second: 1,
      fields: [series],
    }));
    store.applyWrite(8, bodyOf(schema, rows), 0);
    const inMemory = await scanAll(store, schema);
    expect(inMemory).toHaveLength(5);
    await flushAll(store);
    await store.close();
    const reopened = (await openMemoryStore(kv)).store;
    expect((await scanAll(reopened, schema)).sort()).toEqual([...inMemory].sort());
    // The same series again: the rows are replaced, and no series is new.
    reopened.applyWrite(
      16,
      bodyOf(
        schema,
        rows.map((row) => ({ ...row, fields: [9] })),
      ),
      0,
    );
    const replaced = await scanAll(reopened, schema);
    expect(replaced).toHaveLength(5);
    expect(replaced.every((row) => row.endsWith('| 9'))).toBe(true);
    expect(reopened.stats()[0]!.series).toBe(5);
    await reopened.close();
  });

  it('tells a NULL from an empty value and neighbours from each other', () => {
    const spelled = new Set<string>();
    for (const cells of [
      ['', 'a'],
      ['a', ''],
      [null, 'a'],
      ['a', null],
      ['', ''],
      [null, null],
    ]) {
      const writer = new TagTupleWriter();
      for (const cell of cells) {
        if (cell === null) writer.nullCell();
        else writer.bytesCell(bytes(cell), 0, cell.length);
      }
      spelled.add(Buffer.from(writer.bytes.slice(0, writer.length)).toString('hex'));
    }
    expect(spelled.size).toBe(6);
  });
});
