/**
 * One execution of one statement: everything an executor needs and that ends with it.
 *
 * The instant of the statement is taken once: now() is the same in every row.
 */

import { SqlError } from '../../protocol/index.js';
import type { ResponseWriter } from '../../protocol/index.js';
import type { ReadView } from '../../storage/index.js';
import { informationSchemaTable } from '../catalog/information-schema.js';
import { isInformationSchema } from '../catalog/information-source.js';
import type { InformationSource } from '../catalog/information-source.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import type { VirtualTable } from '../catalog/virtual-table.js';
import type { ExecutionContext, TableSource } from '../exec/execution-context.js';
import type { TypedValue } from '../exec/sql-value.js';
import { informationSource } from './information.js';
import { nearestWord } from './nearest-word.js';
import type { SessionState } from './session-state.js';
import { sessionFacts } from './session-facts.js';

export interface StatementRunOptions {
  readonly response: ResponseWriter;
  /** Values of `?`; null for a statement without. */
  readonly parameters: readonly TypedValue[] | null;
}

export class StatementRun {
  readonly state: SessionState;
  readonly response: ResponseWriter;
  readonly parameters: readonly TypedValue[] | null;
  /** Wall clock, milliseconds since the epoch. */
  readonly nowMs: number;

  constructor(state: SessionState, options: StatementRunOptions) {
    this.state = state;
    this.response = options.response;
    this.parameters = options.parameters;
    this.nowMs = state.context.clock.wallMs();
  }

  /** OK, with the session's warnings counted. */
  ok(affectedRows = 0, info?: string): void {
    this.state.rowCount = affectedRows;
    this.response.ok({
      affectedRows,
      warnings: this.state.warnings.count,
      ...(info === undefined ? {} : { info }),
    });
  }

  /**
   * What binding and executing need.
   * @param virtual found under its name before anything else, for SHOW
   */
  executionContext(virtual: VirtualTable | null = null): ExecutionContext {
    const { state } = this;
    const { context } = state;
    return {
      resolveTable: (database, table) =>
        virtual !== null && database === null && table === virtual.name
          ? virtual
          : resolveTable(state, database, table),
      session: sessionFacts(state),
      nowMs: this.nowMs,
      clock: context.clock,
      random: context.random,
      timeZone: state.zone,
      systemTimeZone: context.systemTimeZone,
      parameters: this.parameters ?? [],
      warnings: state.warnings,
      timers: context.timers,
      signal: this.response.signal,
      maxExecutionMs: Number(state.variables.integer('max_execution_time')),
      queryMemoryBytes: context.limits.queryMemoryBytes,
      openReadView: () => this.openReadView(),
    };
  }

  /** Committed rows, and the open transaction's own. The caller releases it. */
  openReadView(): ReadView {
    return this.state.transaction?.openReadView() ?? this.state.context.openReadView();
  }

  information(): InformationSource {
    return informationSource(this.state);
  }
}

/** Stored or virtual. Throws 1046, 1049, 1109, 1146. */
export function resolveTable(
  state: SessionState,
  database: string | null,
  table: string,
): TableSource {
  const name = state.databaseOr(database);
  if (isInformationSchema(name)) {
    const found = informationSchemaTable(table, informationSource(state));
    if (found !== undefined) return found;
    throw new SqlError('ER_UNKNOWN_TABLE', { table, clause: 'information_schema' });
  }
  return { kind: 'stored', table: storedTable(state, name, table) };
}

/** A table that rows can be written to. Throws 1044 for information_schema, else as `resolveTable`. */
export function writableTable(
  state: SessionState,
  database: string | null,
  table: string,
): TableDefinition {
  const name = state.databaseOr(database);
  refuseInformationSchema(state, name);
  return storedTable(state, name, table);
}

/** Throws 1044. */
export function refuseInformationSchema(state: SessionState, database: string): void {
  if (!isInformationSchema(database)) return;
  const { user, host } = state.connection;
  throw new SqlError('ER_DBACCESS_DENIED_ERROR', { user, host, database: 'information_schema' });
}

function storedTable(state: SessionState, database: string, table: string): TableDefinition {
  const { catalog } = state.context;
  const found = catalog.table(database, table);
  if (found !== undefined) return found;
  if (catalog.database(database) === undefined) throw new SqlError('ER_BAD_DB_ERROR', { database });
  const names = catalog.tables(database).map((known) => known.name);
  const near = nearestWord(table, names);
  const hint = near === null ? '' : `; did you mean '${near}'?`;
  throw new SqlError('ER_NO_SUCH_TABLE', `Table '${database}.${table}' doesn't exist${hint}`);
}
