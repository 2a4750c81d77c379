/**
 * Everything that an executor needs and that ends with the statement.
 *
 * The instant of the statement is taken once: now() is the same in every row.
 */

import { SqlError } from '../../protocol/index.js';
import type { ParameterReader, ResponseWriter } from '../../protocol/index.js';
import type { ReadView } from '../../storage/index.js';
import { informationSchemaTable } from '../catalog/information-schema.js';
import { isInformationSchema } from '../catalog/information-source.js';
import type { InformationSource } from '../catalog/information-source.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import type { VirtualTable } from '../catalog/virtual-table.js';
import type { BindContext, ExecutionContext, TableSource } from '../exec/execution-context.js';
import type { TypedValue } from '../exec/sql-value.js';
import { informationSource } from './information.js';
import { nearestWord } from './nearest-word.js';
import { typedParameters } from './parameter-cell.js';
import type { SessionState } from './session-state.js';
import { sessionFacts } from './session-facts.js';

/** What a statement is evaluated in: it is there before the statement's text is complete. */
export class StatementScope {
  readonly state: SessionState;
  /** Wall clock, milliseconds since the epoch. */
  readonly nowMs: number;
  readonly #reader: ParameterReader | null;
  #parameters: readonly TypedValue[] | null;

  /** @param parameters a reader for a prepared execution; 'none' for a statement without `?`, 'unknown' for COM_STMT_PREPARE */
  constructor(state: SessionState, parameters: ParameterReader | 'none' | 'unknown') {
    this.state = state;
    this.nowMs = state.context.clock.wallMs();
    this.#reader = typeof parameters === 'string' ? null : parameters;
    this.#parameters = parameters === 'none' ? [] : null;
  }

  /** Values of `?` in order, read when first asked for; null while they are not known. */
  get parameters(): readonly TypedValue[] | null {
    if (this.#parameters === null && this.#reader !== null) {
      this.#parameters = typedParameters(this.#reader);
    }
    return this.#parameters;
  }

  /** @param virtual found under its name before anything else, for SHOW */
  bindContext(virtual: VirtualTable | null = null): BindContext {
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
      parameters: this.parameters,
      warnings: state.warnings,
    };
  }

  information(): InformationSource {
    return informationSource(this.state);
  }
}

/** One execution of one statement, with the client waiting for the answer. */
export class StatementRun extends StatementScope {
  readonly response: ResponseWriter;

  constructor(state: SessionState, response: ResponseWriter, parameters: ParameterReader | 'none') {
    super(state, parameters);
    this.response = response;
  }

  /** OK, with the session's warnings counted. */
  ok(affectedRows = 0, info?: string): void {
    this.state.rowCount = affectedRows;
    this.response.ok({
      affectedRows,
      warnings: this.state.warnings.count,
      info,
    });
  }

  /** As `bindContext`, and what running needs on top. */
  executionContext(virtual: VirtualTable | null = null): ExecutionContext {
    const { context, variables } = this.state;
    return {
      ...this.bindContext(virtual),
      timers: context.timers,
      signal: this.response.signal,
      maxExecutionMs: Number(variables.integer('max_execution_time')),
      queryMemoryBytes: context.limits.queryMemoryBytes,
      openReadView: () => this.openReadView(),
    };
  }

  /** Committed rows, and the open transaction's own. The caller releases it. */
  openReadView(): ReadView | Promise<ReadView> {
    return this.state.transaction?.openReadView() ?? this.state.context.openReadView();
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
