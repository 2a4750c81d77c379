/** String functions. Positions and lengths count characters (code points), as MySQL does for utf8mb4. */

import type { SqlType } from '../../catalog/sql-type.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import { castTo } from '../../plan/bound-cast.js';
import { BytesSink } from '../bytes-sink.js';
import { foldText } from '../caseless-text.js';
import { bytesAt, isNullAt, numberVector, unionNulls, type Nulls } from '../exec-vector.js';
import { collationOf, textLength } from '../../plan/type-rules.js';
import { defineFunction, type CallSite, type FunctionDefinition } from '../function-definition.js';
import {
  BIGINT,
  bytesText,
  isBytes,
  LONG_BLOB,
  LONG_TEXT,
  textBytes,
  varcharType,
  type SqlValue,
} from '../sql-value.js';
import { rowFunction, type RowArguments } from './row-function.js';

/** Longest text a function may make: a REPEAT or LPAD past it is NULL with a warning, as past max_allowed_packet. */
const RESULT_BYTES_MAX = 67_108_864;

type LengthRule = (args: readonly BoundExpression[]) => number | null;

const sameLength: LengthRule = (args) => textLength(args[0]!.type);

function sized(rule: LengthRule): (args: readonly BoundExpression[]) => SqlType {
  return (args) => {
    if (args[0]?.type.kind === 'blob') return LONG_BLOB;
    const length = rule(args);
    return length === null || length > 16_383 ? LONG_TEXT : varcharType(length);
  };
}

function textToText(
  name: string,
  apply: (text: string) => string,
  rule: LengthRule = sameLength,
): FunctionDefinition {
  return rowFunction({
    name,
    min: 1,
    parameters: ['text'],
    type: sized(rule),
    prepare: () => (args) => textBytes(apply(args.text(0))),
  });
}

function textFunction(
  name: string,
  min: number,
  max: number,
  parameters: readonly ('text' | 'integer' | 'bytes' | 'keep' | 'double')[],
  type: SqlType | ((args: readonly BoundExpression[]) => SqlType),
  call: (args: RowArguments) => SqlValue | string,
): FunctionDefinition {
  return rowFunction({
    name,
    min,
    max,
    parameters,
    type,
    prepare: () => (args) => {
      const result = call(args);
      return typeof result === 'string' ? textBytes(result) : result;
    },
  });
}

const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
};

/** Characters from..to of a text. */
function characters(text: string, from: number, to: number): string {
  return isAscii(text) ? text.slice(from, to) : [...text].slice(from, to).join('');
}

const characterCount = (text: string): number => {
  if (isAscii(text)) return text.length;
  let count = 0;
  for (const character of text) count += character.length > 0 ? 1 : 0;
  return count;
};

/** SUBSTRING: positions from 1, negative from the end; 0 gives an empty text. */
function substring(text: string, position: number, length: number): string {
  if (position === 0 || length <= 0) return '';
  const count = characterCount(text);
  const from = position > 0 ? position - 1 : count + position;
  if (from < 0 || from >= count) return '';
  return characters(text, from, Math.min(from + length, count));
}

const substringFunction = (name: string): FunctionDefinition =>
  textFunction(name, 2, 3, ['text', 'integer', 'integer'], sized(sameLength), (args) =>
    substring(args.text(0), args.number(1), args.count > 2 ? args.number(2) : Infinity),
  );

/** 1-based place of `sought` at or after `from`, 0 when absent; `fold` makes both alike for _ci collations. */
function locate(sought: string, text: string, from: number): number {
  if (from < 1 || from > characterCount(text) + 1) return 0;
  const skipped = characters(text, 0, from - 1).length;
  const at = text.indexOf(sought, skipped);
  return at < 0 ? 0 : characterCount(text.slice(0, at)) + 1;
}

function locateFunction(name: string, textFirst: boolean): FunctionDefinition {
  return rowFunction({
    name,
    min: 2,
    max: textFirst ? 2 : 3,
    parameters: ['text', 'text', 'integer'],
    type: BIGINT,
    prepare: (site) => {
      const isCaseless = collationOf(site.args.slice(0, 2)).name === 'caseless';
      const fold = isCaseless ? foldText : (text: string): string => text;
      return (args) => {
        const [sought, text] = textFirst
          ? [args.text(1), args.text(0)]
          : [args.text(0), args.text(1)];
        return locate(fold(sought), fold(text), args.count > 2 ? args.number(2) : 1);
      };
    },
  });
}

