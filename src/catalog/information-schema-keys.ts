/**
 * information_schema: STATISTICS, KEY_COLUMN_USAGE, TABLE_CONSTRAINTS.
 *
 * A table has one key, named PRIMARY: its tags in order, then the time index. A table in append mode without tags
 * has none, since no two of its rows are ever the same.
 */

import { allTables } from './information-schema-tables.js';
import type { InformationSource, InformationTable } from './information-source.js';
import { hasPrimaryKey } from './show-create-table.js';
import type { ColumnDefinition, TableDefinition } from './table-definition.js';
import {
  BIGINT,
  INT_UNSIGNED,
  TEXT,
  VARCHAR_64,
  optional,
  required,
  varchar,
} from './virtual-table.js';
import type { VirtualValue } from './virtual-table.js';

const CATALOG = 'def';
const KEY_NAME = 'PRIMARY';

export const STATISTICS: InformationTable = {
  name: 'STATISTICS',
  columns: [
    required('TABLE_CATALOG', VARCHAR_64),
    required('TABLE_SCHEMA', VARCHAR_64),
    required('TABLE_NAME', VARCHAR_64),
    required('NON_UNIQUE', INT_UNSIGNED),
    required('INDEX_SCHEMA', VARCHAR_64),
    optional('INDEX_NAME', VARCHAR_64),
    required('SEQ_IN_INDEX', INT_UNSIGNED),
    optional('COLUMN_NAME', VARCHAR_64),
    optional('COLLATION', varchar(1)),
    optional('CARDINALITY', BIGINT),
    optional('SUB_PART', BIGINT),
    optional('PACKED', varchar(10)),
    required('NULLABLE', varchar(3)),
    required('INDEX_TYPE', varchar(11)),
    required('COMMENT', varchar(8)),
    required('INDEX_COMMENT', varchar(2048)),
    required('IS_VISIBLE', varchar(3)),
    optional('EXPRESSION', TEXT),
  ],
  *rows(source) {
    for (const table of allTables(source)) {
      const nonUnique = table.appendMode ? 1 : 0;
      for (const facts of keyFacts(table, source)) {
        yield [CATALOG, table.database, table.name, nonUnique, table.database, ...facts];
      }
    }
  },
};

export const KEY_COLUMN_USAGE: InformationTable = {
  name: 'KEY_COLUMN_USAGE',
  columns: [
    required('CONSTRAINT_CATALOG', VARCHAR_64),
    required('CONSTRAINT_SCHEMA', VARCHAR_64),
    optional('CONSTRAINT_NAME', VARCHAR_64),
    required('TABLE_CATALOG', VARCHAR_64),
    required('TABLE_SCHEMA', VARCHAR_64),
    required('TABLE_NAME', VARCHAR_64),
    optional('COLUMN_NAME', VARCHAR_64),
    required('ORDINAL_POSITION', INT_UNSIGNED),
    optional('POSITION_IN_UNIQUE_CONSTRAINT', INT_UNSIGNED),
    optional('REFERENCED_TABLE_SCHEMA', VARCHAR_64),
    optional('REFERENCED_TABLE_NAME', VARCHAR_64),
    optional('REFERENCED_COLUMN_NAME', VARCHAR_64),
  ],
  rows: (source) =>
    allTables(source).flatMap((table) =>
      keyColumns(table).map((column, index) => [
        CATALOG,
        table.database,
        KEY_NAME,
        CATALOG,
        table.database,
        table.name,
        column.name,
        index + 1,
        null,
        null,
        null,
        null,
      ]),
    ),
};

export const TABLE_CONSTRAINTS: InformationTable = {
  name: 'TABLE_CONSTRAINTS',
  columns: [
    required('CONSTRAINT_CATALOG', VARCHAR_64),
    required('CONSTRAINT_SCHEMA', VARCHAR_64),
    optional('CONSTRAINT_NAME', VARCHAR_64),
    required('TABLE_SCHEMA', VARCHAR_64),
    required('TABLE_NAME', VARCHAR_64),
    required('CONSTRAINT_TYPE', varchar(11)),
    required('ENFORCED', varchar(3)),
  ],
  rows: (source) =>
    allTables(source)
      .filter(hasPrimaryKey)
      .map((table) => [
        CATALOG,
        table.database,
        KEY_NAME,
        table.database,
        table.name,
        'PRIMARY KEY',
        'YES',
      ]),
};

/** SHOW INDEX: MySQL's 15 columns. */
export function indexRows(table: TableDefinition, source: InformationSource): VirtualValue[][] {
  const nonUnique = table.appendMode ? 1 : 0;
  return keyFacts(table, source).map((facts) => [table.name, nonUnique, ...facts]);
}

/** Of each column of the key: INDEX_NAME and what follows, which STATISTICS and SHOW INDEX have alike. */
function keyFacts(table: TableDefinition, source: InformationSource): VirtualValue[][] {
  const rowCount = cardinality(table, source);
  return keyColumns(table).map((column, index) => [
    KEY_NAME,
    index + 1,
    column.name,
    'A',
    rowCount,
    null,
    null,
    column.nullable ? 'YES' : '',
    'BTREE',
    '',
    '',
    'YES',
    null,
  ]);
}

function keyColumns(table: TableDefinition): readonly ColumnDefinition[] {
  return hasPrimaryKey(table) ? [...table.tags, table.timeIndex] : [];
}

function cardinality(table: TableDefinition, source: InformationSource): number {
  return table.parts.reduce((rows, part) => rows + source.tableStatistics(part.tableId).rows, 0);
}
