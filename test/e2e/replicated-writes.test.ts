/** A linked pair: what one node takes, both show; whole, once, and in either direction. */

import type { Connection } from 'mysql2/promise';
import { pause } from '../support/bounded-wait.js';
import { PairProcesses } from '../support/pair-processes.js';
import { cellOf, cellsOf, failureOf, rowsOf, run } from '../support/typed-query.js';
import { sameOnBoth } from './same-on-both.js';

jest.setTimeout(120_000);

let pair: PairProcesses;
let a: Connection;
let b: Connection;

beforeAll(async () => {
  // Small records, so that a statement of a few megabytes becomes a multi-part write.
  pair = await PairProcesses.start({ settings: { replication: { max_record_bytes: '256KiB' } } });
  a = await pair.a.connect();
  b = await pair.b.connect();
  await run(a, 'CREATE DATABASE field');
  await run(a, 'USE field');
  await pair.waitCaughtUp();
  await run(b, 'USE field');
});

afterAll(() => pair?.stop());

test('a row written on either node is read on both', async () => {
  await run(
    a,
    'CREATE TABLE climate (room VARCHAR(20), ts TIMESTAMP(3) NOT NULL, degrees DOUBLE, TIME INDEX (ts), PRIMARY KEY (room))',
  );
  await pair.waitCaughtUp();
  await run(a, "INSERT INTO climate VALUES ('hall', '2026-05-01 10:00:00.250', 21.5)");
  await run(b, "INSERT INTO climate VALUES ('attic', '2026-05-01 10:00:00.500', NULL)");
  await pair.waitCaughtUp();
  const rows = await sameOnBoth(
    pair,
    'SELECT room, CAST(ts AS CHAR), degrees FROM field.climate ORDER BY room',
  );
  expect(rows).toEqual([
    ['attic', '2026-05-01 10:00:00.500', null],
    ['hall', '2026-05-01 10:00:00.250', 21.5],
  ]);
});

test('rows are replaced and deleted on the other node too', async () => {
  await run(a, "REPLACE INTO climate VALUES ('attic', '2026-05-01 10:00:00.500', 7)");
  await run(b, "DELETE FROM climate WHERE room = 'hall'");
  await pair.waitCaughtUp();
  expect(await sameOnBoth(pair, 'SELECT room, degrees FROM field.climate')).toEqual([['attic', 7]]);
  await run(b, 'TRUNCATE TABLE climate');
  await pair.waitCaughtUp();
  expect(await sameOnBoth(pair, 'SELECT COUNT(*) FROM field.climate')).toEqual([[0]]);
});

test('tables are made and dropped on either node', async () => {
  await run(b, 'CREATE TABLE made_on_b (ts DATETIME(6) NOT NULL, n INT, TIME INDEX (ts))');
  await pair.waitCaughtUp();
  await run(a, "INSERT INTO made_on_b VALUES ('2026-05-01 00:00:00', 1)");
  await pair.waitCaughtUp();
  expect(await sameOnBoth(pair, 'SELECT n FROM field.made_on_b')).toEqual([[1]]);
  await sameOnBoth(pair, 'SHOW CREATE TABLE field.made_on_b');

  await run(a, 'DROP TABLE made_on_b');
  await pair.waitCaughtUp();
  expect(await failureOf(run(b, 'SELECT * FROM made_on_b'))).toMatchObject({
    errno: 1146,
    sqlState: '42S02',
  });

  // The name is free again: a new table under it starts empty, on both.
  await run(a, 'CREATE TABLE made_on_b (ts DATETIME(6) NOT NULL, word TEXT, TIME INDEX (ts))');
  await pair.waitCaughtUp();
  expect(await sameOnBoth(pair, 'SELECT * FROM field.made_on_b')).toEqual([]);
  await run(b, 'CREATE DATABASE short_lived');
  await pair.waitCaughtUp();
  await run(a, 'DROP DATABASE short_lived');
  await pair.waitCaughtUp();
  const databases = await sameOnBoth(pair, 'SHOW DATABASES');
  expect(databases.flat()).toContain('field');
  expect(databases.flat()).not.toContain('short_lived');
});

test('a transaction arrives as a whole, and a rolled back one not at all', async () => {
  await run(
    a,
    'CREATE TABLE moves (account VARCHAR(8), ts TIMESTAMP(3) NOT NULL, amount BIGINT, TIME INDEX (ts), PRIMARY KEY (account))',
  );
  await pair.waitCaughtUp();
  const sums: number[] = [];
  let isWriting = true;
  const reading = (async () => {
    while (isWriting) {
      // Each transaction moves an amount: the sum is 0 at every moment.
      sums.push(Number(await cellOf(b, 'SELECT COALESCE(SUM(amount), 0) FROM moves')));
      await pause(1);
    }
  })();
  for (let round = 1; round <= 60; round += 1) {
    await run(a, 'BEGIN');
    await run(a, `INSERT INTO moves VALUES ('giver', ${round}, ${-round})`);
    await run(a, `INSERT INTO moves VALUES ('taker', ${round}, ${round})`);
    await run(a, round % 3 === 0 ? 'ROLLBACK' : 'COMMIT');
  }
  await pair.waitCaughtUp();
  isWriting = false;
  await reading;
  expect(new Set(sums)).toEqual(new Set([0]));
  expect(await sameOnBoth(pair, 'SELECT COUNT(*) FROM field.moves')).toEqual([[80]]);
});

