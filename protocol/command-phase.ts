/**
 * The commands of one session, one after another.
 *
 * Fed by the connection with pieces of packets: `piece` for each, `end` when a packet is complete. Both return a promise where the
 * connection must wait before it reads on; that wait is what makes commands strictly sequential and what pushes back on
 * a client that sends faster than its statements run. Only COM_QUERY is handed on in pieces; other packets are small and
 * collected first.
 *
 * Nothing a handler throws leaves this class: a SqlError is the answer, anything else is logged and answered with ERR 1105, and
 * the connection lives on.
 */

import type { CommandResponse } from './command-response.js';
import { COMMAND_NAME_BY_BYTE, COMMANDS } from './commands.js';
import type { CommandName, HandledCommandName } from './commands.js';
import { PacketReader } from './packet-reader.js';
import { PayloadCollector } from './payload-collector.js';
import { PreparedStatements } from './prepared-statements.js';
import type { PreparedStatement, StatementBudget } from './prepared-statements.js';
import type { PreparedInfo, QuerySink, SessionHandler } from './session-handler.js';
import { isSqlError, SqlError } from './sql-error.js';

/** What commands need of the connection around them. */
export interface CommandHost {
  readonly maxAllowedPacketBytes: number;
  /** Resolves in a later turn of the event loop. */
  yieldTurn(): Promise<void>;
  /** The client said goodbye. */
  quit(): void;
  /** The payload of COM_CHANGE_USER, command byte included. Answers by itself. */
  changeUser(payload: Uint8Array): void | Promise<void>;
  /** The text of COM_STATISTICS. */
  statistics(): string;
  /** A handler failed in a way that is our bug. */
  reportBug(error: unknown, command: string): void;
}

type CommandFunction = (payload: Uint8Array) => void | Promise<void>;

const NO_COMMAND = -1;
const QUERY: number = COMMANDS.COM_QUERY.byte;

export class CommandPhase {
  readonly #session: SessionHandler;
  readonly #response: CommandResponse;
  readonly #host: CommandHost;
  readonly #statements: PreparedStatements;
  readonly #collector = new PayloadCollector();
  readonly #functions: Readonly<Record<HandledCommandName, CommandFunction>>;
  #byte = NO_COMMAND;
  /** The query being received or executed. */
  #sink: QuerySink | null = null;
  /** Why the rest of the query's text is skipped. */
  #sinkFault: SqlError | null = null;
  #isRunning = false;
  #closed = false;

