/**
 * A network of two nodes on the virtual clock: ordered byte streams that are late, cut, reset, split anywhere, or silent for ever.
 *
 * Fault model. A *reset* ends every connection on both sides. A *cut* lets nothing through, in one direction or both, and says
 * so to nobody: what was sent waits, as in a kernel that retransmits, and arrives after `heal`, perhaps on a connection that the other side has
 * long replaced. A *crash* is a reset as the survivor sees it; a *power loss* is silence.
 */

import type { Connection, Transport } from '../../replication/transport.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualClock } from './virtual-clock.js';

export interface NetworkOptions {
  readonly latencyMs?: number;
  /** Chance that what is sent arrives in pieces cut anywhere. */
  readonly splitChance?: number;
}

/** Bytes under way at which a sender is told to wait. */
const WINDOW_BYTES = 512 * 1024;
const DIAL_TIMEOUT_MS = 1_000;

export class MemoryNetwork {
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #options: Required<NetworkOptions>;
  readonly #listeners = new Map<string, (connection: Connection) => void>();
  readonly #pairs = new Set<Pair>();
  readonly #cut = new Set<string>();
  /** Crashes of each node so far: what an older life dials goes nowhere. */
  readonly #lives = new Map<string, number>();
  /** All bytes that were ever sent, by sender. */
  readonly sentBytes = new Map<string, number>();

  constructor(clock: VirtualClock, random: SeededRandom, options: NetworkOptions = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#options = { latencyMs: 1, splitChance: 0.2, ...options };
  }

  get connectionCount(): number {
    return this.#pairs.size;
  }

