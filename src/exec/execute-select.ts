/** SELECT from statement to rows. */

import type { SelectStatement } from '../sql/ast.js';
import type { ExecVector } from './exec-vector.js';
import type { BindContext, ExecutionContext } from './execution-context.js';
import type { ResultColumn } from './result-column.js';

export interface ResultBatch {
  readonly length: number;
  /** Aligned with the result's columns. */
  readonly vectors: readonly ExecVector[];
}

export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** May be iterated once. Ending it early (return) releases everything. Throws SqlError. */
  readonly batches: AsyncIterable<ResultBatch>;
}

export declare function describeSelect(statement: SelectStatement, context: BindContext): readonly ResultColumn[];
export declare function executeSelect(statement: SelectStatement, context: ExecutionContext): QueryResult;
