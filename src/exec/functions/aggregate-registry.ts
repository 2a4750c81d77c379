/** Every aggregate function by name, with MySQL's type rules. */

import type { SqlType } from '../../catalog/sql-type.js';
import { boundedDecimal, numericClass } from '../../plan/type-rules.js';
import { decimalScaleOf } from '../cast-number.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import {
  EdgeAccumulator,
  isPlainNumber,
  NumberExtremeAccumulator,
  TimeExtremeAccumulator,
  ValueAccumulator,
} from '../accumulators/extreme-accumulators.js';
import {
  CountAccumulator,
  DoubleSumAccumulator,
  ExactSumAccumulator,
  VarianceAccumulator,
} from '../accumulators/sum-accumulators.js';
import type { Accumulator, AggregateDefinition } from '../aggregate-definition.js';
import { castVector } from '../cast-vector.js';
import type { EvaluationEnvironment } from '../evaluation-environment.js';
import { BIGINT, DOUBLE, decimalType } from '../sql-value.js';

/** Converts the first argument before the accumulator sees it. */
function converting(
  inner: Accumulator,
  from: SqlType,
  to: SqlType,
  env: EvaluationEnvironment,
): Accumulator {
  return {
    add: (groups, length, args, groupCount) =>
      inner.add(groups, length, [castVector(args[0]!, from, to, env)], groupCount),
    results: (begin, end) => inner.results(begin, end),
    sizeBytes: () => inner.sizeBytes(),
  };
}

const count: AggregateDefinition = {
  name: 'count',
  argumentsMin: 1,
  // COUNT(DISTINCT a, b)
  argumentsMax: 16,
  wantsTime: false,
  resolve: () => ({ type: BIGINT, nullable: false, create: () => new CountAccumulator() }),
};

function sumOrAverage(name: string, isAverage: boolean): AggregateDefinition {
  return {
    name,
    argumentsMin: 1,
    argumentsMax: 1,
    wantsTime: false,
    resolve: ([argument]) => {
      const { type } = argument!;
      if (numericClass(type) === 'double') {
        return {
          type: DOUBLE,
          nullable: true,
          create: (env) => converting(new DoubleSumAccumulator(isAverage), type, DOUBLE, env),
        };
      }
      const scale = decimalScaleOf(type);
      const source =
        type.kind === 'integer' || type.kind === 'boolean' ? type : decimalType(65, scale);
      const digits = type.kind === 'decimal' ? type.precision - scale : 10;
      const result = (
        isAverage
          ? boundedDecimal(Math.max(digits, 10), scale + 4)
          : boundedDecimal(Math.min(digits + 22, 65 - scale), scale)
      ) as Extract<SqlType, { kind: 'decimal' }>;
      return {
        type: result,
        nullable: true,
        create: (env) =>
          converting(new ExactSumAccumulator(source, result, isAverage), type, source, env),
      };
    },
  };
}

function extreme(name: string, isMax: boolean): AggregateDefinition {
  return {
    name,
    argumentsMin: 1,
    argumentsMax: 1,
    wantsTime: false,
    resolve: ([argument]) => {
      const { type } = argument!;
      return { type, nullable: true, create: () => extremeAccumulator(argument!, type, isMax) };
    },
  };
}

function extremeAccumulator(argument: BoundExpression, type: SqlType, isMax: boolean): Accumulator {
  if (isPlainNumber(type) || type.kind === 'null') return new NumberExtremeAccumulator(isMax);
  if (type.kind === 'datetime' || type.kind === 'timestamp')
    return new TimeExtremeAccumulator(type, isMax);
  return ValueAccumulator.extreme(type, isMax, argument.collation.name === 'caseless');
}

function edge(name: string, isLast: boolean): AggregateDefinition {
  return {
    name,
    argumentsMin: 1,
    argumentsMax: 1,
    wantsTime: true,
    resolve: ([argument, time]) => ({
      type: argument!.type,
      nullable: true,
      create: () => new EdgeAccumulator(argument!.type, time?.type ?? null, isLast),
    }),
  };
}

function variance(name: string, isSample: boolean, isDeviation: boolean): AggregateDefinition {
  return {
    name,
    argumentsMin: 1,
    argumentsMax: 1,
    wantsTime: false,
    resolve: ([argument]) => ({
      type: DOUBLE,
      nullable: true,
      create: (env) =>
        converting(new VarianceAccumulator(isSample, isDeviation), argument!.type, DOUBLE, env),
    }),
  };
}

const registry: ReadonlyMap<string, AggregateDefinition> = new Map(
  [
    count,
    sumOrAverage('sum', false),
    sumOrAverage('avg', true),
    sumOrAverage('mean', true),
    extreme('min', false),
    extreme('max', true),
    edge('first_value', false),
    edge('last_value', true),
    variance('std', false, true),
    variance('stddev', false, true),
    variance('stddev_pop', false, true),
    variance('stddev_samp', true, true),
    variance('variance', false, false),
    variance('var_pop', false, false),
    variance('var_samp', true, false),
    {
      name: 'any_value',
      argumentsMin: 1,
      argumentsMax: 1,
      wantsTime: false,
      resolve: ([argument]) => ({
        type: argument!.type,
        nullable: true,
        create: () => ValueAccumulator.any(argument!.type),
      }),
    } satisfies AggregateDefinition,
  ].map((definition) => [definition.name, definition]),
);

export function findAggregate(name: string): AggregateDefinition | undefined {
  return registry.get(name);
}

/** Names that a user can write as a call. */
export function aggregateNames(): readonly string[] {
  return [...registry.keys()];
}
