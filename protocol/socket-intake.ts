/** What a socket hands over and is not parsed yet: bounded, for the socket is paused when it is too much. */

import type { Duplex } from 'node:stream';
import { InputQueue } from './input-queue.js';
import { BURST_BYTES_MAX, INPUT_QUEUE_BYTES_MAX } from './server-options.js';

export class SocketIntake {
  readonly #socket: Duplex;
  readonly #yieldTurn: () => Promise<void>;
  readonly #queue = new InputQueue(INPUT_QUEUE_BYTES_MAX);
  #isPaused = false;
  /** Read since the socket last rested. */
  #burstBytes = 0;

  constructor(socket: Duplex, yieldTurn: () => Promise<void>) {
    this.#socket = socket;
    this.#yieldTurn = yieldTurn;
  }

  get isEmpty(): boolean {
    return this.#queue.isEmpty;
  }

  /** The next bytes; the socket is paused where they fill the queue. */
  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    if (this.#queue.isFull) this.#pause();
  }

  /** Takes the oldest bytes; undefined = there are none. */
  next(): Uint8Array | undefined {
    const chunk = this.#queue.shift();
    this.#resume();
    return chunk;
  }

  /**
   * So many bytes were pushed, and parsed as they came. The system hands out what has come piece by piece, all of it in one turn of the event
   * loop: after a burst the rest has to wait for the next.
   */
  parsed(bytes: number): void {
    this.#burstBytes += bytes;
    if (this.#burstBytes < BURST_BYTES_MAX) return;
    this.#burstBytes = 0;
    if (this.#isPaused) return;
    this.#pause();
    void this.#yieldTurn().then(() => this.#resume());
  }

  /** Throws away what is there. */
  clear(): void {
    this.#queue.clear();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#isPaused || this.#queue.isFull) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}
