/** ABS, ROUND, FLOOR, trigonometry and the rest of MySQL's numeric functions. */

import { crc32 } from 'node:zlib';
import { SqlError } from '../../../protocol/index.js';
import type { SqlType } from '../../catalog/sql-type.js';
import { castTo } from '../../plan/bound-cast.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import { expressionText } from '../../plan/expression-text.js';
import { boundedDecimal, numericClass } from '../../plan/type-rules.js';
import { decimalScaleOf, decimalVector, integerVector, roundHalfEven } from '../cast-number.js';
import { divideRounded, powerOfTen } from '../decimal.js';
import {
  bigintAt,
  decimalAt,
  isNullAt,
  isUnsigned,
  numberVector,
  type ExecVector,
} from '../exec-vector.js';
import {
  defineFunction,
  type CallSite,
  type FunctionDefinition,
  type ResolvedCall,
} from '../function-definition.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  decimalType,
  DOUBLE,
  textBytes,
  varcharType,
} from '../sql-value.js';
import { rowFunction } from './row-function.js';

/** A function of doubles: outside its domain NULL (or, past the largest double, an error as in MySQL). */
function realFunction(
  name: string,
  argumentCount: number,
  apply: (x: number, y: number) => number,
  overflowFails = false,
): FunctionDefinition {
  return defineFunction(name, argumentCount, argumentCount, (site) => ({
    type: DOUBLE,
    args: site.args.map((argument) => castTo(argument, DOUBLE, site.env)),
    nullable: true,
    build:
      ([first, second]) =>
      (batch) => {
        const a = first!(batch);
        const b = second === undefined ? a : second(batch);
        if (a.kind !== 'number' || b.kind !== 'number') throw new Error('doubles expected');
        const values = new Float64Array(batch.length);
        const nulls = new Uint8Array(batch.length);
        for (let i = 0; i < batch.length; i++) {
          if (isNullAt(a, i) || isNullAt(b, i)) {
            nulls[i] = 1;
            continue;
          }
          const value = apply(a.values[i]!, b.values[i]!);
          if (Number.isFinite(value)) values[i] = value;
          else if (overflowFails && !Number.isNaN(value)) throw overflow(site);
          else nulls[i] = 1;
        }
        return numberVector(values, nulls, batch.length);
      },
  }));
}

function overflow(site: CallSite): SqlError {
  const args = site.args.map((argument) => expressionText(argument, site.env));
  return new SqlError('ER_DATA_OUT_OF_RANGE', {
    type: 'DOUBLE',
    expression: `${site.name}(${args.join(',')})`,
  });
}

/** The argument as the class of number it counts as. */
function numericArgument(operand: BoundExpression, { env }: CallSite): BoundExpression {
  switch (numericClass(operand.type)) {
    case 'double':
      return castTo(operand, DOUBLE, env);
    case 'decimal':
      return operand.type.kind === 'decimal'
        ? operand
        : castTo(
            operand,
            decimalType(20 + decimalScaleOf(operand.type), decimalScaleOf(operand.type)),
            env,
          );
    case 'integer':
      return isUnsigned(operand.type) ? operand : castTo(operand, BIGINT, env);
  }
}

/** One rule per class of number; `exact` works on the integer or unscaled value. */
function perClass(
  site: CallSite,
  type: (argument: SqlType) => SqlType,
  real: (value: number) => number,
  exact: (unscaled: bigint, scale: number) => bigint,
): ResolvedCall {
  const argument = numericArgument(site.args[0]!, site);
  const result = type(argument.type);
  const unsigned = isUnsigned(argument.type);
  const args = [argument, ...site.args.slice(1)];
  if (argument.type.kind === 'double' || argument.type.kind === 'float') {
    return {
      type: result,
      args,
      build:
        ([value]) =>
        (batch) =>
          mapNumbers(value!(batch), real),
    };
  }
  if (argument.type.kind === 'decimal') {
    const { scale } = argument.type;
    return {
      type: result,
      args,
      build:
        ([value]) =>
        (batch) => {
          const vector = value!(batch);
          const values = new Array<bigint>(vector.length);
          for (let i = 0; i < vector.length; i++) values[i] = exact(decimalAt(vector, i), scale);
          return result.kind === 'decimal'
            ? decimalVector(values, result.scale, vector.nulls)
            : integerVector(values, vector.nulls);
        },
    };
  }
  return {
    type: result,
    args,
    build:
      ([value]) =>
      (batch) => {
        const vector = value!(batch);
        if (vector.kind === 'number') {
          return mapNumbers(vector, (number) => Number(exact(BigInt(number), 0)));
        }
        const values = new Array<bigint>(vector.length);
        for (let i = 0; i < vector.length; i++) values[i] = exact(bigintAt(vector, i, unsigned), 0);
        return integerVector(values, vector.nulls);
      },
  };
}

