/**
 * One client: the shell around the pure parts.
 *
 *   socket --chunks--> SocketIntake --> PacketParser --> authentication (connection-phase) or commands (command-phase)
 *   commands --> CommandResponse --> PacketWriter --> SocketOutput --> socket
 *
 *   authenticating --OK--> ready --COM_CHANGE_USER--> authenticating
 *   any --goodbye or fault--> lingering --client closed or lingerMs--> closed
 *
 * One loop, `#pump`, pulls packets and waits for each command before it pulls the next; while it waits, chunks queue up to a bound and
 * then the socket is paused. So commands are strictly ordered and memory is bounded whatever a client pipelines.
 *
 * Lingering: after the last packet we send FIN, but keep reading and throwing away until the client closes. To close with unread bytes
 * would make the kernel send RST, and the client might never read the error that explains everything.
 */

import type { Duplex } from 'node:stream';
import type { BusyPoll } from './busy-poll.js';
import type { ChunkPool } from './chunk-pool.js';
import { CommandPhase } from './command-phase.js';
import { CommandResponse } from './command-response.js';
import type { ResponseContext } from './command-response.js';
import { CONNECTION_PHASE_START, stepChangeUser, stepConnectionPhase } from './connection-phase.js';
import type {
  ConnectionPhaseContext,
  ConnectionPhaseState,
  ConnectionPhaseStep,
} from './connection-phase.js';
import { ConnectionDeadlines } from './connection-deadlines.js';
import { errorPayload } from './error-packet.js';
import { greetingPayload } from './handshake-packets.js';
import type { ClientIdentity } from './handshake-packets.js';
import { FramingError, PacketParser } from './packet-parser.js';
import { PacketWriter } from './packet-writer.js';
import { PayloadCollector } from './payload-collector.js';
import type { StatementBudget } from './prepared-statements.js';
import { makeSalt } from './salt.js';
import { HANDSHAKE_PACKET_BYTES_MAX, PUMP_STRETCH_MS } from './server-options.js';
import type { ServerEnvironment, ServerOptions } from './server-options.js';
import type { ServerHooks, SessionHandler } from './session-handler.js';
import { onSocketBytes } from './socket-input.js';
import { SocketIntake } from './socket-intake.js';
import { SocketOutput } from './socket-output.js';
import { isSqlError, SqlError } from './sql-error.js';

/** One line of the process list. */
export interface ConnectionStatus {
  readonly id: number;
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly database: string | null;
  /** MySQL's name, for example COM_QUERY; 'Sleep' between commands, 'Connect' before authentication is done. */
  readonly command: string;
  readonly statement: string | null;
  /** Since the command began, or since the last one ended. */
  readonly elapsedMs: number;
  readonly isOperator: boolean;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly bufferedBytes: number;
  readonly bufferedBytesPeak: number;
}

/** What connections share, and what they tell their server. */
export interface ConnectionHost {
  readonly hooks: ServerHooks;
  readonly environment: ServerEnvironment;
  readonly options: ServerOptions;
  readonly chunks: ChunkPool;
  readonly statementBudget: StatementBudget;
  readonly busyPoll: BusyPoll;
  statistics(): string;
  onCommand(): void;
  onLogin(succeeded: boolean): void;
  /** The connection is gone and its session closed; called once. */
  onClosed(connection: Connection, clean: boolean): void;
}

/** Where the socket came from. */
export interface Peer {
  readonly host: string;
  readonly port: number;
  readonly isOperator: boolean;
}

type State = 'authenticating' | 'ready' | 'lingering' | 'closed';

export class Connection {
  readonly id: number;
  readonly #host: ConnectionHost;
  readonly #socket: Duplex;
  readonly #peer: Peer;
  readonly #parser: PacketParser;
  readonly #input: SocketIntake;
  readonly #deadlines: ConnectionDeadlines;
  readonly #collector = new PayloadCollector();
  readonly #writer: PacketWriter;
  readonly #phaseContext: ConnectionPhaseContext;

  #state: State = 'authenticating';
  #phaseState: ConnectionPhaseState = CONNECTION_PHASE_START;
  /** Of the login welcomed last. */
  #identity: ClientIdentity | null = null;
  #session: SessionHandler | null = null;
  #commands: CommandPhase | null = null;
  #response: CommandResponse | null = null;

