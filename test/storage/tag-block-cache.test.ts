/** Tag columns that repeat are remembered whole: the same rows come out as when every section is taken apart. */

import fc from 'fast-check';
import { OwnWrites } from '../../storage/own-writes.js';
import { RowBatch } from '../../storage/row-batch.js';
import {
  EncodedTagBlocks,
  ResolvedTagBlocks,
  TAG_BLOCK_TUPLES_MIN,
} from '../../storage/tag-block-cache.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import type { TableStore } from '../../storage/table-store.js';
import { encodeWriteBody } from '../../storage/write-body.js';
import { openMemoryStore, scanAll } from '../support/table-rig.js';

const schema: TableSchema = {
  tableId: 4,
  appendMode: true,
  partitionMs: 86_400_000,
  columns: [
    { id: 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 2, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 3, type: ColumnType.timestamp, role: ColumnRole.time, precision: 0 },
  ],
};

type Host = readonly [string, string];

/** A statement's rows: a row a host at one instant. */
function bodyOf(hosts: readonly Host[], instant: number): Uint8Array {
  const batch = new RowBatch(schema);
  for (const [host, region] of hosts) {
    batch.setBytes(0, Buffer.from(host), 0, host.length);
    batch.setBytes(1, Buffer.from(region), 0, region.length);
    batch.setTime(2, instant, 0);
    batch.endRow();
  }
  return Buffer.concat(encodeWriteBody([batch.encodeSection()]));
}

const hosts = (count: number): Host[] =>
  Array.from({ length: count }, (_, index) => [
    `host_${100 + index}`,
    index % 2 === 0 ? 'eu' : 'us',
  ]);

const printed = (all: readonly Host[], instant: number): string[] =>
  all.map(([host, region]) => `"${host}" | "${region}" | ${instant}n`);

async function newStore(): Promise<TableStore> {
  const { store } = await openMemoryStore();
  store.defineTable(schema);
  return store;
}

describe('sections whose tag columns repeat', () => {
  it('give their rows to the same series, however often they come', async () => {
    const store = await newStore();
    const all = hosts(40);
    for (let instant = 1; instant <= 5; instant++) {
      store.applyWrite(instant * 8, bodyOf(all, instant), 0);
    }
    expect(store.stats()[0]!.series).toBe(40);
    expect(await scanAll(store, schema)).toEqual(
      [1, 2, 3, 4, 5].flatMap((instant) => printed(all, instant)),
    );
  });

  it.each([
    ['first', 0],
    ['middle', 20],
    ['last', 39],
  ])('are not taken for ones that differ in one letter of the %s host', async (_, place) => {
    const store = await newStore();
    const all = hosts(40);
    for (let instant = 1; instant <= 3; instant++) {
      store.applyWrite(instant * 8, bodyOf(all, instant), 0);
    }
    const other = all.map((host, index): Host => (index === place ? ['host_x00', host[1]] : host));
    store.applyWrite(32, bodyOf(other, 4), 0);
    expect(store.stats()[0]!.series).toBe(41);
    expect((await scanAll(store, schema)).slice(120)).toEqual(printed(other, 4));
  });

  it('are not taken for ones of fewer hosts that begin with the same bytes', async () => {
    const store = await newStore();
    const [few, many] = [hosts(16), hosts(17)];
    for (let instant = 1; instant <= 6; instant++) {
      store.applyWrite(instant * 8, bodyOf(instant % 2 === 0 ? few : many, instant), 0);
    }
    expect(await scanAll(store, schema)).toEqual(
      [1, 2, 3, 4, 5, 6].flatMap((instant) => printed(instant % 2 === 0 ? few : many, instant)),
    );
  });

  it('of a transaction teach the table nothing: its own series are gone with it', async () => {
    const store = await newStore();
    const all = hosts(40);
    const view = store.readView();
    const staged = view.withOverlay(
      new OwnWrites(100),
      [1, 2, 3].map((instant) => bodyOf(all, instant)),
    );
    while (!staged.step());
    const overlay = staged.view();
    expect(await scanAll(overlay, schema)).toHaveLength(120);
    overlay.release();
    const others = hosts(60).slice(20).reverse();
    store.applyWrite(80, bodyOf(others, 8), 0);
    store.applyWrite(88, bodyOf(all, 9), 0);
    expect(await scanAll(store, schema)).toEqual([...printed(others, 8), ...printed(all, 9)]);
  });
});

