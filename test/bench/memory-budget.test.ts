/** What a soak holds a node to is what the node's own limits add up to. */

import { memoryBudget, totalOf } from '../../bench/memory-budget.js';
import { MEMTABLE_SHARE } from '../../src/server/row-batch-pool.js';
import { FROZEN_GENERATIONS_MAX } from '../../storage/write-stall.js';

const MEBIBYTE = 1024 * 1024;
const settings = {
  memtableBytes: 64 * MEBIBYTE,
  cacheBytes: 32 * MEBIBYTE,
  workers: 2,
  queryBytes: 16 * MEBIBYTE,
  queries: 3,
  maxRecordBytes: 8 * MEBIBYTE,
  writers: 4,
};

test('memtables are the one that fills and those that may wait', () => {
  const { memtables } = memoryBudget(settings, 0);
  expect(memtables).toBe((1 + FROZEN_GENERATIONS_MAX) * settings.memtableBytes);
});

test('row batches are what the pool keeps', () => {
  const batches = memoryBudget(settings, 0)['row batches'];
  expect(batches).toBe(MEMTABLE_SHARE * settings.memtableBytes);
});

test.each([
  ['idle process', { idleBytes: 5 }, 5],
  ['cache', { cacheBytes: 7 }, 7 - settings.cacheBytes],
  ['queries', { queries: 4 }, settings.queryBytes],
  ['connections', { writers: 5 }, 2 * settings.maxRecordBytes],
  ['memtables', { memtableBytes: 0 }, -(3 + 1 / 4 + settings.workers) * settings.memtableBytes],
] as const)('the total follows %s', (_what, change, difference) => {
  const before = totalOf(memoryBudget(settings, 0));
  const idleBytes = 'idleBytes' in change ? change.idleBytes : 0;
  expect(totalOf(memoryBudget({ ...settings, ...change }, idleBytes)) - before).toBe(difference);
});
