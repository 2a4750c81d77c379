/** information_schema: SCHEMATA, TABLES, COLUMNS, VIEWS, PARTITIONS, with MySQL 8's columns in MySQL 8's order. */

import { ColumnRole } from '../../storage/index.js';
import { defaultText } from './default-text.js';
import { INFORMATION_SCHEMA } from './information-source.js';
import type { InformationSource, InformationTable } from './information-source.js';
import { ENGINE, TABLE_COLLATION } from './show-create-table.js';
import type { SqlType } from './sql-type.js';
import type { ColumnDefinition, TableDefinition } from './table-definition.js';
import { columnTypeName, dataTypeName, hasCollation, typeSizes } from './type-name.js';
import { versionTimeText } from './version-time.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  DATETIME,
  INT,
  INT_UNSIGNED,
  TEXT,
  VARCHAR_64,
  optional,
  required,
  varchar,
} from './virtual-table.js';
import type { VirtualColumn, VirtualValue } from './virtual-table.js';

const CATALOG = 'def';
const PRIVILEGES = 'select,insert,update,references';
const INFORMATION_COLLATION = 'utf8mb3_general_ci';

export const SCHEMATA: InformationTable = {
  name: 'SCHEMATA',
  columns: [
    required('CATALOG_NAME', VARCHAR_64),
    required('SCHEMA_NAME', VARCHAR_64),
    required('DEFAULT_CHARACTER_SET_NAME', VARCHAR_64),
    required('DEFAULT_COLLATION_NAME', VARCHAR_64),
    optional('SQL_PATH', varchar(512)),
    required('DEFAULT_ENCRYPTION', varchar(3)),
  ],
  rows: (source) => [
    [CATALOG, INFORMATION_SCHEMA, 'utf8mb3', INFORMATION_COLLATION, null, 'NO'],
    ...source.catalog
      .databases()
      .map(({ name }) => [CATALOG, name, 'utf8mb4', TABLE_COLLATION, null, 'NO']),
  ],
};

export const TABLES: InformationTable = {
  name: 'TABLES',
  columns: [
    required('TABLE_CATALOG', VARCHAR_64),
    required('TABLE_SCHEMA', VARCHAR_64),
    required('TABLE_NAME', VARCHAR_64),
    required('TABLE_TYPE', VARCHAR_64),
    optional('ENGINE', VARCHAR_64),
    optional('VERSION', INT),
    optional('ROW_FORMAT', varchar(10)),
    optional('TABLE_ROWS', BIGINT_UNSIGNED),
    optional('AVG_ROW_LENGTH', BIGINT_UNSIGNED),
    optional('DATA_LENGTH', BIGINT_UNSIGNED),
    optional('MAX_DATA_LENGTH', BIGINT_UNSIGNED),
    optional('INDEX_LENGTH', BIGINT_UNSIGNED),
    optional('DATA_FREE', BIGINT_UNSIGNED),
    optional('AUTO_INCREMENT', BIGINT_UNSIGNED),
    required('CREATE_TIME', DATETIME),
    optional('UPDATE_TIME', DATETIME),
    optional('CHECK_TIME', DATETIME),
    optional('TABLE_COLLATION', VARCHAR_64),
    optional('CHECKSUM', BIGINT),
    optional('CREATE_OPTIONS', varchar(256)),
    optional('TABLE_COMMENT', TEXT),
  ],
  *rows(source, all) {
    for (const table of all) yield informationTableRow(table.name);
    for (const table of allTables(source)) yield tableRow(table, source);
  },
};

/** No system table was ever created: MySQL shows the time of its own start. */
const SYSTEM_TABLE_TIME = '1970-01-01 00:00:00';

function informationTableRow(name: string): VirtualValue[] {
  return [
    CATALOG,
    INFORMATION_SCHEMA,
    name,
    'SYSTEM VIEW',
    null,
    10,
    null,
    0,
    0,
    0,
    0,
    0,
    0,
    null,
    SYSTEM_TABLE_TIME,
    null,
    null,
    null,
    null,
    '',
    '',
  ];
}

