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

/** How long the journal stays away from the spot after each slow write; so many quick writes lie between two of them. */
function restsOf(rounds: number, quickBetween: number): number[] {
  const pace = new LoneWritePace();
  let nowMs = 0;
  for (let i = 0; i < 17; i += 1) pace.allows(1, 100, nowMs);
  return Array.from({ length: rounds }, () => {
    pace.took(5, nowMs);
    const fromMs = nowMs;
    while (!pace.allows(1, 100, nowMs)) nowMs += 1;
    const restMs = nowMs - fromMs;
    for (let i = 0; i < quickBetween; i += 1) pace.took(0.2, nowMs);
    return restMs;
  });
}

test.each([0, 1, 63])(
  'a disk that is slow after %i quick writes is left alone twice as long each time',
  (quick) => {
    expect(restsOf(13, quick)).toEqual([
      50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000,
    ]);
  },
);

test('a disk that stalls now and then is never left alone for longer', () => {
  expect(restsOf(20, 64)).toEqual(Array.from({ length: 20 }, () => 50));
});
