/**
 * Backup and restore of real nodes: under write load, killed with -9 in the middle, gone on with, restored, compared; and what becomes of
 * a pair of which one or both were restored.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { PairProcesses, type NodeProcess } from '../support/pair-processes.js';
import { runCommand, startCommand, type CommandResult } from '../support/run-command.js';
import { cellOf, cellsOf, failureOf, run } from '../support/typed-query.js';

jest.setTimeout(240_000);

let pair: PairProcesses;
afterEach(() => pair?.stop());

const DAYS = 40;
const DAY_MS = 86_400_000;
const T0 = 19_000 * DAY_MS;

/** One row a day and oven: a flush makes a run of each day, and each run is a file that is synced. */
async function load(client: Connection, ovens: string): Promise<void> {
  const rows: string[] = [];
  for (let day = 0; day < DAYS; day += 1) {
    for (let oven = 0; oven < 50; oven += 1) {
      rows.push(
        `(${T0 + day * DAY_MS + oven}, '${ovens}${oven}', ${Math.sqrt(day * 50 + oven)}, 0)`,
      );
    }
  }
  await run(client, `INSERT INTO plant.heat VALUES ${rows.join(',')}`);
}

async function createTables(client: Connection): Promise<void> {
  await run(client, 'CREATE DATABASE plant');
  await run(
    client,
    'CREATE TABLE plant.heat (ts TIMESTAMP(3) TIME INDEX, oven STRING PRIMARY KEY, degrees DOUBLE, number BIGINT)',
  );
}

/** Everything, as an export writes it. */
async function allRows(node: NodeProcess): Promise<string[]> {
  const args = ['--config', node.configFile, '--table', 'plant.heat', '-'];
  const { out, code } = await runCommand(['export', ...args]);
  expect(code).toBe(0);
  return out.split('\r\n').sort();
}

/** Numbers 1, 2, 3 ... of one oven, one after another; counts those acknowledged. */
class Counter {
  readonly oven: string;
  acknowledged = 0;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(oven: string) {
    this.oven = oven;
  }

  start(client: Connection): void {
    this.#isStopped = false;
    this.#running = this.#run(client);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(client: Connection): Promise<void> {
    while (!this.#isStopped) {
      const next = this.acknowledged + 1;
      const values = `(${T0 + next}, '${this.oven}', 1, ${next})`;
      try {
        await run(client, `INSERT INTO plant.heat VALUES ${values}`);
      } catch {
        return;
      }
      this.acknowledged = next;
    }
  }
}

const backUp = (node: NodeProcess, folder: string): Promise<CommandResult> =>
  runCommand(['backup', '--config', node.configFile, folder]);
const verify = (folder: string): Promise<CommandResult> =>
  runCommand(['backup', '--verify', folder]);
function restore(folder: string, node: NodeProcess): Promise<CommandResult> {
  const target = ['--node-id', String(node.id), '--node-data-dir', node.dataFolder];
  return runCommand(['restore', folder, ...target]);
}

test('under load, killed in the middle, gone on with, restored and compared', async () => {
  const alone = { replication: { peer: '' } };
  pair = await PairProcesses.start({ start: ['a'], a: alone, b: alone });
  const { a, b } = pair;
  const folder = join(pair.folder, 'backup');
  await a.waitReady();
  let client = await a.connect();
  await createTables(client);
  await load(client, 'first');
  const first = await backUp(a, folder);
  expect(first).toMatchObject({ code: 0 });
  expect(first.err).toMatch(/backup: (\d+) of \1 files copied/);
  const idOf = (result: CommandResult): string =>
    /backup ([0-9a-f]{16}) is in/.exec(result.out)![1]!;
  let lastId = idOf(first);

  // Killed with -9 while it copies. A backup that is quicker than this test is done once more, with more to copy.
  let isInterrupted = false;
  for (let attempt = 1; !isInterrupted && attempt <= 5; attempt += 1) {
    await load(client, `second${attempt}-`);
    const files = new Set(readdirSync(folder));
    const backup = startCommand(['backup', '--config', a.configFile, folder]);
    while (backup.child.exitCode === null && readdirSync(folder).every((name) => files.has(name))) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await a.kill('SIGKILL');
    const result = await backup.ended;
    isInterrupted = result.code === 1;
    if (isInterrupted) break;
    lastId = idOf(result);
    await pair.restart(a);
    client = await a.connect();
  }
  expect(isInterrupted).toBe(true);
  const old = await verify(folder);
  expect(old).toMatchObject({ code: 0 });
  expect(old.out).toContain(`backup ${lastId} of node 1`);

  // Gone on with, while clients write.
  await pair.restart(a);
  client = await a.connect();
  const counters = [0, 1, 2].map((index) => new Counter(`counter${index}`));
  for (const counter of counters) counter.start(await a.connect());
  await load(client, 'third');
  const acknowledgedBefore = counters.map(({ acknowledged }) => acknowledged);
  const second = await backUp(a, folder);
  expect(second).toMatchObject({ code: 0 });
  const [, files, all] = /backup: (\d+) of (\d+) files copied/.exec(second.err)!.map(Number);
  expect(files!).toBeLessThan(all!);
  await Promise.all(counters.map((counter) => counter.stop()));

  expect(await restore(folder, b)).toMatchObject({ code: 0 });
  b.start();
  await b.waitReady();
  const restored = await b.connect();
  for (const [index, counter] of counters.entries()) {
    const [cells] = await cellsOf(
      restored,
      `SELECT COUNT(*), COALESCE(MAX(number), 0) FROM plant.heat WHERE oven = '${counter.oven}'`,
    );
    const [count, last] = cells!.map(Number);
    // What was acknowledged before it began is in it, nothing out of the middle is missing, nothing was made up.
    expect(count).toBe(last);
    expect(last).toBeGreaterThanOrEqual(acknowledgedBefore[index]!);
    expect(last).toBeLessThanOrEqual(counter.acknowledged + 1);
  }

  // And with nobody writing it is all of it, row for row.
  await b.kill('SIGTERM');
  b.deleteData();
  expect(await backUp(a, folder)).toMatchObject({ code: 0 });
  expect(await restore(folder, b)).toMatchObject({ code: 0 });
  await pair.restart(b);
  expect(await allRows(b)).toEqual(await allRows(a));
  const written = await b.connect();
  await run(written, `INSERT INTO plant.heat VALUES (${T0}, 'after', 1, 1)`);

  // The restored node is another history: it never writes over this backup.
  const stranger = await backUp(b, folder);
  expect(stranger.code).toBe(1);
  expect(stranger.err).toMatch(/the backup was not made: .* holds a backup of node 1/);
});

