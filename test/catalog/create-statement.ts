/** CREATE TABLE text -> plan, with DEFAULT clauses of plain literals only: what catalog tests need of a server. */

import type { SqlType } from '../../src/catalog/sql-type.js';
import { planCreateTable } from '../../src/catalog/create-table-plan.js';
import type { CreateTablePlan } from '../../src/catalog/create-table-plan.js';
import type { ColumnDefault } from '../../src/catalog/table-definition.js';
import type { CreateTableStatement, Expression } from '../../src/sql/ast.js';
import { parseStatement } from '../../src/sql/parser.js';

export function parseCreate(text: string): CreateTableStatement {
  const { statement } = parseStatement(text, { ansiQuotes: false, noBackslashEscapes: false });
  if (statement.kind !== 'createTable') throw new Error(`no CREATE TABLE: ${text}`);
  return statement;
}

export function planOf(text: string, database = 'd'): CreateTablePlan {
  return planCreateTable(parseCreate(text), database, literalDefault);
}

function literalDefault(expression: Expression, column: { readonly type: SqlType }): ColumnDefault {
  if (expression.kind === 'call') return { kind: 'now' };
  if (expression.kind !== 'literal') throw new Error('a test default is a literal or now()');
  const { value } = expression;
  switch (value.type) {
    case 'null':
      return { kind: 'constant', value: null };
    case 'integer':
      return { kind: 'constant', value: Number(value.value) };
    case 'string': {
      const isNumber = column.type.kind === 'integer' || column.type.kind === 'double';
      return { kind: 'constant', value: isNumber ? Number(value.value) : value.value };
    }
    default:
      throw new Error(`no test default of ${value.type} for ${column.type.kind}`);
  }
}
