/** Dictionaries of bytes: ids in order of appearance, whatever the hash, the growth and the sharding do. */

import fc from 'fast-check';
import { AppendArray } from '../../storage/append-array.js';
import { ByteDictionary } from '../../storage/byte-dictionary.js';
import { ByteReader, DamagedBytesError } from '../../storage/byte-reader.js';
import { ByteWriter } from '../../storage/byte-writer.js';
import { firstSlot, HashIndex, nextSlot } from '../../storage/hash-index.js';
import { SeriesDictionary } from '../../storage/series-dictionary.js';
import { ColumnRole, ColumnType, type StoredColumn } from '../../storage/table-schema.js';
import { readCell, TagTupleWriter } from '../../storage/tag-tuple.js';
import { SeededRandom } from '../support/seeded-random.js';
import { valuesOf } from '../support/vector-values.js';

const tag = (id: number, type: ColumnType, precision = 0): StoredColumn => ({
  id,
  type,
  role: ColumnRole.tag,
  precision,
});

function tupleOf(cells: readonly (string | null)[]): Uint8Array {
  const writer = new TagTupleWriter();
  for (const cell of cells) {
    if (cell === null) writer.nullCell();
    else writer.bytesCell(Buffer.from(cell, 'latin1'), 0, cell.length);
  }
  return writer.bytes.slice(0, writer.length);
}

function idOf(dictionary: SeriesDictionary, cells: readonly (string | null)[]): number {
  const tuple = tupleOf(cells);
  return dictionary.idOf(tuple, 0, tuple.length);
}

describe('HashIndex', () => {
  const idsOf = (index: HashIndex, hash: number): number[] => {
    const slots = index.slotsOf(hash);
    const found: number[] = [];
    for (let at = firstSlot(hash, slots); slots[at + 1] !== 0; at = nextSlot(at, slots)) {
      if (slots[at] === hash) found.push(slots[at + 1]! - 1);
    }
    return found.sort((a, b) => a - b);
  };

  it('finds every id filed under a hash, also when all hashes are the same', () => {
    const index = new HashIndex();
    for (let id = 0; id < 300; id++) index.insert(id % 3, id);
    expect(idsOf(index, 1)).toEqual(Array.from({ length: 100 }, (_, n) => n * 3 + 1));
    expect(idsOf(index, 3)).toEqual([]);
  });

  it('grows shard by shard: no 1,000 of 300,000 ids make more than 40 of the 256 shards grow', () => {
    const index = new HashIndex();
    const hashes = new SeededRandom(5);
    let most = 0;
    for (let step = 0; step < 300; step++) {
      const before = index.sizeBytes;
      const shardBytes = Math.max(before / 256, 512);
      for (let id = 0; id < 1000; id++) index.insert(hashes.nextUint32() | 0, step * 1000 + id);
      // The first steps split the index; its shards are then small.
      if (step >= 20) most = Math.max(most, (index.sizeBytes - before) / shardBytes);
    }
    expect(most).toBeLessThan(40);
    expect(most).toBeGreaterThan(0);
  });
});

describe('AppendArray', () => {
  it('keeps what was appended, in pieces of any size, and lets vectors keep the array they have', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(50), fc.nat(30_000)), { minLength: 20, maxLength: 60 }),
        fc.nat(59),
        (pieces, forgetAt) => {
          const memory = new AppendArray(17, (length) => new Uint32Array(length));
          let used = 0;
          /** How much of each array some vector has. */
          const held = new Map<Uint32Array, number>();
          let from = 0;
          pieces.forEach((more, index) => {
            if (index === forgetAt) {
              memory.restart();
              from += used;
              used = 0;
              held.clear();
            }
            memory.reserve(used, more);
            for (let entry = 0; entry < more; entry++)
              memory.array[used + entry] = from + used + entry;
            used += more;
            held.set(memory.array, used);
          });
          const isKept = (array: Uint32Array, length: number): boolean =>
            array.subarray(0, length).every((value, entry) => value === from + entry);
          expect(isKept(memory.array, used)).toBe(true);
          expect([...held].every(([array, length]) => isKept(array, length))).toBe(true);
        },
      ),
      { numRuns: 100, seed: 20260301 },
    );
  });

  it('moves a bounded number of entries a time, and has moved all when it is full', () => {
    let moved = 0;
    class Counted extends Uint32Array {
      override set(source: ArrayLike<number>, offset?: number): void {
        moved = Math.max(moved, source.length);
        super.set(source, offset);
      }
    }
    const memory = new AppendArray<Uint32Array>(1 << 16, (length) => new Counted(length));
    for (let used = 0; used < 1 << 20; used++) {
      memory.reserve(used, 1);
      memory.array[used] = used;
    }
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThanOrEqual(5 * 4096 + 5);
    expect(memory.array.subarray(0, 1 << 20).every((value, entry) => value === entry)).toBe(true);
  });
});

