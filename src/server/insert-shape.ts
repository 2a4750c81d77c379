/** An INSERT without its rows: the table, and what goes to which of its columns. Made once for a head, used by each statement with it. */

import type { TableDefinition } from '../catalog/table-definition.js';
import type { ConversionContext } from '../sql/cell-conversion.js';
import { resolveInsertColumns } from '../sql/insert-columns.js';
import type { InsertColumns } from '../sql/insert-columns.js';
import type { StatementScope } from './statement-run.js';

const NANOSECONDS_PER_MS = 1_000_000;

export class InsertShape {
  readonly table: TableDefinition;
  readonly context: ConversionContext;
  readonly columns: InsertColumns;

  /** Throws 1054, 1110, 1364 for the columns. `names` null = all columns in order. */
  constructor(scope: StatementScope, table: TableDefinition, names: readonly string[] | null) {
    this.table = table;
    this.context = { row: 1, timeZone: scope.state.zone };
    this.columns = resolveInsertColumns(table, names, this.context, statementTime(scope));
  }

  /** The same for a later statement of the same session. */
  restart(scope: StatementScope): void {
    this.context.row = 1;
    this.columns.restart(statementTime(scope));
  }
}

function statementTime({ nowMs }: StatementScope): { seconds: number; nanoseconds: number } {
  const seconds = Math.floor(nowMs / 1000);
  return { seconds, nanoseconds: (nowMs - seconds * 1000) * NANOSECONDS_PER_MS };
}
