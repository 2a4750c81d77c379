/**
 * The global values of the system variables of this node: defaults, what the server knows of itself (version, port,
 * data directory, limits), and what SET GLOBAL changed. Not persisted: a restart begins with the configuration again.
 */

import { SqlError } from '../../protocol/index.js';
import { SYSTEM_VARIABLES, systemVariable } from './system-variables.js';
import type { SystemVariable, VariableValue } from './system-variables.js';

export class GlobalVariables {
  readonly #values = new Map<string, VariableValue>();
  /** Moves with every change. */
  generation = 0;

  /** @param facts values of this server by variable name, also for read-only ones; names must exist */
  constructor(facts: Readonly<Record<string, VariableValue | number>> = {}) {
    for (const variable of SYSTEM_VARIABLES) this.#values.set(variable.name, variable.defaultValue);
    for (const [name, value] of Object.entries(facts)) {
      this.force(name, typeof value === 'number' ? BigInt(value) : value);
    }
  }

  get(variable: SystemVariable): VariableValue {
    return this.#values.get(variable.name) ?? null;
  }

  /** For SET GLOBAL. Throws 1238 for a read-only variable, 1228 for one of sessions only, 1231/1232 for a bad value. */
  set(variable: SystemVariable, value: VariableValue): void {
    this.checkSettable(variable);
    this.#values.set(variable.name, variable.accept(value));
    this.generation += 1;
  }

  checkSettable(variable: SystemVariable): void {
    const { name } = variable;
    if (variable.isReadOnly)
      throw new SqlError('ER_INCORRECT_GLOBAL_LOCAL_VAR', { name, kind: 'read only' });
    if (variable.scope === 'session') throw new SqlError('ER_LOCAL_VARIABLE', { name });
  }

  /** The server's own knowledge, past the rules for users. */
  force(name: string, value: VariableValue): void {
    this.#values.set(systemVariable(name).name, value);
    this.generation += 1;
  }
}
