/**
 * One run of the simulated pair: two real nodes in one process, on virtual time, with disks and a network that do what real ones do at
 * their worst. Everything is decided by the seed: the same seed is the same run, event by event.
 *
 * A run is a number of steps (clients write, things break, time passes), then an ending: either everything heals and both nodes
 * must become equal, or one node is destroyed for good and the other tells what is left.
 */

import { MemoryNetwork } from '../support/memory-transport.js';
import { SeededRandom } from '../support/seeded-random.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { Invariants, Violation } from './invariants.js';
import { RecordLedger } from './record-ledger.js';
import { SimulatedNode, type NodeName, type World } from './simulated-node.js';
import { drawBudget, drawParameters, type SimulationParameters } from './simulation-parameters.js';
import { Workload } from './workload.js';

/** Lines of the event log that a failure shows. */
const SHOWN_EVENTS = 60;
const CONVERGE_MS = 120_000;
/** Heartbeats carry the last bounds, and what is to be flushed or agreed on comes to rest. */
const QUIET_MS = 5_000;

/** How often each thing happened: a run in which nothing breaks proves nothing. */
export interface SimulationSummary {
  readonly seed: number;
  readonly virtualMs: number;
  readonly acknowledged: number;
  readonly warnings: number;
  readonly notApplied: number;
  readonly unconfirmed: number;
  readonly commits: number;
  readonly expiries: number;
  readonly deaths: number;
  readonly cuts: number;
  readonly links: number;
  readonly returned: number;
  readonly released: number;
  readonly comparisons: number;
  readonly onTheSpot: number;
  readonly ending: SimulationParameters['ending'];
  readonly events: readonly string[];
}

