/** evaluateConstant, and instants that survive the hour that a clock change repeats. */

import { evaluateConstant } from '../../src/exec/constant.js';
import { bytesText, textConstant, type TypedValue } from '../../src/exec/sql-value.js';
import { timestampType } from '../../src/exec/sql-value.js';
import type { Expression } from '../../src/sql/ast.js';
import {
  defineTable,
  harnessContext,
  MemoryTable,
  NOW_MS,
  parseSelect,
  query,
  type HarnessOptions,
} from './query-harness.js';

function constant(text: string, options: HarnessOptions = {}): TypedValue {
  const item = parseSelect(`SELECT ${text}`).items[0]!;
  if (item.kind !== 'expression') throw new Error('an expression is wanted');
  const { expression }: { expression: Expression } = item;
  return evaluateConstant(expression, harnessContext(options));
}

test.each<[text: string, kind: string, value: unknown]>([
  ['1 + 1', 'integer', 2],
  ['18446744073709551615', 'integer', 18_446_744_073_709_551_615n],
  ['-1.50', 'decimal', -150n],
  ['1e3', 'double', 1000],
  ['NULL', 'null', null],
  ["DATE '2024-03-15'", 'date', 19_797],
  ["TIMESTAMP '2024-03-15 10:20:30.5'", 'datetime', 17_104_980_305n],
  ["TIME '-01:00:00'", 'time', -3_600_000_000],
  ['now()', 'timestamp', BigInt(Math.floor(NOW_MS / 1000))],
  ['current_timestamp(3)', 'timestamp', BigInt(NOW_MS)],
  ['now() + INTERVAL 1 SECOND', 'datetime', BigInt(Math.floor(NOW_MS / 1000)) + 1n],
])('%s', (text, kind, value) => {
  const result = constant(text);
  expect([result.type.kind, result.value]).toEqual([kind, value]);
});

test('texts come as bytes, parameters and variables as they are', () => {
  expect(bytesText(constant("concat('a', 'ä')").value as Uint8Array)).toBe('aä');
  const variables = new Map([['x', textConstant('v')]]);
  expect(bytesText(constant('@x', { variables }).value as Uint8Array)).toBe('v');
});

test.each(['nocolumn', '9223372036854775807 + 1', 'nofunction()', 'count(*)', 'sleep(1)'])(
  '%s fails',
  (text) => {
    expect(() => constant(text)).toThrow();
  },
);

describe('the hour that Europe/Berlin repeats on 2024-10-27', () => {
  const timeZone = 'Europe/Berlin';
  /** 00:30 UTC is 02:30 summer time, 01:30 UTC is 02:30 winter time. */
  const first = 1_729_989_000n;
  const second = first + 3600n;
  const definition = defineTable('t', [{ name: 'ts', type: timestampType(0), role: 'time' }]);
  const tables = [new MemoryTable(definition, [[first], [second]])];

  test('both rows show the same wall clock', async () => {
    const { rows } = await query('SELECT ts FROM t', { tables, timeZone });
    expect(rows).toEqual([['2024-10-27 02:30:00'], ['2024-10-27 02:30:00']]);
  });

  test('FROM_UNIXTIME of a constant finds the one that was meant', async () => {
    for (const instant of [first, second]) {
      const sql = `SELECT unix_timestamp(ts) FROM t WHERE ts = FROM_UNIXTIME(${instant})`;
      expect((await query(sql, { tables, timeZone })).rows).toEqual([[String(instant)]]);
    }
  });

  test('hours stay apart, the day is one', async () => {
    const count = async (bucket: string): Promise<number> =>
      (await query(`SELECT ${bucket} b, count(*) FROM t GROUP BY b`, { tables, timeZone })).rows
        .length;
    expect(await count("date_trunc('hour', ts)")).toBe(2);
    expect(await count('date_bin(INTERVAL 1 HOUR, ts)')).toBe(2);
    expect(await count('date_bin(INTERVAL 1 DAY, ts)')).toBe(1);
    expect(await count("date_trunc('day', ts)")).toBe(1);
  });

  test('a day begins at local midnight', async () => {
    const { rows } = await query('SELECT DISTINCT date_bin(INTERVAL 1 DAY, ts) FROM t', {
      tables,
      timeZone,
    });
    expect(rows).toEqual([['2024-10-27 00:00:00']]);
  });
});
