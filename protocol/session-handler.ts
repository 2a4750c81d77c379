/**
 * The seam between wire and database: what the protocol calls, and what it promises.
 *
 * One SessionHandler serves one connection. Its commands run strictly one after another: the next is not begun before the promise of
 * the last has settled. Whatever a method throws becomes an ERR packet: a SqlError as it is, anything else
 * as ERR 1105 (and a line in the log); the connection lives on. Nothing is called after `close()`.
 */

import type { ColumnDefinition } from './column-definition.js';
import type { PacketWriter } from './packet-writer.js';
import type { ParameterReader } from './parameter-reader.js';
import type { SqlError } from './sql-error.js';

/** Who is at the other end, known when authentication is done. */
export interface ConnectionInfo {
  /** CONNECTION_ID(): 1..2^32-1, unique among the live connections of a server. */
  readonly id: number;
  readonly user: string;
  /** Address of the client, or 'localhost' on a unix socket. */
  readonly host: string;
  /** 0 on a unix socket. */
  readonly port: number;
  /** Came through a listener that is open to the operator: no password was asked. */
  readonly isOperator: boolean;
  /** Effective capability bits; see hasCapability(). */
  readonly capabilities: number;
  /** Collation id of the handshake. */
  readonly characterSet: number;
  /** Connection attributes (program_name, _client_name, ...). */
  readonly attributes: ReadonlyMap<string, string>;
}

/** Digests of a password, enough to check both plugins without ever knowing it. */
export interface AccountVerifier {
  /** SHA1(SHA1(password)), 20 bytes; null = mysql_native_password can't be used. */
  readonly nativeHash: Uint8Array | null;
  /** SHA256(SHA256(password)), 32 bytes; null = caching_sha2_password can't be used. */
  readonly cachingSha2: Uint8Array | null;
  /** The account has no password at all: only an empty response is right. */
  readonly passwordless?: boolean;
}

export interface ServerHooks {
  /** Asked for each new connection. Unready: the greeting is an ERR packet (1053 08S01 unless it says otherwise). */
  greeting(): { readonly ready: true } | { readonly ready: false; readonly error?: SqlError };
  /** The account of a user who connects from `host`; null = no such account (answered like a wrong password). */
  verifier(user: string, host: string): AccountVerifier | null;
  /** Called once a client is authenticated, before its database is chosen. May throw SqlError: it is told, and the connection ends. */
  openSession(connection: ConnectionInfo): SessionHandler;
}

/** Where the text of one COM_QUERY goes, as it arrives. */
export interface QuerySink {
  /**
   * The next piece of the text, chunk[start..end): valid until this call returns; what is still to be read then, the sink copies.
   * A returned promise is back-pressure: nothing more is read from the client until it resolves.
   * After it throws, the rest of the text is skipped, `abort()` is called, and the error is the answer.
   */
  write(chunk: Uint8Array, start: number, end: number): void | Promise<void>;
  /** The text is complete: execute it and answer. */
  end(response: ResponseWriter): Promise<void> | void;
  /**
   * Called once instead of `end`: the connection broke, the query was killed, or `write` threw. A promise of `write` may be
   * pending then; it must settle soon (it does not matter how).
   */
  abort(): void;
}

/** What a prepared statement looks like to a client. */
export interface PreparedInfo {
  /** Chosen by the session, unique in it, 1..2^32-1. */
  readonly id: number;
  /** Number of `?`, 0..65535. */
  readonly params: number;
  /** Of the result; empty if there is none. */
  readonly columns: readonly ColumnDefinition[];
}

/** A change that clients with SESSION_TRACK are told of in the next OK packet. */
export type SessionChange =
  | { readonly kind: 'schema'; readonly name: string }
  | { readonly kind: 'systemVariable'; readonly name: string; readonly value: string };

