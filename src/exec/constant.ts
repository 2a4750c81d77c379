/** Expressions without a table: SET, VALUES cells, DEFAULT clauses, LIMIT, KILL. */

import { SqlError } from '../../protocol/index.js';
import { ExpressionBinder } from '../plan/expression-binder.js';
import { Scope } from '../plan/scope.js';
import type { Expression } from '../sql/ast.js';
import { Batch } from './batch.js';
import { compileExpression } from './compile-expression.js';
import { valueAt } from './exec-vector.js';
import type { BindContext } from './execution-context.js';
import { timestampType, type TypedValue } from './sql-value.js';

const NO_COLUMNS = new Scope([]);
const ONE_ROW = Batch.of([], 1);

/**
 * The value of the expression now. NOW() and FROM_UNIXTIME() alone come back as TIMESTAMP, not as wall clock: an instant
 * stored in a TIMESTAMP column must not go through the zone and back, where the hour that a clock change repeats is lost.
 * Throws SqlError: a column name (1054), a function that does not exist, overflow, SLEEP (it can't wait here).
 */
export function evaluateConstant(expression: Expression, context: BindContext): TypedValue {
  const naps = { pendingMs: 0 };
  const binder = new ExpressionBinder({
    context,
    naps,
    scope: NO_COLUMNS,
    clause: 'field list',
    allowsAggregates: false,
    timeColumn: null,
  });
  const bound = binder.bind(expression);
  if (bound.kind === 'constant') {
    const { instantMicros, type } = bound;
    if (instantMicros !== null && type.kind === 'datetime' && type.precision <= 6) {
      const value = instantMicros / 10n ** BigInt(6 - type.precision);
      return { type: timestampType(type.precision), value };
    }
    return { type, value: bound.value };
  }
  const value = valueAt(compileExpression(bound)(ONE_ROW), bound.type, 0);
  if (naps.pendingMs > 0) {
    throw new SqlError('ER_NOT_SUPPORTED_YET', { feature: 'SLEEP outside SELECT' });
  }
  return { type: bound.type, value };
}