/** Also what SHOW TABLE STATUS shows, without the first four. */
export function tableRow(table: TableDefinition, source: InformationSource): VirtualValue[] {
  const { rows, bytes } = tableSize(table, source);
  return [
    CATALOG,
    table.database,
    table.name,
    'BASE TABLE',
    ENGINE,
    10,
    'Dynamic',
    rows,
    rows === 0 ? 0 : Math.round(bytes / rows),
    bytes,
    0,
    0,
    0,
    null,
    versionTimeText(table.createdVersion, source.zone),
    null,
    null,
    TABLE_COLLATION,
    null,
    table.options.map(([name, value]) => `${name}=${value}`).join(' '),
    table.comment,
  ];
}

function tableSize(
  table: TableDefinition,
  source: InformationSource,
): { readonly rows: number; readonly bytes: number } {
  let rows = 0;
  let bytes = 0;
  for (const part of table.parts) {
    const statistics = source.tableStatistics(part.tableId);
    rows += statistics.rows;
    bytes += statistics.bytes;
  }
  return { rows, bytes };
}

export const COLUMNS: InformationTable = {
  name: 'COLUMNS',
  columns: [
    required('TABLE_CATALOG', VARCHAR_64),
    required('TABLE_SCHEMA', VARCHAR_64),
    required('TABLE_NAME', VARCHAR_64),
    optional('COLUMN_NAME', VARCHAR_64),
    required('ORDINAL_POSITION', INT_UNSIGNED),
    optional('COLUMN_DEFAULT', TEXT),
    required('IS_NULLABLE', varchar(3)),
    optional('DATA_TYPE', TEXT),
    optional('CHARACTER_MAXIMUM_LENGTH', BIGINT),
    optional('CHARACTER_OCTET_LENGTH', BIGINT),
    optional('NUMERIC_PRECISION', BIGINT_UNSIGNED),
    optional('NUMERIC_SCALE', BIGINT_UNSIGNED),
    optional('DATETIME_PRECISION', INT_UNSIGNED),
    optional('CHARACTER_SET_NAME', VARCHAR_64),
    optional('COLLATION_NAME', VARCHAR_64),
    required('COLUMN_TYPE', TEXT),
    required('COLUMN_KEY', varchar(3)),
    optional('EXTRA', varchar(256)),
    optional('PRIVILEGES', varchar(154)),
    required('COLUMN_COMMENT', TEXT),
    required('GENERATION_EXPRESSION', TEXT),
    optional('SRS_ID', INT_UNSIGNED),
    required('SEMANTIC_TYPE', varchar(9)),
  ],
  *rows(source, all) {
    for (const { name, columns } of all) {
      for (const [index, column] of columns.entries()) {
        yield informationColumnRow(name, column, index);
      }
    }
    for (const table of allTables(source)) {
      for (const column of table.columns) yield columnRow(table, column, source);
    }
  },
};

function informationColumnRow(table: string, column: VirtualColumn, index: number): VirtualValue[] {
  return [
    CATALOG,
    INFORMATION_SCHEMA,
    table,
    column.name,
    index + 1,
    null,
    column.nullable ? 'YES' : 'NO',
    ...typeCells(column.type, 'utf8mb3', INFORMATION_COLLATION),
    '',
    '',
    'select',
    '',
    '',
    null,
    'FIELD',
  ];
}

function columnRow(
  table: TableDefinition,
  column: ColumnDefinition,
  source: InformationSource,
): VirtualValue[] {
  return [
    CATALOG,
    table.database,
    table.name,
    column.name,
    column.position + 1,
    defaultText(column, source.zone),
    column.nullable ? 'YES' : 'NO',
    ...typeCells(column.type, 'utf8mb4', TABLE_COLLATION),
    columnKey(column),
    columnExtra(column),
    PRIVILEGES,
    column.comment,
    '',
    null,
    semanticType(column),
  ];
}

/** DATA_TYPE to COLUMN_TYPE. */
function typeCells(type: SqlType, characterSet: string, collation: string): VirtualValue[] {
  const sizes = typeSizes(type);
  return [
    dataTypeName(type),
    sizes.characterMaximumLength,
    sizes.characterOctetLength,
    sizes.numericPrecision,
    sizes.numericScale,
    sizes.datetimePrecision,
    hasCollation(type) ? characterSet : null,
    hasCollation(type) ? collation : null,
    columnTypeName(type),
  ];
}

