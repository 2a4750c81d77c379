/**
 * Two nodes' replication, whole but for tables: real journals on forgetful disks, a virtual network and clock. Nodes crash, lose
 * power, are wiped, restored and cloned; a crashed node's promises never settle, as those of a dead process.
 */

import {
  REPLICATION_DEFAULTS,
  ReplicaNode,
  type Acknowledgement,
  type ReplicationConfig,
} from '../../replication/index.js';
import type { Timer } from '../../storage/index.js';
import { ForgetfulDisk } from './forgetful-disk.js';
import { ForgetfulKv } from './forgetful-kv.js';
import { JournalStore } from './journal-store.js';
import { MemoryNetwork, type NetworkOptions } from './memory-transport.js';
import { SeededRandom } from './seeded-random.js';
import { VirtualClock } from './virtual-clock.js';

export type ConfigChange = Partial<Omit<ReplicationConfig, 'nodeId'>>;

const MAX_RECORD_BYTES = 16 * 1024;
const SEGMENT_BYTES = 64 * 1024;

export class TestNode {
  readonly pair: ReplicaPair;
  readonly id: number;
  readonly name: string;
  disk: ForgetfulDisk;
  kv: ForgetfulKv;
  config: ConfigChange;
  secret = 'a shared secret';
  /** A disk operation takes up to this. */
  diskMs = 1;
  failures: Error[] = [];
  readonly log: { event: string; fields: unknown }[] = [];
  #store: JournalStore | null = null;
  #node: ReplicaNode | null = null;
  #life = 0;

  constructor(pair: ReplicaPair, id: number, name: string, config: ConfigChange) {
    this.pair = pair;
    this.id = id;
    this.name = name;
    this.config = config;
    this.disk = this.#newDisk();
    this.kv = new ForgetfulKv();
  }

  get store(): JournalStore {
    return this.#store!;
  }

  get node(): ReplicaNode {
    return this.#node!;
  }

  get isRunning(): boolean {
    return this.#node !== null;
  }

  get state(): string {
    return this.node.status().state;
  }

  get rows(): readonly string[] {
    return this.store.rows;
  }

  async start(): Promise<void> {
    const { clock, random, network } = this.pair;
    this.#life += 1;
    const life = this.#life;
    const isAlive = (): boolean => life === this.#life;
    const timers = {
      after: (delayMs: number, task: () => void): Timer =>
        clock.after(delayMs, () => {
          if (isAlive()) task();
        }),
      yieldTurn: () =>
        new Promise<void>((resolve) => {
          clock.after(0, () => {
            if (isAlive()) resolve();
          });
        }),
    };
    const lifeClock = Object.create(clock) as VirtualClock;
    lifeClock.after = timers.after;
    lifeClock.yieldTurn = timers.yieldTurn;
    lifeClock.monotonicMs = () => clock.monotonicMs();
    lifeClock.wallMs = () => clock.wallMs() + this.pair.skewOf(this.name);
    this.#store = await clock.runUntilSettled(
      JournalStore.open(
        { disk: this.disk.mount(), kv: this.kv, clock: lifeClock, random },
        {
          nodeId: this.id,
          segmentBytes: SEGMENT_BYTES,
          maxRecordBytes: this.config.maxRecordBytes ?? MAX_RECORD_BYTES,
        },
      ),
    );
    const other = this.name === 'b' ? 'a' : 'b';
    const config: ReplicationConfig = {
      ...REPLICATION_DEFAULTS,
      maxRecordBytes: MAX_RECORD_BYTES,
      peer: { secret: this.secret, clusterId: null },
      ...this.config,
      nodeId: this.id,
    };
    const log = (event: string, fields?: unknown): void => {
      this.log.push({ event, fields });
    };
    this.#node = await clock.runUntilSettled(
      ReplicaNode.open(
        {
          store: this.#store,
          transport: config.peer === null ? null : network.transport(this.name, other),
          clock: lifeClock,
          timers,
          random,
          log: { info: log, warn: log, error: log },
          onFailure: (error) => this.failures.push(error),
        },
        config,
      ),
    );
    await clock.runUntilSettled(this.#node.start());
  }

  /**
   * A killed process (its writes stay), or with `power` everything that was not synced may be gone; with `forget` it surely is.
   */
  crash(how: 'kill' | 'power' | 'forget'): void {
    this.#life += 1;
    this.#node = null;
    this.pair.network.crash(this.name, how !== 'kill');
    this.disk.crash(this.pair.random, { keepsCache: how === 'kill', tear: how !== 'forget' });
    if (how !== 'kill') this.kv.crash(this.pair.random);
  }

  /** An empty data directory. */
  wipe(): void {
    this.disk = this.#newDisk();
    this.kv = new ForgetfulKv();
  }

  /** Small writes of given sizes, as text rows. The promise settles with the acknowledgement. */
  write(text: string, options: { rpoBytes?: number } = {}): Promise<Acknowledgement> {
    const session =
      options.rpoBytes === undefined ? {} : { session: { rpoBytes: options.rpoBytes } };
    return this.node.write('write', [Buffer.from(text, 'latin1')], { schemas: [], ...session });
  }

  #newDisk(): ForgetfulDisk {
    const { clock, random } = this.pair;
    return new ForgetfulDisk({
      latency: (operation) =>
        operation === 'write' || operation === 'sync'
          ? clock.delay(this.diskMs * random.nextFloat())
          : Promise.resolve(),
    });
  }
}

export class ReplicaPair {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly a: TestNode;
  readonly b: TestNode;
  readonly #skews = new Map<string, number>();

  constructor(seed: number, config: ConfigChange = {}, network: NetworkOptions = {}) {
    this.random = new SeededRandom(seed);
    this.network = new MemoryNetwork(this.clock, this.random.fork(), network);
    this.a = new TestNode(this, 1, 'a', config);
    this.b = new TestNode(this, 2, 'b', config);
  }

  skewOf(name: string): number {
    return this.#skews.get(name) ?? 0;
  }

  setSkew(name: string, ms: number): void {
    this.#skews.set(name, ms);
  }

  /** Both started and linked. */
  static async linked(seed: number, config: ConfigChange = {}): Promise<ReplicaPair> {
    const pair = new ReplicaPair(seed, config);
    await pair.a.start();
    await pair.b.start();
    await pair.untilLinked();
    return pair;
  }

  /** Until both are linked and have exchanged what they had. */
  async untilLinked(withinMs = 30_000): Promise<void> {
    const isLinked = (): boolean => this.a.state === 'linked' && this.b.state === 'linked';
    await this.until(isLinked, withinMs);
  }

  /** Until both hold the same rows and nothing is pending. */
  async untilEqual(withinMs = 60_000): Promise<void> {
    await this.until(() => {
      const { a, b } = this;
      const pending = a.node.status().pendingBytes + b.node.status().pendingBytes;
      return pending === 0 && JSON.stringify(a.rows) === JSON.stringify(b.rows);
    }, withinMs);
  }

  async until(condition: () => boolean, withinMs: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + withinMs;
    while (!condition()) {
      if (this.clock.monotonicMs() >= endMs) {
        const states = [this.a, this.b].map((node) =>
          node.isRunning ? JSON.stringify(node.node.status()) : 'down',
        );
        throw new Error(`not within ${withinMs} ms: ${states.join('\n')}`);
      }
      await this.clock.advance(10);
    }
  }
}
