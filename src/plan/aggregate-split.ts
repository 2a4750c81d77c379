/**
 * Splitting a grouped SELECT: what is computed per row (keys, arguments of aggregates) and what is computed from the groups.
 *
 * An expression over groups may read group keys (any expression that is the same as a key) and aggregates; a column that is
 * neither is error 1055 or 1140, unless the WHERE pins it to one value.
 */

import { SqlError } from '../../protocol/index.js';
import { findAggregate } from '../exec/functions/aggregate-registry.js';
import {
  isSameExpression,
  type BoundAggregate,
  type BoundColumn,
  type BoundExpression,
} from './bound-expression.js';

export class AggregateSplit {
  readonly #keys: readonly BoundExpression[];
  readonly #pinned: ReadonlySet<number>;
  readonly #aggregates: BoundAggregate[] = [];

  /** `pinned`: columns that the WHERE equals to a constant, so that they have one value whatever the groups are. */
  constructor(keys: readonly BoundExpression[], pinned: ReadonlySet<number>) {
    this.#keys = keys;
    this.#pinned = pinned;
  }

  /** All aggregates that rewrite() has met. */
  get aggregates(): readonly BoundAggregate[] {
    return this.#aggregates;
  }

  /** `expression` over the rows of the aggregation. `place` names it in an error: 'Expression #1 of SELECT list'. */
  rewrite(expression: BoundExpression, place: string): BoundExpression {
    const key = this.#keys.findIndex((known) => isSameExpression(known, expression));
    if (key >= 0) return this.#reference(expression, key);
    switch (expression.kind) {
      case 'constant':
        return expression;
      case 'column':
        if (!this.#pinned.has(expression.ordinal)) throw this.#notGrouped(expression, place);
        return this.#anyValue(expression);
      case 'aggregate':
        return this.#reference(expression, this.#keys.length + this.#indexOf(expression));
      case 'interval':
        return { ...expression, amount: this.rewrite(expression.amount, place) };
      case 'call':
        return {
          ...expression,
          arguments: expression.arguments.map((argument) => this.rewrite(argument, place)),
        };
    }
  }

  /** Keeps the column's name and origin in the result. */
  #anyValue(column: BoundColumn): BoundColumn {
    const definition = findAggregate('any_value')!;
    const { type, collation } = column;
    const aggregate: BoundAggregate = {
      kind: 'aggregate',
      name: definition.name,
      definition,
      arguments: [column],
      distinct: false,
      type,
      nullable: true,
      collation,
    };
    return { ...column, nullable: true, ordinal: this.#keys.length + this.#indexOf(aggregate) };
  }

  #indexOf(aggregate: BoundAggregate): number {
    const known = this.#aggregates.findIndex((other) => isSameExpression(other, aggregate));
    return known >= 0 ? known : this.#aggregates.push(aggregate) - 1;
  }

  #reference(
    { type, nullable, collation, ...rest }: BoundExpression,
    ordinal: number,
  ): BoundColumn {
    const isColumn = rest.kind === 'column';
    return {
      kind: 'column',
      ordinal,
      name: isColumn ? rest.name : '',
      origin: isColumn ? rest.origin : null,
      type,
      nullable,
      collation,
    };
  }

  #notGrouped(column: BoundColumn, place: string): SqlError {
    const name =
      column.origin === null
        ? column.name
        : `${column.origin.database}.${column.origin.table}.${column.name}`;
    if (this.#keys.length === 0) {
      return new SqlError(
        'ER_MIX_OF_GROUP_FUNC_AND_FIELDS',
        `In aggregated query without GROUP BY, ${place.replace('Expression', 'expression')} contains nonaggregated column '${name}'; this is incompatible with sql_mode=only_full_group_by`,
      );
    }
    return new SqlError(
      'ER_WRONG_FIELD_WITH_GROUP',
      `${place} is not in GROUP BY clause and contains nonaggregated column '${name}' which is not functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by`,
    );
  }
}