test('a statement far larger than a record arrives as a whole', async () => {
  await run(
    a,
    'CREATE TABLE wide (sensor VARCHAR(16), ts TIMESTAMP(3) NOT NULL, word TEXT, TIME INDEX (ts), PRIMARY KEY (sensor))',
  );
  await pair.waitCaughtUp();
  const rows = Array.from(
    { length: 20_000 },
    (_, index) => `('s${index % 10}',${index},'${'abcdefghij'.repeat(10)}${index}')`,
  );
  const counts: number[] = [];
  let isWriting = true;
  const reading = (async () => {
    while (isWriting) {
      counts.push(Number(await cellOf(b, 'SELECT COUNT(*) FROM wide')));
      await pause(1);
    }
  })();
  const { affectedRows } = await run(a, `INSERT INTO wide VALUES ${rows.join(',')}`);
  await pair.waitCaughtUp();
  isWriting = false;
  await reading;
  expect(affectedRows).toBe(20_000);
  expect([...new Set(counts)].filter((count) => count !== 0 && count !== 20_000)).toEqual([]);
  expect(
    await sameOnBoth(
      pair,
      'SELECT COUNT(*), SUM(LENGTH(word)), MIN(word), MAX(word) FROM field.wide',
    ),
  ).toMatchObject([[20_000, expect.anything(), expect.anything(), expect.anything()]]);
});

test('in append mode, where a repetition would show, each row arrives once however often the link breaks', async () => {
  await run(
    a,
    "CREATE TABLE events (ts TIMESTAMP(3) NOT NULL, n INT, TIME INDEX (ts)) WITH (append_mode = 'true')",
  );
  await pair.waitCaughtUp();
  let isCutting = true;
  const cutting = (async () => {
    while (isCutting) {
      pair.cutLink();
      await pause(30);
      pair.healLink();
      await pause(120);
    }
  })();
  for (let n = 0; n < 400; n += 1) {
    await run(n % 2 === 0 ? a : b, `INSERT INTO events VALUES (1000, ${n})`);
  }
  isCutting = false;
  await cutting;
  await pair.waitCaughtUp();
  const rows = await sameOnBoth(pair, 'SELECT n FROM field.events ORDER BY n');
  expect(rows.flat()).toEqual(Array.from({ length: 400 }, (_, n) => n));
});

test('prepared statements write and read on both', async () => {
  await a.execute('INSERT INTO climate (room, ts, degrees) VALUES (?, ?, ?)', [
    'cellar',
    '2026-05-02 00:00:00.001',
    -3.25,
  ]);
  await pair.waitCaughtUp();
  for (const client of [a, b]) {
    const [rows] = await client.execute(
      'SELECT degrees FROM climate WHERE room = ? AND degrees < ?',
      ['cellar', 0],
    );
    expect(rows).toEqual([{ degrees: -3.25 }]);
  }
});

test('a session with rpo_bytes = 0 finds its row on the other node as soon as it is acknowledged', async () => {
  await run(a, 'SET SESSION rpo_bytes = 0');
  for (let round = 0; round < 20; round += 1) {
    await run(a, `INSERT INTO climate VALUES ('porch', ${round}, ${round})`);
    const { copy_durable: durable } = (await pair.b.status()).replication;
    const { position } = (await pair.a.status()).replication;
    expect(durable).toBe(position);
  }
});

test('both nodes say what they are', async () => {
  for (const node of pair.nodes) {
    const connection = await node.connect();
    const status = await rowsOf<{ Variable_name: string; Value: string }>(
      connection,
      "SHOW STATUS LIKE 'repl\\_%'",
    );
    const values = new Map(status.map((row) => [row.Variable_name, row.Value]));
    expect(values.get('repl_state')).toBe('linked');
    expect(values.get('repl_pending_bytes')).toBe('0');
    const [rpo] = await rowsOf<{ State: string; Meaning: string }>(connection, 'SHOW RPO');
    expect(rpo).toMatchObject({ State: 'linked', Meaning: expect.stringContaining('Nothing') });
    expect(await rowsOf(connection, 'SHOW REPLICA STATUS')).toMatchObject([
      { Replica_IO_Running: 'Yes', Replica_SQL_Running: 'Yes', Source_Server_Id: 3 - node.id },
    ]);
    expect(await cellsOf(connection, 'SELECT @@server_id')).toEqual([[node.id]]);
    await connection.end();

    expect((await node.get('/health')).status).toBe(200);
    expect((await node.get('/ready')).status).toBe(200);
    expect((await node.get('/ready?max_lag_ms=60000')).status).toBe(200);
    expect((await node.get('/ready?max_lag_ms=much')).status).toBe(400);
    expect((await node.get('/elsewhere')).status).toBe(404);
    expect(await node.status()).toMatchObject({ node_id: node.id, ready: true });
    expect(await node.metric('twintide_ready')).toBe(1);
    expect(await node.metric('twintide_repl_degraded')).toBe(0);
    expect(await node.metric('twintide_repl_pending_bytes')).toBe(0);
  }
});
