/**
 * What SHOW statements about the catalog select from, with MySQL's headings.
 *
 * A SHOW is run as a SELECT over one of these, so that LIKE and WHERE, column types and result encoding come from the same
 * place as everywhere else. LIKE compares without case; it filters the first column.
 */

import { columnExtra, columnKey, tableRow } from './information-schema-tables.js';
import { indexRows } from './information-schema-keys.js';
import { INFORMATION_TABLES } from './information-schema.js';
import { INFORMATION_SCHEMA, isInformationSchema } from './information-source.js';
import type { InformationSource } from './information-source.js';
import { defaultText } from './default-text.js';
import { likeMatcher } from './like-pattern.js';
import { TABLE_COLLATION } from './show-create-table.js';
import type { SqlType } from './sql-type.js';
import type { TableDefinition } from './table-definition.js';
import { columnTypeName, hasCollation } from './type-name.js';
import {
  BIGINT_UNSIGNED,
  DATETIME,
  INT,
  TEXT,
  VARCHAR_64,
  optional,
  required,
  varchar,
} from './virtual-table.js';
import type { VirtualColumn, VirtualTable, VirtualValue } from './virtual-table.js';

/** A table behind a SHOW; `like` is applied to the column at `likeColumn`. */
export function showTable(
  name: string,
  columns: readonly VirtualColumn[],
  rows: () => Iterable<readonly VirtualValue[]>,
  like: string | null,
  likeColumn = 0,
): VirtualTable {
  const filtered = (): Iterable<readonly VirtualValue[]> =>
    like === null ? rows() : matchingRows(rows(), like, likeColumn);
  return { kind: 'virtual', database: '', name, columns, rows: filtered };
}

function* matchingRows(
  rows: Iterable<readonly VirtualValue[]>,
  like: string,
  likeColumn: number,
): Iterable<readonly VirtualValue[]> {
  const matches = likeMatcher(like);
  for (const row of rows) if (matches(String(row[likeColumn] ?? ''))) yield row;
}

export function showDatabases(source: InformationSource, like: string | null): VirtualTable {
  const heading = like === null ? 'Database' : `Database (${like})`;
  return showTable(
    'SCHEMATA',
    [required(heading, VARCHAR_64)],
    () => [[INFORMATION_SCHEMA], ...source.catalog.databases().map(({ name }) => [name])],
    like,
  );
}

/** SHOW [FULL] TABLES. */
export function showTables(
  source: InformationSource,
  database: string,
  full: boolean,
  like: string | null,
): VirtualTable {
  const heading = `Tables_in_${database}${like === null ? '' : ` (${like})`}`;
  const columns = [required(heading, VARCHAR_64)];
  if (full) columns.push(required('Table_type', VARCHAR_64));
  const rows = (): VirtualValue[][] =>
    tableNames(source, database).map(([name, type]) => (full ? [name, type] : [name]));
  return showTable('TABLE_NAMES', columns, rows, like);
}

function tableNames(source: InformationSource, database: string): (readonly [string, string])[] {
  if (isInformationSchema(database)) {
    return INFORMATION_TABLES.map((table) => [table.name, 'SYSTEM VIEW']);
  }
  return source.catalog.tables(database).map((table) => [table.name, 'BASE TABLE']);
}

/** SHOW [FULL] COLUMNS, DESCRIBE. `column` null = all of them. */
export function showColumns(
  table: TableDefinition,
  source: InformationSource,
  full: boolean,
  like: string | null,
): VirtualTable {
  const rows = (): VirtualValue[][] =>
    table.columns.map((column) =>
      columnCells(
        {
          name: column.name,
          type: column.type,
          nullable: column.nullable,
          key: columnKey(column),
          defaultValue: defaultText(column, source.zone),
          extra: columnExtra(column),
          collation: TABLE_COLLATION,
          privileges: 'select,insert,update,references',
          comment: column.comment,
        },
        full,
      ),
    );
  return showTable('COLUMNS', full ? FULL_COLUMNS : PLAIN_COLUMNS, rows, like);
}

