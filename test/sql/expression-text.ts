/** Expressions as bracketed prefix text, so that tests show at a glance what binds how. */

import type { Expression, Literal } from '../../src/sql/ast.js';

export function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return literalText(expression.value);
    case 'column':
      return [expression.database, expression.table, expression.name]
        .filter((part) => part !== null)
        .join('.');
    case 'parameter':
      return `?${expression.index}`;
    case 'systemVariable':
      return `@@${expression.scope === null ? '' : `${expression.scope}.`}${expression.name}`;
    case 'userVariable':
      return `@${expression.name}`;
    case 'unary':
      return list(expression.operator, expression.operand);
    case 'binary':
      return list(expression.operator, expression.left, expression.right);
    case 'isNull':
      return negatable('is-null', expression.negated, expression.operand);
    case 'isBoolean':
      return negatable(`is-${expression.value}`, expression.negated, expression.operand);
    case 'in':
      return negatable('in', expression.negated, expression.operand, ...expression.list);
    case 'between':
      return negatable(
        'between',
        expression.negated,
        expression.operand,
        expression.low,
        expression.high,
      );
    case 'like': {
      const name = expression.escape === null ? 'like' : `like-escape-${expression.escape}`;
      return negatable(name, expression.negated, expression.operand, expression.pattern);
    }
    case 'regexp':
      return negatable('regexp', expression.negated, expression.operand, expression.pattern);
    case 'case': {
      const branches = expression.branches.flatMap(({ when, then }) => [when, then]);
      const operand = expression.operand === null ? [] : [expression.operand];
      const otherwise = expression.otherwise === null ? [] : [expression.otherwise];
      return list(operand.length > 0 ? 'case-of' : 'case', ...operand, ...branches, ...otherwise);
    }
    case 'cast': {
      const { kind, ...rest } = expression.type;
      const details = Object.values(rest)
        .filter((value) => value !== null)
        .join(',');
      return list(`cast:${kind}${details === '' ? '' : `:${details}`}`, expression.operand);
    }
    case 'interval':
      return list(`interval:${expression.unit}`, expression.amount);
    case 'call':
      return list(
        `${expression.name}()${expression.distinct ? ' distinct' : ''}${expression.star ? ' *' : ''}`,
        ...expression.arguments,
      );
    case 'collate':
      return list(`collate:${expression.collation}`, expression.operand);
    case 'default':
      return 'DEFAULT';
  }
}

function list(head: string, ...operands: readonly Expression[]): string {
  return `(${[head, ...operands.map(expressionText)].join(' ')})`;
}

function negatable(name: string, negated: boolean, ...operands: readonly Expression[]): string {
  return list(negated ? `not-${name}` : name, ...operands);
}

function literalText(literal: Literal): string {
  switch (literal.type) {
    case 'null':
      return 'NULL';
    case 'boolean':
      return literal.value ? 'TRUE' : 'FALSE';
    case 'integer':
      return String(literal.value);
    case 'decimal':
      return `${literal.text}d`;
    case 'double':
      return `${literal.value}e`;
    case 'string':
      return JSON.stringify(literal.value);
    case 'bytes':
      return `x${Buffer.from(literal.value).toString('hex')}`;
    default:
      return `${literal.type}${JSON.stringify(literal.text)}`;
  }
}
