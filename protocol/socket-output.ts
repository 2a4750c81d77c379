/**
 * The writer's way into a socket. Each flush is one write: what belongs together (the OKs of pipelined commands, the rows of a result) is
 * put together before it, in the writer's chunks. Bytes written after the socket broke are dropped, but their callback still runs.
 */

import type { Duplex } from 'node:stream';
import type { PacketOutput } from './packet-writer.js';

export class SocketOutput implements PacketOutput {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array, onWritten: () => void): void {
    const socket = this.#socket;
    if (socket.writable) socket.write(bytes, onWritten);
    else onWritten();
  }
}
