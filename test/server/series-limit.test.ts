/** storage.max_series against a simple model, and as clients see it. */

import * as fc from 'fast-check';
import type { Connection } from 'mysql2/promise';
import { NotAppliedError } from '../../replication/index.js';
import {
  ColumnRole,
  ColumnType,
  encodeWriteBody,
  RowBatch,
  type TableSchema,
} from '../../storage/index.js';
import { SeriesClaim, SeriesLimit, type SeriesSection } from '../../src/server/series-limit.js';
import { waitUntil } from '../support/bounded-wait.js';
import { cellOf, cellsOf, failureOf, run } from '../support/typed-query.js';
import { SingleNode } from './support/single-node.js';

const SCHEMA: TableSchema = {
  tableId: 7,
  appendMode: false,
  partitionMs: 0,
  columns: [
    { id: 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 2, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
  ],
};

/** A write under way, and the series that its rows belong to. */
interface Write {
  readonly claim: SeriesClaim;
  readonly names: readonly string[];
  position: number | null;
}

/** A node in three sets: what it has, what is on its way, what must not happen. */
class Model {
  readonly live = new Set<string>();
  readonly writes: Write[] = [];
  readonly limit: SeriesLimit;
  applied = 0;
  refused = 0;
  #sequence = 0;

  readonly max: number;

  constructor(max: number) {
    this.max = max;
    const newSeries = async (bytes: Uint8Array): Promise<string[]> => {
      // Paces: the answer comes turns later.
      await Promise.resolve();
      return namesIn(bytes).filter((name) => !this.live.has(name));
    };
    this.limit = new SeriesLimit(
      {
        seriesCount: () => this.live.size,
        // As with a row that is put off.
        seriesCountMax: () => this.live.size + 1,
        newSeries,
        isApplied: ({ sequence }) => sequence <= this.applied,
      },
      max,
    );
  }

  /** Series there will be when everything under way is applied, and these. */
  reach(names: readonly string[]): number {
    return new Set([...this.live, ...this.writes.flatMap((write) => write.names), ...names]).size;
  }

  async begin(names: readonly string[], sectionCount: number): Promise<void> {
    const before = this.reach([]);
    const after = this.reach(names);
    const claim = new SeriesClaim();
    try {
      const sections = sectionsOf(names, sectionCount);
      if (!this.limit.takeUncounted(claim, sections)) await this.limit.takeCounted(claim, sections);
    } catch (error) {
      this.limit.notApplied(claim);
      this.refused += 1;
      expect(error).toMatchObject({ errno: 3170, sqlState: 'HY000' });
      // Nobody is refused for nothing.
      expect(after).toBeGreaterThan(this.max);
      expect(after).toBeGreaterThan(before);
      return;
    }
    // Nobody passes the limit, alone or together, but those that create nothing.
    if (after > before) expect(after).toBeLessThanOrEqual(this.max);
    this.writes.push({ claim, names, position: null });
  }

  end(index: number, how: 'applied' | 'notApplied' | 'unconfirmed'): void {
    const write = this.writes[index % Math.max(1, this.writes.length)];
    if (write === undefined || write.position !== null) return;
    if (how === 'unconfirmed') {
      this.#sequence += 1;
      write.position = this.#sequence;
      this.limit.unconfirmed(write.claim, { incarnation: 'i', sequence: write.position });
      // A session gives up whatever failed.
      this.limit.notApplied(write.claim);
      return;
    }
    if (how === 'applied') for (const name of write.names) this.live.add(name);
    this.limit[how](write.claim);
    this.writes.splice(this.writes.indexOf(write), 1);
  }

  /** What was stored and not confirmed becomes visible. */
  confirm(): void {
    for (const write of this.writes.filter(({ position }) => position !== null)) {
      for (const name of write.names) this.live.add(name);
      this.writes.splice(this.writes.indexOf(write), 1);
    }
    this.applied = this.#sequence;
  }
}

function namesIn(bytes: Uint8Array): string[] {
  return [...bytes].map((byte) => `s${byte}`);
}

function sectionsOf(names: readonly string[], count: number): SeriesSection[] {
  const sections: SeriesSection[] = [];
  for (let index = 0; index < count; index++) {
    const own = names.filter((_, place) => place % count === index);
    const bytes = Uint8Array.from(own.map((name) => Number(name.slice(1))));
    sections.push({ bytes, schema: SCHEMA, seriesCount: own.length });
  }
  return sections;
}

const someNames = fc
  .uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 8 })
  .map((ids) => ids.map((id) => `s${id}`));

