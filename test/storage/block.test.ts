/**
 * Blocks: whatever a page holds comes back from the values it is stored as, flushed or compacted; and no changed bit of a value goes
 * unnoticed.
 */

import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { BlockEncoder, decodeBlockColumn, decodePackedBlock } from '../../storage/block.js';
import { compress, decompress, isCompressed } from '../../storage/block-compression.js';
import type { BlockInfo } from '../../storage/block-directory.js';
import { DamagedBytesError } from '../../storage/byte-reader.js';
import { HiddenColumn } from '../../storage/column-kind.js';
import { CorruptionError } from '../../storage/corruption-error.js';
import { blockKey, parseBlockKey } from '../../storage/keys.js';
import type { Effort } from '../../storage/number-encoder.js';
import { Page } from '../../storage/page.js';
import { openValue } from '../../storage/sealed-value.js';
import type { ColumnId } from '../../storage/table-schema.js';
import type { NumberVector, Vector } from '../../storage/vector.js';
import { columnOf, printColumn } from '../support/column-arbitraries.js';
import { readHexFixture } from '../support/hex-fixture.js';
import { valuesOf } from '../support/vector-values.js';

const FIRST_COLUMN = 0x1000;
const efforts: readonly Effort[] = ['small', 'compact'];

function pageOf(columns: readonly (Vector | null)[], length: number): Page {
  return new Page({
    length,
    series: Uint32Array.from({ length }, (_, row) => Math.floor(row / 7)),
    base: 0n,
    times: Float64Array.from({ length }, (_, row) => 1.7e12 + (row % 7) * 1000),
    versions: Float64Array.from({ length }, (_, row) => 3.6e15 + (row % 3) * 2048),
    tombstones: null,
    ordinals: null,
    columns,
  });
}

interface Stored {
  readonly info: BlockInfo;
  readonly values: ReadonlyMap<ColumnId, Uint8Array>;
}

function store(page: Page, effort: Effort): Stored {
  const ids = page.columns.map((_, index) => FIRST_COLUMN + index);
  const encoder = new BlockEncoder(page, ids, false, effort);
  while (encoder.step());
  const { operations, info } = encoder.finish(5, 9);
  const values = new Map<ColumnId, Uint8Array>();
  for (const operation of operations) {
    if (operation.type !== 'put') throw new Error('A block is only written');
    values.set(parseBlockKey(operation.key)!.columnId, operation.value);
  }
  return { info, values };
}

function load({ info, values }: Stored, id: ColumnId): Vector {
  if (info.isPacked) {
    const key = blockKey(5, HiddenColumn.packed, 9);
    return decodePackedBlock(key, values.get(HiddenColumn.packed), info.rows, [id]).get(id)!;
  }
  return decodeBlockColumn(blockKey(5, id, 9), values.get(id), info.rows);
}

const numbers = (values: readonly number[]): NumberVector => ({
  kind: 'number',
  length: values.length,
  values: Float64Array.from(values),
  nulls: null,
});

function strings(values: readonly Uint8Array[]): Vector {
  const starts = new Uint32Array(values.length + 1);
  values.forEach((value, row) => (starts[row + 1] = starts[row]! + value.length));
  const data = new Uint8Array(Buffer.concat(values));
  return { kind: 'bytes', length: values.length, starts, data, nulls: null };
}

function integers(values: readonly bigint[]): Vector {
  return {
    kind: 'integer64',
    length: values.length,
    high: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value >> 32n))),
    low: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value))),
    nulls: null,
  };
}

/** Columns repeated to so many rows, so that blocks are large enough to be compressed. */
const pages = fc
  .tuple(fc.constantFrom(1, 2, 40, 300, 1000), fc.integer({ min: 1, max: 4 }))
  .chain(([length, count]) =>
    fc.array(
      columnOf(length).filter((column) => column.kind !== 'split-time'),
      { minLength: count, maxLength: count },
    ),
  );

