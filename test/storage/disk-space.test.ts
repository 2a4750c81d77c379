/** When clients' writes stop because of the disk, and when they go on. */

import { DiskSpace } from '../../storage/disk-space.js';
import type { Disk } from '../../storage/ports.js';
import { ForgetfulDisk } from '../support/forgetful-disk.js';
import { VirtualClock } from '../support/virtual-clock.js';

const RESERVE_BYTES = 1600;

/** Folders with the free bytes that a test gives them. */
function spaceOver(free: Record<string, number | Error>): {
  space: DiskSpace;
  clock: VirtualClock;
  changes: boolean[];
} {
  const clock = new VirtualClock();
  const disk: Disk = Object.assign(new ForgetfulDisk(), {
    freeBytes: (folder: string): Promise<number> => {
      const bytes = free[folder]!;
      return bytes instanceof Error ? Promise.reject(bytes) : Promise.resolve(bytes);
    },
  });
  const space = new DiskSpace(
    { disk, timers: clock },
    { folders: Object.keys(free), reserveBytes: RESERVE_BYTES },
  );
  const changes: boolean[] = [];
  space.onChange((isLow) => changes.push(isLow));
  return { space, clock, changes };
}

test.each([
  ['as much as the reserve is free', [1600], false],
  ['one byte less is free', [1599], true],
  ['nothing is free', [0], true],
  ['one of two file systems has less', [5000, 1599], true],
  ['both have enough', [5000, 1600], false],
])('%s', async (_, bytes, isLow) => {
  const { space } = spaceOver(Object.fromEntries(bytes.map((free, at) => [`/${at}`, free])));
  await space.look();
  expect(space.isLow).toBe(isLow);
  expect(space.freeBytes).toBe(Math.min(...bytes));
});

test('it is looked at each second, and said when it changes; writing resumes a little above the mark', async () => {
  const free = { '/d': 1600 };
  const { space, clock, changes } = spaceOver(free);
  await space.start();
  for (const [bytes, isLow] of [
    [1599, true],
    [1600, true],
    [1699, true],
    [1700, false],
    [1600, false],
    [10, true],
  ] as const) {
    free['/d'] = bytes;
    await clock.advance(1_000);
    expect([bytes, space.isLow]).toEqual([bytes, isLow]);
  }
  expect(changes).toEqual([true, false, true]);
  await space.stop();
  free['/d'] = 5000;
  await clock.advance(10_000);
  expect(space.isLow).toBe(true);
});

test('a file system that does not tell changes nothing, and the figure is not known', async () => {
  const free: Record<string, number | Error> = { '/d': 10, '/e': 5000 };
  const { space } = spaceOver(free);
  expect(space.freeBytes).toBeNull();
  await space.look();
  free['/e'] = new Error('ENOSYS');
  free['/d'] = 5000;
  await space.look();
  expect([space.isLow, space.freeBytes]).toEqual([true, null]);
  free['/e'] = 5000;
  await space.look();
  expect([space.isLow, space.freeBytes]).toEqual([false, 5000]);
});
