/** Values of expressions outside of a SELECT: SET, KILL, ADMIN, DEFAULT clauses. */

import { SqlError } from '../../protocol/index.js';
import type { VariableValue } from '../catalog/system-variables.js';
import { evaluateConstant } from '../exec/constant.js';
import { bytesText } from '../exec/sql-value.js';
import type { TypedValue } from '../exec/sql-value.js';
import type { Expression } from '../sql/ast.js';
import type { StatementScope } from './statement-run.js';

/** Evaluates without a table in sight. Throws SqlError. */
export function constantOf(scope: StatementScope, expression: Expression): TypedValue {
  return evaluateConstant(expression, scope.bindContext());
}

/** As system variables take it. A DECIMAL becomes text, which no integer variable accepts. */
export function variableValueOf(typed: TypedValue): VariableValue {
  const { type, value } = typed;
  if (value === null) return null;
  if (value instanceof Uint8Array) return bytesText(value);
  if (type.kind === 'decimal' && type.scale > 0) return String(Number(value) / 10 ** type.scale);
  if (typeof value === 'bigint') return value;
  return Number.isInteger(value) ? BigInt(value) : String(value);
}

/** A whole number that is not negative, such as a connection id. Throws 1210. */
export function idOf(typed: TypedValue, what: string): number {
  const value = variableValueOf(typed);
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number(value);
  if (value === null || !Number.isSafeInteger(number) || number < 0) {
    throw new SqlError('ER_WRONG_ARGUMENTS', { what });
  }
  return number;
}

/** Text, as in the argument of an ADMIN function. */
export function textOf(typed: TypedValue, what: string): string {
  if (typed.value instanceof Uint8Array) return bytesText(typed.value);
  throw new SqlError('ER_WRONG_ARGUMENTS', { what });
}
