/** What a seed decides before the run begins: how slow, how strict and how small everything is. */

import type { PeerLossPolicy } from '../../replication/index.js';
import type { SeededRandom } from '../support/seeded-random.js';

export interface NodeParameters {
  /** A disk operation takes up to this. */
  readonly diskMs: number;
  /** A batch of the key-value store takes up to this. */
  readonly kvMs: number;
  /** Its wall clock is off by this at the start. */
  readonly skewMs: number;
  readonly memtableBytes: number;
}

export interface SimulationParameters {
  readonly steps: number;
  readonly latencyMs: number;
  readonly splitChance: number;
  readonly budgetBytes: number;
  /** `rpo_span`, or null. */
  readonly spanMs: number | null;
  readonly onPeerLoss: PeerLossPolicy;
  readonly degradeAfterMs: number;
  readonly segmentBytes: number;
  /** The key-value store may lose an unsynced batch although a later synced one survived. */
  readonly forgetsRotatedLogs: boolean;
  readonly a: NodeParameters;
  readonly b: NodeParameters;
  /** The last text column of a row is up to this long. */
  readonly textBytes: number;
  /** Disks can be written on the spot, which clients that write row by row make their journals do. */
  readonly isOnTheSpot: boolean;
  /** Chance of trouble (crashes, cuts, faults) in a step. */
  readonly troubleChance: number;
  readonly ending: 'heal' | 'lose-a' | 'lose-b';
}

/** 0, smaller than most bursts, about one burst, and never full. */
const BUDGETS = [0, 400, 3_000, 20_000, 1_000_000];

export function drawParameters(random: SeededRandom): SimulationParameters {
  return {
    steps: random.integer(40, 100),
    latencyMs: random.pick([0.1, 1, 20]),
    splitChance: random.pick([0, 0.2, 0.8]),
    budgetBytes: random.pick(BUDGETS),
    spanMs: random.pick([null, null, null, 2_000]),
    onPeerLoss: random.pick(['block', 'block', 'degrade'] as const),
    degradeAfterMs: random.pick([0, 300, 2_000]),
    segmentBytes: random.pick([16 * 1024, 32 * 1024, 64 * 1024]),
    forgetsRotatedLogs: random.chance(0.5),
    a: drawNode(random),
    b: drawNode(random),
    textBytes: random.pick([4, 60, 600]),
    troubleChance: random.pick([0.05, 0.15, 0.3]),
    isOnTheSpot: random.chance(0.5),
    ending: random.pick(['heal', 'heal', 'heal', 'lose-a', 'lose-b'] as const),
  };
}

export function drawBudget(random: SeededRandom): number {
  return random.pick(BUDGETS);
}

function drawNode(random: SeededRandom): NodeParameters {
  return {
    diskMs: random.pick([0.2, 1, 10, 60]),
    kvMs: random.pick([0.2, 1, 10, 60]),
    skewMs: random.pick([0, 0, 300, -300, 3_600_000, -3_600_000]),
    memtableBytes: random.pick([4 * 1024, 16 * 1024, 64 * 1024, 1024 * 1024]),
  };
}