const step = fc.oneof(
  fc.record({
    do: fc.constant('begin' as const),
    names: someNames,
    sections: fc.constantFrom(1, 2),
  }),
  fc.record({
    do: fc.constant('end' as const),
    how: fc.constantFrom('applied', 'notApplied', 'unconfirmed'),
    index: fc.nat({ max: 5 }),
  }),
  fc.record({ do: fc.constant('confirm' as const) }),
  fc.record({ do: fc.constant('drop' as const) }),
  fc.record({
    do: fc.constant('peer' as const),
    // Some of its own, some that writes here bring too.
    ids: fc.array(fc.oneof(fc.integer({ min: 100, max: 104 }), fc.nat(30))),
  }),
);

test('writes under way never pass the limit together, and none is refused for less', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.array(step, { minLength: 5, maxLength: 60 }),
      async (max, steps) => {
        const model = new Model(max);
        for (const each of steps) {
          if (each.do === 'begin') await model.begin(each.names, each.sections);
          else if (each.do === 'confirm') model.confirm();
          else if (each.do === 'peer') for (const id of each.ids) model.live.add(`s${id}`);
          else if (each.do === 'drop') {
            // What is on its way to a table that was dropped is refused elsewhere.
            if (model.writes.length === 0) model.live.clear();
          } else model.end(each.index, each.how);
        }
        refused += model.refused;
      },
    ),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(100);
});

