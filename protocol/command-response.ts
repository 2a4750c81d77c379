/**
 * The answer to one command: OK, ERR, or a result set.
 *
 *   OK   := 00 | lenenc affected rows | lenenc last insert id | u16 status | u16 warnings | [lenenc info | [lenenc session changes]]
 *   rows := column count | definitions | [EOF] | row* | EOF or OK with header fe (DEPRECATE_EOF) or ERR
 *   EOF  := fe | u16 warnings | u16 status
 *
 * One object per connection, begun anew for each command, so a short answer allocates nothing. States:
 *
 *   idle --begin--> open --ok/error--> done --begin--> open ...
 *                   open --resultSet--> rows --end/fail--> done
 */

import { hasCapability } from './capabilities.js';
import { CommandAbort } from './command-abort.js';
import { ChunkPool } from './chunk-pool.js';
import { PARAMETER_DEFINITION, writeColumnDefinition } from './column-definition.js';
import type { ColumnDefinition } from './column-definition.js';
import { errorPayload } from './error-packet.js';
import { PACKET_HEADER_BYTES } from './packet-chain.js';
import { PacketWriter } from './packet-writer.js';
import { RowStream } from './row-stream.js';
import type { RowStreamPace } from './row-stream.js';
import { sessionChangesBlock } from './session-changes.js';
import type {
  AbortNotice,
  OkResult,
  ResponseWriter,
  ResultSetWriter,
  SessionChange,
} from './session-handler.js';
import type { SqlError } from './sql-error.js';
import { STATUS_FLAG } from './status-flags.js';

/** What the response needs to know of its connection. */
export interface ResponseContext {
  readonly capabilities: number;
  statusFlags(): number;
  takeChanges(): readonly SessionChange[];
}

const OK_HEADER = 0x00;
const EOF_HEADER = 0xfe;
const NO_RESULT: OkResult = {};
const PARAMETER_PAYLOAD = definitionPayload(PARAMETER_DEFINITION);

export class CommandResponse implements ResponseWriter {
  readonly #writer: PacketWriter;
  readonly #pace: RowStreamPace;
  readonly #onDone: () => void;
  #context: ResponseContext;
  #state: 'idle' | 'open' | 'rows' | 'done' = 'idle';
  #protocol: 'text' | 'binary' = 'text';
  readonly #abort = new CommandAbort();
  /** Of `signal`, once it was asked for. */
  #controller: AbortController | null = null;

  /** `onDone` is called after the last packet of each answer is written. */
  constructor(
    writer: PacketWriter,
    pace: RowStreamPace,
    context: ResponseContext,
    onDone: () => void,
  ) {
    this.#writer = writer;
    this.#pace = pace;
    this.#context = context;
    this.#onDone = onDone;
  }

  /** A new session took over the connection. */
  setContext(context: ResponseContext): void {
    this.#context = context;
  }

  /** A command begins; its rows, if any, are in this protocol. */
  begin(protocol: 'text' | 'binary', answerSequenceId: number): void {
    this.#state = 'open';
    this.#protocol = protocol;
    this.#abort.begin();
    this.#controller = null;
    this.#writer.sequenceId = answerSequenceId;
  }

  /** Whether the last packet of the answer is written. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** No answer is due: commands without a reply. */
  dismiss(): void {
    this.#state = 'done';
  }

  /** Why the command was aborted, if it was. */
  get abortReason(): SqlError | null {
    return this.#abort.reason;
  }

