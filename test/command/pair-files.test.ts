/** The files of a pair: written once, fitting together, and private. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ensurePairFiles,
  PAIR,
  pairOverrides,
  type PairOptions,
} from '../../src/command/pair-files.js';
import { connectHints } from '../../src/command/connect-hints.js';
import { loadConfig, type Config } from '../../src/server/config.js';

let folder = '';
let options: PairOptions;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twintide-pair-'));
  options = {
    dataFolder: join(folder, 'data'),
    portOffset: 0,
    rpoBytes: null,
    onPeerLoss: null,
    degradeAfter: null,
  };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function load(file: string, flags: Record<string, string> = {}): Config {
  return loadConfig({ file, workingFolder: folder, flags });
}

function loadBoth(changed: Partial<PairOptions> = {}): [Config, Config] {
  const [a, b] = ensurePairFiles({ ...options, ...changed });
  return [load(a), load(b)];
}

test('two nodes that name each other and share a secret', () => {
  const [a, b] = loadBoth();
  expect([a.node.id, b.node.id]).toEqual([1, 2]);
  expect([a.node.dataDir, b.node.dataDir]).toEqual([
    join(folder, 'data', 'node-a'),
    join(folder, 'data', 'node-b'),
  ]);
  const loopback = (port: number) => ({ host: '127.0.0.1', port });
  expect([a.mysql.listen, b.mysql.listen]).toEqual([loopback(4002), loopback(4003)]);
  expect([a.http.listen, b.http.listen]).toEqual([loopback(4000), loopback(4001)]);
  expect([a.replication.listen, b.replication.listen]).toEqual([loopback(4010), loopback(4011)]);
  expect(a.replication.peer).toEqual(b.replication.listen);
  expect(b.replication.peer).toEqual(a.replication.listen);
  expect(a.replication.secret).toMatch(/^[\w-]{43}$/);
  expect(b.replication.secret).toBe(a.replication.secret);
});

test('each pair has a secret of its own', () => {
  const [first] = loadBoth();
  const [second] = loadBoth({ dataFolder: join(folder, 'other') });
  expect(second.replication.secret).not.toBe(first.replication.secret);
});

test('options are in the files', () => {
  const [a, b] = loadBoth({
    portOffset: 100,
    rpoBytes: '0',
    onPeerLoss: 'degrade',
    degradeAfter: '2s',
  });
  expect([a.mysql.listen.port, b.mysql.listen.port]).toEqual([4102, 4103]);
  expect(b.replication.peer?.port).toBe(4110);
  expect(a.replication).toMatchObject({
    rpoBytes: 0,
    onPeerLoss: 'degrade',
    degradeAfterMs: 2_000,
  });
});

test('only the owner reads them', () => {
  const [a, b] = ensurePairFiles(options);
  for (const file of [a, b]) expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a second use leaves them as the user made them', () => {
  const [a, b] = ensurePairFiles(options);
  const before = [readFileSync(a, 'utf8'), readFileSync(b, 'utf8')];
  writeFileSync(a, `${before[0]}\nrpo_span = "3s"\n`);
  ensurePairFiles({ ...options, rpoBytes: '1MiB' });
  expect(load(a).replication.rpoSpanMs).toBe(3_000);
  expect(readFileSync(b, 'utf8')).toBe(before[1]);
});

test('options of a later command line hold over the files', () => {
  const [, b] = ensurePairFiles(options);
  const later = { ...options, portOffset: 7, rpoBytes: '1MiB' };
  const withPorts = load(b, pairOverrides(PAIR[1]!, later, true));
  expect(withPorts.mysql.listen.port).toBe(4010);
  expect(withPorts.replication.peer?.port).toBe(4017);
  expect(withPorts.replication.rpoBytes).toBe(2 ** 20);
  expect(load(b, pairOverrides(PAIR[1]!, later, false)).mysql.listen.port).toBe(4003);
});

test('half a pair is refused, and left alone', () => {
  const [a, b] = ensurePairFiles(options);
  rmSync(a);
  expect(() => ensurePairFiles(options)).toThrow(`${b} is there and its twin is not`);
  rmSync(b);
  expect(ensurePairFiles(options)).toEqual([a, b]);
});

test('the hints name both nodes and no secret', () => {
  const files = ensurePairFiles({ ...options, portOffset: 100, rpoBytes: '1MiB' });
  const [a, b] = [load(files[0]), load(files[1])];
  const hints = connectHints(a, b, files);
  expect(hints).toContain('mariadb -h 127.0.0.1 -P 4102 -u root');
  expect(hints).toContain(
    'jdbc:mysql://127.0.0.1:4102,127.0.0.1:4103/?failOverReadOnly=false&secondsBeforeRetrySource=0&queriesBeforeRetrySource=0&connectTimeout=2000&socketTimeout=30000&tcpKeepAlive=true',
  );
  expect(hints).toContain(`start --config ${files[0]}`);
  expect(hints).toContain('rpo_bytes = 1MiB');
  expect(hints).not.toContain(a.replication.secret);
});
