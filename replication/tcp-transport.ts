/** The transport over TCP. Writes of one turn of the event loop leave together; small ones are not delayed (no Nagle). */

import type { Duplex } from 'node:stream';
import { createServer, connect, type Server, type Socket } from 'node:net';
import type { Connection, Transport } from './transport.js';

export interface TcpTransportOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly peer: { readonly host: string; readonly port: number };
  /** A dial that takes longer is given up. */
  readonly dialTimeoutMs: number;
  /** How the bytes of a socket are had, where that is cheaper than reading it as a stream. They may be overwritten once `onBytes` has returned. */
  readonly read?: SocketRead;
}

/** Requires: nothing was read of the socket yet. */
export type SocketRead = (socket: Duplex, onBytes: (bytes: Uint8Array) => void) => void;

const readAsStream: SocketRead = (socket, onBytes) => {
  socket.on('data', onBytes);
};

export class TcpTransport implements Transport {
  readonly #options: TcpTransportOptions;
  #server: Server | null = null;

  constructor(options: TcpTransportOptions) {
    this.#options = options;
  }

  get #read(): SocketRead {
    return this.#options.read ?? readAsStream;
  }

  /** The port really listened on (for a configured port 0); null before `listen`. */
  get port(): number | null {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : null;
  }

  listen(onConnection: (connection: Connection) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (socket) => {
        onConnection(new TcpConnection(socket, this.#read));
      });
      server.once('error', reject);
      server.listen(this.#options.listen.port, this.#options.listen.host, () => {
        server.off('error', reject);
        // Errors of accepting (EMFILE) pass; the listener goes on.
        server.on('error', () => undefined);
        this.#server = server;
        resolve();
      });
    });
  }

  dial(): Promise<Connection> {
    const { host, port } = this.#options.peer;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, timeout: this.#options.dialTimeoutMs });
      const fail = (error: Error): void => {
        socket.destroy();
        reject(error);
      };
      socket.once('error', fail);
      socket.once('timeout', () => fail(new Error(`no answer from ${host}:${port} in time`)));
      socket.once('connect', () => {
        socket.off('error', fail);
        socket.setTimeout(0);
        resolve(new TcpConnection(socket, this.#read));
      });
    });
  }

  close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return Promise.resolve();
    return new Promise((resolve) => {
      server.close(() => resolve());
    });
  }
}

class TcpConnection implements Connection {
  readonly remote: string;
  readonly #socket: Socket;
  readonly #read: SocketRead;
  #isCorked = false;
  #cause: Error | null = null;

  constructor(socket: Socket, read: SocketRead) {
    this.#socket = socket;
    this.#read = read;
    this.remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    socket.setKeepAlive(true);
    socket.on('error', (error) => {
      this.#cause = error;
    });
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.#socket.destroyed || this.#socket.writableEnded) return false;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    for (const part of parts) this.#socket.write(part);
    return !this.#socket.writableNeedDrain;
  }

  onDrain(listener: () => void): void {
    this.#socket.on('drain', listener);
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#read(this.#socket, listener);
  }

  onClose(listener: (cause: Error | null) => void): void {
    this.#socket.on('close', () => listener(this.#cause));
  }

  close(): void {
    this.#socket.end();
    // The far side may never take it: end for good in any case.
    this.#socket.setTimeout(CLOSE_WAIT_MS, () => this.#socket.destroy());
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

const CLOSE_WAIT_MS = 1_000;
