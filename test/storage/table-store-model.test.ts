/** The table store against a plain model; see test/support/table-scenario.ts. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classicLevelStore } from '../../storage/node-adapters.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { runScenario } from '../support/table-scenario.js';
import { testThreads } from '../support/thread-workers.js';

/** `MODEL_SEEDS=1000 npx jest test/storage/table-store-model` runs more. */
const SEEDS = Number(process.env['MODEL_SEEDS'] ?? 60);
const LEVEL_SEEDS = 10;
const THREAD_SEEDS = 4;

describe('the table store shows what the model says', () => {
  const tenth = SEEDS / 10;
  for (let group = 0; group < 10; group++) {
    it(`seeds ${group * tenth}..${(group + 1) * tenth - 1}`, async () => {
      for (let seed = group * tenth; seed < (group + 1) * tenth; seed++) {
        try {
          await runScenario(seed, new ForgetfulKv({ forgetsRotatedLogs: seed % 2 === 0 }));
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
      }
    }, 240_000);
  }
});

describe('over LevelDB', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'table-store-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it(`seeds 1000..${1000 + LEVEL_SEEDS - 1}`, async () => {
    for (let seed = 1000; seed < 1000 + LEVEL_SEEDS; seed++) {
      const kv = await classicLevelStore(join(folder, String(seed)));
      try {
        await runScenario(seed, kv);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      } finally {
        await kv.close();
      }
    }
  }, 240_000);

  it(`and in worker threads, seeds 2000..${2000 + THREAD_SEEDS - 1}`, async () => {
    for (let seed = 2000; seed < 2000 + THREAD_SEEDS; seed++) {
      const path = join(folder, String(seed));
      const kv = await classicLevelStore(path);
      try {
        await runScenario(seed, kv, () => testThreads(path));
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      } finally {
        await kv.close();
      }
    }
  }, 240_000);
});
