/** How wide a partition becomes where nobody said it. */

import { choosePartitionMs, fitsPartition } from '../../storage/partition-choice.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { TableStore } from '../../storage/table-store.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { bodyOf } from '../support/table-model.js';
import { flushAll, openMemoryStore, scanAll } from '../support/table-rig.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('the choice', () => {
  it.each([
    // rows, over so long, digits of the time index -> width
    // 100 hosts, a row in ten seconds each
    [360_000, 10 * HOUR, 3, 7 * DAY],
    // 100,000 rows a second
    [350_000, 3_500, 3, HOUR],
    // 100 rows a second
    [350_000, 3_500_000, 3, DAY],
    // a row a day for twenty years
    [7_300, 7_300 * DAY, 3, 365 * DAY],
    // nanoseconds: no partition spans 2^53 units
    [7_300, 7_300 * DAY, 9, 30 * DAY],
    // too few rows to tell, or all of one instant
    [999, 60_000, 3, 30 * DAY],
    [350_000, 0, 3, 30 * DAY],
  ])('%d rows in %d ms, %d digits: %d ms', (rows, spanMs, precision, expected) => {
    expect(choosePartitionMs(rows, spanMs, precision)).toBe(expected);
  });

  it.each([
    [104 * DAY, 9, true],
    [105 * DAY, 9, false],
    [104_249 * DAY, 6, true],
    [104_250 * DAY, 6, false],
  ])('%d ms of %d digits fit into 2^53 units: %s', (partitionMs, precision, fits) => {
    expect(fitsPartition(partitionMs, precision)).toBe(fits);
  });
});

describe('a table that leaves it open', () => {
  const schema: TableSchema = {
    tableId: 55,
    appendMode: false,
    partitionMs: 0,
    columns: [
      { id: 102, type: ColumnType.timestamp, role: ColumnRole.time, precision: 6 },
      { id: 103, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
    ],
  };

  function write(store: TableStore, version: number, rows: number, stepMs: number): void {
    store.defineTable(schema);
    const operations = [
      {
        kind: 'rows' as const,
        rows: Array.from({ length: rows }, (_, row) => ({
          cells: [BigInt(row * stepMs) * 1000n, row],
        })),
      },
    ];
    store.applyWrite(version, bodyOf(schema, { version, operations }), 0);
  }

  it('is cut by its first flushed rows, and by the same width ever after', async () => {
    const kv = new ForgetfulKv();
    const { store } = await openMemoryStore(kv);
    // A row a day for two thousand days: partitions of a year.
    write(store, 1000, 2000, DAY);
    await flushAll(store);
    expect(store.stats()[0]!.runs).toBe(6);
    const { store: reopened } = await openMemoryStore(kv);
    // On its own this would be a partition of hours: it is one of the same year.
    write(reopened, 2000, 5000, 1);
    await flushAll(reopened, 2);
    expect(reopened.stats()[0]!.runs).toBe(7);
    expect(await scanAll(reopened, schema)).toHaveLength(2000 + 5000 - 1);
  });
});
