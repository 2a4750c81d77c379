/** Rows that were collected in batches of their own and then put together in one are those rows, and nothing else. */

import fc from 'fast-check';
import {
  ColumnRole,
  ColumnType,
  encodeWriteBody,
  RowBatch,
  type TableSchema,
  type TableStore,
  TupleMemory,
} from '../../storage/index.js';
import { encodeSchemaBody } from '../../storage/write-body.js';
import { hexOfBytes } from '../support/hex-fixture.js';
import { printRow, setCell } from '../support/table-model.js';
import { openMemoryStore, scanAll } from '../support/table-rig.js';
import type { PlainValue } from '../support/vector-values.js';

const TAG_COUNT = 2;
const schema: TableSchema = {
  tableId: 5,
  appendMode: true,
  partitionMs: 86_400_000,
  columns: [
    { id: 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 2, type: ColumnType.int64, role: ColumnRole.tag, precision: 0 },
    { id: 3, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 4, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
    { id: 5, type: ColumnType.int64, role: ColumnRole.field, precision: 0 },
    { id: 6, type: ColumnType.uint64, role: ColumnRole.field, precision: 0 },
    { id: 7, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
    { id: 8, type: ColumnType.timestamp, role: ColumnRole.field, precision: 6 },
  ],
};

type Row = readonly PlainValue[];

const orNull = (value: fc.Arbitrary<PlainValue>): fc.Arbitrary<PlainValue> =>
  fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) });
/** Integers up to 53 bits are read back as numbers. */
const integer = (min: bigint, max: bigint): fc.Arbitrary<PlainValue> =>
  fc
    .bigInt({ min, max })
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const rowArbitrary: fc.Arbitrary<Row> = fc.tuple(
  orNull(fc.constantFrom('', 'h1', 'h2', 'h3', 'a long name of a host, longer than the others')),
  orNull(fc.constantFrom<PlainValue>(0, 7, 2n ** 62n)),
  fc.bigInt({ min: -1_000_000n, max: 1_000_000n }),
  orNull(fc.double({ noNaN: true })),
  orNull(fc.oneof(fc.maxSafeInteger(), integer(-(2n ** 63n), 2n ** 63n - 1n))),
  orNull(fc.oneof(fc.nat(), integer(0n, 2n ** 64n - 1n))),
  orNull(fc.string({ unit: 'binary-ascii', maxLength: 90 })),
  orNull(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })),
);
const statements = fc.array(fc.array(rowArbitrary, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 40,
});

function fill(batch: RowBatch, rows: readonly Row[]): RowBatch {
  for (const row of rows) {
    row.forEach((value, column) => setCell(batch, column, value));
    batch.endRow();
  }
  return batch;
}

function putTogether(
  written: readonly (readonly Row[])[],
  memoryOf: (place: number) => TupleMemory,
): RowBatch {
  const whole = new RowBatch(schema, memoryOf(0));
  const own = [1, 2].map((place) => new RowBatch(schema, memoryOf(place)));
  written.forEach((rows, index) => {
    const batch = own[index % 2]!;
    // The last row of what is not meant stands before and behind.
    fill(batch, [rows[0]!, ...rows, rows[0]!]);
    whole.absorb(batch, 1, 1 + rows.length);
    batch.clear();
  });
  return whole;
}

async function rowsOf(batch: RowBatch, store?: TableStore): Promise<readonly string[]> {
  const shown = store ?? (await openMemoryStore()).store;
  shown.applySchema(encodeSchemaBody(schema));
  shown.applyWrite(100, Buffer.concat(encodeWriteBody([batch.encodeSection()])), 0);
  return (await scanAll(shown, schema)).toSorted();
}

test('with one memory of tuples: the section is that of rows written in one go, byte by byte', () => {
  fc.assert(
    fc.property(statements, (written) => {
      const memory = new TupleMemory(TAG_COUNT);
      const whole = putTogether(written, () => memory);
      const atOnce = fill(new RowBatch(schema, memory), written.flat());
      expect(whole.rowCount).toBe(atOnce.rowCount);
      expect(whole.seriesCount).toBe(atOnce.seriesCount);
      const section = whole.encodeSection();
      expect(section.length).toBeLessThanOrEqual(whole.approximateBytes);
      expect(hexOfBytes(section)).toBe(hexOfBytes(atOnce.encodeSection()));
    }),
  );
});

test('with a memory each, as when one was full in between', async () => {
  await fc.assert(
    fc.asyncProperty(statements, async (written) => {
      const memories = [0, 1, 2].map(() => new TupleMemory(TAG_COUNT));
      // So that the same tuple has another handle in each.
      memories.forEach((memory, place) => {
        const others = Array.from({ length: place }, (_, i): Row => [
          `only here ${place}${i}`,
          1,
          0n,
          null,
          null,
          null,
          null,
          null,
        ]);
        fill(new RowBatch(schema, memory), others);
      });
      const whole = putTogether(written, (place) => memories[place]!);
      expect(await rowsOf(whole)).toEqual(written.flat().map(printRow).toSorted());
    }),
    { numRuns: 50 },
  );
});

test('tuples of series that the table has', async () => {
  await fc.assert(
    fc.asyncProperty(statements, statements, async (before, written) => {
      const { store } = await openMemoryStore();
      await rowsOf(fill(new RowBatch(schema), before.flat()), store);
      const memory = (): TupleMemory =>
        new TupleMemory(TAG_COUNT, {
          tuplesMax: 1,
          seriesOfTable: () => store.seriesOf(schema.tableId),
        });
      const shared = memory();
      const whole = putTogether(written, (place) => (place === 1 ? memory() : shared));
      const rows = [...before.flat(), ...written.flat()];
      expect(await rowsOf(whole, store)).toEqual(rows.map(printRow).toSorted());
    }),
    { numRuns: 50 },
  );
});
