/** Blocks of a run that are read into memory which is used again: a page that is held stays as it was, renumbered series or not. */

import { BlockMemories } from '../../storage/block-memories.js';
import { runKey } from '../../storage/keys.js';
import { Pacer } from '../../storage/pacer.js';
import type { Page } from '../../storage/page.js';
import { RowFilter } from '../../storage/row-filter.js';
import { Run } from '../../storage/run.js';
import { RunSource } from '../../storage/run-source.js';
import { openValue } from '../../storage/sealed-value.js';
import { HOST_TABLE } from '../support/host-table.js';
import { bodyOf } from '../support/table-model.js';
import { flushAll, openMemoryStore, realTimers } from '../support/table-rig.js';
import { valueAt } from '../support/vector-values.js';

const T0 = 1_700_000_000_000;
const HOSTS = 10;
/** Three blocks. */
const ROWS = 20_000;
const ALL = new RowFilter({
  timeMin: null,
  timeMax: null,
  excluded: [],
  only: null,
  mask: null,
  tombstones: [],
  series: { maskOf: () => new Uint8Array(0) },
});

const ROW_NUMBERS = Array.from({ length: ROWS }, (_, row) => row);

async function flushedRun(): Promise<{
  run: Run;
  kv: Parameters<typeof openMemoryStore>[0] & object;
}> {
  const { store, kv } = await openMemoryStore();
  store.defineTable(HOST_TABLE);
  const rows = ROW_NUMBERS.map((row) => ({
    cells: [`host-${row % HOSTS}`, BigInt(T0 + Math.floor(row / HOSTS)), row],
  }));
  const operations = [{ kind: 'rows' as const, rows }];
  store.applyWrite(5, bodyOf(HOST_TABLE, { version: 5, operations }), 0);
  await flushAll(store);
  return { run: Run.decode(1, openValue(runKey(1), await kv.get(runKey(1)))), kv };
}

function printed(page: Page): string[] {
  return Array.from({ length: page.length }, (_, row) => {
    const value = page.columns[0]!;
    return `${page.series[row]} ${page.base + BigInt(page.times[row]!)} ${String(valueAt(value, row, false))}`;
  });
}

test.each([
  ['as they are', null],
  ['renumbered, in the same order', (series: number) => series * 3 + 5],
  ['renumbered, in another order', (series: number) => HOSTS - series],
] as const)('series %s', async (_, number) => {
  const { run, kv } = await flushedRun();
  const seriesMap =
    number === null ? null : Uint32Array.from({ length: HOSTS }, (__, id) => number(id));
  const view = { filter: ALL, columns: [103], seriesMap };
  const timeColumn = HOST_TABLE.columns[1]!;
  const pacer = new Pacer(realTimers);
  const plain: string[] = [];
  const alone = new RunSource(run, timeColumn, { kv, cache: null, pacer, memories: null }).sorted(
    view,
  );
  for (let page = await alone.next(); page !== null; page = await alone.next())
    plain.push(...printed(page));
  expect(plain).toHaveLength(ROWS);

  const memories = new BlockMemories();
  const lent = new RunSource(run, timeColumn, { kv, cache: null, pacer, memories }).sorted(view);
  const shown: string[] = [];
  const series = new Set<number>();
  let held = await lent.next();
  let isLent = false;
  while (held !== null) {
    isLent ||= memories.lentCount > 0;
    const before = printed(held);
    // As a merge does: it asks for the next page while it has rows of this one, and gives back all others.
    const next = await lent.next();
    memories.takeBackAllBut(new Set(next === null ? [held] : [held, next]));
    expect(memories.lentCount).toBeLessThanOrEqual(2);
    expect(printed(held)).toEqual(before);
    shown.push(...before);
    for (const id of held.series) series.add(id);
    held = next;
  }
  expect(shown).toEqual(plain);
  expect(series.size).toBe(HOSTS);
  // Series by series, blocks are in arrays of their own.
  const isRising =
    seriesMap === null || seriesMap.every((id, at) => at === 0 || id > seriesMap[at - 1]!);
  expect(isLent).toBe(isRising);
});
