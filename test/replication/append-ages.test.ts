/** Ages of pending records: never too young, exact where it matters, bounded always. */

import fc from 'fast-check';
import { AGE_GROUPS_MAX, AppendAges } from '../../replication/append-ages.js';

test('the oldest above a sequence', () => {
  const ages = new AppendAges();
  ages.add(1, 100);
  ages.add(2, 100);
  ages.add(3, 250);
  expect([0, 1, 2].map((sequence) => ages.oldestAfter(sequence, 300))).toEqual([200, 200, 50]);
});

test('what is forgotten is older than anything', () => {
  const ages = new AppendAges();
  ages.add(1, 0);
  ages.add(2, 10);
  ages.confirm(2);
  ages.add(3, 20);
  expect(ages.oldestAfter(2, 21)).toBe(1);
  expect(ages.oldestAfter(1, 21)).toBe(Infinity);
});

test('never too young, however many there are', () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(3), records: fc.nat(4), confirm: fc.nat(6) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const ages = new AppendAges();
      const times: number[] = [];
      let nowMs = 0;
      let confirmed = 0;
      for (const { waitMs, records, confirm } of all) {
        nowMs += waitMs;
        for (let count = 0; count < records; count += 1) {
          times.push(nowMs);
          ages.add(times.length, nowMs);
        }
        confirmed = Math.min(confirmed + confirm, times.length);
        ages.confirm(confirmed);
        if (confirmed < times.length) {
          expect(ages.oldestAfter(confirmed, nowMs)).toBe(nowMs - times[confirmed]!);
        }
      }
    }),
  );
});

test('a million pending records take bounded memory, and their age is at most a little too old', () => {
  const ages = new AppendAges();
  const total = 50_000;
  for (let sequence = 1; sequence <= total; sequence += 1) ages.add(sequence, sequence);
  const slackMs = (2 * total) / AGE_GROUPS_MAX + 1;
  for (const confirmed of [0, 1_000, 25_000, 49_999]) {
    const exact = total - (confirmed + 1);
    const told = ages.oldestAfter(confirmed, total);
    expect(told).toBeGreaterThanOrEqual(exact);
    expect(told).toBeLessThanOrEqual(exact + slackMs);
  }
});
