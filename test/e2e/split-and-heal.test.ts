/**
 * Both nodes go on while they cannot see each other, on the same rows and names; after the link is healed they are equal again, and
 * what both had decided differently was decided by one rule.
 */

import type { Connection } from 'mysql2/promise';
import { pause } from '../support/bounded-wait.js';
import { PairProcesses } from '../support/pair-processes.js';
import { rowsOf, run } from '../support/typed-query.js';
import { sameOnBoth } from './same-on-both.js';

jest.setTimeout(120_000);

let pair: PairProcesses;
let a: Connection;
let b: Connection;

beforeAll(async () => {
  pair = await PairProcesses.start();
  a = await pair.a.connect();
  b = await pair.b.connect();
  await run(a, 'CREATE DATABASE field');
  await run(a, 'USE field');
  await run(
    a,
    'CREATE TABLE climate (room VARCHAR(20), ts TIMESTAMP(3) NOT NULL, degrees DOUBLE, TIME INDEX (ts), PRIMARY KEY (room))',
  );
  await pair.waitCaughtUp();
  await run(b, 'USE field');
});

afterAll(() => pair?.stop());

async function split(): Promise<void> {
  pair.cutLink();
  for (const node of pair.nodes) {
    await node.waitStatus(
      'to miss its peer',
      ({ replication }) => replication.repl_state === 'lost',
    );
  }
}

async function heal(): Promise<void> {
  pair.healLink();
  await pair.waitCaughtUp();
}

test('of conflicting rows the later one wins, on both nodes', async () => {
  await run(a, "INSERT INTO climate VALUES ('kept', 1, 1), ('gone', 1, 1), ('back', 1, 1)");
  await pair.waitCaughtUp();

  await split();
  await run(a, "INSERT INTO climate VALUES ('kept', 1, 100), ('first-b', 1, 100)");
  await run(b, "INSERT INTO climate VALUES ('first-a', 1, 200)");
  await run(b, "DELETE FROM climate WHERE room = 'back'");
  await run(b, "INSERT INTO climate VALUES ('gone', 1, 200)");
  // Far enough apart for the later one to be later by either clock.
  await pause(50);
  await run(b, "INSERT INTO climate VALUES ('kept', 1, 201), ('first-b', 1, 201)");
  await run(a, "INSERT INTO climate VALUES ('first-a', 1, 101), ('back', 1, 101)");
  await run(a, "DELETE FROM climate WHERE room = 'gone'");
  // Each node goes by what it has: nothing of the other's.
  expect(await rowsOf(a, "SELECT degrees FROM climate WHERE room = 'kept'")).toEqual([
    { degrees: 100 },
  ]);
  expect(await rowsOf(b, "SELECT degrees FROM climate WHERE room = 'kept'")).toEqual([
    { degrees: 201 },
  ]);
  await heal();

  expect(await sameOnBoth(pair, 'SELECT room, degrees FROM field.climate ORDER BY room')).toEqual([
    ['back', 101],
    ['first-a', 101],
    ['first-b', 201],
    ['kept', 201],
  ]);
});

test('many rows of both nodes, the same and others, end equal', async () => {
  await split();
  const writing = [a, b].map(async (client, side) => {
    for (let round = 0; round < 40; round += 1) {
      const rows = Array.from(
        { length: 25 },
        (_, index) =>
          `('r${(index + round) % 7}',${1000 + ((index * (side + 3) + round) % 97)},${side * 1000 + round})`,
      );
      await run(client, `INSERT INTO climate VALUES ${rows.join(',')}`);
      if (round % 10 === 9) await run(client, `DELETE FROM climate WHERE ts = ${1000 + round}`);
    }
  });
  await Promise.all(writing);
  await heal();
  const rows = await sameOnBoth(
    pair,
    "SELECT room, CAST(ts AS CHAR), degrees FROM field.climate WHERE room LIKE 'r%' ORDER BY room, ts",
  );
  expect(rows.length).toBeGreaterThan(100);
});

test('one table made on both nodes reads as one', async () => {
  await split();
  const create =
    'CREATE TABLE twice (tag VARCHAR(10), ts TIMESTAMP(3) NOT NULL, n INT, TIME INDEX (ts), PRIMARY KEY (tag))';
  await run(a, create);
  await run(b, create);
  await run(a, "INSERT INTO twice VALUES ('a', 1, 1), ('both', 5, 10)");
  await pause(20);
  await run(b, "INSERT INTO twice VALUES ('b', 2, 2), ('both', 5, 20)");
  await heal();
  expect(await sameOnBoth(pair, 'SELECT tag, n FROM field.twice ORDER BY tag')).toEqual([
    ['a', 1],
    ['b', 2],
    ['both', 20],
  ]);
  // It goes on as one table, on either node.
  await run(a, "INSERT INTO twice VALUES ('both', 5, 30)");
  await run(b, "INSERT INTO twice VALUES ('later', 6, 60)");
  await pair.waitCaughtUp();
  expect(await sameOnBoth(pair, 'SELECT tag, n FROM field.twice ORDER BY tag')).toEqual([
    ['a', 1],
    ['b', 2],
    ['both', 30],
    ['later', 60],
  ]);
});

test('a column that both nodes made with another type lives on under two names', async () => {
  await split();
  await run(a, 'CREATE TABLE clash (ts TIMESTAMP(3) NOT NULL, v INT, TIME INDEX (ts))');
  await pause(20);
  await run(
    b,
    'CREATE TABLE clash (ts TIMESTAMP(3) NOT NULL, v VARCHAR(10), w DOUBLE, TIME INDEX (ts))',
  );
  await run(a, 'INSERT INTO clash VALUES (1, 7)');
  await run(b, "INSERT INTO clash VALUES (2, 'seven', 0.5)");
  await heal();
  await sameOnBoth(pair, 'SHOW CREATE TABLE field.clash');
  expect(await sameOnBoth(pair, 'SELECT v, v__2, w FROM field.clash ORDER BY ts')).toEqual([
    [7, null, null],
    [null, 'seven', 0.5],
  ]);
  const conflicts = await sameOnBoth(
    pair,
    'SELECT * FROM information_schema.replication_conflicts ORDER BY 1',
  );
  expect(JSON.stringify(conflicts)).toContain('clash');
});

test('a table dropped on one node while the other writes to it is dropped on both', async () => {
  await run(a, 'CREATE TABLE dropped (ts TIMESTAMP(3) NOT NULL, n INT, TIME INDEX (ts))');
  await pair.waitCaughtUp();
  await split();
  await run(a, 'DROP TABLE dropped');
  await run(b, 'INSERT INTO dropped VALUES (1, 1)');
  await heal();
  const tables = await sameOnBoth(pair, 'SHOW TABLES FROM field');
  expect(tables.flat()).not.toContain('dropped');
});

test('a link that falls silent is noticed, and what was under way arrives once after it', async () => {
  pair.silenceLink();
  for (let n = 0; n < 30; n += 1) await run(a, `INSERT INTO climate VALUES ('silent', ${n}, ${n})`);
  for (const node of pair.nodes) {
    await node.waitStatus(
      'to notice the silence',
      ({ replication }) => replication.repl_state === 'lost',
    );
  }
  for (let n = 30; n < 40; n += 1)
    await run(b, `INSERT INTO climate VALUES ('silent', ${n}, ${n})`);
  await heal();
  expect(
    await sameOnBoth(
      pair,
      "SELECT COUNT(*), SUM(degrees) FROM field.climate WHERE room = 'silent'",
    ),
  ).toEqual([[40, 780]]);
});