it('a client that goes round its hosts in groups finds each group again', () => {
  const known = new ResolvedTagBlocks();
  const tuples = 20;
  const groups = Array.from({ length: 16 }, (_, group) => Buffer.alloc(200, group + 1));
  const found = (): number[] =>
    groups.map((bytes, group) => {
      const block = known.match(bytes, 0, bytes.length, tuples);
      if (block !== null) return block.series[0]!;
      known.offer(bytes, 0, bytes.length, tuples, new Uint32Array(tuples).fill(group));
      return -1;
    });
  // What comes for the second time is remembered.
  expect(new Set([...found(), ...found()])).toEqual(new Set([-1]));
  expect(found()).toEqual(groups.map((_, group) => group));
});

describe('sections of one row', () => {
  it('give their rows to the right series, whatever else has the same place or length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(400), fc.nat(3)), { minLength: 1, maxLength: 300 }),
        async (picks) => {
          const store = await newStore();
          const expected = new Map<string, string[]>();
          let instant = 0;
          for (const [host, region] of picks) {
            instant += 1;
            const tags: Host = [`h${host % 17 === 0 ? '' : host}`, 'r'.repeat(region)];
            store.applyWrite(instant * 8, bodyOf([tags], instant), 0);
            const key = tags.join(' ');
            expected.set(key, [...(expected.get(key) ?? []), ...printed([tags], instant)]);
          }
          expect(store.stats()[0]!.series).toBe(expected.size);
          expect((await scanAll(store, schema)).sort()).toEqual(
            [...expected.values()].flat().sort(),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('are remembered up to a number of bytes, whatever their lengths', () => {
    const known = new ResolvedTagBlocks();
    const bytes = Buffer.alloc(2000);
    const isKnown = (host: number, length: number): boolean => {
      bytes.writeUInt32LE(host, 100);
      return known.match(bytes, 100, 100 + length, 1)?.series[0] === host;
    };
    const learn = (host: number, length: number): void => {
      bytes.writeUInt32LE(host, 100);
      known.offer(bytes, 100, 100 + length, 1, Uint32Array.of(host));
    };
    for (let host = 0; host < 100; host++) learn(host, 30 + (host % 50));
    let found = 0;
    for (let host = 0; host < 100; host++) {
      if (isKnown(host, 30 + (host % 50))) found += 1;
      expect(isKnown(host, 29)).toBe(false);
    }
    // All but those that share a place.
    expect(found).toBeGreaterThan(80);
    for (let host = 0; host < 2000; host++) learn(host, 1000);
    expect(known.sizeBytes).toBeGreaterThan(128 * 1024);
    expect(known.sizeBytes).toBeLessThanOrEqual(256 * 1024);
    learn(7, 20);
    expect(known.sizeBytes).toBe(24);
    expect(isKnown(7, 20)).toBe(true);
  });

  it('are not taken for another that differs in any one byte', () => {
    const known = new ResolvedTagBlocks();
    const bytes = Uint8Array.from({ length: 70 }, (_, index) => index);
    known.offer(bytes, 3, 60, 1, Uint32Array.of(9));
    for (let at = 0; at < 70; at++) {
      bytes[at]! ^= 1;
      const isFound = known.match(bytes, 3, 70, 1) !== null;
      expect({ at, isFound }).toEqual({ at, isFound: at < 3 || at >= 60 });
      bytes[at]! ^= 1;
    }
  });
});

describe('ResolvedTagBlocks', () => {
  const block = (size: number, fill: number): Uint8Array => new Uint8Array(size).fill(fill);
  const ids = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, id) => id);
  const learn = (known: ResolvedTagBlocks, bytes: Uint8Array, count: number): void => {
    for (let time = 0; time < 2; time++) known.offer(bytes, 0, bytes.length, count, ids(count));
  };

  it('keeps a block at its second appearance, and what it copied is its own', () => {
    const known = new ResolvedTagBlocks();
    const bytes = block(100, 7);
    const series = ids(20);
    known.offer(bytes, 0, 100, 20, series);
    expect(known.match(bytes, 0, 100, 20)).toBeNull();
    known.offer(bytes, 0, 100, 20, series);
    series.fill(9);
    expect([...known.match(bytes, 0, 100, 20)!.series]).toEqual([...ids(20)]);
    const longer = block(150, 7);
    expect(known.match(longer, 30, 150, 20)?.bytes.length).toBe(100);
    expect(known.match(longer, 51, 150, 20)).toBeNull();
    expect(known.match(bytes, 0, 100, 21)).toBeNull();
    bytes[50] = 8;
    expect(known.match(bytes, 0, 100, 20)).toBeNull();
  });

  it('keeps no small blocks, no huge ones, and the sixteen used last', () => {
    const known = new ResolvedTagBlocks();
    learn(known, block(50, 1), TAG_BLOCK_TUPLES_MIN - 1);
    learn(known, block(300_000, 2), 20);
    expect(known.sizeBytes).toBe(0);
    const isKept = (fill: number): boolean => known.match(block(50, fill), 0, 50, 20) !== null;
    const fills = Array.from({ length: 16 }, (_, index) => index + 1);
    for (const fill of fills) learn(known, block(50, fill), 20);
    expect(isKept(1)).toBe(true);
    learn(known, block(50, 17), 20);
    expect([...fills, 17].filter((fill) => !isKept(fill))).toEqual([2]);
    expect(known.sizeBytes).toBe(16 * (50 + 20 * 4));
    for (const fill of [21, 22, 23, 24]) learn(known, block(100_000, fill), 20);
    expect(known.sizeBytes).toBeLessThanOrEqual(256 * 1024);
  });

  it('keeps any two single tuples that come in turns, also those of one place', () => {
    const count = 150;
    const blocks = Array.from({ length: count }, (_, index) => Buffer.from(`host-${index + 100}`));
    const lost: string[] = [];
    for (let one = 0; one < count; one++) {
      for (let other = 0; other < one; other++) {
        const known = new ResolvedTagBlocks();
        for (const index of [one, other]) {
          const bytes = blocks[index]!;
          known.offer(bytes, 0, bytes.length, 1, Uint32Array.of(index));
        }
        for (const index of [one, other]) {
          const bytes = blocks[index]!;
          const found = known.match(bytes, 0, bytes.length, 1);
          if (found?.series[0] !== index) lost.push(`${one} and ${other}: ${index}`);
        }
      }
    }
    expect(lost).toEqual([]);
  });
});

describe('announced tag blocks', () => {
  const blockOf = (index: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length + 8).fill(index);
    new DataView(bytes.buffer).setUint32(4, index);
    return bytes;
  };
  const ids = (index: number): Uint32Array => Uint32Array.of(index, index + 1);

  it('are found by their bytes, as often as one looks, and the last of them are kept', () => {
    const known = new ResolvedTagBlocks();
    for (let index = 0; index < 20; index++) known.announce(blockOf(index, 50), 4, 54, ids(index));
    for (let index = 0; index < 20; index++) {
      const source = blockOf(index, 50);
      for (let time = 0; time < 2; time++) {
        const found = known.match(source, 4, source.length, 2);
        expect(found?.series ?? null).toEqual(index < 4 ? null : ids(index));
      }
      expect(known.match(source, 4, source.length, 3)).toBeNull();
      expect(known.match(source, 3, source.length, 2)).toBeNull();
      expect(known.match(source, 4, 53, 2)).toBeNull();
    }
    expect(known.sizeBytes).toBe(16 * (50 + 8));
  });

  it('take no more than two megabytes together', () => {
    const known = new ResolvedTagBlocks();
    const size = 700_000;
    for (let index = 0; index < 9; index++) {
      known.announce(blockOf(index, size), 0, size, ids(index));
      expect(known.sizeBytes).toBeLessThanOrEqual(2 * 1024 * 1024);
    }
    known.announce(blockOf(9, 3_000_000), 0, 3_000_000, ids(9));
    expect(known.match(blockOf(8, size), 0, size, 2)?.series).toEqual(ids(8));
    expect(known.match(blockOf(6, size), 0, size, 2)).toBeNull();
  });
});

