/**
 * on_peer_loss = "block": the promise holds. A node without its peer acknowledges until the budget is full, then refuses, and what it
 * refused is nowhere. Queries are never refused.
 */

import type { Connection } from 'mysql2/promise';
import { PairProcesses } from '../support/pair-processes.js';
import { cellOf, failureOf, rowsOf, run } from '../support/typed-query.js';
import { brokenPromises, createNumbered, NumberedWriter } from './numbered-writer.js';
import { sameOnBoth } from './same-on-both.js';

jest.setTimeout(120_000);

const BUDGET_BYTES = 16 * 1024;

let pair: PairProcesses;
let a: Connection;

afterEach(() => pair?.stop());

async function startPair(replication: Readonly<Record<string, string | number>>): Promise<void> {
  pair = await PairProcesses.start({
    settings: { replication: { rpo_wait_timeout: '400ms', ...replication } },
  });
  await createNumbered(pair);
  a = await pair.a.connect({ database: 'stress' });
}

async function loseB(): Promise<void> {
  await pair.killMachine(pair.b);
  await pair.a.waitStatus(
    'to miss its peer',
    ({ replication }) => replication.repl_state === 'lost',
  );
}

async function returnB(): Promise<void> {
  pair.healLink();
  await pair.restart(pair.b);
}

test('beyond the budget writes are refused, nowhere to be found, and go on when the peer is back', async () => {
  await startPair({ rpo_bytes: BUDGET_BYTES });
  await loseB();

  const writer = new NumberedWriter('alone', pair.a);
  writer.start();
  await pair.a.waitStatus('to refuse writes', () => writer.refused.length >= 2);
  const acknowledgedAlone = writer.acknowledged.length;
  expect(acknowledgedAlone).toBeGreaterThan(0);
  expect(writer.warned).toEqual([]);

  const { replication } = await pair.a.status();
  expect(replication.repl_pending_bytes).toBeGreaterThan(0);
  expect(replication.repl_pending_bytes).toBeLessThanOrEqual(BUDGET_BYTES);
  expect(replication.repl_degraded).toBe(false);
  const error = await failureOf(
    run(a, "INSERT INTO numbered VALUES ('direct', 1, 1, REPEAT('x', 200))"),
  );
  expect(error).toMatchObject({ errno: 1205, sqlState: '40001' });
  expect(error.message).toMatch(/not applied/i);

  // A transaction as well: refused at COMMIT, and all of it rolled back.
  await run(a, 'BEGIN');
  await run(a, "INSERT INTO numbered VALUES ('moved', 1, 1, REPEAT('x', 200))");
  expect(await failureOf(run(a, 'COMMIT'))).toMatchObject({ errno: 1205, sqlState: '40001' });
  expect(await cellOf(a, "SELECT COUNT(*) FROM numbered WHERE writer = 'moved'")).toBe(0);
  // So is DDL.
  expect(
    await failureOf(
      run(a, 'CREATE TABLE refused_table (ts TIMESTAMP(3) NOT NULL, n INT, TIME INDEX (ts))'),
    ),
  ).toMatchObject({ errno: 1205, sqlState: '40001' });

  // The node stays ready and answers queries; its state says what would be lost.
  expect((await pair.a.get('/ready')).status).toBe(200);
  expect(await cellOf(a, 'SELECT COUNT(*) FROM numbered')).toBe(acknowledgedAlone);
  expect(await rowsOf(a, 'SHOW RPO')).toMatchObject([
    { State: 'lost', Pending_bytes: replication.repl_pending_bytes },
  ]);

  await returnB();
  await pair.a.waitStatus(
    'to take writes again',
    () => writer.acknowledged.length > acknowledgedAlone,
  );
  await writer.stop();
  await pair.waitCaughtUp();
  expect(await brokenPromises(pair, [writer])).toEqual([]);
  const strangers = "SELECT COUNT(*) FROM stress.numbered WHERE writer IN ('direct', 'moved')";
  expect(await sameOnBoth(pair, strangers)).toEqual([[0]]);
  expect((await sameOnBoth(pair, 'SHOW TABLES FROM stress')).flat()).toEqual(['numbered']);
});

test('budget 0: without a peer nothing is acknowledged, and queries are answered', async () => {
  await startPair({ rpo_bytes: 0 });
  const writer = new NumberedWriter('alone', pair.a);
  writer.start();
  await pair.a.waitStatus('to take writes', () => writer.acknowledged.length >= 10);
  await loseB();
  const acknowledged = writer.acknowledged.length;
  await pair.a.waitStatus('to refuse writes', () => writer.refused.length >= 2);
  expect(writer.acknowledged.length).toBe(acknowledged);
  expect(await cellOf(a, 'SELECT COUNT(*) FROM numbered')).toBeGreaterThanOrEqual(acknowledged);
  await returnB();
  await pair.a.waitStatus('to take writes again', () => writer.acknowledged.length > acknowledged);
  await writer.stop();
  await pair.waitCaughtUp();
  expect(await brokenPromises(pair, [writer])).toEqual([]);
});

test('stored and not confirmed: 1180, not visible before the gate lets it pass, and there in the end', async () => {
  // Silence is not yet loss: the write is taken, and its confirmation does not come.
  await startPair({ rpo_bytes: 0, dead_after: '20s' });
  pair.silenceLink();
  const error = await failureOf(run(a, "INSERT INTO numbered VALUES ('stored', 1, 1, 'x')"));
  expect(error).toMatchObject({ errno: 1180, sqlState: 'HY000' });
  expect(error.message).toMatch(/stored on this node.*[0-9a-f]{16}:\d+/);
  expect(await cellOf(a, "SELECT COUNT(*) FROM numbered WHERE writer = 'stored'")).toBe(0);
  pair.healLink();
  await pair.waitCaughtUp();
  expect(
    await sameOnBoth(pair, "SELECT COUNT(*) FROM stress.numbered WHERE writer = 'stored'"),
  ).toEqual([[1]]);
});

test('a stricter session waits where the others need not', async () => {
  await startPair({});
  await loseB();
  await run(a, "INSERT INTO numbered VALUES ('usual', 1, 1, 'x')");
  const strict = await pair.a.connect({ database: 'stress' });
  await run(strict, 'SET SESSION rpo_bytes = 0');
  expect(
    await failureOf(run(strict, "INSERT INTO numbered VALUES ('strict', 1, 1, 'x')")),
  ).toMatchObject({ errno: 1180, sqlState: 'HY000' });
  // Laxer than the server is not possible.
  expect(await failureOf(run(strict, 'SET SESSION rpo_bytes = 1099511627776'))).toMatchObject({
    errno: 1231,
    sqlState: '42000',
  });
  await run(strict, 'SET SESSION rpo_bytes = DEFAULT');
  await run(strict, "INSERT INTO numbered VALUES ('usual', 2, 2, 'x')");
  await run(a, 'SET GLOBAL rpo_bytes = 1').catch(() => undefined);
  expect(
    await failureOf(run(strict, "INSERT INTO numbered VALUES ('refused', 3, 3, 'x')")),
  ).toMatchObject({ errno: 1205, sqlState: '40001' });
  await returnB();
  await pair.waitCaughtUp();
  expect(
    await sameOnBoth(pair, 'SELECT writer, number FROM stress.numbered ORDER BY writer, number'),
  ).toEqual([
    ['strict', 1],
    ['usual', 1],
    ['usual', 2],
  ]);
});