describe('ByteDictionary', () => {
  it('gives codes in order of appearance, past the split into shards', () => {
    const dictionary = new ByteDictionary();
    const others: number[] = [];
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 20_000; index++) {
        const bytes = Buffer.from(`value-${index}`);
        if (dictionary.add(bytes, 0, bytes.length) !== index) others.push(index);
      }
    }
    expect(others).toEqual([]);
    expect(dictionary.find(Buffer.from('value-20000'), 0, 11)).toBe(-1);
    dictionary.clear();
    expect(dictionary.add(Buffer.from('value-7'), 0, 7)).toBe(0);
  });

  it('forks: the fork knows all entries, and neither sees what the other adds', () => {
    const original = new ByteDictionary();
    for (const word of ['a', 'b', '']) original.add(Buffer.from(word), 0, word.length);
    const fork = original.fork();
    expect(fork.add(Buffer.from('b'), 0, 1)).toBe(1);
    expect(fork.add(Buffer.from('c'), 0, 1)).toBe(3);
    expect(original.add(Buffer.from('d'), 0, 1)).toBe(3);
    expect(fork.find(Buffer.from('d'), 0, 1)).toBe(-1);
    expect(valuesOf(fork.vector())).toEqual(['a', 'b', '', 'c']);
    expect(valuesOf(original.vector())).toEqual(['a', 'b', '', 'd']);
  });
});

describe('tag tuples', () => {
  it('tell NULL from the empty string and keep any bytes', () => {
    const cell = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
    fc.assert(
      fc.property(fc.array(cell, { maxLength: 6 }), (cells) => {
        const writer = new TagTupleWriter();
        for (const bytes of cells) {
          if (bytes === null) writer.nullCell();
          else writer.bytesCell(bytes, 0, bytes.length);
        }
        const tuple = writer.bytes.slice(0, writer.length);
        const reader = new ByteReader(tuple);
        const back = cells.map(() => {
          const range = readCell(reader);
          return range === null ? null : tuple.slice(range.start, range.end);
        });
        reader.expectEnd();
        expect(back).toEqual(
          cells.map((bytes) => (bytes === null ? null : Uint8Array.from(bytes))),
        );
      }),
      { numRuns: 500, seed: 20260105 },
    );
  });

  it.each([0, 7, -7, 10, 99, 100, 2 ** 53 - 1, -(2 ** 53 - 1), 1.5, -0, 1e21])(
    'spell the number %p in decimal',
    (value) => {
      const writer = new TagTupleWriter();
      writer.numberCell(value);
      const text = Buffer.from(writer.bytes.slice(1, writer.length)).toString();
      expect(text).toBe(String(value));
    },
  );
});

