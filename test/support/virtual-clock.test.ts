/** The virtual clock: order, jumps, and that a run which never ends is noticed. */

import { VirtualClock } from './virtual-clock.js';

test('timers fire in order of due time, then of creation, and promises run in between', async () => {
  const clock = new VirtualClock(1000);
  const log: string[] = [];
  clock.after(20, () => log.push(`c@${clock.monotonicMs()}`));
  clock.after(10, () => {
    log.push(`a@${clock.monotonicMs()}`);
    void Promise.resolve()
      .then(() => undefined)
      .then(() => log.push('a later'));
  });
  clock.after(10, () => log.push(`b@${clock.wallMs()}`));
  clock.after(15, () => log.push('never')).cancel();
  await clock.advance(19);
  expect(log).toEqual(['a@10', 'a later', 'b@1010']);
  expect(clock.monotonicMs()).toBe(19);
  await clock.runUntilIdle();
  expect(log.at(-1)).toBe('c@20');
});

test('what is due while a task blocks runs after it, late', async () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  clock.after(10, () => {
    clock.block(30);
    log.push(`blocks until ${clock.monotonicMs()}`);
  });
  clock.after(20, () => log.push(`due at 20, runs at ${clock.monotonicMs()}`));
  await clock.advance(25);
  expect(log).toEqual(['blocks until 40', 'due at 20, runs at 40']);
  expect(clock.monotonicMs()).toBe(40);
});

test('the wall clock jumps alone', () => {
  const clock = new VirtualClock(1000);
  clock.jumpWall(-600);
  expect([clock.wallMs(), clock.monotonicMs()]).toEqual([400, 0]);
});

test('it runs until a promise is settled, or says that it never will be', async () => {
  const clock = new VirtualClock();
  const work = (async () => {
    await clock.delay(5);
    await clock.yieldTurn();
    return clock.monotonicMs();
  })();
  expect(await clock.runUntilSettled(work)).toBe(5);
  await expect(clock.runUntilSettled(new Promise(() => undefined))).rejects.toThrow('not settled');
  await expect(clock.runUntilSettled(Promise.reject(new Error('its own')))).rejects.toThrow(
    'its own',
  );
});

test('something that never rests is found', async () => {
  const clock = new VirtualClock();
  const again = (): void => {
    clock.after(1, again);
  };
  again();
  await expect(clock.runUntilIdle(100)).rejects.toThrow('Still busy');
});

test('a thousand timers in any order', async () => {
  const clock = new VirtualClock();
  const fired: number[] = [];
  for (let index = 0; index < 1000; index += 1) {
    const dueMs = (index * 7919) % 1009;
    clock.after(dueMs, () => fired.push(dueMs));
  }
  await clock.runUntilIdle();
  expect(fired).toEqual([...fired].sort((a, b) => a - b));
  expect(fired).toHaveLength(1000);
});
