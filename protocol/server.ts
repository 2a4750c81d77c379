/**
 * A MySQL server over node:net: listeners, the connections and their limits, KILL, and going down in order.
 *
 *   listen -> (accept -> Connection)* -> drain -> close
 *
 * One timer looks at the deadlines of all connections every sweepIntervalMs, instead of a timer per connection and command.
 */

import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { BusyPoll } from './busy-poll.js';
import type { BusyPollCounters } from './busy-poll.js';
import { ChunkPool } from './chunk-pool.js';
import { Connection } from './connection.js';
import type { ConnectionHost, ConnectionStatus, Peer } from './connection.js';
import { openListener } from './listen-address.js';
import type { ListenAddress } from './listen-address.js';
import { StatementBudget } from './prepared-statements.js';
import { DEFAULT_SERVER_OPTIONS, OPERATOR_CONNECTIONS_EXTRA } from './server-options.js';
import type { ServerEnvironment, ServerOptions } from './server-options.js';
import type { ServerHooks } from './session-handler.js';
import { SqlError } from './sql-error.js';

const CONNECTION_ID_MAX = 0xffffffff;
const KEEP_ALIVE_DELAY_MS = 60_000;
/** Connections that are only being told why they are refused; beyond it they are cut off. */
const REFUSALS_MAX = 100;

/** Counted from the start of the server; what SHOW STATUS and metrics are made of. */
export interface ServerCounters {
  /** All that were accepted. */
  readonly connectionsTotal: number;
  /** Refused by ERR 1040, or by an unready greeting. */
  readonly connectionsRefused: number;
  readonly connectionsOpen: number;
  readonly connectionsOpenPeak: number;
  readonly loginsFailed: number;
  /** Ended otherwise than by COM_QUIT. */
  readonly connectionsAborted: number;
  readonly commandsTotal: number;
  readonly preparedStatements: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly busyPoll: BusyPollCounters;
}

export interface ListenOptions {
  /** Always open: no readiness, no max_connections, no password. For a unix socket guarded by file permissions only. */
  readonly isOperator?: boolean;
}

export class MysqlServer {
  readonly #hooks: ServerHooks;
  readonly #environment: ServerEnvironment;
  readonly #options: ServerOptions;
  readonly #listeners: Server[] = [];
  /** All that occupy a place: from accept until the session is closed. */
  readonly #connections = new Map<number, Connection>();
  readonly #refused = new Set<Connection>();
  readonly #statementBudget: StatementBudget;
  readonly #busyPoll: BusyPoll;
  readonly #connectionHost: ConnectionHost;
  readonly #startMs: number;
  #nextId = 1;
  #operatorCount = 0;
  #isDraining = false;
  #sweep: { cancel(): void } | null = null;
  #whenEmpty: (() => void) | null = null;

  #connectionsTotal = 0;
  #connectionsRefused = 0;
  #connectionsOpenPeak = 0;
  #connectionsAborted = 0;
  #loginsFailed = 0;
  #commandsTotal = 0;
  #bytesReceived = 0;
  #bytesSent = 0;