  /** The command is to stop. Only the first reason counts. */
  abort(reason: SqlError): void {
    if (this.#abort.aborted) return;
    this.#abort.abort(reason);
    this.#controller?.abort(reason);
  }

  get abortNotice(): AbortNotice {
    return this.#abort;
  }

  /** Made on first use: most commands never look at it. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      const { reason } = this.#abort;
      if (reason !== null) this.#controller.abort(reason);
    }
    return this.#controller.signal;
  }

  ok(result: OkResult = NO_RESULT): void {
    this.#require('open');
    this.#writeOk(OK_HEADER, result);
    this.#finish();
  }

  error(error: SqlError): void {
    this.#require('open');
    this.#writeError(error);
    this.#finish();
  }

  resultSet(columns: readonly ColumnDefinition[]): ResultSetWriter {
    this.#require('open');
    if (columns.length === 0) throw new Error('a result set has at least one column');
    const writer = this.#writer;
    writer.beginPacket();
    writer.lenencInteger(columns.length);
    writer.endPacket();
    this.writeDefinitions(columns);
    this.#state = 'rows';
    return new RowStream(writer, this.#pace, this.#protocol, columns.length, {
      abortReason: () => this.#abort.reason,
      end: (warnings) => {
        this.#require('rows');
        this.#writeEnd(warnings);
        this.#finish();
      },
      fail: (error) => {
        this.#require('rows');
        this.#writeError(error);
        this.#finish();
      },
    });
  }

  /** Ends whatever was begun with an ERR packet; nothing if the answer is complete. */
  failWith(error: SqlError): void {
    if (this.#state === 'done' || this.#state === 'idle') return;
    this.#writeError(error);
    this.#finish();
  }

  // Parts of other answers: prepared statements, COM_FIELD_LIST, COM_STATISTICS, COM_SET_OPTION

  /** Definitions, and the EOF after them where the client wants one. */
  writeDefinitions(columns: readonly ColumnDefinition[], defaultValue?: null): void {
    for (const column of columns) {
      this.#writer.beginPacket();
      writeColumnDefinition(this.#writer, column, defaultValue);
      this.#writer.endPacket();
    }
    if (!hasCapability(this.#context.capabilities, 'deprecateEof')) this.#writeEof(0);
  }

  /** What COM_STMT_PREPARE says of its `?`, all alike: 65,535 of them are copied, not spelled out. */
  writeParameterDefinitions(count: number): void {
    for (let parameter = 0; parameter < count; parameter++) {
      this.#writer.beginPacket();
      this.#writer.bytes(PARAMETER_PAYLOAD, 0, PARAMETER_PAYLOAD.length);
      this.#writer.endPacket();
    }
    if (!hasCapability(this.#context.capabilities, 'deprecateEof')) this.#writeEof(0);
  }

  /** Column definitions alone, closed by EOF or by its replacement: the answer to COM_FIELD_LIST. */
  fieldList(columns: readonly ColumnDefinition[]): void {
    this.#require('open');
    for (const column of columns) {
      this.#writer.beginPacket();
      writeColumnDefinition(this.#writer, column, null);
      this.#writer.endPacket();
    }
    this.#writeEnd(0);
    this.#finish();
  }

  /** A single EOF (or its replacement) as the whole answer. */
  eof(): void {
    this.#require('open');
    this.#writeEnd(0);
    this.#finish();
  }

  /** Bytes of the caller's own making as the whole answer. */
  raw(write: (writer: PacketWriter) => void): void {
    this.#require('open');
    write(this.#writer);
    this.#finish();
  }

  #finish(): void {
    this.#state = 'done';
    this.#onDone();
  }

  #require(state: 'open' | 'rows'): void {
    if (this.#state !== state) {
      throw new Error(`an answer that is ${this.#state} was used as if it were ${state}`);
    }
  }

  #writeEnd(warnings: number): void {
    if (hasCapability(this.#context.capabilities, 'deprecateEof')) {
      this.#writeOk(EOF_HEADER, { warnings });
    } else {
      this.#writeEof(warnings);
    }
  }

  #writeEof(warnings: number): void {
    const writer = this.#writer;
    writer.beginPacket();
    writer.int8(EOF_HEADER);
    writer.int16(Math.min(warnings, 0xffff));
    writer.int16(this.#context.statusFlags());
    writer.endPacket();
  }

  #writeOk(header: number, result: OkResult): void {
    const writer = this.#writer;
    const tracks = hasCapability(this.#context.capabilities, 'sessionTrack');
    const changes = tracks ? this.#context.takeChanges() : NO_CHANGES;
    const hasChanges = changes.length > 0;
    const info = result.info ?? '';
    writer.beginPacket();
    writer.int8(header);
    writer.lenencInteger(result.affectedRows ?? 0);
    writer.lenencInteger(result.lastInsertId ?? 0);
    writer.int16(
      hasChanges
        ? this.#context.statusFlags() | STATUS_FLAG.sessionStateChanged
        : this.#context.statusFlags(),
    );
    writer.int16(Math.min(result.warnings ?? 0, 0xffff));
    // Length-encoded in both cases: libmysql reads a length even without SESSION_TRACK.
    if (info !== '' || hasChanges) writer.lenencString(info);
    if (hasChanges) {
      const block = sessionChangesBlock(changes);
      writer.lenencBytes(block, 0, block.length);
    }
    writer.endPacket();
  }

  #writeError(error: SqlError): void {
    const payload = errorPayload(error);
    this.#writer.abandonPacket();
    this.#writer.beginPacket();
    this.#writer.bytes(payload, 0, payload.length);
    this.#writer.endPacket();
  }
}

const NO_CHANGES: readonly SessionChange[] = [];

function definitionPayload(column: ColumnDefinition): Uint8Array {
  let payload = new Uint8Array();
  const write = (bytes: Uint8Array): void => {
    payload = new Uint8Array(bytes.subarray(PACKET_HEADER_BYTES));
  };
  const writer = new PacketWriter({ write }, new ChunkPool());
  writer.beginPacket();
  writeColumnDefinition(writer, column);
  writer.endPacket();
  writer.flush();
  return payload;
}
