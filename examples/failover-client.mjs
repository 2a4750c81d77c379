// A client that knows both nodes of a pair, with mysql2: it writes a reading every 100 ms, stays with a node until that one
// fails, and sends again to the other what was not answered. Sending again is harmless, since a row with the same tags and
// time is the same row. Start a pair with `npm start`, run this, and kill a node:
//
//   node examples/failover-client.mjs
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import mysql from 'mysql2/promise';

const NODES = [
  { host: '127.0.0.1', port: 4002 },
  { host: '127.0.0.1', port: 4003 },
];
/** Not applied: the budget was full. The same node may take it at the next try. */
const NOT_APPLIED = 1205;
/** Stored on that node, the peer has not confirmed: done, and at risk while the peer is away. */
const STORED = 1180;

let current = 0;
let connection = null;

async function connect() {
  const opened = await mysql.createConnection({
    ...NODES[current],
    user: 'root',
    connectTimeout: 2_000,
  });
  // A broken connection also fails the statement in flight, and that error is the one to act on.
  opened.on('error', () => {});
  return opened;
}

/** Runs a statement on one node or the other; throws what no retry can heal. */
async function run(sql, values) {
  for (;;) {
    try {
      connection ??= await connect();
      const [result] = await connection.query({ sql, values, timeout: 30_000 });
      return { node: NODES[current].port, warned: result.warningStatus > 0 };
    } catch (error) {
      if (error.errno === NOT_APPLIED) continue;
      if (error.errno === STORED) return { node: NODES[current].port, warned: true };
      const isStatement = error.sqlState !== undefined && !error.sqlState.startsWith('08');
      if (isStatement && error.fatal !== true) throw error;
      connection?.destroy();
      connection = null;
      current = (current + 1) % NODES.length;
      await pause(100);
    }
  }
}

await run('CREATE DATABASE IF NOT EXISTS example');
await run(`CREATE TABLE IF NOT EXISTS example.load1 (
  host VARCHAR(64), ts TIMESTAMP(3) NOT NULL, value DOUBLE, TIME INDEX (ts), PRIMARY KEY (host))`);

let last = null;
for (let written = 1; ; written += 1) {
  const { node, warned } = await run('INSERT INTO example.load1 VALUES (?, ?, ?)', [
    'here',
    new Date(),
    loadavg()[0],
  ]);
  const state = `node on port ${node}${warned ? ', with a warning: the peer does not have it yet' : ''}`;
  if (state !== last) process.stdout.write(`reading ${written}: ${state}\n`);
  last = state;
  await pause(100);
}
