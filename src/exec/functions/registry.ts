/** Every scalar function and operator by name. Operators that share a name with another arity have a key of their own. */

import type { FunctionDefinition } from '../function-definition.js';
import { arithmeticFunctions } from './arithmetic-functions.js';
import { comparisonFunctions } from './comparison-functions.js';
import { controlFunctions } from './control-functions.js';
import { matchFunctions } from './match-functions.js';
import { numericFunctions } from './numeric-functions.js';
import { sessionFunctions } from './session-functions.js';
import { textFunctions } from './text-functions.js';
import { timeArithmeticFunctions } from './time-arithmetic-functions.js';
import { timeBucketFunctions } from './time-bucket-functions.js';
import { timeFormatFunctions } from './time-format-functions.js';
import { timePartFunctions } from './time-part-functions.js';
import { unixTimeFunctions } from './unix-time-functions.js';

const registry: ReadonlyMap<string, FunctionDefinition> = new Map(
  [
    arithmeticFunctions,
    comparisonFunctions,
    controlFunctions,
    matchFunctions,
    numericFunctions,
    sessionFunctions,
    textFunctions,
    timeArithmeticFunctions,
    timeBucketFunctions,
    timeFormatFunctions,
    timePartFunctions,
    unixTimeFunctions,
  ]
    .flat()
    .map((definition) => [definition.name, definition]),
);

/** `name` in lower case, or an operator. */
export function findFunction(name: string): FunctionDefinition | undefined {
  return registry.get(name);
}

/** Names that a user can write as a call. */
export function functionNames(): readonly string[] {
  return [...registry.keys()].filter((name) => /^[a-z_0-9]+$/.test(name));
}
