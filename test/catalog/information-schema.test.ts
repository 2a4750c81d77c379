/** information_schema and SHOW: MySQL's columns, and the values that clients read. */

import { Catalog } from '../../src/catalog/catalog.js';
import { GlobalVariables } from '../../src/catalog/global-variables.js';
import {
  INFORMATION_TABLES,
  informationSchemaTable,
} from '../../src/catalog/information-schema.js';
import type { InformationSource } from '../../src/catalog/information-source.js';
import { SessionVariables } from '../../src/catalog/session-variables.js';
import {
  showColumns,
  showDatabases,
  showIndex,
  showTables,
  showTableStatus,
} from '../../src/catalog/show-tables.js';
import { showNothing, showVariables, showWarnings } from '../../src/catalog/show-server.js';
import type { VirtualTable, VirtualValue } from '../../src/catalog/virtual-table.js';
import { UTC } from '../../src/exec/time-zone.js';
import { planOf } from './create-statement.js';

/** 2023-11-14 22:13:20 */
const CREATED = 1_700_000_000_000 * 2048 + 1;

function sourceOf(...creates: string[]): InformationSource {
  const catalog = new Catalog();
  catalog.apply(CREATED - 8, 1, catalog.createDatabaseBody('d'));
  creates.forEach((text, index) => {
    catalog.apply(CREATED + index * 8, 1, catalog.createTableBody(planOf(text).operation));
  });
  return {
    catalog,
    zone: UTC,
    variables: new SessionVariables(new GlobalVariables()),
    account: { user: 'root', host: 'localhost' },
    tableStatistics: () => ({ rows: 10, bytes: 400 }),
    processes: () => [],
    status: () => [],
  };
}

const CPU =
  "CREATE TABLE cpu (host VARCHAR(20) NOT NULL, ts TIMESTAMP TIME INDEX, used DOUBLE DEFAULT 1 COMMENT 'c', n BIGINT UNSIGNED, PRIMARY KEY (host))";

/** Rows as objects by column name. */
function rowsOf(table: VirtualTable | undefined): Record<string, VirtualValue>[] {
  if (table === undefined) throw new Error('no such table');
  return [...table.rows()].map((row) =>
    Object.fromEntries(table.columns.map((column, index) => [column.name, row[index] ?? null])),
  );
}

