/**
 * A Java application whose JDBC URL names both nodes of a pair, and the death of the node it writes to. The URL is the one of
 * docs/failover.md, with shorter timeouts.
 */

import { figure } from '../support/figure.js';
import { PairProcesses, type NodeProcess } from '../support/pair-processes.js';
import { cellsOf } from '../support/typed-query.js';
import { createNumbered } from '../e2e/numbered-writer.js';
import { sameOnBoth } from '../e2e/same-on-both.js';
import { JavaProgram } from './connector-j/java-program.js';
import { requireConnectorJ } from './required-tool.js';

jest.setTimeout(180_000);

/** One line of NumberedRows.java. With an acknowledgement, what there is of an error is its warning. */
interface Attempt {
  readonly outcome: 'acknowledged' | 'failed';
  readonly number: number;
  readonly atMs: number;
  readonly host: string;
  readonly exception?: string;
  readonly isRollback?: boolean;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly message?: string;
}

const PAUSE_MS = 2;
const NUMBERS = "SELECT number FROM stress.numbered WHERE writer = 'java' ORDER BY number";

let pair: PairProcesses;
let java: JavaProgram<Attempt>;

beforeAll(() => {
  requireConnectorJ();
});

afterEach(async () => {
  java?.kill();
  await pair?.stop();
});

async function startPair(replication: Readonly<Record<string, string | number>>): Promise<void> {
  pair = await PairProcesses.start({ settings: { replication } });
  await createNumbered(pair);
}

function startJava(): void {
  const hosts = pair.nodes.map((node) => hostOf(node)).join(',');
  const properties = {
    user: 'root',
    failOverReadOnly: 'false',
    secondsBeforeRetrySource: '0',
    queriesBeforeRetrySource: '0',
    connectTimeout: '2000',
    socketTimeout: '10000',
    tcpKeepAlive: 'true',
  };
  const url = `jdbc:mysql://${hosts}/stress?${new URLSearchParams(properties).toString()}`;
  java = new JavaProgram('NumberedRows.java', { arguments: [url, `${PAUSE_MS}`] });
}

function hostOf(node: NodeProcess): string {
  return `127.0.0.1:${node.mysqlPort}`;
}

function acknowledgedOf(attempts: readonly Attempt[]): readonly Attempt[] {
  return attempts.filter(({ outcome }) => outcome === 'acknowledged');
}

function failedOf(attempts: readonly Attempt[]): readonly Attempt[] {
  return attempts.filter(({ outcome }) => outcome === 'failed');
}

/** Waits for so many more acknowledgements by the node, and gives all that it ever gave. */
function waitAcknowledged(node: NodeProcess, count: number): Promise<readonly Attempt[]> {
  const ofNode = (lines: readonly Attempt[]): readonly Attempt[] =>
    acknowledgedOf(lines).filter(({ host }) => host === hostOf(node));
  const wanted = ofNode(java.lines).length + count;
  return java.waitFor(`node ${node.name} to acknowledge ${count} more rows`, (lines) => {
    const found = ofNode(lines);
    return found.length >= wanted ? found : undefined;
  });
}

/** Kills the node; resolves when the application has seen it. Gives the index of that line, and when the node was killed. */
async function kill(
  node: NodeProcess,
): Promise<{ readonly seenAt: number; readonly atMs: number }> {
  const from = java.lines.length;
  const atMs = Date.now();
  await node.kill('SIGKILL');
  const seenAt = await java.waitFor('the application to lose its connection', (lines) => {
    const index = lines.findIndex(({ outcome }, at) => at >= from && outcome === 'failed');
    return index < 0 ? undefined : index;
  });
  return { seenAt, atMs };
}

async function numbersOf(node: NodeProcess): Promise<readonly number[]> {
  const connection = await node.connect();
  const rows = await cellsOf(connection, NUMBERS);
  await connection.end();
  return rows.map(([number]) => Number(number));
}

/** Rows acknowledged by now that the node does not show. The application may go on while it is asked. */
async function missingOn(node: NodeProcess): Promise<readonly number[]> {
  const acknowledged = acknowledgedOf(java.lines);
  return missingFrom(await numbersOf(node), acknowledged);
}

function missingFrom(
  shown: readonly number[],
  acknowledged: readonly Attempt[],
): readonly number[] {
  const there = new Set(shown);
  return acknowledged.map(({ number }) => number).filter((number) => !there.has(number));
}

/** Ends the application; then nothing acknowledged may be missing on either node. */
async function expectNothingLost(): Promise<void> {
  await java.stop();
  await pair.waitCaughtUp();
  const shown = (await sameOnBoth(pair, NUMBERS)).map(([number]) => Number(number));
  const acknowledged = acknowledgedOf(java.lines);
  expect(missingFrom(shown, acknowledged)).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(0);
}

