/**
 * SET: system variables, user variables, NAMES, TRANSACTION, in one statement and mixed.
 *
 * As in MySQL, all assignments are checked and evaluated before the first takes effect, so a statement of which one part
 * is wrong changes nothing. A later assignment sees the values from before the statement.
 */

import { SqlError } from '../../protocol/index.js';
import { findCharacterSet, findCollation } from '../catalog/character-sets.js';
import { systemVariable } from '../catalog/system-variables.js';
import type { SystemVariable, VariableValue } from '../catalog/system-variables.js';
import type { SetAssignment } from '../sql/ast.js';
import { constantOf, variableValueOf } from './constant-expression.js';
import type { StatementRun } from './statement-run.js';
import { commitImplicitly } from './transaction-statement.js';

/** Takes effect; evaluation is over. */
type Effect = () => void | Promise<void>;

const REPORTED_ISOLATION = 'READ-COMMITTED';
/** MySQL has no number for these. */
const OWN_WARNING_CODE = 1105;

export async function executeSet(
  run: StatementRun,
  assignments: readonly SetAssignment[],
): Promise<void> {
  const effects = assignments.map((assignment) => prepareAssignment(run, assignment));
  for (const effect of effects) await effect();
  run.ok();
}

function prepareAssignment(run: StatementRun, assignment: SetAssignment): Effect {
  switch (assignment.target) {
    case 'user': {
      const value = constantOf(run, assignment.value);
      return () => {
        run.state.setUserVariable(assignment.name, value);
      };
    }
    case 'names':
      return prepareNames(run, assignment);
    case 'transaction':
      return prepareTransaction(run, assignment);
    case 'system':
      return prepareSystem(run, assignment);
  }
}

function prepareSystem(
  run: StatementRun,
  assignment: Extract<SetAssignment, { target: 'system' }>,
): Effect {
  const { state } = run;
  const variable = systemVariable(assignment.name);
  const given =
    assignment.value === null ? undefined : variableValueOf(constantOf(run, assignment.value));
  if (assignment.scope === 'global') {
    state.context.globals.checkSettable(variable);
    const value = given === undefined ? variable.defaultValue : variable.accept(given);
    checkValue(run, variable, value);
    return () => setGlobal(run, variable, value);
  }
  state.variables.checkSettable(variable);
  if (given !== undefined) checkValue(run, variable, variable.accept(given));
  if (variable.name === 'autocommit') return () => setAutocommit(run, given);
  if (variable.name === 'rpo_bytes') checkSessionRpo(run, given);
  return () => {
    if (variable.name === 'transaction_isolation') setIsolation(run, given);
    else state.setVariable(variable.name, given);
  };
}

/** What only the session can check. Throws 1298. */
function checkValue(run: StatementRun, variable: SystemVariable, value: VariableValue): void {
  if (variable.name === 'time_zone') run.state.checkTimeZone(value);
}

async function setGlobal(
  run: StatementRun,
  variable: SystemVariable,
  value: VariableValue,
): Promise<void> {
  const { context, warnings } = run.state;
  context.globals.set(variable, value);
  if (variable.name !== 'rpo_bytes' || typeof value !== 'bigint') return;
  const warning = await context.setRpoBudget(Number(value));
  if (warning !== null) warnings.add('Warning', OWN_WARNING_CODE, warning);
}

/** Turning autocommit on commits what is open; turning it off begins with the next statement. */
async function setAutocommit(run: StatementRun, given: VariableValue | undefined): Promise<void> {
  const { state } = run;
  const wasOn = state.autocommit;
  state.setVariable('autocommit', given);
  if (wasOn || !state.autocommit) return;
  await commitImplicitly(run);
}

/** A session may promise itself more than the server does, never less. Throws 1231. */
function checkSessionRpo(run: StatementRun, given: VariableValue | undefined): void {
  const global = run.state.variables.read('rpo_bytes', 'global');
  if (typeof given !== 'bigint' || typeof global !== 'bigint' || given <= global) return;
  throw new SqlError(
    'ER_WRONG_VALUE_FOR_VAR',
    `Variable 'rpo_bytes' can't be set to the value of '${given}': a session may only be stricter than the server's ${global}`,
  );
}

/** Asking for a stronger level than there is is accepted, since drivers do it at connect, and warned about. */
function setIsolation(run: StatementRun, given: VariableValue | undefined): void {
  const { state } = run;
  const asked = String(systemVariable('transaction_isolation').accept(given ?? REPORTED_ISOLATION));
  if (asked === 'REPEATABLE-READ' || asked === 'SERIALIZABLE') {
    state.warnings.add(
      'Warning',
      OWN_WARNING_CODE,
      `${asked} is not available: transactions run at READ-COMMITTED`,
    );
  }
  state.setVariable('transaction_isolation', REPORTED_ISOLATION);
}

function prepareTransaction(
  run: StatementRun,
  assignment: Extract<SetAssignment, { target: 'transaction' }>,
): Effect {
  const { state } = run;
  const { scope, isolation, readOnly } = assignment;
  if (scope === null && state.transaction !== null) {
    throw new SqlError('ER_CANT_CHANGE_TX_CHARACTERISTICS');
  }
  return () => {
    if (isolation !== null && scope !== 'global') setIsolation(run, isolation);
    if (readOnly === null) return;
    if (scope === null) state.nextReadOnly = readOnly;
    else if (scope === 'session') state.setVariable('transaction_read_only', readOnly);
    else state.context.globals.set(systemVariable('transaction_read_only'), readOnly);
  };
}

/** SET NAMES and SET CHARACTER SET; DEFAULT is utf8mb4. Throws 1115, 1231, 1253 and 1273. */
function prepareNames(
  run: StatementRun,
  assignment: Extract<SetAssignment, { target: 'names' }>,
): Effect {
  const characterSet = findCharacterSet(assignment.charset ?? 'utf8mb4');
  systemVariable('character_set_client').accept(characterSet.name);
  const collation = findCollation(assignment.collation ?? characterSet.defaultCollation);
  if (collation.characterSet !== characterSet.name) {
    throw new SqlError('ER_COLLATION_CHARSET_MISMATCH', {
      collation: collation.name,
      charset: characterSet.name,
    });
  }
  const { state } = run;
  return () => {
    state.setVariable('character_set_client', characterSet.name);
    state.setVariable('character_set_connection', characterSet.name);
    state.setVariable('character_set_results', characterSet.name);
    state.setVariable('collation_connection', collation.name);
  };
}
