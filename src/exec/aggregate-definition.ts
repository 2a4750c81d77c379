/** What an aggregate function is: its type rule, and the accumulator that holds all its groups. */

import type { SqlType } from '../catalog/sql-type.js';
import type { BoundExpression } from '../plan/bound-expression.js';
import type { ExecVector } from './exec-vector.js';
import type { EvaluationEnvironment } from './evaluation-environment.js';

/**
 * One aggregate over all groups at once. Groups are dense ids from 0; the accumulator grows its typed arrays by
 * doubling.
 */
export interface Accumulator {
  /** Row i of the arguments belongs to group groups[i]. `groupCount` is above every id so far. */
  add(groups: Uint32Array, length: number, args: readonly ExecVector[], groupCount: number): void;
  /** Results of groups from..to; a group that never got a row has the aggregate's empty value. */
  results(from: number, to: number): ExecVector;
  sizeBytes(): number;
}

export interface ResolvedAggregate {
  readonly type: SqlType;
  readonly nullable: boolean;
  create(env: EvaluationEnvironment): Accumulator;
}

export interface AggregateDefinition {
  readonly name: string;
  readonly argumentsMin: number;
  readonly argumentsMax: number;
  /** Appends the table's time index as a last argument (first_value, last_value). */
  readonly wantsTime: boolean;
  resolve(args: readonly BoundExpression[]): ResolvedAggregate;
}
