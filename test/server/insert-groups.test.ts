/** Many clients that commit row by row: their rows share writes, and none of them can tell. */

import type { Connection } from 'mysql2/promise';
import { NotAppliedError } from '../../replication/index.js';
import type { Acknowledgement } from '../../replication/index.js';
import { InsertGroups, type GroupedInsert } from '../../src/server/insert-groups.js';
import type { BufferedSection } from '../../src/server/write-buffer.js';
import { WriteBuffer } from '../../src/server/write-buffer.js';
import { cellOf, cellsOf, failureOf, run, type ServerError } from '../support/typed-query.js';
import { waitUntil } from '../support/bounded-wait.js';
import { SingleNode } from './support/single-node.js';

const CLIENTS = 16;
const CREATE =
  'CREATE TABLE t (host VARCHAR(20), ts TIMESTAMP(3) TIME INDEX, v DOUBLE, w DOUBLE, PRIMARY KEY (host))';

let node: SingleNode;
let client: Connection;

beforeEach(async () => {
  node = await SingleNode.start();
  client = await node.connect();
  await run(client, 'CREATE DATABASE d');
  await run(client, 'USE d');
  await run(client, CREATE);
});

afterEach(async () => {
  const { bugs } = node;
  await node.stop();
  expect(bugs).toEqual([]);
});

/** Records written while `action` runs. */
async function recordsOf(action: () => Promise<unknown>): Promise<number> {
  const before = node.writer.records.length;
  await action();
  return node.writer.records.length - before;
}

