/** The two ends of a node's life: it stops without losing an answer, and refuses clients for as long as it cannot serve them. */

import { createConnection as connectSocket } from 'node:net';
import type { Connection } from 'mysql2/promise';
import { pause, waitFor, waitUntil } from '../support/bounded-wait.js';
import { PairProcesses, type NodeProcess } from '../support/pair-processes.js';
import { cellOf, cellsOf, failureOf, rowsOf, run } from '../support/typed-query.js';
import { brokenPromises, createNumbered, NumberedWriter } from './numbered-writer.js';

jest.setTimeout(120_000);

let pair: PairProcesses;
afterEach(() => pair?.stop());

/** The first packet of a server: its payload. */
function greetingOf(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host: '127.0.0.1', port });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    // The server closes it behind the packet.
    socket.on('close', () => resolve(Buffer.concat(chunks).subarray(4)));
  });
}

/** When the node last logged a line with this text, in milliseconds since 1970. */
function timeOf(node: NodeProcess, text: string): Promise<number> {
  return waitFor(`node ${node.name} to log ${text}`, () => {
    const line = node.log.findLast((each) => each.includes(text));
    const parsed = line === undefined ? null : (JSON.parse(line) as { readonly time: string });
    return { value: parsed ? Date.parse(parsed.time) : undefined, seen: node.log.slice(-5) };
  });
}

test('SIGTERM while clients write: every statement gets its answer, and what was acknowledged is there', async () => {
  pair = await PairProcesses.start();
  await createNumbered(pair);
  const writers = [0, 1, 2, 3].map((index) => new NumberedWriter(`a${index}`, pair.a));
  for (const writer of writers) writer.start();
  await pause(500);
  const idle = await pair.a.connect();
  const { code, signal } = await pair.a.kill('SIGTERM');
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  await Promise.all(writers.map((writer) => writer.stop()));
  // Either 1053 or a connection that ended between two statements: nobody was left without a word.
  expect(writers.flatMap((writer) => writer.unexpected)).toEqual([]);
  expect(await failureOf(run(idle, 'SELECT 1'))).toMatchObject({ fatal: true });

  // It had drained: the survivor has everything already.
  const survivor = await pair.b.connect({ database: 'stress' });
  const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0);
  expect(Number(await cellOf(survivor, 'SELECT COUNT(*) FROM numbered'))).toBeGreaterThanOrEqual(
    acknowledged,
  );
  await pair.restart(pair.a);
  await pair.waitCaughtUp();
  expect(await brokenPromises(pair, writers)).toEqual([]);
  expect(pair.a.log.filter((line) => line.includes('"level":50'))).toEqual([]);
});

test('a statement that runs when the node is told to stop is answered, the next one with 1053 08S01', async () => {
  pair = await PairProcesses.start();
  const client = await pair.a.connect();
  const watcher = await pair.a.connect();
  const running = cellOf(client, 'SELECT SLEEP(2)');
  await waitUntil('the statement to run', async () => {
    const rows = await rowsOf(watcher, 'SHOW PROCESSLIST');
    return [rows.some(({ Info }) => Info === 'SELECT SLEEP(2)'), rows];
  });
  pair.a.signal('SIGTERM');
  expect(await running).toBe(0);
  const error = await failureOf(run(client, 'SELECT 1'));
  // The ERR packet may be read before the statement is sent: then the connection is simply gone.
  expect(error.errno === 1053 ? error.sqlState : error.fatal).toEqual(
    error.errno === 1053 ? '08S01' : true,
  );
  expect(await pair.a.ended()).toEqual({ code: 0, signal: null });
  expect((await pair.b.get('/ready')).status).toBe(200);
});

