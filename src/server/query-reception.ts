/**
 * One COM_QUERY: bytes in, a statement executed.
 *
 * The rows of an INSERT are converted and shipped while the text still comes in; everything else is collected, parsed
 * and dispatched when it is complete.
 */

import type { QuerySink, ResponseWriter } from '../../protocol/index.js';
import { StatementReader } from '../sql/statement-reader.js';
import type { ReadStatement, StatementReaderHooks } from '../sql/statement-reader.js';
import { InsertRun, insertInfo } from './insert-run.js';
import { StatementRun, StatementScope, writableTable } from './statement-run.js';
import type { SessionState } from './session-state.js';

/** What the session does around every statement. */
export interface StatementHost {
  readonly state: SessionState;
  /** Notes what runs, for SHOW PROCESSLIST. */
  statementBegins(text: string): void;
  /** Runs a parsed statement and answers. */
  dispatch(run: StatementRun, text: string): Promise<void>;
  /** Runs `work`; counts and remembers the error it may end in. */
  guard(response: ResponseWriter, work: () => Promise<void>): Promise<void>;
}

const HEAD_BYTES_MAX = 1024 * 1024;
const ROWS_PER_TURN = 2000;

export class QueryReception implements QuerySink {
  readonly #host: StatementHost;
  readonly #reader: StatementReader;
  readonly #scope: StatementScope;
  #insert: InsertRun | null = null;
  #response: ResponseWriter | null = null;

  constructor(host: StatementHost) {
    const { state } = host;
    const { context } = state;
    this.#host = host;
    this.#scope = new StatementScope(state, 'none');
    const hooks: StatementReaderHooks = {
      resolveInsert: (head) => {
        const { database, table } = head.name;
        host.statementBegins(`INSERT INTO ${table}`);
        this.#insert = new InsertRun(
          this.#scope,
          writableTable(state, database, table),
          head.columns,
          { signal: () => this.#response?.signal ?? null },
        );
        return this.#insert;
      },
      yieldTurn: () => context.timers.yieldTurn(),
    };
    this.#reader = new StatementReader(hooks, {
      ...state.variables.sqlMode,
      textBytesMax: context.limits.maxAllowedPacketBytes,
      headBytesMax: HEAD_BYTES_MAX,
      rowsPerTurn: ROWS_PER_TURN,
    });
  }

  write(chunk: Uint8Array, start: number, end: number): void | Promise<void> {
    return this.#reader.write(chunk, start, end);
  }

  async end(response: ResponseWriter): Promise<void> {
    this.#response = response;
    await this.#host.guard(response, async () => {
      try {
        await this.#execute(this.#reader.end(), response);
      } catch (error) {
        await this.#insert?.undo();
        throw error;
      } finally {
        this.#insert?.close();
      }
    });
  }

  abort(): void {
    // What was shipped of a multi-part write is given up by an abort record; nothing waits for it. The row batch is not
    // given back: the reader may still be writing to it.
    this.#insert?.undo().catch((error: unknown) => {
      this.#host.state.context.reportBug(error, 'INSERT');
    });
  }

  async #execute(read: ReadStatement, response: ResponseWriter): Promise<void> {
    const { state } = this.#host;
    if (read.kind === 'text') {
      await this.#host.dispatch(new StatementRun(state, response, 'none'), read.text);
      return;
    }
    if (this.#insert === null) throw new Error('rows were read for no INSERT');
    state.context.counters.count(read.head.replace ? 'replace' : 'insert');
    const rowCount = await this.#insert.finish();
    const { warnings } = state;
    state.rowCount = rowCount;
    const info = insertInfo(rowCount, warnings.count);
    response.ok({
      affectedRows: rowCount,
      warnings: warnings.count,
      ...(info === undefined ? {} : { info }),
    });
  }
}
