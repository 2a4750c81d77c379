/** The same questions to a real TableStore and to the table in memory: in the memtable, flushed, and half and half. */

import {
  BIGINT,
  BIGINT_UNSIGNED,
  DATE,
  datetimeType,
  DOUBLE,
  textBytes,
  timestampType,
  type SqlValue,
} from '../../src/exec/sql-value.js';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { cpuDefinition, cpuRows, cpuTable, DAY_START } from './cpu-table.js';
import { defineTable, MemoryTable, query, type HarnessOptions } from './query-harness.js';
import { StoredTable } from './stored-table.js';

const text = (value: string | null): SqlValue => (value === null ? null : textBytes(value));

const rows = cpuRows.map(([host, dc, minute, busy, cores, total, note]): SqlValue[] => [
  text(host),
  text(dc),
  DAY_START + BigInt(minute) * 60_000n,
  busy,
  cores,
  total,
  text(note),
]);

/** A MemoryTable stands for any source of a definition and a view. */
const options = (table: StoredTable): HarnessOptions => ({ tables: [table], timeZone: 'UTC' });

const QUERIES = [
  'SELECT host, dc, ts, busy, cores, total, note FROM cpu ORDER BY ts, host',
  "SELECT busy FROM cpu WHERE host = 'a' ORDER BY ts",
  'SELECT host, count(*), sum(total), min(note) FROM cpu GROUP BY host ORDER BY host',
  'SELECT count(*) FROM cpu',
  'SELECT count(*), min(ts), max(ts) FROM cpu',
  "SELECT count(*) FROM cpu WHERE ts >= '2024-03-15 00:05:00'",
  'SELECT dc, cores, count(*) FROM cpu GROUP BY dc, cores ORDER BY dc, cores',
  'SELECT date_bin(INTERVAL 1 HOUR, ts) t, host, avg(busy) FROM cpu WHERE dc IS NOT NULL GROUP BY t, host ORDER BY t, host',
  'SELECT last_value(note) FROM cpu',
  'SELECT DISTINCT note FROM cpu ORDER BY note',
] as const;

describe.each(['memtable', 'flushed', 'half flushed'])('%s', (state) => {
  let table: StoredTable;
  beforeAll(async () => {
    table = await StoredTable.open(cpuDefinition);
    if (state === 'half flushed') {
      // An older version of one row lies in a run, the newer in the memtable.
      table.insert([...rows.slice(0, 3), [...rows[4]!.slice(0, 3), 1, 1, 1n, text('old')]]);
      await table.flush();
      table.insert(rows.slice(3));
    } else {
      table.insert(rows);
      if (state === 'flushed') await table.flush();
    }
  });
  afterAll(() => table.close());

  test.each(QUERIES)('%s', async (sql) => {
    const expected = await query(sql, { tables: [cpuTable()] });
    expect((await query(sql, options(table))).rows).toEqual(expected.rows);
  });
});

test('every stored type, nanoseconds and unsigned 64 bits included', async () => {
  const small: SqlType = { kind: 'integer', bits: 8, unsigned: false };
  const definition = defineTable('types', [
    { name: 'id', type: { kind: 'integer', bits: 32, unsigned: false }, role: 'tag' },
    { name: 'day', type: DATE, role: 'tag' },
    { name: 'ts', type: timestampType(9), role: 'time' },
    { name: 'flag', type: { kind: 'boolean' }, role: 'field' },
    { name: 'tiny', type: small, role: 'field' },
    { name: 'big', type: BIGINT, role: 'field' },
    { name: 'huge', type: BIGINT_UNSIGNED, role: 'field' },
    { name: 'real4', type: { kind: 'float' }, role: 'field' },
    { name: 'real8', type: DOUBLE, role: 'field' },
    { name: 'data', type: { kind: 'blob', spelling: 'blob', length: null }, role: 'field' },
    { name: 'seen', type: datetimeType(6), role: 'field' },
  ]);
  const first = 1_710_504_000_123_456_789n;
  const values: SqlValue[][] = [
    [
      7,
      19_797,
      first,
      1,
      -5,
      -(1n << 63n),
      (1n << 64n) - 1n,
      1.5,
      0.1,
      Uint8Array.of(0x61, 0x62),
      1_710_504_000_000_001n,
    ],
    [7, 19_797, first + 1n, 0, 5, 3, 4, -2.25, 1e300, null, -2_208_988_800_000_000n],
    [8, null, first + 10n ** 18n, null, null, null, null, null, null, Uint8Array.of(), null],
  ];
  const table = await StoredTable.open(definition);
  table.insert(values);
  await table.flush();
  const memory = new MemoryTable(definition, values);
  for (const sql of [
    'SELECT id, day, ts, flag, tiny, big, huge, real4, real8, data, seen FROM types ORDER BY ts',
    'SELECT id, count(*), max(huge), min(big), min(seen), max(ts) FROM types GROUP BY id ORDER BY id',
    "SELECT id FROM types WHERE ts > '2024-03-15 12:00:00.123456789'",
    "SELECT tiny FROM types WHERE id = 7 AND day = '2024-03-15' ORDER BY tiny",
    'SELECT huge FROM types WHERE huge > 18446744073709551614',
    'SELECT date_bin(INTERVAL 1 SECOND, ts) b, count(*) FROM types GROUP BY b ORDER BY b',
  ]) {
    const expected = await query(sql, { tables: [memory] });
    expect(expected.rows.length).toBeGreaterThan(0);
    expect((await query(sql, options(table))).rows).toEqual(expected.rows);
  }
  await table.close();
});