export interface SessionHandler {
  /** A COM_QUERY begins. */
  query(): QuerySink;
  /** COM_INIT_DB, and the database named at login. Returns = chosen; ER_BAD_DB_ERROR if there is none. The protocol sends the OK. */
  initDatabase(name: string): Promise<void> | void;
  /** COM_RESET_CONNECTION: roll back, drop prepared statements and variables. The protocol sends the OK. */
  resetConnection(): Promise<void> | void;
  /** `abort` tells, while the promise is pending, that the client is gone or the command was killed. */
  prepare(sql: string, abort: AbortNotice): Promise<PreparedInfo> | PreparedInfo;
  /** The result goes out in the binary protocol. `parameters` is valid until the promise settles. */
  execute(
    statementId: number,
    parameters: ParameterReader,
    response: ResponseWriter,
  ): Promise<void> | void;
  closeStatement(statementId: number): void;
  /** COM_STMT_RESET. Long data is forgotten by the protocol itself. */
  resetStatement(statementId: number): void;
  /** The connection is over, for whatever reason. Called exactly once; roll back and let go of everything. */
  close(): void;
  /** STATUS_FLAG bits: autocommit, inTransaction, ... Read whenever an OK or EOF is written. */
  statusFlags(): number;
  /** Database and running statement for `connections()`. */
  describe?(): { readonly database: string | null; readonly statement: string | null };
  /** Changes since the last call; called for each OK where the client negotiated SESSION_TRACK. */
  takeChanges?(): readonly SessionChange[];
  /** wait_timeout of the session; without it the server's holds. */
  idleTimeoutMs?(): number;
  /** COM_FIELD_LIST. `wildcard` is a LIKE pattern, maybe empty. */
  fieldList?(
    table: string,
    wildcard: string,
  ): Promise<readonly ColumnDefinition[]> | readonly ColumnDefinition[];
  /** COM_PROCESS_KILL: check the privilege, then MysqlServer.kill. */
  killConnection?(connectionId: number): Promise<void> | void;
}

export interface OkResult {
  readonly affectedRows?: number | bigint;
  readonly lastInsertId?: number | bigint;
  readonly warnings?: number;
  /** Human-readable, for example `Rows matched: 1  Changed: 1  Warnings: 0`. */
  readonly info?: string | undefined;
}

/** What an AbortSignal has that a short command needs: it is there without being made, and tells of the same aborts. */
export interface AbortNotice {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options: { readonly once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The answer to one command; exactly one of the three is called, once. */
export interface ResponseWriter {
  /** Aborted by KILL, KILL QUERY and the client's leaving; the reason is the SqlError to throw (`throwIfAborted` does). */
  readonly signal: AbortSignal;
  /** The same for those who only wait: costs nothing per command. Valid until the command's promise settles. */
  readonly abortNotice: AbortNotice;
  ok(result?: OkResult): void;
  error(error: SqlError): void;
  /** The same columns and encoders serve the text and the binary protocol. */
  resultSet(columns: readonly ColumnDefinition[]): ResultSetWriter;
}

export interface ResultSetWriter {
  /**
   * Sends a batch. A returned promise is back-pressure (the client reads slowly) or a turn given to the event loop:
   * the batch must stay unchanged until it resolves, and nothing may be written before. It rejects when the connection is gone or the command killed.
   */
  rows(batch: RowEncoder): void | Promise<void>;
  end(result?: { readonly warnings?: number }): void;
  /** Ends the result set with an ERR packet, as MySQL does when rows were sent already. */
  fail(error: SqlError): void;
}

export interface RowEncoder {
  readonly rowCount: number;
  /** One per column definition. */
  readonly columns: readonly CellEncoder[];
}

/** Writes one column's cells. `row` is 0..rowCount-1; `text` and `binary` are called only for cells that are not NULL. */
export interface CellEncoder {
  isNull(row: number): boolean;
  /** Exactly one of the text primitives: textInteger, textDouble, lenencBytes, ... */
  text(row: number, out: PacketWriter): void;
  /** The form that the column definition's type has in the binary protocol: int8..int64, float64, dateTime, lenencBytes, ... */
  binary(row: number, out: PacketWriter): void;
}
