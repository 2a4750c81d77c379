/** The real disk where the system takes only a part of what it is given: every write is whole in the end, whichever way it goes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '../../storage/node-adapters.js';
import { SeededRandom } from '../support/seeded-random.js';

type Fs = typeof import('node:fs');
type Written = (error: NodeJS.ErrnoException | null, written: number) => void;

const SECTOR_BYTES = 512;
const FILE_BYTES = 64 * 1024;

const mockRandom = new SeededRandom(11);
/** What each write was given, and what it took of it. */
const mockTaken: (readonly [given: number, taken: number])[] = [];

/** Some of that many bytes, at least one unit: what goes past the page cache goes by sectors. */
function mockPartOf(given: number): number {
  const unit = given % SECTOR_BYTES === 0 ? SECTOR_BYTES : 1;
  const taken = mockRandom.chance(0.5) ? given : mockRandom.integer(1, given / unit) * unit;
  mockTaken.push([given, taken]);
  return taken;
}

jest.mock('node:fs', () => {
  const fs = jest.requireActual<Fs>('node:fs');
  const partOf = (parts: readonly Uint8Array[]): Uint8Array => {
    const all = Buffer.concat(parts);
    return all.subarray(0, mockPartOf(all.length));
  };
  const replaced = {
    writeSync: (file: number, bytes: Uint8Array, from: number, length: number, at: number) =>
      fs.writeSync(file, bytes, from, mockPartOf(length), at),
    writevSync: (file: number, parts: readonly Uint8Array[], at: number) => {
      const part = partOf(parts);
      return fs.writeSync(file, part, 0, part.length, at);
    },
    write: (
      file: number,
      bytes: Uint8Array,
      from: number,
      length: number,
      at: number,
      done: Written,
    ) => fs.write(file, bytes, from, mockPartOf(length), at, done),
    writev: (file: number, parts: readonly Uint8Array[], at: number, done: Written) => {
      const part = partOf(parts);
      fs.write(file, part, 0, part.length, at, done);
    },
  };
  return { ...fs, ...replaced };
});

const folder = mkdtempSync(join(tmpdir(), 'twintide-short-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(['writeNow', 'write'] as const)('%s goes on where it was cut short', async (way) => {
  const file = await nodeDisk.open(join(folder, way), { create: true, durable: true });
  const expected = Buffer.alloc(FILE_BYTES);
  await file.write([expected], 0);
  mockTaken.length = 0;
  for (let round = 0; round < 100; round += 1) {
    const unit = mockRandom.chance(0.7) ? SECTOR_BYTES : 1;
    const size = mockRandom.integer(1, Math.floor(5000 / unit)) * unit;
    const at = mockRandom.integer(0, Math.floor((FILE_BYTES - size) / unit)) * unit;
    const content = Buffer.from(mockRandom.bytes(size));
    const cut = mockRandom.chance(0.3) ? mockRandom.integer(1, size) : size;
    const parts = [content.subarray(0, cut), content.subarray(cut)].filter(({ length }) => length);
    if (way === 'write') await file.write(parts, at);
    else file.writeNow?.(parts, at);
    content.copy(expected, at);
  }
  const found = Buffer.alloc(FILE_BYTES);
  await file.read(found, 0);
  await file.close();
  expect(found.equals(expected)).toBe(true);
  expect(mockTaken.filter(([given, taken]) => taken < given).length).toBeGreaterThan(30);
});