  #isPumping = false;
  /** When the pump last began after a turn of the event loop. */
  #stretchStartMs = 0;
  /** The pump awaits a command, a sink or a login: the client is not expected to send. */
  #isWaiting = false;
  #inputEnded = false;
  #flushScheduled = false;
  #goodbye: SqlError | 'kill' | null = null;
  #isClean = false;
  #isTornDown = false;

  #bytesReceived = 0;

  constructor(id: number, socket: Duplex, peer: Peer, host: ConnectionHost) {
    this.id = id;
    this.#socket = socket;
    this.#peer = peer;
    this.#host = host;
    this.#parser = new PacketParser(HANDSHAKE_PACKET_BYTES_MAX);
    this.#writer = new PacketWriter(new SocketOutput(socket), host.chunks);
    const { clock, timers } = host.environment;
    this.#input = new SocketIntake(socket, () => timers.yieldTurn());
    this.#deadlines = new ConnectionDeadlines(host.options, clock.monotonicMs());
    this.#phaseContext = {
      salt: makeSalt((target) => host.environment.random.fill(target)),
      host: peer.host,
      isOperator: peer.isOperator,
      verifier: (user, from) => host.hooks.verifier(user, from),
    };
    onSocketBytes(socket, (bytes, isBorrowed) => this.#onData(bytes, isBorrowed));
    socket.on('end', () => this.#onEnd());
    // A reset or a broken pipe is how clients leave; 'close' follows and ends the session.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  /** Sends the greeting, or the ERR that stands in its place. */
  start(refusal: SqlError | null): void {
    if (refusal !== null) {
      this.#sayGoodbye(refusal, 0);
      return;
    }
    this.#send(
      greetingPayload({
        version: this.#host.options.version,
        connectionId: this.id,
        salt: this.#phaseContext.salt,
      }),
    );
    this.#writer.flush();
    this.#parser.expectSequenceId(this.#writer.sequenceId);
  }

  status(): ConnectionStatus {
    const description = this.#session?.describe?.() ?? { database: null, statement: null };
    return {
      id: this.id,
      user: this.#identity?.user ?? 'unauthenticated user',
      host: this.#peer.host,
      port: this.#peer.port,
      database: description.database,
      command: this.#state === 'ready' ? (this.#commands?.commandName ?? 'Sleep') : 'Connect',
      statement: description.statement,
      elapsedMs: this.#now() - this.#deadlines.activitySinceMs,
      isOperator: this.#peer.isOperator,
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#writer.writtenBytesTotal,
      bufferedBytes: this.#writer.bufferedBytes,
      bufferedBytesPeak: this.#writer.bufferedBytesPeak,
    };
  }

  /** KILL: the running command gets 1317, then the connection ends. */
  kill(): void {
    if (this.#state === 'lingering' || this.#state === 'closed') return;
    this.#deadlines.killed(this.#now());
    this.#abortCommand('Query execution was interrupted: the connection was killed');
    this.#leaveWhenIdle('kill');
  }

  /** KILL QUERY: the running command, if any, gets 1317. */
  killQuery(): void {
    if (this.#state === 'ready') this.#abortCommand('Query execution was interrupted');
  }

  /** The server goes down: 1053 at once if nothing runs, else after the running command. */
  drain(reason: SqlError): void {
    if (this.#state === 'lingering' || this.#state === 'closed') return;
    this.#leaveWhenIdle(reason);
  }

  /** Cuts the connection off, whatever it does. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends what has lasted too long. */
  checkDeadlines(): void {
    const standing = {
      state: this.#state,
      writtenBytes: this.#writer.writtenBytesTotal,
      bufferedBytes: this.#writer.bufferedBytes,
      isWaiting: this.#isWaiting,
      isInsidePacket: this.#parser.isInsidePacket,
      idleTimeoutMs: this.#session?.idleTimeoutMs?.() ?? this.#host.options.idleTimeoutMs,
    };
    switch (this.#deadlines.overdue(standing, this.#now())) {
      case 'cut':
        this.#socket.destroy();
        return;
      case 'login':
        this.#sayGoodbye(new SqlError('ER_NET_READ_INTERRUPTED'), this.#writer.sequenceId);
        return;
      case 'packet':
        this.#commands?.abort(new SqlError('ER_NET_READ_INTERRUPTED'));
        this.#sayGoodbye(new SqlError('ER_NET_READ_INTERRUPTED'), this.#parser.answerSequenceId);
        return;
      case 'idle':
        this.#sayGoodbye(new SqlError('ER_CLIENT_INTERACTION_TIMEOUT'), 0);
        return;
      case null:
        return;
    }
  }

  // The socket's events

  /** Borrowed bytes are parsed before this returns; what has to wait, because a command runs, is copied. */
  #onData(bytes: Uint8Array, isBorrowed: boolean): void {
    if (this.#state === 'lingering' || this.#state === 'closed') return;
    this.#bytesReceived += bytes.length;
    const nowMs = this.#now();
    this.#deadlines.inputCame(nowMs);
    this.#input.push(isBorrowed && this.#isPumping ? new Uint8Array(bytes) : bytes);
    if (this.#isPumping) return;
    this.#host.busyPoll.began(this.id, nowMs);
    this.#startPump(nowMs);
    if (isBorrowed) this.#parser.keepRest();
    this.#input.parsed(bytes.length);
  }

  /** MySQL's clients never half-close: a FIN means that nobody waits for an answer any more. */
  #onEnd(): void {
    this.#inputEnded = true;
    if (this.#isWaiting) {
      this.#abortCommand('Query execution was interrupted: the client closed the connection');
    } else if (!this.#isPumping) {
      this.#startLingering();
    }
  }

  #onClose(): void {
    if (this.#state !== 'lingering') this.#isClean = false;
    this.#state = 'closed';
    this.#input.clear();
    this.#abortCommand('Query execution was interrupted: the connection broke');
    this.#writer.fail(
      new SqlError('ER_QUERY_INTERRUPTED', 'Query execution was interrupted: the connection broke'),
    );
    if (!this.#isPumping) this.#tearDown();
  }

  /** Requires: the socket is closed and no command runs. */
  #tearDown(): void {
    if (this.#isTornDown) return;
    this.#isTornDown = true;
    this.#commands?.close();
    this.#host.onClosed(this, this.#isClean);
  }

  // Reading

  #startPump(nowMs: number): void {
    this.#isPumping = true;
    this.#stretchStartMs = nowMs;
    this.#pump(nowMs);
  }

  #endPump(nowMs: number): void {
    this.#isPumping = false;
    this.#isWaiting = false;
    this.#writer.flush();
    if (this.#state !== 'closed' && !this.#input.isEmpty) {
      this.#startPump(this.#now());
      return;
    }
    this.#host.busyPoll.ended(nowMs);
    if (this.#state === 'closed') this.#tearDown();
    else if (this.#inputEnded) this.#startLingering();
  }

  /**
   * Reads on until there is no input, or something has to be waited for: then it is called again when that is over. No async function,
   * because a statement of one row feels the price of each.
   */
  #pump(startMs: number): void {
    let nowMs = startMs;
    try {
      while (this.#state === 'authenticating' || this.#state === 'ready') {
        const step = this.#parser.next();
        if (step === 'needInput') {
          const chunk = this.#input.next();
          if (chunk === undefined) break;
          this.#parser.feed(chunk);
          continue;
        }
        const pending = step === 'piece' ? this.#onPiece() : this.#onPacket();
        if (pending !== undefined) {
          this.#isWaiting = true;
          this.#scheduleFlush();
          pending.then(
            step === 'piece' ? this.#onPieceTaken : this.#onCommandEnded,
            this.#onWaitFailed,
          );
          return;
        }
        nowMs = this.#now();
        if (step === 'end') this.#afterPacket(nowMs);
        if (this.#yields(nowMs)) return;
      }
    } catch (error) {
      this.#onPumpFault(error);
    }
    this.#endPump(nowMs);
  }

  readonly #onPieceTaken = (): void => this.#goOn(false);
  readonly #onCommandEnded = (): void => this.#goOn(true);

  #goOn(isCommandEnded: boolean): void {
    this.#isWaiting = false;
    const nowMs = this.#now();
    try {
      if (isCommandEnded) this.#afterPacket(nowMs);
      if (this.#yields(nowMs)) return;
    } catch (error) {
      this.#onWaitFailed(error);
      return;
    }
    this.#pump(nowMs);
  }

  readonly #onWaitFailed = (error: unknown): void => {
    this.#onPumpFault(error);
    this.#endPump(this.#now());
  };

  /**
   * True after a long stretch with more to read: the pump goes on in a later turn of the event loop. To have waited for the disk counts as
   * a stretch too; a client that waits for its answer before it sends the next statement loses no turn to that.
   */
  #yields(nowMs: number): boolean {
    if (nowMs - this.#stretchStartMs <= PUMP_STRETCH_MS) return false;
    if (!this.#parser.hasMore && this.#input.isEmpty) return false;
    this.#writer.flush();
    this.#host.environment.timers.yieldTurn().then(() => {
      this.#stretchStartMs = this.#now();
      this.#pump(this.#stretchStartMs);
    }, this.#onWaitFailed);
    return true;
  }

  #onPiece(): void | Promise<void> {
    const { chunk, pieceStart, pieceEnd, comingBytes } = this.#parser;
    if (this.#state === 'ready') {
      return this.#commands?.piece(chunk, pieceStart, pieceEnd, comingBytes);
    }
    this.#collector.add(chunk, pieceStart, pieceEnd);
    return undefined;
  }

  #onPacket(): void | Promise<void> {
    const answerSequenceId = this.#parser.answerSequenceId;
    if (this.#state === 'ready') {
      this.#host.onCommand();
      this.#deadlines.isActive(this.#now());
      this.#parser.expectSequenceId(0);
      return this.#commands?.end(answerSequenceId);
    }
    this.#writer.sequenceId = answerSequenceId;
    return this.#perform(
      stepConnectionPhase(this.#phaseState, this.#collector.take(), this.#phaseContext),
    );
  }

  #afterPacket(nowMs: number): void {
    this.#deadlines.isActive(nowMs);
    if (this.#goodbye !== null && this.#state === 'ready') this.#leave();
  }

  #onPumpFault(error: unknown): void {
    if (this.#state === 'closed' || this.#state === 'lingering') return;
    if (error instanceof FramingError) {
      const fault = new SqlError(error.code);
      this.#commands?.abort(fault);
      this.#sayGoodbye(fault, error.answerSequenceId);
      return;
    }
    this.#reportBug(error, 'connection');
    this.#input.clear();
    this.#socket.destroy();
  }

  // Authentication

  #perform(step: ConnectionPhaseStep): void | Promise<void> {
    this.#phaseState = step.state;
    for (const effect of step.effects) {
      if (effect.kind === 'send') {
        this.#send(effect.payload);
      } else if (effect.kind === 'refuse') {
        this.#host.onLogin(false);
        this.#sayGoodbye(effect.error, this.#writer.sequenceId);
      } else {
        return this.#welcome(effect.identity);
      }
    }
    this.#parser.expectSequenceId(this.#writer.sequenceId);
    return undefined;
  }

