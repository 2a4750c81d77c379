/**
 * Which rows a compaction leaves, against a plain model that sorts all rows and looks at one identity after another: whatever overlaps,
 * wherever blocks and runs end, and whichever memory is used again.
 */

import { ArrayPool } from '../../storage/array-pool.js';
import fc from 'fast-check';
import type { CompactionJob } from '../../storage/background-job.js';
import { BlockEncoder } from '../../storage/block.js';
import type { BlockInfo } from '../../storage/block-directory.js';
import { compactRuns } from '../../storage/compact.js';
import { runKey } from '../../storage/keys.js';
import { Pacer } from '../../storage/pacer.js';
import { Page } from '../../storage/page.js';
import { RowFilter } from '../../storage/row-filter.js';
import { encodeRun, Run } from '../../storage/run.js';
import { RunSource } from '../../storage/run-source.js';
import { sealValue } from '../../storage/sealed-value.js';
import { ColumnRole, ColumnType, type StoredColumn } from '../../storage/table-schema.js';
import type { Vector } from '../../storage/vector.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { SeededRandom } from '../support/seeded-random.js';
import { realTimers } from '../support/table-rig.js';
import { valueAt } from '../support/vector-values.js';

const TIME: StoredColumn = {
  id: 1,
  type: ColumnType.timestamp,
  role: ColumnRole.time,
  precision: 6,
};
const NUMBER: StoredColumn = {
  id: 2,
  type: ColumnType.float64,
  role: ColumnRole.field,
  precision: 0,
};
const TEXT: StoredColumn = { id: 3, type: ColumnType.text, role: ColumnRole.field, precision: 0 };
const COLUMNS = [TIME, NUMBER, TEXT];
/** A quantum of bases (time-base.ts), in microseconds. */
const QUANTUM = 4_000_000_000_000_000n;
const RUN_COLUMNS_WITHOUT_TEXT = [TIME, NUMBER];

interface Row {
  readonly series: number;
  readonly time: number;
  readonly version: number;
  readonly isTombstone: boolean;
  readonly ordinal: number;
  readonly number: number | null;
  readonly text: string | null;
}

interface Shape {
  readonly seed: number;
  readonly runs: number;
  readonly runRows: number;
  readonly series: number;
  readonly times: number;
  readonly blockRows: number;
}

type Rules = Pick<
  CompactionJob,
  'appendMode' | 'mergeFields' | 'horizon' | 'settledHorizon' | 'tombstones' | 'expiredThrough'
>;

function inOrder(a: Row, b: Row): number {
  return (
    a.series - b.series ||
    a.time - b.time ||
    a.version - b.version ||
    Number(b.isTombstone) - Number(a.isTombstone) ||
    a.ordinal - b.ordinal
  );
}

/** Runs of rows that each have a version of their own, some with a tombstone of the same version before them. */
function randomRuns(
  { seed, runs, runRows, series, times }: Shape,
  hasTombstones: boolean,
): Row[][] {
  const random = new SeededRandom(seed);
  const versions = Array.from({ length: runs * runRows }, (_, index) => index + 1);
  for (let index = versions.length - 1; index > 0; index--) {
    const other = random.integer(0, index);
    [versions[index], versions[other]] = [versions[other]!, versions[index]!];
  }
  return Array.from({ length: runs }, () => {
    const rows: Row[] = [];
    for (let index = 0; index < runRows; index++) {
      const row: Row = {
        series: random.integer(0, series - 1),
        time: random.integer(0, times - 1) - Math.floor(times / 2),
        version: versions.pop()!,
        isTombstone: false,
        ordinal: index,
        number: random.chance(0.3) ? null : random.integer(0, 99),
        text: random.chance(0.3) ? null : 'x'.repeat(random.integer(0, 3)),
      };
      const deletes = hasTombstones && random.chance(0.2);
      if (deletes) rows.push({ ...row, isTombstone: true, number: null, text: null });
      if (!deletes || random.chance(0.5)) rows.push(row);
    }
    return rows.sort(inOrder);
  });
}

/** What stays of one identity's rows, in order. */
function reduced(rows: readonly Row[], rules: Rules): Row[] {
  const { appendMode, mergeFields, horizon, settledHorizon } = rules;
  let kept = rows.filter((row, index) => {
    const later = rows.slice(index + 1);
    if (appendMode || mergeFields) {
      return !later.some(({ isTombstone, version }) => isTombstone && version <= horizon);
    }
    const [next] = later;
    const isReplaced = next?.version === row.version && next.isTombstone === row.isTombstone;
    return !isReplaced && !later.some(({ version }) => version <= horizon);
  });
  if (kept[0]?.isTombstone && kept[0].version <= settledHorizon) kept = kept.slice(1);
  if (!mergeFields) return kept;
  const joined: Row[] = [];
  for (const row of kept) {
    const before = joined.at(-1);
    const isJoined =
      before !== undefined &&
      !before.isTombstone &&
      !row.isTombstone &&
      row.version <= settledHorizon;
    if (!isJoined) joined.push(row);
    else {
      joined.pop();
      joined.push({ ...row, number: row.number ?? before.number, text: row.text ?? before.text });
    }
  }
  return joined;
}