describe('sessions', () => {
  let clients: readonly Connection[];

  /** All clients at once, each with its statement. */
  function all(statement: (index: number) => string): Promise<unknown> {
    return Promise.all(clients.map((each, index) => run(each, statement(index))));
  }

  /** The same, and each comes when the one before is under way: between connections nothing else says which is first. */
  async function inOrder(statement: (index: number) => string): Promise<void> {
    let open = (): void => undefined;
    node.writer.gate = new Promise((resolve) => (open = resolve));
    const written: Promise<unknown>[] = [];
    for (const [index, each] of clients.entries()) {
      written.push(run(each, statement(index)));
      await waitUntil(`${index + 1} clients to be under way`, async () => {
        const running = await cellOf(
          client,
          "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'INSERT%'",
        );
        return [running === index + 1, running];
      });
    }
    open();
    await Promise.all(written);
  }

  /** So many statements are under way at once that the next ones are worth waiting for. */
  async function crowd(): Promise<void> {
    await inOrder((index) => `INSERT INTO t VALUES ('crowd${index}', 0, 0, 0)`);
    await run(client, "DELETE FROM t WHERE host LIKE 'crowd%'");
  }

  beforeEach(async () => {
    clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => node.connect({ database: 'd' })),
    );
    await crowd();
  });

  test('share records, and each has its answer', async () => {
    const records = await recordsOf(async () => {
      const answers = await Promise.all(
        clients.map((each, index) =>
          run(each, `INSERT INTO t VALUES ('h${index}', ${index}, ${index}, NULL)`),
        ),
      );
      expect(answers.map(({ affectedRows }) => affectedRows)).toEqual(clients.map(() => 1));
    });
    expect(records).toBeLessThanOrEqual(CLIENTS / 4);
    expect(await cellsOf(client, 'SELECT COUNT(*), COUNT(DISTINCT host), SUM(v) FROM t')).toEqual([
      [16, 16, 120],
    ]);
  });

  test('prepared ones and those of several rows, too', async () => {
    const records = await recordsOf(() =>
      Promise.all(
        clients.map(async (each, index) => {
          const sql = 'INSERT INTO t (host, ts, v) VALUES (?, ?, ?), (?, ?, ?)';
          const time = '1970-01-01 00:00:00';
          const [answer] = await each.execute(sql, ['a', time, 1, `b${index}`, time, 2]);
          expect(answer).toMatchObject({ affectedRows: 2, info: expect.stringContaining('2') });
        }),
      ),
    );
    expect(records).toBeLessThanOrEqual(CLIENTS / 2);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(17);
  });

  test('an error is that of its own statement', async () => {
    const outcomes = await Promise.allSettled(
      clients.map((each, index) =>
        run(each, `INSERT INTO t VALUES ('h${index}', 0, ${index % 4 === 1 ? "'x'" : 1}, 0)`),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(
      clients.map((_, index) => (index % 4 === 1 ? 'rejected' : 'fulfilled')),
    );
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(12);
  });

  test('of rows of one identity the one that came last is there', async () => {
    await inOrder((index) => `INSERT INTO t VALUES ('same', 1, ${index}, ${index})`);
    expect(await cellsOf(client, 'SELECT v, w FROM t')).toEqual([[15, 15]]);
  });

  test('the fields of a table that keeps the last that is not NULL are merged', async () => {
    await run(client, `${CREATE.replace(' t ', ' m ')} WITH (merge_mode = 'last_non_null')`);
    await all((index) => `INSERT INTO m VALUES ('a', 1, ${index < 8 ? '5, NULL' : 'NULL, 6'})`);
    await all((index) => `INSERT INTO m VALUES ('b', 1, ${index < 8 ? '5, NULL' : 'NULL, 6'})`);
    expect(await cellsOf(client, 'SELECT host, v, w FROM m ORDER BY host')).toEqual([
      ['a', 5, 6],
      ['b', 5, 6],
    ]);
  });

  test('a failure of the write is told to all that share it', async () => {
    node.writer.failNext = new NotAppliedError('budget-full', 'not applied: the budget is full');
    const outcomes = await Promise.all(
      clients.map((each, index) =>
        run(each, `INSERT INTO t VALUES ('h${index}', 0, 0, 0)`).then(
          () => 0,
          (error: unknown) => (error as ServerError).errno,
        ),
      ),
    );
    const refused = outcomes.filter((errno) => errno === 1205).length;
    expect(refused).toBeGreaterThan(1);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(CLIENTS - refused);
  });

  test('an acknowledgement beyond the budget is a warning for each', async () => {
    node.writer.warning = 'degraded';
    await all((index) => `INSERT INTO t VALUES ('h${index}', 0, 0, 0)`);
    const warnings = await Promise.all(clients.map((each) => cellsOf(each, 'SHOW WARNINGS')));
    expect(warnings.map((rows) => rows.map(([, code]) => Number(code)))).toEqual(
      clients.map(() => [1105]),
    );
  });

  test('a session with a budget of its own, or in a transaction, writes its own record', async () => {
    await Promise.all(clients.slice(0, 8).map((each) => run(each, 'SET SESSION rpo_bytes = 0')));
    await Promise.all(clients.slice(8).map((each) => run(each, 'SET autocommit = 0')));
    const records = await recordsOf(async () => {
      await all((index) => `INSERT INTO t VALUES ('h${index}', 0, 0, 0)`);
      await all(() => 'COMMIT');
    });
    expect(records).toBe(CLIENTS);
  });

  test('without room in the budget each waits for itself', async () => {
    node.writer.roomBytes = 0;
    const records = await recordsOf(() =>
      all((index) => `INSERT INTO t VALUES ('h${index}', 0, ${index}, 0)`),
    );
    expect(records).toBe(CLIENTS);
    expect(await cellsOf(client, 'SELECT COUNT(*), SUM(v) FROM t')).toEqual([[16, 120]]);
  });

  test('near storage.max_series each is counted for itself', async () => {
    await node.stop();
    node = await SingleNode.start({ maxSeries: CLIENTS + 4 });
    client = await node.connect();
    await run(client, 'CREATE DATABASE d');
    await run(client, 'USE d');
    await run(client, CREATE);
    clients = await Promise.all(clients.map(() => node.connect({ database: 'd' })));
    await crowd();
    const outcomes = await Promise.allSettled(
      clients.map((each, index) => run(each, `INSERT INTO t VALUES ('new${index}', 0, 0, 0)`)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    await all((index) => `INSERT INTO t VALUES ('crowd${index}', 0, 0, 0)`);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(CLIENTS + 4);
  });
});

describe('a group', () => {
  /** Ends a turn of the event loop. */
  let endTurn: () => void;
  let groups: InsertGroups;

  beforeEach(() => {
    const waiting: (() => void)[] = [];
    endTurn = () => {
      for (const resolve of waiting.splice(0)) resolve();
    };
    const timers = {
      ...node.context.timers,
      yieldTurn: () => new Promise<void>((resolve) => waiting.push(resolve)),
    };
    groups = new InsertGroups({ ...node.context, timers });
  });

  /** An INSERT of a row, from its last row to its end. */
  class Statement implements GroupedInsert {
    readonly table = node.context.catalog.table('d', 't')!;
    readonly outcome: Promise<Acknowledgement | null> | null;
    isAborted = false;
    wasAlone = false;
    readonly host: string;
    readonly #turn;

    constructor(host: string) {
      this.host = host;
      const { schema } = this.table.parts[0];
      const batch = node.context.batches.take(schema);
      const bytes = Buffer.from(host);
      batch.setBytes(0, bytes, 0, bytes.length);
      batch.setTime(1, 0, 0);
      batch.setNumber(2, 1);
      batch.setNumber(3, 2);
      batch.endRow();
      this.#turn = groups.begin(schema);
      this.outcome = groups.join(this, batch);
      batch.clear();
      node.context.batches.give(batch);
    }

    writeAlone(section: BufferedSection): Promise<Acknowledgement | null> {
      this.wasAlone = true;
      const { context } = node;
      const signal = (): { readonly aborted: boolean } & AbortSignal =>
        this.isAborted ? AbortSignal.abort() : new AbortController().signal;
      const writes = new WriteBuffer({ context, keep: false, signal, rpoBytes: null });
      void writes.add(section);
      return writes.commit();
    }

    end(): void {
      this.#turn.ended();
    }
  }

  async function endTurns(): Promise<void> {
    endTurn();
    await new Promise(setImmediate);
    endTurn();
    await new Promise(setImmediate);
  }

  const many = (count: number, name = 'h'): Statement[] =>
    Array.from({ length: count }, (_, index) => new Statement(`${name}${index}`));
  const hosts = async (): Promise<unknown[]> =>
    (await cellsOf(client, 'SELECT host FROM t ORDER BY host')).map(([host]) => host);
  /** Some statements under way that write alone: companions of those to come. */
  const companions = (count: number): Statement[] => {
    const statements = many(count, 'companion');
    return statements.filter(({ outcome }) => outcome === null);
  };

  test('a few statements have none', () => {
    expect(many(7).map(({ outcome }) => outcome)).toEqual(Array.from({ length: 7 }, () => null));
  });

  test('is written when half of all under way are in it', async () => {
    expect(companions(7)).toHaveLength(7);
    const records = await recordsOf(async () => {
      // With each of these one more is under way: the seventh makes half of fourteen.
      const members = many(8);
      await Promise.all(members.slice(0, 7).map(({ outcome }) => outcome!));
      expect(members.map(({ wasAlone }) => wasAlone)).toEqual(members.map(() => false));
    });
    expect(records).toBe(1);
    expect(await hosts()).toEqual(['h0', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6']);
  });

  test('waits for the rest of the turn and the next one, and no longer', async () => {
    companions(7);
    const members = many(2);
    const settled: string[] = [];
    for (const { host, outcome } of members) void outcome!.then(() => settled.push(host));
    endTurn();
    expect(await hosts()).toEqual([]);
    endTurn();
    await Promise.all(members.map(({ outcome }) => outcome!));
    expect(settled).toEqual(['h0', 'h1']);
    expect(await hosts()).toEqual(['h0', 'h1']);
  });

  test('forgets how many were under way: two groups later a statement that is alone writes alone', async () => {
    const crowd = [...companions(7), ...many(2)];
    await endTurns();
    for (const statement of crowd) statement.end();
    const wasJoined: boolean[] = [];
    for (const name of ['a', 'b', 'c']) {
      const [statement] = many(1, name);
      wasJoined.push(statement!.outcome !== null);
      await endTurns();
      await statement!.outcome;
      statement!.end();
    }
    expect(wasJoined).toEqual([true, true, false]);
  });

  test('a statement killed meanwhile is not applied; the others are, each for itself', async () => {
    companions(7);
    const members = many(4);
    members[1]!.isAborted = true;
    const settled = Promise.allSettled(members.map(({ outcome }) => outcome!));
    await endTurns();
    const outcomes = await settled;
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(await failureOf(members[1]!.outcome!)).toMatchObject({ errno: 1205 });
    expect(members.map(({ wasAlone }) => wasAlone)).toEqual(members.map(() => true));
    expect(await hosts()).toEqual(['h0', 'h2', 'h3']);
  });

  test('in a table that a DELETE has for itself each waits for itself', async () => {
    companions(7);
    const { guards } = node.context;
    const { tableId } = node.context.catalog.table('d', 't')!.parts[0];
    const leave = await guards.alone(tableId);
    const members = many(7);
    expect(members.map(({ wasAlone }) => wasAlone)).toEqual(members.map(() => true));
    leave();
    await Promise.all(members.map(({ outcome }) => outcome!));
    expect(await hosts()).toHaveLength(7);
  });

  test('of a table that is dropped meanwhile is refused: there is no such table', async () => {
    companions(7);
    const failures = Promise.all(many(3).map(({ outcome }) => failureOf(outcome!)));
    await run(client, 'DROP TABLE t');
    await endTurns();
    expect((await failures).map(({ errno }) => errno)).toEqual([1146, 1146, 1146]);
  });
});
