/**
 * SELECT statement to logical plan: FROM, WHERE, GROUP BY, HAVING, select list, DISTINCT, ORDER BY, LIMIT in MySQL's order and with
 * MySQL's rules for names: ORDER BY and HAVING look at select aliases first, GROUP BY at the table's columns first.
 */

import { SqlError } from '../../protocol/index.js';
import type { BindContext, TableSource } from '../exec/execution-context.js';
import type { NapRequest } from '../exec/function-definition.js';
import type { ResultColumn } from '../exec/result-column.js';
import { isInteger, type TypedValue } from '../exec/sql-value.js';
import type { Expression, OrderItem, SelectItem, SelectStatement } from '../sql/ast.js';
import { AggregateSplit } from './aggregate-split.js';
import {
  isSameExpression,
  someExpression,
  type BoundColumn,
  type BoundExpression,
} from './bound-expression.js';
import { ExpressionBinder, type BinderOptions } from './expression-binder.js';
import type { LogicalPlan, SortKey } from './logical-plan.js';
import { pinnedOrdinal, splitConjuncts } from './predicate.js';
import { Scope, type Clause } from './scope.js';
import { tableColumns, timeColumnOf } from './table-columns.js';

export interface BoundSelect {
  /** The first columns of the plan's rows; what follows them is only for sorting. */
  readonly columns: readonly ResultColumn[];
  readonly plan: LogicalPlan;
  readonly naps: NapRequest;
}

interface SelectEntry {
  readonly expression: BoundExpression;
  readonly name: string;
  readonly alias: string | null;
}

const isAggregate = (expression: BoundExpression): boolean =>
  someExpression(expression, (part) => part.kind === 'aggregate');

export function bindSelect(statement: SelectStatement, context: BindContext): BoundSelect {
  return new SelectBinder(statement, context).bind();
}

class SelectBinder {
  readonly #statement: SelectStatement;
  readonly #context: BindContext;
  readonly #naps: NapRequest = { pendingMs: 0 };
  readonly #source: TableSource | null;
  readonly #scope: Scope;
  readonly #timeColumn: BoundColumn | null;

  constructor(statement: SelectStatement, context: BindContext) {
    this.#statement = statement;
    this.#context = context;
    const { from } = statement;
    this.#source = from === null ? null : context.resolveTable(from.name.database, from.name.table);
    const columns = this.#source === null ? [] : tableColumns(this.#source, from?.alias ?? null);
    this.#scope = new Scope(columns);
    this.#timeColumn = this.#source === null ? null : timeColumnOf(this.#source, columns);
  }

