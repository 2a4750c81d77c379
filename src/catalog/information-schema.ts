/**
 * information_schema: the list of its tables, found by name without case.
 *
 * Also what MySQL lacks: REPLICATION_CONFLICTS, everything that the two nodes did at once and that did not merge
 * without a trace.
 */

import { EMPTY_TABLES } from './information-schema-empty.js';
import { KEY_COLUMN_USAGE, STATISTICS, TABLE_CONSTRAINTS } from './information-schema-keys.js';
import {
  CHARACTER_SET_LIST,
  COLLATION_CHARACTER_SET_APPLICABILITY,
  COLLATION_LIST,
  ENGINES,
  KEYWORDS,
  PLUGINS,
  PROCESSLIST,
} from './information-schema-server.js';
import { COLUMNS, PARTITIONS, SCHEMATA, TABLES, VIEWS } from './information-schema-tables.js';
import { asVirtualTable } from './information-source.js';
import type { InformationSource, InformationTable } from './information-source.js';
import { versionTimeText } from './version-time.js';
import {
  BIGINT,
  DATETIME,
  INT,
  TEXT,
  VARCHAR_64,
  optional,
  required,
  varchar,
} from './virtual-table.js';
import type { VirtualTable } from './virtual-table.js';

export const REPLICATION_CONFLICTS: InformationTable = {
  name: 'REPLICATION_CONFLICTS',
  columns: [
    required('KIND', varchar(32)),
    required('TABLE_SCHEMA', VARCHAR_64),
    required('TABLE_NAME', VARCHAR_64),
    optional('RENAMED_TO', varchar(128)),
    required('NODE_ID', INT),
    required('TABLE_ID', BIGINT),
    required('CREATED', DATETIME),
    required('DETAIL', TEXT),
  ],
  rows: (source) =>
    source.catalog
      .conflicts()
      .map((conflict) => [
        conflict.kind,
        conflict.database,
        conflict.table,
        conflict.renamedTo,
        conflict.origin,
        conflict.tableId,
        versionTimeText(conflict.tableId, source.zone),
        conflict.detail,
      ]),
};

/** In order of name. */
export const INFORMATION_TABLES: readonly InformationTable[] = [
  CHARACTER_SET_LIST,
  COLLATION_LIST,
  COLLATION_CHARACTER_SET_APPLICABILITY,
  COLUMNS,
  ENGINES,
  KEYWORDS,
  KEY_COLUMN_USAGE,
  PARTITIONS,
  PLUGINS,
  PROCESSLIST,
  REPLICATION_CONFLICTS,
  SCHEMATA,
  STATISTICS,
  TABLES,
  TABLE_CONSTRAINTS,
  VIEWS,
  ...EMPTY_TABLES,
].sort((a, b) => (a.name < b.name ? -1 : 1));

/** undefined when information_schema has no such table. */
export function informationSchemaTable(
  name: string,
  source: InformationSource,
): VirtualTable | undefined {
  const wanted = name.toUpperCase();
  const found = INFORMATION_TABLES.find((table) => table.name === wanted);
  return found === undefined ? undefined : asVirtualTable(found, source, INFORMATION_TABLES);
}