test('a damaged backup restores nothing; a directory that is not empty is left alone', async () => {
  const alone = { replication: { peer: '' } };
  pair = await PairProcesses.start({ start: ['a'], a: alone, b: alone });
  const { a, b } = pair;
  const folder = join(pair.folder, 'backup');
  await a.waitReady();
  const client = await a.connect();
  await createTables(client);
  await load(client, 'oven');
  const refused = await failureOf(run(client, `ADMIN backup('${folder}')`));
  expect(refused).toMatchObject({ errno: 1227 });
  await backUp(a, folder);
  expect(await restore(folder, a)).toMatchObject({ code: 4 });
  await a.kill('SIGTERM');
  const occupied = await restore(folder, a);
  expect(occupied.code).toBe(4);
  expect(occupied.err).toMatch(/is not empty: it holds (?:node\.json|journal|admin\.sock)/);

  const path = join(
    folder,
    readdirSync(folder).find((name) => name.startsWith('run-'))!,
  );
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 2;
  writeFileSync(path, bytes);
  for (const result of [await verify(folder), await restore(folder, b)]) {
    expect(result.code).toBe(1);
    expect(result.err).toMatch(new RegExp(`Corruption in ${path}, byte \\d+: `));
  }
  expect(existsSync(join(b.dataFolder, 'node.json'))).toBe(false);
  b.start();
  expect(await b.ended()).toMatchObject({ code: 4 });
  // Mended, it is restored where the attempt had failed.
  bytes[bytes.length >> 1]! ^= 2;
  writeFileSync(path, bytes);
  expect(await restore(folder, b)).toMatchObject({ code: 0 });
  await pair.restart(b);
  expect(Number(await cellOf(await b.connect(), 'SELECT COUNT(*) FROM plant.heat'))).toBe(
    DAYS * 50,
  );
});

test('a pair restored from one backup goes on; one restored beside a living peer is refused by name', async () => {
  pair = await PairProcesses.start();
  const { a, b } = pair;
  const folder = join(pair.folder, 'backup');
  const client = await a.connect();
  await createTables(client);
  await load(client, 'a');
  await load(await b.connect(), 'b');
  await pair.waitCaughtUp();
  const rows = await allRows(a);
  expect(await backUp(a, folder)).toMatchObject({ code: 0 });

  await a.kill('SIGTERM');
  a.deleteData();
  expect(await restore(folder, a)).toMatchObject({ code: 0 });
  a.start();
  const seen = await b.waitStatus('to refuse the restored node', ({ replication }) =>
    (replication.repl_last_error ?? '').includes('restored'),
  );
  expect(seen.replication.repl_last_error).toMatch(
    /restored-node: .*node 1 was restored from backup [0-9a-f]{16}.*restore both from the same backup/,
  );
  expect(await allRows(b)).toEqual(rows);

  await a.kill('SIGTERM');
  await b.kill('SIGTERM');
  for (const node of [a, b]) {
    node.deleteData();
    expect(await restore(folder, node)).toMatchObject({ code: 0 });
    node.start();
  }
  await pair.waitLinked();
  expect(await allRows(a)).toEqual(rows);
  expect(await allRows(b)).toEqual(rows);
  await run(await a.connect(), `INSERT INTO plant.heat VALUES (${T0}, 'new', 1, 1)`);
  await run(await b.connect(), `INSERT INTO plant.heat VALUES (${T0}, 'newer', 1, 1)`);
  await pair.waitCaughtUp();
  expect(await allRows(b)).toEqual(await allRows(a));
  expect((await allRows(a)).length).toBe(rows.length + 2);

  // The same backup again, beside a peer that went on from it: its own older records tell.
  await a.kill('SIGTERM');
  a.deleteData();
  await restore(folder, a);
  a.start();
  await b.waitStatus('to refuse the older state', ({ replication }) =>
    /bootstrap/.test(replication.repl_last_error ?? ''),
  );
});
