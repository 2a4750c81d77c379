/**
 * The writer's way into a socket. Each flush is one write: what belongs together (the OKs of pipelined commands, the rows of a result) is
 * put together before it, in the writer's chunks. Bytes written after the socket broke are dropped, but their callback still runs.
 *
 * Most writes are short and the system takes them at once. A stream tells a callback of that in a later tick, with half a dozen calls and objects
 * in between, which a statement of one row feels: so it is given none, and asked instead whether it still holds anything.
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
    if (socket.writable) socket.write(bytes);
    if (socket.writableLength === 0 || !socket.writable) onWritten();
    // Behind all that it holds.
    else socket.write(NOTHING, onWritten);
  }
}

const NOTHING = new Uint8Array(0);
