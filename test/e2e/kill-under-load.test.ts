/**
 * kill -9 of either node at random moments under load. What was acknowledged is held against what is there: on the survivor, and on both
 * nodes once the killed one is back.
 *
 * How the loss is measured with a budget: every INSERT of the load is one record of one row with a payload that does not shrink, so
 * records have one size, which `repl_pending_bytes` tells while the link is cut. Acknowledged rows that the survivor lacks, times
 * that size, are the bytes that the death of the machine would have cost.
 */

import { pause, waitUntil } from '../support/bounded-wait.js';
import { figure } from '../support/figure.js';
import { PairProcesses, type NodeProcess } from '../support/pair-processes.js';
import { SeededRandom } from '../support/seeded-random.js';
import { run } from '../support/typed-query.js';
import {
  brokenPromises,
  createNumbered,
  missingOf,
  numbersOf,
  NumberedWriter,
} from './numbered-writer.js';

jest.setTimeout(180_000);

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const WRITERS_PER_NODE = 4;
/** So many share writes (insert-groups.ts). */
const CROWD_PER_NODE = 12;
const BUDGET_BYTES = 64 * 1024;
/** With a budget: some fifteen rows fill it, so that it is full as long as there is load. */
const LARGE_PAYLOAD_BYTES = 4_000;

let pair: PairProcesses;
afterEach(() => pair?.stop());

function writersOf(round: number, count: number, payloadBytes = 64): readonly NumberedWriter[] {
  return pair.nodes.flatMap((node) =>
    Array.from(
      { length: count },
      (_, index) => new NumberedWriter(`${round}${node.name}${index}`, node, { payloadBytes }),
    ),
  );
}

/** What the survivor shows, as soon as it has applied what it had received when the peer died. */
async function shownBy(survivor: NodeProcess): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
  await waitUntil(`node ${survivor.name} to apply what it received`, async () => {
    const { copy_received, copy_applied } = (await survivor.status()).replication;
    return [copy_applied === copy_received, [copy_received, copy_applied]];
  });
  const client = await survivor.connect();
  const shown = await numbersOf(client);
  await client.end();
  return shown;
}

/** The writers of a node: their names carry it. */
function ofNode(writers: readonly NumberedWriter[], node: NodeProcess): readonly NumberedWriter[] {
  return writers.filter((writer) => writer.name.includes(node.name));
}

test('budget 0: nothing acknowledged is missing, on the survivor at once, on both after the restart', async () => {
  const random = new SeededRandom(SEED);
  pair = await PairProcesses.start({ settings: { replication: { rpo_bytes: 0 } } });
  await createNumbered(pair);
  for (let round = 0; round < 4; round += 1) {
    const victim = random.pick(pair.nodes);
    const survivor = pair.other(victim);
    const writers = writersOf(round, CROWD_PER_NODE);
    for (const writer of writers) writer.start();
    await pause(random.integer(150, 900));

    const acknowledged = ofNode(writers, victim).map((writer) => writer.acknowledged);
    await pair.killMachine(victim);
    const shown = await shownBy(survivor);
    const missing = ofNode(writers, victim).flatMap((writer) =>
      missingOf(writer.acknowledged, shown.get(writer.name)),
    );
    expect({ seed: SEED, round, missing }).toEqual({ seed: SEED, round, missing: [] });

    pair.healLink();
    await pair.restart(victim);
    await pause(200);
    await Promise.all(writers.map((writer) => writer.stop()));
    await pair.waitCaughtUp();
    const broken = await brokenPromises(pair, writers);
    expect({ seed: SEED, round, broken }).toEqual({ seed: SEED, round, broken: [] });
    const count = acknowledged.reduce((sum, numbers) => sum + numbers.length, 0);
    expect(count).toBeGreaterThan(0);
    figure(
      `seed ${SEED} round ${round}: killed ${victim.name}; acknowledged there ${count}, refused ${sum(writers, 'refused')}, stored ${sum(writers, 'stored')}, unknown ${sum(writers, 'unknown')}; all kept`,
    );
  }
});

test('budget 64 KiB: what the survivor lacks stays within the budget, and is back with the killed node', async () => {
  const random = new SeededRandom(SEED + 1);
  pair = await PairProcesses.start({ settings: { replication: { rpo_bytes: BUDGET_BYTES } } });
  await createNumbered(pair);
  const recordBytes = await measureRecord();
  let lostEver = 0;
  for (let round = 0; round < 4; round += 1) {
    const victim = pair.nodes[round % 2]!;
    const survivor = pair.other(victim);
    // A long way to the peer and a short one back: what is acknowledged is under way most of the time, up to the budget.
    pair.delayLink(random.integer(100, 400), victim);
    const writers = writersOf(round, WRITERS_PER_NODE, LARGE_PAYLOAD_BYTES);
    for (const writer of writers) writer.start();
    await pause(random.integer(600, 1_200));

    await pair.killMachine(victim);
    pair.delayLink(0);
    const shown = await shownBy(survivor);
    const missing = ofNode(writers, victim).flatMap((writer) =>
      missingOf(writer.acknowledged, shown.get(writer.name)),
    );
    const lostBytes = missing.length * recordBytes;
    lostEver += missing.length;
    figure(
      `seed ${SEED} round ${round}: killed ${victim.name}; ${missing.length} acknowledged rows of ${recordBytes} bytes were not on ${survivor.name}: ${lostBytes} of ${BUDGET_BYTES} bytes`,
    );
    expect({ seed: SEED, round, isWithin: lostBytes <= BUDGET_BYTES, lostBytes }).toMatchObject({
      isWithin: true,
    });

    pair.healLink();
    await pair.restart(victim);
    await pause(200);
    await Promise.all(writers.map((writer) => writer.stop()));
    await pair.waitCaughtUp();
    const broken = await brokenPromises(pair, writers);
    expect({ seed: SEED, round, broken }).toEqual({ seed: SEED, round, broken: [] });
  }
  // Otherwise the budget was never used, and this test shows nothing.
  expect(lostEver).toBeGreaterThan(0);
});

/** Bytes of one record of the load. */
async function measureRecord(): Promise<number> {
  const rows = 10;
  pair.cutLink();
  await pair.a.waitStatus(
    'to miss its peer',
    ({ replication }) => replication.repl_state === 'lost',
  );
  const probe = new NumberedWriter('0a0', pair.a, { payloadBytes: LARGE_PAYLOAD_BYTES });
  const client = await pair.a.connect({ database: 'stress' });
  for (let number = 1; number <= rows; number += 1) {
    // Numbers of the size that the load reaches, so that the record is not taken to be smaller than it is.
    await run(client, probe.statement, probe.values(1_000_000 + number));
  }
  await client.end();
  const bytes = (await pair.a.status()).replication.repl_pending_bytes;
  pair.healLink();
  await pair.waitCaughtUp();
  return Math.floor(bytes / rows);
}

function sum(
  writers: readonly NumberedWriter[],
  outcome: 'refused' | 'stored' | 'unknown',
): number {
  return writers.reduce((total, writer) => total + writer[outcome].length, 0);
}
