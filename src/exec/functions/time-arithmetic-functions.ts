/** `+ - INTERVAL`, DATE_ADD and its family, and differences between times. */

import { SqlError } from '../../../protocol/index.js';
import type { SqlType } from '../../catalog/sql-type.js';
import { castTo } from '../../plan/bound-cast.js';
import type { BoundExpression, BoundInterval } from '../../plan/bound-expression.js';
import { numericClass } from '../../plan/type-rules.js';
import type { Evaluator } from '../batch.js';
import {
  DateTimeParse,
  DAYS_MAX,
  DAYS_MIN,
  newDateTimeFields,
  parseDateTimeBytes,
  SECONDS_PER_DAY,
  writeDate,
  writeDateTime,
} from '../calendar.js';
import { isInCalendar } from '../cast-time.js';
import type { EvaluationEnvironment } from '../evaluation-environment.js';
import {
  bigintAt,
  bytesAt,
  decimalAt,
  isNullAt,
  joinTime,
  numberVector,
  splitTime,
  unionNulls,
  unitOf,
  type ExecVector,
} from '../exec-vector.js';
import {
  defineFunction,
  type CallSite,
  type FunctionDefinition,
  type ResolvedCall,
} from '../function-definition.js';
import {
  addMonths,
  addMonthsToSeconds,
  compoundAmount,
  intervalRule,
  isWholeDays,
  monthsBetween,
  type IntervalUnitRule,
} from '../interval.js';
import {
  BIGINT,
  bytesText,
  DATE,
  datetimeType,
  decimalType,
  isBytes,
  LONG_TEXT,
  timeType,
  varcharType,
} from '../sql-value.js';
import { VectorBuilder } from '../vector-builder.js';
import { momentArgument, rebuildMoment, shownPrecision } from './moment-argument.js';
import { unitOfArgument } from './time-part-functions.js';

const WARNING_OVERFLOW = 1441;

function warnOverflow(env: EvaluationEnvironment, name: string): void {
  env.warnings.add('Warning', WARNING_OVERFLOW, `Datetime function: ${name} field overflow`);
}

/** Amount per row, in months or in microseconds as the unit's rule says. NaN = not readable. */
interface Amounts {
  readonly inMonths: boolean;
  readonly operand: BoundExpression;
  readonly at: (vector: ExecVector, row: number) => number;
}

function amountsOf(interval: BoundInterval, env: EvaluationEnvironment, name: string): Amounts {
  const rule = intervalRule(interval.unit);
  if (rule === undefined) throw new SqlError('ER_WRONG_ARGUMENTS', { what: name });
  if (rule.kind === 'compound') {
    const operand = castTo(interval.amount, LONG_TEXT, env);
    const at = (vector: ExecVector, row: number): number =>
      compoundAmount(bytesText(bytesAt(vector, row)), rule) ?? NaN;
    return { inMonths: rule.base === 'months', operand, at };
  }
  if (rule.kind === 'micros' && takesFractions(rule, interval.amount)) {
    const operand = castTo(interval.amount, decimalType(65, 6), env);
    return {
      inMonths: false,
      operand,
      at: (vector, row) => Math.round((Number(decimalAt(vector, row)) / 1e6) * rule.each),
    };
  }
  const operand = castTo(interval.amount, BIGINT, env);
  return {
    inMonths: rule.kind === 'months',
    operand,
    at: (vector, row) => Number(bigintAt(vector, row, false)) * rule.each,
  };
}

/** Only seconds take fractions: INTERVAL 1.5 DAY is two days. */
const takesFractions = (rule: IntervalUnitRule, amount: BoundExpression): boolean =>
  rule.kind === 'micros' && rule.each === 1_000_000 && numericClass(amount.type) !== 'integer';

/** True when the result may have fraction digits that the time did not have. */
function addsFraction({ unit, amount }: BoundInterval): boolean {
  if (unit.includes('microsecond') || unit === 'millisecond') return true;
  const rule = intervalRule(unit);
  return rule !== undefined && takesFractions(rule, amount);
}

/** The interval argument; DATE_ADD(x, 5) of ADDDATE means days. */
function intervalArgument(argument: BoundExpression): BoundInterval {
  if (argument.kind === 'interval') return argument;
  const { type, nullable, collation } = argument;
  return { kind: 'interval', amount: argument, unit: 'day', type, nullable, collation };
}

function addInterval(site: CallSite, sign: 1 | -1): ResolvedCall {
  const { env } = site;
  const interval = intervalArgument(site.args[1]!);
  const base = site.args[0]!;
  const amounts = amountsOf(interval, env, site.name);
  if (isBytes(base.type)) return addToText(site, base, interval, amounts, sign);
  if (base.type.kind === 'time') return addToClock(base, amounts, sign);
  if (base.type.kind === 'date' && isWholeDays(interval.unit))
    return addToDate(site, base, amounts, sign);
  const moment = momentArgument(base, env);
  const precision = moment.type.kind === 'datetime' ? moment.type.precision : 0;
  const type = datetimeType(addsFraction(interval) ? Math.max(precision, 6) : precision);
  return {
    type,
    args: [castTo(moment, type, env), amounts.operand],
    nullable: true,
    build: ([value, amount]) => momentAdder(value!, amount!, amounts, sign, type, site),
  };
}

