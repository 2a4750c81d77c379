/**
 * What a transaction's own statements see: what is committed, and its own writes on top, staged once and kept from one view to the next.
 */

import { OwnWrites } from '../../storage/own-writes.js';
import type { ReadView } from '../../storage/read-view.js';
import type { TableStore } from '../../storage/table-store.js';
import { encodeWriteBody } from '../../storage/write-body.js';
import { RowBatch } from '../../storage/row-batch.js';
import { type Cells, printed, rowOf, write } from '../support/host-rows.js';
import { HOST_TABLE as schema } from '../support/host-table.js';
import { SeededRandom } from '../support/seeded-random.js';
import {
  bodyOf,
  printRow,
  visibleRows,
  type ModelOperation,
  type ModelRecord,
} from '../support/table-model.js';
import { flushAll, openMemoryStore, scanAll } from '../support/table-rig.js';
import { valuesOf } from '../support/vector-values.js';

const T0 = 1_700_000_000_000;
/** Above every version that is committed. */
const TOP = Number.MAX_SAFE_INTEGER - 2;

function ownBody(operation: ModelOperation): Uint8Array {
  return bodyOf(schema, { version: TOP, operations: [operation] });
}

function rowsBody(...rows: readonly Cells[]): Uint8Array {
  return ownBody({ kind: 'rows', rows: rows.map(rowOf) });
}

/** A view with these writes, staged to the end, and the steps that it took. */
function viewOf(
  store: TableStore,
  own: OwnWrites,
  bodies: Iterable<Uint8Array>,
): { view: ReadView; steps: number } {
  const staged = store.readView().withOverlay(own, bodies);
  let steps = 1;
  while (!staged.step()) steps += 1;
  return { view: staged.view(), steps };
}

describe('a view of a transaction', () => {
  it('shows a transaction its own writes, new series and deletes included, and nobody else', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [
      ['a', T0, 1],
      ['b', T0, 2],
      ['b', T0 + 1, 3],
    ]);
    await flushAll(store);
    const operations: ModelOperation[] = [
      { kind: 'rows', rows: [rowOf(['a', T0, 10]), rowOf(['new', T0, 11])] },
      { kind: 'deletes', rows: [rowOf(['b', T0, 0])] },
    ];
    const own = operations.map((one) => bodyOf(schema, { version: TOP, operations: [one] }));
    const staged = store.readView().withOverlay(new OwnWrites(TOP), own);
    expect(staged.step()).toBe(true);
    const view = staged.view();
    const mine = [
      ['a', T0, 10],
      ['b', T0 + 1, 3],
      ['new', T0, 11],
    ] as const;
    for (const order of ['any', 'series-time'] as const) {
      expect((await scanAll(view, schema, { order })).sort()).toEqual(mine.map(printed));
    }
    expect(valuesOf(view.series(schema.tableId).tag(101))).toEqual(['a', 'b', 'new']);
    view.release();
  });

  it('finds rows by a series that only the transaction has', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [['a', T0, 1]]);
    const rows = ['b', 'c', 'd'].map((host) => rowOf([host, T0, 2]));
    const operations: ModelOperation[] = [{ kind: 'rows', rows }];
    const staged = store
      .readView()
      .withOverlay(new OwnWrites(TOP), [bodyOf(schema, { version: TOP, operations })]);
    expect(staged.step()).toBe(true);
    const view = staged.view();
    const { count, tag } = view.series(schema.tableId);
    const mask = new Uint8Array(count);
    mask[valuesOf(tag(101)).indexOf('d')] = 1;
    expect(await scanAll(view, schema, { seriesMask: () => mask })).toEqual([
      printed(['d', T0, 2]),
    ]);
    view.release();
  });

  it('of nobody else shows rows of a transaction', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [
      ['a', T0, 1],
      ['b', T0, 2],
      ['b', T0 + 1, 3],
    ]);
    const operations: ModelOperation[] = [{ kind: 'rows', rows: [rowOf(['new', T0, 11])] }];
    const own = store.readView();
    own.withOverlay(new OwnWrites(TOP), [bodyOf(schema, { version: TOP, operations })]).step();
    own.release();
    expect((await scanAll(store, schema)).length).toBe(3);
    const plain = store.readView();
    expect(plain.series(schema.tableId).count).toBe(2);
    plain.release();
  });

  it('of many rows takes many steps, and whatever is written between them is not in it', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [
      ['a', T0, 1],
      ['b', T0, 2],
    ]);
    const ownRows = Array.from({ length: 5 }, (_, part) =>
      Array.from({ length: 2000 }, (_unused, row): Cells => [
        `own${row % 50}`,
        T0 + part * 2000 + row,
        part,
      ]),
    );
    const bodies = ownRows.map((rows) =>
      bodyOf(schema, { version: TOP, operations: [{ kind: 'rows', rows: rows.map(rowOf) }] }),
    );
    const staged = store.readView().withOverlay(new OwnWrites(TOP), bodies);
    let steps = 1;
    while (!staged.step()) {
      write(store, 100 + steps, [
        ['a', T0, 100],
        [`own${steps % 50}`, T0, 100],
        [`other${steps}`, T0, 100],
      ]);
      if (steps === 1) await flushAll(store);
      steps += 1;
    }
    expect(steps).toBeGreaterThan(2);
    const view = staged.view();
    const mine: Cells[] = [['a', T0, 1], ['b', T0, 2], ...ownRows.flat()];
    expect((await scanAll(view, schema)).sort()).toEqual(mine.map(printed).sort());
    view.release();
    expect(await scanAll(store, schema)).toHaveLength(2 + 2 * (steps - 1));
  });
});

