/** Limits and collaborators of a server: every bound of the wire is here, with what happens at it. */

import type { PollingProcess } from './busy-poll.js';

/** Clock, timers, randomness and log come in from outside, so that tests run on their own. */
export interface ServerEnvironment {
  readonly clock: { monotonicMs(): number };
  readonly timers: {
    after(delayMs: number, task: () => void): { cancel(): void };
    yieldTurn(): Promise<void>;
  };
  readonly random: { fill(target: Uint8Array): void };
  readonly log: ProtocolLog;
  /** Without it the server never polls. */
  readonly polling?: PollingProcess;
}

/** What pino offers, in the part that is used here. */
export interface ProtocolLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ServerOptions {
  /** The server version of the greeting, for example `8.0.36-twintide-0.1.0`. */
  readonly version: string;
  /** Beyond it the greeting is ERR 1040 08004. Operators' listeners have OPERATOR_CONNECTIONS_EXTRA more. */
  readonly maxConnections: number;
  /** Longest packet of a client; beyond it ERR 1153 08S01, and the connection ends. */
  readonly maxAllowedPacketBytes: number;
  /** Over all connections; beyond it ERR 1461. */
  readonly maxPreparedStatements: number;
  /** A connection without a command for so long is told 4031 and closed; a session may set its own. */
  readonly idleTimeoutMs: number;
  /** From accepting to the OK of the login. */
  readonly authTimeoutMs: number;
  /** A client that has begun a packet must send something within it (net_read_timeout). */
  readonly readTimeoutMs: number;
  /** A client must take some of the bytes that wait for it within it (net_write_timeout). */
  readonly writeTimeoutMs: number;
  /** After the last packet, how long a client has to read it and close before we do. */
  readonly lingerMs: number;
  /** A killed connection whose command does not stop is cut off after it. */
  readonly killGraceMs: number;
  /** How often deadlines are looked at; they are met that late. */
  readonly sweepIntervalMs: number;
  /** How long input is looked for without sleeping, after the last answer, where that pays; 0 = never. */
  readonly busyPollMs: number;
}

export const DEFAULT_SERVER_OPTIONS: Omit<ServerOptions, 'version'> = {
  maxConnections: 1000,
  maxAllowedPacketBytes: 64 * 1024 * 1024,
  maxPreparedStatements: 16_382,
  idleTimeoutMs: 28_800_000,
  authTimeoutMs: 10_000,
  readTimeoutMs: 30_000,
  writeTimeoutMs: 60_000,
  lingerMs: 5_000,
  killGraceMs: 5_000,
  sweepIntervalMs: 1_000,
  busyPollMs: 0,
};

/** Operators get in when clients have taken all connections. */
export const OPERATOR_CONNECTIONS_EXTRA = 10;

/** Longest packet before authentication: a handshake with 64 KiB of attributes fits. */
export const HANDSHAKE_PACKET_BYTES_MAX = 128 * 1024;

/** Bytes of pipelined commands that wait in memory before the socket is paused. */
export const INPUT_QUEUE_BYTES_MAX = 256 * 1024;

/** Longest stretch of work on one connection before the event loop gets its turn. */
export const PUMP_STRETCH_MS = 2;

/** Read from a socket before others have their turn of the event loop: some milliseconds of a bulk INSERT. */
export const BURST_BYTES_MAX = 256 * 1024;
