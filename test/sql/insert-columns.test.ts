/** Which cell of an INSERT goes to which column, and what omitted columns hold. */

import type {
  ColumnDefault,
  ColumnDefinition,
  TableDefinition,
} from '../../src/catalog/table-definition.js';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { SqlError } from '../../protocol/index.js';
import { findTimeZone } from '../../src/exec/time-zone.js';
import { resolveInsertColumns } from '../../src/sql/insert-columns.js';
import { ColumnRole } from '../../storage/index.js';
import { datetime, DOUBLE, INT, RecordingSink, TEXT, timestamp } from './scan-support.js';

const NONE: ColumnDefault = { kind: 'none' };
const NOW: ColumnDefault = { kind: 'now' };

function column(
  name: string,
  type: SqlType,
  given: ColumnDefault = NONE,
  nullable = true,
): Omit<ColumnDefinition, 'position' | 'schemaIndex' | 'columnId'> {
  return { name, type, role: ColumnRole.field, nullable, default: given, comment: '' };
}

function tableOf(...columns: readonly ReturnType<typeof column>[]): TableDefinition {
  const placed = columns.map((each, index) => ({
    ...each,
    position: index,
    schemaIndex: columns.length - 1 - index,
    columnId: index,
  }));
  const [timeIndex] = placed;
  if (timeIndex === undefined) throw new Error('a table has columns');
  return {
    database: 'd',
    name: 't',
    parts: [
      {
        tableId: 1,
        origin: 1,
        schema: { tableId: 1, columns: [], appendMode: false, partitionMs: 1 },
        columnIds: [],
      },
    ],
    columns: placed,
    timeIndex,
    tags: [],
    appendMode: false,
    partitionMs: 1,
    options: [],
    comment: '',
    mergeFields: false,
    ttl: null,
    createdVersion: 1,
  };
}

const zone = findTimeZone('+02:00');
if (zone === null) throw new Error('no zone');
const CONTEXT = { row: 1, timeZone: zone };
const START = { seconds: 1_700_000_000, nanoseconds: 987_654_321 };

/** What the columns that are not named hold, by schema index. */
function omitted(table: TableDefinition, names: readonly string[] | null): readonly string[] {
  const sink = new RecordingSink();
  for (const cell of resolveInsertColumns(table, names, CONTEXT, START).omitted) cell.replay(sink);
  sink.endRow();
  return sink.rows[0] ?? [];
}

function errorOf(table: TableDefinition, names: readonly string[]): string {
  try {
    resolveInsertColumns(table, names, CONTEXT, START);
    return 'no error';
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `${error.errno} ${error.message}`;
  }
}

const constant = (value: string | number | bigint | boolean | null): ColumnDefault => ({
  kind: 'constant',
  value,
});

test('cells follow the names, without names the table', () => {
  const table = tableOf(column('a', INT), column('b', TEXT), column('c', DOUBLE));
  const cellsOf = (names: readonly string[] | null): unknown[] =>
    resolveInsertColumns(table, names, CONTEXT, START).cells.map(({ converter }) => [
      converter.name,
      converter.column,
    ]);
  expect(cellsOf(['C', 'a'])).toEqual([
    ['c', 0],
    ['a', 2],
  ]);
  expect(cellsOf(null)).toEqual([
    ['a', 2],
    ['b', 1],
    ['c', 0],
  ]);
  expect(cellsOf([])).toEqual([]);
});

test.each<[name: string, type: SqlType, given: ColumnDefault, cell: string]>([
  ['none', INT, NONE, 'NULL'],
  ['null', INT, constant(null), 'NULL'],
  ['a number', INT, constant(5), '5'],
  ['a fraction', DOUBLE, constant(1.5), '1.5'],
  ['a text', TEXT, constant('x'), "'x'"],
  ['a truth', { kind: 'boolean' }, constant(true), '1'],
  ['a count', timestamp(9), constant(1_700_000_000_123_456_789n), '1700000000+123456789'],
  ['days', { kind: 'date' }, constant(19_782), '19782'],
  ['now in milliseconds, cut', timestamp(3), NOW, '1700000000+987'],
  ['now in nanoseconds', timestamp(9), NOW, '1700000000+987654321'],
  ['now on the wall', datetime(0), NOW, '1700007200+0'],
])('default: %s', (_name, type, given, cell) => {
  expect(omitted(tableOf(column('c', type, given)), [])).toEqual([cell]);
});

test('errors', () => {
  const table = tableOf(column('a', INT, NONE, false), column('b', INT));
  expect(errorOf(table, ['x', 'a'])).toBe("1054 Unknown column 'x' in 'field list'");
  expect(errorOf(table, ['a', 'A'])).toBe("1110 Column 'a' specified twice");
  expect(errorOf(table, ['b'])).toBe("1364 Field 'a' doesn't have a default value");
  expect(errorOf(table, ['a'])).toBe('no error');
});