/** A run that broke an invariant: everything needed to see it again. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
}

export async function simulate(seed: number): Promise<SimulationSummary> {
  const simulation = new Simulation(seed);
  try {
    return await simulation.run();
  } catch (error) {
    throw simulation.failure(error);
  }
}

class Simulation implements World {
  readonly seed: number;
  readonly clock = new VirtualClock();
  readonly ledger = new RecordLedger();
  readonly parameters: SimulationParameters;
  readonly network: MemoryNetwork;
  readonly invariants: Invariants;
  readonly #random: SeededRandom;
  readonly #a: SimulatedNode;
  readonly #b: SimulatedNode;
  readonly #workload: Workload;
  readonly #events: string[] = [];
  #deaths = 0;
  #cuts = 0;
  #links = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.#random = new SeededRandom(seed);
    this.parameters = drawParameters(this.#random.fork());
    const { latencyMs, splitChance } = this.parameters;
    this.network = new MemoryNetwork(this.clock, this.#random.fork(), { latencyMs, splitChance });
    this.invariants = new Invariants(this.ledger, (node) => this.#peerOf(node));
    this.#a = new SimulatedNode(this, 'a', this.#random.fork());
    this.#b = new SimulatedNode(this, 'b', this.#random.fork());
    this.#workload = new Workload(this, this.#random.fork());
  }

  note(text: string): void {
    this.#events.push(`${this.clock.monotonicMs().toFixed(1)} ms  ${text}`);
    if (text.includes('says: linked')) this.#links += 1;
  }

  failure(cause: unknown): SimulationFailure {
    const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    const { a, b, ...rest } = this.parameters;
    return new SimulationFailure(
      [
        `seed ${this.seed}: ${why}`,
        `parameters: ${JSON.stringify(rest)}`,
        `node a: ${JSON.stringify(a)}`,
        `node b: ${JSON.stringify(b)}`,
        `the last events of ${this.#events.length}:`,
        ...this.#events.slice(-SHOWN_EVENTS),
      ].join('\n'),
      { cause },
    );
  }

  async run(): Promise<SimulationSummary> {
    this.#a.start();
    await this.#pass(this.#random.pick([0, 20, 1_000]));
    this.#b.start();
    await this.#pass(this.#random.pick([20, 1_000, 3_000]));
    for (let step = 0; step < this.parameters.steps; step += 1) {
      this.#step();
      await this.#pass(this.#random.pick([0.1, 0.5, 2, 10, 50, 300, 2_500]));
    }
    const { ending } = this.parameters;
    if (ending === 'heal') await this.#heal();
    else await this.#lose(ending === 'lose-a' ? 'a' : 'b');
    return {
      seed: this.seed,
      virtualMs: this.clock.monotonicMs(),
      acknowledged: this.invariants.count('acknowledged'),
      warnings: this.invariants.warnings,
      notApplied: this.invariants.count('not-applied'),
      unconfirmed: this.invariants.count('unconfirmed'),
      commits: this.invariants.commits,
      expiries: this.#workload.expiryCount,
      deaths: this.#deaths,
      cuts: this.#cuts,
      links: this.#links,
      returned: this.invariants.returned,
      released: this.invariants.released,
      comparisons: this.invariants.comparisons,
      onTheSpot: this.#a.disk.onTheSpotCount + this.#b.disk.onTheSpotCount,
      ending,
      events: this.#events,
    };
  }

  get #nodes(): readonly SimulatedNode[] {
    return [this.#a, this.#b];
  }

  #peerOf(node: SimulatedNode): SimulatedNode {
    return node === this.#a ? this.#b : this.#a;
  }

  async #pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    for (const node of this.#nodes) {
      this.invariants.guard(() => this.invariants.claims(node));
      // A machine that stopped in the middle of a disk operation.
      if (node.disk.isDead) this.#kill(node, 'power');
    }
    this.invariants.check();
  }

  // ---- steps ----

  #step(): void {
    const random = this.#random;
    for (const node of this.#nodes) if (node.isDown && random.chance(0.3)) node.start();
    const node = random.pick(this.#nodes);
    if (random.chance(this.parameters.troubleChance)) this.#trouble(node);
    else if (node.process !== null) this.#work(node);
  }

  #work(node: SimulatedNode): void {
    const random = this.#random;
    const { store, replica, machine } = node.process!;
    const dice = random.nextFloat();
    if (dice < 0.02 && this.parameters.isOnTheSpot) {
      this.#workload.rowByRow(node);
    } else if (dice < 0.65) {
      // The process may end at any write.
      for (let writes = random.integer(1, 6); writes > 0 && node.process !== null; writes -= 1) {
        this.#workload.write(node);
      }
    } else if (dice < 0.77) {
      this.#workload.multiPart(node);
    } else if (dice < 0.82) {
      this.#workload.ddl(node);
    } else if (dice < 0.9) {
      void this.invariants.sampled(node, store, machine);
    } else if (dice < 0.92) {
      this.#workload.expire(node);
    } else if (dice < 0.96) {
      this.note(`${node.name} flushes`);
      // A flush that fails is told by the store's own listener.
      void store.flush().catch(() => undefined);
    } else {
      node.budgetBytes = drawBudget(random);
      this.note(`${node.name} has a budget of ${node.budgetBytes}`);
      const budget = { bytes: node.budgetBytes, spanMs: this.parameters.spanMs };
      void replica.setBudget(budget);
    }
  }

  #trouble(node: SimulatedNode): void {
    const random = this.#random;
    const dice = random.nextFloat();
    if (dice < 0.14) this.#kill(node, 'power');
    else if (dice < 0.26) this.#kill(node, 'kill');
    else if (dice < 0.31) for (const each of this.#nodes) this.#kill(each, 'power');
    else if (dice < 0.36) node.stop();
    else if (dice < 0.44) this.#stopAtDisk(node);
    else if (dice < 0.48) {
      if (!node.isDown) node.plantFault(random);
    } else if (dice < 0.62) this.#cut();
    else if (dice < 0.82) this.#mend();
    else if (dice < 0.9) this.network.reset();
    else if (dice < 0.96) this.#jump(node);
    else this.#release(node);
  }

  #kill(node: SimulatedNode, how: 'power' | 'kill'): void {
    if (node.isDown && !node.disk.isDead) return;
    this.#deaths += 1;
    node.die(how);
  }

  /** In a few disk operations from now, in the middle of one of them, the machine stops. */
  #stopAtDisk(node: SimulatedNode): void {
    const nth = this.#random.integer(1, 12);
    this.note(`${node.name} will stop at its disk operation ${nth} from now`);
    node.disk.dieAtOperation(nth);
  }

  #cut(): void {
    const from = this.#random.pick([undefined, 'a', 'b'] as const);
    this.#cuts += 1;
    this.note(`the link is cut, ${from ?? 'both ways'}`);
    this.network.cut(from);
  }

  #mend(): void {
    this.note('the link is mended');
    this.network.heal();
  }

  #jump(node: SimulatedNode): void {
    const byMs = this.#random.pick([-3_600_000, -5_000, -50, 50, 5_000, 3_600_000]);
    this.note(`the clock of ${node.name} jumps by ${byMs} ms`);
    node.skewMs += byMs;
  }

  #release(node: SimulatedNode): void {
    if (node.process === null) return;
    this.note(`${node.name} is released from its peer`);
    node.mayGoBeyond = true;
    node.process.replica.releasePeer();
  }

  // ---- endings ----

  async #heal(): Promise<void> {
    this.#defuse();
    await this.#converge();
    await this.#finish(this.invariants.converged(this.#nodes));
    await this.#serveAgain();
    for (const node of this.#nodes) this.#kill(node, 'power');
    await this.#converge();
    await this.#finish(this.invariants.converged(this.#nodes));
  }

  /** Nothing new breaks from here on. */
  #defuse(): void {
    for (const node of this.#nodes) {
      node.disk.dieAtOperation(Infinity);
      if (node.isFaultPlanted) this.#kill(node, 'kill');
    }
  }

  /** Lets time pass until the checks are done. */
  async #finish(checks: Promise<void>): Promise<void> {
    let isDone = false;
    const watch = checks.finally(() => {
      isDone = true;
    });
    watch.catch(() => undefined);
    const endMs = this.clock.monotonicMs() + CONVERGE_MS;
    while (!isDone) {
      if (this.clock.monotonicMs() > endMs) throw new Violation('a scan does not come to an end');
      await this.#pass(1);
    }
    await watch;
    this.invariants.check();
  }

  /** Until both run, are linked, and have nothing left to exchange. */
  async #converge(): Promise<void> {
    this.note('everything heals');
    this.network.heal();
    const endMs = this.clock.monotonicMs() + CONVERGE_MS;
    while (!this.#isSettled()) {
      if (this.clock.monotonicMs() > endMs) {
        const states = this.#nodes.map(({ process }) => JSON.stringify(process?.replica.status()));
        throw new Violation(`not settled within ${CONVERGE_MS} ms: ${states.join('\n')}`);
      }
      for (const node of this.#nodes) if (node.isDown) node.start();
      await this.#pass(50);
    }
    await this.#pass(QUIET_MS);
    if (!this.#isSettled()) await this.#converge();
  }

  #isSettled(): boolean {
    for (const node of this.#nodes) {
      if (node.process === null || node.isStopping) return false;
      const { linkState, pendingBytes, blockedSessions } = node.process.replica.status();
      if (linkState !== 'linked' || pendingBytes > 0 || blockedSessions > 0) return false;
    }
    for (const incarnation of this.ledger.incarnations) {
      if (this.#a.appliedOf(incarnation) !== this.#b.appliedOf(incarnation)) return false;
    }
    return true;
  }

  /** Whatever happened before, a healed pair takes writes on both nodes. */
  async #serveAgain(): Promise<void> {
    const before = this.invariants.count('acknowledged');
    const wanted = before + this.#nodes.length;
    for (const node of this.#nodes) void this.#workload.plainWrite(node);
    await this.#pass(3_000);
    const after = this.invariants.count('acknowledged');
    if (after < wanted)
      throw new Violation(`a healed pair acknowledges ${after - before} of 2 writes`);
  }

  /** One node is gone for good; the other, perhaps after a power loss of its own, tells what is left. */
  async #lose(name: NodeName): Promise<void> {
    const lost = name === 'a' ? this.#a : this.#b;
    const survivor = this.#peerOf(lost);
    this.#kill(lost, 'power');
    this.note(`${name} is destroyed`);
    this.#defuse();
    if (this.#random.chance(0.6)) this.#kill(survivor, 'power');
    const endMs = this.clock.monotonicMs() + CONVERGE_MS;
    while (survivor.process === null || survivor.isStopping) {
      if (this.clock.monotonicMs() > endMs) throw new Violation('the survivor does not start');
      if (survivor.isDown) survivor.start();
      await this.#pass(50);
    }
    // What it received is made durable and applied, link or not.
    await this.#pass(QUIET_MS);
    const { store, machine } = survivor.process;
    await this.#finish(this.invariants.sampled(survivor, store, machine));
    this.invariants.survived(survivor, lost);
  }
}
