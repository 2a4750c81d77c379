/** SELECT from statement to rows. */

import { bindSelect } from '../plan/binder.js';
import type { LogicalPlan } from '../plan/logical-plan.js';
import { buildOperator, readsStore } from '../plan/physical.js';
import { applyRules } from '../plan/rules.js';
import type { SelectStatement } from '../sql/ast.js';
import type { ExecVector } from './exec-vector.js';
import type { BindContext, ExecutionContext } from './execution-context.js';
import type { NapRequest } from './function-definition.js';
import { MemoryBudget, Pacer } from './pacer.js';
import type { ResultColumn } from './result-column.js';

export interface ResultBatch {
  readonly length: number;
  /** Aligned with the result's columns. */
  readonly vectors: readonly ExecVector[];
}

export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** May be iterated once. Ending it early (return) releases everything. Throws SqlError. */
  readonly batches: AsyncGenerator<ResultBatch, void, undefined>;
}

/** Result columns for COM_STMT_PREPARE: `context.parameters` is null. Throws the SqlErrors of binding. */
export function describeSelect(
  statement: SelectStatement,
  context: BindContext,
): readonly ResultColumn[] {
  return bindSelect(statement, context).columns;
}

/**
 * Binds at once (and throws the SqlErrors of binding); opens the read view and runs when the first batch is asked for.
 */
export function executeSelect(statement: SelectStatement, context: ExecutionContext): QueryResult {
  const bound = bindSelect(statement, context);
  const { columns, plan, naps } = bound;
  return { columns, batches: runPlan(plan, columns.length, naps, context) };
}

/** The first `width` columns of the plan's rows. */
export async function* runPlan(
  plan: LogicalPlan,
  width: number,
  naps: NapRequest,
  context: ExecutionContext,
): AsyncGenerator<ResultBatch, void, undefined> {
  const opening = readsStore(plan) ? context.openReadView() : null;
  const view = opening instanceof Promise ? await opening : opening;
  try {
    const pacer = new Pacer(context, naps);
    const memory = new MemoryBudget(context.queryMemoryBytes);
    const operator = buildOperator(applyRules(plan, { view }), { context, pacer, memory, view });
    for await (const batch of operator) {
      const vectors: ExecVector[] = [];
      for (let ordinal = 0; ordinal < width; ordinal++) vectors.push(batch.column(ordinal));
      yield { length: batch.length, vectors };
    }
  } finally {
    view?.release();
  }
}