  bind(): BoundSelect {
    const statement = this.#statement;
    const base = this.#where(this.#from());
    const entries = statement.items.flatMap((item) => this.#selectItem(item));
    const keys = statement.groupBy.map((item) => this.#groupKey(item, entries));
    const having =
      statement.having === null
        ? null
        : this.#binder('having clause', true, entries, true).bind(statement.having);
    const wanted = statement.orderBy
      .map((item) => ({ ...item, bound: this.#orderExpression(item, entries) }))
      .filter(({ bound }) => bound.kind !== 'constant');
    const all = [...entries.map((entry) => entry.expression), ...wanted.map((item) => item.bound)];
    const isGrouped =
      keys.length > 0 || all.some(isAggregate) || (having !== null && isAggregate(having));
    // Aggregates without GROUP BY give one row, which needs no order.
    const order = isGrouped && keys.length === 0 ? [] : wanted;

    const split = isGrouped ? new AggregateSplit(keys, pinnedColumns(base)) : null;
    const outputs = entries.map(({ expression }, i) =>
      split === null
        ? expression
        : split.rewrite(expression, `Expression #${i + 1} of SELECT list`),
    );
    const sortOutputs = order.map(({ bound }, i) =>
      split === null ? bound : split.rewrite(bound, `Expression #${i + 1} of ORDER BY clause`),
    );
    const filter =
      having === null || split === null ? having : split.rewrite(having, 'HAVING clause');

    let plan = base;
    if (split !== null) {
      plan = { kind: 'aggregate', input: plan, keys, aggregates: split.aggregates };
    }
    if (filter !== null) plan = { kind: 'filter', input: plan, conditions: splitConjuncts(filter) };
    plan = this.#output(
      plan,
      outputs,
      sortOutputs,
      order.map((item) => item.descending),
    );
    return {
      columns: entries.map((entry, i) => resultColumn(entry, outputs[i]!)),
      plan,
      naps: this.#naps,
    };
  }

  #from(): LogicalPlan {
    const source = this.#source;
    if (source === null) return { kind: 'dual' };
    if (source.kind === 'virtual') return { kind: 'virtualScan', table: source };
    const { table } = source;
    return {
      kind: 'scan',
      table,
      columns: null,
      timeMin: null,
      timeMax: null,
      tagConditions: [],
      limitRows: null,
    };
  }

  #where(input: LogicalPlan): LogicalPlan {
    const { where } = this.#statement;
    if (where === null) return input;
    const condition = this.#binder('where clause', false).bind(where);
    return { kind: 'filter', input, conditions: splitConjuncts(condition) };
  }

  #binder(
    clause: Clause,
    allowsAggregates: boolean,
    entries: readonly SelectEntry[] = [],
    aliasesFirst = false,
  ): ExpressionBinder {
    const options: BinderOptions = {
      context: this.#context,
      naps: this.#naps,
      scope: this.#scope,
      clause,
      allowsAggregates,
      timeColumn: this.#timeColumn,
    };
    if (entries.length === 0) return new ExpressionBinder(options);
    const find = (name: string): BoundExpression | null => findAlias(entries, name);
    return new ExpressionBinder({ ...options, aliases: { find, first: aliasesFirst } });
  }

  #selectItem(item: SelectItem): SelectEntry[] {
    if (item.kind === 'star') {
      const columns =
        item.table === null
          ? this.#scope.columns
          : this.#scope.ofTable(item.table.database, item.table.table);
      if (this.#source === null) throw new SqlError('ER_NO_TABLES_USED');
      return columns.map((column) => ({ expression: column, name: column.name, alias: null }));
    }
    const expression = this.#binder('field list', true).bind(item.expression);
    if (expression.kind === 'interval')
      throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'INTERVAL' });
    const typed = item.expression.kind === 'column' ? item.expression.name : item.text;
    return [{ expression, name: item.alias ?? typed, alias: item.alias }];
  }

  #groupKey(item: Expression, entries: readonly SelectEntry[]): BoundExpression {
    const chosen = this.#byOrdinal(item, entries, 'group statement');
    const key =
      chosen?.expression ?? this.#binder('group statement', true, entries, false).bind(item);
    if (isAggregate(key)) {
      throw new SqlError('ER_WRONG_GROUP_FIELD', { column: chosen?.name ?? nameOf(item) });
    }
    return key;
  }

  #orderExpression({ expression }: OrderItem, entries: readonly SelectEntry[]): BoundExpression {
    const chosen = this.#byOrdinal(expression, entries, 'order clause');
    return chosen?.expression ?? this.#binder('order clause', true, entries, true).bind(expression);
  }

  /** A bare whole number means that item of the select list. */
  #byOrdinal(
    item: Expression,
    entries: readonly SelectEntry[],
    clause: Clause,
  ): SelectEntry | null {
    if (item.kind !== 'literal' || item.value.type !== 'integer') return null;
    const { value } = item.value;
    const entry = value >= 1n ? entries[Number(value) - 1] : undefined;
    if (entry === undefined) {
      throw new SqlError('ER_BAD_FIELD_ERROR', { column: value.toString(), clause });
    }
    return entry;
  }

  #output(
    input: LogicalPlan,
    outputs: readonly BoundExpression[],
    sortOutputs: readonly BoundExpression[],
    descending: readonly boolean[],
  ): LogicalPlan {
    const expressions = [...outputs];
    const keys: SortKey[] = sortOutputs.map((expression, i) => {
      let ordinal = expressions.findIndex((known) => isSameExpression(known, expression));
      if (ordinal < 0) ordinal = expressions.push(expression) - 1;
      const isCaseless = expression.collation.name === 'caseless';
      return { ordinal, descending: descending[i]!, isCaseless };
    });
    if (this.#statement.distinct && expressions.length > outputs.length) {
      throw new SqlError(
        'ER_WRONG_USAGE',
        'ORDER BY must name items of the select list when it is DISTINCT',
      );
    }
    let plan: LogicalPlan = { kind: 'project', input, expressions };
    if (this.#statement.distinct) plan = { kind: 'distinct', input: plan, columns: outputs };
    if (keys.length > 0)
      plan = { kind: 'sort', input: plan, keys, columns: expressions, limitRows: null };
    return this.#limit(plan);
  }

  #limit(input: LogicalPlan): LogicalPlan {
    const { limit, offset } = this.#statement;
    if (limit === null && offset === null) return input;
    const count = limit === null ? Infinity : this.#count(limit);
    return {
      kind: 'limit',
      input,
      limit: count,
      offset: offset === null ? 0 : this.#count(offset),
    };
  }

  #count(expression: Expression): number {
    const bound = this.#binder('field list', false).bind(expression);
    // Not known yet while preparing: any number will do.
    if (this.#context.parameters === null && expression.kind === 'parameter') return Infinity;
    const value =
      bound.kind === 'constant' ? rowCount(bound, expression.kind === 'parameter') : NaN;
    if (!(value >= 0)) throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'LIMIT' });
    return value;
  }
}

/** NaN where it is none. Drivers bind the number of a parameter as a double or as text too; in the text it is an integer. */
function rowCount({ type, value }: TypedValue, isParameter: boolean): number {
  if (value === null) return NaN;
  if (isInteger(type)) return Number(value);
  if (!isParameter) return NaN;
  if (type.kind === 'double') return Number.isInteger(value) ? Number(value) : NaN;
  const digits = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : '';
  return /^\d+$/.test(digits) ? Number(digits) : NaN;
}

function pinnedColumns(plan: LogicalPlan): ReadonlySet<number> {
  const pinned = plan.kind === 'filter' ? plan.conditions.map(pinnedOrdinal) : [];
  return new Set(pinned.filter((ordinal) => ordinal !== null));
}

function findAlias(entries: readonly SelectEntry[], name: string): BoundExpression | null {
  const wanted = name.toLowerCase();
  const entry = entries.find((candidate) => candidate.alias?.toLowerCase() === wanted);
  return entry?.expression ?? null;
}

const nameOf = (item: Expression): string => (item.kind === 'column' ? item.name : 'expression');

function resultColumn(entry: SelectEntry, output: BoundExpression): ResultColumn {
  const { type, nullable } = output;
  const origin = output.kind === 'column' ? output.origin : null;
  return { name: entry.name, type, nullable, origin };
}
