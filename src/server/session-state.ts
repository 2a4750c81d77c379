/**
 * What one session remembers between statements, and the rules for changing it.
 *
 * The executors of the statement kinds work on this; the protocol sees only the Session around it.
 */

import { SqlError, STATUS_FLAG } from '../../protocol/index.js';
import type { ConnectionInfo, SessionChange } from '../../protocol/index.js';
import { isInformationSchema, INFORMATION_SCHEMA } from '../catalog/information-source.js';
import { SessionVariables } from '../catalog/session-variables.js';
import { systemVariable, variableText } from '../catalog/system-variables.js';
import type { VariableValue } from '../catalog/system-variables.js';
import type { TypedValue } from '../exec/sql-value.js';
import { findTimeZone, resolveTimeZone, UTC } from '../exec/time-zone.js';
import type { TimeZone } from '../exec/time-zone.js';
import type { ServerContext } from './server-context.js';
import type { Transaction } from './transaction.js';
import { WarningList } from './warning-list.js';

/** `@x` of one session; a script that makes names in a loop must not fill the heap. */
const USER_VARIABLES_MAX = 10_000;

/** System variables whose changes clients with SESSION_TRACK are told of. */
const TRACKED_VARIABLES: ReadonlySet<string> = new Set([
  'autocommit',
  'character_set_client',
  'character_set_connection',
  'character_set_results',
  'time_zone',
  'transaction_isolation',
]);

export class SessionState {
  readonly context: ServerContext;
  readonly connection: ConnectionInfo;
  readonly variables: SessionVariables;
  /** null = none selected. */
  #database: string | null = null;
  readonly #userVariables = new Map<string, TypedValue>();
  /** Of the statement that runs, or of the last one. */
  warnings = new WarningList();
  /** ROW_COUNT() of the last statement: -1 after one that returned rows. */
  rowCount = -1;
  /** FOUND_ROWS(). */
  foundRows = 0;
  transaction: Transaction | null = null;
  /** SET TRANSACTION READ ONLY | READ WRITE holds for the next transaction only; null = the session's default. */
  nextReadOnly: boolean | null = null;
  #changes: SessionChange[] = [];
  #zoneText = '';
  #zone: TimeZone = UTC;

  constructor(context: ServerContext, connection: ConnectionInfo) {
    this.context = context;
    this.connection = connection;
    this.variables = new SessionVariables(context.globals);
  }

  get database(): string | null {
    return this.#database;
  }

  /** Throws 1049. */
  useDatabase(name: string): void {
    const isInformation = isInformationSchema(name);
    if (!isInformation && this.context.catalog.database(name) === undefined) {
      throw new SqlError('ER_BAD_DB_ERROR', { database: name });
    }
    this.#database = isInformation ? INFORMATION_SCHEMA : name;
    this.#changes.push({ kind: 'schema', name: this.#database });
  }

  /** DROP DATABASE of the selected one. */
  forgetDatabase(name: string): void {
    if (this.#database === name) this.#database = null;
  }

  /** The named database, or the selected one. Throws 1046. */
  databaseOr(name: string | null): string {
    const database = name ?? this.#database;
    if (database === null) throw new SqlError('ER_NO_DB_ERROR');
    return database;
  }

  /** The session's zone. */
  get zone(): TimeZone {
    const text = this.variables.settings.timeZone;
    if (text !== this.#zoneText) {
      this.#zoneText = text;
      this.#zone = findTimeZone(text, this.context.systemTimeZone) ?? UTC;
    }
    return this.#zone;
  }

  /** SET time_zone. Throws 1298. */
  checkTimeZone(value: VariableValue): void {
    resolveTimeZone(String(value), this.context.systemTimeZone);
  }

  get autocommit(): boolean {
    return this.variables.settings.autocommit;
  }

  /** `undefined` = DEFAULT. Throws as SessionVariables.set does. */
  setVariable(name: string, value: VariableValue | undefined): void {
    const variable = systemVariable(name);
    const accepted = this.variables.set(variable, value);
    if (TRACKED_VARIABLES.has(variable.name)) {
      const text = variableText(variable, accepted);
      this.#changes.push({ kind: 'systemVariable', name: variable.name, value: text });
    }
  }

  userVariable(name: string): TypedValue | undefined {
    return this.#userVariables.get(name.toLowerCase());
  }

  setUserVariable(name: string, value: TypedValue): void {
    const key = name.toLowerCase();
    if (!this.#userVariables.has(key) && this.#userVariables.size >= USER_VARIABLES_MAX) {
      throw new SqlError(
        'ER_CAPACITY_EXCEEDED',
        `A session holds at most ${USER_VARIABLES_MAX} user variables`,
      );
    }
    this.#userVariables.set(key, apart(value));
  }

  takeChanges(): readonly SessionChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** STATUS_FLAG bits of OK and EOF packets. */
  statusFlags(): number {
    const { autocommit, sqlMode } = this.variables.settings;
    let flags = 0;
    if (autocommit) flags |= STATUS_FLAG.autocommit;
    if (this.transaction !== null) {
      flags |= STATUS_FLAG.inTransaction;
      if (this.transaction.isReadOnly) flags |= STATUS_FLAG.inReadOnlyTransaction;
    }
    if (sqlMode.noBackslashEscapes) flags |= STATUS_FLAG.noBackslashEscapes;
    return flags;
  }

  /** A byte budget stricter than the server's, or null. */
  get rpoBytes(): number | null {
    if (!this.variables.settings.hasRpoBytes) return null;
    const own = this.variables.integer('rpo_bytes');
    const global = this.variables.read('rpo_bytes', 'global');
    return typeof global === 'bigint' && own < global ? Number(own) : null;
  }

  /** COM_RESET_CONNECTION: what a new connection of the same user would be; the database stays, as in MySQL. */
  reset(): void {
    this.variables.reset();
    this.#userVariables.clear();
    this.warnings = new WarningList();
    this.rowCount = -1;
    this.foundRows = 0;
    this.nextReadOnly = null;
    this.#changes = [];
  }
}

/** Bytes that are a view, as those of a large packet, are copied: they would keep all of it. */
function apart(value: TypedValue): TypedValue {
  const bytes = value.value;
  if (!(bytes instanceof Uint8Array) || bytes.length === bytes.buffer.byteLength) return value;
  return { ...value, value: new Uint8Array(bytes) };
}
