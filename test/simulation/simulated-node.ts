/**
 * One machine of the simulated pair: a disk, a key-value store and a wall clock that survive, and on them one process after
 * another, each a real Store and a real ReplicaNode.
 *
 * Taps between the two note what the process does (appends, positions that become durable, records that are applied) at the moment it does it, and
 * hold it against the invariants. A dead process's promises never settle; nothing waits for one but the process itself.
 */

import {
  REPLICATION_DEFAULTS,
  ReplicaNode,
  type ReplicationConfig,
} from '../../replication/index.js';
import {
  LaidOutBody,
  Store,
  type IncarnationId,
  type Journal,
  type NodeId,
  type Timer,
  type Timers,
} from '../../storage/index.js';
import { ForgetfulDisk, isPowerLoss } from '../support/forgetful-disk.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import type { MemoryNetwork } from '../support/memory-transport.js';
import type { SeededRandom } from '../support/seeded-random.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import type { Invariants } from './invariants.js';
import { KillableKv } from './killable-kv.js';
import { RecordingMachine } from './recording-machine.js';
import type { LedgerIncarnation, RecordLedger } from './record-ledger.js';
import type { NodeParameters, SimulationParameters } from './simulation-parameters.js';

export type NodeName = 'a' | 'b';
export type Death = 'power' | 'kill';

export interface World {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly ledger: RecordLedger;
  readonly invariants: Invariants;
  readonly parameters: SimulationParameters;
  note(text: string): void;
}

/** A process that runs. */
export interface Process {
  readonly store: Store;
  readonly machine: RecordingMachine;
  readonly replica: ReplicaNode;
}

const MAX_RECORD_BYTES = 4 * 1024;

export class SimulatedNode {
  readonly name: NodeName;
  readonly id: NodeId;
  readonly disk: ForgetfulDisk;
  readonly kv: ForgetfulKv;
  /** Durable here, as the journals said: of its own incarnations, and of the peer's. Never goes back. */
  readonly ownDurable = new Map<IncarnationId, number>();
  readonly copyDurable = new Map<IncarnationId, number>();
  /** Applied here by a process that has died since. */
  readonly #appliedBefore = new Map<IncarnationId, number>();
  readonly parameters: NodeParameters;
  /** `rpo_bytes` in force: given to every new process. */
  budgetBytes: number;
  skewMs: number;
  /** The process may end on its own. */
  isFaultPlanted = false;
  /** The operator or the configuration allows acknowledgements beyond the budget. */
  mayGoBeyond: boolean;
  isDestroyed = false;
  /** Set while a process runs, from the end of its recovery. */
  process: Process | null = null;
  isStarting = false;
  isStopping = false;
  readonly #world: World;
  readonly #random: SeededRandom;
  #mounted: KillableKv | null = null;
  #store: Store | null = null;
  #life = 0;

  constructor(world: World, name: NodeName, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
    this.name = name;
    this.id = name === 'a' ? 1 : 2;
    const { parameters, clock } = world;
    this.parameters = parameters[name];
    this.budgetBytes = parameters.budgetBytes;
    this.skewMs = this.parameters.skewMs;
    this.mayGoBeyond = parameters.onPeerLoss === 'degrade';
    const { diskMs, kvMs } = this.parameters;
    const latencies = random.fork();
    this.disk = new ForgetfulDisk({
      ...(parameters.isOnTheSpot
        ? { onTheSpot: () => clock.block(diskMs * latencies.nextFloat()) }
        : {}),
      latency: (operation) =>
        operation === 'read' || operation === 'open'
          ? Promise.resolve()
          : clock.delay(diskMs * latencies.nextFloat()),
    });
    this.kv = new ForgetfulKv({
      forgetsRotatedLogs: parameters.forgetsRotatedLogs,
      latency: (operation) =>
        operation === 'get' ? Promise.resolve() : clock.delay(kvMs * latencies.nextFloat()),
    });
  }

  get isDown(): boolean {
    return this.process === null && !this.isStarting;
  }

