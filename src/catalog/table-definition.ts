/**
 * A table as statements see it: one name, a list of columns, and the stored parts that its rows live in.
 *
 * Almost every table has exactly one part. A second one appears when both nodes created the same name before they
 * heard of each other: both ids stay as storage, and the name reads as their union. The lowest id is the canonical part:
 * all new rows are written to it, under a schema that carries every column of the union, so parts[0] knows them all.
 */

import type { ColumnId, ColumnRole, TableId, TableSchema } from '../../storage/index.js';
import type { NodeId } from '../../storage/index.js';
import type { SqlType } from './sql-type.js';
import type { Ttl } from './ttl.js';

/** What a column holds when an INSERT does not name it. */
export type ColumnDefault =
  /** No DEFAULT clause: NULL where the column may be NULL, else the INSERT must give a value (1364). */
  | { readonly kind: 'none' }
  /**
   * A constant: what goes to the same conversion that a value in an INSERT goes through. Date and time constants are
   * kept as the count in the column's own unit, because their text was read in the zone of the CREATE's session.
   */
  | {
      readonly kind: 'constant';
      readonly value: string | number | bigint | boolean | Uint8Array | null;
    }
  /** now() / CURRENT_TIMESTAMP: the statement's start time, evaluated by the node that takes the INSERT. */
  | { readonly kind: 'now' };

export interface ColumnDefinition {
  /** As written in the CREATE; compared without case. */
  readonly name: string;
  readonly type: SqlType;
  readonly role: ColumnRole;
  readonly nullable: boolean;
  readonly default: ColumnDefault;
  readonly comment: string;
  /** 0-based place among the table's columns, in the order of the CREATE: what SELECT * and DESCRIBE follow. */
  readonly position: number;
  /** Index of the column in `parts[0].schema.columns` (tags, time, fields). */
  readonly schemaIndex: number;
  /** Identity in the canonical part. */
  readonly columnId: ColumnId;
}

export interface TablePart {
  readonly tableId: TableId;
  /** The node that took the CREATE. */
  readonly origin: NodeId;
  /** The canonical part's schema holds every column of the union; the others' only what their own CREATE named. */
  readonly schema: TableSchema;
  /** Aligned with the definition's `columns`: this part's id of the column, null where it lacks it (all NULL then). */
  readonly columnIds: readonly (ColumnId | null)[];
}

export interface TableDefinition {
  readonly database: string;
  readonly name: string;
  /** Ascending by table id; the first is canonical. Never empty. */
  readonly parts: readonly [TablePart, ...TablePart[]];
  readonly columns: readonly ColumnDefinition[];
  readonly timeIndex: ColumnDefinition;
  /** In PRIMARY KEY order. */
  readonly tags: readonly ColumnDefinition[];
  readonly appendMode: boolean;
  /** merge_mode = 'last_non_null': an INSERT changes only the fields that it gives a value other than NULL. */
  readonly mergeFields: boolean;
  /** Width of a time partition in milliseconds; 0 = each node chooses from the data. */
  readonly partitionMs: number;
  /** Of the table itself; null = that of its database. */
  readonly ttl: Ttl | null;
  /** Options as SHOW CREATE TABLE prints them in WITH (..): only what the CREATE or an ALTER set, by name. */
  readonly options: readonly (readonly [name: string, value: string])[];
  readonly comment: string;
  /** Version of the canonical CREATE; its upper bits are the wall-clock milliseconds of the creation. */
  readonly createdVersion: number;
}

/** The column of that name, compared without case; undefined when there is none. */
export function findColumn(table: TableDefinition, name: string): ColumnDefinition | undefined {
  const wanted = name.toLowerCase();
  return table.columns.find((column) => column.name.toLowerCase() === wanted);
}
