/** LIKE, REGEXP and IN. */

import type { SqlType } from '../../catalog/sql-type.js';
import type { BoundConstant, BoundExpression } from '../../plan/bound-expression.js';
import { castTo } from '../../plan/bound-cast.js';
import { collationOf } from '../../plan/type-rules.js';
import type { Evaluator } from '../batch.js';
import { foldBytes } from '../caseless-text.js';
import { bytesAt, isNullAt, nullVector, numberVector, type ExecVector } from '../exec-vector.js';
import { defineFunction, type CallSite, type FunctionDefinition } from '../function-definition.js';
import { compareVectors } from '../kernel-comparison.js';
import { truthOf } from '../kernel-logic.js';
import { compileRegularExpression } from '../regular-expression.js';
import { BIGINT, bytesText, isBytes, isInteger, LONG_TEXT, type SqlValue } from '../sql-value.js';
import { compileLike, type LikePattern } from '../text-pattern.js';
import { alignOperands } from './comparison-functions.js';
import { rowFunction } from './row-function.js';

/** 1, 0 or NULL per row of a text vector; a dictionary's codes are asked once each. */
function testText(vector: ExecVector, test: (bytes: Uint8Array) => boolean): ExecVector {
  const { length, nulls } = vector;
  const values = new Float64Array(length);
  if (vector.kind === 'dictionary' && vector.dictionary.length <= length * 4) {
    const known = new Int8Array(vector.dictionary.length).fill(-1);
    for (let i = 0; i < length; i++) {
      if (isNullAt(vector, i)) continue;
      const code = vector.codes[i]!;
      if (known[code] === -1) known[code] = test(bytesAt(vector.dictionary, code)) ? 1 : 0;
      values[i] = known[code]!;
    }
    return numberVector(values, nulls, length);
  }
  for (let i = 0; i < length; i++) {
    if (!isNullAt(vector, i)) values[i] = test(bytesAt(vector, i)) ? 1 : 0;
  }
  return numberVector(values, nulls, length);
}

const asText = (operand: BoundExpression, { env }: CallSite): BoundExpression =>
  isBytes(operand.type) ? operand : castTo(operand, LONG_TEXT, env);

/** x LIKE pattern, escape character as third argument (a text constant, empty = none). */
const like = defineFunction('like', 2, 3, (site) => {
  const operand = asText(site.args[0]!, site);
  const pattern = asText(site.args[1]!, site);
  const escapeArgument = site.args[2];
  const escape = escapeArgument === undefined ? 92 : escapeByte(escapeArgument);
  const isCaseless = collationOf([operand, pattern]).name === 'caseless';
  const fold = isCaseless ? foldBytes : (bytes: Uint8Array): Uint8Array => bytes;
  const compiled = (bytes: Uint8Array): LikePattern => compileLike(fold(bytes), escape);
  const nullable = operand.nullable || pattern.nullable;
  if (pattern.kind === 'constant') {
    const bytes = pattern.value as Uint8Array | null;
    const fixed = bytes === null ? null : compiled(bytes);
    return {
      type: BIGINT,
      args: [operand, pattern],
      nullable,
      build:
        ([text]) =>
        (batch) =>
          fixed === null
            ? nullVector(batch.length)
            : testText(text!(batch), (value) => fixed.matches(fold(value))),
    };
  }
  return {
    type: BIGINT,
    args: [operand, pattern],
    nullable,
    isSlow: true,
    build:
      ([text, patterns]) =>
      (batch) => {
        const left = text!(batch);
        const right = patterns!(batch);
        const values = new Float64Array(batch.length);
        const nulls = new Uint8Array(batch.length);
        for (let i = 0; i < batch.length; i++) {
          if (isNullAt(left, i) || isNullAt(right, i)) nulls[i] = 1;
          else values[i] = compiled(bytesAt(right, i)).matches(fold(bytesAt(left, i))) ? 1 : 0;
        }
        return numberVector(values, nulls, batch.length);
      },
  };
});

function escapeByte(argument: BoundExpression): number | null {
  if (argument.kind !== 'constant' || !(argument.value instanceof Uint8Array)) return 92;
  return argument.value[0] ?? null;
}

const regexp = defineFunction('regexp', 2, 2, (site) => {
  const operand = asText(site.args[0]!, site);
  const pattern = asText(site.args[1]!, site);
  const isCaseless = collationOf([operand, pattern]).name === 'caseless';
  const compiled = (bytes: Uint8Array): ((value: Uint8Array) => boolean) => {
    const expression = compileRegularExpression(bytesText(bytes), isCaseless);
    return (value) => expression(bytesText(value)) !== null;
  };
  const fixed =
    pattern.kind === 'constant' && pattern.value instanceof Uint8Array
      ? compiled(pattern.value)
      : null;
  return {
    type: BIGINT,
    args: [operand, pattern],
    isSlow: true,
    build:
      ([text, patterns]) =>
      (batch) => {
        const left = text!(batch);
        if (fixed !== null) return testText(left, fixed);
        const right = patterns!(batch);
        const values = new Float64Array(batch.length);
        const nulls = new Uint8Array(batch.length);
        for (let i = 0; i < batch.length; i++) {
          if (isNullAt(left, i) || isNullAt(right, i)) nulls[i] = 1;
          else values[i] = compiled(bytesAt(right, i))(bytesAt(left, i)) ? 1 : 0;
        }
        return numberVector(values, nulls, batch.length);
      },
  };
});