function momentAdder(
  value: Evaluator,
  amount: Evaluator,
  amounts: Amounts,
  sign: 1 | -1,
  type: SqlType,
  site: CallSite,
): Evaluator {
  const unit = unitOf(type);
  return (batch) => {
    const vector = value(batch);
    const steps = amount(batch);
    const split = rebuildMoment(vector, unit);
    const nulls = new Uint8Array(batch.length);
    for (let i = 0; i < batch.length; i++) {
      const step = isNullAt(steps, i) ? NaN : amounts.at(steps, i) * sign;
      if (isNullAt(vector, i) || Number.isNaN(step)) {
        nulls[i] = 1;
        continue;
      }
      if (amounts.inMonths) split.seconds[i] = addMonthsToSeconds(split.seconds[i]!, step);
      else {
        const wholeSeconds = Math.floor(step / 1e6);
        const fraction =
          split.fractions[i]! + Math.floor(((step - wholeSeconds * 1e6) * unit) / 1e6);
        const carry = fraction >= unit ? 1 : 0;
        split.seconds[i] = split.seconds[i]! + wholeSeconds + carry;
        split.fractions[i] = fraction - carry * unit;
      }
      if (!isInCalendar(split.seconds[i]!)) {
        warnOverflow(
          site.env,
          site.name === '+' || site.name === '-' ? 'date_add_interval' : site.name,
        );
        nulls[i] = 1;
        split.seconds[i] = 0;
      }
    }
    return joinTime(split, unit, nulls, batch.length);
  };
}

function addToDate(
  site: CallSite,
  base: BoundExpression,
  amounts: Amounts,
  sign: 1 | -1,
): ResolvedCall {
  return {
    type: DATE,
    args: [base, amounts.operand],
    nullable: true,
    build:
      ([value, amount]) =>
      (batch) => {
        const vector = value!(batch);
        const steps = amount!(batch);
        const values = new Float64Array(batch.length);
        const nulls = new Uint8Array(batch.length);
        for (let i = 0; i < batch.length; i++) {
          const step = isNullAt(steps, i) ? NaN : amounts.at(steps, i) * sign;
          if (vector.kind !== 'number' || isNullAt(vector, i) || Number.isNaN(step)) {
            nulls[i] = 1;
            continue;
          }
          const days = amounts.inMonths
            ? addMonths(vector.values[i]!, step)
            : vector.values[i]! + Math.round(step / 86_400_000_000);
          if (days >= DAYS_MIN && days <= DAYS_MAX) values[i] = days;
          else {
            warnOverflow(site.env, 'date_add_interval');
            nulls[i] = 1;
          }
        }
        return numberVector(values, nulls, batch.length);
      },
  };
}

function addToClock(base: BoundExpression, amounts: Amounts, sign: 1 | -1): ResolvedCall {
  return {
    type: timeType(6),
    args: [base, amounts.operand],
    nullable: true,
    build:
      ([value, amount]) =>
      (batch) => {
        const vector = value!(batch);
        const steps = amount!(batch);
        const values = new Float64Array(batch.length);
        const nulls = new Uint8Array(batch.length);
        for (let i = 0; i < batch.length; i++) {
          const step = isNullAt(steps, i) || amounts.inMonths ? NaN : amounts.at(steps, i) * sign;
          if (vector.kind !== 'number' || isNullAt(vector, i) || Number.isNaN(step)) nulls[i] = 1;
          else values[i] = vector.values[i]! + step;
        }
        return numberVector(values, nulls, batch.length);
      },
  };
}

const fields = newDateTimeFields();

/** A text stays a text: a date where it was one and whole days are added, else a datetime. */
function addToText(
  site: CallSite,
  base: BoundExpression,
  interval: BoundInterval,
  amounts: Amounts,
  sign: 1 | -1,
): ResolvedCall {
  const { env } = site;
  const moment = castTo(base, datetimeType(6), env);
  const wholeDays = isWholeDays(interval.unit);
  const type = varcharType(29);
  return {
    type,
    args: [base, moment, amounts.operand],
    nullable: true,
    isSlow: true,
    build: ([text, value, amount]) => {
      const added = momentAdder(value!, amount!, amounts, sign, datetimeType(6), site);
      return (batch) => {
        const texts = text!(batch);
        const results = added(batch);
        const { seconds, fractions } = splitTime(results, 1e6);
        const builder = new VectorBuilder(type, batch.length);
        const target = new Uint8Array(32);
        for (let i = 0; i < batch.length; i++) {
          if (isNullAt(results, i)) {
            builder.append(null);
            continue;
          }
          const source = bytesAt(texts, i);
          const parsed = parseDateTimeBytes(source, 0, source.length, fields);
          const isDate = wholeDays && parsed !== DateTimeParse.bad && !fields.hasTime;
          const digits = fractions[i] === 0 ? 0 : 6;
          const end = isDate
            ? writeDate(target, 0, Math.floor(seconds[i]! / SECONDS_PER_DAY))
            : writeDateTime(target, 0, seconds[i]!, fractions[i]!, digits);
          builder.append(target.slice(0, end));
        }
        return builder.finish();
      };
    },
  };
}

