/** `+ - * / % MOD DIV`, unary minus and the bit operators: their type rules around the kernels. */

import type { BoundExpression } from '../../plan/bound-expression.js';
import { boundConstant, castTo } from '../../plan/bound-cast.js';
import { expressionText } from '../../plan/expression-text.js';
import { arithmeticType, numericClass, type ArithmeticOperator } from '../../plan/type-rules.js';
import { decimalScaleOf, integerVector } from '../cast-number.js';
import { bigintAt, isNullAt, isUnsigned, unionNulls, type ExecVector } from '../exec-vector.js';
import {
  defineFunction,
  type CallSite,
  type FunctionDefinition,
  type ResolvedCall,
} from '../function-definition.js';
import {
  decimalArithmetic,
  decimalDivision,
  decimalIntegerDivision,
  doubleArithmetic,
  doubleIntegerDivision,
  integerArithmetic,
  integerDivision,
  negate,
  type ArithmeticSite,
} from '../kernel-arithmetic.js';
import { BIGINT, BIGINT_UNSIGNED, decimalType, DOUBLE, integerValue } from '../sql-value.js';

type Kernel = (left: ExecVector, right: ExecVector) => ExecVector;

function siteOf({ name, args, env }: CallSite): ArithmeticSite {
  return {
    env,
    text: () => `(${args.map((argument) => expressionText(argument, env)).join(` ${name} `)})`,
  };
}

function binaryCall(
  site: CallSite,
  type: ResolvedCall['type'],
  args: readonly BoundExpression[],
  canBeNull: boolean,
  kernel: Kernel,
): ResolvedCall {
  return {
    type,
    args,
    nullable: canBeNull || site.args.some((argument) => argument.nullable),
    build:
      ([left, right]) =>
      (batch) =>
        kernel(left!(batch), right!(batch)),
  };
}

function arithmetic(name: string, operator: ArithmeticOperator): FunctionDefinition {
  return defineFunction(name, 2, 2, (site) => {
    const { env } = site;
    const left = site.args[0]!;
    const right = site.args[1]!;
    const type = arithmeticType(operator, left.type, right.type);
    const faults = siteOf(site);
    const mayBeNull = operator === '/' || operator === '%' || operator === 'div';
    const classes = [numericClass(left.type), numericClass(right.type)];
    if (classes.includes('double')) {
      const args = [castTo(left, DOUBLE, env), castTo(right, DOUBLE, env)];
      if (operator === 'div') {
        const unsigned = isUnsigned(type);
        return binaryCall(site, type, args, true, (a, b) =>
          doubleIntegerDivision(a, b, unsigned, faults),
        );
      }
      return binaryCall(site, type, args, mayBeNull, (a, b) =>
        doubleArithmetic(operator, a, b, faults),
      );
    }
    if (operator !== '/' && !classes.includes('decimal')) {
      const args = [asInteger(left, site), asInteger(right, site)];
      const unsigned = {
        left: isUnsigned(args[0]!.type),
        right: isUnsigned(args[1]!.type),
        result: isUnsigned(type),
      };
      return operator === 'div' || operator === '%'
        ? binaryCall(site, type, args, true, (a, b) =>
            integerDivision(operator, a, b, unsigned, faults),
          )
        : binaryCall(site, type, args, false, (a, b) =>
            integerArithmetic(operator, a, b, unsigned, faults),
          );
    }
    return decimalCall(site, operator, type, faults);
  });
}

function asInteger(operand: BoundExpression, { env }: CallSite): BoundExpression {
  return isUnsigned(operand.type) ? operand : castTo(operand, BIGINT, env);
}

