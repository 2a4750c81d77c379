/** What a soak holds a node to is what the node's own limits add up to. */

import { memoryBudget, totalOf } from '../../bench/memory-budget.js';

const MEBIBYTE = 1024 * 1024;
const settings = {
  memtableBytes: 64 * MEBIBYTE,
  cacheBytes: 32 * MEBIBYTE,
  workers: 2,
  queryBytes: 16 * MEBIBYTE,
  queries: 3,
  maxRecordBytes: 8 * MEBIBYTE,
  writers: 4,
  journals: 1,
};

test('what is kept of rows follows the size of a memtable', () => {
  const { memtables, ...rest } = memoryBudget(settings, 0);
  expect(memtables).toBe(192 * MEBIBYTE);
  expect(rest['row batches']).toBe(16 * MEBIBYTE);
  expect(rest['journal tails']).toBe(16 * MEBIBYTE);
});

test.each([
  [8, 4],
  [64, 16],
  [128, 32],
  [1024, 32],
])('with memtables of %i MiB a journal keeps %i MiB in memory', (memtableMiB, tailMiB) => {
  const change = { ...settings, memtableBytes: memtableMiB * MEBIBYTE };
  expect(memoryBudget(change, 0)['journal tails']).toBe(tailMiB * MEBIBYTE);
  expect(memoryBudget({ ...change, journals: 2 }, 0)['journal tails']).toBe(2 * tailMiB * MEBIBYTE);
});

test.each([
  ['idle process', { idleBytes: 5 }, 5],
  ['cache', { cacheBytes: 7 }, 7 - settings.cacheBytes],
  ['queries', { queries: 4 }, settings.queryBytes],
  ['connections', { writers: 5 }, 2 * settings.maxRecordBytes],
  // Tails keep 4 MiB in any case.
  [
    'memtables',
    { memtableBytes: 0 },
    4 * MEBIBYTE - (3 + 1 / 4 + 1 / 4 + settings.workers) * settings.memtableBytes,
  ],
] as const)('the total follows %s', (_what, change, difference) => {
  const before = totalOf(memoryBudget(settings, 0));
  const idleBytes = 'idleBytes' in change ? change.idleBytes : 0;
  expect(totalOf(memoryBudget({ ...settings, ...change }, idleBytes)) - before).toBe(difference);
});
