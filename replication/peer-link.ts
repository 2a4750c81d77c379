/**
 * Makes and keeps the connection to the peer.
 *
 * Both nodes listen; the lower id dials. Before they know each other's ids both dial, and the acceptor with the lower id refuses
 * ("not your turn"). At most one connection is the link: the acceptor keeps the one that authenticated last and ends the older one, because an
 * older one that still seems to live is half-open. The older link is ended, and everything it had in flight is settled, before this node says where it
 * stands; so the positions in a handshake never move. That takes as long as the disk does; a handshake whose time is up meanwhile ends, and the
 * next one waits anew. So a disk without room holds no connection, and the link is back soon after there is room.
 *
 * Whatever goes wrong with a connection is told to `onTrouble` and tried again, with pauses that double.
 */

import type { Clock, NodeId, Random, RollingHash, Timer, Timers } from '../storage/index.js';
import { REDIAL_FIRST_MS, REDIAL_LAST_MS } from './config.js';
import { LinkProtocolError, RefusedError } from './errors.js';
import { encodeFrame, FrameParser, type Frame } from './frame.js';
import {
  Handshake,
  type HandshakeIdentity,
  type HandshakeMessage,
  type HandshakeResult,
  type HandshakeStep,
  type LocalQuestion,
  type LocalStanding,
} from './handshake.js';
import type { StandingMessage } from './handshake-messages.js';
import { NONCE_BYTES } from './proof.js';
import type { ReplicationLog } from './replication-log.js';
import type { Connection, Transport } from './transport.js';

/** A connection whose handshake is done. */
export interface MadeLink {
  readonly connection: Connection;
  readonly parser: FrameParser;
  readonly result: HandshakeResult;
  /** Frames that came behind the handshake already. */
  readonly early: readonly Frame[];
  /** Where to send the bytes of the connection, and its end, from now on. */
  readonly deliverTo: (onData: (bytes: Uint8Array) => void, onEnd: (cause: Error) => void) => void;
}

export interface PeerLinkDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: ReplicationLog;
  readonly identity: () => Omit<HandshakeIdentity, 'nonce'>;
  /**
   * A peer has proved itself: end the link there is, settle what is in flight, and say where this node stands. May reject once
   * the handshake is over (`signal`).
   */
  readonly standStill: (peerNodeId: NodeId, signal: AbortSignal) => Promise<LocalStanding>;
  readonly hashOf: (question: LocalQuestion) => Promise<RollingHash | null>;
  /** Takes over the connection; resolves when the link has ended. */
  readonly onLink: (link: MadeLink) => Promise<void>;
  readonly onTrouble: (error: Error) => void;
  /** An authenticated handshake was refused. `peer`: what it said of itself, if it came so far. */
  readonly onRefused: (
    error: RefusedError,
    isStranger: boolean,
    peer: StandingMessage | null,
  ) => void;
}

/** The other side ended the connection without saying why. */
export class LinkEndedError extends Error {
  readonly code = 'LINK_ENDED';

  constructor() {
    super('the peer ended the connection');
    this.name = 'LinkEndedError';
  }
}

/** Handshakes under way at a time; more are turned away. */
const HANDSHAKES_MAX = 8;

export class PeerLink {
  readonly #deps: PeerLinkDeps;
  readonly #handshakeTimeoutMs: number;
  readonly #handshaking = new Set<Connection>();
  #isStopped = false;
  #linkCount = 0;
  #isLinked = false;
  /** Settles when the handshake that authenticated last is over: they take turns, so that each gets its answer. */
  #turn: Promise<void> = Promise.resolve();
  #hasLowerPeer = false;
  #rejected = 0;
  #pause: { readonly timer: Timer; readonly end: () => void } | null = null;
  #dialling: Promise<void> = Promise.resolve();

  constructor(deps: PeerLinkDeps, options: { readonly handshakeTimeoutMs: number }) {
    this.#deps = deps;
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs;
  }