describe('SeriesDictionary', () => {
  const columns = [
    tag(1, ColumnType.text),
    tag(2, ColumnType.int64),
    tag(3, ColumnType.timestamp, 9),
  ];
  const series = [
    ['h1', '1', '1700000000000000000'],
    ['h1', null, '1700000000000000001'],
    [null, String(2n ** 62n), null],
    ['', '-5', '1700000000000000000'],
  ] as const;

  it('reads tags back in their own kinds', () => {
    const dictionary = SeriesDictionary.ofTags(columns);
    series.forEach((cells, id) => expect(idOf(dictionary, cells)).toBe(id));
    series.forEach((cells, id) => expect(idOf(dictionary, cells)).toBe(id));
    expect(valuesOf(dictionary.tag(1)!.all(4))).toEqual(['h1', 'h1', null, '']);
    expect(valuesOf(dictionary.tag(2)!.all(4))).toEqual([1, null, 2n ** 62n, -5]);
    const times = [1700000000000000000n, 1700000000000000001n, null, 1700000000000000000n];
    expect(valuesOf(dictionary.tag(3)!.all(4))).toEqual(times);
    expect(dictionary.tag(4)).toBeNull();
  });

  it('holds a million vacant ids in a page or two, and none of them is a series', () => {
    const dictionary = SeriesDictionary.ofTags(columns);
    const bytesBefore = dictionary.sizeBytes;
    const vacant = new ByteWriter();
    vacant.varint(0);
    vacant.varint(1_000_000);
    dictionary.load(vacant.take());
    expect([dictionary.count, dictionary.seriesCount]).toEqual([1_000_000, 0]);
    expect(dictionary.sizeBytes - bytesBefore).toBeLessThan(200_000);
    const ids = series.map((cells) => idOf(dictionary, cells));
    expect(ids).toEqual([1_000_000, 1_000_001, 1_000_002, 1_000_003]);
    expect(dictionary.seriesCount).toBe(4);
    expect(ids.map((id) => dictionary.follower(id))).toEqual([...ids.slice(1), -1]);
    const fork = dictionary.fork();
    expect(idOf(fork, ['h2', null, null])).toBe(1_000_004);
    expect([fork.seriesCount, dictionary.seriesCount]).toEqual([5, 4]);
  });

  it('takes no vacant id for the series that comes next', () => {
    const [first, second] = [SeriesDictionary.ofTags(columns), SeriesDictionary.ofTags(columns)];
    series.forEach((cells) => idOf(first, cells));
    const writer = new ByteWriter();
    first.encode(writer, 0, 2);
    second.load(writer.take());
    second.load(Uint8Array.of(2, 3));
    expect(second.follower(0)).toBe(1);
    expect(second.follower(1)).toBe(-1);
    expect(idOf(second, series[2])).toBe(5);
    expect(second.follower(5)).toBe(-1);
  });

  it('is persisted in pieces that must continue each other', () => {
    const dictionary = SeriesDictionary.ofTags([tag(1, ColumnType.text)]);
    for (let id = 0; id < 10_000; id++) idOf(dictionary, [`host-${id}`.padEnd(id % 300, '.')]);
    const piece = (from: number, to: number): Uint8Array => {
      const writer = new ByteWriter();
      dictionary.encode(writer, from, to);
      return writer.take();
    };
    const loaded = SeriesDictionary.ofTags([tag(1, ColumnType.text)]);
    loaded.load(piece(0, 4096));
    expect(() => loaded.load(piece(8192, 10_000))).toThrow(DamagedBytesError);
    loaded.load(piece(4096, 8192));
    loaded.load(piece(8192, 10_000));
    expect(loaded.count).toBe(10_000);
    expect(idOf(loaded, ['host-77'.padEnd(77, '.')])).toBe(77);
    expect(loaded.tuple(9999)).toEqual(dictionary.tuple(9999));
  });

  it('keeps a tuple larger than a page', () => {
    const dictionary = SeriesDictionary.ofTags([tag(1, ColumnType.text)]);
    const long = 'x'.repeat((1 << 20) + 5);
    expect([idOf(dictionary, ['a']), idOf(dictionary, [long]), idOf(dictionary, ['b'])]).toEqual([
      0, 1, 2,
    ]);
    expect([idOf(dictionary, ['b']), idOf(dictionary, [long]), idOf(dictionary, ['a'])]).toEqual([
      2, 1, 0,
    ]);
    expect(dictionary.tuple(1).length).toBe(long.length + 3);
  });

  describe('notes the last time of each series, up to the first row that is not newer', () => {
    const dictionary = SeriesDictionary.ofTags([tag(1, ColumnType.text)]);
    for (let host = 0; host < 5_000; host++) idOf(dictionary, [`host${host}`]);
    it.each([
      ['no row', '', 0, NaN, 0],
      ['one of a series each, then a newer one', '0@10 1@10 4999@10 0@20', 0, NaN, 4],
      ['equal is not newer', '4999@10', 0, NaN, 0],
      ['what comes behind the first is not noted', '1@11 0@20 4999@99', 0, NaN, 1],
      ['so that is newer still', '4999@11', 0, NaN, 1],
      ['times of another base', '1@5', 6, NaN, 0],
      ['times of another base, newer', '1@5', 7, NaN, 1],
      ['a series that comes twice', '2@-3 2@-3', 0, NaN, 1],
      ['rows at a time that is suspected anyhow are passed over', '0@1 1@1 0@2', 3, 4, 2],
      ['and noted where they are newer', '3@1 0@1', 3, 4, 2],
      ['as one sees at the next', '3@1', 3, NaN, 0],
    ])('%s: %s', (_, text, delta, suspected, newer) => {
      const rows = text === '' ? [] : text.split(' ').map((row) => row.split('@').map(Number));
      const series = Uint32Array.from([9, 9, ...rows.map(([id]) => id!)]);
      const times = Float64Array.from([1e9, 1e9, ...rows.map(([, time]) => time!)]);
      const { length } = times;
      const end = dictionary.advanceTimes(series, times, 2, length, delta, suspected);
      expect(end - 2).toBe(newer);
    });
  });

  it('forks for a reader: new series get ids at the end there and stay unknown here', () => {
    const dictionary = SeriesDictionary.ofTags([tag(1, ColumnType.text)]);
    idOf(dictionary, ['a']);
    const fork = dictionary.fork();
    expect(idOf(fork, ['b'])).toBe(1);
    expect(idOf(dictionary, ['c'])).toBe(1);
    expect(idOf(fork, ['a'])).toBe(0);
    expect(valuesOf(fork.tag(1)!.all(2))).toEqual(['a', 'b']);
    expect(valuesOf(dictionary.tag(1)!.all(2))).toEqual(['a', 'c']);
  });

  it('says which series a range tombstone means, those that come later included', () => {
    const dictionary = SeriesDictionary.ofTags([tag(1, ColumnType.text)]);
    for (const host of ['a', 'b', null]) idOf(dictionary, [host]);
    const values = [Buffer.from('b'), Buffer.from('d'), null];
    const tombstone = {
      tableId: 1,
      version: 9,
      timeMin: null,
      timeMax: null,
      tags: [{ columnId: 1, values }],
    };
    expect([...dictionary.maskOf(tombstone)]).toEqual([0, 1, 1]);
    for (const host of ['c', 'd']) idOf(dictionary, [host]);
    expect([...dictionary.maskOf(tombstone)]).toEqual([0, 1, 1, 0, 1]);
  });
});