describe('over the wire', () => {
  let node: SingleNode;
  let client: Connection;

  beforeEach(async () => {
    node = await SingleNode.start({ maxSeries: 10, maxRecordBytes: 64 * 1024 });
    client = await node.connect();
    await run(client, 'CREATE DATABASE d');
    await run(client, 'USE d');
    await run(
      client,
      'CREATE TABLE t (host VARCHAR(8), ts TIMESTAMP TIME INDEX, v INT, PRIMARY KEY (host))',
    );
  });

  afterEach(async () => {
    const { bugs } = node;
    await node.stop();
    expect(bugs).toEqual([]);
  });

  const rows = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, at) => `('h${from + at}', '2026-01-01', 1)`).join(', ');
  const insert = (from: number, to: number): string => `INSERT INTO t VALUES ${rows(from, to)}`;
  const written = (): number => node.writer.records.filter(({ kind }) => kind !== 'ddl').length;

  test('up to the limit and not one beyond: 3170, not applied, and the connection lives on', async () => {
    await run(client, insert(0, 8));
    const before = written();
    const refusal = await failureOf(client.query(insert(7, 11)));
    expect([refusal.errno, refusal.sqlState]).toEqual([3170, 'HY000']);
    expect(refusal.message).toBe(
      'Write not applied: its rows bring 3 new series, and storage.max_series = 10 (8 are there now)',
    );
    expect(written()).toBe(before);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(8);
    await run(client, insert(7, 10));
    await run(client, "INSERT INTO t VALUES ('h9', '2026-01-02', 2), ('h0', '2026-01-02', 2)");
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(12);
  });

  test('prepared statements, and the limit counts all tables', async () => {
    await run(client, insert(0, 10));
    await run(client, 'CREATE TABLE u (k INT, ts TIMESTAMP TIME INDEX, PRIMARY KEY (k))');
    const sql = "INSERT INTO u VALUES (?, '2026-01-01')";
    expect(await failureOf(client.execute(sql, [1]))).toMatchObject({ errno: 3170 });
    await run(client, 'DROP TABLE t');
    await client.execute(sql, [1]);
    expect(await cellOf(client, 'SELECT k FROM u')).toBe(1);
  });

  test('a transaction is refused at its COMMIT, as a whole', async () => {
    await run(client, 'BEGIN');
    await run(client, insert(0, 6));
    await run(client, insert(6, 12));
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(12);
    expect(await failureOf(client.query('COMMIT'))).toMatchObject({ errno: 3170 });
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(0);
  });

  test('a statement of many records is refused as a whole, whatever was shipped', async () => {
    await run(client, 'CREATE TABLE w (h INT, ts TIMESTAMP TIME INDEX, s TEXT, PRIMARY KEY (h))');
    const hosts = (count: number, last: number): string =>
      Array.from({ length: count }, (_, at) => {
        const host = at === count - 1 ? last : at % 9;
        return `(${host}, '2026-01-01 00:${10 + Math.floor(at / 60)}:${10 + (at % 50)}', '${'x'.repeat(100)}${at}')`;
      }).join(', ');
    await run(client, `INSERT INTO w VALUES ${hosts(2_000, 9)}`);
    const before = written();
    const refusal = failureOf(client.query(`INSERT INTO w VALUES ${hosts(2_000, 10)}`));
    expect(await refusal).toMatchObject({ errno: 3170 });
    const kinds = node.writer.records.filter(({ kind }) => kind !== 'ddl').map(({ kind }) => kind);
    expect(new Set(kinds.slice(before))).toEqual(new Set(['part', 'abort']));
    expect(await cellOf(client, 'SELECT MAX(h) FROM w')).toBe(9);
  });

  test('writes that wait at the gate hold their place', async () => {
    const other = await node.connect({ database: 'd' });
    let open = (): void => undefined;
    node.writer.gate = new Promise((resolve) => {
      open = resolve;
    });
    const before = written();
    const waiting = run(client, insert(0, 7));
    await waitUntil('the first write to be appended', () =>
      Promise.resolve([written() > before, written()]),
    );
    expect(await failureOf(other.query(insert(5, 11)))).toMatchObject({ errno: 3170 });
    const fits = run(other, insert(5, 10));
    open();
    await Promise.all([waiting, fits]);
    expect(await cellOf(other, 'SELECT COUNT(*) FROM t')).toBe(10);
  });

  test('a write that failed gives its place back', async () => {
    node.writer.failNext = new NotAppliedError('budget-full', 'not applied: the budget is full');
    expect(await failureOf(client.query(insert(0, 10)))).toMatchObject({ errno: 1205 });
    await run(client, insert(10, 20));
  });

  test('what the peer brings is taken beyond the limit; then rows of known series only', async () => {
    await run(client, insert(0, 2));
    const { schema } = node.context.catalog.table('d', 't')!.parts[0];
    const batch = new RowBatch(schema);
    for (let host = 0; host < 20; host++) {
      const text = Buffer.from(`p${host}`);
      batch.setBytes(0, text, 0, text.length);
      batch.setTime(1, 1_767_225_600, 0);
      batch.setNumber(2, 5);
      batch.endRow();
    }
    const body = Buffer.concat(encodeWriteBody([batch.encodeSection()]));
    node.tables.applyWrite(node.writer.nextVersion(), body, 0);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(22);
    expect(await failureOf(client.query(insert(2, 3)))).toMatchObject({ errno: 3170 });
    await run(client, "INSERT INTO t VALUES ('p7', '2026-01-02', 1), ('h1', '2026-01-02', 1)");
    await run(client, "DELETE FROM t WHERE v = 5 AND host = 'p3'");
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(23);
  });

  test('SHOW STATUS and SHOW VARIABLES say it', async () => {
    await run(client, insert(0, 10));
    await failureOf(client.query(insert(10, 11)));
    expect(await cellsOf(client, "SHOW STATUS LIKE 'series%'")).toEqual([
      ['series_count', '10'],
      ['series_max', '10'],
      ['series_refused_writes', '1'],
    ]);
    expect(await cellsOf(client, "SHOW VARIABLES LIKE 'max_series'")).toEqual([
      ['max_series', '10000000'],
    ]);
  });
});
