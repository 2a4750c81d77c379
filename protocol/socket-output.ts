/**
 * The writer's way into a socket: everything written in one turn of the event loop leaves together.
 *
 * The first write of a turn corks the socket and the end of the turn uncorks it, so that the OKs of pipelined commands, or the pieces of a long
 * packet, are one system call. Bytes written after the socket broke are dropped, but their callback still runs.
 */

import type { Duplex } from 'node:stream';
import type { PacketOutput } from './packet-writer.js';

export class SocketOutput implements PacketOutput {
  readonly #socket: Duplex;
  #corked = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array, onWritten: () => void): void {
    const socket = this.#socket;
    if (!socket.writable) {
      onWritten();
      return;
    }
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    socket.write(bytes, () => onWritten());
  }
}
