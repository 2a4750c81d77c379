/** AND, OR, XOR, NOT, IS, CASE, IF, IFNULL, NULLIF, COALESCE, GREATEST, LEAST and casts. */

import { BIGINT, DOUBLE } from '../sql-value.js';
import type { SqlType } from '../../catalog/sql-type.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import { castTo } from '../../plan/bound-cast.js';
import { collationOf, commonType } from '../../plan/type-rules.js';
import type { Evaluator } from '../batch.js';
import { isNullAt, unionNulls, withNulls } from '../exec-vector.js';
import { defineFunction, type FunctionDefinition } from '../function-definition.js';
import { compareVectors } from '../kernel-comparison.js';
import {
  choose,
  coalesce,
  connective,
  exclusiveOr,
  negation,
  nullTest,
  truthOf,
  truthTest,
  type Branch,
} from '../kernel-logic.js';
import type { EvaluationEnvironment } from '../evaluation-environment.js';
import { alignOperands } from './comparison-functions.js';

/** As something that has a truth: numbers stay, decimals, texts and dates become doubles. */
export function asCondition(operand: BoundExpression, env: EvaluationEnvironment): BoundExpression {
  const { kind } = operand.type;
  if (kind === 'integer' || kind === 'boolean' || kind === 'null') return operand;
  return castTo(operand, DOUBLE, env);
}

const conditions = (
  args: readonly BoundExpression[],
  env: EvaluationEnvironment,
): BoundExpression[] => args.map((argument) => asCondition(argument, env));

/** IF and CASE in one: conditions at even places of the first 2n arguments, then perhaps the ELSE. */
function chooser(name: string, min: number, max: number): FunctionDefinition {
  return defineFunction(name, min, max, ({ args, env }) => {
    const pairs = Math.floor(args.length / 2);
    const otherwise = args.length % 2 === 1 ? args.at(-1)! : null;
    const values = args.filter((_, i) => i % 2 === 1 || i === pairs * 2);
    const type = resultType(values);
    const converted = args.map((argument, i) =>
      i % 2 === 1 || i === pairs * 2 ? castTo(argument, type, env) : asCondition(argument, env),
    );
    return {
      type,
      args: converted,
      nullable: otherwise === null || values.some((value) => value.nullable),
      collation: collationOf(values),
      build: (evaluators) => {
        const branches: Branch[] = [];
        for (let i = 0; i < pairs; i++) {
          branches.push({ when: evaluators[i * 2]!, then: evaluators[i * 2 + 1]! });
        }
        return choose(branches, otherwise === null ? null : evaluators.at(-1)!, type);
      },
    };
  });
}

function resultType(values: readonly BoundExpression[]): SqlType {
  return commonType(values.map((value) => value.type));
}

function firstOf(name: string, min: number, max: number): FunctionDefinition {
  return defineFunction(name, min, max, ({ args, env }) => {
    const type = resultType(args);
    return {
      type,
      args: args.map((argument) => castTo(argument, type, env)),
      nullable: args.every((argument) => argument.nullable),
      collation: collationOf(args),
      build: (evaluators) => coalesce(evaluators, type),
    };
  });
}

/** GREATEST and LEAST: NULL when any is; by pairs, since one comparison kernel serves all types. */
function extreme(name: string, operator: '>=' | '<='): FunctionDefinition {
  return defineFunction(name, 2, Infinity, ({ args, env }) => {
    const type = resultType(args);
    const converted = args.map((argument) => castTo(argument, type, env));
    const { form, left, right } = alignOperands(
      { ...converted[0]!, type },
      { ...converted[0]!, type },
      env,
    );
    const sides = { form, leftType: left.type, rightType: right.type };
    return {
      type,
      args: converted,
      build: (evaluators) => {
        const [first, ...others] = evaluators;
        return others.reduce<Evaluator>((best, next) => {
          const isBest: Evaluator = (batch) =>
            compareVectors(operator, sides, best(batch), next(batch));
          const chosen = choose([{ when: isBest, then: best }], next, type);
          return (batch) => {
            const nulls = unionNulls(best(batch).nulls, next(batch).nulls, batch.length);
            return withNulls(chosen(batch), nulls);
          };
        }, first!);
      },
    };
  });
}

const nullIf = defineFunction('nullif', 2, 2, ({ args, env }) => {
  const { form, left, right } = alignOperands(args[0]!, args[1]!, env);
  const sides = { form, leftType: left.type, rightType: right.type };
  const { type } = args[0]!;
  return {
    type,
    args: [args[0]!, left, right],
    nullable: true,
    build:
      ([value, a, b]) =>
      (batch) => {
        const vector = value!(batch);
        const equal = truthOf(compareVectors('=', sides, a!(batch), b!(batch)));
        const nulls = new Uint8Array(batch.length);
        for (let i = 0; i < batch.length; i++)
          nulls[i] = equal[i] === 1 || isNullAt(vector, i) ? 1 : 0;
        return withNulls(vector, nulls);
      },
  };
});

function logical(
  name: string,
  build: (left: Evaluator, right: Evaluator) => Evaluator,
): FunctionDefinition {
  return defineFunction(name, 2, 2, ({ args, env }) => ({
    type: BIGINT,
    args: conditions(args, env),
    build: ([left, right]) => build(left!, right!),
  }));
}

function test(
  name: string,
  build: (operand: Evaluator) => Evaluator,
  isCondition: boolean,
): FunctionDefinition {
  return defineFunction(name, 1, 1, ({ args, env }) => ({
    type: BIGINT,
    args: isCondition ? conditions(args, env) : args,
    nullable: name === 'not' && args[0]!.nullable,
    build: ([operand]) => build(operand!),
  }));
}

export const controlFunctions: readonly FunctionDefinition[] = [
  logical('and', (left, right) => connective(left, right, 0)),
  logical('or', (left, right) => connective(left, right, 1)),
  logical('xor', exclusiveOr),
  test('not', negation, true),
  test('is null', (operand) => nullTest(operand, false), false),
  test('is not null', (operand) => nullTest(operand, true), false),
  test('isnull', (operand) => nullTest(operand, false), false),
  test('is true', (operand) => truthTest(operand, true, false), true),
  test('is not true', (operand) => truthTest(operand, true, true), true),
  test('is false', (operand) => truthTest(operand, false, false), true),
  test('is not false', (operand) => truthTest(operand, false, true), true),
  chooser('if', 3, 3),
  chooser('case', 2, Infinity),
  firstOf('ifnull', 2, 2),
  firstOf('nvl', 2, 2),
  firstOf('coalesce', 1, Infinity),
  nullIf,
  extreme('greatest', '>='),
  extreme('least', '<='),
  defineFunction('nvl2', 3, 3, ({ args, env }) => {
    const type = resultType([args[1]!, args[2]!]);
    return {
      type,
      args: [args[0]!, castTo(args[1]!, type, env), castTo(args[2]!, type, env)],
      nullable: args[1]!.nullable || args[2]!.nullable,
      build: ([operand, then, otherwise]) =>
        choose([{ when: nullTest(operand!, true), then: then! }], otherwise!, type),
    };
  }),
];
