/** A replay that is broken off: whatever ended it, nothing is read any more once that is known, so the journals may be closed. */

import type { Journal } from '../../storage/journal.js';
import { recordsIn } from '../../storage/journal-replay.js';
import { systemTimers } from '../../storage/node-adapters.js';
import { replayJournals, type Replaying } from '../../storage/store-replay.js';
import { JournalRig, appendWrites, incarnationId, untilDurable } from '../support/journal-rig.js';

const RECORD_BYTES = 4000;
/** Two incarnations, each with more than a replay reads at once. */
const RECORDS = 1200;
const INCARNATIONS = [1, 2];

let readsUnderWay = 0;
let readCount = 0;

/** A read comes back some turns later. */
async function latency(operation: string): Promise<void> {
  if (operation !== 'read') return;
  readsUnderWay += 1;
  readCount += 1;
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  readsUnderWay -= 1;
}

let rig: JournalRig;
let journal: Journal;

beforeAll(async () => {
  rig = new JournalRig(1, { segmentBytes: 8 << 20 }, { latency });
  for (const number of INCARNATIONS) {
    const written = await rig.start(number);
    const body = new Uint8Array(RECORD_BYTES);
    appendWrites(
      written,
      Array.from({ length: RECORDS }, () => body),
    );
    await untilDurable(written);
    await written.close();
  }
});

beforeEach(async () => {
  ({ journal } = await rig.open());
});

afterEach(async () => {
  await journal.close();
});

/** Takes everything. */
const TAKER: Replaying = {
  beginReplay: () => 0,
  isFlushed: () => false,
  prepare: () => true,
  replay: () => undefined,
};

function replay(taker: Replaying, makeRoom: () => Promise<void> | null = () => null) {
  const timers = systemTimers({ keepsProcessAlive: false });
  return replayJournals([journal], taker, timers, makeRoom);
}

/** A replay that ends `how`, with reads that were under way when it did. */
async function expectQuiet(how: (fail: () => never) => Promise<number>): Promise<void> {
  let underWay = -1;
  const fail = (): never => {
    underWay = readsUnderWay;
    throw new Error('broken off');
  };
  await expect(how(fail)).rejects.toThrow('broken off');
  expect([underWay > 0, readsUnderWay]).toEqual([true, 0]);
  const before = readCount;
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(readCount).toBe(before);
}

test('to its end it reads every record, and nothing after', async () => {
  expect(await replay(TAKER)).toBe(INCARNATIONS.length * (RECORDS + 1));
  expect(readsUnderWay).toBe(0);
});

describe('broken off', () => {
  test('by who takes the records', async () => {
    await expectQuiet((fail) => replay({ ...TAKER, replay: fail }));
  });

  test('by who prepares for them', async () => {
    await expectQuiet((fail) => replay({ ...TAKER, prepare: fail }));
  });

  test('by who makes room, also a turn later', async () => {
    await expectQuiet((fail) => replay(TAKER, fail));
    let isFirst = true;
    await expectQuiet((fail) =>
      replay(TAKER, () => {
        if (!isFirst) return null;
        isFirst = false;
        return Promise.resolve().then(fail);
      }),
    );
  });

  test('by a read that fails, of one incarnation while the other is read ahead', async () => {
    const broken = new Error('broken off');
    const read = journal.read.bind(journal);
    jest.spyOn(journal, 'read').mockImplementation((incarnation, after, maxBytes, options) => {
      const isBroken = incarnation === incarnationId(2) && after > 0;
      return isBroken ? Promise.reject(broken) : read(incarnation, after, maxBytes, options);
    });
    await expect(replay(TAKER)).rejects.toBe(broken);
    expect(readsUnderWay).toBe(0);
  });

  test('by who wants no more of one incarnation: at the first record, in the middle, and before any', async () => {
    for (const wanted of [1, 30, 0]) {
      const records = recordsIn(journal, incarnationId(1), 0, 10 * RECORD_BYTES);
      for (let taken = 0; taken < wanted; taken += 1) await records.next();
      await records.return(undefined);
      expect(readsUnderWay).toBe(0);
    }
  });
});
