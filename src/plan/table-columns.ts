/** The columns of a table as a scope has them: ordinals are places in the catalog's column list. */

import type { TableSource } from '../exec/execution-context.js';
import { isText } from '../exec/sql-value.js';
import { ColumnRole } from '../../storage/index.js';
import type { BoundColumn } from './bound-expression.js';

export function tableColumns(source: TableSource, alias: string | null): readonly BoundColumn[] {
  if (source.kind === 'virtual') {
    return source.columns.map(({ name, type, nullable }, ordinal) => ({
      kind: 'column',
      ordinal,
      name,
      type,
      nullable,
      // information_schema and what SHOW lists compare without case, as in MySQL.
      collation: { name: isText(type) ? 'caseless' : 'binary', strength: 1 },
      origin: {
        database: source.database,
        table: alias ?? source.name,
        originalTable: source.name,
        originalName: name,
        isKey: false,
      },
    }));
  }
  const { table } = source;
  return table.columns.map((column, ordinal) => ({
    kind: 'column',
    ordinal,
    name: column.name,
    type: column.type,
    nullable: column.nullable,
    collation: { name: 'binary', strength: 1 },
    origin: {
      database: table.database,
      table: alias ?? table.name,
      originalTable: table.name,
      originalName: column.name,
      isKey: column.role !== ColumnRole.field,
    },
  }));
}

/** The time index among `columns`; virtual tables have none. */
export function timeColumnOf(
  source: TableSource,
  columns: readonly BoundColumn[],
): BoundColumn | null {
  if (source.kind === 'virtual') return null;
  return columns.find((_, i) => source.table.columns[i]?.role === ColumnRole.time) ?? null;
}
