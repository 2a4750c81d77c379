/**
 * A journal whose disk is full when its next file is due: what it has taken waits, not durable and not lost, and is written when there is
 * room. Nothing but a lack of room is waited for.
 */

import type { Journal } from '../../storage/journal.js';
import type { DiskFault } from '../support/forgetful-disk.js';
import {
  FOLDER,
  JournalRig,
  appendWrites,
  incarnationId,
  readAll,
} from '../support/journal-rig.js';
import { SeededRandom } from '../support/seeded-random.js';
import { VirtualClock } from '../support/virtual-clock.js';

const SEGMENT_BYTES = 32 * 1024;
const ID = incarnationId(1);
const BODY = new Uint8Array(3000);
/** The opening record comes before the first write. */
const OPENING = 1;
/** The spare that becomes the second segment. */
const NEXT_FILE = 'spare-2.free';

class Scene {
  readonly clock = new VirtualClock();
  readonly rig: JournalRig;
  readonly failures: Error[] = [];
  readonly told: boolean[] = [];
  journal!: Journal;

  constructor(seed = 1) {
    this.rig = new JournalRig(seed, { segmentBytes: SEGMENT_BYTES }, {}, this.clock);
  }

  /** With a first segment, and no spare behind it that is ready. */
  async start(): Promise<this> {
    this.journal = await this.clock.runUntilSettled(this.rig.start(1));
    this.journal.onFailure((error) => this.failures.push(error));
    this.journal.onRoomChange(() => this.told.push(this.journal.isWaitingForRoom));
    return this;
  }

  /** The disk gives nothing more. */
  fill(): void {
    this.rig.disk.setCapacity(this.rig.disk.usedBytes);
  }

  leaveFree(bytes: number): void {
    this.rig.disk.setCapacity(this.rig.disk.usedBytes + bytes);
  }

  /** Appends until the files that exist hold no more, and then `beyond` records. */
  async appendBeyond(beyond: number): Promise<void> {
    while (!this.journal.isWaitingForRoom) {
      appendWrites(this.journal, [BODY]);
      await this.clock.advance(0);
    }
    for (let count = 1; count < beyond; count += 1) appendWrites(this.journal, [BODY]);
  }

  get durable(): number {
    return this.journal.incarnation(ID)!.durable.sequence;
  }

  get received(): number {
    return this.journal.incarnation(ID)!.received.sequence;
  }

  /** What a node finds that is killed now, and started on a disk with room. */
  async afterCrash(): Promise<number> {
    this.rig.disk.crash(new SeededRandom(2));
    this.rig.disk.setCapacity(Infinity);
    return this.#reopened();
  }

  async #reopened(): Promise<number> {
    const { journal } = await this.clock.runUntilSettled(this.rig.open());
    const { records } = await readAll(journal, ID);
    expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, at) => at + 1));
    await this.clock.runUntilSettled(journal.close());
    return records.length;
  }

  async close(): Promise<void> {
    await this.clock.runUntilSettled(this.journal.close());
  }
}

test('records that found no room wait, and are durable when there is some', async () => {
  const scene = await new Scene().start();
  scene.fill();
  await scene.appendBeyond(3);
  await scene.clock.advance(3_600_000);
  expect([scene.durable, scene.failures, scene.told]).toEqual([scene.received - 3, [], [true]]);

  scene.leaveFree(SEGMENT_BYTES);
  await scene.clock.advance(1_000);
  expect([scene.durable, scene.failures, scene.told]).toEqual([scene.received, [], [true, false]]);
  await scene.close();
  expect(await scene.afterCrash()).toBe(scene.received);
});

test('while it waits it has room for nothing, however much its next segment would hold', async () => {
  const scene = await new Scene().start();
  scene.fill();
  await scene.appendBeyond(1);
  expect([scene.journal.roomBytes(), scene.journal.isFullFor(1)]).toEqual([0, true]);
  expect(scene.journal.allocationError).toMatchObject({ code: 'ENOSPC' });
  scene.leaveFree(2 * SEGMENT_BYTES);
  await scene.clock.advance(1_000);
  expect(scene.journal.isFullFor(BODY.length)).toBe(false);
  await scene.close();
});

