/**
 * A session's view of the system variables: its own values over the global ones.
 *
 * As in MySQL, a session starts from the global values of that moment; a later SET GLOBAL does not change it. Only
 * values that differ from what it started with are held.
 */

import { SqlError } from '../../protocol/index.js';
import type { GlobalVariables } from './global-variables.js';
import { sqlModeFlags } from './sql-mode.js';
import type { SqlModeFlags } from './sql-mode.js';
import { systemVariable } from './system-variables.js';
import type { SystemVariable, VariableValue } from './system-variables.js';

/** What the server looks at in every statement. */
export interface StatementSettings {
  readonly autocommit: boolean;
  /** Transactions are READ ONLY unless they say otherwise. */
  readonly isReadOnly: boolean;
  readonly sqlMode: SqlModeFlags;
  readonly timeZone: string;
  /** The session has a budget of its own. */
  readonly hasRpoBytes: boolean;
}

export class SessionVariables {
  readonly #globals: GlobalVariables;
  readonly #own = new Map<string, VariableValue>();
  /** The global values that the session started with, remembered for variables that were looked at or set. */
  readonly #start = new Map<string, VariableValue>();
  /** What the server acts on statement by statement, as it was looked up the last time; forgotten with every change. */
  readonly #known = new Map<string, VariableValue>();
  #knownGeneration = 0;
  #modeText = '';
  #modeFlags: SqlModeFlags = sqlModeFlags('');
  #settings: StatementSettings | null = null;

  constructor(globals: GlobalVariables) {
    this.#globals = globals;
    for (const name of STARTING_VALUES) {
      const variable = systemVariable(name);
      this.#start.set(name, globals.get(variable));
    }
  }

  /**
   * The value under a scope; null = the session's where there is one, else the global.
   * Throws 1193, and 1238 for a scope that the variable does not have.
   */
  read(name: string, scope: 'session' | 'global' | null): VariableValue {
    const variable = systemVariable(name);
    if (scope === 'global') {
      if (variable.scope === 'session') {
        throw new SqlError('ER_INCORRECT_GLOBAL_LOCAL_VAR', {
          name: variable.name,
          kind: 'SESSION',
        });
      }
      return this.#globals.get(variable);
    }
    if (scope === 'session' && variable.scope === 'global') {
      throw new SqlError('ER_INCORRECT_GLOBAL_LOCAL_VAR', { name: variable.name, kind: 'GLOBAL' });
    }
    return this.value(variable);
  }

  /** The session's value, or the global one where there is no other. */
  value(variable: SystemVariable): VariableValue {
    const own = this.#own.get(variable.name);
    if (own !== undefined) return own;
    const start = this.#start.get(variable.name);
    return start !== undefined ? start : this.#globals.get(variable);
  }

  /** For SET SESSION. `undefined` = DEFAULT, the global value. Throws 1229, 1231, 1232, 1238. */
  set(variable: SystemVariable, value: VariableValue | undefined): VariableValue {
    this.checkSettable(variable);
    const accepted = value === undefined ? this.#globals.get(variable) : variable.accept(value);
    this.#own.set(variable.name, accepted);
    this.#forget();
    return accepted;
  }

  checkSettable(variable: SystemVariable): void {
    const { name } = variable;
    if (variable.isReadOnly)
      throw new SqlError('ER_INCORRECT_GLOBAL_LOCAL_VAR', { name, kind: 'read only' });
    if (variable.scope === 'global') throw new SqlError('ER_GLOBAL_VARIABLE', { name });
  }

  /** COM_RESET_CONNECTION: as if the session had just begun. */
  reset(): void {
    this.#own.clear();
    this.#forget();
    for (const name of this.#start.keys()) {
      this.#start.set(name, this.#globals.get(systemVariable(name)));
    }
  }

  // ---- what the server acts on

  /** The session has a value of its own. */
  isSet(name: string): boolean {
    return this.#own.has(name);
  }

  text(name: string): string {
    const value = this.#look(name);
    return typeof value === 'string' ? value : '';
  }

  integer(name: string): bigint {
    const value = this.#look(name);
    return typeof value === 'bigint' ? value : 0n;
  }

  flag(name: string): boolean {
    return this.#look(name) === true;
  }

  /** The same object until a variable changes. */
  get settings(): StatementSettings {
    if (this.#knownGeneration !== this.#globals.generation) this.#forget();
    this.#settings ??= {
      autocommit: this.flag('autocommit'),
      isReadOnly: this.flag('transaction_read_only'),
      sqlMode: this.sqlMode,
      timeZone: this.text('time_zone'),
      hasRpoBytes: this.isSet('rpo_bytes'),
    };
    return this.#settings;
  }

  #forget(): void {
    this.#known.clear();
    this.#settings = null;
    this.#knownGeneration = this.#globals.generation;
  }

  #look(name: string): VariableValue {
    if (this.#knownGeneration !== this.#globals.generation) this.#forget();
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const value = this.value(systemVariable(name));
    this.#known.set(name, value);
    return value;
  }

  get sqlMode(): SqlModeFlags {
    const mode = this.text('sql_mode');
    if (mode !== this.#modeText) {
      this.#modeText = mode;
      this.#modeFlags = sqlModeFlags(mode);
    }
    return this.#modeFlags;
  }
}

/** Variables whose global value may change under a running session and then must not change its meaning. */
const STARTING_VALUES = [
  'autocommit',
  'sql_mode',
  'time_zone',
  'sql_select_limit',
  'max_execution_time',
  'transaction_isolation',
  'transaction_read_only',
  'wait_timeout',
] as const;
