/**
 * What a transaction's statements read of its own writes: everything, in order, however often they look, and each look costs what was
 * written since the one before.
 */

import type { Connection } from 'mysql2/promise';
import { WriteBuffer } from '../../src/server/write-buffer.js';
import { SeededRandom } from '../support/seeded-random.js';
import { cellOf, cellsOf, failureOf, run } from '../support/typed-query.js';
import { SingleNode } from './support/single-node.js';

const CPU =
  'CREATE TABLE cpu (host VARCHAR(20), ts TIMESTAMP TIME INDEX, n INT NOT NULL, PRIMARY KEY (host))';

let node: SingleNode;
let client: Connection;
let other: Connection;

beforeEach(async () => {
  node = await SingleNode.start({ maxRecordBytes: 64 * 1024, memtableBytes: 4 * 1024 * 1024 });
  client = await node.connect();
  await run(client, 'CREATE DATABASE d');
  await run(client, 'USE d');
  await run(client, CPU);
  other = await node.connect({ database: 'd' });
});

afterEach(async () => {
  jest.restoreAllMocks();
  const { bugs } = node;
  await node.stop();
  expect(bugs).toEqual([]);
});

describe('a SELECT goes on from what the one before has staged', () => {
  /** From which section on the next statement stages. */
  async function stagedFrom(sql = 'SELECT COUNT(*) FROM cpu'): Promise<number> {
    const bodies = jest.spyOn(WriteBuffer.prototype, 'bodies');
    await cellsOf(client, sql);
    const [from] = bodies.mock.calls[0]!;
    bodies.mockRestore();
    return from;
  }

  beforeEach(async () => {
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu VALUES ('a', 1, 1)");
    expect(await stagedFrom()).toBe(0);
  });

  test('when nothing was written, and when more was', async () => {
    expect(await stagedFrom()).toBe(1);
    await run(client, "INSERT INTO cpu VALUES ('b', 1, 1)");
    await run(client, "INSERT INTO cpu VALUES ('c', 1, 1)");
    expect(await stagedFrom()).toBe(1);
    expect(await stagedFrom()).toBe(3);
  });

  test('when a statement failed that had written nothing yet', async () => {
    await failureOf(client.query("INSERT INTO cpu VALUES ('b', 1, 'x')"));
    expect(await stagedFrom()).toBe(1);
  });

  test('not when a DELETE took some of it back', async () => {
    await run(client, "INSERT INTO cpu VALUES ('b', 1, 1)");
    await run(client, "DELETE FROM cpu WHERE host = 'a'");
    expect(await stagedFrom()).toBe(0);
  });

  test('when others write rows, but not when they create series in the table', async () => {
    await run(
      other,
      'CREATE TABLE mem (host VARCHAR(20), ts TIMESTAMP TIME INDEX, PRIMARY KEY (host))',
    );
    await run(other, "INSERT INTO mem VALUES ('x', 1)");
    expect(await stagedFrom()).toBe(1);
    await run(other, "INSERT INTO cpu VALUES ('x', 1, 1)");
    expect(await stagedFrom()).toBe(0);
    await run(other, "INSERT INTO cpu VALUES ('x', 2, 1)");
    expect(await stagedFrom()).toBe(1);
  });

  test('in the next transaction there is nothing left of it', async () => {
    await run(client, 'ROLLBACK');
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu VALUES ('b', 1, 1)");
    expect(await stagedFrom()).toBe(0);
    expect(await cellsOf(client, 'SELECT host FROM cpu')).toEqual([['b']]);
  });

  test('but for what takes more memory than may wait for a client', async () => {
    for (let part = 0; part < 12; part += 1) {
      const rows = Array.from({ length: 8000 }, (_, row) => `('h', ${part * 8000 + row}, 1)`);
      await run(client, `INSERT INTO cpu VALUES ${rows.join()}`);
    }
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(96_001);
    expect(await stagedFrom()).toBe(0);
    expect(await stagedFrom()).toBe(0);
  });
});

/** Rows by host and instant, of the whole table. */
type Rows = Map<string, number>;

/** `SEEDS=200 npx jest test/server/own-reads` runs more. */
const SEEDS = Array.from({ length: Number(process.env['SEEDS'] ?? 6) }, (_, index) => index + 1);

test.each(SEEDS)('reads see their own writes: seed %i, against a model', async (seed) => {
  const random = new SeededRandom(seed);
  let committed: Rows = new Map();
  let mine: Rows | null = null;
  let strangers = 0;
  const values = (rows: Rows): string =>
    [...rows].map(([key, n]) => `('${key.replace('/', "', ")}, ${n})`).join();
  const someRows = (): Rows =>
    new Map(
      Array.from({ length: random.integer(1, 6) }, () => [
        `${random.pick(['a', 'b', `own${random.integer(0, 5)}`])}/${random.integer(0, 8)}`,
        random.integer(0, 99),
      ]),
    );
  for (let step = 0; step < 80; step += 1) {
    if (mine === null) {
      await run(client, 'BEGIN');
      mine = new Map(committed);
    }
    const choice = random.integer(0, 19);
    if (choice < 7) {
      const rows = someRows();
      await run(client, `INSERT INTO cpu VALUES ${values(rows)}`);
      for (const [key, n] of rows) mine.set(key, n);
    } else if (choice < 9) {
      await failureOf(client.query(`INSERT INTO cpu VALUES ${values(someRows())}, ('a', 1, NULL)`));
    } else if (choice < 11) {
      const host = random.pick(['a', 'own1', 'own2']);
      await run(client, `DELETE FROM cpu WHERE host = '${host}'`);
      for (const key of [...mine.keys()]) if (key.startsWith(`${host}/`)) mine.delete(key);
    } else if (choice < 13) {
      // A host that the transaction never touches, known or new.
      if (random.chance(0.5)) strangers += 1;
      const key = `other${strangers}/${step}`;
      await run(other, `INSERT INTO cpu VALUES ${values(new Map([[key, step]]))}`);
      committed.set(key, step);
      mine.set(key, step);
    } else if (choice === 13) {
      const isKept = random.chance(0.5);
      await run(client, isKept ? 'COMMIT' : 'ROLLBACK');
      if (isKept) committed = mine;
      expect(await shownTo(other)).toEqual(printed(committed));
      mine = null;
      continue;
    } else {
      expect({ step, rows: await shownTo(client) }).toEqual({ step, rows: printed(mine) });
    }
    if (step % 8 === 0) expect(await shownTo(other)).toEqual(printed(committed));
  }
});

function printed(rows: Rows): string[] {
  return [...rows].map(([key, n]) => `${key}=${n}`).sort();
}

async function shownTo(connection: Connection): Promise<string[]> {
  const rows = await cellsOf(connection, 'SELECT host, UNIX_TIMESTAMP(ts) * 1000, n FROM cpu');
  return rows.map(([host, ts, n]) => `${String(host)}/${Number(ts)}=${String(n)}`).sort();
}
