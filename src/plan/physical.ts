/** Logical plan to operators. */

import { aggregateRows, distinctRows } from '../exec/operators/aggregate-operator.js';
import type { Operator, Runtime } from '../exec/operators/operator.js';
import {
  constantRow,
  filterRows,
  limitRows,
  noRows,
  projectRows,
} from '../exec/operators/row-operators.js';
import { scanTable } from '../exec/operators/scan-operator.js';
import { sortRows } from '../exec/operators/sort-operator.js';
import { scanVirtualTable } from '../exec/operators/virtual-scan-operator.js';
import type { LogicalPlan } from './logical-plan.js';

/** Nothing runs until the first batch is asked for. */
export function buildOperator(plan: LogicalPlan, runtime: Runtime): Operator {
  switch (plan.kind) {
    case 'scan':
      return scanTable(plan, runtime);
    case 'virtualScan':
      return scanVirtualTable(plan.table, runtime);
    case 'dual':
      return constantRow([]);
    case 'nothing':
      return noRows();
    case 'constantRow':
      return constantRow(plan.values);
    case 'filter':
      return filterRows(buildOperator(plan.input, runtime), plan.conditions, runtime);
    case 'aggregate':
      return aggregateRows(buildOperator(plan.input, runtime), plan.keys, plan.aggregates, runtime);
    case 'project':
      return projectRows(buildOperator(plan.input, runtime), plan.expressions, runtime);
    case 'distinct':
      return distinctRows(buildOperator(plan.input, runtime), plan.columns, runtime);
    case 'sort':
      return sortRows(buildOperator(plan.input, runtime), plan, runtime);
    case 'limit':
      return limitRows(buildOperator(plan.input, runtime), plan.limit, plan.offset);
  }
}

/** True when the plan reads a stored table. */
export function readsStore(plan: LogicalPlan): boolean {
  return 'input' in plan ? readsStore(plan.input) : plan.kind === 'scan';
}