describe('EncodedTagBlocks', () => {
  it('gives back the bytes of exactly these handles', () => {
    const known = new EncodedTagBlocks();
    const handles = Int32Array.from({ length: 32 }, (_, index) => index * 3);
    const bytes = Uint8Array.from({ length: 90 }, (_, index) => index);
    for (let time = 0; time < 2; time++) known.offer(handles, 32, bytes, 10, 60);
    expect(known.find(handles, 32)).toEqual(bytes.slice(10, 60));
    expect(known.find(handles, 31)).toBeNull();
    handles[31] = 1;
    expect(known.find(handles, 32)).toBeNull();
  });

  it('keeps the last single handle of each place', () => {
    const known = new EncodedTagBlocks();
    const bytes = Uint8Array.from({ length: 90 }, (_, index) => index);
    known.offer(Int32Array.of(5), 1, bytes, 10, 20);
    known.offer(Int32Array.of(6), 1, bytes, 10, 30);
    expect(known.find(Int32Array.of(5), 1)).toEqual(bytes.slice(10, 20));
    known.offer(Int32Array.of(5 + 1024), 1, bytes, 40, 60);
    expect(known.find(Int32Array.of(5), 1)).toBeNull();
    expect(known.find(Int32Array.of(5 + 1024), 1)).toEqual(bytes.slice(40, 60));
    expect(known.find(Int32Array.of(6), 1)).toEqual(bytes.slice(10, 30));
    expect(known.sizeBytes).toBe(20 + 20);
  });
});
