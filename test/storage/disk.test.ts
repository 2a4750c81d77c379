/** One suite over every disk, and what only the forgetful one does. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '../../storage/node-adapters.js';
import type { Disk } from '../../storage/ports.js';
import { ForgetfulDisk, PowerLossError } from '../support/forgetful-disk.js';
import { SeededRandom } from '../support/seeded-random.js';

const disks: readonly [string, () => { disk: Disk; folder: string; clean: () => void }][] = [
  [
    'node:fs',
    () => {
      const root = mkdtempSync(join(tmpdir(), 'twintide-disk-'));
      return {
        disk: nodeDisk,
        folder: `${root}/a/b`,
        clean: () => rmSync(root, { recursive: true, force: true }),
      };
    },
  ],
  [
    'the forgetful one',
    () => ({
      disk: new ForgetfulDisk({ onTheSpot: () => undefined }),
      folder: '/a/b',
      clean: () => undefined,
    }),
  ],
];

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

async function textOf(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, {});
  const target = new Uint8Array(await file.sizeBytes());
  await file.read(target, 0);
  await file.close();
  return Buffer.from(target).toString('latin1');
}

describe.each(disks)('%s', (_, make) => {
  let disk: Disk;
  let folder: string;
  let clean: () => void;
  beforeEach(async () => {
    ({ disk, folder, clean } = make());
    await disk.makeFolder(folder);
  });
  afterEach(() => clean());

  test.each([false, true])('writes parts in order at a position, durable: %s', async (durable) => {
    const file = await disk.open(`${folder}/f`, { create: true, durable });
    await file.write([bytes('hello '), bytes(''), bytes('world')], 0);
    await file.write([bytes('W')], 6);
    await file.write([bytes('!')], 13);
    await file.sync();
    expect(await file.sizeBytes()).toBe(14);
    await file.close();
    expect(await textOf(disk, `${folder}/f`)).toBe('hello World\0\0!');
  });

  test('writes on the spot what a write through the pool writes, in any order', async () => {
    const path = `${folder}/f`;
    const file = await disk.open(path, { create: true, durable: true });
    const random = new SeededRandom(7);
    const expected = Buffer.alloc(300_000);
    await file.write([expected], 0);
    await disk.rename(path, `${folder}/g`);
    // Whole sectors at sectors, and what is neither; more than a page of memory; one part and several; as a journal does, and as it does not.
    for (let round = 0; round < 200; round++) {
      const isWhole = random.chance(0.7);
      const unit = isWhole ? 512 : 1;
      const length = random.integer(1, random.chance(0.1) ? 70_000 : 5000);
      const size = Math.ceil(length / unit) * unit;
      const at = random.integer(0, Math.floor((expected.length - size) / unit)) * unit;
      const content = Buffer.from(random.bytes(size));
      const cut = random.chance(0.3) ? random.integer(0, size) : size;
      const parts = cut === size ? [content] : [content.subarray(0, cut), content.subarray(cut)];
      if (random.chance(0.2)) await file.write(parts, at);
      else file.writeNow!(parts, at);
      content.copy(expected, at);
    }
    await file.close();
    expect(await textOf(disk, `${folder}/g`)).toBe(expected.toString('latin1'));
  });

  test('reads what is there, fewer bytes only at the end', async () => {
    const file = await disk.open(`${folder}/f`, { create: true });
    await file.write([bytes('abcdef')], 0);
    const target = new Uint8Array(4);
    expect(await file.read(target, 1)).toBe(4);
    expect(Buffer.from(target).toString()).toBe('bcde');
    expect(await file.read(target, 4)).toBe(2);
    expect(await file.read(target, 6)).toBe(0);
    expect(await file.read(target, 60)).toBe(0);
    await file.close();
  });

  test('truncates both ways', async () => {
    const file = await disk.open(`${folder}/f`, { create: true });
    await file.write([bytes('abcdef')], 0);
    await file.truncate(2);
    await file.truncate(4);
    await file.close();
    expect(await textOf(disk, `${folder}/f`)).toBe('ab\0\0');
  });

  test('many parts in one write', async () => {
    const parts = Array.from({ length: 3000 }, (_unused, index) => bytes(String(index % 10)));
    const file = await disk.open(`${folder}/f`, { create: true, durable: true });
    await file.write(parts, 0);
    await file.close();
    expect(await textOf(disk, `${folder}/f`)).toBe('0123456789'.repeat(300));
  });

  test('lists, renames over, removes', async () => {
    for (const name of ['c', 'a', 'b']) {
      const file = await disk.open(`${folder}/${name}`, { create: true });
      await file.write([bytes(name)], 0);
      await file.close();
    }
    await disk.rename(`${folder}/c`, `${folder}/a`);
    await disk.remove(`${folder}/b`);
    await disk.syncFolder(folder);
    expect(await disk.list(folder)).toEqual(['a']);
    expect(await textOf(disk, `${folder}/a`)).toBe('c');
    expect(await disk.list(`${folder}/nowhere`)).toEqual([]);
  });

  test('says what is free', async () => {
    expect(await disk.freeBytes(folder)).toBeGreaterThan(0);
  });

  test('an open file keeps its bytes when it is renamed or opened again', async () => {
    const file = await disk.open(`${folder}/f`, { create: true });
    await file.write([bytes('one')], 0);
    await disk.rename(`${folder}/f`, `${folder}/g`);
    await file.write([bytes('two')], 3);
    const again = await disk.open(`${folder}/g`, { create: true });
    expect(await again.sizeBytes()).toBe(6);
    await again.close();
    await file.close();
  });

  test('a missing file says ENOENT', async () => {
    await expect(disk.open(`${folder}/no`, {})).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disk.remove(`${folder}/no`)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disk.rename(`${folder}/no`, `${folder}/x`)).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

describe('a crash of the forgetful one', () => {
  async function prepared(): Promise<ForgetfulDisk> {
    const disk = new ForgetfulDisk();
    const file = await disk.open('/d/f', { create: true });
    await file.write([new Uint8Array(4096).fill(1)], 0);
    await file.sync();
    await disk.syncFolder('/d');
    return disk;
  }

  test('keeps what a sync covered and, without tearing, nothing else', async () => {
    const disk = await prepared();
    const file = await disk.open('/d/f', {});
    await file.write([new Uint8Array(8192).fill(2)], 1024);
    disk.crash(new SeededRandom(1), { tear: false });
    expect([...disk.contentOf('/d/f')].every((byte) => byte === 1)).toBe(true);
    expect(disk.contentOf('/d/f').length).toBe(4096);
  });

  test('tears unsynced writes at sectors, old or new each', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed += 1) {
      const disk = await prepared();
      const file = await disk.open('/d/f', {});
      await file.write([new Uint8Array(1536).fill(2)], 512);
      disk.crash(new SeededRandom(seed));
      const content = disk.contentOf('/d/f');
      const sectors = [1, 2, 3].map((sector) => content.subarray(sector * 512, (sector + 1) * 512));
      for (const sector of sectors) expect(new Set(sector).size).toBe(1);
      outcomes.add(sectors.map((sector) => sector[0]).join(''));
      expect(content[511]).toBe(1);
      expect(content[2048]).toBe(1);
    }
    expect(outcomes.size).toBe(8);
  });

  test('a completed write on a durable file is safe, one in flight may be torn', async () => {
    const outcomes = new Set<number>();
    for (let seed = 0; seed < 30; seed += 1) {
      let hold = false;
      const disk = new ForgetfulDisk({
        latency: () => (hold ? new Promise(() => undefined) : Promise.resolve()),
      });
      const file = await disk.open('/d/f', { create: true, durable: true });
      await disk.syncFolder('/d');
      await file.write([new Uint8Array(512).fill(1)], 0);
      hold = true;
      void file.write([new Uint8Array(512).fill(2)], 512);
      disk.crash(new SeededRandom(seed));
      const content = disk.contentOf('/d/f');
      expect(content[0]).toBe(1);
      outcomes.add(content[512] ?? 0);
    }
    expect([...outcomes].sort()).toEqual([0, 2]);
  });

  test.each([
    [true, 'safe'],
    [false, 'not'],
  ] as const)(
    'what was written on the spot, file opened durable: %s, is %s',
    async (durable, _) => {
      const outcomes = new Set<string>();
      for (let seed = 0; seed < 30; seed += 1) {
        const disk = new ForgetfulDisk({ onTheSpot: () => undefined });
        const file = await disk.open('/d/f', { create: true, durable });
        await disk.syncFolder('/d');
        await file.write([new Uint8Array(1024).fill(1)], 0);
        await file.sync();
        const other = await disk.open('/d/f', {});
        await other.write([new Uint8Array(512).fill(2)], 512);
        file.writeNow!([new Uint8Array(512).fill(3)], 0);
        disk.crash(new SeededRandom(seed));
        const content = disk.contentOf('/d/f');
        outcomes.add(`${content[0]}${content[512]}`);
      }
      // Sync of the rest of the file is another matter.
      expect([...outcomes].sort()).toEqual(durable ? ['31', '32'] : ['11', '12', '31', '32']);
    },
  );

  test('power that goes in the middle of a write on the spot leaves any sectors of it, and no answer', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed += 1) {
      const disk: ForgetfulDisk = new ForgetfulDisk({
        onTheSpot: () => disk.crash(new SeededRandom(seed)),
      });
      const mounted = disk.mount();
      const file = await mounted.open('/d/f', { create: true, durable: true });
      await disk.syncFolder('/d');
      await file.write([new Uint8Array(1024).fill(1)], 0);
      expect(() => file.writeNow!([new Uint8Array(1024).fill(2)], 0)).toThrow(PowerLossError);
      const content = disk.contentOf('/d/f');
      for (const sector of [0, 1]) {
        expect(new Set(content.subarray(sector * 512, (sector + 1) * 512)).size).toBe(1);
      }
      outcomes.add(`${content[0]}${content[512]}`);
      expect(() => file.writeNow!([new Uint8Array(1024).fill(9)], 0)).toThrow(PowerLossError);
      expect(disk.contentOf('/d/f')).toEqual(content);
    }
    expect([...outcomes].sort()).toEqual(['11', '12', '21', '22']);
  });

  test('a killed process loses nothing that was written', async () => {
    const disk = await prepared();
    const file = await disk.open('/d/f', {});
    await file.write([new Uint8Array(512).fill(2)], 0);
    disk.crash(new SeededRandom(1), { keepsCache: true });
    expect(disk.contentOf('/d/f')[0]).toBe(2);
  });

  test('creates, renames and removes that no folder sync covers may or may not have happened', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 80; seed += 1) {
      const disk = await prepared();
      const made = await disk.open('/d/new', { create: true });
      await made.sync();
      await disk.rename('/d/f', '/d/g');
      disk.crash(new SeededRandom(seed));
      outcomes.add((await disk.list('/d')).join());
    }
    expect([...outcomes].sort()).toEqual(['f', 'f,new', 'g', 'g,new']);
  });

  test('nothing of an older life answers or has an effect', async () => {
    const disk = await prepared();
    const mounted = disk.mount();
    const file = await mounted.open('/d/f', {});
    disk.crash(new SeededRandom(1));
    let answers = 0;
    const count = (): number => (answers += 1);
    void file.write([new Uint8Array(10).fill(9)], 0).then(count, count);
    void file.sync().then(count, count);
    void mounted.open('/d/other', { create: true }).then(count, count);
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toBe(0);
    expect(await disk.list('/d')).toEqual(['f']);
    expect(disk.contentOf('/d/f')[0]).toBe(1);
  });

  test('the operation at which it dies begins and never ends', async () => {
    const disk = await prepared();
    const file = await disk.open('/d/f', { durable: true });
    disk.dieAtOperation(2);
    await file.write([new Uint8Array(512).fill(2)], 0);
    let isAnswered = false;
    void file.write([new Uint8Array(512).fill(3)], 0).then(() => (isAnswered = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([disk.isDead, isAnswered]).toEqual([true, false]);
    disk.crash(new SeededRandom(1), { keepsCache: true });
    expect(disk.contentOf('/d/f')[0]).toBe(3);
  });

  test('an operation at which it dies may be a write on the spot', async () => {
    const disk = new ForgetfulDisk({ onTheSpot: () => undefined });
    const file = await disk.open('/d/f', { create: true, durable: true });
    await file.write([new Uint8Array(512).fill(2)], 0);
    disk.dieAtOperation(1);
    expect(() => file.writeNow!([new Uint8Array(512).fill(3)], 0)).toThrow(PowerLossError);
    expect([disk.isDead, disk.onTheSpotCount]).toEqual([true, 0]);
    disk.crash(new SeededRandom(1), { keepsCache: true });
    expect(disk.contentOf('/d/f')[0]).toBe(3);
  });

  test('planted faults and a full disk reject with their code', async () => {
    const disk = new ForgetfulDisk({ capacityBytes: 1000 });
    const file = await disk.open('/d/f', { create: true });
    disk.failNext({ operation: 'sync', nth: 2, code: 'EIO' });
    await file.sync();
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    await expect(file.write([new Uint8Array(1001)], 0)).rejects.toMatchObject({ code: 'ENOSPC' });
    await file.write([new Uint8Array(1000)], 0);
  });

  test('has a capacity, and says what is left of it', async () => {
    const disk = new ForgetfulDisk({ capacityBytes: 1500 });
    const file = await disk.open('/d/f', { create: true });
    await file.write([new Uint8Array(1000)], 0);
    expect(await disk.freeBytes()).toBe(500);
    disk.setCapacity(900);
    expect(await disk.freeBytes()).toBe(0);
    await disk.remove('/d/f');
    expect(await disk.freeBytes()).toBe(900);
  });

  test('with the planted bug nothing is safe', async () => {
    const disk = new ForgetfulDisk({ ignoresSync: true });
    const file = await disk.open('/d/f', { create: true, durable: true });
    await file.write([new Uint8Array(512).fill(2)], 0);
    await file.sync();
    await disk.syncFolder('/d');
    disk.crash(new SeededRandom(1), { tear: false });
    expect(await disk.list('/d')).toEqual([]);
  });
});