function trimmed(text: string, removed: string, left: boolean, right: boolean): string {
  if (removed === '') return text;
  let from = 0;
  let to = text.length;
  const size = removed.length;
  if (left) while (to - from >= size && text.startsWith(removed, from)) from += size;
  if (right) while (to - from >= size && text.startsWith(removed, to - size)) to -= size;
  return text.slice(from, to);
}

function padded(args: RowArguments, left: boolean): string | null {
  const text = args.text(0);
  const length = args.number(1);
  const filler = args.count > 2 ? args.text(2) : ' ';
  if (length < 0 || length * 4 > RESULT_BYTES_MAX) return null;
  const count = characterCount(text);
  if (count >= length) return characters(text, 0, length);
  if (filler === '') return null;
  const missing = length - count;
  const fill = characters(filler.repeat(Math.ceil(missing / characterCount(filler))), 0, missing);
  return left ? fill + text : text + fill;
}

function substringIndex(text: string, delimiter: string, count: number): string {
  if (delimiter === '' || count === 0) return '';
  const parts = text.split(delimiter);
  return (count > 0 ? parts.slice(0, count) : parts.slice(count)).join(delimiter);
}

/** CONCAT straight over bytes: the one string function that queries use on every row. */
const concat = defineFunction('concat', 1, Infinity, ({ args, env }) => {
  const isBinary = args.some((argument) => argument.type.kind === 'blob');
  const lengths = args.map((argument) => textLength(argument.type));
  const total = lengths.reduce<number | null>(
    (sum, length) => (sum === null || length === null ? null : sum + length),
    0,
  );
  return {
    type: isBinary ? LONG_BLOB : total === null || total > 16_383 ? LONG_TEXT : varcharType(total),
    args: args.map((argument) =>
      isBytes(argument.type) ? argument : castTo(argument, LONG_TEXT, env),
    ),
    build: (evaluators) => (batch) => {
      const vectors = evaluators.map((evaluate) => evaluate(batch));
      const nulls = vectors.reduce<Nulls>(
        (all, vector) => unionNulls(all, vector.nulls, batch.length),
        null,
      );
      const sink = new BytesSink(batch.length);
      for (let row = 0; row < batch.length; row++) {
        if (nulls === null || nulls[row] === 0) {
          for (const vector of vectors) {
            const bytes = bytesAt(vector, row);
            sink.bytes(bytes, 0, bytes.length);
          }
        }
        sink.endRow();
      }
      return sink.finish(nulls);
    },
  };
});

/** LENGTH counts bytes: no text needs decoding. */
const length = (name: string): FunctionDefinition =>
  defineFunction(name, 1, 1, ({ args, env }) => ({
    type: BIGINT,
    args: [isBytes(args[0]!.type) ? args[0]! : castTo(args[0]!, LONG_TEXT, env)],
    build:
      ([operand]) =>
      (batch) => {
        const vector = operand!(batch);
        const values = new Float64Array(batch.length);
        for (let i = 0; i < batch.length; i++) {
          if (!isNullAt(vector, i)) values[i] = bytesAt(vector, i).length;
        }
        return numberVector(values, vector.nulls, batch.length);
      },
  }));

function isEqualText(site: CallSite): (a: string, b: string) => boolean {
  const isCaseless = collationOf(site.args).name === 'caseless';
  return (a, b) => a === b || (isCaseless && foldText(a) === foldText(b));
}

