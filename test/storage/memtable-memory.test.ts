/** Buffers of flushed memtables: who takes one has it alone, and what lies idle is bounded. */

import fc from 'fast-check';
import { FRESH_MEMORY, MemtableMemory } from '../../storage/memtable-memory.js';

const KIBIBYTE = 1024;
const SIZE_MAX = 6;

test('a buffer that was given back is taken again, by who wants exactly its size', () => {
  const memory = new MemtableMemory(64 * KIBIBYTE);
  const buffer = memory.take(8 * KIBIBYTE);
  expect(buffer.byteLength).toBe(8 * KIBIBYTE);
  memory.give(buffer);
  expect(memory.idleBytes).toBe(8 * KIBIBYTE);
  expect(memory.take(4 * KIBIBYTE).byteLength).toBe(4 * KIBIBYTE);
  expect(memory.take(8 * KIBIBYTE)).toBe(buffer);
  expect(memory.idleBytes).toBe(0);
  expect(memory.take(8 * KIBIBYTE)).not.toBe(buffer);
});

test('beyond the bound goes the size that was not given back for longest', () => {
  const memory = new MemtableMemory(20 * KIBIBYTE);
  const [old, used, last] = [8, 9, 10].map((size) => memory.take(size * KIBIBYTE));
  for (const buffer of [old!, used!, last!]) memory.give(buffer);
  expect(memory.idleBytes).toBe(19 * KIBIBYTE);
  expect(memory.take(9 * KIBIBYTE)).toBe(used);
  expect(memory.take(10 * KIBIBYTE)).toBe(last);
  expect(memory.take(8 * KIBIBYTE)).not.toBe(old);
});

test('where none fits, idle ones make room for the new one: as much as it takes, and no more', () => {
  const memory = new MemtableMemory(64 * KIBIBYTE);
  for (const buffer of [10, 10, 10].map((size) => memory.take(size * KIBIBYTE)))
    memory.give(buffer);
  const idleKiB = [4, 4, 4, 17, 40].map((size) => {
    memory.take(size * KIBIBYTE);
    return memory.idleBytes / KIBIBYTE;
  });
  expect(idleKiB).toEqual([30, 30, 20, 10, 0]);
});

test('one that is larger than the bound is not kept, and drives nothing else out', () => {
  const memory = new MemtableMemory(16 * KIBIBYTE);
  const [small, large] = [1, 17].map((size) => memory.take(size * KIBIBYTE));
  memory.give(small!);
  memory.give(large!);
  expect(memory.idleBytes).toBe(KIBIBYTE);
  expect(memory.take(KIBIBYTE)).toBe(small);
});

test('where nothing is left to others, every buffer is a new one, and zeros', () => {
  const buffer = FRESH_MEMORY.take(KIBIBYTE);
  new Uint8Array(buffer).fill(1);
  FRESH_MEMORY.give(buffer);
  expect(FRESH_MEMORY.idleBytes).toBe(0);
  expect(new Uint8Array(FRESH_MEMORY.take(KIBIBYTE)).every((byte) => byte === 0)).toBe(true);
});

describe('new buffers, one after another,', () => {
  const MEBIBYTE = 1024 * KIBIBYTE;
  let warmed: SharedArrayBuffer[];
  const memoryOf = (limitBytes: number): MemtableMemory => {
    warmed = [];
    return new MemtableMemory(limitBytes, (buffers) => warmed.push(...buffers));
  };

  test('are made ahead from the second of a size on, and taken in the order in which they were warmed', () => {
    const memory = memoryOf(256 * MEBIBYTE);
    memory.take(MEBIBYTE);
    expect(warmed).toEqual([]);
    memory.take(MEBIBYTE);
    const first = warmed.length;
    expect(first).toBeGreaterThan(1);
    expect(memory.idleBytes).toBe(first * MEBIBYTE);
    const taken = Array.from({ length: 100 }, () => memory.take(MEBIBYTE));
    expect(taken).toEqual(warmed.slice(0, 100));
    expect(new Set(warmed).size).toBe(warmed.length);
    // While they are taken, others get warm.
    expect(memory.idleBytes).toBeGreaterThanOrEqual((first / 2) * MEBIBYTE);
    expect(memory.idleBytes).toBeLessThanOrEqual(first * MEBIBYTE);
  });

  test('of another size end that, until there is a second of it too', () => {
    const memory = memoryOf(256 * MEBIBYTE);
    for (const _ of [1, 2]) memory.take(MEBIBYTE);
    const { length } = warmed;
    memory.take(2 * MEBIBYTE);
    expect([warmed.length, memory.idleBytes]).toEqual([length, 0]);
    memory.take(2 * MEBIBYTE);
    expect(warmed.at(-1)!.byteLength).toBe(2 * MEBIBYTE);
  });

  test('make room for those that are given back', () => {
    const memory = memoryOf(8 * MEBIBYTE);
    const taken = Array.from({ length: 8 }, () => memory.take(MEBIBYTE));
    for (const buffer of taken) memory.give(buffer);
    expect(memory.idleBytes).toBe(8 * MEBIBYTE);
    expect(taken).toContain(memory.take(MEBIBYTE));
  });

  test('are not made where one was given back', () => {
    const memory = memoryOf(256 * MEBIBYTE);
    for (let round = 0; round < 10; round += 1) memory.give(memory.take(MEBIBYTE));
    expect(warmed).toEqual([]);
  });

  test.each([
    ['small ones', 256 * MEBIBYTE, 64 * KIBIBYTE, 0],
    ['no more than may lie idle', 5 * MEBIBYTE, 2 * MEBIBYTE, 2],
    ['none where nothing may lie idle', 0, MEBIBYTE, 0],
  ])('are not made ahead beyond measure: %s', (_, limitBytes, sizeBytes, count) => {
    const memory = memoryOf(limitBytes);
    for (const _taken of [1, 2]) memory.take(sizeBytes);
    expect(warmed.length).toBe(count);
  });
});

test('no two have the same buffer, no more than the bound lies idle, and all together are no more than were once in use', () => {
  const step = fc.record({ isTake: fc.boolean(), size: fc.integer({ min: 1, max: SIZE_MAX }) });
  fc.assert(
    fc.property(fc.nat({ max: 20 }), fc.array(step, { maxLength: 100 }), (limit, steps) => {
      const memory = new MemtableMemory(limit);
      const held: SharedArrayBuffer[] = [];
      let mostHeldBytes = 0;
      for (const { isTake, size } of steps) {
        if (isTake) {
          const buffer = memory.take(size);
          expect(buffer.byteLength).toBe(size);
          expect(held).not.toContain(buffer);
          held.push(buffer);
        } else if (held.length > 0) {
          memory.give(held.splice(size % held.length, 1)[0]!);
        }
        const heldBytes = held.reduce((sum, { byteLength }) => sum + byteLength, 0);
        mostHeldBytes = Math.max(mostHeldBytes, heldBytes);
        expect(memory.idleBytes).toBeLessThanOrEqual(limit);
        expect(memory.idleBytes).toBeGreaterThanOrEqual(0);
        // Less than one buffer more: only whole ones can go.
        expect(heldBytes + memory.idleBytes).toBeLessThan(mostHeldBytes + SIZE_MAX);
      }
    }),
  );
});
