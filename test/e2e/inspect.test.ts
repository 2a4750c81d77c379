/** `twintide inspect` on the directory of a real node: while it runs, after it stopped, and after a bit of it flipped. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PairProcesses } from '../support/pair-processes.js';
import { runCommand } from '../support/run-command.js';
import { run } from '../support/typed-query.js';

jest.setTimeout(120_000);

let pair: PairProcesses;
afterEach(() => pair?.stop());

test('a stopped node is told and verified, a running one is refused, a flipped bit is named', async () => {
  pair = await PairProcesses.start({ start: ['a'], a: { replication: { peer: '' } } });
  const node = pair.a;
  await node.waitReady();
  const client = await node.connect();
  await run(client, 'CREATE DATABASE plant');
  await run(
    client,
    'CREATE TABLE plant.heat (ts TIMESTAMP(3) TIME INDEX, oven STRING PRIMARY KEY, degrees DOUBLE)',
  );
  const rows = Array.from(
    { length: 5000 },
    (_, row) => `(${1_700_000_000_000 + row * 1000}, 'oven${row % 3}', ${Math.sqrt(row)})`,
  );
  await run(client, `INSERT INTO plant.heat VALUES ${rows.join(',')}`);
  await run(client, "ADMIN flush_table('plant.heat')");

  const locked = await runCommand(['inspect', node.dataFolder]);
  expect(locked.code).toBe(4);
  expect(locked.err).toMatch(
    /^twintide: the data directory .* is in use by another process \(\d+\)$/m,
  );

  await node.kill('SIGTERM');
  const sound = await runCommand(['inspect', node.dataFolder, '--verify']);
  expect(sound).toMatchObject({ code: 0 });
  expect(sound.out).toMatch(/^node 1, data directory /);
  expect(sound.out).toMatch(
    /^journal of node 1 \(its own\): 1 incarnation, 1 segment of 16\.0 MiB/m,
  );
  expect(sound.out).toMatch(
    /^table plant\.heat \(id \d+\): 5,000 rows in 1 run of 1 block, .* bytes a row$/m,
  );
  expect(sound.out).toMatch(/^ {2}1 partition, 3 series in /m);
  expect(sound.out).toMatch(/^ {2}codecs: /m);
  expect(sound.out).toMatch(/^verified: \d+ records and \d+ stored values read, every checksum/m);
  expect(sound.err).toContain('verifying: 1 of 1 runs');

  const folder = join(node.dataFolder, 'journal', '1');
  const segment = readdirSync(folder).find((name) => name.endsWith('.segment'))!;
  const path = join(folder, segment);
  const bytes = readFileSync(path);
  bytes[4096 + 64 + 30]! ^= 1;
  writeFileSync(path, bytes);
  const damaged = await runCommand(['inspect', node.dataFolder]);
  expect(damaged.code).toBe(1);
  expect(damaged.out).toContain('DAMAGED in 1 place:');
  expect(damaged.out).toMatch(/Corruption in .*\.segment, segment 1, byte 4096: /);
});

test('what is no data directory is refused, and nothing is made there', async () => {
  pair = await PairProcesses.start({ start: [] });
  const nowhere = join(pair.folder, 'nowhere');
  const result = await runCommand(['inspect', nowhere]);
  expect(result).toMatchObject({ code: 4, out: '' });
  expect(result.err).toContain('is no data directory: node.json is not there');
  expect(readdirSync(pair.folder)).not.toContain('nowhere');
});