function expectedRows(rows: readonly Row[], rules: Rules): Row[] {
  const alive = rows.filter(({ series, time, version }) => {
    if (rules.expiredThrough !== null && BigInt(time) + QUANTUM <= rules.expiredThrough)
      return false;
    return !rules.tombstones.some(
      (tombstone) =>
        version < tombstone.version &&
        BigInt(time) + QUANTUM >= tombstone.timeMin! &&
        BigInt(time) + QUANTUM <= tombstone.timeMax! &&
        (tombstone.mask === null || tombstone.mask[series] === 1),
    );
  });
  const groups = new Map<string, Row[]>();
  for (const row of [...alive].sort(inOrder)) {
    const identity = `${row.series}/${row.time}`;
    groups.set(identity, [...(groups.get(identity) ?? []), row]);
  }
  return [...groups.values()].flatMap((group) => reduced(group, rules));
}

/** Times count from a whole quantum, before and behind it; every other run has the base before. */
function pageOf(rows: readonly Row[], run: number, hasText: boolean): Page {
  const { length } = rows;
  const base = BigInt(run % 2) * QUANTUM;
  const times = Float64Array.from(rows, ({ time }) => time + Number(QUANTUM - base));
  const numbers = Float64Array.from(rows, ({ number }) => number ?? 0);
  const texts = rows.map(({ text }) => text ?? '');
  const starts = new Uint32Array(length + 1);
  texts.forEach((text, row) => (starts[row + 1] = starts[row]! + text.length));
  const nullsOf = (values: readonly unknown[]): Uint8Array =>
    Uint8Array.from(values, (value) => +(value === null));
  const columns: Vector[] = [
    { kind: 'time', length, base, offsets: times, nulls: null },
    { kind: 'number', length, values: numbers, nulls: nullsOf(rows.map((row) => row.number)) },
  ];
  if (hasText) {
    const nulls = nullsOf(rows.map((row) => row.text));
    columns.push({ kind: 'bytes', length, starts, data: Buffer.from(texts.join('')), nulls });
  }
  return new Page({
    length,
    series: Uint32Array.from(rows, ({ series }) => series),
    base,
    times,
    versions: Float64Array.from(rows, ({ version }) => version),
    tombstones: rows.some(({ isTombstone }) => isTombstone)
      ? Uint8Array.from(rows, ({ isTombstone }) => +isTombstone)
      : null,
    ordinals: Uint32Array.from(rows, ({ ordinal }) => ordinal),
    columns,
  });
}

async function writeRun(
  kv: ForgetfulKv,
  id: number,
  rows: readonly Row[],
  blockRows: number,
  appendMode: boolean,
): Promise<void> {
  // A column that came later: older runs lack it.
  const columns = rows.every(({ text }) => text === null) ? RUN_COLUMNS_WITHOUT_TEXT : COLUMNS;
  const blocks: BlockInfo[] = [];
  for (let at = 0; at < rows.length; at += blockRows) {
    const page = pageOf(rows.slice(at, at + blockRows), id, columns === COLUMNS);
    const ids = columns.map((column) => column.id);
    const encoder = new BlockEncoder(page, ids, appendMode, id % 3 === 0 ? 'compact' : 'small');
    while (encoder.step());
    const { operations, info } = encoder.finish(id, blocks.length);
    blocks.push(info);
    await kv.batch(operations, { sync: true });
  }
  const header = { id, tableId: 1, partition: 0, appendMode, columns };
  const parts = { header, blocks, suspects: [], tombstoneSpans: [], sizeBytes: 1000 };
  const value = sealValue(runKey(id), encodeRun(parts));
  await kv.batch([{ type: 'put', key: runKey(id), value }], { sync: true });
}

