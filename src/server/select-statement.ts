/**
 * SELECT: runs the query and sends its rows as they come.
 *
 * The result set begins when the first batch is there, so an error in planning, or before any row, is a plain error to
 * the client; a later one ends the result set. A slow reader holds up the query, not the memory.
 */

import type { VirtualTable } from '../catalog/virtual-table.js';
import { executeSelect } from '../exec/execute-select.js';
import { columnDefinitionOf } from '../exec/result-column.js';
import { encodeBatch } from '../exec/result-encoder.js';
import type { SelectStatement } from '../sql/ast.js';
import { isSqlError } from './is-sql-error.js';
import type { StatementRun } from './statement-run.js';

/** sql_select_limit of a session that did not set it. */
const NO_LIMIT = 18_446_744_073_709_551_615n;

export async function executeSelectStatement(
  run: StatementRun,
  select: SelectStatement,
): Promise<void> {
  await send(run, withSessionLimit(run, select), null);
}

/** A query over a virtual table that is found under its own name. */
export async function executeSelectOver(
  run: StatementRun,
  query: { readonly table: VirtualTable; readonly select: SelectStatement },
): Promise<void> {
  await send(run, query.select, query.table);
}

async function send(
  run: StatementRun,
  select: SelectStatement,
  virtual: VirtualTable | null,
): Promise<void> {
  const { state, response } = run;
  const result = executeSelect(select, run.executionContext(virtual));
  const batches = result.batches[Symbol.asyncIterator]();
  let rowCount = 0;
  try {
    let next = await batches.next();
    const out = response.resultSet(result.columns.map(columnDefinitionOf));
    try {
      while (next.done !== true) {
        rowCount += next.value.length;
        const sent = out.rows(encodeBatch(result.columns, next.value, state.zone));
        if (sent !== undefined) await sent;
        next = await batches.next();
      }
    } catch (error) {
      if (!isSqlError(error)) throw error;
      state.warnings.addError(error);
      out.fail(error);
      return;
    }
    state.foundRows = rowCount;
    state.rowCount = -1;
    out.end({ warnings: state.warnings.count });
  } finally {
    await batches.return?.();
  }
}

/** SET sql_select_limit holds for a SELECT without a LIMIT of its own. */
function withSessionLimit(run: StatementRun, select: SelectStatement): SelectStatement {
  const limit = run.state.variables.integer('sql_select_limit');
  if (limit === NO_LIMIT || select.limit !== null) return select;
  return { ...select, limit: { kind: 'literal', value: { type: 'integer', value: limit } } };
}