describe('what is staged', () => {
  /** So many rows of 50 hosts, the first at this instant. */
  function manyRows(rows: number, first: number): Uint8Array {
    const batch = new RowBatch(schema);
    for (let row = 0; row < rows; row++) {
      const host = Buffer.from(`host${row % 50}`);
      batch.setBytes(0, host, 0, host.length);
      batch.setTime(1, T0 / 1000 + first + row, 0);
      batch.setNumber(2, row);
      batch.endRow();
    }
    return Buffer.concat(encodeWriteBody([batch.encodeSection()]));
  }

  it('is kept: a further view takes the steps of what was written since', async () => {
    const { store } = await openMemoryStore();
    store.defineTable(schema);
    const own = new OwnWrites(TOP);
    const first = viewOf(store, own, [manyRows(20_000, 0), manyRows(20_000, 20_000)]);
    first.view.release();
    expect(first.steps).toBeGreaterThan(3);
    const again = viewOf(store, own, []);
    expect([again.steps, again.view.estimate(schema.tableId).rows]).toEqual([1, 40_000]);
    again.view.release();
    const more = viewOf(store, own, [manyRows(10, 40_000)]);
    expect([more.steps, more.view.estimate(schema.tableId).rows]).toEqual([1, 40_010]);
    expect(await scanAll(more.view, schema)).toHaveLength(40_010);
    more.view.release();
    expect(own.sizeBytes).toBeGreaterThan(40_010 * 24);
  });

  it('of later rows and series is in no view of before', async () => {
    const { store } = await openMemoryStore();
    write(store, 100, [['a', T0, 1]]);
    const own = new OwnWrites(TOP);
    const { view: before } = viewOf(store, own, [rowsBody(['b', T0, 2])]);
    const range = ownBody({ kind: 'range', timeMin: null, timeMax: null, firstTag: null });
    const { view: after } = viewOf(store, own, [rowsBody(['c', T0, 3], ['b', T0, 4]), range]);
    expect((await scanAll(before, schema)).sort()).toEqual(
      [['a', T0, 1] as const, ['b', T0, 2] as const].map(printed),
    );
    expect((await scanAll(after, schema)).sort()).toEqual(
      [['b', T0, 4] as const, ['c', T0, 3] as const].map(printed),
    );
    before.release();
    after.release();
  });

  it('is good until somebody else creates a series in a table where the transaction has its own', async () => {
    const { store } = await openMemoryStore();
    const other = { ...schema, tableId: 78 };
    write(store, 100, [['a', T0, 1]]);
    store.defineTable(other);
    const known = new OwnWrites(TOP);
    viewOf(store, known, [rowsBody(['a', T0 + 1, 2])]).view.release();
    const created = new OwnWrites(TOP);
    viewOf(store, created, [rowsBody(['mine', T0, 3])]).view.release();
    const areCurrent = (): boolean[] => [known.isCurrent, created.isCurrent];
    expect(areCurrent()).toEqual([true, true]);
    write(store, 101, [['a', T0, 5]]);
    write(store, 102, [['theirs', T0, 5]], other);
    expect(areCurrent()).toEqual([true, true]);
    write(store, 103, [['theirs', T0, 5]]);
    expect(areCurrent()).toEqual([true, false]);
  });
});

