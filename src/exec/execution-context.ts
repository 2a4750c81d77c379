/**
 * What a statement needs from its session and from the machine, handed in by the server.
 *
 * The binder reads the zone, the statement's start, the session facts and the parameters, and builds closures over them;
 * the operators read the clock, the timers, the kill signal and the memory limit. One context serves one execution.
 */

import type { Clock, Random, ReadView, Timers } from '../../storage/index.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import type { VirtualTable } from '../catalog/virtual-table.js';
import type { TimeZone } from './time-zone.js';
import type { TypedValue } from './sql-value.js';

export type TableSource =
  { readonly kind: 'stored'; readonly table: TableDefinition } | VirtualTable;

/** The part of storage's ReadView that queries use. */
export type TableView = Pick<ReadView, 'release' | 'series' | 'scan' | 'estimate'>;

/** Where warnings go (SHOW WARNINGS). The sink bounds how many it keeps and counts the rest. */
export interface WarningSink {
  /** `code` is MySQL's errno, for instance 1365. */
  add(level: 'Note' | 'Warning', code: number, message: string): void;
}

/** Facts about the session that functions ask for. */
export interface SessionFacts {
  /** Default database, null when none is selected. */
  readonly database: string | null;
  /** 'name@host' as the client gave it: USER(). */
  readonly user: string;
  /** 'name@host' of the account: CURRENT_USER(). */
  readonly currentUser: string;
  readonly connectionId: number;
  readonly version: string;
  readonly lastInsertId: number;
  /** -1 after a statement that returned rows. */
  readonly rowCount: number;
  readonly foundRows: number;
  /** `@@name`. Throws SqlError ER_UNKNOWN_SYSTEM_VARIABLE (or for a scope it does not have). */
  systemVariable(name: string, scope: 'session' | 'global' | null): TypedValue;
  /** `@name`; NULL when it was never set. */
  userVariable(name: string): TypedValue;
}

/** What binding and constant expressions need. */
export interface BindContext {
  /** Throws SqlError: 1046 no database selected, 1049, 1146. `database` null = the session's default. */
  resolveTable(database: string | null, table: string): TableSource;
  readonly session: SessionFacts;
  /** Wall clock at the statement's start, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Wall clock now, for SYSDATE(). */
  readonly clock: Clock;
  readonly random: Random;
  readonly timeZone: TimeZone;
  /** What SYSTEM stands for: an IANA name or an offset. */
  readonly systemTimeZone: string;
  /** Values of `?` in order; null = not known yet (COM_STMT_PREPARE): any type fits, the value counts as NULL. */
  readonly parameters: readonly TypedValue[] | null;
  readonly warnings: WarningSink;
}

export interface ExecutionContext extends BindContext {
  readonly timers: Timers;
  /** Aborted by KILL, by a closed connection and at shutdown: the query ends with ER_QUERY_INTERRUPTED. */
  readonly signal: AbortSignal;
  /** 0 = no limit. Past it: ER_QUERY_TIMEOUT. */
  readonly maxExecutionMs: number;
  /** What sorts, groups and DISTINCT may hold, in bytes. Past it: ER_OUT_OF_SORTMEMORY. */
  readonly queryMemoryBytes: number;
  /** A view of all tables (a transaction's own writes on top); the executor releases it. Called once, if at all. */
  openReadView(): TableView | Promise<TableView>;
}
