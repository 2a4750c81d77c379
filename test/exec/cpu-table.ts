/** The table that most query tests read: two tags (NULL among them), a timestamp(3), fields of several types. */

import {
  BIGINT,
  DOUBLE,
  INT32,
  textBytes,
  timestampType,
  type SqlValue,
} from '../../src/exec/sql-value.js';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { defineTable, MemoryTable } from './query-harness.js';

const STRING: SqlType = { kind: 'text', spelling: 'varchar', length: 64 };

export const cpuDefinition = defineTable('cpu', [
  { name: 'host', type: STRING, role: 'tag' },
  { name: 'dc', type: STRING, role: 'tag' },
  { name: 'ts', type: timestampType(3), role: 'time' },
  { name: 'busy', type: DOUBLE, role: 'field' },
  { name: 'cores', type: INT32, role: 'field' },
  { name: 'total', type: BIGINT, role: 'field' },
  { name: 'note', type: STRING, role: 'field' },
]);

/** 2024-03-15 00:00:00 UTC in milliseconds. */
export const DAY_START = 1_710_460_800_000n;

type Row = readonly [
  host: string | null,
  dc: string | null,
  minute: number,
  busy: number | null,
  cores: number | null,
  total: bigint | null,
  note: string | null,
];

export const cpuRows: readonly Row[] = [
  ['a', 'x', 0, 10.5, 4, 9_007_199_254_740_993n, 'one'],
  ['a', 'x', 5, 20.5, 4, 5n, null],
  ['b', 'x', 0, 30, 8, 7n, 'Two'],
  ['b', 'y', 1, null, 8, null, 'two'],
  ['a', 'x', 10, 40, null, -3n, 'three'],
  ['c', null, 61, 50.25, 2, 0n, ''],
  [null, 'y', 62, -1, 2, 1n, 'four'],
];

const text = (value: string | null): SqlValue => (value === null ? null : textBytes(value));

export function cpuTable(options: { batchRows?: number; exact?: boolean } = {}): MemoryTable {
  const rows = cpuRows.map(([host, dc, minute, busy, cores, total, note]): SqlValue[] => [
    text(host),
    text(dc),
    DAY_START + BigInt(minute) * 60_000n,
    busy,
    cores,
    total,
    text(note),
  ]);
  return new MemoryTable(cpuDefinition, rows, options);
}