const adder = (name: string, sign: 1 | -1): FunctionDefinition =>
  defineFunction(name, 2, 2, (site) => addInterval(site, sign));

/** Wall-clock differences; both sides as DATETIME(6). */
function difference(
  site: CallSite,
  operands: readonly [BoundExpression, BoundExpression],
  apply: (aSeconds: number, aMicros: number, bSeconds: number, bMicros: number) => number,
  type: SqlType = BIGINT,
): ResolvedCall {
  const args = operands.map((operand) =>
    castTo(momentArgument(operand, site.env), datetimeType(6), site.env),
  );
  return {
    type,
    args,
    build:
      ([left, right]) =>
      (batch) => {
        const a = left!(batch);
        const b = right!(batch);
        const x = splitTime(a, 1e6);
        const y = splitTime(b, 1e6);
        const nulls = unionNulls(a.nulls, b.nulls, batch.length);
        const values = new Float64Array(batch.length);
        for (let i = 0; i < batch.length; i++) {
          if (nulls !== null && nulls[i] === 1) continue;
          values[i] = apply(x.seconds[i]!, x.fractions[i]!, y.seconds[i]!, y.fractions[i]!) + 0;
        }
        return numberVector(values, nulls, batch.length);
      },
  };
}

const timestampDiff = defineFunction('timestampdiff', 3, 3, (site) => {
  const unit = unitOfArgument(site.args[0], 'timestampdiff');
  const rule = intervalRule(unit);
  if (rule === undefined || rule.kind === 'compound')
    throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'timestampdiff' });
  return difference(site, [site.args[1]!, site.args[2]!], (a, aMicros, b, bMicros) =>
    rule.kind === 'months'
      ? Math.trunc(monthsBetween(a, aMicros, b, bMicros) / rule.each)
      : Math.trunc(((b - a) * 1e6 + bMicros - aMicros) / rule.each),
  );
});

const CLOCK_MAX = 3_020_399_000_000;

const timeDiff = defineFunction('timediff', 2, 2, (site) => {
  const isClock = (operand: BoundExpression): boolean =>
    operand.type.kind === 'time' || isClockText(operand);
  if (site.args.every(isClock)) {
    const args = site.args.map((operand) => castTo(operand, timeType(6), site.env));
    return {
      type: timeType(6),
      args,
      build:
        ([left, right]) =>
        (batch) => {
          const a = left!(batch);
          const b = right!(batch);
          const values = new Float64Array(batch.length);
          if (a.kind === 'number' && b.kind === 'number') {
            for (let i = 0; i < batch.length; i++) values[i] = a.values[i]! - b.values[i]!;
          }
          return numberVector(values, unionNulls(a.nulls, b.nulls, batch.length), batch.length);
        },
    };
  }
  const precision = Math.max(...site.args.map(({ type }) => shownPrecision(type)));
  return difference(
    site,
    [site.args[0]!, site.args[1]!],
    (a, aMicros, b, bMicros) => {
      const micros = (a - b) * 1e6 + aMicros - bMicros;
      return Math.max(-CLOCK_MAX, Math.min(CLOCK_MAX, micros));
    },
    timeType(precision),
  );
});

function isClockText(operand: BoundExpression): boolean {
  return (
    operand.kind === 'constant' &&
    operand.value instanceof Uint8Array &&
    /^\s*-?\d+:\d+/.test(bytesText(operand.value))
  );
}

export const timeArithmeticFunctions: readonly FunctionDefinition[] = [
  adder('date_add', 1),
  adder('date_sub', -1),
  adder('adddate', 1),
  adder('subdate', -1),
  defineFunction('timestampadd', 3, 3, (site) => {
    const unit = unitOfArgument(site.args[0], 'timestampadd');
    const amount = site.args[1]!;
    const { type, nullable, collation } = amount;
    const interval: BoundInterval = { kind: 'interval', amount, unit, type, nullable, collation };
    return addInterval({ ...site, args: [site.args[2]!, interval] }, 1);
  }),
  timestampDiff,
  timeDiff,
  defineFunction('datediff', 2, 2, (site) =>
    difference(
      site,
      [site.args[0]!, site.args[1]!],
      (a, _, b) => Math.floor(a / SECONDS_PER_DAY) - Math.floor(b / SECONDS_PER_DAY),
    ),
  ),
];
