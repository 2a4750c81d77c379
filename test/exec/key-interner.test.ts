/** Ids are dense, in the order of first sight, and lead back to the values, through every growth of the tables. */

import fc from 'fast-check';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  datetimeType,
  decimalType,
  DOUBLE,
  textBytes,
  varcharType,
  type SqlValue,
} from '../../src/exec/sql-value.js';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { valueAt } from '../../src/exec/exec-vector.js';
import { keyInterner, PairInterner } from '../../src/exec/key-interner.js';
import { VectorBuilder } from '../../src/exec/vector-builder.js';

const plain = (value: SqlValue): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;

const kinds: readonly [SqlType, fc.Arbitrary<SqlValue>][] = [
  [
    DOUBLE,
    fc
      .oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true, noDefaultInfinity: true }))
      .map((value) => value + 0),
  ],
  [varcharType(9), fc.string({ maxLength: 4 }).map(textBytes)],
  [datetimeType(6), fc.bigInt({ min: -(10n ** 16n), max: 10n ** 17n })],
  [decimalType(30, 2), fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n })],
  [BIGINT, fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(1n << 63n), max: -(1n << 54n) }))],
  [BIGINT_UNSIGNED, fc.oneof(fc.nat(), fc.bigInt({ min: 1n << 54n, max: (1n << 64n) - 1n }))],
];

test.each(kinds)('%j', (type, values) => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.option(values, { freq: 6 }), { maxLength: 30 }), { maxLength: 6 }),
      (batches) => {
        const interner = keyInterner(type, false);
        const known = new Map<unknown, number>();
        for (const batch of batches) {
          const builder = new VectorBuilder(type, batch.length);
          for (const value of batch) builder.append(value);
          const out = new Uint32Array(batch.length);
          interner.intern(builder.finish(), batch.length, out);
          batch.forEach((value, i) => {
            if (known.has(plain(value))) expect(out[i]).toBe(known.get(plain(value)));
            known.set(plain(value), out[i]!);
          });
          expect(new Set(known.values()).size).toBe(known.size);
          const back = interner.values(out, 0, batch.length);
          expect(batch.map((_, i) => plain(valueAt(back, type, i)))).toEqual(batch.map(plain));
        }
      },
    ),
  );
});

test('a hundred thousand pairs', () => {
  const pairs = new PairInterner();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 100_000; i++) {
      if (pairs.intern(i % 317, i * 0.5) !== i) throw new Error(`pair ${i}`);
    }
  }
  expect(pairs.count).toBe(100_000);
  expect([pairs.first(99_999), pairs.second(99_999)]).toEqual([99_999 % 317, 49_999.5]);
});