/** x IN (a, b, ...): hashed when all are constants of a form that hashes, else one comparison each. */
const inList = defineFunction('in', 2, Infinity, (site) => {
  const [operand, ...list] = site.args;
  const hashed = hashedMembership(operand!, list);
  const hasNull = list.some((item) => item.kind === 'constant' && item.value === null);
  if (hashed !== null) {
    return {
      type: BIGINT,
      // The list became part of the code: nobody has to walk it again for every row or rule.
      args: [operand!],
      nullable: operand!.nullable || hasNull,
      build:
        ([value]) =>
        (batch) =>
          nullUnlessTrue(hashed(value!(batch)), hasNull),
    };
  }
  const pairs = list.map((item) => alignOperands(operand!, item, site.env));
  return {
    type: BIGINT,
    args: [operand!, ...list, ...pairs.flatMap(({ left, right }) => [left, right])],
    build: (evaluators) => anyEqual(evaluators.slice(1 + list.length), pairs),
  };
});

/** Compared with integers, too, a double is compared as one. */
const isDouble = (type: SqlType): boolean => type.kind === 'double';

/** With a NULL in the list, "not found" is "unknown". */
function nullUnlessTrue(found: ExecVector, hasNull: boolean): ExecVector {
  if (!hasNull || found.kind !== 'number') return found;
  const nulls = new Uint8Array(found.length);
  for (let i = 0; i < found.length; i++)
    nulls[i] = found.values[i] === 1 && !isNullAt(found, i) ? 0 : 1;
  return { ...found, nulls };
}

function hashedMembership(
  operand: BoundExpression,
  list: readonly BoundExpression[],
): ((vector: ExecVector) => ExecVector) | null {
  const constants = list.filter((item): item is BoundConstant => item.kind === 'constant');
  if (constants.length < list.length) return null;
  const present = constants.filter((item) => item.value !== null);
  if (
    isBytes(operand.type) &&
    operand.type.kind !== 'blob' &&
    present.every((item) => item.type.kind === 'text')
  ) {
    const isCaseless = collationOf([operand, ...present]).name === 'caseless';
    const fold = isCaseless ? foldBytes : (bytes: Uint8Array): Uint8Array => bytes;
    const key = (bytes: Uint8Array): string => latin1Text(fold(bytes));
    const set = new Set(present.map((item) => key(item.value as Uint8Array)));
    return (vector) => testText(vector, (bytes) => set.has(key(bytes)));
  }
  const isNumeric = isInteger(operand.type)
    ? present.every((item) => isInteger(item.type))
    : isDouble(operand.type) &&
      present.every((item) => isInteger(item.type) || isDouble(item.type));
  if (!isNumeric) return null;
  const set = new Set<SqlValue>(present.map((item) => item.value));
  if (![...set].every((value) => typeof value === 'number')) return null;
  return (vector) => {
    const values = new Float64Array(vector.length);
    // 64-bit values that are no safe integers equal none of the set.
    for (let i = 0; i < vector.length; i++) values[i] = set.has(smallIntegerAt(vector, i)) ? 1 : 0;
    return numberVector(values, vector.nulls, vector.length);
  };
}

const latin1Text = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('latin1');

function smallIntegerAt(vector: ExecVector, row: number): number {
  if (vector.kind === 'number') return vector.values[row]!;
  if (vector.kind !== 'integer64') return NaN;
  const value = vector.high[row]! * 4_294_967_296 + (vector.low[row]! >>> 0);
  return Number.isSafeInteger(value) ? value : NaN;
}

function anyEqual(
  evaluators: readonly Evaluator[],
  pairs: readonly ReturnType<typeof alignOperands>[],
): Evaluator {
  return (batch) => {
    const values = new Float64Array(batch.length);
    const nulls = new Uint8Array(batch.length);
    pairs.forEach(({ form, left, right }, pair) => {
      const sides = { form, leftType: left.type, rightType: right.type };
      const a = evaluators[pair * 2]!(batch);
      const truth = truthOf(compareVectors('=', sides, a, evaluators[pair * 2 + 1]!(batch)));
      for (let i = 0; i < batch.length; i++) {
        if (truth[i] === 1) values[i] = 1;
        else if (truth[i] === 2) nulls[i] = 1;
      }
    });
    for (let i = 0; i < batch.length; i++) if (values[i] === 1) nulls[i] = 0;
    return numberVector(values, nulls, batch.length);
  };
}

const matchTypeOf = (matchType: string): boolean => matchType.includes('i');

export const matchFunctions: readonly FunctionDefinition[] = [
  like,
  regexp,
  inList,
  rowFunction({
    name: 'regexp_like',
    min: 2,
    max: 3,
    parameters: ['text'],
    type: BIGINT,
    prepare: () => {
      let known = { key: '', run: compileRegularExpression('', false) };
      return (args) => {
        const type = args.count > 2 ? args.text(2) : '';
        const key = `${type}/${args.text(1)}`;
        if (key !== known.key) {
          known = { key, run: compileRegularExpression(args.text(1), matchTypeOf(type), type) };
        }
        return known.run(args.text(0)) === null ? 0 : 1;
      };
    },
  }),
];
