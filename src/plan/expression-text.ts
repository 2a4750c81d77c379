/** Bound expressions as text, for errors and warnings that quote them. */

import { valueText } from '../exec/cast-text.js';
import type { EvaluationEnvironment } from '../exec/evaluation-environment.js';
import { isBytes, isTemporal } from '../exec/sql-value.js';
import type { BoundExpression } from './bound-expression.js';

const TEXT_MAX = 300;

export function expressionText(expression: BoundExpression, env: EvaluationEnvironment): string {
  const text = write(expression, env);
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text;
}

function write(expression: BoundExpression, env: EvaluationEnvironment): string {
  switch (expression.kind) {
    case 'constant': {
      const text = valueText(expression.value, expression.type, env) ?? 'NULL';
      const isQuoted = isBytes(expression.type) || isTemporal(expression.type);
      return isQuoted && expression.value !== null ? `'${text}'` : text;
    }
    case 'column':
      return expression.origin === null
        ? `\`${expression.name}\``
        : `\`${expression.origin.database}\`.\`${expression.origin.table}\`.\`${expression.name}\``;
    case 'interval':
      return `interval ${write(expression.amount, env)} ${expression.unit}`;
    case 'aggregate':
    case 'call': {
      const args = expression.arguments.map((argument) => write(argument, env));
      if (expression.name === 'cast') return args[0] ?? '';
      if (/^[a-z_]/.test(expression.name) && !INFIX.has(expression.name)) {
        return `${expression.name}(${args.join(',')})`;
      }
      return args.length === 1
        ? `${expression.name}${args[0] ?? ''}`
        : `(${args.join(` ${expression.name} `)})`;
    }
  }
}

const INFIX = new Set(['and', 'or', 'xor', 'div']);