  /** A process begins; `process` is set once it runs, unless it dies before. */
  start(): void {
    this.#life += 1;
    const life = this.#life;
    this.isStarting = true;
    this.#world.note(`${this.name} starts`);
    this.#run(life).catch((error: unknown) => {
      if (life === this.#life) this.#failed(error);
    });
  }

  /** The process ends at once, with the machine's power or without. */
  die(how: Death): void {
    this.#world.note(`${this.name} dies: ${how}`);
    this.#life += 1;
    this.#rememberApplied();
    this.#mounted?.kill();
    this.process = null;
    this.#store = null;
    this.isStarting = false;
    this.isStopping = false;
    this.isFaultPlanted = false;
    this.#world.network.crash(this.name, how === 'power');
    this.disk.crash(this.#random, { keepsCache: how === 'kill', tear: this.#random.chance(0.7) });
    if (how === 'power') this.kv.crash(this.#random);
  }

  /** The disk, or the key-value store, fails one of the next operations of the process. */
  plantFault(random: SeededRandom): void {
    this.isFaultPlanted = true;
    const code = random.pick(['EIO', 'ENOSPC'] as const);
    if (random.chance(0.3)) {
      this.#world.note(`the next batch of ${this.name} fails: ${code}`);
      this.#mounted!.failNextBatch(Object.assign(new Error(`${code}: batch`), { code }));
      return;
    }
    const operation = random.pick(['write', 'sync', 'rename', 'syncFolder'] as const);
    const nth = random.integer(1, 4);
    this.#world.note(`${operation} ${nth} from now of ${this.name} fails: ${code}`);
    this.disk.failNext({ operation, nth, code });
  }

  /** Ends the process in good order. */
  stop(): void {
    const { process } = this;
    if (process === null || this.isStopping) return;
    this.#world.note(`${this.name} is stopped`);
    this.isStopping = true;
    const life = this.#life;
    void (async () => {
      await process.replica.stop({ drainMs: 200 });
      await process.store.close();
      if (life === this.#life) this.die('kill');
    })().catch((error: unknown) => {
      if (life === this.#life) this.#failed(error);
    });
  }

  /** How far a reader of this node is; of an incarnation that has left its journals: how far it was when they still had it. */
  appliedOf(incarnation: LedgerIncarnation): number {
    const before = this.#appliedBefore.get(incarnation.id) ?? 0;
    return Math.max(before, this.#store?.applied(incarnation.origin, incarnation.id) ?? 0);
  }

  /** Bytes of this node's records, up to and including one of the current incarnation, that the peer does not have durable. */
  unprotectedBytes(peer: SimulatedNode, throughSequence: number): number {
    const store = this.#store!;
    let bytes = 0;
    for (const info of store.own.incarnations()) {
      const isCurrent = info.id === store.incarnation;
      const through = isCurrent ? throughSequence : info.received.sequence;
      const held = peer.copyDurable.get(info.id) ?? 0;
      bytes += this.#world.ledger.countedBytes(info.id, held, through);
    }
    return bytes;
  }

  // ---- one process ----

  async #run(life: number): Promise<void> {
    const { clock, network, parameters, invariants } = this.#world;
    const isAlive = (): boolean => life === this.#life;
    const timers = aliveTimers(clock, isAlive);
    const own = {
      wallMs: () => clock.wallMs() + this.skewMs,
      monotonicMs: () => clock.monotonicMs(),
    };
    const random = this.#random.fork();
    this.#mounted = new KillableKv(this.kv.mount());
    let machine: RecordingMachine | null = null;
    const { store } = await Store.open(
      {
        disk: this.disk.mount(),
        kv: this.#mounted,
        clock: own,
        random,
        timers,
        stateMachine: (tables) =>
          (machine = new RecordingMachine((version) => tables.dropTable(303, version))),
      },
      {
        nodeId: this.id,
        journalFolder: '/journal',
        segmentBytes: parameters.segmentBytes,
        maxRecordBytes: MAX_RECORD_BYTES,
        memtableBytes: this.parameters.memtableBytes,
        cacheBytes: 64 * 1024,
        maxClockSkewMs: 500,
        retainBytes: 0,
      },
    );
    if (!isAlive()) return;
    this.#store = store;
    this.#tap(store, isAlive);
    invariants.recovered(this, store, machine!);

    const config: ReplicationConfig = {
      ...REPLICATION_DEFAULTS,
      nodeId: this.id,
      peer: { secret: 'a shared secret', clusterId: null },
      rpoBytes: this.budgetBytes,
      rpoSpanMs: parameters.spanMs,
      rpoWaitTimeoutMs: 1_000,
      onPeerLoss: parameters.onPeerLoss,
      degradeAfterMs: parameters.degradeAfterMs,
      heartbeatMs: 250,
      deadAfterMs: 1_500,
      startupPeerWaitMs: 2_000,
      readyAloneAfterMs: 2_000,
      maxRecordBytes: MAX_RECORD_BYTES,
    };
    const log = (event: string, fields?: Readonly<Record<string, unknown>>): void => {
      if (isAlive()) this.#world.note(`${this.name} says: ${event} ${printFields(fields)}`);
    };
    const onFailure = (error: Error): void => {
      if (isAlive()) this.#failed(error);
    };
    const replica = await ReplicaNode.open(
      {
        store,
        transport: network.transport(this.name, this.name === 'a' ? 'b' : 'a'),
        clock: own,
        timers,
        random,
        log: { info: log, warn: log, error: log },
        onFailure,
      },
      config,
    );
    if (!isAlive()) return;
    store.onFailure((error) => replica.fail(error));
    await replica.start();
    if (!isAlive()) return;
    this.isStarting = false;
    this.process = { store, machine: machine!, replica };
    if (store.failure !== null) onFailure(store.failure);
  }

  #tap(store: Store, isAlive: () => boolean): void {
    const { ledger, invariants } = this.#world;
    const { incarnation, own } = store;
    // Also those of starts that died between their opening record and their first word.
    for (const { id, openingVersion, received } of own.incarnations()) {
      const isNew = ledger.incarnation(id) === undefined && received.sequence === 1;
      if (isNew) ledger.begin(this.id, id, openingVersion, received.hash);
    }
    this.#watch(own, this.ownDurable, isAlive);
    if (store.copy !== null) this.#watch(store.copy, this.copyDurable, isAlive);

    const openCopy = store.openCopy.bind(store);
    store.openCopy = async (peer) => {
      const copy = await openCopy(peer);
      this.#watch(copy, this.copyDurable, isAlive);
      return copy;
    };
    const append = own.append.bind(own);
    own.append = (kind, version, body) => {
      const record = append(kind, version, body);
      const { hash } = own.incarnation(incarnation)!.received;
      const parts = body instanceof LaidOutBody ? [record.body] : body;
      invariants.guard(() => ledger.append(incarnation, record, parts, hash));
      return record;
    };
    const applyOwn = store.applyOwn.bind(store);
    store.applyOwn = (record) => {
      invariants.guard(() => invariants.isAboveHorizon(this, store, record));
      invariants.guard(() => invariants.becomesVisible(this, record.sequence));
      applyOwn(record);
    };
    const applyPeer = store.applyPeer.bind(store);
    store.applyPeer = (id, record) => {
      invariants.guard(() => invariants.isAboveHorizon(this, store, record));
      invariants.guard(() => invariants.isApplied(this, id, record.sequence, this.copyDurable));
      applyPeer(id, record);
    };
    const applyReturned = store.applyReturned.bind(store);
    store.applyReturned = (id, record) => {
      invariants.guard(() => invariants.isAboveHorizon(this, store, record));
      invariants.guard(() => invariants.isApplied(this, id, record.sequence, this.ownDurable));
      invariants.returned += 1;
      applyReturned(id, record);
    };
  }

  #watch(journal: Journal, durable: Map<IncarnationId, number>, isAlive: () => boolean): void {
    const { invariants } = this.#world;
    journal.onDurable((incarnation, position) => {
      if (!isAlive()) return;
      const before = durable.get(incarnation) ?? 0;
      durable.set(incarnation, Math.max(before, position.sequence));
      invariants.guard(() => invariants.holds(this, position));
    });
  }

  /** The process cannot go on: its machine lets it end. */
  #failed(error: unknown): void {
    if (isPowerLoss(error)) {
      this.die('power');
      return;
    }
    this.#world.note(`${this.name} fails: ${String(error)}`);
    if (!this.isFaultPlanted) this.#world.invariants.violated(`${this.name} failed`, error);
    this.die('kill');
  }

  #rememberApplied(): void {
    if (this.#store === null) return;
    for (const incarnation of this.#world.ledger.incarnations) {
      this.#appliedBefore.set(incarnation.id, this.appliedOf(incarnation));
    }
  }
}

/** Timers of one process: they die with it. */
function aliveTimers(clock: VirtualClock, isAlive: () => boolean): Timers {
  return {
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
}

function printFields(fields: Readonly<Record<string, unknown>> | undefined): string {
  if (fields === undefined) return '';
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value instanceof Error ? value.message : String(value)}`)
    .join(' ');
}
