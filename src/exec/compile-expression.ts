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

/** The filled vector is made on first use and shared by all batches. */
function constantEvaluator({
  value,
  type,
}: Extract<BoundExpression, { kind: 'constant' }>): Evaluator {
  let filled: ExecVector | null = null;
  return (batch) => {
    if (batch.length === 1 && filled === null) return constantVector(value, type, 1);
    filled ??= constantVector(value, type, VECTOR_ROWS_MAX);
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
