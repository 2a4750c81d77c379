/** Bound expression to evaluator: once per query, then it runs over every batch. */

import { VECTOR_ROWS_MAX } from '../../storage/index.js';
import { someExpression, type BoundExpression } from '../plan/bound-expression.js';
import type { Evaluator } from './batch.js';
import { constantVector, withLength, type ExecVector } from './exec-vector.js';

export function compileExpression(expression: BoundExpression): Evaluator {
  switch (expression.kind) {
    case 'constant':
      return constantEvaluator(expression);
    case 'column': {
      const { ordinal } = expression;
      return (batch) => batch.column(ordinal);
    }
    case 'call':
      return expression.build(expression.arguments.map(compileExpression));
    case 'interval':
      return compileExpression(expression.amount);
    case 'aggregate':
      throw new Error(`aggregate ${expression.name} was left in an expression`);
  }
}

/** Rows of the first vector of a constant: thousands of constants over a few rows should not fill a whole batch each. */
const FEW_ROWS = 64;

/** The filled vector is made on first use and shared by all batches. */
function constantEvaluator({
  value,
  type,
}: Extract<BoundExpression, { kind: 'constant' }>): Evaluator {
  let filled: ExecVector | null = null;
  return (batch) => {
    if (batch.length === 1 && filled === null) return constantVector(value, type, 1);
    if (filled === null || filled.length < batch.length) {
      const rows = batch.length <= FEW_ROWS ? FEW_ROWS : VECTOR_ROWS_MAX;
      filled = constantVector(value, type, rows);
    }
    return withLength(filled, batch.length);
  };
}

/** Rows that may be evaluated at one stretch. */
export function rowsPerStretch(expressions: readonly BoundExpression[]): number {
  const isSlow = expressions.some((expression) =>
    someExpression(expression, (part) => part.kind === 'call' && part.isSlow),
  );
  return isSlow ? 1024 : VECTOR_ROWS_MAX;
}