function mapNumbers(vector: ExecVector, apply: (value: number) => number): ExecVector {
  if (vector.kind !== 'number') throw new Error('numbers expected');
  const values = new Float64Array(vector.length);
  for (let i = 0; i < vector.length; i++) values[i] = apply(vector.values[i]!);
  return numberVector(values, vector.nulls, vector.length);
}

const abs = defineFunction('abs', 1, 1, (site) =>
  perClass(
    site,
    (type) => type,
    Math.abs,
    (value) => (value < 0n ? -value : value),
  ),
);

function floorExact(value: bigint, scale: number): bigint {
  const unit = powerOfTen(scale);
  const quotient = value / unit;
  return value % unit < 0n ? quotient - 1n : quotient;
}

/** FLOOR and CEIL of exact numbers are integers. */
const wholeType = (type: SqlType): SqlType => {
  if (type.kind === 'double' || type.kind === 'float') return DOUBLE;
  if (type.kind !== 'decimal') return type;
  return type.precision - type.scale < 18
    ? BIGINT
    : decimalType(type.precision - type.scale + 1, 0);
};

const floor = (name: string): FunctionDefinition =>
  defineFunction(name, 1, 1, (site) => perClass(site, wholeType, Math.floor, floorExact));
const ceil = (name: string): FunctionDefinition =>
  defineFunction(name, 1, 1, (site) =>
    perClass(site, wholeType, Math.ceil, (value, scale) => -floorExact(-value, scale)),
  );

/** Doubles: half to even on the last digit, as C's rint does it. */
function roundReal(value: number, digits: number, truncates: boolean): number {
  const factor = 10 ** Math.abs(digits);
  const cut = truncates ? Math.trunc : roundHalfEven;
  if (digits >= 0) {
    const scaled = value * factor;
    return Number.isFinite(scaled) ? cut(scaled) / factor : value;
  }
  return Number.isFinite(factor) ? cut(value / factor) * factor : 0;
}

/** The unscaled value (of `scale` digits) rounded to `digits` digits, itself at scale `resultScale`. */
function roundExact(
  value: bigint,
  scale: number,
  digits: number,
  resultScale: number,
  truncates: boolean,
): bigint {
  const cut = scale - digits;
  let kept = value;
  if (cut > 0) {
    const unit = powerOfTen(Math.min(cut, 100));
    kept = (truncates ? value / unit : divideRounded(value, unit)) * unit;
  }
  return kept / powerOfTen(Math.max(scale - resultScale, 0));
}

/** ROUND(x[, d]) and TRUNCATE(x, d). */
function rounding(name: string, min: number, truncates: boolean): FunctionDefinition {
  return defineFunction(name, min, 2, (site) => {
    const digitsArgument = site.args[1];
    const fixed =
      digitsArgument === undefined
        ? 0
        : digitsArgument.kind === 'constant' && typeof digitsArgument.value === 'number'
          ? Math.max(-30, Math.min(30, digitsArgument.value))
          : null;
    const argument = numericArgument(site.args[0]!, site);
    if (fixed !== null) {
      const resultScale = Math.max(0, Math.min(fixed, decimalScaleOf(argument.type)));
      const type = (source: SqlType): SqlType =>
        source.kind === 'decimal'
          ? boundedDecimal(source.precision - source.scale + (truncates ? 0 : 1), resultScale)
          : source;
      return perClass(
        site,
        type,
        (value) => roundReal(value, fixed, truncates),
        (value, scale) => roundExact(value, scale, fixed, resultScale, truncates),
      );
    }
    return {
      type: DOUBLE,
      args: [castTo(site.args[0]!, DOUBLE, site.env), castTo(digitsArgument!, DOUBLE, site.env)],
      build:
        ([value, digits]) =>
        (batch) => {
          const a = value!(batch);
          const b = digits!(batch);
          if (a.kind !== 'number' || b.kind !== 'number') throw new Error('doubles expected');
          const values = new Float64Array(batch.length);
          const nulls = new Uint8Array(batch.length);
          for (let i = 0; i < batch.length; i++) {
            if (isNullAt(a, i) || isNullAt(b, i)) nulls[i] = 1;
            else values[i] = roundReal(a.values[i]!, b.values[i]!, truncates);
          }
          return numberVector(values, nulls, batch.length);
        },
    };
  });
}

