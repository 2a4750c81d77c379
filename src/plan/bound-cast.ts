/** Conversions as bound expressions: left out where the form already fits, done at once for constants. */

import type { SqlType } from '../catalog/sql-type.js';
import { castValue, castVector } from '../exec/cast-vector.js';
import type { EvaluationEnvironment } from '../exec/evaluation-environment.js';
import { isUnsigned } from '../exec/exec-vector.js';
import { isBytes, isInteger, timestampType, type SqlValue } from '../exec/sql-value.js';
import type { BoundConstant, BoundExpression, Collation } from './bound-expression.js';
import { DEFAULT_COLLATION } from './bound-expression.js';

export function boundConstant(
  type: SqlType,
  value: SqlValue,
  collation: Collation = DEFAULT_COLLATION,
  instantMicros: bigint | null = null,
): BoundConstant {
  return { kind: 'constant', type, value, nullable: value === null, collation, instantMicros };
}

/** True when vectors of `from` are also vectors of `to`. */
function fits(from: SqlType, to: SqlType): boolean {
  if (from.kind === 'null') return true;
  switch (to.kind) {
    case 'integer':
      return isInteger(from) && (from.kind === 'boolean' || isUnsigned(from) === to.unsigned);
    case 'double':
      return from.kind === 'double' || from.kind === 'float';
    case 'decimal':
      return from.kind === 'decimal' && from.scale === to.scale;
    case 'text':
      return (
        isBytes(from) &&
        (to.length === null ||
          (from.kind === 'text' && from.length !== null && from.length <= to.length))
      );
    case 'blob':
      return isBytes(from) && to.length === null;
    case 'datetime':
    case 'timestamp':
      return from.kind === to.kind && from.precision === to.precision;
    case 'time':
      return from.kind === 'time' && from.precision <= to.precision;
    default:
      return from.kind === to.kind;
  }
}

/** `expression` as `type`. Bad texts become NULL or a number prefix with a warning, as MySQL's implicit conversions. */
export function castTo(
  expression: BoundExpression,
  type: SqlType,
  env: EvaluationEnvironment,
): BoundExpression {
  const from = expression.type;
  if (fits(from, type)) return expression;
  if (expression.kind === 'constant') return castConstant(expression, type, env);
  return {
    kind: 'call',
    name: 'cast',
    type,
    nullable: expression.nullable || isBytes(from),
    collation: expression.collation,
    arguments: [expression],
    given: [expression],
    isVolatile: false,
    isSlow: isBytes(from) !== isBytes(type),
    build:
      ([operand]) =>
      (batch) =>
        castVector(operand!(batch), from, type, env),
  };
}

function castConstant(
  expression: BoundConstant,
  type: SqlType,
  env: EvaluationEnvironment,
): BoundConstant {
  const { instantMicros } = expression;
  if (type.kind === 'timestamp' && instantMicros !== null) {
    const value = castValue(instantMicros, timestampType(6), type, env);
    return boundConstant(type, value, expression.collation, instantMicros);
  }
  const value = castValue(expression.value, expression.type, type, env);
  return boundConstant(type, value, expression.collation);
}