  constructor(
    deps: { readonly hooks: ServerHooks; readonly environment: ServerEnvironment },
    options: Pick<ServerOptions, 'version'> & Partial<ServerOptions>,
  ) {
    this.#hooks = deps.hooks;
    this.#environment = deps.environment;
    this.#options = { ...DEFAULT_SERVER_OPTIONS, ...options };
    this.#startMs = deps.environment.clock.monotonicMs();
    this.#statementBudget = new StatementBudget(this.#options.maxPreparedStatements);
    this.#busyPoll = new BusyPoll(
      { clock: deps.environment.clock, process: deps.environment.polling ?? null },
      this.#options.busyPollMs,
    );
    this.#connectionHost = {
      hooks: this.#hooks,
      environment: this.#environment,
      options: this.#options,
      chunks: new ChunkPool(),
      statementBudget: this.#statementBudget,
      busyPoll: this.#busyPoll,
      statistics: () => this.#statistics(),
      onCommand: () => {
        this.#commandsTotal++;
      },
      onLogin: (succeeded) => {
        if (!succeeded) this.#loginsFailed++;
      },
      onClosed: (connection, clean) => this.#onClosed(connection, clean),
    };
  }

  /** Starts to accept. Resolves to the address in use (the port filled in); rejects with Node's own error. */
  async listen(address: ListenAddress, options: ListenOptions = {}): Promise<ListenAddress> {
    const isOperator = options.isOperator ?? false;
    if (isOperator && address.kind !== 'unix') {
      throw new Error('an operator listener must be a unix socket');
    }
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket, isOperator),
    );
    const bound = await openListener(listener, address);
    listener.on('error', (error) => {
      this.#environment.log.error({ err: error, address: bound }, 'a listener failed');
    });
    this.#listeners.push(listener);
    this.#scheduleSweep();
    return bound;
  }

  /** The process list. */
  connections(): readonly ConnectionStatus[] {
    return [...this.#connections.values()].map((connection) => connection.status());
  }

  counters(): ServerCounters {
    let bytesReceived = this.#bytesReceived;
    let bytesSent = this.#bytesSent;
    for (const connection of this.#connections.values()) {
      const status = connection.status();
      bytesReceived += status.bytesReceived;
      bytesSent += status.bytesSent;
    }
    return {
      connectionsTotal: this.#connectionsTotal,
      connectionsRefused: this.#connectionsRefused,
      connectionsOpen: this.#connections.size,
      connectionsOpenPeak: this.#connectionsOpenPeak,
      loginsFailed: this.#loginsFailed,
      connectionsAborted: this.#connectionsAborted,
      commandsTotal: this.#commandsTotal,
      preparedStatements: this.#statementBudget.count,
      bytesReceived,
      bytesSent,
      busyPoll: this.#busyPoll.counters(),
    };
  }

  /** KILL id. False = no such connection. */
  kill(id: number): boolean {
    const connection = this.#connections.get(id);
    connection?.kill();
    return connection !== undefined;
  }

  /** KILL QUERY id. False = no such connection. */
  killQuery(id: number): boolean {
    const connection = this.#connections.get(id);
    connection?.killQuery();
    return connection !== undefined;
  }

  /**
   * Goes down in order: accepts no more, tells idle clients 1053, lets running commands end first. Connections that are
   * still there after `timeoutMs` are cut off. Resolves when no session is left, or killGraceMs after the cut
   * with the number of sessions whose command did not stop.
   */
  async drain(options: { readonly timeoutMs: number }): Promise<{ readonly stuck: number }> {
    this.#isDraining = true;
    this.#busyPoll.close();
    const stopped = this.#listeners
      .splice(0)
      .map((listener) => new Promise<void>((resolve) => listener.close(() => resolve())));
    for (const connection of this.#connections.values()) {
      connection.drain(new SqlError('ER_SERVER_SHUTDOWN'));
    }
    const { timers } = this.#environment;
    const cutOff = timers.after(options.timeoutMs, () => this.#destroyAll());
    const emptied = this.#empty();
    const giveUp = timers.after(options.timeoutMs + this.#options.killGraceMs, () =>
      this.#tellEmpty(),
    );
    await emptied;
    cutOff.cancel();
    giveUp.cancel();
    this.#sweep?.cancel();
    this.#sweep = null;
    for (const connection of this.#refused) connection.destroy();
    await Promise.all(stopped);
    return { stuck: this.#connections.size };
  }

  /** Cuts everything off at once. Resolves as `drain` does. */
  async close(): Promise<{ readonly stuck: number }> {
    const drained = this.drain({ timeoutMs: 0 });
    this.#destroyAll();
    return drained;
  }

  #destroyAll(): void {
    for (const connection of this.#connections.values()) connection.destroy();
  }

  #empty(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#whenEmpty;
      this.#whenEmpty = () => {
        before?.();
        resolve();
      };
    });
  }

  #accept(socket: Socket, isOperator: boolean): void {
    this.#connectionsTotal++;
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    const peer: Peer = {
      host: socket.remoteAddress === undefined ? 'localhost' : plainAddress(socket.remoteAddress),
      port: socket.remotePort ?? 0,
      isOperator,
    };
    const refusal = this.#refusal(isOperator);
    if (refusal !== null) {
      this.#refuse(socket, peer, refusal);
      return;
    }
    const connection = new Connection(this.#freeId(), socket, peer, this.#connectionHost);
    this.#connections.set(connection.id, connection);
    if (isOperator) this.#operatorCount++;
    this.#connectionsOpenPeak = Math.max(this.#connectionsOpenPeak, this.#connections.size);
    connection.start(null);
  }

  /** Why a new connection gets an ERR in place of a greeting; null = welcome. */
  #refusal(isOperator: boolean): SqlError | null {
    if (this.#isDraining) return new SqlError('ER_SERVER_SHUTDOWN');
    if (isOperator) {
      return this.#operatorCount >= OPERATOR_CONNECTIONS_EXTRA
        ? new SqlError('ER_CON_COUNT_ERROR')
        : null;
    }
    const readiness = this.#hooks.greeting();
    if (!readiness.ready) return readiness.error ?? new SqlError('ER_SERVER_SHUTDOWN');
    return this.#connections.size - this.#operatorCount >= this.#options.maxConnections
      ? new SqlError('ER_CON_COUNT_ERROR')
      : null;
  }

  #refuse(socket: Socket, peer: Peer, refusal: SqlError): void {
    this.#connectionsRefused++;
    if (this.#refused.size >= REFUSALS_MAX) {
      socket.destroy();
      return;
    }
    const connection = new Connection(0, socket, peer, this.#connectionHost);
    this.#refused.add(connection);
    connection.start(refusal);
  }

  #onClosed(connection: Connection, clean: boolean): void {
    if (this.#refused.delete(connection)) return;
    const status = connection.status();
    this.#connections.delete(connection.id);
    this.#bytesReceived += status.bytesReceived;
    this.#bytesSent += status.bytesSent;
    if (status.isOperator) this.#operatorCount--;
    if (!clean) this.#connectionsAborted++;
    if (this.#connections.size === 0) this.#tellEmpty();
  }

  #tellEmpty(): void {
    const whenEmpty = this.#whenEmpty;
    this.#whenEmpty = null;
    whenEmpty?.();
  }

  #freeId(): number {
    for (;;) {
      const id = this.#nextId;
      this.#nextId = id === CONNECTION_ID_MAX ? 1 : id + 1;
      if (!this.#connections.has(id)) return id;
    }
  }

  #scheduleSweep(): void {
    if (this.#sweep !== null) return;
    this.#sweep = this.#environment.timers.after(this.#options.sweepIntervalMs, () => {
      this.#sweep = null;
      for (const connection of this.#connections.values()) connection.checkDeadlines();
      for (const connection of this.#refused) connection.checkDeadlines();
      this.#scheduleSweep();
    });
  }

  /** In the words of mysqladmin status. */
  #statistics(): string {
    const uptimeSeconds = Math.floor(
      (this.#environment.clock.monotonicMs() - this.#startMs) / 1000,
    );
    const perSecond = this.#commandsTotal / Math.max(1, uptimeSeconds);
    return [
      `Uptime: ${uptimeSeconds}`,
      `Threads: ${this.#connections.size}`,
      `Questions: ${this.#commandsTotal}`,
      'Slow queries: 0',
      'Opens: 0',
      'Flush tables: 1',
      'Open tables: 0',
      `Queries per second avg: ${perSecond.toFixed(3)}`,
    ].join('  ');
  }
}

/** IPv4 addresses on a dual-stack socket come with a prefix that no account is written with. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
