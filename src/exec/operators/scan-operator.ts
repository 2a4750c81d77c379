/** Rows of a stored table, out of the ReadView. */

import {
  VECTOR_ROWS_MAX,
  type ColumnId,
  type SeriesSet,
  type TableId,
} from '../../../storage/index.js';
import type { TablePart } from '../../catalog/table-definition.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import { collectOrdinals } from '../../plan/bound-expression.js';
import type { ScanPlan } from '../../plan/logical-plan.js';
import { Batch } from '../batch.js';
import { compileExpression } from '../compile-expression.js';
import { nullVector, sliceVector, type ExecVector } from '../exec-vector.js';
import { truthOf } from '../kernel-logic.js';
import type { TableView } from '../execution-context.js';
import { asCondition } from '../functions/control-functions.js';
import type { Operator, Runtime } from './operator.js';

export async function* scanTable(plan: ScanPlan, runtime: Runtime): Operator {
  const { view, pacer } = runtime;
  if (view === null) throw new Error('a scan needs a read view');
  const { table } = plan;
  const ordinals = plan.columns ?? table.columns.map((_, ordinal) => ordinal);
  const masks = await seriesMasks(plan, view, runtime);
  if (masks !== null && [...masks.values()].every((mask) => mask.every((wanted) => wanted === 0)))
    return;
  const ids = ordinals.map((ordinal) => table.columns[ordinal]!.columnId);
  const batches = view.scan({
    parts: table.parts.map((part) => ({
      tableId: part.tableId,
      columns: ordinals.map((ordinal) => part.columnIds[ordinal] ?? null),
      tags: table.tags.map((tag) => part.columnIds[tag.position] ?? null),
    })),
    columns: ids,
    timeMin: plan.timeMin,
    timeMax: plan.timeMax,
    seriesMask: masks === null ? null : (tableId) => masks.get(tableId) ?? null,
    order: 'any',
    ...(plan.limitRows === null ? {} : { limitRows: plan.limitRows }),
  });
  for await (const { length, columns } of batches) {
    if (length === 0) continue;
    const placed: (ExecVector | undefined)[] = [];
    ordinals.forEach((ordinal, i) => (placed[ordinal] = columns[i]));
    yield Batch.of(placed, length);
    if (pacer.isDue()) await pacer.rest();
  }
}

/** Per part: 1 for each series that all tag conditions accept; null without such conditions. */
async function seriesMasks(
  plan: ScanPlan,
  view: TableView,
  runtime: Runtime,
): Promise<Map<TableId, Uint8Array> | null> {
  if (plan.tagConditions.length === 0) return null;
  const conditions = plan.tagConditions.map((condition) => asCondition(condition, runtime.context));
  const masks = new Map<TableId, Uint8Array>();
  for (const part of plan.table.parts) {
    masks.set(part.tableId, await maskOf(part, conditions, view, runtime));
  }
  return masks;
}

async function maskOf(
  part: TablePart,
  conditions: readonly BoundExpression[],
  view: TableView,
  { pacer }: Runtime,
): Promise<Uint8Array> {
  const series = view.series(part.tableId);
  const used = new Set<number>();
  for (const condition of conditions) collectOrdinals(condition, used);
  const evaluators = conditions.map(compileExpression);
  const vectors = new Map<number, ExecVector | null>();
  for (const ordinal of used)
    vectors.set(ordinal, tagVector(part.columnIds[ordinal] ?? null, series));
  const mask = new Uint8Array(series.count).fill(1);
  for (let from = 0; from < series.count; from += VECTOR_ROWS_MAX) {
    const to = Math.min(from + VECTOR_ROWS_MAX, series.count);
    const placed: (ExecVector | undefined)[] = [];
    for (const [ordinal, vector] of vectors) {
      placed[ordinal] = vector === null ? nullVector(to - from) : sliceVector(vector, from, to);
    }
    const batch = Batch.of(placed, to - from);
    for (const evaluate of evaluators) {
      const truth = truthOf(evaluate(batch));
      for (let i = 0; i < truth.length; i++) if (truth[i] !== 1) mask[from + i] = 0;
    }
    if (pacer.isDue()) await pacer.rest();
  }
  return mask;
}

function tagVector(id: ColumnId | null, series: SeriesSet): ExecVector | null {
  return id === null ? null : series.tag(id);
}