async function rowsOf(kv: ForgetfulKv, run: Run): Promise<Row[]> {
  const deps = { kv, cache: null, memories: null, pacer: new Pacer(realTimers) };
  const filter = new RowFilter({
    timeMin: null,
    timeMax: null,
    excluded: [],
    only: null,
    mask: null,
    tombstones: [],
    series: { maskOf: () => new Uint8Array(0) },
  });
  const columns = COLUMNS.map(({ id }) => id);
  const pages = new RunSource(run, TIME, deps).unsorted({ filter, columns, seriesMap: null });
  const rows: Row[] = [];
  for (let page = await pages.next(); page !== null; page = await pages.next()) {
    for (let row = 0; row < page.length; row++) {
      const valueOf = (column: number): unknown => {
        const vector = page.columns[column]!;
        return vector === null ? null : valueAt(vector, row, false);
      };
      rows.push({
        series: page.series[row]!,
        time: page.times[row]! + Number(page.base - QUANTUM),
        version: page.versions[row]!,
        isTombstone: page.tombstones?.[row] === 1,
        ordinal: page.ordinals?.[row] ?? 0,
        number: valueOf(1) as number | null,
        text: (valueOf(2) as Uint8Array | null)?.toString() ?? null,
      });
    }
  }
  return rows;
}

async function compacted(runs: readonly Row[][], shape: Shape, rules: Rules): Promise<Row[]> {
  const kv = new ForgetfulKv();
  for (const [index, rows] of runs.entries()) {
    await writeRun(kv, index + 1, rows, shape.blockRows, rules.appendMode);
  }
  const job: CompactionJob = {
    kind: 'compaction',
    tableId: 1,
    partition: 0,
    timeColumn: TIME,
    columns: COLUMNS,
    inputs: runs.map((_, index) => index + 1),
    isWhole: true,
    runBytes: 2 ** 20,
    runIds: { first: 100, count: 50 },
    ...rules,
  };
  const deps = {
    kv,
    pacer: new Pacer(realTimers, 10_000),
    arrays: new ArrayPool(0),
    checkStopped: () => undefined,
  };
  const { runs: written } = await compactRuns(job, deps);
  const rows: Row[] = [];
  for (const { id, entry } of written) rows.push(...(await rowsOf(kv, Run.decode(id, entry))));
  return rows;
}

/** Ordinals are stored in append mode alone; they order rows of one version everywhere. */
const printed =
  ({ appendMode }: Rules) =>
  (row: Row): string =>
    JSON.stringify(appendMode ? row : { ...row, ordinal: 0 });

async function expectModel(shape: Shape, rules: Rules, hasTombstones: boolean): Promise<void> {
  const runs = randomRuns(shape, hasTombstones);
  const expected = expectedRows(runs.flat(), rules);
  const actual = await compacted(runs, shape, rules);
  expect(actual.map(printed(rules))).toEqual(expected.map(printed(rules)));
}

const modes = [
  { mode: 'the last row counts', appendMode: false, mergeFields: false },
  { mode: 'fields merge', appendMode: false, mergeFields: true },
  { mode: 'append mode', appendMode: true, mergeFields: false },
];

describe.each(modes)('$mode', ({ appendMode, mergeFields }) => {
  test('small runs that overlap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(1e9),
          runs: fc.integer({ min: 1, max: 6 }),
          runRows: fc.integer({ min: 1, max: 14 }),
          series: fc.constantFrom(1, 3, 30),
          times: fc.constantFrom(1, 4, 20),
          blockRows: fc.integer({ min: 1, max: 5 }),
        }),
        fc.nat(90),
        fc.nat(90),
        fc.boolean(),
        fc.option(fc.integer({ min: 0, max: 90 })),
        fc.option(fc.integer({ min: -10, max: 10 })),
        async (shape, horizon, settled, hasTombstones, killedBelow, expired) => {
          const killer = {
            version: killedBelow ?? 0,
            timeMin: QUANTUM - 2n,
            timeMax: QUANTUM + 1n,
            mask: Uint8Array.from({ length: shape.series }, (_, series) => series % 2),
          };
          const rules: Rules = {
            appendMode,
            mergeFields,
            horizon,
            settledHorizon: Math.min(horizon, settled),
            tombstones: killedBelow === null ? [] : [killer],
            expiredThrough: expired === null ? null : QUANTUM + BigInt(expired),
          };
          await expectModel(shape, rules, hasTombstones);
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([
    { about: 'one or two rows a series', series: 6000, times: 1_000_000, blockRows: 512 },
    { about: 'few series, times in turns', series: 3, times: 1_000_000, blockRows: 700 },
    { about: 'every row written again', series: 50, times: 100, blockRows: 333 },
  ])('more rows than a block holds: $about', async ({ series, times, blockRows }) => {
    const shape: Shape = { seed: series, runs: 4, runRows: 3000, series, times, blockRows };
    const rules: Rules = {
      appendMode,
      mergeFields,
      horizon: 10_000,
      settledHorizon: 6000,
      tombstones: [],
      expiredThrough: null,
    };
    await expectModel(shape, rules, true);
  });
});
