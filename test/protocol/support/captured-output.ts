/** A PacketOutput that keeps what was written, and takes bytes only when told. */

import type { PacketOutput } from '../../../protocol/packet-writer.js';

export class CapturedOutput implements PacketOutput {
  readonly writes: Buffer[] = [];
  readonly #pending: (() => void)[] = [];
  /** False: bytes wait for `take()`, as with a client that does not read. */
  isTaking: boolean;

  constructor(isTaking = true) {
    this.isTaking = isTaking;
  }

  write(bytes: Uint8Array, onWritten: () => void): void {
    this.writes.push(Buffer.from(bytes));
    if (this.isTaking) onWritten();
    else this.#pending.push(onWritten);
  }

  /** The socket takes `count` of the writes that wait. */
  take(count = Infinity): void {
    for (let index = 0; index < count; index++) {
      const onWritten = this.#pending.shift();
      if (onWritten === undefined) return;
      onWritten();
    }
  }

  bytes(): Buffer {
    return Buffer.concat(this.writes);
  }

  hex(): string {
    return this.bytes().toString('hex');
  }

  clear(): void {
    this.writes.length = 0;
  }
}
