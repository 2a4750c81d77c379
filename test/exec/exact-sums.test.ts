/** Sums that leave the safe integers on the way are exact all the same. */

import fc from 'fast-check';
import { ExactSums } from '../../src/exec/exact-sums.js';

const safe = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0, 1, -1),
);

test('any order of small and large values', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.nat(3), fc.oneof(safe, fc.bigInt({ min: -(1n << 63n), max: 1n << 64n }))),
      ),
      (steps) => {
        const sums = new ExactSums();
        sums.reserve(4);
        const expected = [0n, 0n, 0n, 0n];
        for (const [group, value] of steps) {
          if (typeof value === 'number') sums.add(group, value);
          else sums.addLarge(group, value);
          expected[group] = expected[group]! + BigInt(value);
        }
        expect(expected.map((_, group) => sums.total(group))).toEqual(expected);
      },
    ),
  );
});