describe('a block', () => {
  it.each(efforts)('gives its columns back (%s)', (effort) => {
    fc.assert(
      fc.property(pages, (columns) => {
        const vectors = columns;
        const stored = store(pageOf(vectors, vectors[0]!.length), effort);
        vectors.forEach((vector, index) => {
          const isAllNull = stored.info.statistics[index]!.nulls === vector.length;
          if (isAllNull) expect(stored.values.has(FIRST_COLUMN + index)).toBe(false);
          else expect(printColumn(load(stored, FIRST_COLUMN + index))).toEqual(printColumn(vector));
        });
        expect(valuesOf(load(stored, HiddenColumn.series))).toEqual(
          Array.from(pageOf([], vectors[0]!.length).series),
        );
      }),
      { numRuns: 300, seed: 20260105 },
    );
  });

  it('says of its numbers what a reader would find', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 1, maxLength: 50 }), (values) => {
        const { info } = store(pageOf([numbers(values)], values.length), 'small');
        const hasNaN = values.some((value) => Number.isNaN(value));
        const expected = {
          min: Math.min(...values),
          max: Math.max(...values),
          sum: values.reduce((sum, value) => sum + value, 0),
        };
        const found = info.statistics[0]!.numbers;
        if (hasNaN) {
          expect(found).toBeNull();
          return;
        }
        // Comparing as numbers: 0 and -0 are one bound.
        expect(found!.min === expected.min && found!.max === expected.max).toBe(true);
        expect(Object.is(found!.sum, expected.sum) || found!.sum === expected.sum).toBe(true);
      }),
      { numRuns: 500, seed: 20260106 },
    );
  });

  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
  const edges: readonly [string, Vector][] = [
    [
      'NaN, zeros, infinities, extremes',
      numbers([NaN, 0, -0, Infinity, -Infinity, 5e-324, 1.7976931348623157e308, -1.7e308]),
    ],
    ['integers up to 2^53', numbers([2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53, 0, 1])],
    ['BIGINT at its ends', integers([-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n, 2n ** 53n + 1n])],
    ['BIGINT UNSIGNED at its ends', integers([0n, 2n ** 64n - 1n, 2n ** 63n, 2n ** 63n - 1n])],
    [
      'instants by the nanosecond',
      {
        kind: 'time',
        length: 3,
        base: 1_700_000_000_000_000_000n,
        offsets: Float64Array.of(-4e15, 1, 2 ** 53 - 1),
        nulls: null,
      },
    ],
    ['dates at both ends', numbers([-719_162, 2_932_896, 0, -1])],
    ['one row', numbers([42])],
    [
      'BLOBs that are no UTF-8',
      strings([bytes(0xff, 0xfe, 0), bytes(), bytes(0), bytes(0xc3, 0x28)]),
    ],
    ['a long string', strings([new Uint8Array(200_000).fill(0x61), bytes(0x62)])],
    ['a string too long to be compressed', strings([new Uint8Array(1_100_000).fill(0x61)])],
    ['8192 rows of one value', numbers(new Array<number>(8192).fill(-0.5))],
    [
      '8192 rows, every other an exception',
      numbers(Array.from({ length: 8192 }, (_, i) => (i % 2) * 1e15 + (i % 5))),
    ],
    [
      'reals that turn into integers',
      numbers(Array.from({ length: 8192 }, (_, i) => (i < 4000 ? i / 3 : i))),
    ],
    ['integers until the last, which is -0', numbers([...new Array<number>(8191).fill(1), -0])],
    [
      'numbers that rise by 2^53 at once',
      numbers(Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? -1 : 1) * (2 ** 53 - 1))),
    ],
  ];
  it.each(edges)('keeps %s', (_name, vector) => {
    for (const effort of efforts) {
      const back = load(store(pageOf([vector], vector.length), effort), FIRST_COLUMN);
      expect(printColumn(back)).toEqual(printColumn(vector));
    }
  });

  it('of a compaction is read by who knows nothing of it, and is smaller', () => {
    const text = Array.from({ length: 2000 }, (_, row) =>
      Buffer.from(`GET /api/v1/items/${row % 97}?page=${row % 13} HTTP/1.1`),
    );
    const prices = Array.from({ length: 2000 }, (_, row) => 20_000 + ((row * 7919) % 4099));
    const page = pageOf([strings(text), numbers(prices)], 2000);
    const sizes = efforts.map((effort) =>
      [...store(page, effort).values.values()].reduce((sum, value) => sum + value.length, 0),
    );
    expect(sizes[1]!).toBeLessThan(sizes[0]! * 0.9);
    const compacted = store(page, 'compact');
    expect(valuesOf(load(compacted, FIRST_COLUMN))).toEqual(text.map((value) => value.toString()));
    expect(valuesOf(load(compacted, FIRST_COLUMN + 1))).toEqual(prices);
  });

  it.each(efforts)(
    'tells every flipped bit of a value, and a value under another key (%s)',
    (effort) => {
      const page = pageOf([strings(Array.from({ length: 60 }, () => Buffer.from('abcdefgh')))], 60);
      const { values, info } = store(page, effort);
      const key = blockKey(5, HiddenColumn.packed, 9);
      const value = values.get(HiddenColumn.packed)!;
      const read = (at: Uint8Array, bytesRead: Uint8Array): unknown =>
        decodePackedBlock(at, bytesRead, info.rows, [FIRST_COLUMN]);
      expect(() => read(key, value)).not.toThrow();
      for (let bit = 0; bit < value.length * 8; bit++) {
        const flipped = value.slice();
        flipped[bit >>> 3]! ^= 1 << (bit & 7);
        expect(() => read(key, flipped)).toThrow(CorruptionError);
      }
      expect(() => read(blockKey(6, HiddenColumn.packed, 9), value)).toThrow(CorruptionError);
      expect(() => read(key, value.subarray(0, value.length - 1))).toThrow(CorruptionError);
    },
  );
});

