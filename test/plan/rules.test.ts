/** What reaches the scan: the rules are seen through the ScanRequest that a table gets. */

import { cpuTable, DAY_START } from '../exec/cpu-table.js';
import { query } from '../exec/query-harness.js';
import { RULES } from '../../src/plan/rules.js';

async function scanOf(
  sql: string,
  timeZone = 'UTC',
): Promise<ReturnType<typeof cpuTable>['scans'][number] | undefined> {
  const table = cpuTable();
  await query(sql, { tables: [table], timeZone });
  expect(table.scans.length).toBeLessThanOrEqual(1);
  expect(table.released).toBe(1);
  return table.scans[0];
}

test('rules have names, and each name once', () => {
  const names = RULES.map((rule) => rule.name);
  expect(new Set(names).size).toBe(names.length);
});

const minute = (count: number): bigint => DAY_START + BigInt(count) * 60_000n;

test.each<[condition: string, min: bigint | null, max: bigint | null]>([
  ["ts >= '2024-03-15 00:05:00'", minute(5), null],
  ["ts > '2024-03-15 00:05:00'", minute(5) + 1n, null],
  ["'2024-03-15 00:05:00' > ts", null, minute(5) - 1n],
  ["ts <= '2024-03-15 00:05:00.0005'", null, minute(5)],
  ["ts < '2024-03-15 00:05:00.0005'", null, minute(5)],
  ["ts > '2024-03-15 00:05:00.0005'", minute(5) + 1n, null],
  ["ts >= '2024-03-15 00:05:00.0005'", minute(5) + 1n, null],
  ["ts = '2024-03-15 00:05:00'", minute(5), minute(5)],
  ['ts BETWEEN FROM_UNIXTIME(1710460800) AND FROM_UNIXTIME(1710460860)', minute(0), minute(1)],
  [
    "ts >= '2024-03-15' AND ts < '2024-03-16' AND ts >= '2024-03-15 01:00:00'",
    minute(60),
    minute(1440) - 1n,
  ],
  ['ts >= 1710460860000', minute(1), null],
  ['ts > now() - INTERVAL 1 HOUR', 1_710_494_430_001n, null],
  ["ts >= '2024-03-15 00:05:00' OR cores = 1", null, null],
  ["ts <> '2024-03-15 00:05:00'", null, null],
])('time bounds of %s', async (condition, min, max) => {
  const scan = await scanOf(`SELECT host FROM cpu WHERE ${condition}`);
  expect([scan?.timeMin, scan?.timeMax]).toEqual([min, max]);
});

test('an empty range, an impossible equality and a false condition read nothing', async () => {
  for (const condition of [
    "ts > '2024-03-16' AND ts < '2024-03-15'",
    "ts = '2024-03-15 00:00:00.0005'",
    '1 = 2',
    'NULL',
  ]) {
    expect(await scanOf(`SELECT host FROM cpu WHERE ${condition}`)).toBeUndefined();
  }
});

/** Series in the order of the rows: (a,x) (b,x) (b,y) (c,NULL) (NULL,y). */
test.each<[condition: string, mask: number[] | null]>([
  ["host = 'a'", [1, 0, 0, 0, 0]],
  ["host = 'b' AND dc = 'y'", [0, 0, 1, 0, 0]],
  ["host = 'b' OR dc = 'y'", [0, 1, 1, 0, 1]],
  ['dc IS NULL', [0, 0, 0, 1, 0]],
  ["upper(host) LIKE 'A%' AND busy > 0", [1, 0, 0, 0, 0]],
  ["host IN ('a', 'c')", [1, 0, 0, 1, 0]],
  ["host = 'a' OR busy > 0", null],
  ["host = 'a' AND rand() >= 0", [1, 0, 0, 0, 0]],
  ['rand() >= 0', null],
])('series mask of %s', async (condition, mask) => {
  expect((await scanOf(`SELECT ts FROM cpu WHERE ${condition}`))?.masks ?? null).toEqual(mask);
});

test('a mask that wants no series does not scan', async () => {
  expect(await scanOf("SELECT ts FROM cpu WHERE host = 'zzz'")).toBeUndefined();
});

/** Places: 0 host, 1 dc, 2 ts, 3 busy, 4 cores, 5 total, 6 note. */
test.each<[sql: string, columns: number[]]>([
  ['SELECT busy FROM cpu', [3]],
  ["SELECT busy FROM cpu WHERE cores > 1 AND host = 'a' ORDER BY note", [3, 4, 6]],
  ['SELECT count(*) FROM cpu', []],
  ['SELECT host, max(busy) FROM cpu GROUP BY host HAVING min(cores) > 0', [0, 3, 4]],
  ["SELECT busy FROM cpu WHERE ts > '2024-03-15'", [3]],
  ['SELECT last_value(busy) FROM cpu', [2, 3]],
])('columns read by %s', async (sql, columns) => {
  expect((await scanOf(sql))?.columns).toEqual(columns);
});

test.each<[sql: string, limit: number | undefined]>([
  ['SELECT busy FROM cpu LIMIT 3', 3],
  ['SELECT busy + 1 FROM cpu LIMIT 3 OFFSET 2', 5],
  ["SELECT busy FROM cpu WHERE host = 'a' LIMIT 3", 3],
  ['SELECT busy FROM cpu WHERE cores > 0 LIMIT 3', undefined],
  ['SELECT busy FROM cpu ORDER BY busy LIMIT 3', undefined],
  ['SELECT DISTINCT busy FROM cpu LIMIT 3', undefined],
  ['SELECT count(*) FROM cpu LIMIT 3', undefined],
])('limit of %s', async (sql, limit) => {
  expect((await scanOf(sql))?.limitRows).toBe(limit);
});

describe('answers from statistics', () => {
  const sql = 'SELECT count(*), min(ts), max(ts), count(ts) FROM cpu';
  const expected = [['7', '2024-03-15 00:00:00.000', '2024-03-15 01:02:00.000', '7']];

  test('without a scan where the count is exact', async () => {
    const table = cpuTable({ exact: true });
    expect((await query(sql, { tables: [table] })).rows).toEqual(expected);
    expect(table.scans).toEqual([]);
  });

  test('the same answer by scanning where it is not', async () => {
    const table = cpuTable();
    expect((await query(sql, { tables: [table] })).rows).toEqual(expected);
    expect(table.scans.length).toBe(1);
  });

  test.each([
    'SELECT count(busy) FROM cpu',
    'SELECT min(busy) FROM cpu',
    "SELECT count(*) FROM cpu WHERE ts > '2024-01-01'",
    'SELECT host, count(*) FROM cpu GROUP BY host',
    'SELECT count(DISTINCT ts) FROM cpu',
  ])('not for %s', async (other) => {
    const table = cpuTable({ exact: true });
    await query(other, { tables: [table] });
    expect(table.scans.length).toBe(1);
  });
});