test('a segment that is let go of is the next file: the disk need not have room', async () => {
  const scene = await new Scene().start();
  scene.fill();
  await scene.appendBeyond(2);
  await scene.journal.releaseBefore(new Map([[ID, scene.durable]]), 0);
  await scene.clock.advance(0);
  expect([scene.durable, scene.told]).toEqual([scene.received, [true, false]]);
  await scene.close();
});

test('what cannot fit is not begun, and nothing half made stays', async () => {
  const scene = await new Scene().start();
  scene.fill();
  scene.leaveFree(SEGMENT_BYTES - 1);
  await scene.appendBeyond(1);
  const { usedBytes, operationCount } = scene.rig.disk;
  await scene.clock.advance(60_000);
  expect([scene.rig.disk.usedBytes, scene.rig.disk.operationCount]).toEqual([
    usedBytes,
    operationCount,
  ]);
  await scene.close();
});

describe.each(['ENOSPC', 'EDQUOT'] as const)('%s, whatever the file system says it has', (code) => {
  test.each(['open', 'write', 'sync'] as const)('at %s of the new file', async (operation) => {
    const scene = await new Scene().start();
    scene.fill();
    await scene.appendBeyond(2);
    scene.rig.disk.failNext({ operation, nth: 1, code, path: '.free' });
    scene.rig.disk.setCapacity(Infinity);
    await scene.clock.advance(1_000);
    expect([scene.durable, scene.told]).toEqual([scene.received - 2, [true]]);
    const spares = (await scene.rig.disk.list(FOLDER)).filter((name) => name.endsWith('.free'));
    expect(spares).toEqual([]);
    await scene.clock.advance(1_000);
    expect([scene.durable, scene.failures, scene.told]).toEqual([
      scene.received,
      [],
      [true, false],
    ]);
    await scene.close();
  });
});

describe.each(['ENOSPC', 'EDQUOT'] as const)('%s though the next file is there', (code) => {
  // Not every file system writes over what is there: some need room for each write, and a name may need some anywhere.
  test.each<{ operation: DiskFault['operation']; path: string; step: string }>([
    { operation: 'write', path: NEXT_FILE, step: 'its header is written' },
    { operation: 'rename', path: NEXT_FILE, step: 'it gets its name' },
    { operation: 'syncFolder', path: FOLDER, step: 'its name is synced' },
  ])('when $step', async ({ operation, path }) => {
    const scene = await new Scene().start();
    await scene.clock.advance(0);
    expect(scene.journal.roomBytes()).toBeGreaterThan(SEGMENT_BYTES);
    scene.fill();
    // Twice: a fault that throws hides the call from the one behind it.
    const fault = { operation, nth: 1, code, path };
    for (let times = 0; times < 2; times += 1) scene.rig.disk.failNext(fault);
    await scene.appendBeyond(2);
    await scene.clock.advance(1_000);
    expect([scene.durable, scene.told]).toEqual([scene.received - 2, [true]]);
    expect(scene.journal.roomBytes()).toBe(0);
    await scene.clock.advance(1_000);
    expect([scene.durable, scene.failures, scene.told]).toEqual([
      scene.received,
      [],
      [true, false],
    ]);
    const { received } = scene;
    await scene.close();
    expect(await scene.afterCrash()).toBe(received);
  });

  test.each<[DiskFault['operation'], string]>([
    ['write', NEXT_FILE],
    ['rename', NEXT_FILE],
    ['syncFolder', FOLDER],
  ])('a crash after a failed %s', async (operation, path) => {
    const scene = await new Scene().start();
    await scene.clock.advance(0);
    scene.fill();
    scene.rig.disk.failNext({ operation, nth: 1, code, path });
    await scene.appendBeyond(2);
    const { durable } = scene;
    expect(await scene.afterCrash()).toBe(durable);
  });

  test('when a name whose sync failed is to be taken back', async () => {
    const scene = await new Scene().start();
    await scene.clock.advance(0);
    scene.fill();
    scene.rig.disk.failNext({ operation: 'syncFolder', nth: 1, code, path: FOLDER });
    scene.rig.disk.failNext({ operation: 'rename', nth: 1, code, path: '.segment' });
    await scene.appendBeyond(2);
    await scene.clock.advance(1_000);
    expect([scene.durable, scene.told]).toEqual([scene.received - 2, [true]]);
    await scene.clock.advance(1_000);
    expect([scene.durable, scene.failures]).toEqual([scene.received, []]);
    const { received } = scene;
    await scene.close();
    expect(await scene.afterCrash()).toBe(received);
  });
});