describe('compression', () => {
  it.each([1, 2, 4, 8])('gives back what it was given, by strides of %i', (stride) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 10, maxLength: 60 }),
        fc.integer({ min: 2, max: 40 }),
        (piece, times) => {
          const payload = new Uint8Array(Buffer.concat(new Array<Uint8Array>(times).fill(piece)));
          const compressed = compress(payload, stride);
          if (compressed === null) return;
          expect(isCompressed(compressed)).toBe(true);
          expect(compressed.length).toBeLessThanOrEqual(payload.length * 0.9);
          expect(Buffer.from(decompress(compressed))).toEqual(Buffer.from(payload));
        },
      ),
      { numRuns: 200, seed: 20260107 },
    );
  });

  it('is left alone where it does not pay: short values, and bytes without a pattern', () => {
    expect(compress(new Uint8Array(63), 1)).toBeNull();
    let seed = 1;
    const restless = Uint8Array.from({ length: 5000 }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 16;
    });
    expect(compress(restless, 1)).toBeNull();
    expect(compress(new Uint8Array(2_000_000), 1)).toBeNull();
  });

  const claim = (
    method: number,
    stride: number,
    length: readonly number[],
    bytes: Uint8Array,
  ): Uint8Array =>
    new Uint8Array(Buffer.concat([Uint8Array.of(0x0f, method, stride, ...length), bytes]));
  const bomb = deflateRawSync(new Uint8Array(50_000_000));
  it.each<[string, Uint8Array]>([
    ['an unknown method', claim(2, 1, [100], bomb)],
    ['an unknown stride', claim(1, 3, [100], bomb)],
    ['no length', claim(1, 1, [0], bomb)],
    ['more than a value may have', claim(1, 1, [0x80, 0xe1, 0xeb, 0x17], bomb)],
    ['more bytes than it says', claim(1, 1, [100], bomb)],
    ['fewer bytes than it says', claim(1, 1, [100], deflateRawSync(new Uint8Array(99)))],
    ['no deflated bytes', claim(1, 1, [100], Uint8Array.of(0xff, 0xff, 0xff))],
    ['nothing', claim(1, 1, [100], new Uint8Array(0))],
  ])('refuses %s', (_name, payload) => {
    expect(() => decompress(payload)).toThrow(DamagedBytesError);
  });

  it('has the bytes of its fixture', () => {
    const value = readHexFixture('storage/testdata/v1/block-compressed.hex');
    const key = Buffer.from('62000000000001' + 'c10000000000' + '00000000', 'hex');
    const values = [5, 700, 1400, 300, 2100, 900];
    expect(isCompressed(openValue(key, value))).toBe(true);
    expect(valuesOf(decodeBlockColumn(key, value, 60))).toEqual(
      Array.from({ length: 60 }, (_, row) => values[row % 6]),
    );
  });
});