test('a new node that has never met its peer lives, says why it does not serve, and lets only the operator in', async () => {
  pair = await PairProcesses.start({ start: ['a'] });
  await pair.a.waitStatus('to listen', (status) => !status.ready);

  // Long past startup_peer_wait: a new data directory must not stamp before it has learned its peer's versions.
  await pause(4_000);
  expect((await pair.a.get('/health')).status).toBe(200);
  const ready = await pair.a.get('/ready');
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.body)).toMatchObject({ ready: false, reason: expect.any(String) });
  expect(await pair.a.status()).toMatchObject({
    ready: false,
    replication: { repl_state: 'lost' },
  });
  expect(await pair.a.metric('twintide_ready')).toBe(0);

  // Connector/J and HAProxy read an ERR packet of class 08 in place of a greeting.
  const greeting = await greetingOf(pair.a.mysqlPort);
  expect(greeting[0]).toBe(0xff);
  expect(greeting.readUInt16LE(1)).toBe(1053);
  expect(greeting.subarray(3, 9).toString('latin1')).toBe('#08S01');
  expect(await failureOf(pair.a.connect())).toMatchObject({ errno: 1053 });

  const operator = await pair.a.connectAdmin();
  expect(await cellsOf(operator, "SHOW STATUS LIKE 'repl\\_state'")).toEqual([
    ['repl_state', 'lost'],
  ]);
  expect(await failureOf(run(operator, 'CREATE DATABASE early'))).toMatchObject({
    errno: 1205,
    sqlState: '40001',
  });
  await operator.end();

  pair.b.start();
  await pair.waitLinked();
  const client: Connection = await pair.a.connect();
  await run(client, 'CREATE DATABASE in_time');
});

test('a node that knows its peer serves without it after startup_peer_wait', async () => {
  pair = await PairProcesses.start({ settings: { replication: { startup_peer_wait: '1s' } } });
  await createNumbered(pair);
  await pair.killMachine(pair.b);
  await pair.a.kill('SIGKILL');
  pair.a.start();
  await pair.a.waitReady();
  // Its log says when it had all its data, and when it went on alone: a slow start may hide the time between from clients.
  const since = await timeOf(pair.a, '"msg":"recovered"');
  expect((await timeOf(pair.a, '"isAlone":true')) - since).toBeGreaterThanOrEqual(1_000);
  const client = await pair.a.connect({ database: 'stress' });
  await run(client, "INSERT INTO numbered VALUES ('alone', 1, 1, 'x')");
  pair.healLink();
  await pair.restart(pair.b);
  await pair.waitCaughtUp();
});

test('a standalone node has no gate and says so', async () => {
  pair = await PairProcesses.start({
    start: ['a'],
    a: { replication: { peer: '', rpo_bytes: 0 } },
  });
  await pair.a.waitReady();
  const client = await pair.a.connect();
  await run(client, 'CREATE DATABASE single');
  await run(client, 'CREATE TABLE single.t (ts TIMESTAMP(3) NOT NULL, n INT, TIME INDEX (ts))');
  expect(await run(client, 'INSERT INTO single.t VALUES (1, 1)')).toMatchObject({
    affectedRows: 1,
    warningStatus: 0,
  });
  expect((await pair.a.status()).replication).toMatchObject({
    repl_state: 'standalone',
    repl_pending_bytes: 0,
  });
  await pair.a.kill('SIGKILL');
  await pair.restart(pair.a);
  expect(await cellsOf(await pair.a.connect(), 'SELECT n FROM single.t')).toEqual([[1]]);
});

test('a data folder is of one process and of one node', async () => {
  pair = await PairProcesses.start();
  const { settings } = pair.b;
  await pair.b.kill('SIGTERM');
  pair.b.settings = { ...settings, node: { id: 2, data_dir: 'a-data' } };
  pair.b.start();
  // Held by node a's process.
  expect(await pair.b.ended()).toMatchObject({ code: 4 });
  await pair.a.kill('SIGTERM');
  pair.b.start();
  // Node a's, whoever holds it.
  expect(await pair.b.ended()).toMatchObject({ code: 4 });
  expect(pair.b.log.join('\n')).toContain('belongs to node 1');
});
