/** When a node says that rows have expired, and by which clock. */

import { Catalog } from '../../src/catalog/catalog.js';
import { ExpiryTask } from '../../src/server/expiry-task.js';
import { decodeExpiryBody, VersionClock } from '../../storage/index.js';
import { planOf } from '../catalog/create-statement.js';
import { VirtualClock } from '../support/virtual-clock.js';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const TABLE_ID = 1_700_000_000_000 * 2048 + 1;

/** A catalog with one table whose rows are kept for a day. */
function catalogOf(options = "WITH (ttl = '1d')"): Catalog {
  const catalog = new Catalog();
  const { operation } = planOf(`CREATE TABLE t (ts TIMESTAMP(3) TIME INDEX, v INT) ${options}`);
  catalog.apply(TABLE_ID, 1, catalog.createTableBody(operation));
  return catalog;
}

interface Task {
  readonly task: ExpiryTask;
  readonly clock: VirtualClock;
  /** Expired times that were said, in ms since 1970. */
  readonly said: number[];
}

function taskOf(
  catalog: Catalog,
  how: { nowMs?: () => number | null; oldestMs?: number; takes?: boolean } = {},
): Task {
  const clock = new VirtualClock();
  const said: number[] = [];
  const task = new ExpiryTask({
    timers: clock,
    catalog,
    stored: {
      expiredThrough: () => (said.length === 0 ? null : BigInt(said.at(-1)!)),
      oldestTime: () => BigInt(how.oldestMs ?? 0),
    },
    nowMs: how.nowMs ?? (() => clock.wallMs()),
    expire: (body) => {
      if (how.takes === false) return false;
      said.push(...decodeExpiryBody(body).map(({ through }) => Number(through)));
      return true;
    },
    defaultTtlMs: null,
  });
  return { task, clock, said };
}

test('looks every few seconds while it runs, and not after it was stopped', async () => {
  const { task, clock, said } = taskOf(catalogOf("WITH (ttl = '10s')"));
  const startMs = clock.wallMs();
  task.start();
  await clock.advance(4_999);
  expect(said).toEqual([]);
  await clock.advance(10_001);
  expect(said.map((ms) => ms - startMs)).toEqual([-5_000, 0, 5_000]);
  task.stop();
  await clock.advance(60_000);
  expect(said).toHaveLength(3);
});

test('a clock that runs a year ahead of the peer’s expires nothing early', () => {
  const clock = new VirtualClock();
  const peerMs = clock.wallMs();
  const own = { wallMs: () => clock.wallMs() + YEAR_MS, monotonicMs: () => clock.monotonicMs() };
  const versions = new VersionClock({ clock: own }, { nodeId: 1, maxClockSkewMs: 500 });
  versions.setPeerClock(peerMs);
  const { task, said } = taskOf(catalogOf(), { nowMs: () => versions.physicalMs() });
  task.run();
  expect(said).toEqual([peerMs + 500 - DAY_MS]);
});

test('versions that ran ahead do not make rows older', () => {
  const clock = new VirtualClock();
  const versions = new VersionClock({ clock }, { nodeId: 1, maxClockSkewMs: 500 });
  versions.observe((clock.wallMs() + YEAR_MS) * 2048);
  const { task, said } = taskOf(catalogOf(), { nowMs: () => versions.physicalMs() });
  task.run();
  expect(said).toEqual([clock.wallMs() - DAY_MS]);
});

test.each([
  ['the table has no ttl', catalogOf(''), {}],
  ['it has no row that old', catalogOf(), { oldestMs: Number.MAX_SAFE_INTEGER }],
  ['nothing vouches for the clock', catalogOf(), { nowMs: () => null }],
  ['the node takes no record now', catalogOf(), { takes: false }],
])('says nothing while %s', (_why, catalog, how) => {
  const { task, said } = taskOf(catalog, how);
  task.run();
  expect(said).toEqual([]);
});
