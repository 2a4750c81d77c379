/**
 * One client's session: what the protocol calls for each command.
 *
 * Between commands the session is its state (database, variables, an open transaction, prepared statements). A command begins
 * by setting the warnings of the last one aside, and ends with one answer. Whatever goes wrong inside a statement undoes
 * that statement; the transaction around it stays open, except when COMMIT itself is refused.
 */

import { SqlError } from '../../protocol/index.js';
import type {
  AbortNotice,
  ColumnDefinition,
  ConnectionInfo,
  ParameterReader,
  PreparedInfo,
  QuerySink,
  ResponseWriter,
  SessionChange,
  SessionHandler,
} from '../../protocol/index.js';
import { OutcomeUnknownError } from '../../replication/index.js';
import { likeMatcher } from '../catalog/like-pattern.js';
import { describeSelect } from '../exec/execute-select.js';
import { columnDefinitionOf } from '../exec/result-column.js';
import type { SelectStatement } from '../sql/ast.js';
import { dispatchStatement } from './dispatch.js';
import { isSqlError } from './is-sql-error.js';
import { parsedInTurns } from './parsed-in-turns.js';
import { PreparedList } from './prepared.js';
import { QueryReception } from './query-reception.js';
import type { StatementHost } from './query-reception.js';
import type { ServerContext } from './server-context.js';
import { SessionState } from './session-state.js';
import { StatementRun, StatementScope } from './statement-run.js';
import { rollbackOpen } from './transaction.js';
import { WarningList } from './warning-list.js';

const STATEMENT_CHARACTERS_KEPT = 1024;
const MS_PER_SECOND = 1000;

export class Session implements SessionHandler, StatementHost {
  readonly state: SessionState;
  readonly #prepared = new PreparedList();
  #previousWarnings = new WarningList();
  #statement: string | null = null;
  #reception: QueryReception;

  constructor(context: ServerContext, connection: ConnectionInfo) {
    this.state = new SessionState(context, connection);
    this.#reception = new QueryReception(this);
  }

  // ---- commands

  query(): QuerySink {
    this.#begin();
    if (!this.#reception.isReusable) this.#reception = new QueryReception(this);
    this.#reception.begin();
    return this.#reception;
  }

  initDatabase(name: string): void {
    this.#begin();
    this.state.useDatabase(name);
  }

  async resetConnection(): Promise<void> {
    await rollbackOpen(this.state);
    this.#prepared.clear();
    this.#previousWarnings = new WarningList();
    this.state.reset();
  }

  prepare(sql: string, abort: AbortNotice): PreparedInfo | Promise<PreparedInfo> {
    this.#begin();
    this.state.context.counters.count('stmt_prepare');
    return this.#prepared.prepare(this.state, sql, abort);
  }

  async execute(
    statementId: number,
    parameters: ParameterReader,
    response: ResponseWriter,
  ): Promise<void> {
    this.#begin();
    this.state.context.counters.count('stmt_execute');
    try {
      const { text, statement } = this.#prepared.get(statementId);
      this.statementBegins(text);
      await dispatchStatement(new StatementRun(this.state, response, parameters), statement, {
        parameters,
        previousWarnings: this.#previousWarnings.list,
      });
    } catch (error) {
      await this.statementFailed(response, error);
      throw error;
    } finally {
      this.statementEnds();
    }
  }

  closeStatement(statementId: number): void {
    this.state.context.counters.count('stmt_close');
    this.#prepared.close(statementId);
  }

  /** Long data is the protocol's, and there are no cursors: nothing to do but to know the statement. */
  resetStatement(statementId: number): void {
    this.#prepared.get(statementId);
  }

  /** A transaction that is open is rolled back: its writes have never left this object. */
  close(): void {
    this.state.transaction = null;
    this.#prepared.clear();
    this.#statement = null;
  }

  fieldList(table: string, wildcard: string): readonly ColumnDefinition[] {
    this.#begin();
    const select: SelectStatement = {
      kind: 'select',
      distinct: false,
      items: [{ kind: 'star', table: null }],
      from: { kind: 'table', name: { database: null, table }, alias: null },
      where: null,
      groupBy: [],
      having: null,
      orderBy: [],
      limit: null,
      offset: null,
    };
    const matches = wildcard === '' ? (): boolean => true : likeMatcher(wildcard);
    return describeSelect(select, new StatementScope(this.state, 'unknown').bindContext())
      .map(columnDefinitionOf)
      .filter((column) => matches(column.name));
  }

  killConnection(connectionId: number): void {
    if (!this.state.context.kill(connectionId, 'connection')) {
      throw new SqlError('ER_NO_SUCH_THREAD', { id: connectionId });
    }
  }

  // ---- what the protocol reads

  statusFlags(): number {
    return this.state.statusFlags();
  }

  takeChanges(): readonly SessionChange[] {
    return this.state.takeChanges();
  }

  idleTimeoutMs(): number {
    return Number(this.state.variables.integer('wait_timeout')) * MS_PER_SECOND;
  }

  describe(): { readonly database: string | null; readonly statement: string | null } {
    return { database: this.state.database, statement: this.#statement };
  }

  // ---- around a statement

  statementBegins(text: string): void {
    this.#statement =
      text.length > STATEMENT_CHARACTERS_KEPT ? text.slice(0, STATEMENT_CHARACTERS_KEPT) : text;
  }

  async dispatch(run: StatementRun, text: string): Promise<void> {
    this.statementBegins(text);
    const { context, variables } = this.state;
    const abort = run.response.abortNotice;
    const parsed = parsedInTurns(text, variables.sqlMode, { timers: context.timers, abort });
    const { statement } = parsed instanceof Promise ? await parsed : parsed;
    const isAboutWarnings =
      statement.kind === 'show' && (statement.what === 'warnings' || statement.what === 'errors');
    await dispatchStatement(run, statement, {
      parameters: null,
      previousWarnings: this.#previousWarnings.list,
    });
    if (isAboutWarnings) this.state.warnings = this.#previousWarnings;
  }

  async statementFailed(response: ResponseWriter, error: unknown): Promise<void> {
    this.state.rowCount = -1;
    if (isSqlError(error)) this.state.warnings.addError(error);
    if (error instanceof OutcomeUnknownError) await withoutAnswer(response.signal);
  }

  statementEnds(): void {
    this.#statement = null;
  }

  #begin(): void {
    this.#previousWarnings = this.state.warnings;
    this.state.warnings = new WarningList();
  }
}

/**
 * Nobody knows what became of a write: any answer could be wrong. The node is going down and breaks all connections; until
 * then the statement stays unanswered.
 */
function withoutAnswer(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
