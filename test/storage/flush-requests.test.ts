/** Whoever asks for a flush may rely on it, also where another one is just coming to its end. */

import { RecordKind } from '../../storage/index.js';
import { StoreRig, writeOf } from '../support/store-rig.js';

/** More than a flush of one row takes. */
const STEPS_MAX = 100;

/** Steps of the event loop's inner queue, in which neither timers nor the disk have a turn. */
async function steps(count: number): Promise<void> {
  for (let step = 0; step < count; step += 1) await Promise.resolve();
}

test('a flush that resolves has written all that was applied before it, whenever it was asked for', async () => {
  const rig = new StoreRig();
  await rig.start();
  rig.defineTable();
  const left: { steps: number; rows: number }[] = [];
  for (let count = 0; count < STEPS_MAX; count += 1) {
    rig.append(RecordKind.write, writeOf([count]));
    await rig.settle();
    rig.isHeld = true;
    const { sequence } = rig.append(RecordKind.write, writeOf([count + STEPS_MAX]));
    await rig.settle();
    const first = rig.store.flush();
    await steps(count);
    rig.applyTo(sequence);
    const second = rig.store.flush().then(() => {
      const { memtableRows: rows } = rig.store.tables.stats()[0]!;
      if (rows > 0) left.push({ steps: count, rows });
    });
    await rig.clock.runUntilSettled(Promise.all([first, second]));
    rig.isHeld = false;
  }
  expect(left).toEqual([]);
});