test.each<Pick<DiskFault, 'operation' | 'code'>>([
  { operation: 'write', code: 'EIO' },
  { operation: 'rename', code: 'EIO' },
  { operation: 'syncFolder', code: 'EIO' },
])('$code at $operation of a file that is begun is final', async ({ operation, code }) => {
  const scene = await new Scene().start();
  await scene.clock.advance(0);
  scene.fill();
  const path = operation === 'syncFolder' ? FOLDER : NEXT_FILE;
  scene.rig.disk.failNext({ operation, nth: 1, code, path });
  while (scene.failures.length === 0) {
    appendWrites(scene.journal, [BODY]);
    await scene.clock.advance(0);
  }
  expect(scene.failures).toMatchObject([{ code: 'TWINTIDE_JOURNAL_FAILED', cause: { code } }]);
  await scene.close();
});

test.each<Pick<DiskFault, 'operation' | 'code'>>([
  { operation: 'open', code: 'EMFILE' },
  { operation: 'write', code: 'EIO' },
  { operation: 'sync', code: 'EIO' },
  { operation: 'write', code: 'EROFS' },
])('$code at $operation of the new file is final', async ({ operation, code }) => {
  const scene = await new Scene().start();
  scene.fill();
  await scene.appendBeyond(1);
  scene.rig.disk.failNext({ operation, nth: 1, code, path: '.free' });
  scene.rig.disk.setCapacity(Infinity);
  await scene.clock.advance(1_000);
  expect(scene.failures).toMatchObject([{ code: 'TWINTIDE_JOURNAL_FAILED', cause: { code } }]);
  expect(scene.journal.isWaitingForRoom).toBe(false);
  await scene.close();
});

test('ENOSPC in the middle of a record’s group is final: nobody knows what is on disk', async () => {
  const scene = await new Scene().start();
  await scene.clock.advance(0);
  scene.rig.disk.failNext({ operation: 'write', nth: 1, code: 'ENOSPC' });
  appendWrites(scene.journal, [BODY]);
  await scene.clock.advance(0);
  expect(scene.failures).toMatchObject([{ cause: { code: 'ENOSPC' } }]);
  await scene.close();
});

test('closed while it waits it ends at once, as no failure, and has what it said it has', async () => {
  const scene = await new Scene().start();
  scene.fill();
  await scene.appendBeyond(2);
  const durable = scene.durable;
  await scene.close();
  expect([scene.failures, scene.told]).toEqual([[], [true, false]]);
  expect(await scene.afterCrash()).toBe(durable);
});

test('a start that finds no room for its opening record ends', async () => {
  const scene = new Scene();
  scene.rig.disk.setCapacity(SEGMENT_BYTES - 1);
  const { journal } = await scene.clock.runUntilSettled(scene.rig.open());
  await expect(
    scene.clock.runUntilSettled(journal.beginIncarnation(ID, null, 9)),
  ).rejects.toMatchObject({ code: 'TWINTIDE_JOURNAL_FAILED', cause: { code: 'ENOSPC' } });
  await scene.clock.runUntilSettled(journal.close());
});

