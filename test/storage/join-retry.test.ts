/** Runs that found no room to be joined are tried again while writers wait for that: without writers no flush comes that would do so. */

import { RecordKind } from '../../storage/index.js';
import { OPEN_RUNS_HARD } from '../../storage/write-stall.js';
import { StoreRig, writeOf } from '../support/store-rig.js';

test('writers that wait for runs to be joined go on once the disk has room for that', async () => {
  const rig = new StoreRig();
  await rig.start();
  rig.defineTable();
  const { store, clock } = rig;
  const { tables } = store;
  let roomBytes = 0;
  const compactNext = tables.compactNext.bind(tables);
  jest
    .spyOn(tables, 'compactNext')
    .mockImplementation((horizon) => compactNext(horizon, roomBytes));
  for (let run = 0; run < OPEN_RUNS_HARD; run += 1) {
    rig.append(RecordKind.write, writeOf([run]));
    await rig.settle();
    await clock.runUntilSettled(store.flush());
  }
  expect(tables.openRunsMax).toBe(OPEN_RUNS_HARD);
  let isWaiting = true;
  void store.untilRoom().then(() => (isWaiting = false));
  await clock.advance(60_000);
  expect(isWaiting).toBe(true);
  roomBytes = Infinity;
  await clock.advance(2_000);
  expect(isWaiting).toBe(false);
});
