/**
 * Splitting a grouped SELECT: what is computed per row (keys, arguments of aggregates) and what is computed from the groups.
 *
 * An expression over groups may read group keys (any expression that is the same as a key) and aggregates; a column that is
 * neither is error 1055 or 1140.
 */

import { SqlError } from '../../protocol/index.js';
import {
  isSameExpression,
  type BoundAggregate,
  type BoundColumn,
  type BoundExpression,
} from './bound-expression.js';

export class AggregateSplit {
  readonly #keys: readonly BoundExpression[];
  readonly #aggregates: BoundAggregate[] = [];

  constructor(keys: readonly BoundExpression[]) {
    this.#keys = keys;
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
        throw this.#notGrouped(expression, place);
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
