/** A linked pair whose rows expire: both show the same, also after a restart and for rows that come late. */

import type { Connection } from 'mysql2/promise';
import { waitUntil } from '../support/bounded-wait.js';
import { PairProcesses } from '../support/pair-processes.js';
import { cellOf, run } from '../support/typed-query.js';
import { sameOnBoth } from './same-on-both.js';

jest.setTimeout(120_000);

let pair: PairProcesses;
let a: Connection;

beforeAll(async () => {
  pair = await PairProcesses.start({ settings: { storage: { ttl: '1h' } } });
  a = await pair.a.connect();
  await run(a, 'CREATE DATABASE d');
  await run(a, 'USE d');
});

afterAll(() => pair?.stop());

const count = (table: string): string => `SELECT COUNT(*) FROM d.${table}`;

/** Waits until a node has said what has expired, and the other has heard of it. */
async function waitForRows(table: string, rows: number): Promise<void> {
  const [one, other] = await Promise.all(pair.nodes.map((node) => node.connect()));
  await waitUntil(`${table} to have ${rows} rows on both nodes`, async () => {
    const counts = [await cellOf(one!, count(table)), await cellOf(other!, count(table))];
    return [counts.every((found) => Number(found) === rows), counts];
  });
  await Promise.all([one!.end(), other!.end()]);
}

test('rows expire on both nodes: by the ttl of the table, of the database, of the configuration', async () => {
  const columns = '(host TEXT, ts TIMESTAMP(3) TIME INDEX, v INT, PRIMARY KEY (host))';
  await run(a, "CREATE DATABASE kept WITH (ttl = 'forever')");
  await run(a, `CREATE TABLE by_config ${columns}`);
  await run(a, `CREATE TABLE by_table ${columns} WITH (ttl = '1d')`);
  await run(a, `CREATE TABLE kept.all_of_it ${columns}`);
  for (const table of ['by_config', 'by_table', 'kept.all_of_it']) {
    const ages = ['10 MINUTE', '2 HOUR', '3 DAY'];
    const rows = ages.map((age, index) => `('h', NOW(3) - INTERVAL ${age}, ${index})`);
    await run(a, `INSERT INTO ${table} VALUES ${rows.join(', ')}`);
  }
  await waitForRows('by_config', 1);
  await waitForRows('by_table', 2);
  expect(await sameOnBoth(pair, 'SELECT COUNT(*) FROM kept.all_of_it')).toEqual([[3]]);
  await run(a, "ALTER DATABASE kept SET 'ttl' = '1d'");
  const other = await pair.b.connect();
  await waitUntil('the ALTER to be obeyed on the other node', async () => {
    const rows = Number(await cellOf(other, 'SELECT COUNT(*) FROM kept.all_of_it'));
    return [rows === 2, rows];
  });
  await other.end();
});

test('what has expired stays so when the nodes start again, and for rows that come late', async () => {
  await run(a, "ADMIN flush_table('by_config')");
  for (const node of pair.nodes) {
    await node.stop();
    await pair.restart(node);
  }
  await pair.waitCaughtUp();
  const b = await pair.b.connect();
  await run(b, "INSERT INTO d.by_config VALUES ('h', NOW(3) - INTERVAL 90 MINUTE, 9)");
  await b.end();
  await pair.waitCaughtUp();
  expect(await sameOnBoth(pair, 'SELECT v FROM d.by_config')).toEqual([[0]]);
  expect(await sameOnBoth(pair, 'SELECT v FROM d.by_table ORDER BY v')).toEqual([[0], [1]]);
});
