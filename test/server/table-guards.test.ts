/** Table guards: many commits at once, or one reader alone; everybody gets in. */

import fc from 'fast-check';
import { TableGuards } from '../../src/server/table-guards.js';

/** Lets everything that can go on go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

describe('table guards', () => {
  test('commits share a table', async () => {
    const guards = new TableGuards();
    const first = await guards.share([1]);
    const second = await guards.share([1, 2]);
    first();
    second();
  });

  test('a reader is alone: it waits for commits under way, and later ones wait for it', async () => {
    const guards = new TableGuards();
    const log: string[] = [];
    const leaveFirst = await guards.share([1]);
    const alone = guards.alone(1).then((leave) => {
      log.push('reader in');
      return leave;
    });
    const later = guards.share([1]).then((leave) => {
      log.push('commit in');
      leave();
    });
    await settle();
    expect(log).toEqual([]);
    leaveFirst();
    const leave = await alone;
    await settle();
    expect(log).toEqual(['reader in']);
    leave();
    await later;
    expect(log).toEqual(['reader in', 'commit in']);
  });

  test('other tables are not held up', async () => {
    const guards = new TableGuards();
    const leave = await guards.alone(1);
    const other = await guards.share([2]);
    other();
    leave();
  });

  test('leaving twice is leaving once', async () => {
    const guards = new TableGuards();
    const first = await guards.alone(1);
    first();
    const second = await guards.alone(1);
    first();
    let isIn = false;
    const third = guards.share([1]).then((leave) => {
      isIn = true;
      leave();
    });
    await settle();
    expect(isIn).toBe(false);
    second();
    await third;
  });

  test('a commit enters in its own turn, unless it has to wait for a table: then it enters none', async () => {
    const guards = new TableGuards();
    const leaveFirst = guards.tryShare([1]);
    const alone = guards.alone(1);
    expect(guards.tryShare([2, 1])).toBeNull();
    leaveFirst?.();
    const leaveAlone = await alone;
    expect(guards.tryShare([1])).toBeNull();
    // Nobody is in table 2: it was not entered on the way.
    (await guards.alone(2))();
    leaveAlone();
    expect(guards.tryShare([1, 2])).not.toBeNull();
  });

  test('a dropped table is forgotten, unless someone is in it', async () => {
    const guards = new TableGuards();
    guards.noteAppend(1);
    guards.noteAppend(2);
    const leave = await guards.share([2]);
    guards.forget(1);
    guards.forget(2);
    guards.forget(3);
    expect([guards.appendedTo(1), guards.appendedTo(2)]).toEqual([0, 1]);
    leave();
  });

  test('appends are counted by table', () => {
    const guards = new TableGuards();
    guards.noteAppend(1);
    guards.noteAppend(2);
    guards.noteAppend(1);
    expect([guards.appendedTo(1), guards.appendedTo(2), guards.appendedTo(3)]).toEqual([2, 1, 0]);
  });

  test('whatever comes in whatever order, nobody is alone with others, and everybody gets in', async () => {
    const step = fc.record({
      kind: fc.constantFrom('share', 'alone'),
      tables: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
      turns: fc.nat({ max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const guards = new TableGuards();
        const inside = new Map<number, { shared: number; alone: number }>();
        const stateOf = (table: number): { shared: number; alone: number } => {
          const state = inside.get(table) ?? { shared: 0, alone: 0 };
          inside.set(table, state);
          return state;
        };
        let done = 0;
        const all = steps.map(async ({ kind, tables, turns }) => {
          const entered = kind === 'alone' ? tables.slice(0, 1) : tables;
          const leave =
            kind === 'alone'
              ? await guards.alone(entered[0] ?? 0)
              : (guards.tryShare(entered) ?? (await guards.share(entered)));
          for (const table of entered) {
            const state = stateOf(table);
            if (kind === 'alone') state.alone += 1;
            else state.shared += 1;
            expect(state.alone === 0 || (state.alone === 1 && state.shared === 0)).toBe(true);
          }
          for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
          for (const table of entered) {
            const state = stateOf(table);
            if (kind === 'alone') state.alone -= 1;
            else state.shared -= 1;
          }
          leave();
          done += 1;
        });
        await Promise.all(all);
        expect(done).toBe(steps.length);
      }),
      { numRuns: 200 },
    );
  });
});
