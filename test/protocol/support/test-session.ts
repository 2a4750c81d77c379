/**
 * A tiny database for the tests: statements are looked up by their text, and results are made of plain values.
 *
 * `script` maps the text of a statement to what it does; a text that is not there is an ERR 1064.
 */

import {
  CHARACTER_SET,
  COLUMN_FLAG,
  COLUMN_TYPE,
  STATUS_FLAG,
  SqlError,
} from '../../../protocol/index.js';
import type {
  CellEncoder,
  ColumnDefinition,
  ColumnType,
  ConnectionInfo,
  ParameterReader,
  ParameterValue,
  PreparedInfo,
  QuerySink,
  ResponseWriter,
  SessionChange,
  SessionHandler,
} from '../../../protocol/index.js';

export type Statement = (
  response: ResponseWriter,
  session: TestSession,
  parameters: ParameterReader | null,
) => Promise<void> | void;

export type Script = Readonly<Record<string, Statement>>;

export class TestSession implements SessionHandler {
  readonly connection: ConnectionInfo;
  readonly #script: Script;
  readonly #prepared = new Map<number, string>();
  readonly log: string[];
  database: string | null = null;
  inTransaction = false;
  changes: SessionChange[] = [];
  idleMs: number | null = null;
  /** Set by a test to slow the sink down. */
  pushback: (() => Promise<void>) | null = null;
  /** Parameters seen by the last execute. */
  lastParameters: ParameterValue[] = [];
  textBytes = 0;
  #nextId = 1;

  constructor(connection: ConnectionInfo, script: Script, log: string[]) {
    this.connection = connection;
    this.#script = script;
    this.log = log;
  }

  query(): QuerySink {
    const pieces: Buffer[] = [];
    this.textBytes = 0;
    return {
      write: (chunk, start, end) => {
        if (this.textBytes < 1024) pieces.push(Buffer.from(chunk.subarray(start, end)));
        this.textBytes += end - start;
        if (
          this.textBytes > 10 &&
          Buffer.concat(pieces).subarray(0, 10).toString() === 'bad insert'
        ) {
          throw new SqlError('ER_WRONG_VALUE_COUNT_ON_ROW', { row: 3 });
        }
        return this.pushback?.();
      },
      end: async (response) => {
        const text = Buffer.concat(pieces).toString('utf8');
        this.log.push(`query ${text.slice(0, 40)}`);
        await this.#find(text)(response, this, null);
      },
      abort: () => {
        this.log.push('query aborted');
      },
    };
  }

  initDatabase(name: string): void {
    if (name === 'missing') throw new SqlError('ER_BAD_DB_ERROR', { database: name });
    this.database = name;
    this.changes.push({ kind: 'schema', name });
  }

  resetConnection(): void {
    this.#prepared.clear();
    this.log.push('reset');
  }

  prepare(sql: string): PreparedInfo {
    this.#find(sql);
    const id = this.#nextId++;
    this.#prepared.set(id, sql);
    const columns = sql.startsWith('SELECT') ? [column('v', COLUMN_TYPE.varString)] : [];
    return { id, params: sql.split('?').length - 1, columns };
  }

  async execute(id: number, parameters: ParameterReader, response: ResponseWriter): Promise<void> {
    this.lastParameters = Array.from({ length: parameters.count }, (_, index) => {
      const value = parameters.value(index);
      return value.kind === 'string' ? { ...value, bytes: Buffer.from(value.bytes) } : value;
    });
    await this.#find(this.#prepared.get(id) ?? '')(response, this, parameters);
  }

  closeStatement(id: number): void {
    this.#prepared.delete(id);
    this.log.push(`close statement ${id}`);
  }

  resetStatement(id: number): void {
    this.log.push(`reset statement ${id}`);
  }

  close(): void {
    this.log.push('close');
  }

  statusFlags(): number {
    return STATUS_FLAG.autocommit | (this.inTransaction ? STATUS_FLAG.inTransaction : 0);
  }

  takeChanges(): readonly SessionChange[] {
    const changes = this.changes;
    this.changes = [];
    return changes;
  }

  describe() {
    return { database: this.database, statement: null };
  }

  idleTimeoutMs(): number {
    return this.idleMs ?? 28_800_000;
  }

  fieldList(table: string): readonly ColumnDefinition[] {
    if (table !== 't') throw new SqlError('ER_NO_SUCH_TABLE', { database: 'd', table });
    return [column('a', COLUMN_TYPE.long), column('b', COLUMN_TYPE.varString)];
  }

  #find(text: string): Statement {
    const statement = this.#script[text];
    if (statement === undefined)
      throw new SqlError('ER_PARSE_ERROR', { near: text.slice(0, 20), line: 1 });
    return statement;
  }
}

export function column(
  name: string,
  type: ColumnType,
  more: Partial<ColumnDefinition> = {},
): ColumnDefinition {
  const isText = type === COLUMN_TYPE.varString;
  return {
    name,
    type,
    characterSet: isText ? CHARACTER_SET.utf8mb4_bin : CHARACTER_SET.binary,
    length: 255,
    flags: isText ? 0 : COLUMN_FLAG.binary,
    decimals: 0,
    ...more,
  };
}

/** Texts in both protocols; null = NULL. */
export function textCells(values: readonly (string | null)[]): CellEncoder {
  const bytes = values.map((value) => (value === null ? null : Buffer.from(value)));
  const write: CellEncoder['text'] = (row, out) => {
    const value = bytes[row] ?? Buffer.alloc(0);
    out.lenencBytes(value, 0, value.length);
  };
  return { isNull: (row) => bytes[row] === null, text: write, binary: write };
}

/** One row of one text column. */
export function answerText(response: ResponseWriter, text: string): void | Promise<void> {
  const rows = response.resultSet([column('v', COLUMN_TYPE.varString)]);
  const pending = rows.rows({ rowCount: 1, columns: [textCells([text])] });
  if (pending === undefined) {
    rows.end();
    return undefined;
  }
  return pending.then(() => rows.end());
}