  /** For the node's present life. */
  transport(self: string, peer: string): Transport {
    const life = this.#lives.get(self) ?? 0;
    const isAlive = (): boolean => life === (this.#lives.get(self) ?? 0);
    return {
      listen: (onConnection) => {
        this.#listeners.set(self, onConnection);
        return Promise.resolve();
      },
      dial: () => (isAlive() ? this.#dial(self, peer) : new Promise(() => undefined)),
      close: () => {
        if (isAlive()) this.#listeners.delete(self);
        return Promise.resolve();
      },
    };
  }

  /** A connection of a stranger to a listening node. */
  intrude(target: string): Promise<Connection> {
    return this.#dial('stranger', target);
  }

  /** Bytes that `from` never sent come out of its open connections. */
  inject(from: string, bytes: Uint8Array): void {
    for (const pair of this.#pairs) pair.inject(from, bytes);
  }

  /** Nothing goes from `from` to the other, or in neither direction. */
  cut(from?: string): void {
    this.#cut.add(from ?? '*');
  }

  /** What waited arrives now. */
  heal(): void {
    this.#cut.clear();
    for (const pair of this.#pairs) pair.flush();
  }

  /** Every connection ends, seen by both sides. */
  reset(): void {
    for (const pair of [...this.#pairs]) pair.end(new Error('connection reset'));
  }

  /** The node's process is gone. `isSilent`: with its power, so nobody tells its peer. */
  crash(name: string, isSilent: boolean): void {
    this.#listeners.delete(name);
    this.#lives.set(name, (this.#lives.get(name) ?? 0) + 1);
    for (const pair of [...this.#pairs]) {
      if (!pair.has(name)) continue;
      if (isSilent) pair.mute(name);
      else pair.end(new Error('connection reset'));
    }
  }

  isCut(from: string): boolean {
    return this.#cut.has('*') || this.#cut.has(from);
  }

  async #dial(from: string, to: string): Promise<Connection> {
    await this.#clock.delay(this.#options.latencyMs);
    if (this.isCut(from) || this.isCut(to)) {
      await this.#clock.delay(DIAL_TIMEOUT_MS);
      throw new Error(`no answer from ${to}`);
    }
    const listener = this.#listeners.get(to);
    if (listener === undefined) throw new Error(`${to} refuses the connection`);
    const pair = new Pair(this, this.#clock, this.#random, this.#options, from, to, () => {
      this.#pairs.delete(pair);
    });
    this.#pairs.add(pair);
    listener(pair.accepted);
    return pair.dialled;
  }
}

class Pair {
  readonly dialled: End;
  readonly accepted: End;
  readonly #onEnd: () => void;
  #hasEnded = false;

  constructor(
    network: MemoryNetwork,
    clock: VirtualClock,
    random: SeededRandom,
    options: Required<NetworkOptions>,
    from: string,
    to: string,
    onEnd: () => void,
  ) {
    this.#onEnd = onEnd;
    const world = { network, clock, random, options };
    this.dialled = new End(world, from, to, (error) => this.#close(this.dialled, error));
    this.accepted = new End(world, to, from, (error) => this.#close(this.accepted, error));
    this.dialled.other = this.accepted;
    this.accepted.other = this.dialled;
  }

  has(name: string): boolean {
    return this.dialled.self === name || this.accepted.self === name;
  }

  inject(from: string, bytes: Uint8Array): void {
    for (const end of [this.dialled, this.accepted]) if (end.self === from) end.send([bytes]);
  }

  flush(): void {
    this.dialled.flush();
    this.accepted.flush();
  }

  /** Both ends learn of it. */
  end(error: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
    this.dialled.closed(error);
    this.accepted.closed(error);
  }

  /** The end of a node without power neither hears nor says anything; the other end learns nothing. */
  mute(name: string): void {
    for (const end of [this.dialled, this.accepted]) if (end.self === name) end.mute();
  }

  #close(end: End, error: Error | null): void {
    end.closed(error);
    end.other.closedByPeer();
    this.#onEnd();
  }
}

interface World {
  readonly network: MemoryNetwork;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly options: Required<NetworkOptions>;
}

class End implements Connection {
  readonly self: string;
  readonly remote: string;
  other!: End;
  isClosed = false;
  readonly #world: World;
  readonly #onLocalEnd: (error: Error | null) => void;
  #data: ((bytes: Uint8Array) => void)[] = [];
  #drain: (() => void)[] = [];
  #close: ((cause: Error | null) => void)[] = [];
  #early: Uint8Array[] = [];
  /** Sent and not yet arrived. */
  #underWay: Uint8Array[] = [];
  #underWayBytes = 0;
  #isFull = false;
  #isMute = false;
  #isEnding = false;
  #hasTimer = false;

  constructor(
    world: World,
    self: string,
    remote: string,
    onLocalEnd: (error: Error | null) => void,
  ) {
    this.#world = world;
    this.self = self;
    this.remote = remote;
    this.#onLocalEnd = onLocalEnd;
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.isClosed || this.#isMute || this.#isEnding) return false;
    for (const part of parts) {
      const copy = part.slice();
      this.#underWay.push(copy);
      this.#underWayBytes += copy.length;
      const { sentBytes } = this.#world.network;
      sentBytes.set(this.self, (sentBytes.get(this.self) ?? 0) + copy.length);
    }
    this.flush();
    this.#isFull ||= this.#underWayBytes > WINDOW_BYTES;
    return !this.#isFull;
  }

  onDrain(listener: () => void): void {
    this.#drain.push(listener);
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#data.push(listener);
    for (const bytes of this.#early.splice(0)) {
      listener(bytes);
      bytes.fill(0xdd);
    }
  }

  onClose(listener: (cause: Error | null) => void): void {
    this.#close.push(listener);
  }

  close(): void {
    this.#isEnding = true;
    this.flush();
    if (this.#underWay.length === 0) this.#onLocalEnd(null);
  }

  destroy(): void {
    this.#onLocalEnd(null);
  }

  mute(): void {
    this.#isMute = true;
    this.#underWay = [];
  }

  closed(cause: Error | null): void {
    if (this.isClosed || this.#isMute) return;
    this.isClosed = true;
    this.#underWay = [];
    for (const listener of this.#close) listener(cause);
  }

  closedByPeer(): void {
    const { clock, options, network } = this.#world;
    clock.after(options.latencyMs, () => {
      if (!network.isCut(this.remote)) this.closed(null);
    });
  }

  /** Lets what is under way arrive after the latency, unless the way is cut. */
  flush(): void {
    const { clock, options } = this.#world;
    if (this.#hasTimer || this.#underWay.length === 0) return;
    this.#hasTimer = true;
    clock.after(options.latencyMs, () => {
      this.#hasTimer = false;
      this.#arrive();
    });
  }

  #arrive(): void {
    if (this.#world.network.isCut(this.self) || this.#isMute) return;
    const bytes = joined(this.#underWay.splice(0));
    this.#underWayBytes = 0;
    for (const piece of this.#split(bytes)) this.other.heard(piece);
    if (this.#isFull && !this.isClosed) {
      this.#isFull = false;
      for (const listener of this.#drain) listener();
    }
    if (this.#isEnding && !this.isClosed) this.#onLocalEnd(null);
  }

  heard(bytes: Uint8Array): void {
    if (this.isClosed || this.#isMute || bytes.length === 0) return;
    if (this.#data.length === 0) this.#early.push(bytes);
    for (const listener of this.#data) listener(bytes);
    // Whoever keeps borrowed bytes must not get away with it.
    if (this.#data.length > 0) bytes.fill(0xdd);
  }

  #split(bytes: Uint8Array): readonly Uint8Array[] {
    const { random, options } = this.#world;
    if (bytes.length < 2 || !random.chance(options.splitChance)) return [bytes];
    const at = random.integer(1, bytes.length - 1);
    return [bytes.slice(0, at), bytes.slice(at)];
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
