/** A million rows, loaded on one node, found on both; and both nodes killed at once, in the middle of more. */

import { pause } from '../support/bounded-wait.js';
import { figure } from '../support/figure.js';
import { PairProcesses } from '../support/pair-processes.js';
import { cellsOf, run } from '../support/typed-query.js';
import { brokenPromises, createNumbered, NumberedWriter } from './numbered-writer.js';
import { sameOnBoth } from './same-on-both.js';

jest.setTimeout(240_000);

const ROWS = 1_000_000;
const ROWS_PER_INSERT = 5_000;
const SERIES = 100;
const SUMS =
  'SELECT COUNT(*), SUM(n), MIN(n), MAX(n), SUM(level), COUNT(DISTINCT sensor), MIN(CAST(ts AS CHAR)), MAX(CAST(ts AS CHAR)) FROM big.readings';

let pair: PairProcesses;

beforeAll(async () => {
  pair = await PairProcesses.start();
});
afterAll(() => pair?.stop());

/** Row `n`: sensor, time, number, and a level that a double holds exactly, so that sums have one value in any order. */
function rowText(n: number): string {
  return `('s${n % SERIES}',${1_700_000_000_000 + n * 10},${n},${(n % 1000) / 8})`;
}

test('a million rows loaded on one node arrive on the other', async () => {
  const client = await pair.a.connect();
  await run(client, 'CREATE DATABASE big');
  await run(
    client,
    'CREATE TABLE big.readings (sensor VARCHAR(8), ts TIMESTAMP(3) NOT NULL, n BIGINT, level DOUBLE, TIME INDEX (ts), PRIMARY KEY (sensor))',
  );
  const startedMs = performance.now();
  for (let from = 0; from < ROWS; from += ROWS_PER_INSERT) {
    const rows = Array.from({ length: ROWS_PER_INSERT }, (_, index) => rowText(from + index));
    await run(client, `INSERT INTO big.readings VALUES ${rows.join(',')}`);
  }
  const loadedMs = performance.now();
  await pair.waitCaughtUp();
  const arrivedMs = performance.now();
  figure(
    `loaded ${ROWS} rows in ${Math.round(loadedMs - startedMs)} ms, on the peer ${Math.round(arrivedMs - loadedMs)} ms later`,
  );

  let sum = 0;
  let levels = 0;
  for (let n = 0; n < ROWS; n += 1) {
    sum += n;
    levels += (n % 1000) / 8;
  }
  const [row] = await sameOnBoth(pair, SUMS);
  expect(row!.slice(0, 6).map(Number)).toEqual([ROWS, sum, 0, ROWS - 1, levels, SERIES]);
  await sameOnBoth(
    pair,
    'SELECT sensor, COUNT(*), SUM(n), SUM(level) FROM big.readings GROUP BY sensor ORDER BY sensor',
  );
  await client.end();
});

test('both nodes killed at once: all that was acknowledged is there, and both are equal', async () => {
  await createNumbered(pair);
  const writers = pair.nodes.flatMap((node) => [
    new NumberedWriter(`${node.name}0`, node),
    new NumberedWriter(`${node.name}1`, node),
  ]);
  for (const writer of writers) writer.start();
  await pause(700);
  pair.a.signal('SIGKILL');
  pair.b.signal('SIGKILL');
  await Promise.all(pair.nodes.map((node) => node.ended()));
  const stopping = writers.map((writer) => writer.stop());

  const startedMs = performance.now();
  for (const node of pair.nodes) node.start();
  await pair.waitLinked();
  figure(`both ready and linked ${Math.round(performance.now() - startedMs)} ms after the start`);
  await Promise.all(stopping);
  await pair.waitCaughtUp();
  expect(await brokenPromises(pair, writers)).toEqual([]);
  expect(writers.every((writer) => writer.acknowledged.length > 0)).toBe(true);
  const [row] = await sameOnBoth(pair, SUMS);
  expect(Number(row![0])).toBe(ROWS);
});

test('rows on disk are rows in memory: flushed, killed and asked again, nothing changes', async () => {
  const before = await sameOnBoth(pair, SUMS);
  for (const node of pair.nodes) {
    const client = await node.connect();
    await run(client, "ADMIN flush_table('big.readings')");
    expect(await cellsOf(client, SUMS)).toEqual(before);
    await client.end();
    await node.kill('SIGKILL');
    await pair.restart(node);
  }
  await pair.waitLinked();
  expect(await sameOnBoth(pair, SUMS)).toEqual(before);
});
