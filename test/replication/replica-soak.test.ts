/**
 * A pair under random writes, cuts, resets, kills and power losses. Whatever happened, once both nodes are up and the network is whole:
 * both hold the same rows; every acknowledged write and every one called "stored" is there, exactly once; none called "not applied" is;
 * and at no moment was more acknowledged and unconfirmed than the budget allowed.
 */

import { NotAppliedError, UnconfirmedError } from '../../replication/index.js';
import { ReplicaPair, type ConfigChange, type TestNode } from '../support/replica-pair.js';
import { SeededRandom } from '../support/seeded-random.js';

/** A record is its body and this much more. */
const HEADER_BYTES = 28;

interface Outcomes {
  readonly stored: Set<string>;
  readonly notApplied: Set<string>;
  acknowledged: number;
  returned: number;
}

/** Acknowledged without an excuse, by incarnation. */
type Acked = Map<string, { readonly sequence: number; readonly bytes: number }[]>;

/** What a client was told is safe, and the peer has not said that it has: never more than the budget. */
function checkBudget(node: TestNode, acked: Acked): void {
  const { incarnation, peerDurable, budgetBytes } = node.node.status();
  const confirmed = peerDurable?.incarnation === incarnation ? peerDurable.sequence : 0;
  let bytes = 0;
  for (const each of acked.get(incarnation) ?? []) {
    if (each.sequence > confirmed) bytes += each.bytes;
  }
  if (bytes > budgetBytes) throw new Error(`${bytes} bytes were acknowledged beyond the budget`);
}

/** The peer's word is true: it has on its disk what it says. */
function checkClaims(node: TestNode, peer: TestNode): void {
  if (!node.isRunning || !peer.isRunning) return;
  const { peerDurable, linkState } = node.node.status();
  if (peerDurable === null || linkState === 'lost') return;
  const held = peer.store.copy?.incarnation(peerDurable.incarnation)?.durable.sequence ?? 0;
  if (held < peerDurable.sequence) throw new Error('the peer confirmed what it does not have');
}

async function run(seed: number, steps: number, config: ConfigChange): Promise<Outcomes> {
  const random = new SeededRandom(seed);
  const pair = new ReplicaPair(seed, config, { latencyMs: random.pick([0.1, 1, 20]) });
  const outcomes: Outcomes = {
    stored: new Set(),
    notApplied: new Set(),
    acknowledged: 0,
    returned: 0,
  };
  const acked: Acked = new Map();
  const broken: unknown[] = [];
  let count = 0;
  const write = (node: TestNode): void => {
    count += 1;
    const text = `${node.name}${count}:`.padEnd(random.pick([8, 100, 3000, 9000]), '.');
    const options = random.chance(0.1) ? { rpoBytes: 0 } : {};
    node.write(text, options).then(
      (acknowledgement) => {
        outcomes.acknowledged += 1;
        outcomes.stored.add(text);
        if (acknowledgement.warning !== null || !node.isRunning) return;
        const { incarnation, sequence } = acknowledgement.position;
        const list = acked.get(incarnation) ?? [];
        acked.set(incarnation, [...list, { sequence, bytes: HEADER_BYTES + text.length }]);
        try {
          checkBudget(node, acked);
        } catch (error) {
          broken.push(error);
        }
      },
      (error: unknown) => {
        if (error instanceof NotAppliedError) outcomes.notApplied.add(text);
        else if (error instanceof UnconfirmedError) outcomes.stored.add(text);
      },
    );
  };
  await pair.a.start();
  await pair.b.start();
  await pair.untilLinked();
  pair.a.diskMs = random.pick([1, 10, 50]);
  pair.b.diskMs = random.pick([1, 10, 50]);
  for (let step = 0; step < steps; step += 1) {
    const node = random.pick([pair.a, pair.b]);
    const dice = random.nextFloat();
    if (!node.isRunning) {
      if (dice < 0.3) await node.start();
    } else if (dice < 0.7) {
      for (let writes = random.integer(1, 8); writes > 0; writes -= 1) write(node);
    } else if (dice < 0.74) {
      pair.network.cut(random.pick([undefined, 'a', 'b']));
    } else if (dice < 0.82) {
      pair.network.heal();
    } else if (dice < 0.85) {
      pair.network.reset();
    } else if (dice < 0.88) {
      outcomes.returned += node.store.returnedCount;
      node.crash(random.pick(['kill', 'power']));
    } else if (dice < 0.89) {
      node.node.releasePeer();
    }
    await pair.clock.advance(random.pick([0.3, 1, 5, 50, 3_000]));
    checkClaims(pair.a, pair.b);
    checkClaims(pair.b, pair.a);
  }
  pair.network.heal();
  for (const node of [pair.a, pair.b]) if (!node.isRunning) await node.start();
  await pair.untilLinked(60_000);
  await pair.untilEqual();
  await pair.clock.advance(20_000);

  expect(broken).toEqual([]);
  const rows = pair.a.rows;
  expect(pair.b.rows).toEqual(rows);
  expect(new Set(rows).size).toBe(rows.length);
  expect([...outcomes.stored].filter((text) => !rows.includes(text))).toEqual([]);
  expect([...outcomes.notApplied].filter((text) => rows.includes(text))).toEqual([]);
  expect([...pair.a.failures, ...pair.b.failures]).toEqual([]);
  for (const node of [pair.a, pair.b]) {
    outcomes.returned += node.store.returnedCount;
    expect(node.store.horizonLog.isHeld).toBe(false);
    expect(node.store.horizonLog.peerBound).toBeGreaterThan(0);
    expect(node.node.status()).toMatchObject({ state: 'linked', pendingBytes: 0 });
  }
  return outcomes;
}

const CONFIGS: readonly (readonly [string, ConfigChange])[] = [
  ['a budget of 20 kB, block', { rpoBytes: 20_000 }],
  ['synchronous, block', { rpoBytes: 0 }],
  [
    'a budget of 20 kB, degrade',
    { rpoBytes: 20_000, onPeerLoss: 'degrade', degradeAfterMs: 2_000 },
  ],
];

describe.each(CONFIGS)('%s', (_, config) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i', async (seed) => {
    const { acknowledged, notApplied, returned } = await run(seed, 150, config);
    process.stdout.write(
      `seed ${seed}: ${acknowledged} acknowledged, ${notApplied.size} not applied, ${returned} returned\n`,
    );
    expect(acknowledged).toBeGreaterThan(10);
  });
});
