/**
 * How long others wait for a node while it reads and runs one very long statement: the slowest of the pings that another connection sends
 * meanwhile. A ping is answered in the turn of the event loop in which it arrives, so this is about the longest turn.
 *
 * `node dist/bench/long-statements.js [--repetitions N] [--only WORD]`
 */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { createConnection, type Connection } from 'mysql2/promise';
import { TwintideServers } from './twintide-servers.js';

const many = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(',');

const COLUMNS = 1000;
const createWide = (table: string): string =>
  `CREATE TABLE ${table} (ts TIMESTAMP(3) TIME INDEX, ${many(COLUMNS - 1, (n) => `c${n} BIGINT`)})`;

const CASES: readonly {
  readonly name: string;
  readonly sql: string;
  readonly before?: string;
  readonly isPrepared?: boolean;
}[] = [
  { name: 'nothing', sql: 'DO_NOTHING' },
  {
    name: 'IN of 200,000 integers',
    sql: `SELECT * FROM t WHERE v IN (${many(200_000, (n) => String(1_000_000 + n * 7))})`,
  },
  {
    name: 'IN of 50,000 strings',
    sql: `SELECT * FROM t WHERE host IN (${many(50_000, (n) => `'host_${n}'`)})`,
  },
  {
    name: '65,535 parameters, prepared',
    sql: `INSERT INTO t VALUES ${many(21_845, () => '(?, ?, ?)')}`,
    isPrepared: true,
  },
  { name: '4,096 expressions', sql: `SELECT ${many(4096, (n) => `v + ${n} AS c${n}`)} FROM t` },
  {
    name: 'CREATE TABLE, 1,000 columns',
    sql: createWide('wide'),
    before: 'DROP TABLE IF EXISTS wide',
  },
  {
    name: 'INSERT, 1,000 rows of 1,000 columns',
    sql: `INSERT INTO rows_1000 VALUES ${many(1000, (row) => `(${1_700_000_000_000 + row}, ${many(COLUMNS - 1, (n) => String(row + n))})`)}`,
  },
];

const { values } = parseArgs({
  options: { repetitions: { type: 'string', default: '7' }, only: { type: 'string', default: '' } },
});

const servers = await TwintideServers.standalone();
const port = servers.ports[0]!;
const pings = new Worker(new URL('ping-worker.js', import.meta.url), { workerData: port });
try {
  const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' });
  for (const sql of [
    'CREATE DATABASE d',
    'USE d',
    'CREATE TABLE t (host VARCHAR(64), ts TIMESTAMP(3) TIME INDEX, v BIGINT, PRIMARY KEY (host))',
    "INSERT INTO t VALUES ('host_1', 1, 1000007), ('host_2', 2, 2)",
    createWide('rows_1000'),
  ]) {
    await connection.query(sql);
  }
  for (const { name, sql, before, isPrepared } of CASES) {
    if (!name.includes(values.only)) continue;
    const slowest: number[] = [];
    let elapsedMs = 0;
    for (let repetition = 0; repetition < Number(values.repetitions); repetition += 1) {
      if (before !== undefined) await connection.query(before);
      await slowestPing();
      const start = performance.now();
      // The driver would keep what it has prepared before.
      await run(connection, `${sql} -- ${repetition}`, isPrepared === true);
      elapsedMs = performance.now() - start;
      slowest.push(await slowestPing());
    }
    const [first, ...others] = slowest;
    const sorted = others.sort((a, b) => a - b);
    const shown = [first, sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
    const [cold, least, median, most] = shown.map((ms) => ms?.toFixed(1) ?? '-');
    console.log(
      `${name.padEnd(36)} first ${cold} ms, then ${median} [${least}, ${most}] ms of ${elapsedMs.toFixed(0)} ms`,
    );
  }
  connection.destroy();
} finally {
  await pings.terminate();
  await servers.stop();
}

async function run(connection: Connection, sql: string, isPrepared: boolean): Promise<void> {
  if (sql.startsWith('DO_NOTHING')) await new Promise((resolve) => setTimeout(resolve, 300));
  else if (isPrepared) await (await connection.prepare(sql)).close();
  else await connection.query(sql);
}

/** Since it was last asked for, in ms. */
async function slowestPing(): Promise<number> {
  pings.postMessage(null);
  const [ms] = (await once(pings, 'message')) as [number];
  return ms;
}
