/** Whether the running command is to stop, and who wants to know: one object for all commands of a connection, begun anew for each. */

import type { AbortNotice } from './session-handler.js';
import type { SqlError } from './sql-error.js';

/** A class, so that the notices of all connections look the same to who asks them at every statement. */
export class CommandAbort implements AbortNotice {
  #reason: SqlError | null = null;
  #listeners: (() => void)[] = [];

  /** A command begins. */
  begin(): void {
    this.#reason = null;
    if (this.#listeners.length > 0) this.#listeners = [];
  }

  /** Why the command was aborted, if it was. */
  get reason(): SqlError | null {
    return this.#reason;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }

  /** Requires: not aborted yet. */
  abort(reason: SqlError): void {
    this.#reason = reason;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
