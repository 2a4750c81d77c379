/** Versions: monotone whatever the clocks do, clamped against a clock that runs ahead, never above the synced mark. */

import fc from 'fast-check';
import {
  VersionClock,
  VersionMarkError,
  composeVersion,
  versionParts,
} from '../../storage/version-clock.js';
import { VirtualClock } from '../support/virtual-clock.js';

const START_MS = Date.UTC(2026, 0, 1);
const NODE = 3;

function clockAt(wallMs = START_MS): { wall: VirtualClock; versions: VersionClock } {
  const wall = new VirtualClock(wallMs);
  const versions = new VersionClock({ clock: wall }, { nodeId: NODE, maxClockSkewMs: 500 });
  return { wall, versions };
}

/** What the store does before every stamp. */
function mark(versions: VersionClock): void {
  for (let due = versions.needsMark(); due !== null; due = versions.needsMark()) {
    versions.markSynced(due);
  }
}

function stamp(versions: VersionClock): number {
  mark(versions);
  return versions.next();
}

test('a version is ms, counter and node id, and a safe integer until 2109', () => {
  expect(versionParts(composeVersion(START_MS, 255, 7))).toEqual({
    ms: START_MS,
    counter: 255,
    nodeId: 7,
  });
  expect(composeVersion(1, 0, 0)).toBe(2048);
  expect(composeVersion(0, 1, 0)).toBe(8);
  expect(Number.isSafeInteger(composeVersion(2 ** 42 - 1, 255, 7))).toBe(true);
  expect(new Date(2 ** 42 - 1).getUTCFullYear()).toBe(2109);
});

test('a stamp follows the wall clock, and the node id is in it', async () => {
  const { wall, versions } = clockAt();
  expect(versionParts(stamp(versions))).toEqual({ ms: START_MS, counter: 0, nodeId: NODE });
  await wall.advance(1234);
  expect(versionParts(stamp(versions))).toEqual({ ms: START_MS + 1234, counter: 0, nodeId: NODE });
});

test('within a millisecond it counts, and after 256 it borrows the next one', () => {
  const { versions } = clockAt();
  const stamps = Array.from({ length: 600 }, () => stamp(versions));
  expect(stamps.every((value, index) => index === 0 || value > stamps[index - 1]!)).toBe(true);
  expect(versionParts(stamps[255]!)).toMatchObject({ ms: START_MS, counter: 255 });
  expect(versionParts(stamps[256]!)).toMatchObject({ ms: START_MS + 1, counter: 0 });
  expect(versionParts(stamps[599]!)).toMatchObject({ ms: START_MS + 2, counter: 599 - 512 });
});

test('a wall clock that goes back does not take versions back', async () => {
  const { wall, versions } = clockAt();
  const before = stamp(versions);
  wall.jumpWall(-3_600_000);
  const after = stamp(versions);
  expect(after).toBe(before + 8);
  await wall.advance(3_600_001);
  expect(versionParts(stamp(versions)).ms).toBe(START_MS + 1);
});

test('what was received is obeyed, however far ahead', () => {
  const { versions } = clockAt();
  mark(versions);
  const far = composeVersion(START_MS + 86_400_000, 17, 5);
  versions.observe(far);
  const next = stamp(versions);
  expect(next).toBeGreaterThan(far);
  expect(versionParts(next)).toEqual({ ms: START_MS + 86_400_000, counter: 18, nodeId: NODE });
});

describe('the armour at the stamp', () => {
  test('a clock far ahead of the peer is held at the peer plus the skew', async () => {
    const { wall, versions } = clockAt(START_MS + 3_600_000);
    versions.setPeerClock(START_MS);
    expect(versionParts(stamp(versions)).ms).toBe(START_MS + 500);
    await wall.advance(2000);
    expect(versionParts(stamp(versions)).ms).toBe(START_MS + 2500);
  });

  test('the estimate is carried on by the monotonic clock: a wall jump does not move it', () => {
    const { wall, versions } = clockAt();
    versions.setPeerClock(START_MS);
    wall.jumpWall(7_200_000);
    expect(versionParts(stamp(versions)).ms).toBe(START_MS + 500);
  });

  test('it never takes a stamp below the highest', () => {
    const { versions } = clockAt(START_MS + 3_600_000);
    const before = stamp(versions);
    versions.setPeerClock(START_MS);
    expect(stamp(versions)).toBe(before + 8);
  });

  test('without an estimate the own clock counts', () => {
    const { versions } = clockAt(START_MS + 3_600_000);
    versions.setPeerClock(START_MS);
    versions.setPeerClock(null);
    expect(versionParts(stamp(versions)).ms).toBe(START_MS + 3_600_000);
  });
});

