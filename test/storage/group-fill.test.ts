/** How many records a commit group waits for: none for a few clients, half of all for many that come back together. */

import { GroupFill } from '../../storage/group-fill.js';

function fillAfter(counts: readonly number[]): GroupFill {
  const fill = new GroupFill();
  for (const count of counts) fill.wrote(count);
  return fill;
}

function leastOf(fill: GroupFill): number {
  let count = 1;
  while (!fill.isEnough(count, 100)) count += 1;
  return count;
}

test.each([
  ['nothing was written yet', [], 1],
  ['a client on its own', [1, 1, 1], 1],
  ['two clients that take turns', [1, 1], 1],
  ['one and then all the others', [1, 31], 16],
  ['all of them, and none before', [32, 1], 17],
  ['two halves', [16, 16], 16],
  ['an odd number', [16, 17], 17],
  ['as few as that', [8, 8], 8],
  ['fewer', [7, 8], 1],
  ['all but one have left', [16, 1, 1], 1],
])('%s: %j, then %i', (_name, counts, least) => {
  expect(leastOf(fillAfter(counts))).toBe(least);
});

test('many bytes wait for nobody', () => {
  const fill = fillAfter([16, 16]);
  expect(fill.isEnough(1, 64 * 1024)).toBe(false);
  expect(fill.isEnough(1, 64 * 1024 + 1)).toBe(true);
});