describe('information_schema', () => {
  test('every table has one value for each of its columns', () => {
    const source = sourceOf(CPU, 'CREATE TABLE m (ts TIMESTAMP)');
    for (const { name } of INFORMATION_TABLES) {
      const table = informationSchemaTable(name.toLowerCase(), source);
      expect(table?.name).toBe(name);
      for (const row of table?.rows() ?? [])
        expect([name, row.length]).toEqual([name, table?.columns.length]);
      table?.columns.forEach((column, index) => {
        if (column.nullable) return;
        for (const row of table.rows()) expect([name, column.name, row[index]]).not.toContain(null);
      });
    }
  });

  test('an unknown table is unknown', () => {
    expect(informationSchemaTable('INNODB_TRX', sourceOf())).toBeUndefined();
  });

  test('TABLES: stored tables are BASE TABLE, its own are SYSTEM VIEW', () => {
    const rows = rowsOf(informationSchemaTable('tables', sourceOf(CPU)));
    expect(rows.filter((row) => row['TABLE_TYPE'] === 'BASE TABLE')).toEqual([
      expect.objectContaining({
        TABLE_CATALOG: 'def',
        TABLE_SCHEMA: 'd',
        TABLE_NAME: 'cpu',
        ENGINE: 'TWINTIDE',
        TABLE_ROWS: 10,
        AVG_ROW_LENGTH: 40,
        DATA_LENGTH: 400,
        CREATE_TIME: '2023-11-14 22:13:20',
        TABLE_COLLATION: 'utf8mb4_bin',
        CREATE_OPTIONS: '',
      }),
    ]);
    expect(rows.find((row) => row['TABLE_NAME'] === 'CHECK_CONSTRAINTS')?.['TABLE_TYPE']).toBe(
      'SYSTEM VIEW',
    );
  });

  test('COLUMNS: what Grafana, Connector/J and ORMs read', () => {
    const rows = rowsOf(informationSchemaTable('COLUMNS', sourceOf(CPU)));
    const shown = rows
      .filter((row) => row['TABLE_SCHEMA'] === 'd')
      .map((row) => [
        row['COLUMN_NAME'],
        row['ORDINAL_POSITION'],
        row['COLUMN_DEFAULT'],
        row['IS_NULLABLE'],
        row['DATA_TYPE'],
        row['CHARACTER_MAXIMUM_LENGTH'],
        row['NUMERIC_PRECISION'],
        row['DATETIME_PRECISION'],
        row['COLUMN_TYPE'],
        row['COLUMN_KEY'],
        row['EXTRA'],
        row['COLUMN_COMMENT'],
        row['SEMANTIC_TYPE'],
      ]);
    expect(shown).toEqual([
      ['host', 1, null, 'NO', 'varchar', 20, null, null, 'varchar(20)', 'PRI', '', '', 'TAG'],
      [
        'ts',
        2,
        null,
        'NO',
        'timestamp',
        null,
        null,
        3,
        'timestamp(3)',
        'PRI',
        'TIME INDEX',
        '',
        'TIMESTAMP',
      ],
      ['used', 3, '1', 'YES', 'double', null, 22, null, 'double', '', '', 'c', 'FIELD'],
      ['n', 4, null, 'YES', 'bigint', null, 20, null, 'bigint unsigned', '', '', '', 'FIELD'],
    ]);
  });

  test("COLUMNS begins with MySQL's columns in MySQL's order", () => {
    const names = INFORMATION_TABLES.find((table) => table.name === 'COLUMNS')?.columns.map(
      (column) => column.name,
    );
    expect(names?.slice(0, 22)).toEqual(
      `TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION COLUMN_DEFAULT IS_NULLABLE DATA_TYPE
       CHARACTER_MAXIMUM_LENGTH CHARACTER_OCTET_LENGTH NUMERIC_PRECISION NUMERIC_SCALE DATETIME_PRECISION
       CHARACTER_SET_NAME COLLATION_NAME COLUMN_TYPE COLUMN_KEY EXTRA PRIVILEGES COLUMN_COMMENT
       GENERATION_EXPRESSION SRS_ID`.split(/\s+/),
    );
  });

  test('the key is the tags and then the time index', () => {
    const source = sourceOf(CPU);
    const statistics = rowsOf(informationSchemaTable('STATISTICS', source));
    expect(
      statistics.map((row) => [
        row['INDEX_NAME'],
        row['SEQ_IN_INDEX'],
        row['COLUMN_NAME'],
        row['NON_UNIQUE'],
      ]),
    ).toEqual([
      ['PRIMARY', 1, 'host', 0],
      ['PRIMARY', 2, 'ts', 0],
    ]);
    const usage = rowsOf(informationSchemaTable('KEY_COLUMN_USAGE', source));
    expect(
      usage.map((row) => [
        row['CONSTRAINT_NAME'],
        row['COLUMN_NAME'],
        row['REFERENCED_TABLE_NAME'],
      ]),
    ).toEqual([
      ['PRIMARY', 'host', null],
      ['PRIMARY', 'ts', null],
    ]);
    expect(rowsOf(informationSchemaTable('TABLE_CONSTRAINTS', source))).toHaveLength(1);
  });

  test('a table in append mode without tags has no key', () => {
    const source = sourceOf('CREATE TABLE m (ts TIMESTAMP, v DOUBLE)');
    expect(rowsOf(informationSchemaTable('STATISTICS', source))).toEqual([]);
    expect(rowsOf(informationSchemaTable('TABLE_CONSTRAINTS', source))).toEqual([]);
  });

  test('what did not merge cleanly is listed', () => {
    const source = sourceOf('CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT)');
    const other = planOf('CREATE TABLE t (ts TIMESTAMP TIME INDEX, v DOUBLE)').operation;
    source.catalog.apply(CREATED + 81, 2, source.catalog.createTableBody(other));
    const rows = rowsOf(informationSchemaTable('replication_conflicts', source));
    expect(
      rows.map((row) => [row['KIND'], row['TABLE_NAME'], row['RENAMED_TO'], row['NODE_ID']]),
    ).toEqual([
      ['concurrent create', 't', null, 2],
      ['column clash', 't', 'v__2', 2],
    ]);
  });

  test('no collation has a NULL id, and every character set has its default', () => {
    const rows = rowsOf(informationSchemaTable('COLLATIONS', sourceOf()));
    expect(rows.every((row) => typeof row['ID'] === 'number')).toBe(true);
    const sets = rowsOf(informationSchemaTable('CHARACTER_SETS', sourceOf()));
    const defaults = rows
      .filter((row) => row['IS_DEFAULT'] === 'Yes')
      .map((row) => row['COLLATION_NAME']);
    expect(defaults.sort()).toEqual(sets.map((row) => row['DEFAULT_COLLATE_NAME']).sort());
  });

  test('KEYWORDS knows which words are reserved', () => {
    const rows = rowsOf(informationSchemaTable('KEYWORDS', sourceOf()));
    const reserved = new Map(rows.map((row) => [row['WORD'], row['RESERVED']]));
    expect([reserved.get('SELECT'), reserved.get('COMMENT')]).toEqual([1, 0]);
    expect(new Set(rows.map((row) => row['WORD'])).size).toBe(rows.length);
  });
});

