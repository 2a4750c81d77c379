/** What functions and @@variables in expressions read of a session. */

import { systemVariable } from '../catalog/system-variables.js';
import type { SystemVariable, VariableValue } from '../catalog/system-variables.js';
import type { SessionFacts } from '../exec/execution-context.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  NULL_VALUE,
  integerValue,
  textConstant,
  varcharType,
} from '../exec/sql-value.js';
import type { TypedValue } from '../exec/sql-value.js';
import type { SessionState } from './session-state.js';

export function sessionFacts(state: SessionState): SessionFacts {
  const { connection, context } = state;
  return {
    database: state.database,
    user: `${connection.user}@${connection.host}`,
    currentUser: `${connection.user}@%`,
    connectionId: connection.id,
    version: context.version,
    lastInsertId: 0,
    rowCount: state.rowCount,
    foundRows: state.foundRows,
    systemVariable: (name, scope) => readSystemVariable(state, name, scope),
    userVariable: (name) => state.userVariable(name) ?? NULL_VALUE,
  };
}

function readSystemVariable(
  state: SessionState,
  name: string,
  scope: 'session' | 'global' | null,
): TypedValue {
  const variable = systemVariable(name);
  const computed = scope === 'global' ? undefined : COMPUTED[variable.name]?.(state);
  return typedVariable(variable, computed ?? state.variables.read(name, scope));
}

/** Session variables whose value is not held but asked for. */
const COMPUTED: Readonly<Record<string, (state: SessionState) => bigint>> = {
  pseudo_thread_id: (state) => BigInt(state.connection.id),
  timestamp: (state) => BigInt(Math.floor(state.context.clock.wallMs() / 1000)),
  warning_count: (state) => BigInt(state.warnings.count),
  error_count: (state) => BigInt(state.warnings.errorCount),
};

function typedVariable(variable: SystemVariable, value: VariableValue): TypedValue {
  if (value === null) return { type: varcharType(0), value: null };
  if (typeof value === 'boolean') return { type: BIGINT, value: value ? 1 : 0 };
  if (typeof value === 'bigint') {
    return { type: variable.isUnsigned ? BIGINT_UNSIGNED : BIGINT, value: integerValue(value) };
  }
  return textConstant(value);
}