  constructor(
    session: SessionHandler,
    response: CommandResponse,
    budget: StatementBudget,
    host: CommandHost,
  ) {
    this.#session = session;
    this.#response = response;
    this.#host = host;
    this.#statements = new PreparedStatements(budget);
    this.#functions = {
      COM_QUIT: () => {
        this.#response.dismiss();
        this.#host.quit();
      },
      COM_INIT_DB: (payload) => this.#initDatabase(textAfterCommand(payload)),
      COM_QUERY: () => this.#endQuery(),
      COM_FIELD_LIST: (payload) => this.#fieldList(payload),
      COM_STATISTICS: () => this.#statistics(),
      COM_PROCESS_KILL: (payload) => this.#processKill(payload),
      COM_PING: () => this.#response.ok(),
      COM_CHANGE_USER: (payload) => this.#host.changeUser(new Uint8Array(payload)),
      COM_STMT_PREPARE: (payload) => this.#prepare(textAfterCommand(payload)),
      COM_STMT_EXECUTE: (payload) => this.#execute(payload),
      COM_STMT_SEND_LONG_DATA: (payload) => this.#sendLongData(payload),
      COM_STMT_CLOSE: (payload) => this.#closeStatement(payload),
      COM_STMT_RESET: (payload) => this.#resetStatement(payload),
      COM_SET_OPTION: (payload) => this.#setOption(payload),
      COM_STMT_FETCH: (payload) => this.#fetch(payload),
      COM_RESET_CONNECTION: () => this.#resetConnection(),
    };
  }

  /** Whether a command is being received or executed. */
  get isBusy(): boolean {
    return this.#isRunning || this.#byte !== NO_COMMAND;
  }

  /** MySQL's name of the command being received or executed, null between commands. */
  get commandName(): string | null {
    if (this.#byte === NO_COMMAND) return null;
    return COMMAND_NAME_BY_BYTE[this.#byte] ?? `0x${this.#byte.toString(16)}`;
  }

  /** A piece of the current packet: chunk[start..end), not empty; `comingBytes` were announced to follow. */
  piece(chunk: Uint8Array, start: number, end: number, comingBytes: number): void | Promise<void> {
    let from = start;
    if (this.#byte === NO_COMMAND) {
      this.#byte = chunk[start] ?? 0;
      if (this.#byte === QUERY) {
        from++;
        this.#beginQuery();
      }
    }
    if (this.#byte !== QUERY) {
      this.#collector.add(chunk, from, end, comingBytes);
      return undefined;
    }
    if (from < end) return this.#writeQuery(chunk, from, end);
    return undefined;
  }

  /** The packet is complete: run the command. */
  end(answerSequenceId: number): void | Promise<void> {
    const name = COMMAND_NAME_BY_BYTE[this.#byte];
    this.#response.begin(name === 'COM_STMT_EXECUTE' ? 'binary' : 'text', answerSequenceId);
    this.#isRunning = true;
    if (this.#collector.isInParts) return this.#joinAndRun(name);
    return this.#run(name, this.#collector.view());
  }

  /** Stops the command being received or executed; its answer will be `reason`. Nothing happens between commands. */
  abort(reason: SqlError): void {
    if (this.#isRunning) {
      this.#response.abort(reason);
    } else if (this.#sink !== null) {
      this.#failSink(reason);
    }
  }

  /** The connection is over. Requires: no command is running. Called once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#abandonSink();
    this.#collector.clear();
    this.#statements.clear();
    try {
      this.#session.close();
    } catch (error) {
      this.#host.reportBug(error, 'close');
    }
  }

  // COM_QUERY, in pieces

  #beginQuery(): void {
    this.#sinkFault = null;
    try {
      this.#sink = this.#session.query();
    } catch (error) {
      this.#failSink(this.#toSqlError(error));
    }
  }

  #writeQuery(chunk: Uint8Array, start: number, end: number): void | Promise<void> {
    const sink = this.#sink;
    if (sink === null) return undefined;
    try {
      const pushback = sink.write(chunk, start, end);
      if (pushback === undefined) return undefined;
      return pushback.catch((error: unknown) => this.#failSink(this.#toSqlError(error)));
    } catch (error) {
      this.#failSink(this.#toSqlError(error));
      return undefined;
    }
  }

  #failSink(fault: SqlError): void {
    this.#sinkFault ??= fault;
    this.#abandonSink();
  }

  #abandonSink(): void {
    const sink = this.#sink;
    this.#sink = null;
    if (sink === null) return;
    try {
      sink.abort();
    } catch (error) {
      this.#host.reportBug(error, 'COM_QUERY');
    }
  }

  #endQuery(): void | Promise<void> {
    const fault = this.#sinkFault;
    const sink = this.#sink;
    this.#sink = null;
    this.#sinkFault = null;
    if (fault !== null) throw fault;
    if (sink === null) throw new SqlError('ER_EMPTY_QUERY');
    return sink.end(this.#response);
  }

  // Running a command

  #dispatch(name: CommandName | undefined, payload: Uint8Array): void | Promise<void> {
    if (name === undefined) throw new SqlError('ER_UNKNOWN_COM_ERROR');
    if (isHandled(name)) return this.#functions[name](payload);
    throw new SqlError(
      'ER_NOT_SUPPORTED_YET',
      `This version of MySQL doesn't yet support '${name}' (${COMMANDS[name].why})`,
    );
  }

  async #joinAndRun(name: CommandName | undefined): Promise<void> {
    await this.#inTurns(this.#collector.join());
    await this.#run(name, this.#collector.view());
  }

  async #inTurns(steps: Iterator<undefined>): Promise<void> {
    while (steps.next().done !== true) await this.#host.yieldTurn();
  }

  /** Runs a command to its end, whatever it throws, and sees to it that there is an answer. */
  #run(name: CommandName | undefined, payload: Uint8Array): void | Promise<void> {
    try {
      const pending = this.#dispatch(name, payload);
      if (pending !== undefined) return pending.then(this.#onDone, this.#onFailed);
      this.#settle();
    } catch (error) {
      this.#settle(error);
    }
    return undefined;
  }

  readonly #onDone = (): void => this.#settle();
  readonly #onFailed = (error: unknown): void => this.#settle(error);

  #settle(error?: unknown): void {
    if (error !== undefined) {
      if (this.#response.isDone) this.#reportLate(error);
      else this.#response.failWith(this.#toSqlError(error));
    } else if (!this.#response.isDone) {
      const bug = new Error('the command ended without an answer');
      this.#host.reportBug(bug, this.commandName ?? '');
      this.#response.failWith(internalError());
    }
    this.#byte = NO_COMMAND;
    this.#isRunning = false;
  }

  /** Faults after the answer can't be told to the client any more. */
  #reportLate(error: unknown): void {
    if (error === this.#response.abortReason) return;
    this.#host.reportBug(error, this.commandName ?? '');
  }

  #toSqlError(error: unknown): SqlError {
    if (isSqlError(error)) return error;
    // Whoever listens to the signal may throw an error of their own kind.
    const reason = this.#response.abortReason;
    if (this.#isRunning && reason !== null) return reason;
    this.#host.reportBug(error, this.commandName ?? '');
    return internalError();
  }

  // The commands

  #initDatabase(name: string): void | Promise<void> {
    return andThen(this.#session.initDatabase(name), () => this.#response.ok());
  }

  #resetConnection(): void | Promise<void> {
    return andThen(this.#session.resetConnection(), () => {
      this.#statements.clear();
      this.#response.ok();
    });
  }

  async #fieldList(payload: Uint8Array): Promise<void> {
    if (this.#session.fieldList === undefined) {
      throw new SqlError('ER_NOT_SUPPORTED_YET', { feature: 'COM_FIELD_LIST' });
    }
    const reader = new PacketReader(payload, 1);
    const table = reader.zeroEndedString();
    this.#response.fieldList(await this.#session.fieldList(table, reader.restString()));
  }

  #statistics(): void {
    const text = this.#host.statistics();
    this.#response.raw((writer) => {
      writer.beginPacket();
      writer.string(text);
      writer.endPacket();
    });
  }

  #processKill(payload: Uint8Array): void | Promise<void> {
    if (this.#session.killConnection === undefined) {
      throw new SqlError('ER_NOT_SUPPORTED_YET', { feature: 'COM_PROCESS_KILL' });
    }
    const id = new PacketReader(payload, 1).int32();
    return andThen(this.#session.killConnection(id), () => {
      // Killing oneself aborts this very command.
      if (this.#response.abortReason !== null) throw this.#response.abortReason;
      this.#response.ok();
    });
  }

  #setOption(payload: Uint8Array): void {
    const option = new PacketReader(payload, 1).int16();
    if (option === 1) {
      this.#response.eof();
      return;
    }
    if (option === 0) throw new SqlError('ER_NOT_SUPPORTED_YET', { feature: 'multi-statements' });
    throw new SqlError('ER_UNKNOWN_COM_ERROR');
  }

  async #prepare(sql: string): Promise<void> {
    this.#statements.reserve();
    let info: PreparedInfo;
    try {
      info = await this.#session.prepare(sql, this.#response.abortNotice);
      if (info.params > 0xffff) throw new SqlError('ER_PS_MANY_PARAM');
      this.#statements.add(info.id, info.params);
    } catch (error) {
      this.#statements.unreserve();
      throw error;
    }
    this.#response.raw((writer) => {
      writer.beginPacket();
      writer.int8(0);
      writer.int32(info.id);
      writer.int16(info.columns.length);
      writer.int16(info.params);
      writer.int8(0);
      writer.int16(0);
      writer.endPacket();
      if (info.params > 0) this.#response.writeParameterDefinitions(info.params);
      if (info.columns.length > 0) this.#response.writeDefinitions(info.columns);
    });
  }

  #execute(payload: Uint8Array): void | Promise<void> {
    const id = new PacketReader(payload, 1).int32();
    const statement = this.#statements.get(id, 'mysqld_stmt_execute');
    const fault = statement.takeFault();
    if (fault !== null) {
      statement.clearLongData();
      throw fault;
    }
    if (!statement.isLongDataInParts) return this.#executeWith(statement, payload);
    return this.#inTurns(statement.joinLongData()).then(() =>
      this.#executeWith(statement, payload),
    );
  }

  #executeWith(statement: PreparedStatement, payload: Uint8Array): void | Promise<void> {
    const { id } = statement;
    statement.parameters.read(payload, statement.takeLongData());
    return this.#session.execute(id, statement.parameters, this.#response);
  }

  #sendLongData(payload: Uint8Array): void {
    this.#response.dismiss();
    const reader = new PacketReader(payload, 1);
    if (reader.remaining < 6) return;
    const statement = this.#statements.find(reader.int32());
    const parameter = reader.int16();
    const bytes = payload.subarray(reader.offset);
    statement?.addLongData(parameter, bytes, this.#host.maxAllowedPacketBytes);
  }

  #closeStatement(payload: Uint8Array): void {
    this.#response.dismiss();
    const reader = new PacketReader(payload, 1);
    if (reader.remaining < 4) return;
    const id = reader.int32();
    if (this.#statements.remove(id)) this.#session.closeStatement(id);
  }

  #resetStatement(payload: Uint8Array): void {
    const id = new PacketReader(payload, 1).int32();
    const statement = this.#statements.get(id, 'mysqld_stmt_reset');
    statement.clearLongData();
    this.#session.resetStatement(id);
    this.#response.ok();
  }

  #fetch(payload: Uint8Array): void {
    const id = new PacketReader(payload, 1).int32();
    this.#statements.get(id, 'mysqld_stmt_fetch');
    throw new SqlError('ER_STMT_HAS_NO_OPEN_CURSOR', { id });
  }
}

function isHandled(name: CommandName): name is HandledCommandName {
  return COMMANDS[name].handling === 'handled';
}

function internalError(): SqlError {
  return new SqlError(
    'ER_UNKNOWN_ERROR',
    'Unknown error: an internal fault, described in the log of the server',
  );
}

function textAfterCommand(payload: Uint8Array): string {
  return new PacketReader(payload, 1).restString();
}

function andThen(pending: void | Promise<void>, next: () => void): void | Promise<void> {
  if (pending === undefined) {
    next();
    return undefined;
  }
  return pending.then(next);
}