  /** Connections that ended before they were a link. */
  get rejectedTotal(): number {
    return this.#rejected;
  }

  /** Rejects when the address to listen on cannot be had. */
  async start(): Promise<void> {
    await this.#deps.transport.listen((connection) => this.#accept(connection));
    this.#dialling = this.#dialForEver();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#endPause();
    for (const connection of this.#handshaking) connection.destroy();
    await this.#deps.transport.close();
    await this.#dialling;
  }

  // ---- dialling ----

  async #dialForEver(): Promise<void> {
    let pauseMs = REDIAL_FIRST_MS;
    while (!this.#isStopped) {
      if (this.#mayDial) {
        const wasStable = await this.#dial();
        pauseMs = wasStable ? REDIAL_FIRST_MS : Math.min(2 * pauseMs, REDIAL_LAST_MS);
      }
      const isWaitingForDial = this.#hasLowerPeer || !this.#mayDial;
      if (!this.#isStopped) await this.#wait(isWaitingForDial ? REDIAL_LAST_MS : pauseMs);
    }
  }

  get #mayDial(): boolean {
    const { nodeId, peerNodeId } = this.#deps.identity();
    return !this.#isLinked && (peerNodeId === null || nodeId < peerNodeId);
  }

  /** True when a link was made and held for a while. */
  async #dial(): Promise<boolean> {
    let connection: Connection;
    try {
      connection = await this.#deps.transport.dial();
    } catch (error) {
      this.#deps.onTrouble(error as Error);
      return false;
    }
    if (this.#isStopped) {
      connection.destroy();
      return false;
    }
    return this.#handshake(connection, 'dialer');
  }

  // ---- accepting ----

  #accept(connection: Connection): void {
    if (this.#isStopped || this.#handshaking.size >= HANDSHAKES_MAX) {
      this.#rejected += 1;
      connection.destroy();
      return;
    }
    void this.#handshake(connection, 'acceptor');
  }

  // ---- the handshake ----

  async #handshake(connection: Connection, role: 'dialer' | 'acceptor'): Promise<boolean> {
    this.#handshaking.add(connection);
    const inbox = new HandshakeInbox(connection);
    const timer = this.#deps.timers.after(this.#handshakeTimeoutMs, () => {
      inbox.fail(new LinkProtocolError('the peer did not finish the handshake in time'));
    });
    let made: MadeLink | null = null;
    let endTurn: () => void = () => undefined;
    const takeTurn = async (): Promise<void> => {
      const before = this.#turn;
      this.#turn = new Promise((resolve) => {
        endTurn = resolve;
      });
      await before;
    };
    try {
      const result = await this.#converse(connection, inbox, role, takeTurn);
      if (result !== null) made = { connection, result, ...inbox.handOver() };
    } catch (error) {
      if (!this.#isStopped) this.#deps.onTrouble(error as Error);
    }
    timer.cancel();
    this.#handshaking.delete(connection);
    if (made === null || this.#isStopped) {
      endTurn();
      this.#rejected += 1;
      connection.close();
      return false;
    }
    this.#isLinked = true;
    const madeMs = this.#deps.clock.monotonicMs();
    try {
      const done = this.#deps.onLink(made);
      endTurn();
      await done;
    } finally {
      this.#isLinked = false;
    }
    // A link that breaks at once, again and again, is tried again ever more slowly.
    const isStable = this.#deps.clock.monotonicMs() - madeMs >= REDIAL_LAST_MS;
    if (isStable) this.#endPause();
    return isStable;
  }

  async #converse(
    connection: Connection,
    inbox: HandshakeInbox,
    role: 'dialer' | 'acceptor',
    takeTurn: () => Promise<void>,
  ): Promise<HandshakeResult | null> {
    const nonce = new Uint8Array(NONCE_BYTES);
    this.#deps.random.fill(nonce);
    const handshake = new Handshake(role, { ...this.#deps.identity(), nonce });
    if (role === 'dialer') send(connection, handshake.hello());
    for (;;) {
      const frame = await inbox.next();
      let step: HandshakeStep | null = handshake.receive(frame.type, frame.payload);
      while (step !== null) {
        switch (step.type) {
          case 'send':
            send(connection, step.message);
            step = null;
            break;
          case 'authenticated': {
            await takeTurn();
            inbox.checkAlive();
            const local = await this.#deps.standStill(step.peerNodeId, inbox.signal);
            if (role === 'acceptor') this.#linkCount += 1;
            step = handshake.tell(local, this.#linkCount);
            break;
          }
          case 'questions': {
            const { questions } = step;
            const hashes = await Promise.all(questions.map((each) => this.#deps.hashOf(each)));
            step = handshake.answer(hashes, questions);
            break;
          }
          case 'done':
            if (step.message !== null) send(connection, step.message);
            return step.result;
          case 'refused':
            if (step.message !== null) send(connection, step.message);
            this.#refused(step.error, step.isStranger, step.peer);
            return null;
        }
      }
    }
  }

  #refused(error: RefusedError, isStranger: boolean, peer: StandingMessage | null): void {
    // Which of two new nodes dials is settled without bothering anybody.
    if (error.refusal === 'not-your-turn') {
      this.#hasLowerPeer = error.isByPeer;
      return;
    }
    this.#deps.onRefused(error, isStranger, peer);
  }

  // ---- pauses ----

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.timers.after(delayMs, () => {
        this.#pause = null;
        resolve();
      });
      this.#pause = { timer, end: resolve };
    });
  }

  #endPause(): void {
    const pause = this.#pause;
    this.#pause = null;
    if (pause === null) return;
    pause.timer.cancel();
    pause.end();
  }
}