export const textFunctions: readonly FunctionDefinition[] = [
  concat,
  length('length'),
  length('octet_length'),
  textToText('lower', (text) => text.toLowerCase()),
  textToText('lcase', (text) => text.toLowerCase()),
  textToText('upper', (text) => text.toUpperCase()),
  textToText('ucase', (text) => text.toUpperCase()),
  textToText('reverse', (text) => [...text].reverse().join('')),
  textToText('ltrim', (text) => text.replace(/^ +/, '')),
  textToText('rtrim', (text) => text.replace(/ +$/, '')),
  textToText(
    'quote',
    (text) =>
      `'${text.replace(/[\\']/g, '\\$&').replaceAll('\0', '\\0').replaceAll('\x1a', '\\Z')}'`,
    () => null,
  ),
  textFunction('trim', 1, 3, ['text', 'text', 'text'], sized(sameLength), (args) => {
    const side = args.count > 2 ? args.text(2) : 'both';
    const removed = args.count > 1 ? args.text(1) : ' ';
    return trimmed(args.text(0), removed, side !== 'trailing', side !== 'leading');
  }),
  rowFunction({
    name: 'concat_ws',
    min: 2,
    max: Infinity,
    parameters: ['text'],
    type: LONG_TEXT,
    seesNulls: true,
    prepare: () => (args) => {
      if (args.isNull(0)) return null;
      const parts: string[] = [];
      for (let i = 1; i < args.count; i++) if (!args.isNull(i)) parts.push(args.text(i));
      return textBytes(parts.join(args.text(0)));
    },
  }),
  textFunction('char_length', 1, 1, ['text'], BIGINT, (args) => characterCount(args.text(0))),
  textFunction('character_length', 1, 1, ['text'], BIGINT, (args) => characterCount(args.text(0))),
  textFunction('bit_length', 1, 1, ['bytes'], BIGINT, (args) => args.bytes(0).length * 8),
  substringFunction('substring'),
  substringFunction('substr'),
  substringFunction('mid'),
  textFunction('left', 2, 2, ['text', 'integer'], sized(sameLength), (args) =>
    characters(args.text(0), 0, Math.max(args.number(1), 0)),
  ),
  textFunction('right', 2, 2, ['text', 'integer'], sized(sameLength), (args) => {
    const text = args.text(0);
    const count = Math.max(args.number(1), 0);
    return characters(text, Math.max(characterCount(text) - count, 0), Infinity);
  }),
  textFunction('replace', 3, 3, ['text'], LONG_TEXT, (args) =>
    args.text(1) === '' ? args.text(0) : args.text(0).replaceAll(args.text(1), () => args.text(2)),
  ),
  textFunction('insert', 4, 4, ['text', 'integer', 'integer', 'text'], LONG_TEXT, (args) => {
    const all = [...args.text(0)];
    const at = args.number(1);
    if (at < 1 || at > all.length) return args.text(0);
    const count = args.number(2);
    const end = count < 0 ? all.length : Math.min(at - 1 + count, all.length);
    return all.slice(0, at - 1).join('') + args.text(3) + all.slice(end).join('');
  }),
  locateFunction('locate', false),
  locateFunction('position', false),
  locateFunction('instr', true),
  textFunction('lpad', 2, 3, ['text', 'integer', 'text'], LONG_TEXT, (args) => padded(args, true)),
  textFunction('rpad', 2, 3, ['text', 'integer', 'text'], LONG_TEXT, (args) => padded(args, false)),
  textFunction('repeat', 2, 2, ['text', 'integer'], LONG_TEXT, (args) => {
    const text = args.text(0);
    const count = Math.max(args.number(1), 0);
    return text.length * count * 3 > RESULT_BYTES_MAX ? null : text.repeat(count);
  }),
  textFunction('space', 1, 1, ['integer'], LONG_TEXT, (args) =>
    args.number(0) > RESULT_BYTES_MAX ? null : ' '.repeat(Math.max(args.number(0), 0)),
  ),
  textFunction('substring_index', 3, 3, ['text', 'text', 'integer'], sized(sameLength), (args) =>
    substringIndex(args.text(0), args.text(1), args.number(2)),
  ),
  textFunction('split_part', 3, 3, ['text', 'text', 'integer'], sized(sameLength), (args) => {
    const at = args.number(2);
    const parts = args.text(0).split(args.text(1));
    return (at > 0 ? parts[at - 1] : parts.at(at)) ?? '';
  }),
  textFunction('ascii', 1, 1, ['bytes'], BIGINT, (args) => args.bytes(0)[0] ?? 0),
  textFunction('ord', 1, 1, ['bytes'], BIGINT, (args) => {
    const first = [...bytesText(args.bytes(0))][0];
    return first === undefined ? 0 : textBytes(first).reduce((sum, byte) => sum * 256 + byte, 0);
  }),
  rowFunction({
    name: 'char',
    min: 1,
    max: Infinity,
    parameters: ['integer'],
    type: LONG_BLOB,
    seesNulls: true,
    prepare: () => (args) => {
      const bytes: number[] = [];
      for (let i = 0; i < args.count; i++) {
        if (args.isNull(i)) continue;
        const code = args.number(i) >>> 0;
        for (
          let shift = code > 0xffffff ? 24 : code > 0xffff ? 16 : code > 0xff ? 8 : 0;
          shift >= 0;
          shift -= 8
        ) {
          bytes.push((code >>> shift) & 255);
        }
      }
      return Uint8Array.from(bytes);
    },
  }),
  textFunction('hex', 1, 1, ['keep'], LONG_TEXT, (args) => hexOf(args.value(0))),
  rowFunction({
    name: 'unhex',
    min: 1,
    parameters: ['text'],
    type: LONG_BLOB,
    prepare: () => (args) => {
      const text = args.text(0);
      const even = text.length % 2 === 1 ? `0${text}` : text;
      return /^[0-9a-fA-F]*$/.test(even) ? Uint8Array.from(Buffer.from(even, 'hex')) : null;
    },
  }),
  rowFunction({
    name: 'field',
    min: 2,
    max: Infinity,
    parameters: ['text'],
    type: BIGINT,
    nullable: false,
    seesNulls: true,
    prepare: (site) => {
      const isEqual = isEqualText(site);
      return (args) => {
        if (args.isNull(0)) return 0;
        for (let i = 1; i < args.count; i++) {
          if (!args.isNull(i) && isEqual(args.text(0), args.text(i))) return i;
        }
        return 0;
      };
    },
  }),
  rowFunction({
    name: 'elt',
    min: 2,
    max: Infinity,
    parameters: ['integer', 'text'],
    type: LONG_TEXT,
    seesNulls: true,
    prepare: () => (args) => {
      const at = args.isNull(0) ? 0 : args.number(0);
      return at < 1 || at >= args.count || args.isNull(at) ? null : textBytes(args.text(at));
    },
  }),
  rowFunction({
    name: 'find_in_set',
    min: 2,
    parameters: ['text'],
    type: BIGINT,
    prepare: (site) => {
      const isEqual = isEqualText(site);
      return (args) =>
        args.text(1) === ''
          ? 0
          : args
              .text(1)
              .split(',')
              .findIndex((item) => isEqual(item, args.text(0))) + 1;
    },
  }),
  rowFunction({
    name: 'strcmp',
    min: 2,
    parameters: ['text'],
    type: BIGINT,
    prepare: (site) => {
      const isCaseless = collationOf(site.args).name === 'caseless';
      const fold = isCaseless ? foldText : (text: string): string => text;
      return (args) =>
        Math.sign(Buffer.compare(textBytes(fold(args.text(0))), textBytes(fold(args.text(1)))));
    },
  }),
  textFunction('format', 2, 2, ['double', 'integer'], varcharType(60), (args) => {
    const digits = Math.max(0, Math.min(30, args.number(1)));
    const [whole = '0', fraction = ''] = Math.abs(args.number(0))
      .toFixed(Math.min(digits, 20))
      .split('.');
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
    const isNegative = args.number(0) < 0 && /[1-9]/.test(whole + fraction);
    return `${isNegative ? '-' : ''}${grouped}${fraction === '' ? '' : `.${fraction}`}`;
  }),
  textFunction('to_base64', 1, 1, ['bytes'], LONG_TEXT, (args) =>
    Buffer.from(args.bytes(0)).toString('base64'),
  ),
  rowFunction({
    name: 'from_base64',
    min: 1,
    parameters: ['text'],
    type: LONG_BLOB,
    prepare: () => (args) => Uint8Array.from(Buffer.from(args.text(0), 'base64')),
  }),
];

/** Texts by their bytes, numbers by their value. */
function hexOf(value: SqlValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  if (value === null) return '';
  const integer = typeof value === 'bigint' ? value : BigInt(Math.round(value));
  return BigInt.asUintN(64, integer).toString(16).toUpperCase();
}