/** Tags and the time index identify a row together. */
export function columnKey(column: ColumnDefinition): string {
  return column.role === ColumnRole.field ? '' : 'PRI';
}

/** MySQL marks an expression default so; the time index is ours to mark. */
export function columnExtra(column: ColumnDefinition): string {
  const words: string[] = [];
  if (column.default.kind === 'now') words.push('DEFAULT_GENERATED');
  if (column.role === ColumnRole.time) words.push('TIME INDEX');
  return words.join(' ');
}

function semanticType(column: ColumnDefinition): string {
  if (column.role === ColumnRole.tag) return 'TAG';
  return column.role === ColumnRole.time ? 'TIMESTAMP' : 'FIELD';
}

export const VIEWS: InformationTable = {
  name: 'VIEWS',
  columns: [
    required('TABLE_CATALOG', VARCHAR_64),
    required('TABLE_SCHEMA', VARCHAR_64),
    required('TABLE_NAME', VARCHAR_64),
    optional('VIEW_DEFINITION', TEXT),
    optional('CHECK_OPTION', varchar(8)),
    optional('IS_UPDATABLE', varchar(3)),
    optional('DEFINER', varchar(288)),
    optional('SECURITY_TYPE', varchar(7)),
    required('CHARACTER_SET_CLIENT', VARCHAR_64),
    required('COLLATION_CONNECTION', VARCHAR_64),
  ],
  rows: () => [],
};

/** One row a table, as MySQL has for a table without PARTITION BY. */
export const PARTITIONS: InformationTable = {
  name: 'PARTITIONS',
  columns: [
    required('TABLE_CATALOG', VARCHAR_64),
    required('TABLE_SCHEMA', VARCHAR_64),
    required('TABLE_NAME', VARCHAR_64),
    optional('PARTITION_NAME', VARCHAR_64),
    optional('SUBPARTITION_NAME', VARCHAR_64),
    optional('PARTITION_ORDINAL_POSITION', INT_UNSIGNED),
    optional('SUBPARTITION_ORDINAL_POSITION', INT_UNSIGNED),
    optional('PARTITION_METHOD', varchar(13)),
    optional('SUBPARTITION_METHOD', varchar(13)),
    optional('PARTITION_EXPRESSION', varchar(2048)),
    optional('SUBPARTITION_EXPRESSION', varchar(2048)),
    optional('PARTITION_DESCRIPTION', TEXT),
    optional('TABLE_ROWS', BIGINT_UNSIGNED),
    optional('AVG_ROW_LENGTH', BIGINT_UNSIGNED),
    optional('DATA_LENGTH', BIGINT_UNSIGNED),
    optional('MAX_DATA_LENGTH', BIGINT_UNSIGNED),
    optional('INDEX_LENGTH', BIGINT_UNSIGNED),
    optional('DATA_FREE', BIGINT_UNSIGNED),
    required('CREATE_TIME', DATETIME),
    optional('UPDATE_TIME', DATETIME),
    optional('CHECK_TIME', DATETIME),
    optional('CHECKSUM', BIGINT),
    required('PARTITION_COMMENT', TEXT),
    optional('NODEGROUP', varchar(256)),
    optional('TABLESPACE_NAME', varchar(268)),
  ],
  *rows(source) {
    for (const table of allTables(source)) yield partitionRow(table, source);
  },
};

function partitionRow(table: TableDefinition, source: InformationSource): VirtualValue[] {
  const { rows, bytes } = tableSize(table, source);
  return [
    CATALOG,
    table.database,
    table.name,
    ...Array<null>(9).fill(null),
    rows,
    rows === 0 ? 0 : Math.round(bytes / rows),
    bytes,
    0,
    0,
    0,
    versionTimeText(table.createdVersion, source.zone),
    null,
    null,
    null,
    '',
    null,
    null,
  ];
}

/** Every stored table, by database and name. */
export function allTables(source: InformationSource): TableDefinition[] {
  return source.catalog.databases().flatMap(({ name }) => source.catalog.tables(name));
}