function send(connection: Connection, message: HandshakeMessage): void {
  connection.send(encodeFrame(message.type, 0, [message.payload]));
}

/** Frames of a connection one by one, while its handshake lasts. */
class HandshakeInbox {
  readonly #parser = new FrameParser();
  #frames: Frame[] = [];
  #waiting: {
    readonly resolve: (frame: Frame) => void;
    readonly reject: (error: Error) => void;
  } | null = null;
  #failure: Error | null = null;
  readonly #over = new AbortController();
  #onDataHanded: ((bytes: Uint8Array) => void) | null = null;
  #onEndHanded: ((cause: Error) => void) | null = null;
  #unheard: Uint8Array[] = [];
  #hasHandedOver = false;

  constructor(connection: Connection) {
    connection.onData((bytes) => this.#onData(bytes));
    connection.onClose((cause) => {
      this.fail(cause ?? new LinkEndedError());
    });
  }

  next(): Promise<Frame> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  fail(error: Error): void {
    if (this.#failure === null) this.#onEndHanded?.(error);
    this.#failure ??= error;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
    this.#over.abort();
  }

  /** Aborted when the connection has ended or run out of time. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Throws when the connection has ended or run out of time. */
  checkAlive(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  handOver(): Pick<MadeLink, 'parser' | 'early' | 'deliverTo'> {
    this.#hasHandedOver = true;
    return {
      parser: this.#parser,
      early: this.#frames,
      deliverTo: (onData, onEnd) => {
        this.#onDataHanded = onData;
        this.#onEndHanded = onEnd;
        for (const bytes of this.#unheard.splice(0)) onData(bytes);
        if (this.#failure !== null) onEnd(this.#failure);
      },
    };
  }

  #onData(bytes: Uint8Array): void {
    if (this.#onDataHanded !== null) {
      this.#onDataHanded(bytes);
      return;
    }
    if (this.#hasHandedOver) {
      this.#unheard.push(bytes.slice());
      return;
    }
    try {
      this.#parser.push(bytes, (frame) => this.#onFrame(frame));
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #onFrame(borrowed: Frame): void {
    const frame = { ...borrowed, payload: borrowed.payload.slice() };
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) waiting.resolve(frame);
    else this.#frames.push(frame);
  }
}
