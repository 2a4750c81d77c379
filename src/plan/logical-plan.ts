/**
 * What a SELECT shall do, as a tree of readonly nodes; rules replace nodes, physical.ts turns them into operators.
 *
 * A node's rows are numbered columns. Those of a scan are the table's columns in the order of the catalog, only some of which are
 * read; those of an aggregate are its keys, then its aggregates; those of a projection its expressions.
 */

import type { TableDefinition } from '../catalog/table-definition.js';
import type { VirtualTable } from '../catalog/virtual-table.js';
import type { BoundAggregate, BoundConstant, BoundExpression } from './bound-expression.js';

export interface ScanPlan {
  readonly kind: 'scan';
  readonly table: TableDefinition;
  /** Ordinals to read, ascending; null = not pruned yet: all. */
  readonly columns: readonly number[] | null;
  /** Inclusive, in the time index's unit. Exact: no row outside reaches the next operator. */
  readonly timeMin: bigint | null;
  readonly timeMax: bigint | null;
  /** Conditions that read tags only: evaluated once per series. */
  readonly tagConditions: readonly BoundExpression[];
  /** The scan may stop after so many rows. */
  readonly limitRows: number | null;
}

export interface VirtualScanPlan {
  readonly kind: 'virtualScan';
  readonly table: VirtualTable;
}

/** One row without columns: SELECT without FROM, or FROM DUAL. */
export interface DualPlan {
  readonly kind: 'dual';
}

/** No rows. */
export interface NothingPlan {
  readonly kind: 'nothing';
}

/** One row of constants. */
export interface ConstantRowPlan {
  readonly kind: 'constantRow';
  readonly values: readonly BoundConstant[];
}

export interface FilterPlan {
  readonly kind: 'filter';
  readonly input: LogicalPlan;
  /** All must be true; evaluated in this order, each only on the rows that passed the ones before. */
  readonly conditions: readonly BoundExpression[];
}

export interface AggregatePlan {
  readonly kind: 'aggregate';
  readonly input: LogicalPlan;
  readonly keys: readonly BoundExpression[];
  readonly aggregates: readonly BoundAggregate[];
}

export interface ProjectPlan {
  readonly kind: 'project';
  readonly input: LogicalPlan;
  readonly expressions: readonly BoundExpression[];
}

/** Rows that are the same in all columns come once: the first of them. */
export interface DistinctPlan {
  readonly kind: 'distinct';
  readonly input: LogicalPlan;
  readonly columns: readonly BoundExpression[];
}

export interface SortKey {
  readonly ordinal: number;
  readonly descending: boolean;
  readonly isCaseless: boolean;
}

export interface SortPlan {
  readonly kind: 'sort';
  readonly input: LogicalPlan;
  readonly keys: readonly SortKey[];
  /** Types of all columns of the rows. */
  readonly columns: readonly BoundExpression[];
  /** Only the first so many rows are wanted. */
  readonly limitRows: number | null;
}

export interface LimitPlan {
  readonly kind: 'limit';
  readonly input: LogicalPlan;
  readonly limit: number;
  readonly offset: number;
}

export type LogicalPlan =
  | ScanPlan
  | VirtualScanPlan
  | DualPlan
  | NothingPlan
  | ConstantRowPlan
  | FilterPlan
  | AggregatePlan
  | ProjectPlan
  | DistinctPlan
  | SortPlan
  | LimitPlan;

/** The plan with `change` applied to every node, inputs first. */
export function rewritePlan(
  plan: LogicalPlan,
  change: (plan: LogicalPlan) => LogicalPlan,
): LogicalPlan {
  if (!('input' in plan)) return change(plan);
  const input = rewritePlan(plan.input, change);
  return change(input === plan.input ? plan : { ...plan, input });
}
