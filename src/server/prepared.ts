/**
 * The prepared statements of one session.
 *
 * A statement is parsed once. It is bound at each execution, so a table that was altered or dropped in between is seen
 * as it is then. The columns that COM_STMT_PREPARE announces are those of a binding without parameter values.
 */

import { SqlError } from '../../protocol/index.js';
import type { AbortNotice, ColumnDefinition, PreparedInfo } from '../../protocol/index.js';
import { describeSelect } from '../exec/execute-select.js';
import { columnDefinitionOf } from '../exec/result-column.js';
import type { Statement } from '../sql/ast.js';
import type { ParsedStatement } from '../sql/parser.js';
import { resolveInsertColumns } from '../sql/insert-columns.js';
import { parsedInTurns } from './parsed-in-turns.js';
import type { SessionState } from './session-state.js';
import { selectAll, virtualTableOf, describedTable } from './show-statement.js';
import { StatementScope, writableTable } from './statement-run.js';

const STATEMENT_ID_MAX = 0xffffffff;

export interface Prepared {
  readonly id: number;
  readonly text: string;
  readonly statement: Statement;
  readonly parameterCount: number;
}

export class PreparedList {
  readonly #byId = new Map<number, Prepared>();
  #lastId = 0;

  /** Throws, or rejects with, what parsing and binding throw. A promise only for a long text. */
  prepare(
    state: SessionState,
    text: string,
    abort: AbortNotice,
  ): PreparedInfo | Promise<PreparedInfo> {
    const { timers } = state.context;
    const parsed = parsedInTurns(text, state.variables.sqlMode, { timers, abort });
    return parsed instanceof Promise
      ? parsed.then((whole) => this.#add(state, text, whole))
      : this.#add(state, text, parsed);
  }

  #add(
    state: SessionState,
    text: string,
    { statement, parameterCount }: ParsedStatement,
  ): PreparedInfo {
    const columns = columnsOf(new StatementScope(state, 'unknown'), statement);
    const id = this.#freeId();
    this.#byId.set(id, { id, text, statement, parameterCount });
    return { id, params: parameterCount, columns };
  }

  /** Throws 1243. */
  get(id: number): Prepared {
    const prepared = this.#byId.get(id);
    if (prepared === undefined) {
      throw new SqlError('ER_UNKNOWN_STMT_HANDLER', { id, command: 'mysqld_stmt_execute' });
    }
    return prepared;
  }

  close(id: number): void {
    this.#byId.delete(id);
  }

  clear(): void {
    this.#byId.clear();
  }

  #freeId(): number {
    do {
      this.#lastId = this.#lastId >= STATEMENT_ID_MAX ? 1 : this.#lastId + 1;
    } while (this.#byId.has(this.#lastId));
    return this.#lastId;
  }
}

/** Result columns; binding also finds unknown tables and columns now rather than at the first execution. */
function columnsOf(scope: StatementScope, statement: Statement): readonly ColumnDefinition[] {
  switch (statement.kind) {
    case 'select':
      return describeSelect(statement, scope.bindContext()).map(columnDefinitionOf);
    case 'show': {
      const { table, select } = selectAll(virtualTableOf(scope, statement, []), null);
      return describeSelect(select, scope.bindContext(table)).map(columnDefinitionOf);
    }
    case 'describe': {
      const described = describedTable(scope, statement.table, statement.column);
      const { table, select } = selectAll(described, null);
      return describeSelect(select, scope.bindContext(table)).map(columnDefinitionOf);
    }
    case 'insert': {
      const { state, nowMs } = scope;
      const table = writableTable(state, statement.name.database, statement.name.table);
      const context = { row: 1, timeZone: state.zone };
      const now = { seconds: Math.floor(nowMs / 1000), nanoseconds: 0 };
      resolveInsertColumns(table, statement.columns, context, now);
      return [];
    }
    case 'delete':
      writableTable(scope.state, statement.name.database, statement.name.table);
      return [];
    default:
      return [];
  }
}
