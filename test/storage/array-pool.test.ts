/** Arrays of background jobs: who leases one has it alone, and what lies idle is bounded. */

import fc from 'fast-check';
import { type ArrayLease, ArrayPool } from '../../storage/array-pool.js';
import { IdleClear } from '../../storage/idle-clear.js';
import { VirtualClock } from '../support/virtual-clock.js';

const MEBIBYTE = 1024 * 1024;

test('a lease gives its arrays back to the next one', () => {
  const pool = new ArrayPool(64 * MEBIBYTE);
  const first = pool.lease();
  const numbers = first.float64(1_000_000);
  expect(numbers.length).toBe(1_000_000);
  expect(pool.idleBytes).toBe(0);
  first.release();
  expect(pool.idleBytes).toBe(numbers.buffer.byteLength);
  const again = pool.lease().uint32(1_999_000);
  expect(again.length).toBe(1_999_000);
  expect(again.buffer).toBe(numbers.buffer);
  expect(pool.idleBytes).toBe(0);
});

test('a much larger array is left to who needs it', () => {
  const pool = new ArrayPool(64 * MEBIBYTE);
  const first = pool.lease();
  const large = first.float64(MEBIBYTE);
  first.release();
  expect(pool.lease().float64(MEBIBYTE / 4).buffer).not.toBe(large.buffer);
});

test('what was given back first goes first, and nothing is kept after a clear', () => {
  const pool = new ArrayPool(20 * MEBIBYTE);
  const lease = pool.lease();
  const [old, middle, last] = [9, 8, 7].map((size) => lease.uint32((size * MEBIBYTE) / 4));
  lease.release();
  expect(pool.idleBytes).toBe(15 * MEBIBYTE);
  const next = pool.lease();
  expect(next.uint32((8 * MEBIBYTE) / 4).buffer).toBe(middle!.buffer);
  expect(next.uint32((7 * MEBIBYTE) / 4).buffer).toBe(last!.buffer);
  expect(next.uint32((9 * MEBIBYTE) / 4).buffer).not.toBe(old!.buffer);
  next.release();
  pool.clear();
  expect(pool.idleBytes).toBe(0);
});

test('a thread keeps them from job to job, and clears them when it has been without one for a while', async () => {
  const clock = new VirtualClock();
  const pool = new ArrayPool(64 * MEBIBYTE);
  const idle = new IdleClear(pool, 10_000, clock);
  const runJob = (): void => {
    idle.began();
    const lease = pool.lease();
    lease.float64(MEBIBYTE);
    lease.release();
    idle.ended();
  };
  runJob();
  await clock.advance(9_000);
  // Another job: the time begins anew, and nothing is cleared under it.
  runJob();
  await clock.advance(9_000);
  expect(pool.idleBytes).toBe(8 * MEBIBYTE);
  idle.began();
  await clock.advance(60_000);
  expect(pool.idleBytes).toBe(8 * MEBIBYTE);
  idle.ended();
  await clock.advance(9_999);
  expect(pool.idleBytes).toBe(8 * MEBIBYTE);
  await clock.advance(1);
  expect(pool.idleBytes).toBe(0);
});

/** What jobs side by side do: each takes arrays, and gives all of its own back. */
const steps = fc.array(
  fc.record({ job: fc.nat(3), wanted: fc.option(fc.integer({ min: 0, max: 300_000 })) }),
  { maxLength: 60 },
);

test('no two arrays in use overlap, and no more is idle than allowed', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 4 * MEBIBYTE }), (all, limitBytes) => {
      const pool = new ArrayPool(limitBytes);
      const jobs: { lease: ArrayLease; arrays: (Float64Array | Uint32Array)[] }[] = [];
      for (let job = 0; job < 4; job++) jobs.push({ lease: pool.lease(), arrays: [] });
      for (const { job: number, wanted } of all) {
        const job = jobs[number]!;
        if (wanted === null) {
          job.arrays.length = 0;
          job.lease.release();
        } else {
          const isWide = wanted % 2 === 0;
          job.arrays.push(isWide ? job.lease.float64(wanted) : job.lease.uint32(wanted));
          expect(job.arrays.at(-1)!.length).toBe(wanted);
        }
        const inUse = jobs.flatMap(({ arrays }) => arrays.map(({ buffer }) => buffer));
        expect(new Set(inUse).size).toBe(inUse.length);
        expect(pool.idleBytes).toBeLessThanOrEqual(limitBytes);
      }
    }),
  );
});
