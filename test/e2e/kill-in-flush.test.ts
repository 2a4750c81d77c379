/**
 * kill -9 at any point of flushes and compactions: a real node with the smallest memtable, whose worker threads flush and join runs
 * all the time, killed and started again several times a seed. After every start each acknowledged statement holds, whole, and once.
 *
 * `npm run torture -- --seeds N` runs more seeds.
 */

import { pause } from '../support/bounded-wait.js';
import { PairProcesses } from '../support/pair-processes.js';
import { runCommand } from '../support/run-command.js';
import { SeededRandom } from '../support/seeded-random.js';
import { run } from '../support/typed-query.js';
import { CREATE_TORTURE, TortureWriter } from './torture-writer.js';

const FIRST = Number(process.env['TORTURE_FIRST'] ?? 1);
const SEEDS = Number(process.env['TORTURE_SEEDS'] ?? 1);
const LIVES = 4;

jest.setTimeout(180_000);

let pair: PairProcesses;
afterEach(() => pair?.stop());

test.each(Array.from({ length: SEEDS }, (_, index) => FIRST + index))(
  'what was acknowledged survives kill -9 in the middle of flushing and compaction, seed %d',
  async (seed) => {
    const random = new SeededRandom(seed);
    pair = await PairProcesses.start({
      start: ['a'],
      a: {
        replication: { peer: '', max_record_bytes: '512KiB' },
        storage: { memtable_bytes: '1MiB', memtable_age: '1s', partition: '1d', workers: 2 },
      },
    });
    const node = pair.a;
    await node.waitReady();
    const setup = await node.connect();
    for (const sql of CREATE_TORTURE) await run(setup, sql);
    const writers = ['w1', 'w2'].map((name) => new TortureWriter(name, random.fork()));
    let flushes = 0;
    let compactions = 0;
    for (let life = 1; life <= LIVES; life++) {
      const writing = writers.map(async (writer) => writer.writeUntilKilled(await node.connect()));
      const lifeMs = random.integer(200, 2500);
      // Now and then the operator's own: the kill comes while it runs.
      const isAsked = random.chance(0.5);
      await pause(lifeMs);
      flushes += (await node.metric('twintide_flushes_total')) ?? 0;
      compactions += (await node.metric('twintide_compactions_total')) ?? 0;
      const operator = await node.connect();
      const asked = isAsked
        ? run(operator, "ADMIN compact_table('torture.latest')").catch(() => undefined)
        : Promise.resolve();
      if (isAsked) await pause(random.integer(0, 60));
      await node.kill('SIGKILL');
      await Promise.all([...writing, asked]);
      await pair.restart(node);
      const client = await node.connect();
      for (const writer of writers) expect(await writer.differences(client)).toEqual([]);
    }
    expect(Math.min(...writers.map(({ statements }) => statements))).toBeGreaterThan(0);
    expect(flushes).toBeGreaterThan(0);

    const client = await node.connect();
    for (const table of ['latest', 'everything']) {
      await run(client, `ADMIN compact_table('torture.${table}')`);
    }
    for (const writer of writers) expect(await writer.differences(client)).toEqual([]);
    expect((await node.metric('twintide_compactions_total'))! + compactions).toBeGreaterThan(0);
    await node.kill('SIGTERM');
    expect(await runCommand(['inspect', node.dataFolder, '--verify'])).toMatchObject({ code: 0 });
  },
);
