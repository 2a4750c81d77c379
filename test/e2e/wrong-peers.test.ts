/**
 * A peer that must not be one: of another cluster, a clone, restored from a backup, wiped. It is refused by name, in the status of the
 * node that goes on; and that node goes on as on_peer_loss says, because it has no peer now.
 */

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { StatusDocument } from '../../src/http/node-snapshot.js';
import { PairProcesses, withSettings } from '../support/pair-processes.js';
import { cellOf, failureOf, run } from '../support/typed-query.js';
import { createNumbered } from './numbered-writer.js';

jest.setTimeout(120_000);

const SAVED = 'saved-data';

let pair: PairProcesses;
let a: Connection;

afterEach(() => pair?.stop());

async function startPair(replication: Readonly<Record<string, string | number>>): Promise<void> {
  pair = await PairProcesses.start({
    settings: {
      replication: {
        rpo_bytes: 0,
        rpo_wait_timeout: '400ms',
        startup_peer_wait: '1s',
        ...replication,
      },
    },
  });
  await createNumbered(pair);
  a = await pair.a.connect({ database: 'stress' });
  await run(a, "INSERT INTO numbered VALUES ('before', 1, 1, 'x')");
}

/** Node a refuses its peer for this reason. */
function waitRefused(name: RegExp): Promise<StatusDocument> {
  return pair.a.waitStatus(`to refuse its peer (${name.source})`, ({ replication }) =>
    name.test(replication.repl_last_error ?? ''),
  );
}

/** Under "block" with budget 0 nothing is acknowledged; queries are answered. */
async function expectBlocked(): Promise<void> {
  expect(
    await failureOf(run(a, "INSERT INTO numbered VALUES ('blocked', 1, 1, 'x')")),
  ).toMatchObject({ errno: 1205, sqlState: '40001' });
  expect(await cellOf(a, 'SELECT COUNT(*) FROM numbered')).toBe(1);
  expect((await pair.a.get('/ready')).status).toBe(200);
}

test('a node with another secret', async () => {
  await startPair({});
  await pair.b.kill('SIGTERM');
  const { settings } = pair.b;
  pair.b.settings = withSettings(settings, {
    replication: { secret: 'the secret of some other pair' },
  });
  pair.b.start();
  const { replication } = await waitRefused(/^(other-cluster|wrong-secret)/);
  expect(replication.repl_state).toBe('refused');
  await expectBlocked();

  // The right secret again, and all is well.
  await pair.b.kill('SIGTERM');
  pair.b.settings = settings;
  await pair.restart(pair.b);
  await pair.waitLinked();
  await run(a, "INSERT INTO numbered VALUES ('after', 1, 1, 'x')");
  await pair.waitCaughtUp();
});

test('a clone of this node, under its id', async () => {
  await startPair({ on_peer_loss: 'degrade', degrade_after: '300ms' });
  await pair.b.kill('SIGTERM');
  await pair.a.kill('SIGTERM');
  cpSync(pair.a.dataFolder, join(pair.folder, 'clone-data'), { recursive: true });
  pair.b.settings = withSettings(pair.b.settings, { node: { id: 1, data_dir: 'clone-data' } });
  await pair.restart(pair.a);
  pair.b.start();
  await waitRefused(/^same-node-id/);
  a = await pair.a.connect({ database: 'stress' });
  await pair.a.waitStatus('to go on alone', (status) => status.replication.repl_degraded);
  expect((await run(a, "INSERT INTO numbered VALUES ('alone', 1, 1, 'x')")).warningStatus).toBe(1);
});

test('a peer restored from an old copy of its data', async () => {
  await startPair({});
  await pair.b.kill('SIGTERM');
  cpSync(pair.b.dataFolder, join(pair.folder, SAVED), { recursive: true });
  // It goes on, and this node learns of it.
  await pair.restart(pair.b);
  await pair.waitLinked();
  const b = await pair.b.connect({ database: 'stress' });
  await run(b, "INSERT INTO numbered VALUES ('lost by the copy', 1, 1, 'x')");
  await pair.waitCaughtUp();
  await b.end();
  await pair.b.kill('SIGKILL');

  pair.b.deleteData();
  cpSync(join(pair.folder, SAVED), pair.b.dataFolder, { recursive: true });
  pair.b.start();
  const { replication } = await waitRefused(/^(restored-node|cloned-node)/);
  expect(['refused', 'unprotected']).toContain(replication.repl_state);
  // What it had is not lost with it.
  expect(await cellOf(a, "SELECT COUNT(*) FROM numbered WHERE writer = 'lost by the copy'")).toBe(
    1,
  );
  expect(
    await failureOf(run(a, "INSERT INTO numbered VALUES ('blocked', 1, 1, 'x')")),
  ).toMatchObject({ errno: 1205, sqlState: '40001' });
});

test('a peer that lost its data', async () => {
  await startPair({});
  await pair.b.kill('SIGKILL');
  pair.b.deleteData();
  pair.b.start();
  const { replication } = await waitRefused(/^wiped-node/);
  expect(replication.needs_bootstrap).toBe(true);
  // What the peer had confirmed is confirmed no more: everything counts again.
  expect(replication.repl_state).toBe('unprotected');
  expect(replication.repl_pending_bytes).toBeGreaterThan(0);
  await expectBlocked();
  // The wiped node serves nobody.
  expect((await pair.b.get('/ready')).status).toBe(503);
});