const sign = defineFunction('sign', 1, 1, (site) =>
  perClass(
    site,
    () => BIGINT,
    Math.sign,
    (value) => (value > 0n ? 1n : value < 0n ? -1n : 0n),
  ),
);

const logarithm = (value: number): number => (value > 0 ? Math.log(value) : NaN);

const log = defineFunction('log', 1, 2, (site) => {
  const isBased = site.args.length === 2;
  const definition = isBased
    ? realFunction('log', 2, (base, value) =>
        base === 1 ? NaN : logarithm(value) / logarithm(base),
      )
    : realFunction('log', 1, logarithm);
  return definition.resolve(site);
});

const random = defineFunction('rand', 0, 1, ({ context }) => {
  const word = new Uint8Array(8);
  const view = new DataView(word.buffer);
  return {
    type: DOUBLE,
    nullable: false,
    isVolatile: true,
    build: () => (batch) => {
      const values = new Float64Array(batch.length);
      for (let i = 0; i < batch.length; i++) {
        context.random.fill(word);
        values[i] = (view.getUint32(0) * 2_097_152 + (view.getUint32(4) >>> 11)) / 2 ** 53;
      }
      return numberVector(values, null, batch.length);
    },
  };
});

const radians = Math.PI / 180;

export const numericFunctions: readonly FunctionDefinition[] = [
  abs,
  floor('floor'),
  ceil('ceil'),
  ceil('ceiling'),
  rounding('round', 1, false),
  rounding('truncate', 2, true),
  rounding('trunc', 1, true),
  sign,
  log,
  random,
  defineFunction('pi', 0, 0, () => ({
    type: DOUBLE,
    nullable: false,
    build: () => (batch) =>
      numberVector(new Float64Array(batch.length).fill(Math.PI), null, batch.length),
  })),
  realFunction('sqrt', 1, Math.sqrt),
  realFunction('exp', 1, Math.exp, true),
  realFunction('ln', 1, logarithm),
  realFunction('log2', 1, (x) => (x > 0 ? Math.log2(x) : NaN)),
  realFunction('log10', 1, (x) => (x > 0 ? Math.log10(x) : NaN)),
  realFunction('power', 2, (x, y) => x ** y, true),
  realFunction('pow', 2, (x, y) => x ** y, true),
  realFunction('sin', 1, Math.sin),
  realFunction('cos', 1, Math.cos),
  realFunction('tan', 1, Math.tan),
  realFunction('cot', 1, (x) => 1 / Math.tan(x), true),
  realFunction('asin', 1, Math.asin),
  realFunction('acos', 1, Math.acos),
  realFunction('atan2', 2, Math.atan2),
  defineFunction('atan', 1, 2, (site) =>
    (site.args.length === 2
      ? realFunction('atan', 2, Math.atan2)
      : realFunction('atan', 1, Math.atan)
    ).resolve(site),
  ),
  realFunction('degrees', 1, (x) => x / radians),
  realFunction('radians', 1, (x) => x * radians),
  rowFunction({
    name: 'crc32',
    min: 1,
    parameters: ['bytes'],
    type: BIGINT_UNSIGNED,
    prepare: () => (args) => crc32(args.bytes(0)),
  }),
  rowFunction({
    name: 'conv',
    min: 3,
    parameters: ['text', 'integer', 'integer'],
    type: varcharType(64),
    prepare: () => (args) => convertBase(args.text(0), args.number(1), args.number(2)),
  }),
];

function convertBase(text: string, from: number, to: number): Uint8Array | null {
  const source = Math.abs(from);
  const target = Math.abs(to);
  if (source < 2 || source > 36 || target < 2 || target > 36) return null;
  let value = 0n;
  const trimmed = text.trim().toLowerCase();
  for (const character of trimmed.replace(/^[+-]/, '')) {
    const digit = parseInt(character, source);
    if (Number.isNaN(digit)) break;
    value = value * BigInt(source) + BigInt(digit);
  }
  const bits = BigInt.asUintN(64, trimmed.startsWith('-') ? -value : value);
  const shown = to < 0 ? BigInt.asIntN(64, bits) : bits;
  return textBytes(shown.toString(target).toUpperCase());
}
