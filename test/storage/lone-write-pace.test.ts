/** When the journal writes on the spot: alone, small, and on a quick disk. */

import { LoneWritePace } from '../../storage/lone-write-pace.js';

/** Runs groups `[records, bytes, took ms]` a millisecond apart; the answers as a word of y and n. */
function answers(groups: readonly (readonly [number, number, number])[]): string {
  const pace = new LoneWritePace();
  let nowMs = 1000;
  let word = '';
  for (const [records, bytes, tookMs] of groups) {
    nowMs += 1;
    const isAllowed = pace.allows(records, bytes, nowMs);
    word += isAllowed ? 'y' : 'n';
    if (isAllowed) {
      nowMs += tookMs;
      pace.took(tookMs, nowMs);
    }
  }
  return word;
}

function lone(count: number, tookMs = 0.1): (readonly [number, number, number])[] {
  return Array.from({ length: count }, () => [1, 300, tookMs] as const);
}

test.each([
  ['after a row of single records', lone(20), 'n'.repeat(16) + 'yyyy'],
  [
    'a group of two begins the row anew',
    [...lone(18), [2, 600, 0], ...lone(18)],
    /y{2}nn{16}y{2}$/,
  ],
  ['a large record too', [...lone(18), [1, 20_000, 0], ...lone(18)], /y{2}nn{16}y{2}$/],
  [
    'a slow write sends the next 50 ms through the pool',
    [...lone(16), ...lone(1, 4), ...lone(60)],
    /yn{49}y+$/,
  ],
] as const)('%s', (_name, groups, expected) => {
  expect(answers(groups as readonly (readonly [number, number, number])[])).toMatch(
    typeof expected === 'string' ? new RegExp(`^${expected}$`) : expected,
  );
});

test('a disk that is slow again soon is left alone twice as long each time', () => {
  const pace = new LoneWritePace();
  let nowMs = 0;
  for (let i = 0; i < 17; i += 1) pace.allows(1, 100, nowMs);
  const rests: number[] = [];
  for (let round = 0; round < 13; round += 1) {
    pace.took(5, nowMs);
    const fromMs = nowMs;
    while (!pace.allows(1, 100, nowMs)) nowMs += 1;
    rests.push(nowMs - fromMs);
  }
  expect(rests).toEqual([
    50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000,
  ]);
  nowMs += 60_001;
  pace.took(5, nowMs);
  expect(pace.allows(1, 100, nowMs + 50)).toBe(true);
});
