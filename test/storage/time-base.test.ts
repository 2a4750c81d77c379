/** Times that doubles cannot count: bases, partitions and sets of instants are exact at every precision. */

import fc from 'fast-check';
import { IntervalSet, joinSpans } from '../../storage/interval-set.js';
import {
  baseFor,
  baseForUnits,
  baseSecondsFor,
  floorDivide,
  PartitionRule,
} from '../../storage/time-base.js';

const precisions = fc.integer({ min: 0, max: 9 });

describe('bases', () => {
  it('are multiples of the quantum, at most a quantum below, so that the offset is a safe integer', () => {
    fc.assert(
      fc.property(
        precisions,
        fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
        (precision, seconds) => {
          const base = baseFor(seconds, precision);
          const units = BigInt(seconds) * 10n ** BigInt(precision) + 10n ** BigInt(precision) - 1n;
          expect(baseForUnits(units, precision)).toBe(base);
          expect(BigInt(baseSecondsFor(seconds, precision)) * 10n ** BigInt(precision)).toBe(base);
          expect(Number.isSafeInteger(Number(units - base))).toBe(true);
          if (precision <= 3) expect(base).toBe(0n);
          else expect(base % (precision <= 6 ? 4n * 10n ** 9n : 4n * 10n ** 6n)).toBe(0n);
        },
      ),
      { numRuns: 1000, seed: 20260106 },
    );
  });
});

describe('partitions', () => {
  it('are floor(time in ms / width) for every instant that an offset reaches', () => {
    const widths = fc.constantFrom(
      1,
      1000,
      3_600_000,
      86_400_000,
      7 * 86_400_000,
      104 * 86_400_000,
      12_345_679,
    );
    const offsets = fc.oneof(fc.maxSafeInteger(), fc.integer());
    const seconds = fc.integer({ min: -1_000_000_000, max: 4_000_000_000 });
    fc.assert(
      fc.property(precisions, widths, seconds, offsets, (precision, width, second, any) => {
        const base = baseFor(second, precision);
        // Up to 3 digits an offset is the time itself and must stay one in milliseconds.
        const offset = precision < 3 ? Math.trunc(any / 1000) : any;
        const units = base + BigInt(offset);
        const ms =
          precision <= 3
            ? units * 10n ** BigInt(3 - precision)
            : floorDivide(units, 10n ** BigInt(precision - 3));
        const rule = new PartitionRule(base, width, precision);
        expect(rule.partitionOf(offset)).toBe(Number(floorDivide(ms, BigInt(width))));
      }),
      { numRuns: 3000, seed: 20260107 },
    );
  });
});

describe('IntervalSet', () => {
  it('covers everything added, in few sorted disjoint intervals', () => {
    const interval = fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 50 }));
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 400 }), fc.nat(400), (added, looksAfter) => {
        const set = new IntervalSet();
        added.forEach(([min, width], index) => {
          set.add(min, min + width);
          // Whoever looks in between changes nothing but how early intervals are joined.
          if (index === looksAfter) expect(set.length).toBeLessThanOrEqual(32);
        });
        expect(set.length).toBeLessThanOrEqual(32);
        for (let index = 1; index < set.length; index++) {
          expect(set.min(index)).toBeGreaterThan(set.max(index - 1));
        }
        const indices = Array.from({ length: set.length }, (_, index) => index);
        const isWhole = ([min, width]: readonly [number, number]): boolean =>
          indices.some((index) => set.min(index) <= min && set.max(index) >= min + width);
        expect(added.filter((one) => !isWhole(one))).toEqual([]);
        if (added.length <= 32) {
          // Nothing had to be joined, so nothing more is covered.
          const covers = (at: number): boolean =>
            indices.some((i) => set.min(i) <= at && set.max(i) >= at);
          const isAdded = (at: number): boolean =>
            added.some(([min, width]) => at >= min && at <= min + width);
          const looks = Array.from({ length: 10_100 / 7 }, (_, index) => index * 7);
          expect(looks.filter((at) => covers(at) !== isAdded(at))).toEqual([]);
        }
      }),
      { numRuns: 100, seed: 20260108 },
    );
  });

  it('closes the smallest gaps', () => {
    const set = new IntervalSet();
    const bursts = [5_000, 0, 90_000, 40_000];
    for (const start of bursts)
      for (let at = 0; at < 100; at++) set.add(start + 2 * at, start + 2 * at);
    const gaps = Array.from({ length: set.length - 1 }, (_, i) => set.min(i + 1) - set.max(i));
    expect(gaps.filter((gap) => gap > 100)).toHaveLength(bursts.length - 1);
    expect(set.min(0)).toBe(0);
  });

  it('spans that touch or overlap are joined', () => {
    const spans = [
      { min: 5n, max: 7n },
      { min: 0n, max: 1n },
      { min: 2n, max: 3n },
      { min: 6n, max: 6n },
    ];
    expect(joinSpans(spans)).toEqual([
      { min: 0n, max: 3n },
      { min: 5n, max: 7n },
    ]);
  });
});
