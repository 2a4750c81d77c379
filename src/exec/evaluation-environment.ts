/** What conversions and functions may know of the statement: its zone, its start, and where warnings go. */

import type { TimeZone } from './time-zone.js';
import type { WarningSink } from './execution-context.js';

export interface EvaluationEnvironment {
  readonly timeZone: TimeZone;
  readonly nowMs: number;
  readonly warnings: WarningSink;
}

const WARNING_TRUNCATED = 1292;
const WARNING_DIVISION_BY_ZERO = 1365;
export const WARNING_OUT_OF_RANGE = 1264;

const SHOWN_CHARACTERS_MAX = 128;

export function warnTruncated(env: EvaluationEnvironment, type: string, value: string): void {
  const shown = value.slice(0, SHOWN_CHARACTERS_MAX);
  env.warnings.add('Warning', WARNING_TRUNCATED, `Truncated incorrect ${type} value: '${shown}'`);
}

export function warnIncorrect(env: EvaluationEnvironment, type: string, value: string): void {
  const shown = value.slice(0, SHOWN_CHARACTERS_MAX);
  env.warnings.add('Warning', WARNING_TRUNCATED, `Incorrect ${type} value: '${shown}'`);
}

export function warnDivisionByZero(env: EvaluationEnvironment): void {
  env.warnings.add('Warning', WARNING_DIVISION_BY_ZERO, 'Division by 0');
}