describe('SHOW', () => {
  const headings = (table: VirtualTable): string[] => table.columns.map((column) => column.name);

  test('DATABASES', () => {
    const table = showDatabases(sourceOf(CPU), null);
    expect(headings(table)).toEqual(['Database']);
    expect([...table.rows()]).toEqual([['information_schema'], ['d']]);
    expect([...showDatabases(sourceOf(CPU), 'D%').rows()]).toEqual([['d']]);
  });

  test('TABLES', () => {
    const source = sourceOf(CPU, 'CREATE TABLE mem (ts TIMESTAMP)');
    expect(headings(showTables(source, 'd', false, null))).toEqual(['Tables_in_d']);
    expect([...showTables(source, 'd', true, 'c%').rows()]).toEqual([['cpu', 'BASE TABLE']]);
    expect(headings(showTables(source, 'd', true, 'c%'))).toEqual([
      'Tables_in_d (c%)',
      'Table_type',
    ]);
    expect([...showTables(source, 'information_schema', true, 'tables').rows()]).toEqual([
      ['TABLES', 'SYSTEM VIEW'],
    ]);
  });

  test('COLUMNS and DESCRIBE', () => {
    const source = sourceOf(CPU);
    const table = source.catalog.table('d', 'cpu')!;
    const plain = showColumns(table, source, false, null);
    expect(headings(plain)).toEqual(['Field', 'Type', 'Null', 'Key', 'Default', 'Extra']);
    expect([...plain.rows()][1]).toEqual(['ts', 'timestamp(3)', 'NO', 'PRI', null, 'TIME INDEX']);
    const full = showColumns(table, source, true, 'HOST');
    expect(headings(full)).toEqual([
      'Field',
      'Type',
      'Collation',
      'Null',
      'Key',
      'Default',
      'Extra',
      'Privileges',
      'Comment',
    ]);
    expect([...full.rows()]).toEqual([
      [
        'host',
        'varchar(20)',
        'utf8mb4_bin',
        'NO',
        'PRI',
        null,
        '',
        'select,insert,update,references',
        '',
      ],
    ]);
  });

  test('INDEX has fifteen columns', () => {
    const source = sourceOf(CPU);
    const table = showIndex(source.catalog.table('d', 'cpu') ?? null, source, null);
    expect(table.columns).toHaveLength(15);
    expect([...table.rows()].map((row) => [row[2], row[3], row[4]])).toEqual([
      ['PRIMARY', 1, 'host'],
      ['PRIMARY', 2, 'ts'],
    ]);
  });

  test('TABLE STATUS has eighteen columns', () => {
    const table = showTableStatus(sourceOf(CPU), 'd', null);
    expect(table.columns).toHaveLength(18);
    expect(rowsOf(table)[0]).toMatchObject({
      Name: 'cpu',
      Engine: 'TWINTIDE',
      Rows: 10,
      Collation: 'utf8mb4_bin',
      Comment: '',
    });
  });

  test('VARIABLES obeys LIKE and scope', () => {
    const source = sourceOf();
    expect([...showVariables(source, null, 'sql\\_mode').rows()]).toEqual([
      ['sql_mode', 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'],
    ]);
    expect([...showVariables(source, 'global', 'pseudo_thread_id').rows()]).toEqual([]);
    expect([...showVariables(source, null, 'version\\_tokens%').rows()]).toEqual([]);
  });

  test('WARNINGS and empty things have their headings', () => {
    const table = showWarnings([{ level: 'Note', code: 1051, message: 'm' }]);
    expect(headings(table)).toEqual(['Level', 'Code', 'Message']);
    expect([...table.rows()]).toEqual([['Note', 1051, 'm']]);
    expect(showNothing('triggers').columns).toHaveLength(11);
    expect(showNothing('events').columns).toHaveLength(15);
    expect(showNothing('functionStatus').columns).toHaveLength(11);
  });
});
