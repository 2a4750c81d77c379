/**
 * One linked connection, from the end of its handshake to its end: frames in and out, heartbeats, signs of life.
 *
 * - Any byte that comes is a sign of life. Silence for `dead_after` ends the session, which is how a half-open connection is found out.
 * - A frame of another link number is late and dropped.
 * - Control messages are sent at once; records only while the connection has room. So a control message waits for at most one piece.
 * - Reading never waits for writing: what comes is handled in the turn in which it comes.
 */

import type { Clock, Timer, Timers } from '../storage/index.js';
import { LinkProtocolError } from './errors.js';
import { encodeFrame, FrameParser, FrameType, type Frame } from './frame.js';
import type { SendChannel } from './sender.js';
import type { Connection } from './transport.js';

export interface LinkSessionDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  /** A frame of this link. Throws LinkProtocolError, or a journal's error, to end the link. */
  readonly onFrame: (frame: Frame) => void;
  /** The connection takes records again. */
  readonly onRoom: () => void;
  /** Every `heartbeatMs`, and once at the beginning. */
  readonly onBeat: () => void;
  /** Called once. `error` says why, or is null when this side ended it. */
  readonly onEnd: (error: Error | null) => void;
}

export interface LinkSessionOptions {
  readonly link: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
}

/** The peer fell silent. */
export class SilenceError extends Error {
  readonly code = 'LINK_SILENT';

  constructor(silentMs: number) {
    super(`no sign of life from the peer for ${Math.round(silentMs)} ms`);
    this.name = 'SilenceError';
  }
}

export class LinkSession implements SendChannel {
  readonly #connection: Connection;
  readonly #parser: FrameParser;
  readonly #deps: LinkSessionDeps;
  readonly #options: LinkSessionOptions;
  #hasRoom = true;
  #hasEnded = false;
  #heardMs: number;
  #lastCheckMs: number;
  #beat: Timer | null = null;
  #lateFrames = 0;

  /** Takes over a connection whose parser may already hold the beginning of the next frame. */
  constructor(
    connection: Connection,
    parser: FrameParser,
    deps: LinkSessionDeps,
    options: LinkSessionOptions,
  ) {
    this.#connection = connection;
    this.#parser = parser;
    this.#deps = deps;
    this.#options = options;
    this.#heardMs = deps.clock.monotonicMs();
    this.#lastCheckMs = this.#heardMs;
  }

  get link(): number {
    return this.#options.link;
  }

  get hasRoom(): boolean {
    return this.#hasRoom && !this.#hasEnded;
  }

  /** Frames of other links that came here and were dropped. */
  get lateFrames(): number {
    return this.#lateFrames;
  }

  start(): void {
    this.#connection.onDrain(() => {
      this.#hasRoom = true;
      if (!this.#hasEnded) this.#deps.onRoom();
    });
    this.#check();
  }

  send(type: FrameType, payload: readonly Uint8Array[]): void {
    if (this.#hasEnded) return;
    this.#hasRoom = this.#connection.send(encodeFrame(type, this.#options.link, payload));
  }

  /** Bytes of the connection, borrowed. */
  heard(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    this.#heardMs = this.#deps.clock.monotonicMs();
    try {
      this.#parser.push(bytes, (frame) => this.frame(frame));
    } catch (error) {
      this.end(error as Error);
    }
  }

  /** A frame that was parsed already. Throws what `onFrame` throws. */
  frame(frame: Frame): void {
    if (this.#hasEnded) return;
    if (frame.link !== this.#options.link) {
      this.#lateFrames += 1;
      return;
    }
    if (frame.type < FrameType.heartbeat) {
      throw new LinkProtocolError(`handshake frame ${frame.type} on a running link`);
    }
    this.#deps.onFrame(frame);
  }

  /** Ends the session; null = on our own account. */
  end(error: Error | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#beat?.cancel();
    if (error === null) this.#connection.close();
    else this.#connection.destroy();
    this.#deps.onEnd(error);
  }

  #check(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const { heartbeatMs, deadAfterMs } = this.#options;
    // Was it this process that slept? Then the peer's bytes may be waiting to be read: it gets one beat more.
    const overslept = nowMs - this.#lastCheckMs > 2 * heartbeatMs;
    this.#lastCheckMs = nowMs;
    if (overslept) this.#heardMs = Math.max(this.#heardMs, nowMs - deadAfterMs + heartbeatMs);
    const silentMs = nowMs - this.#heardMs;
    if (silentMs >= deadAfterMs) {
      this.end(new SilenceError(silentMs));
      return;
    }
    this.#deps.onBeat();
    if (this.#hasEnded) return;
    this.#beat = this.#deps.timers.after(heartbeatMs, () => this.#check());
  }
}