test('a copy that needs a longer file than its origin waits for that, too', async () => {
  const origin = await new Scene().start();
  const small = Array.from({ length: 400 }, () => new Uint8Array(1));
  const records = appendWrites(origin.journal, small);
  await origin.clock.advance(0);
  const first = await origin.journal.read(ID, 0, 1);

  const scene = new Scene(2);
  const { journal: copy } = await scene.clock.runUntilSettled(scene.rig.open());
  scene.journal = copy;
  copy.onRoomChange(() => scene.told.push(copy.isWaitingForRoom));
  copy.appendCopies(ID, first!.bytes);
  await scene.clock.advance(0);
  scene.fill();
  // One group each: a sector a record.
  for (const record of records) {
    copy.appendCopies(ID, record.bytes);
    await scene.clock.advance(0);
  }
  expect([scene.told, scene.durable < scene.received]).toEqual([[true], true]);
  scene.rig.disk.setCapacity(Infinity);
  await scene.clock.advance(1_000);
  expect([scene.told, scene.durable]).toEqual([[true, false], OPENING + small.length]);
  await scene.close();
  await origin.close();
  expect(await scene.afterCrash()).toBe(OPENING + small.length);
});

test('power that goes at any step of giving a name anew: what was durable is found, and nothing half made', async () => {
  for (let dieAt = 1, isThrough = false; !isThrough; dieAt += 1) {
    for (let seed = 1; seed <= 6; seed += 1) {
      const scene = await new Scene(seed).start();
      await scene.clock.advance(0);
      scene.fill();
      const { disk } = scene.rig;
      disk.failNext({ operation: 'syncFolder', nth: 1, code: 'ENOSPC', path: FOLDER });
      await scene.appendBeyond(2);
      const { durable, received } = scene;
      disk.dieAtOperation(dieAt);
      await scene.clock.advance(1_000);
      isThrough = !disk.isDead;
      expect(scene.durable).toBe(isThrough ? received : durable);
      disk.crash(new SeededRandom(seed), { tear: true });
      disk.setCapacity(Infinity);
      const { journal, report } = await scene.clock.runUntilSettled(scene.rig.open());
      const { records } = await readAll(journal, ID);
      expect(records.length).toBeGreaterThanOrEqual(scene.durable);
      expect(report.segments).toBeLessThanOrEqual(2);
      await scene.clock.runUntilSettled(journal.close());
    }
  }
});

describe('room that comes and goes', () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed + 1))(
    'loses nothing that was durable, and nothing for good: seed %i',
    async (seed) => {
      const random = new SeededRandom(seed);
      const scene = await new Scene(seed).start();
      for (let step = 0; step < 60; step += 1) {
        scene.leaveFree(random.integer(0, 2 * SEGMENT_BYTES));
        // What the peer sends is taken in any case.
        const isTaken = random.chance(0.3) || !scene.journal.isFullFor(2 * BODY.length);
        if (isTaken) appendWrites(scene.journal, [BODY, BODY]);
        await scene.clock.advance(random.pick([0, 400, 1_000]));
        if (random.chance(0.2)) {
          await scene.journal.releaseBefore(new Map([[ID, random.integer(0, scene.durable)]]), 0);
        }
      }
      const first = scene.journal.incarnation(ID)!.first;
      if (random.chance(0.5)) {
        const durable = scene.durable;
        scene.rig.disk.crash(random);
        scene.rig.disk.setCapacity(Infinity);
        const { journal } = await scene.clock.runUntilSettled(scene.rig.open());
        const { records } = await readAll(journal, ID, { after: first - 1 });
        expect(records.length).toBeGreaterThanOrEqual(durable - first + 1);
        await scene.clock.runUntilSettled(journal.close());
        return;
      }
      scene.rig.disk.setCapacity(Infinity);
      await scene.clock.advance(2_000);
      expect([scene.durable, scene.failures]).toEqual([scene.received, []]);
      await scene.close();
    },
  );
});
