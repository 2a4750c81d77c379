/**
 * A random life of a table store beside a plain model: rows, overwrites, deletes, expiry, flushes, compactions, crashes and reopenings, two origins whose
 * versions interleave, writes that are applied in slices while all of that goes on. Whatever happened, every view shows what the model says of the records applied when it was taken.
 */

import { encodeExpiryBody } from '../../storage/expiry-body.js';
import { JobStoppedError } from '../../storage/job-deps.js';
import { TableStore } from '../../storage/table-store.js';
import type { ReadView } from '../../storage/read-view.js';
import type { StagedWrite } from '../../storage/staged-write.js';
import type { BackgroundWorkers, KeyValueStore } from '../../storage/ports.js';
import {
  ColumnRole,
  ColumnType,
  type StoredColumn,
  type TableSchema,
} from '../../storage/table-schema.js';
import { SeededRandom } from './seeded-random.js';
import {
  bodyOf,
  type ModelOperation,
  type ModelRecord,
  type ModelRow,
  printRow,
  visibleRows,
} from './table-model.js';
import { realTimers } from './table-rig.js';
import { type PlainValue, valueAt } from './vector-values.js';

const RECORDS = 40;
/** Writes that are applied in slices at a time: one of each origin. */
const STAGED_MAX = 2;

