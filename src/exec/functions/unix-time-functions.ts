/** UNIX_TIMESTAMP, FROM_UNIXTIME and TO_UNIXTIME: between instants and seconds since 1970-01-01 00:00 UTC. */

import type { SqlType } from '../../catalog/sql-type.js';
import { castTo } from '../../plan/bound-cast.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import { numericClass } from '../../plan/type-rules.js';
import type { Evaluator } from '../batch.js';
import { newDateTimeFields, parseDateTimeBytes } from '../calendar.js';
import { decimalScaleOf } from '../cast-number.js';
import { isInCalendar } from '../cast-time.js';
import { formatMoment } from '../date-format.js';
import {
  bytesAt,
  decimalAt,
  isNullAt,
  numberVector,
  splitTime,
  UNITS,
  unitOf,
} from '../exec-vector.js';
import {
  defineFunction,
  type CallSite,
  type FunctionDefinition,
  type ResolvedCall,
} from '../function-definition.js';
import {
  BIGINT,
  bytesText,
  datetimeType,
  decimalType,
  isBytes,
  LONG_TEXT,
  timestampType,
  varcharType,
} from '../sql-value.js';
import { VectorBuilder } from '../vector-builder.js';
import { mapMoment, momentArgument, shownPrecision } from './moment-argument.js';

const fields = newDateTimeFields();

/** Seconds since the epoch; with fraction digits a DECIMAL. Before 1970: 0, as in MySQL. */
const unixTimestamp = defineFunction('unix_timestamp', 0, 1, (site) => {
  const { env, context } = site;
  const operand = site.args[0];
  if (operand === undefined) {
    const seconds = Math.floor(context.nowMs / 1000);
    return {
      type: BIGINT,
      nullable: false,
      build: () => (batch) =>
        numberVector(new Float64Array(batch.length).fill(seconds), null, batch.length),
    };
  }
  const moment = operand.type.kind === 'timestamp' ? operand : momentArgument(operand, env);
  const digits =
    operand.kind === 'constant' && isBytes(operand.type)
      ? fractionDigitsOf(operand)
      : shownPrecision(moment.type);
  const instant = castTo(moment, timestampType(digits), env);
  const unit = UNITS[digits]!;
  return {
    type: digits === 0 ? BIGINT : decimalType(12 + digits, digits),
    args: [instant],
    nullable: instant.nullable,
    build:
      ([value]) =>
      (batch) => {
        const vector = value!(batch);
        const { seconds, fractions } = splitTime(vector, unit);
        const values = new Float64Array(batch.length);
        for (let i = 0; i < batch.length; i++) {
          values[i] = seconds[i]! < 0 ? 0 : seconds[i]! * unit + fractions[i]!;
        }
        if (digits === 0) return numberVector(values, vector.nulls, batch.length);
        return {
          kind: 'decimal',
          length: batch.length,
          scale: digits,
          small: values,
          large: null,
          nulls: vector.nulls,
        };
      },
  };
});

function fractionDigitsOf(operand: BoundExpression): number {
  if (operand.kind !== 'constant' || !(operand.value instanceof Uint8Array)) return 6;
  parseDateTimeBytes(operand.value, 0, operand.value.length, fields);
  return Math.min(fields.fractionDigits, 6);
}

/** FROM_UNIXTIME(n[, format]): the wall clock of the session's zone; negative numbers give NULL. */
const fromUnixtime = defineFunction('from_unixtime', 1, 2, (site) => {
  const { env } = site;
  const operand = site.args[0]!;
  const kind = numericClass(operand.type);
  const digits =
    kind === 'integer' ? 0 : kind === 'double' ? 6 : Math.min(decimalScaleOf(operand.type), 6);
  const decimal = castTo(operand, decimalType(30, digits), env);
  const type = datetimeType(digits);
  const bigUnit = BigInt(UNITS[digits]!);
  const build =
    ([value]: readonly Evaluator[]): Evaluator =>
    (batch) => {
      const vector = value!(batch);
      const builder = new VectorBuilder(type, batch.length);
      for (let i = 0; i < batch.length; i++) {
        const count = decimalAt(vector, i);
        const seconds = Number(count / bigUnit);
        if (isNullAt(vector, i) || count < 0n || !isInCalendar(seconds)) builder.append(null);
        else builder.append(count + BigInt(env.timeZone.offsetSecondsAt(seconds)) * bigUnit);
      }
      return builder.finish();
    };
  if (site.args.length === 2) return formatted(site, decimal, build, type);
  const resolved: ResolvedCall = { type, args: [decimal], nullable: true, build };
  if (decimal.kind !== 'constant' || decimal.value === null) return resolved;
  const micros = BigInt(decimal.value as number | bigint) * (1_000_000n / bigUnit);
  return micros < 0n ? resolved : { ...resolved, instantMicros: micros };
});

function formatted(
  site: CallSite,
  decimal: BoundExpression,
  build: (args: readonly Evaluator[]) => Evaluator,
  type: SqlType,
): ResolvedCall {
  const pattern = castTo(site.args[1]!, LONG_TEXT, site.env);
  const result = varcharType(255);
  return {
    type: result,
    args: [decimal, pattern],
    nullable: true,
    isSlow: true,
    build: ([value, format]) => {
      const moments = build([value!]);
      return (batch) => {
        const vector = moments(batch);
        const formats = format!(batch);
        const { seconds, fractions } = splitTime(vector, unitOf(type));
        const builder = new VectorBuilder(result, batch.length);
        const perUnit = 1e6 / unitOf(type);
        for (let i = 0; i < batch.length; i++) {
          const isMissing = isNullAt(vector, i) || isNullAt(formats, i);
          const text = bytesText(bytesAt(formats, i));
          builder.append(
            isMissing ? null : formatMoment(text, seconds[i]!, fractions[i]! * perUnit),
          );
        }
        return builder.finish();
      };
    },
  };
}

const toUnixtime = defineFunction('to_unixtime', 1, 1, ({ args, env }) => {
  const operand = args[0]!;
  // GreptimeDB reads an integer here as milliseconds.
  const isCount = numericClass(operand.type) !== 'double' && !isTimeLike(operand.type);
  const precision = isCount ? 3 : operand.type.kind === 'timestamp' ? operand.type.precision : 6;
  const instant = castTo(operand, timestampType(precision), env);
  return {
    type: BIGINT,
    args: [instant],
    build: ([value]) => mapMoment(value!, instant.type, (seconds) => seconds),
  };
});

const isTimeLike = (type: SqlType): boolean =>
  type.kind === 'timestamp' || type.kind === 'datetime' || type.kind === 'date';

export const unixTimeFunctions: readonly FunctionDefinition[] = [
  unixTimestamp,
  fromUnixtime,
  toUnixtime,
];