test('degrade, budget 0: the application goes on with the other node, and nothing acknowledged is lost', async () => {
  await startPair({
    rpo_bytes: 0,
    on_peer_loss: 'degrade',
    degrade_after: '500ms',
  });
  startJava();
  const before = await waitAcknowledged(pair.a, 200);
  expect(before.filter(({ message }) => message !== undefined)).toEqual([]);

  const { seenAt, atMs } = await kill(pair.a);
  const lost = java.lines[seenAt]!;
  expect(lost).toMatchObject({
    exception: 'com.mysql.cj.jdbc.exceptions.CommunicationsException',
    sqlState: '08S01',
  });
  const after = await waitAcknowledged(pair.b, 200);
  figure(
    `Connector/J, degrade_after 500 ms: the next acknowledged write ${after[0]!.atMs - atMs} ms after kill -9 (the loss seen after ${lost.atMs - atMs} ms)`,
  );
  // A row of the dead node that node B has been asked for again, and every later one, beyond the budget: not without a warning.
  for (const attempt of after) {
    expect(attempt).toMatchObject({ exception: 'java.sql.SQLWarning', message: /degraded/ });
  }
  expect(await missingOn(pair.b)).toEqual([]);

  await pair.restart(pair.a);
  await pair.waitLinked();
  // The loudness ends when node A has everything; the application stays where it is.
  const quiet = await java.waitFor('an acknowledgement without a warning', (lines) => {
    const last = acknowledgedOf(lines).at(-1);
    return last?.message === undefined ? last : undefined;
  });
  expect(quiet.host).toBe(hostOf(pair.b));
  await expectNothingLost();
  figure(
    `Connector/J: ${acknowledgedOf(java.lines).length} rows acknowledged, ${failedOf(java.lines).length} errors seen by the application`,
  );
});

test('block, budget 0: nothing is acknowledged until the node is back, then it goes on', async () => {
  await startPair({ rpo_bytes: 0, on_peer_loss: 'block', rpo_wait_timeout: '400ms' });
  startJava();
  await waitAcknowledged(pair.a, 200);
  const { seenAt } = await kill(pair.a);
  await java.waitFor('node B to refuse', (lines) =>
    failedOf(lines.slice(seenAt)).filter(({ errno }) => errno === 1205).length >= 3
      ? true
      : undefined,
  );
  const alone = java.lines.slice(seenAt);
  expect(acknowledgedOf(alone)).toEqual([]);

  const startedAtMs = Date.now();
  await pair.restart(pair.a);
  const [next] = await waitAcknowledged(pair.b, 200);
  figure(
    `Connector/J, block: the next acknowledged write ${next!.atMs - startedAtMs} ms after the start of the killed node`,
  );
  expect(acknowledgedOf(java.lines).filter(({ message }) => message !== undefined)).toEqual([]);
  await expectNothingLost();
});

test('1205 is an exception that invites to try again: the budget is full and the peer gone', async () => {
  await startPair({ rpo_bytes: 4_096, on_peer_loss: 'block', rpo_wait_timeout: '400ms' });
  await pair.b.kill('SIGKILL');
  await pair.a.waitStatus(
    'to miss its peer',
    ({ replication }) => replication.repl_state === 'lost',
  );
  startJava();
  const [refused] = await java.waitFor('refusals', (lines) => {
    const failed = failedOf(lines);
    return failed.length >= 2 ? failed : undefined;
  });
  expect(refused).toMatchObject({
    exception: 'com.mysql.cj.jdbc.exceptions.MySQLTransactionRollbackException',
    isRollback: true,
    errno: 1205,
    sqlState: '40001',
    message: /not applied/i,
    // It does not run to another node, which could not take the write either.
    host: hostOf(pair.a),
  });
  const acknowledged = acknowledgedOf(java.lines).length;
  expect(acknowledged).toBeGreaterThan(0);
  expect(await numbersOf(pair.a)).toHaveLength(acknowledged);

  await pair.restart(pair.b);
  await waitAcknowledged(pair.a, 50);
  await expectNothingLost();
});

test('1180 is an exception that does not: the row is stored, and the confirmation does not come', async () => {
  // Silence is not yet loss: the write is taken, and then waits.
  await startPair({ rpo_bytes: 0, dead_after: '20s', rpo_wait_timeout: '400ms' });
  startJava();
  await waitAcknowledged(pair.a, 50);
  pair.silenceLink();
  const [stored] = await java.waitFor('an error', (lines) => {
    const failed = failedOf(lines);
    return failed.length >= 1 ? failed : undefined;
  });
  expect(stored).toMatchObject({
    exception: 'java.sql.SQLException',
    isRollback: false,
    errno: 1180,
    sqlState: 'HY000',
    message: /stored on this node/,
    host: hostOf(pair.a),
  });
  pair.healLink();
  await waitAcknowledged(pair.a, 50);
  await expectNothingLost();
  // Not confirmed in time, and there in the end, on both.
  const storedNumbers = failedOf(java.lines)
    .filter(({ errno }) => errno === 1180)
    .map(({ number }) => number);
  expect(await numbersOf(pair.b)).toEqual(expect.arrayContaining(storedNumbers));
});