/** A few tables that differ in what decides representations (precision, tag types) and in how rows of one identity meet. */
function schemaFor(random: SeededRandom): TableSchema {
  const mode = random.pick(['last row', 'append', 'merge fields'] as const);
  const precision = random.pick([0, 3, 6, 9]);
  const tags: StoredColumn[] = [
    { id: 1001, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    ...(random.chance(0.5)
      ? [{ id: 1002, type: ColumnType.int64, role: ColumnRole.tag, precision: 0 } as const]
      : []),
  ];
  const fieldTypes = [
    ColumnType.float64,
    ColumnType.int64,
    ColumnType.uint64,
    ColumnType.text,
    ColumnType.blob,
    ColumnType.boolean,
    ColumnType.int32,
    ColumnType.date,
    ColumnType.float32,
  ];
  return {
    tableId: random.integer(1, 1000),
    appendMode: mode === 'append',
    ...(mode === 'merge fields' ? { mergeFields: true } : {}),
    partitionMs: random.pick([0, 3_600_000, 86_400_000]),
    columns: [
      ...tags,
      { id: 2000, type: ColumnType.timestamp, role: ColumnRole.time, precision },
      ...fieldTypes
        .filter(() => random.chance(0.6))
        .map((type, index) => ({ id: 3000 + index, type, role: ColumnRole.field, precision: 0 })),
      {
        id: 4000,
        type: ColumnType.datetime,
        role: ColumnRole.field,
        precision: random.pick([0, 6, 9]),
      },
    ],
  };
}

function randomValue(random: SeededRandom, column: StoredColumn): PlainValue {
  if (random.chance(0.15)) return null;
  switch (column.type) {
    case ColumnType.float64:
      return random.pick([
        NaN,
        -0,
        0,
        Infinity,
        -Infinity,
        0.1,
        1 / 3,
        random.integer(0, 9999) / 100,
        5e-324,
      ]);
    case ColumnType.float32:
      return Math.fround(random.nextFloat());
    case ColumnType.boolean:
      return random.integer(0, 1);
    case ColumnType.int32:
      return random.integer(-5, 5);
    case ColumnType.date:
      return random.integer(-1000, 30000);
    case ColumnType.int64:
      return random.pick<PlainValue>([
        1,
        -1,
        2 ** 53 - 1,
        -(2n ** 63n),
        2n ** 63n - 1n,
        random.integer(0, 100),
      ]);
    case ColumnType.uint64:
      return random.pick<PlainValue>([0, 7, 2n ** 64n - 1n, 2n ** 63n, random.integer(0, 100)]);
    case ColumnType.datetime: {
      const unit = 10n ** BigInt(column.precision);
      // Years apart, so that one base does not reach from one to the next.
      const year = BigInt(random.pick([-40, 0, 30, 55, 56, 180]));
      return (year * 31_556_952n + BigInt(random.integer(0, 1000))) * unit;
    }
    default:
      return random.pick(['', 'a', 'b', '\xff\xfe\x00', 'x'.repeat(random.integer(0, 60))]);
  }
}

class Scenario {
  readonly schema: TableSchema;
  /** In the order in which they showed. */
  readonly records: ModelRecord[] = [];
  readonly #random: SeededRandom;
  readonly #timeOrigin: bigint;
  /** Next version of each origin; versions of both interleave in any order of arrival. */
  readonly #next = [1000, 1001];
  readonly #hosts: readonly PlainValue[];
  #step = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.schema = schemaFor(random);
    const { precision } = this.schema.columns.find(({ role }) => role === ColumnRole.time)!;
    const seconds = BigInt(random.pick([0, -10, 1_700_000_000, 3_999_990]));
    this.#timeOrigin = seconds * 10n ** BigInt(precision);
    this.#hosts = ['h1', 'h2', '', null, 'h3'];
  }

  /** Nothing at or below this arrives any more. */
  get horizon(): number {
    return Math.min(...this.#next) - 1;
  }

  nextRecord(): ModelRecord {
    const random = this.#random;
    const origin = random.chance(0.7) ? 0 : 1;
    const version = this.#next[origin]!;
    this.#next[origin] = version + 2 * random.integer(1, 20);
    // The other origin lags or leads, but not by much.
    if (random.chance(0.2))
      this.#next[1 - origin] = Math.max(this.#next[1 - origin]!, version - 51);
    if (random.chance(0.06)) {
      return { version, operations: [], expiredThrough: this.#expiry() };
    }
    const operations: ModelOperation[] = [];
    const count = random.chance(0.8) ? 1 : random.integer(2, 3);
    for (let index = 0; index < count; index++) operations.push(this.#operation());
    this.#step++;
    return { version, operations };
  }

  /** Mostly of the past; a later one may say an earlier time. */
  #expiry(): bigint {
    const { precision } = this.schema.columns.find(({ role }) => role === ColumnRole.time)!;
    const step = BigInt(this.#random.integer(0, Math.ceil(this.#step / 2)));
    return this.#timeOrigin + step * 1800n * 10n ** BigInt(precision);
  }

  #operation(): ModelOperation {
    const random = this.#random;
    if (random.chance(0.1)) {
      return {
        kind: 'range',
        timeMin: random.chance(0.3) ? null : this.#time(),
        timeMax: random.chance(0.3) ? null : this.#time(),
        firstTag: random.chance(0.5) ? null : this.#hosts.filter(() => random.chance(0.4)),
      };
    }
    const rows = Array.from({ length: random.integer(1, 30) }, () => this.#row());
    return { kind: random.chance(0.15) ? 'deletes' : 'rows', rows };
  }

  #row(): ModelRow {
    const random = this.#random;
    const cells = this.schema.columns.map((column): PlainValue => {
      if (column.role === ColumnRole.time) return this.#time();
      if (column.role === ColumnRole.tag) {
        if (column.type === ColumnType.text) return random.pick(this.#hosts);
        return random.pick<PlainValue>([1, null, 2n ** 60n]);
      }
      return randomValue(random, column);
    });
    return { cells };
  }

  /** Mostly moving on, sometimes back: few enough instants that identities meet. */
  #time(): bigint {
    const random = this.#random;
    const { precision } = this.schema.columns.find(({ role }) => role === ColumnRole.time)!;
    const unit = 10n ** BigInt(precision);
    const step = random.chance(0.7) ? this.#step : random.integer(0, RECORDS);
    const jitter = BigInt(random.integer(0, 3));
    return this.#timeOrigin + BigInt(step) * 1800n * unit + jitter;
  }
}

interface Query {
  readonly timeMin: bigint | null;
  readonly timeMax: bigint | null;
  readonly order: 'any' | 'series-time';
  readonly onlyHost: PlainValue | undefined;
}

async function check(
  view: ReadView,
  schema: TableSchema,
  records: readonly ModelRecord[],
  query: Query,
): Promise<void> {
  const timeIndex = schema.columns.findIndex(({ role }) => role === ColumnRole.time);
  const expected = visibleRows(schema, records)
    .filter(({ cells }) => {
      const time = BigInt(cells[timeIndex]!);
      return (
        (query.timeMin === null || time >= query.timeMin) &&
        (query.timeMax === null || time <= query.timeMax) &&
        (query.onlyHost === undefined || cells[0] === query.onlyHost)
      );
    })
    .map(({ cells }) => printRow(cells));
  const series = view.series(schema.tableId);
  let mask: Uint8Array | null = null;
  if (query.onlyHost !== undefined) {
    const hosts = series.count === 0 ? null : series.tag(schema.columns[0]!.id);
    mask = Uint8Array.from({ length: series.count }, (_, id) =>
      valueAt(hosts!, id) === query.onlyHost ? 1 : 0,
    );
  }
  const columns = schema.columns.map(({ id }) => id);
  const actual: string[] = [];
  const keys: { series: number; time: bigint }[] = [];
  const scan = view.scan({
    parts: [{ tableId: schema.tableId, columns }],
    columns,
    timeMin: query.timeMin,
    timeMax: query.timeMax,
    seriesMask: mask === null ? null : () => mask,
    order: query.order,
    needSeries: true,
  });
  for await (const batch of scan) {
    expect(batch.length).toBeGreaterThan(0);
    for (let row = 0; row < batch.length; row++) {
      const cells = batch.columns.map((vector, column) =>
        valueAt(vector, row, schema.columns[column]!.type === ColumnType.uint64),
      );
      actual.push(printRow(cells));
      keys.push({ series: batch.series![row]!, time: BigInt(cells[timeIndex]!) });
    }
  }
  expect(actual.slice().sort()).toEqual(expected.sort());
  if (query.order === 'series-time') {
    for (let row = 1; row < keys.length; row++) {
      const [before, after] = [keys[row - 1]!, keys[row]!];
      const isOrdered =
        before.series < after.series ||
        (before.series === after.series && before.time <= after.time);
      expect(isOrdered).toBe(true);
    }
  }
  const estimate = view.estimate(schema.tableId);
  if (estimate.exactRows !== null) {
    expect(estimate.exactRows).toBe(visibleRows(schema, records).length);
  }
}

function apply(store: TableStore, schema: TableSchema, record: ModelRecord): void {
  const { version, expiredThrough } = record;
  if (expiredThrough === undefined) store.applyWrite(version, bodyOf(schema, record), 0);
  else store.applyExpiry(encodeExpiryBody([{ tableId: schema.tableId, through: expiredThrough }]));
}

/** A store that is closed stops what is under way. */
function unlessStopped(error: unknown): void {
  if (!(error instanceof JobStoppedError)) throw error;
}

/** A store that can lose what no sync covers; without `crash` it is only closed and opened again. */
export type ScenarioKv = KeyValueStore & { crash?(random: SeededRandom): void };

/**
 * One seed's life. Throws (jest's expectations) where the store and the model differ. `workers` makes them anew for every opening;
 * left out: background work is done inline.
 */
export async function runScenario(
  seed: number,
  kv: ScenarioKv,
  workers?: () => BackgroundWorkers,
): Promise<void> {
  const random = new SeededRandom(seed);
  const scenario = new Scenario(random);
  const { schema } = scenario;
  const options = { memtableBytes: 1 << 20, cacheBytes: random.pick([0, 10_000, 1 << 20]) };
  const open = (): Promise<TableStore> => {
    const deps = { kv, timers: realTimers };
    return TableStore.open(workers === undefined ? deps : { ...deps, workers: workers() }, options);
  };
  let store = await open();
  const views: { view: ReadView; count: number }[] = [];
  let background: Promise<unknown> = Promise.resolve();
  const query = (): Query => {
    const times = scenario.records.flatMap(({ operations }) =>
      operations.flatMap((operation) =>
        operation.kind === 'range'
          ? []
          : operation.rows.map(({ cells }) =>
              BigInt(cells[schema.columns.findIndex(({ role }) => role === ColumnRole.time)]!),
            ),
      ),
    );
    return {
      timeMin: random.chance(0.6) || times.length === 0 ? null : random.pick(times),
      timeMax: random.chance(0.6) || times.length === 0 ? null : random.pick(times),
      order: random.pick(['any', 'series-time'] as const),
      onlyHost: random.chance(0.7) ? undefined : random.pick(['h1', '', null, 'unknown']),
    };
  };
  const checkAndRelease = async ({
    view,
    count,
  }: {
    view: ReadView;
    count: number;
  }): Promise<void> => {
    await check(view, schema, scenario.records.slice(0, count), query());
    view.release();
  };
  const staged: { readonly write: StagedWrite; readonly record: ModelRecord }[] = [];
  /** What is staged is still to come. */
  const horizonNow = (): number =>
    Math.min(scenario.horizon, ...staged.map(({ record }) => record.version - 1));
  const applyNow = (record: ModelRecord): void => {
    apply(store, schema, record);
    scenario.records.push(record);
  };
  const stage = (record: ModelRecord): void => {
    const { version } = record;
    const bodies = record.operations.map((one) => bodyOf(schema, { version, operations: [one] }));
    staged.push({ write: store.stageWrite(version, bodies), record });
  };
  const publishOldest = (): void => {
    const { write, record } = staged.shift()!;
    store.publish(write);
    scenario.records.push(record);
  };
  for (let step = 0; step < RECORDS; step++) {
    store.defineTable(schema);
    const record = scenario.nextRecord();
    const isApart = record.expiredThrough === undefined && random.chance(0.25);
    if (isApart && staged.length < STAGED_MAX) stage(record);
    else applyNow(record);
    for (const { write } of staged) if (random.chance(0.7)) write.step(random.integer(1, 40));
    if (staged.length > 0 && random.chance(0.3)) publishOldest();
    if (random.chance(0.15)) views.push({ view: store.readView(), count: scenario.records.length });
    if (random.chance(0.12)) {
      const sequence = scenario.records.length;
      const position = { origin: 1, incarnation: '00000000000000aa', sequence, hash: '' };
      store.freeze({
        vector: [position],
        replayFrom: [position],
        catalog: Uint8Array.of(sequence),
        highestVersion: record.version,
      });
      if (random.chance(0.8)) await store.flush(horizonNow);
    }
    if (random.chance(0.1)) {
      const compacting = random.chance(0.5)
        ? store.compactTable(schema.tableId, horizonNow)
        : store.compactNext(horizonNow).then(() => undefined);
      // Others go on beside whatever happens then.
      background = Promise.all([background, compacting.catch(unlessStopped)]);
      if (random.chance(0.5)) await background;
    }
    if (random.chance(0.06)) {
      for (const taken of views.splice(0)) await checkAndRelease(taken);
      await store.close();
      await background;
      kv.crash?.(random);
      store = await open();
      const from = store.flushed?.vector[0]?.sequence ?? 0;
      expect(store.flushed?.catalog ?? Uint8Array.of(from)).toEqual(Uint8Array.of(from));
      store.defineTable(schema);
      for (const applied of scenario.records.slice(from)) apply(store, schema, applied);
      for (const { record: lost } of staged.splice(0)) applyNow(lost);
    }
    if (random.chance(0.15)) {
      await checkAndRelease({ view: store.readView(), count: scenario.records.length });
    }
    if (views.length > 0 && random.chance(0.2)) await checkAndRelease(views.shift()!);
  }
  while (staged.length > 0) publishOldest();
  await background;
  for (const taken of views.splice(0)) await checkAndRelease(taken);
  for (const order of ['any', 'series-time'] as const) {
    const view = store.readView();
    const all = { timeMin: null, timeMax: null, order, onlyHost: undefined };
    await check(view, schema, scenario.records, all);
    view.release();
  }
  await store.close();
}
