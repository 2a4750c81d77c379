/** When the journal writes on the spot: alone, small, and on a quick disk. */

import { LoneWritePace } from '../../storage/lone-write-pace.js';

/** Runs groups `[records, bytes, took ms]`, those that are not allowed through the pool; the answers as a word of y and n. */
function answers(groups: readonly (readonly [number, number, number])[]): string {
  const pace = new LoneWritePace();
  let word = '';
  for (const [records, bytes, tookMs] of groups) {
    const isAllowed = pace.allows(records, bytes);
    word += isAllowed ? 'y' : 'n';
    if (isAllowed) pace.took(tookMs);
    else pace.tookThroughPool(tookMs);
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
    'a slow write sends eight through the pool',
    [...lone(16), ...lone(1, 4), ...lone(60)],
    'n'.repeat(16) + 'y' + 'n'.repeat(8) + 'y'.repeat(52),
  ],
  [
    'eight quick ones in a row, that is: a slow one among them begins anew',
    [...lone(16), ...lone(1, 4), ...lone(7), ...lone(1, 4), ...lone(20)],
    'n'.repeat(16) + 'y' + 'n'.repeat(8) + 'n'.repeat(8) + 'y'.repeat(12),
  ],
  [
    'what others write beside tells of the disk, too',
    [...lone(16), ...lone(1, 4), ...lone(8, 0.2).map(() => [5, 900, 0.2] as const), ...lone(20)],
    'n'.repeat(16) + 'y' + 'n'.repeat(8) + 'n'.repeat(16) + 'y'.repeat(4),
  ],
] as const)('%s', (_name, groups, expected) => {
  expect(answers(groups as readonly (readonly [number, number, number])[])).toMatch(
    typeof expected === 'string' ? new RegExp(`^${expected}$`) : expected,
  );
});

test('a record of several statements is of nobody who is alone', () => {
  const pace = new LoneWritePace();
  const answers = Array.from({ length: 40 }, (_, index) => {
    if (index === 18) pace.meetCompany();
    return pace.allows(1, 300) ? 'y' : 'n';
  });
  expect(answers.join('')).toBe('n'.repeat(16) + 'yy' + 'n'.repeat(16) + 'y'.repeat(6));
});

/** How many quick writes through the pool it takes after each slow one; so many quick ones on the spot lie between two of those. */
function waitsOf(rounds: number, quickBetween: number): number[] {
  const pace = new LoneWritePace();
  for (let i = 0; i < 17; i += 1) pace.allows(1, 100);
  return Array.from({ length: rounds }, () => {
    pace.took(5);
    let waited = 0;
    while (!pace.allows(1, 100)) {
      pace.tookThroughPool(0.2);
      waited += 1;
    }
    for (let i = 0; i < quickBetween; i += 1) pace.took(0.2);
    return waited;
  });
}

test.each([0, 1, 63])(
  'a disk that is slow after %i quick writes is trusted after twice as many each time',
  (quick) => {
    expect(waitsOf(13, quick)).toEqual([
      8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 16_384,
    ]);
  },
);

test('a disk that stalls now and then is never left alone for longer', () => {
  expect(waitsOf(20, 64)).toEqual(Array.from({ length: 20 }, () => 8));
});