  /** Opens the session, chooses the database, says OK. A failure of either is the answer to the login. */
  #welcome(identity: ClientIdentity): void | Promise<void> {
    // The response is of no more use, and as a view of its chunk it would keep that alive.
    this.#identity = { ...identity, authResponse: NO_BYTES };
    try {
      const session = this.#host.hooks.openSession({
        id: this.id,
        user: identity.user,
        host: this.#peer.host,
        port: this.#peer.port,
        isOperator: this.#peer.isOperator,
        capabilities: identity.capabilities,
        characterSet: identity.characterSet,
        attributes: identity.attributes,
      });
      this.#adopt(session, identity);
      if (identity.database === '') {
        this.#sayWelcome();
        return undefined;
      }
      const pending = session.initDatabase(identity.database);
      if (pending !== undefined) {
        return pending.then(
          () => this.#sayWelcome(),
          (error: unknown) => this.#refuseLogin(error),
        );
      }
      this.#sayWelcome();
    } catch (error) {
      this.#refuseLogin(error);
    }
    return undefined;
  }

  #adopt(session: SessionHandler, identity: ClientIdentity): void {
    const context: ResponseContext = {
      capabilities: identity.capabilities,
      statusFlags: () => session.statusFlags(),
      takeChanges: () => session.takeChanges?.() ?? [],
    };
    if (this.#response === null) {
      const { clock, timers } = this.#host.environment;
      this.#response = new CommandResponse(
        this.#writer,
        { monotonicMs: () => clock.monotonicMs(), yieldTurn: () => timers.yieldTurn() },
        context,
        () => this.#onAnswer(),
      );
    } else {
      this.#response.setContext(context);
    }
    this.#session = session;
    this.#commands = new CommandPhase(session, this.#response, this.#host.statementBudget, {
      maxAllowedPacketBytes: this.#host.options.maxAllowedPacketBytes,
      yieldTurn: () => this.#host.environment.timers.yieldTurn(),
      quit: () => this.#quit(),
      changeUser: (payload) => this.#changeUser(payload),
      statistics: () => this.#host.statistics(),
      reportBug: (error, command) => this.#reportBug(error, command),
    });
  }

  #sayWelcome(): void {
    if (this.#state !== 'authenticating') return;
    this.#setState('ready');
    this.#host.onLogin(true);
    this.#parser.limitPayload(this.#host.options.maxAllowedPacketBytes);
    this.#parser.expectSequenceId(0);
    this.#response?.begin('text', this.#writer.sequenceId);
    this.#response?.ok();
  }

  #refuseLogin(error: unknown): void {
    this.#host.onLogin(false);
    if (!(error instanceof SqlError)) this.#reportBug(error, 'login');
    this.#sayGoodbye(
      isSqlError(error) ? error : new SqlError('ER_UNKNOWN_ERROR'),
      this.#writer.sequenceId,
    );
  }

  /** The old session ends; the connection authenticates anew and says OK or goodbye itself. */
  #changeUser(payload: Uint8Array): void | Promise<void> {
    const previous = this.#identity;
    this.#response?.dismiss();
    if (previous === null) return undefined;
    this.#setState('authenticating');
    this.#parser.limitPayload(HANDSHAKE_PACKET_BYTES_MAX);
    const old = this.#commands;
    this.#commands = null;
    this.#session = null;
    old?.close();
    return this.#perform(stepChangeUser(payload, previous, this.#phaseContext));
  }

  // Leaving

  #quit(): void {
    this.#isClean = true;
    this.#startLingering();
  }

  #abortCommand(text: string): void {
    this.#commands?.abort(new SqlError('ER_QUERY_INTERRUPTED', text));
  }

  #leaveWhenIdle(reason: SqlError | 'kill'): void {
    this.#goodbye ??= reason;
    if (this.#state === 'authenticating') {
      this.#sayGoodbye(
        reason === 'kill' ? new SqlError('ER_QUERY_INTERRUPTED') : reason,
        this.#writer.sequenceId,
      );
    } else if (!this.#isWaiting && this.#commands?.isBusy !== true) {
      this.#leave();
    }
  }

  /** Says the goodbye that was asked for. An unasked ERR has sequence id 0: so MySQL does, and clients know it. */
  #leave(): void {
    if (this.#goodbye === 'kill') this.#startLingering();
    else if (this.#goodbye !== null) this.#sayGoodbye(this.#goodbye, 0);
  }

  #sayGoodbye(error: SqlError, sequenceId: number): void {
    if (this.#state === 'lingering' || this.#state === 'closed') return;
    this.#writer.abandonPacket();
    this.#writer.sequenceId = sequenceId;
    this.#send(errorPayload(error));
    this.#startLingering();
  }

  /** FIN goes out after all that is written; what the client still sends is thrown away. */
  #startLingering(): void {
    if (this.#state === 'lingering' || this.#state === 'closed') return;
    this.#setState('lingering');
    this.#writer.flush();
    this.#input.clear();
    this.#socket.resume();
    this.#socket.end();
  }

  // Writing

  #send(payload: Uint8Array): void {
    this.#writer.beginPacket();
    this.#writer.bytes(payload, 0, payload.length);
    this.#writer.endPacket();
  }

  /** Flushes at once if the client has nothing else queued; else with the answers that follow in this turn. */
  #onAnswer(): void {
    if (this.#input.isEmpty) this.#writer.flush();
    else this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#writer.bufferedBytes === 0) return;
    this.#flushScheduled = true;
    this.#host.environment.timers.yieldTurn().then(
      () => {
        this.#flushScheduled = false;
        this.#writer.flush();
      },
      (error: unknown) => this.#reportBug(error, 'flush'),
    );
  }

  #setState(state: State): void {
    this.#state = state;
    this.#deadlines.stateChanged(this.#now());
  }

  #now(): number {
    return this.#host.environment.clock.monotonicMs();
  }

  #reportBug(error: unknown, command: string): void {
    this.#host.environment.log.error(
      { err: error, connection: this.id, command },
      'a command failed in a way that is a fault of the server',
    );
  }
}

const NO_BYTES = new Uint8Array(0);
