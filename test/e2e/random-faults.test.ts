/**
 * Everything at once, at random, under load: kills of one node or both, machines that die with what they had sent, a link that is cut,
 * silent or slow, a node that freezes, one that is stopped politely. Segments, memtable and budget are small, so that sealing,
 * flushing and blocking happen all the time; the table is in append mode, where a row applied twice is there twice.
 *
 * In the end every promise that a client was given is held against both nodes. `SEED=... npx jest test/e2e/random-faults` repeats the
 * choices of a run, though not its timing; `ROUNDS=...` makes it longer.
 */

import { pause } from '../support/bounded-wait.js';
import { figure } from '../support/figure.js';
import { PairProcesses, type NodeProcess } from '../support/pair-processes.js';
import { SeededRandom } from '../support/seeded-random.js';
import { brokenPromises, createNumbered, NumberedWriter } from './numbered-writer.js';
import { sameOnBoth } from './same-on-both.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 8);
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

jest.setTimeout(60_000 + ROUNDS * 20_000);

let pair: PairProcesses;
afterEach(() => pair?.stop());

type Fault = (random: SeededRandom) => Promise<string>;

const FAULTS: Readonly<Record<string, Fault>> = {
  kill: async (random) => {
    const victim = random.pick(pair.nodes);
    await victim.kill('SIGKILL');
    await pause(random.integer(0, 400));
    return `kill -9 of ${victim.name}`;
  },
  machine: async (random) => {
    const victim = random.pick(pair.nodes);
    await pair.killMachine(victim);
    await pause(random.integer(0, 400));
    return `death of the machine of ${victim.name}`;
  },
  both: async (random) => {
    const [first, second] = random.chance(0.5) ? [pair.a, pair.b] : [pair.b, pair.a];
    first.signal('SIGKILL');
    await pause(random.integer(0, 30));
    second.signal('SIGKILL');
    await Promise.all(pair.nodes.map((node) => node.ended()));
    return `kill -9 of both, ${first.name} first`;
  },
  stop: async (random) => {
    const victim = random.pick(pair.nodes);
    await victim.kill('SIGTERM');
    return `SIGTERM of ${victim.name}`;
  },
  cut: async (random) => {
    const ms = random.integer(20, 700);
    pair.cutLink();
    await pause(ms);
    return `link cut for ${ms} ms`;
  },
  silence: async (random) => {
    // Beyond dead_after or not.
    const ms = random.integer(300, 1_600);
    pair.silenceLink();
    await pause(ms);
    return `link silent for ${ms} ms`;
  },
  slow: async (random) => {
    const ms = random.integer(20, 200);
    pair.delayLink(ms, random.chance(0.5) ? random.pick(pair.nodes) : null);
    await pause(400);
    return `link slow by ${ms} ms`;
  },
  freeze: async (random) => {
    const victim = random.pick(pair.nodes);
    const ms = random.integer(300, 1_600);
    victim.signal('SIGSTOP');
    await pause(ms);
    victim.signal('SIGCONT');
    return `${victim.name} frozen for ${ms} ms`;
  },
};

function startWriters(round: number): readonly NumberedWriter[] {
  const writers = pair.nodes.flatMap((node: NodeProcess) =>
    [0, 1, 2].map(
      (index) =>
        new NumberedWriter(`${round}${node.name}${index}`, node, {
          payloadBytes: [100, 1_500, 6_000][index]!,
        }),
    ),
  );
  for (const writer of writers) writer.start();
  return writers;
}

test(`${ROUNDS} rounds of random faults: every promise is kept, on both nodes, once`, async () => {
  const random = new SeededRandom(SEED);
  pair = await PairProcesses.start({
    settings: {
      replication: {
        rpo_bytes: '64KiB',
        rpo_wait_timeout: '300ms',
        segment_bytes: '256KiB',
        max_record_bytes: '64KiB',
        startup_peer_wait: '1s',
      },
      storage: { memtable_bytes: '1MiB' },
    },
  });
  await createNumbered(pair, true);
  const writers: NumberedWriter[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const present = startWriters(round);
    writers.push(...present);
    await pause(random.integer(100, 600));
    const story = await FAULTS[random.pick(Object.keys(FAULTS))]!(random);
    pair.healLink();
    pair.delayLink(0);
    for (const node of pair.nodes) {
      if (!node.isRunning) node.start();
    }
    // Sometimes the next fault comes before all is well again.
    if (random.chance(0.6) || round === ROUNDS - 1) await pair.waitLinked();
    await Promise.all(present.map((writer) => writer.stop()));
    const count = (outcome: 'acknowledged' | 'stored' | 'refused' | 'unknown'): number =>
      present.reduce((sum, writer) => sum + writer[outcome].length, 0);
    figure(
      `seed ${SEED} round ${round}: ${story}; acknowledged ${count('acknowledged')}, stored ${count('stored')}, refused ${count('refused')}, unknown ${count('unknown')}`,
    );
  }
  await pair.waitCaughtUp();
  const broken = await brokenPromises(pair, writers);
  expect({ seed: SEED, broken }).toEqual({ seed: SEED, broken: [] });
  await sameOnBoth(
    pair,
    'SELECT writer, COUNT(*), SUM(number), MIN(payload), MAX(payload) FROM stress.numbered GROUP BY writer ORDER BY writer',
  );
});
