/**
 * One COM_QUERY: bytes in, a statement executed.
 *
 * The rows of an INSERT are converted and shipped while the text still comes in; everything else is collected, parsed
 * and dispatched when it is complete.
 *
 * A session has one of these and begins it anew for each query: a statement of one row should not pay for a dozen objects. After an `abort`
 * it can't be used again, because a `write` may still be under way.
 */

import type { AbortNotice, QuerySink, ResponseWriter } from '../../protocol/index.js';
import { StatementReader } from '../sql/statement-reader.js';
import type { InsertHead } from '../sql/dml-parser.js';
import type { KnownHead, ReadRows, StatementReaderHooks } from '../sql/statement-reader.js';
import { InsertHeadCache } from './insert-head-cache.js';
import { InsertRun, insertInfo } from './insert-run.js';
import { InsertShape } from './insert-shape.js';
import { StatementRun, StatementScope, writableTable } from './statement-run.js';
import type { SessionState } from './session-state.js';

/** What the session does around every statement. */
export interface StatementHost {
  readonly state: SessionState;
  /** Notes what runs, for SHOW PROCESSLIST. */
  statementBegins(text: string): void;
  /** Runs a parsed statement and answers. */
  dispatch(run: StatementRun, text: string): Promise<void>;
  /** Remembers the error that a statement ended in. Resolves when it is to be told: never, if nobody knows the outcome. */
  statementFailed(response: ResponseWriter, error: unknown): Promise<void>;
  statementEnds(): void;
}

const HEAD_BYTES_MAX = 1024 * 1024;
const ROWS_PER_TURN = 2000;

interface RunningInsert {
  readonly run: InsertRun;
  readonly shape: InsertShape;
}

export class QueryReception implements QuerySink {
  readonly #host: StatementHost;
  readonly #known: InsertHeadCache;
  readonly #hooks: StatementReaderHooks;
  readonly #insertOptions = {
    signal: (): AbortNotice | null => this.#response?.abortNotice ?? null,
  };
  #reader: StatementReader | null = null;
  /** What the reader was made for. */
  #sqlMode: object | null = null;
  #scope: StatementScope | null = null;
  #insert: RunningInsert | null = null;
  #response: ResponseWriter | null = null;
  #isAborted = false;

  constructor(host: StatementHost) {
    const { state } = host;
    this.#host = host;
    this.#known = new InsertHeadCache(state);
    this.#hooks = {
      knownInsert: (chunk, start, end) => this.#knownInsert(chunk, start, end),
      resolveInsert: (head) => this.#resolveInsert(head),
      yieldTurn: () => state.context.timers.yieldTurn(),
    };
  }

  /** False after an abort. */
  get isReusable(): boolean {
    return !this.#isAborted;
  }

  /** A query begins. Requires: `end` of the one before has settled. */
  begin(): void {
    const { state } = this.#host;
    const { sqlMode } = state.variables.settings;
    this.#scope = new StatementScope(state, 'none');
    this.#insert = null;
    this.#response = null;
    if (this.#reader !== null && this.#sqlMode === sqlMode) {
      this.#reader.reset();
      return;
    }
    this.#sqlMode = sqlMode;
    this.#reader = new StatementReader(this.#hooks, {
      ...sqlMode,
      textBytesMax: state.context.limits.maxAllowedPacketBytes,
      headBytesMax: HEAD_BYTES_MAX,
      rowsPerTurn: ROWS_PER_TURN,
    });
  }

  write(chunk: Uint8Array, start: number, end: number): void | Promise<void> {
    return this.#begun().write(chunk, start, end);
  }

  async end(response: ResponseWriter): Promise<void> {
    this.#response = response;
    try {
      const read = this.#begun().end();
      if (read.kind === 'text') {
        await this.#dispatch(read.text, response);
      } else {
        const run = this.#filledRun(read);
        this.#answerInsert(run.written(await run.finish()), response);
      }
    } catch (error) {
      await this.#insert?.run.undo();
      await this.#host.statementFailed(response, error);
      throw error;
    } finally {
      this.#insert?.run.close();
      this.#host.statementEnds();
    }
  }

  abort(): void {
    this.#isAborted = true;
    // What was shipped of a multi-part write is given up by an abort record; nothing waits for it. The row batch is not
    // given back: the reader may still be writing to it.
    this.#insert?.run.undo().catch((error: unknown) => {
      this.#host.state.context.reportBug(error, 'INSERT');
    });
  }

  #begun(): StatementReader {
    if (this.#reader === null) throw new Error('a query is received before it has begun');
    return this.#reader;
  }

  #knownInsert(chunk: Uint8Array, start: number, end: number): KnownHead | null {
    const known = this.#known.find(chunk, start, end);
    if (known === null) return null;
    const { bytes, head, shape, scanner } = known;
    const target = this.#beginInsert(shape);
    scanner.restart(target);
    return { bytes: bytes.length, head, target, scanner };
  }

  #resolveInsert(head: InsertHead): InsertRun {
    const { database, table } = head.name;
    const { state } = this.#host;
    const definition = writableTable(state, database, table);
    return this.#beginInsert(new InsertShape(this.#begunScope(), definition, head.columns));
  }

  #beginInsert(shape: InsertShape): InsertRun {
    const scope = this.#begunScope();
    shape.restart(scope);
    this.#host.statementBegins(`INSERT INTO ${shape.table.name}`);
    const run = new InsertRun(scope, shape, this.#insertOptions);
    this.#insert = { run, shape };
    return run;
  }

  #begunScope(): StatementScope {
    if (this.#scope === null) throw new Error('a query is received before it has begun');
    return this.#scope;
  }

  #dispatch(text: string, response: ResponseWriter): Promise<void> {
    return this.#host.dispatch(new StatementRun(this.#host.state, response, 'none'), text);
  }

  /** All of its rows are in it. */
  #filledRun(read: ReadRows): InsertRun {
    if (this.#insert === null) throw new Error('rows were read for no INSERT');
    const { run, shape } = this.#insert;
    if (read.headBytes !== null) {
      const { head, scanner, headBytes } = read;
      this.#known.remember({ bytes: headBytes.slice(), head, shape, scanner });
    }
    this.#host.state.context.counters.count(read.head.replace ? 'replace' : 'insert');
    return run;
  }

  #answerInsert(rowCount: number, response: ResponseWriter): void {
    const { state } = this.#host;
    const { warnings } = state;
    state.rowCount = rowCount;
    const info = insertInfo(rowCount, warnings.count);
    response.ok({ affectedRows: rowCount, warnings: warnings.count, info });
  }
}
