/** A linked pair in which one node may hold few series: it refuses its own clients' new ones, and takes all that its peer and its disk bring. */

import { PairProcesses } from '../support/pair-processes.js';
import { cellOf, failureOf, run } from '../support/typed-query.js';
import { sameOnBoth } from './same-on-both.js';

jest.setTimeout(120_000);

let pair: PairProcesses;
afterEach(() => pair?.stop());

const insert = (from: number, to: number, day: string): string =>
  `INSERT INTO d.t VALUES ${Array.from({ length: to - from }, (_, at) => `('h${from + at}', '${day}', 1)`).join(', ')}`;

test('new series beyond max_series are refused by the node that has it, and by nobody else', async () => {
  pair = await PairProcesses.start({ a: { storage: { max_series: 50 } } });
  let a = await pair.a.connect();
  const b = await pair.b.connect();
  await run(a, 'CREATE DATABASE d');
  await run(a, 'CREATE TABLE d.t (host TEXT, ts TIMESTAMP TIME INDEX, v INT, PRIMARY KEY (host))');
  await run(a, insert(0, 40, '2026-01-01'));
  expect(await failureOf(run(a, insert(30, 60, '2026-01-02')))).toMatchObject({
    errno: 3170,
    sqlState: 'HY000',
    message:
      'Write not applied: its rows bring 20 new series, and storage.max_series = 50 (40 are there now)',
  });
  await run(a, insert(30, 50, '2026-01-02'));
  await run(b, insert(40, 100, '2026-01-03'));
  await pair.waitCaughtUp();
  expect(await sameOnBoth(pair, 'SELECT COUNT(*), COUNT(DISTINCT host) FROM d.t')).toEqual([
    [120, 100],
  ]);
  expect(await failureOf(run(a, insert(100, 101, '2026-01-04')))).toMatchObject({ errno: 3170 });
  await run(a, insert(0, 100, '2026-01-04'));

  // What is on disk comes back, beyond the limit too.
  await pair.a.kill('SIGKILL');
  await pair.restart(pair.a);
  await pair.waitCaughtUp();
  a = await pair.a.connect();
  expect(await cellOf(a, 'SELECT COUNT(*) FROM d.t')).toBe(220);
  expect(await failureOf(run(a, insert(100, 101, '2026-01-05')))).toMatchObject({ errno: 3170 });
  const page = await pair.a.get('/metrics');
  expect(page.body).toMatch(/^twintide_series 100$/m);
  expect(page.body).toMatch(/^twintide_series_max 50$/m);
  expect(page.body).toMatch(/^twintide_series_refused_writes_total 1$/m);
});
