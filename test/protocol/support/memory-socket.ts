/** A socket without a network: tests push what the client sends and read what the server sent. */

import { Duplex } from 'node:stream';

export class MemorySocket extends Duplex {
  readonly sent: Buffer[] = [];
  hasEnded = false;

  constructor() {
    super({ allowHalfOpen: true });
  }

  /** The client sends. */
  receive(bytes: Uint8Array): void {
    this.push(Buffer.from(bytes));
  }

  /** The client closes its side. */
  receiveEnd(): void {
    this.push(null);
  }

  sentBytes(): Buffer {
    return Buffer.concat(this.sent);
  }

  override _read(): void {
    // Everything is pushed by the test.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.sent.push(Buffer.from(chunk));
    callback();
  }

  override _final(callback: () => void): void {
    this.hasEnded = true;
    callback();
  }
}
