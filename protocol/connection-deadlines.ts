/** What of a connection lasts too long, and since when. Times are milliseconds of a monotonic clock. */

import type { ServerOptions } from './server-options.js';

/** Where a connection stands when its deadlines are looked at. */
export interface ConnectionStanding {
  readonly state: 'authenticating' | 'ready' | 'lingering' | 'closed';
  /** Of all that was ever written, and of what still waits to be. */
  readonly writtenBytes: number;
  readonly bufferedBytes: number;
  /** It waits for a command: the client is not expected to send. */
  readonly isWaiting: boolean;
  /** A part of a packet has come. */
  readonly isInsidePacket: boolean;
  readonly idleTimeoutMs: number;
}

/**
 * `cut`: a killed command that does not end, a client that does not read, or does not close. `login`: it does not log in. `packet`: the rest of
 * one does not come. `idle`: nothing comes.
 */
export type Overdue = 'cut' | 'login' | 'packet' | 'idle';

export class ConnectionDeadlines {
  readonly #options: ServerOptions;
  #stateSinceMs: number;
  #lastInputMs: number;
  #lastWriteMs: number;
  #writtenBytesSeen = 0;
  #killedSinceMs: number | null = null;
  /** Since the command began, or since the last one ended. */
  #activitySinceMs: number;

  constructor(options: ServerOptions, nowMs: number) {
    this.#options = options;
    this.#stateSinceMs = nowMs;
    this.#lastInputMs = nowMs;
    this.#lastWriteMs = nowMs;
    this.#activitySinceMs = nowMs;
  }

  get activitySinceMs(): number {
    return this.#activitySinceMs;
  }

  stateChanged(nowMs: number): void {
    this.#stateSinceMs = nowMs;
  }

  inputCame(nowMs: number): void {
    this.#lastInputMs = nowMs;
  }

  /** A command began, or ended. */
  isActive(nowMs: number): void {
    this.#activitySinceMs = nowMs;
  }

  killed(nowMs: number): void {
    this.#killedSinceMs ??= nowMs;
  }

  /** To be asked from time to time: a write makes progress between two looks, or it does not. */
  overdue(standing: ConnectionStanding, nowMs: number): Overdue | null {
    const options = this.#options;
    if (this.#killedSinceMs !== null && nowMs - this.#killedSinceMs > options.killGraceMs) {
      return 'cut';
    }
    if (!this.#writes(standing, nowMs)) return 'cut';
    const stateMs = nowMs - this.#stateSinceMs;
    switch (standing.state) {
      case 'authenticating':
        return stateMs > options.authTimeoutMs ? 'login' : null;
      case 'ready':
        return this.#overdueInput(standing, nowMs);
      case 'lingering':
        return stateMs > options.lingerMs ? 'cut' : null;
      case 'closed':
        return null;
    }
  }

  #writes({ writtenBytes, bufferedBytes }: ConnectionStanding, nowMs: number): boolean {
    if (writtenBytes === this.#writtenBytesSeen && bufferedBytes > 0) {
      return nowMs - this.#lastWriteMs <= this.#options.writeTimeoutMs;
    }
    this.#writtenBytesSeen = writtenBytes;
    this.#lastWriteMs = nowMs;
    return true;
  }

  #overdueInput(standing: ConnectionStanding, nowMs: number): Overdue | null {
    if (standing.isWaiting) return null;
    if (standing.isInsidePacket) {
      return nowMs - this.#lastInputMs > this.#options.readTimeoutMs ? 'packet' : null;
    }
    return nowMs - this.#activitySinceMs > standing.idleTimeoutMs ? 'idle' : null;
  }
}