/** The same of a virtual table. */
export function showVirtualColumns(
  table: VirtualTable,
  full: boolean,
  like: string | null,
): VirtualTable {
  const rows = (): VirtualValue[][] =>
    table.columns.map((column) =>
      columnCells(
        {
          name: column.name,
          type: column.type,
          nullable: column.nullable,
          key: '',
          defaultValue: null,
          extra: '',
          collation: 'utf8mb3_general_ci',
          privileges: 'select',
          comment: '',
        },
        full,
      ),
    );
  return showTable('COLUMNS', full ? FULL_COLUMNS : PLAIN_COLUMNS, rows, like);
}

const PLAIN_COLUMNS = [
  required('Field', VARCHAR_64),
  required('Type', TEXT),
  required('Null', varchar(3)),
  required('Key', varchar(3)),
  optional('Default', TEXT),
  required('Extra', varchar(256)),
];

const FULL_COLUMNS = [
  required('Field', VARCHAR_64),
  required('Type', TEXT),
  optional('Collation', VARCHAR_64),
  required('Null', varchar(3)),
  required('Key', varchar(3)),
  optional('Default', TEXT),
  required('Extra', varchar(256)),
  required('Privileges', varchar(154)),
  required('Comment', TEXT),
];

interface ShownColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
  readonly key: string;
  readonly defaultValue: string | null;
  readonly extra: string;
  readonly collation: string;
  readonly privileges: string;
  readonly comment: string;
}

function columnCells(column: ShownColumn, full: boolean): VirtualValue[] {
  const { name, type, key, defaultValue, extra } = column;
  const typeText = columnTypeName(type);
  const nullText = column.nullable ? 'YES' : 'NO';
  if (!full) return [name, typeText, nullText, key, defaultValue, extra];
  const collation = hasCollation(type) ? column.collation : null;
  const { privileges, comment } = column;
  return [name, typeText, collation, nullText, key, defaultValue, extra, privileges, comment];
}

/** SHOW INDEX. */
export function showIndex(
  table: TableDefinition | null,
  source: InformationSource,
  like: string | null,
): VirtualTable {
  const columns = [
    required('Table', VARCHAR_64),
    required('Non_unique', INT),
    required('Key_name', VARCHAR_64),
    required('Seq_in_index', INT),
    optional('Column_name', VARCHAR_64),
    optional('Collation', varchar(1)),
    optional('Cardinality', BIGINT_UNSIGNED),
    optional('Sub_part', BIGINT_UNSIGNED),
    optional('Packed', varchar(10)),
    required('Null', varchar(3)),
    required('Index_type', varchar(11)),
    required('Comment', varchar(8)),
    required('Index_comment', varchar(2048)),
    required('Visible', varchar(3)),
    optional('Expression', TEXT),
  ];
  return showTable(
    'STATISTICS',
    columns,
    () => (table === null ? [] : indexRows(table, source)),
    like,
  );
}

/** SHOW TABLE STATUS. */
export function showTableStatus(
  source: InformationSource,
  database: string,
  like: string | null,
): VirtualTable {
  const columns = [
    required('Name', VARCHAR_64),
    optional('Engine', VARCHAR_64),
    optional('Version', INT),
    optional('Row_format', varchar(10)),
    optional('Rows', BIGINT_UNSIGNED),
    optional('Avg_row_length', BIGINT_UNSIGNED),
    optional('Data_length', BIGINT_UNSIGNED),
    optional('Max_data_length', BIGINT_UNSIGNED),
    optional('Index_length', BIGINT_UNSIGNED),
    optional('Data_free', BIGINT_UNSIGNED),
    optional('Auto_increment', BIGINT_UNSIGNED),
    optional('Create_time', DATETIME),
    optional('Update_time', DATETIME),
    optional('Check_time', DATETIME),
    optional('Collation', VARCHAR_64),
    optional('Checksum', BIGINT_UNSIGNED),
    optional('Create_options', varchar(256)),
    optional('Comment', TEXT),
  ];
  function* rows(): Iterable<VirtualValue[]> {
    for (const table of source.catalog.tables(database)) {
      const [, , name, , ...rest] = tableRow(table, source);
      yield [name ?? null, ...rest];
    }
  }
  return showTable('TABLES', columns, rows, like);
}