describe('the mark', () => {
  test('before one is synced nothing is stamped, and nothing is used up by trying', () => {
    const { versions } = clockAt();
    expect(versions.canStamp).toBe(false);
    expect(() => versions.next()).toThrow(VersionMarkError);
    expect(versions.highest).toBe(0);
    versions.markSynced(versions.needsMark()!);
    expect(versions.canStamp).toBe(true);
    expect(versionParts(versions.next()).ms).toBe(START_MS);
  });

  test('it runs 10 s ahead and is due again when 5 s are left', async () => {
    const { wall, versions } = clockAt();
    mark(versions);
    expect(versionParts(versions.mark).ms).toBe(START_MS + 10_000);
    await wall.advance(5000);
    expect(versions.needsMark()).toBeNull();
    await wall.advance(1);
    expect(versionParts(versions.needsMark()!).ms).toBe(START_MS + 15_001);
  });

  test('a wall clock that jumps beyond it makes stamps crowd below it, never above', () => {
    const { wall, versions } = clockAt();
    mark(versions);
    wall.jumpWall(3_600_000);
    const stamps = Array.from({ length: 200 }, () => (versions.canStamp ? versions.next() : null));
    const made = stamps.filter((value) => value !== null);
    expect(made.length).toBeGreaterThan(0);
    for (const value of made) expect(value).toBeLessThanOrEqual(versions.mark);
    expect(versionParts(stamp(versions)).ms).toBe(START_MS + 3_600_000);
  });

  test('a wall clock beyond it leaves room for a record and the schemas before it', () => {
    const { wall, versions } = clockAt();
    mark(versions);
    wall.jumpWall(3_600_000);
    versions.next();
    expect(versions.hasRoomFor(10)).toBe(true);
    expect(versionParts(versions.next()).ms).toBeGreaterThanOrEqual(START_MS + 8_000);
    versions.observe(versions.mark - composeVersion(0, 2, 0));
    expect(versions.hasRoomFor(1)).toBe(true);
    expect(versions.hasRoomFor(3)).toBe(false);
  });

  test('a received version above it stops stamps until a higher one is synced', () => {
    const { versions } = clockAt();
    mark(versions);
    versions.observe(versions.mark + 1);
    expect(() => versions.next()).toThrow(VersionMarkError);
    expect(stamp(versions)).toBeGreaterThan(versions.mark - composeVersion(10_000, 0, 0));
  });

  test('a start stamps above it although the clock went back', () => {
    const { versions } = clockAt();
    mark(versions);
    const last = Array.from({ length: 10 }, () => stamp(versions)).at(-1)!;
    const restarted = clockAt(START_MS - 3_600_000).versions;
    restarted.setFloor(versions.mark);
    const first = stamp(restarted);
    expect(first).toBeGreaterThan(last);
    expect(first).toBeGreaterThan(versions.mark);
  });

  test('a node that restarts every second drives its versions ahead of the clock by no more than that', () => {
    let floor = 0;
    for (let restart = 0; restart < 100; restart += 1) {
      const { versions } = clockAt(START_MS + restart * 1000);
      versions.setFloor(floor);
      stamp(versions);
      floor = versions.mark;
    }
    expect(versionParts(floor).ms).toBeLessThanOrEqual(START_MS + 99_000 + 12_000);
  });

  test('it never goes down', () => {
    const { versions } = clockAt();
    versions.markSynced(5000);
    versions.markSynced(4000);
    expect(versions.mark).toBe(5000);
  });
});

describe('announcing', () => {
  test('no later stamp is at or below what was announced', async () => {
    const { wall, versions } = clockAt();
    mark(versions);
    const announced = versions.advance();
    expect(stamp(versions)).toBeGreaterThan(announced);
    await wall.advance(100);
    expect(versionParts(versions.advance()).ms).toBe(START_MS + 100);
  });

  test('it is never above the mark', () => {
    const { versions } = clockAt();
    expect(versions.advance()).toBe(0);
    mark(versions);
    versions.observe(versions.mark + 2048);
    expect(versions.advance()).toBe(versions.mark);
  });
});

test('whatever happens, stamps rise, stay below the mark, and are above all that was seen and announced', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('stamp' as const), value: fc.constant(0) }),
    fc.record({ do: fc.constant('advance' as const), value: fc.constant(0) }),
    fc.record({ do: fc.constant('mark' as const), value: fc.constant(0) }),
    fc.record({ do: fc.constant('wait' as const), value: fc.integer({ min: 0, max: 20_000 }) }),
    fc.record({
      do: fc.constant('jump' as const),
      value: fc.integer({ min: -10_000_000, max: 10_000_000 }),
    }),
    fc.record({
      do: fc.constant('observe' as const),
      value: fc.integer({ min: -20_000, max: 20_000 }),
    }),
    fc.record({
      do: fc.constant('peer' as const),
      value: fc.integer({ min: -10_000, max: 10_000 }),
    }),
  );
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { wall, versions } = clockAt();
      let floor = 0;
      for (const { do: what, value } of steps) {
        if (what === 'wait') await wall.advance(value);
        else if (what === 'jump') wall.jumpWall(value);
        else if (what === 'mark') mark(versions);
        else if (what === 'peer') versions.setPeerClock(wall.wallMs() + value);
        else if (what === 'observe') {
          const seen = composeVersion(START_MS + Math.max(0, value), 3, 6);
          versions.observe(seen);
          floor = Math.max(floor, seen);
        } else if (what === 'advance') {
          const announced = versions.advance();
          expect(announced).toBeLessThanOrEqual(versions.mark);
          floor = Math.max(floor, announced);
        } else if (versions.canStamp) {
          const made = versions.next();
          expect(made).toBeGreaterThan(floor);
          expect(made).toBeLessThanOrEqual(versions.mark);
          expect(versionParts(made).nodeId).toBe(NODE);
          floor = made;
        } else {
          expect(() => versions.next()).toThrow(VersionMarkError);
        }
      }
    }),
  );
});