/** `MODEL_SEEDS=1000 npx jest test/storage/own-writes` runs more. */
const SEEDS = Number(process.env['MODEL_SEEDS'] ?? 40);

test('reads see their own writes, whatever others write meanwhile: every seed, against a model', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    await life(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  }
});

/** One transaction, its views, and others that write, flush and now and then read. */
async function life(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const { store } = await openMemoryStore();
  store.defineTable(schema);
  const committed: ModelRecord[] = [];
  const operations: ModelOperation[] = [];
  const open: { view: ReadView; expected: string[] }[] = [];
  let own = new OwnWrites(TOP);
  let staged = 0;
  const someRows = (hosts: readonly string[], most: number): ModelOperation => ({
    kind: random.chance(0.2) ? 'deletes' : 'rows',
    rows: Array.from({ length: random.integer(1, most) }, () =>
      rowOf([random.pick(hosts), T0 + random.integer(0, 20), random.integer(0, 99)]),
    ),
  });
  const expectShown = async ({ view, expected }: (typeof open)[number]): Promise<void> => {
    const order = random.pick(['any', 'series-time'] as const);
    expect((await scanAll(view, schema, { order })).sort()).toEqual(expected);
  };

  for (let step = 0; step < 40; step++) {
    const choice = random.integer(0, 9);
    if (choice < 2) {
      const record = { version: 100 + step, operations: [someRows(['a', 'b', `c${step}`], 5)] };
      committed.push(record);
      store.applyWrite(record.version, bodyOf(schema, record), 0);
    } else if (choice < 5) {
      operations.push(someRows(['a', 'mine', `own${step % 7}`, `c${step + 3}`], 30));
    } else if (choice === 5) {
      const timeMax = BigInt(T0 + random.integer(0, 20));
      const firstTag = random.chance(0.5) ? null : ['a', 'mine'];
      operations.push({ kind: 'range', timeMin: null, timeMax, firstTag });
    } else if (choice === 6 && operations.length > 0) {
      // An error undoes a statement, which may have been read.
      operations.length -= random.integer(1, Math.min(2, operations.length));
      if (operations.length < staged) [own, staged] = [new OwnWrites(TOP), 0];
    } else if (choice === 7) {
      await flushAll(store, step + 1);
    } else {
      const base = store.readView();
      if (!own.isCurrent) [own, staged] = [new OwnWrites(TOP), 0];
      const adding = base.withOverlay(own, operations.slice(staged).map(ownBody));
      staged = operations.length;
      while (!adding.step());
      const record = { version: TOP, operations: [...operations] };
      const rows = visibleRows(schema, [...committed, record]);
      const shown = {
        view: adding.view(),
        expected: rows.map(({ cells }) => printRow(cells)).sort(),
      };
      await expectShown(shown);
      open.push(shown);
    }
    // Views of before show what they showed.
    if (open.length > 2 || random.chance(0.2)) {
      for (const shown of open.splice(0)) {
        await expectShown(shown);
        shown.view.release();
      }
    }
  }
  for (const { view } of open) view.release();
  await store.close();
}
