/**
 * Going on without a peer, beyond the budget: by on_peer_loss = "degrade" or by the operator's word. Always loudly: a warning on every
 * such OK, a state, a metric; and it ends by itself when the peer has everything.
 */

import type { Connection } from 'mysql2/promise';
import { PairProcesses } from '../support/pair-processes.js';
import { cellOf, failureOf, rowsOf, run } from '../support/typed-query.js';
import { brokenPromises, createNumbered, NumberedWriter } from './numbered-writer.js';

jest.setTimeout(120_000);

let pair: PairProcesses;
let a: Connection;

afterEach(() => pair?.stop());

async function startPair(replication: Readonly<Record<string, string | number>>): Promise<void> {
  pair = await PairProcesses.start({
    settings: { replication: { rpo_bytes: 0, rpo_wait_timeout: '400ms', ...replication } },
  });
  await createNumbered(pair);
  a = await pair.a.connect({ database: 'stress' });
}

/** How loud a node is that acknowledges beyond the budget. */
async function expectLoud(state: 'degraded' | 'released'): Promise<void> {
  const { warningStatus } = await run(a, "INSERT INTO numbered VALUES ('loud', 1, 1, 'x')");
  expect(warningStatus).toBe(1);
  expect(await rowsOf(a, 'SHOW WARNINGS')).toEqual([
    { Level: 'Warning', Code: expect.any(Number), Message: expect.stringContaining(state) },
  ]);
  const { replication } = await pair.a.status();
  expect(replication).toMatchObject({ repl_state: state, repl_degraded: true });
  expect(replication.repl_pending_bytes).toBeGreaterThan(0);
  expect(await pair.a.metric('twintide_repl_degraded')).toBe(1);
  expect(await rowsOf(a, 'SHOW RPO')).toMatchObject([
    { State: state, Meaning: expect.stringContaining('would be lost') },
  ]);
  expect(await cellOf(a, "SELECT COUNT(*) FROM numbered WHERE writer = 'loud'")).toBe(1);
}

/** And how quiet afterwards. */
async function expectQuiet(): Promise<void> {
  await pair.a.waitStatus(
    'to be linked again',
    ({ replication }) => replication.repl_state === 'linked',
  );
  const { warningStatus } = await run(a, "INSERT INTO numbered VALUES ('quiet', 1, 1, 'x')");
  expect(warningStatus).toBe(0);
  expect(await rowsOf(a, 'SHOW WARNINGS')).toEqual([]);
  expect(await pair.a.metric('twintide_repl_degraded')).toBe(0);
}

test('degrade: OK with a warning beyond the budget, until the peer is back and has everything', async () => {
  await startPair({ on_peer_loss: 'degrade', degrade_after: '500ms' });
  const writer = new NumberedWriter('alone', pair.a);
  writer.start();
  await pair.a.waitStatus('to take writes', () => writer.acknowledged.length >= 10);
  expect(writer.warned).toEqual([]);

  await pair.killMachine(pair.b);
  await pair.a.waitStatus('to go on alone', () => writer.warned.length >= 20);
  await expectLoud('degraded');
  await writer.stop();

  // Beyond the budget nothing passes without its warning.
  const firstWarned = writer.warned[0]!;
  expect(writer.acknowledged.filter((number) => number > firstWarned)).toEqual(
    writer.warned.slice(1),
  );

  pair.healLink();
  await pair.restart(pair.b);
  await expectQuiet();
  await pair.waitCaughtUp();
  expect(await brokenPromises(pair, [writer])).toEqual([]);
});

test('degraded outlives a restart of the node that is alone', async () => {
  await startPair({ on_peer_loss: 'degrade', degrade_after: '300ms', startup_peer_wait: '500ms' });
  await pair.killMachine(pair.b);
  await pair.a.waitStatus('to be degraded', ({ replication }) => replication.repl_degraded);
  await run(a, "INSERT INTO numbered VALUES ('before', 1, 1, 'x')");
  await pair.a.kill('SIGKILL');
  await pair.restart(pair.a);
  a = await pair.a.connect({ database: 'stress' });
  expect(await cellOf(a, "SELECT COUNT(*) FROM numbered WHERE writer = 'before'")).toBe(1);
  await expectLoud('degraded');
  pair.healLink();
  await pair.restart(pair.b);
  await expectQuiet();
  await pair.waitCaughtUp();
});

test('release_peer: the operator lets a blocked node go on', async () => {
  await startPair({ on_peer_loss: 'block' });
  await pair.killMachine(pair.b);
  await pair.a.waitStatus(
    'to miss its peer',
    ({ replication }) => replication.repl_state === 'lost',
  );
  expect(await failureOf(run(a, "INSERT INTO numbered VALUES ('x', 1, 1, 'x')"))).toMatchObject({
    errno: 1205,
    sqlState: '40001',
  });
  await run(a, 'ADMIN release_peer()');
  await pair.a.waitStatus(
    'to be released',
    ({ replication }) => replication.repl_state === 'released',
  );
  await expectLoud('released');
  pair.healLink();
  await pair.restart(pair.b);
  await expectQuiet();
  await pair.waitCaughtUp();
});
