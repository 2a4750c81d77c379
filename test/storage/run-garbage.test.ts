/** When the space of deleted runs is given back: range by range, with pauses, and without while the disk is full. */

import { RunGarbage } from '../../storage/run-garbage.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** How long LevelDB takes for a range. */
const COMPACTION_MS = 300;

class Scene {
  readonly clock = new VirtualClock();
  readonly failures: Error[] = [];
  /** When each range was begun. */
  readonly begunMs: number[] = [];
  readonly shrunkMs: number[] = [];
  mostAtOnce = 0;
  #underWay = 0;
  readonly garbage = new RunGarbage(
    {
      kv: {
        ...new ForgetfulKv().mount(),
        compactRange: async () => {
          this.begunMs.push(this.clock.monotonicMs());
          this.#underWay += 1;
          this.mostAtOnce = Math.max(this.mostAtOnce, this.#underWay);
          await new Promise<void>((resolve) => this.clock.after(COMPACTION_MS, resolve));
          this.#underWay -= 1;
        },
      },
      timers: this.clock,
    },
    (error) => this.failures.push(error),
  );

  constructor() {
    this.garbage.onShrunk(() => this.shrunkMs.push(this.clock.monotonicMs()));
  }

  /** Runs `ids` are deleted now; when their ranges were begun, from now on. */
  async begunAfter(ids: readonly number[], passMs: number): Promise<number[]> {
    const startMs = this.clock.monotonicMs();
    const seen = this.begunMs.length;
    this.garbage.add(ids, 0);
    await this.clock.advance(passMs);
    return this.begunMs.slice(seen).map((ms) => ms - startMs);
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(async () => {
  await scene.clock.runUntilSettled(scene.garbage.close());
  expect({ mostAtOnce: scene.mostAtOnce, failures: scene.failures }).toEqual({
    mostAtOnce: 1,
    failures: [],
  });
});

test('runs that follow one another are one range, others follow after a pause', async () => {
  expect(await scene.begunAfter([1, 2, 3, 7, 8, 12], 10_000)).toEqual([2000, 4300, 6600]);
});

test('while the disk is full there is hardly a pause, and after each range it is looked at', async () => {
  scene.garbage.setUrgent(true);
  expect(await scene.begunAfter([1, 2, 3, 7, 8, 12], 10_000)).toEqual([100, 500, 900]);
  expect(scene.shrunkMs.length).toBe(3);
});

test('a disk that becomes full, or has room again, changes a pause that was begun', async () => {
  expect(await scene.begunAfter([1, 3, 5, 7], 500)).toEqual([]);
  scene.garbage.setUrgent(true);
  expect(await scene.begunAfter([], 500)).toEqual([100, 500]);
  scene.garbage.setUrgent(false);
  expect(await scene.begunAfter([], 6000)).toEqual([2300, 4600]);
});

test('what is deleted while a range is compacted waits for its end', async () => {
  scene.garbage.setUrgent(true);
  expect(await scene.begunAfter([1], 200)).toEqual([100]);
  expect(await scene.begunAfter([9], 1000)).toEqual([300]);
});