function decimalCall(
  site: CallSite,
  operator: ArithmeticOperator,
  type: ResolvedCall['type'],
  faults: ArithmeticSite,
): ResolvedCall {
  const [left, right] = site.args;
  const scales = [decimalScaleOf(left!.type), decimalScaleOf(right!.type)];
  const shared = Math.max(...scales);
  const sameScale = operator === '+' || operator === '-' || operator === '%';
  const args = [left!, right!].map((operand, i) =>
    castTo(operand, decimalType(65, sameScale ? shared : scales[i]!), site.env),
  );
  const scale = decimalScaleOf(type);
  switch (operator) {
    case '/':
      return binaryCall(site, type, args, true, (a, b) => decimalDivision(a, b, scale, faults));
    case 'div': {
      const unsigned = isUnsigned(type);
      return binaryCall(site, type, args, true, (a, b) =>
        decimalIntegerDivision(a, b, unsigned, faults),
      );
    }
    default:
      return binaryCall(site, type, args, operator === '%', (a, b) =>
        decimalArithmetic(operator, a, b, scale, faults),
      );
  }
}

const INT64_MIN_SIZE = 1n << 63n;

const unaryMinus = defineFunction('-', 1, 1, (site) => {
  const operand = site.args[0]!;
  const { env } = site;
  const faults = siteOf(site);
  const kind = numericClass(operand.type);
  if (kind === 'double') {
    return {
      type: DOUBLE,
      args: [castTo(operand, DOUBLE, env)],
      build:
        ([value]) =>
        (batch) =>
          negate(value!(batch), false, false, faults),
    };
  }
  if (kind === 'decimal') {
    const scale = decimalScaleOf(operand.type);
    const type = operand.type.kind === 'decimal' ? operand.type : decimalType(20 + scale, scale);
    return {
      type,
      args: [castTo(operand, type, env)],
      build:
        ([value]) =>
        (batch) =>
          negate(value!(batch), false, true, faults),
    };
  }
  // -9223372036854775808 is written as a minus and a number that only fits unsigned.
  if (operand.kind === 'constant' && isUnsigned(operand.type) && operand.value !== null) {
    const value = -BigInt(operand.value as number | bigint);
    const negated =
      value >= -INT64_MIN_SIZE
        ? boundConstant(BIGINT, integerValue(value))
        : boundConstant(decimalType(20, 0), value);
    return { type: negated.type, args: [negated], build: ([same]) => same! };
  }
  const unsigned = isUnsigned(operand.type);
  return {
    type: BIGINT,
    args: [asInteger(operand, site)],
    build:
      ([value]) =>
      (batch) =>
        negate(value!(batch), unsigned, false, faults),
  };
});

/** Bit operators work on 64 unsigned bits. */
function bitOperator(name: string, apply: (a: bigint, b: bigint) => bigint): FunctionDefinition {
  return defineFunction(name, name === '~' ? 1 : 2, name === '~' ? 1 : 2, ({ args, env }) => ({
    type: BIGINT_UNSIGNED,
    args: args.map((argument) => castTo(argument, BIGINT_UNSIGNED, env)),
    build:
      ([left, right]) =>
      (batch) => {
        const a = left!(batch);
        const b = right === undefined ? a : right(batch);
        const nulls = unionNulls(a.nulls, b.nulls, a.length);
        const values = new Array<bigint>(a.length);
        for (let i = 0; i < a.length; i++) {
          const isMissing = isNullAt(a, i) || isNullAt(b, i);
          values[i] = isMissing
            ? 0n
            : BigInt.asUintN(64, apply(bigintAt(a, i, true), bigintAt(b, i, true)));
        }
        return integerVector(values, nulls);
      },
  }));
}

export const arithmeticFunctions: readonly FunctionDefinition[] = [
  arithmetic('+', '+'),
  arithmetic('binary -', '-'),
  arithmetic('*', '*'),
  arithmetic('/', '/'),
  arithmetic('%', '%'),
  arithmetic('mod', '%'),
  arithmetic('div', 'div'),
  unaryMinus,
  bitOperator('&', (a, b) => a & b),
  bitOperator('|', (a, b) => a | b),
  bitOperator('^', (a, b) => a ^ b),
  bitOperator('<<', (a, b) => (b > 63n ? 0n : a << b)),
  bitOperator('>>', (a, b) => (b > 63n ? 0n : a >> b)),
  bitOperator('~', (a) => ~a),
];
