/** Row batches, sections and schema records, byte by byte; the fixtures were written by format v1 and must be read for ever. */

import fc from 'fast-check';
import { DamagedBytesError } from '../../storage/byte-reader.js';
import { decodeTombstone, type RangeTombstone } from '../../storage/range-tombstone.js';
import { RowBatch } from '../../storage/row-batch.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import {
  decodeSchemaBody,
  encodeSchemaBody,
  encodeWriteBody,
  rangeTombstoneSection,
  schemaIdOf,
  sectionsOf,
} from '../../storage/write-body.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';
import { openMemoryStore, scanAll } from '../support/table-rig.js';
import { printRow, setCell } from '../support/table-model.js';
import type { PlainValue } from '../support/vector-values.js';

const fixture = (name: string): Uint8Array => readHexFixture(`storage/testdata/v1/${name}.hex`);

const schema: TableSchema = {
  tableId: 0x1122334455,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: [
    { id: 0xa1a2a3a4a5a6, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 0xb1, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 0xc1, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
    { id: 0xc2, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
    { id: 0xc3, type: ColumnType.int64, role: ColumnRole.field, precision: 0 },
  ],
};

const rows: readonly (readonly PlainValue[])[] = [
  ['h1', 1_700_000_000_000n, 20.5, 'ok', 7],
  ['h2', 1_700_000_000_500n, null, '', 8],
  ['h1', 1_700_000_010_000n, 21.25, null, 2n ** 62n],
];

const tombstone: RangeTombstone = {
  tableId: schema.tableId,
  timeMin: 1_700_000_000_000n,
  timeMax: null,
  tags: [{ columnId: 0xa1a2a3a4a5a6, values: [Buffer.from('h1'), null] }],
};

function fill(batch: RowBatch, cells: readonly (readonly PlainValue[])[] = rows): RowBatch {
  for (const row of cells) {
    row.forEach((value, column) => setCell(batch, column, value));
    batch.endRow();
  }
  return batch;
}

describe('format v1', () => {
  it('schema body and id', () => {
    expect(hexOfBytes(encodeSchemaBody(schema))).toBe(hexOfBytes(fixture('schema-body')));
    expect(decodeSchemaBody(fixture('schema-body'))).toEqual(schema);
    expect(schemaIdOf(schema)).toBe('a3c403844ba5f04c');
    expect(new RowBatch(schema).schemaId).toBe('a3c403844ba5f04c');
  });

  it('rows and key deletes', () => {
    const batch = fill(new RowBatch(schema));
    expect(hexOfBytes(batch.encodeSection())).toBe(hexOfBytes(fixture('section-rows')));
    expect(hexOfBytes(batch.encodeKeySection())).toBe(hexOfBytes(fixture('section-key-deletes')));
  });

  it('range tombstone', () => {
    expect(hexOfBytes(rangeTombstoneSection(tombstone))).toBe(
      hexOfBytes(fixture('section-range-tombstone')),
    );
    const body = Buffer.concat(encodeWriteBody([fixture('section-range-tombstone')]));
    const [section] = [...sectionsOf(body, 0)];
    expect(section?.kind).toBe('range-tombstone');
    const read = decodeTombstone(section!.reader, schema.tableId);
    expect({
      ...read,
      tags: read.tags.map((tag) => ({
        ...tag,
        values: tag.values.map((v) => (v === null ? null : Buffer.from(v).toString())),
      })),
    }).toEqual({
      ...tombstone,
      tags: [{ columnId: 0xa1a2a3a4a5a6, values: ['h1', null] }],
    });
  });

  it('a stored body is read back row by row', async () => {
    const { store } = await openMemoryStore();
    store.applySchema(fixture('schema-body'));
    store.applyWrite(100, Buffer.concat(encodeWriteBody([fixture('section-rows')])), 0);
    expect((await scanAll(store, schema)).sort()).toEqual(rows.map(printRow).sort());
    // A part body has eight bytes in front; its deletes take two of the keys away again.
    const keys = fill(new RowBatch(schema), rows.slice(0, 2)).encodeKeySection();
    store.applyWrite(101, Buffer.concat([Buffer.alloc(8), ...encodeWriteBody([keys])]), 8);
    expect(await scanAll(store, schema)).toEqual([printRow(rows[2]!)]);
  });
});

describe('bodies', () => {
  it('have sections in order', () => {
    const body = Buffer.concat(
      encodeWriteBody([
        fixture('section-rows'),
        fixture('section-key-deletes'),
        fixture('section-range-tombstone'),
      ]),
    );
    expect(body.readUInt16LE(0)).toBe(3);
    expect([...sectionsOf(body, 0)].map(({ kind }) => kind)).toEqual([
      'rows',
      'key-deletes',
      'range-tombstone',
    ]);
  });

  it.each([
    ['a section cut off', [1, 0, 1, 9, 0, 0, 0, 1, 2]],
    ['bytes after the last section', [0, 0, 7]],
    ['an unknown kind', [1, 0, 9, 0, 0, 0, 0]],
    ['nothing at all', []],
  ])('are damaged: %s', (_name, bytes) => {
    expect(() => [...sectionsOf(Uint8Array.from(bytes), 0)]).toThrow(DamagedBytesError);
  });
});

describe('RowBatch', () => {
  it('takes the cells of a row in any order', () => {
    const tags: TableSchema = {
      ...schema,
      columns: [
        ...[1, 2, 3].map(
          (id) => ({ id, type: ColumnType.text, role: ColumnRole.tag, precision: 0 }) as const,
        ),
        ...schema.columns.slice(1),
      ],
    };
    const cells: readonly PlainValue[] = ['a', null, '', 5n, 1.5, 'x', 7];
    const inOrder = new RowBatch(tags);
    const anyOrder = new RowBatch(tags);
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }), (order) => {
        inOrder.clear();
        anyOrder.clear();
        for (let row = 0; row < 3; row++) {
          cells.forEach((value, column) => setCell(inOrder, column, value));
          for (const column of order) setCell(anyOrder, column, cells[column]!);
          inOrder.endRow();
          anyOrder.endRow();
        }
        expect(hexOfBytes(anyOrder.encodeSection())).toBe(hexOfBytes(inOrder.encodeSection()));
      }),
      { numRuns: 200, seed: 20260109 },
    );
  });

  it('forgets an abandoned row, and everything when cleared, NULLs and wide values too', () => {
    const expected = hexOfBytes(fill(new RowBatch(schema)).encodeSection());
    const batch = new RowBatch(schema);
    const half: readonly PlainValue[] = ['other', 1n, null, 'long text that goes away', 2n ** 60n];
    for (let round = 0; round < 3; round++) {
      batch.clear();
      expect(batch.rowCount).toBe(0);
      fill(batch, rows.slice(0, 1));
      for (let count = 1; count <= half.length; count++) {
        half.slice(0, count).forEach((value, column) => setCell(batch, column, value));
        batch.abandonRow();
      }
      fill(batch, rows.slice(1));
      expect(hexOfBytes(batch.encodeSection())).toBe(expected);
    }
  });

  it('never encodes to more than it says', () => {
    const cell = {
      tag: fc.option(fc.string({ unit: 'binary-ascii', maxLength: 30 }), { nil: null }),
      time: fc.bigInt({ min: -(2n ** 50n), max: 2n ** 50n }),
      number: fc.option(fc.double(), { nil: null }),
      text: fc.option(fc.string({ unit: 'binary-ascii', maxLength: 50 }), { nil: null }),
      wide: fc.oneof(fc.constant(null), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    };
    const row = fc.tuple(cell.tag, cell.time, cell.number, cell.text, cell.wide);
    const batch = new RowBatch(schema);
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 300 }), (cells) => {
        batch.clear();
        fill(batch, cells);
        const section = batch.encodeSection();
        expect(section.length).toBeLessThanOrEqual(batch.approximateBytes);
      }),
      { numRuns: 300, seed: 20260110 },
    );
  });

  it('carries 100 hosts of ten tags in well under 60 bytes a row of 21 columns', () => {
    const wide: TableSchema = {
      ...schema,
      columns: [
        ...Array.from(
          { length: 10 },
          (_, n) =>
            ({ id: 100 + n, type: ColumnType.text, role: ColumnRole.tag, precision: 0 }) as const,
        ),
        schema.columns[1]!,
        ...Array.from(
          { length: 10 },
          (_, n) =>
            ({
              id: 200 + n,
              type: ColumnType.float64,
              role: ColumnRole.field,
              precision: 0,
            }) as const,
        ),
      ],
    };
    const batch = new RowBatch(wide);
    for (let index = 0; index < 5000; index++) {
      const host = index % 100;
      for (let tag = 0; tag < 10; tag++) setCell(batch, tag, `tag-${tag}-of-host-${host}`);
      setCell(batch, 10, BigInt(1_700_000_000_000 + Math.floor(index / 100) * 10_000));
      for (let field = 0; field < 10; field++)
        setCell(batch, 11 + field, ((index * 7 + field * 13) % 10_000) / 100);
      batch.endRow();
    }
    expect(batch.encodeSection().length / 5000).toBeLessThan(35);
  });
});
