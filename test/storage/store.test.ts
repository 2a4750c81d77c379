/**
 * One node's store over a disk and a LevelDB stand-in that forget what was not synced: recovery, exactly once, multi-part writes,
 * version marks, and a flush that is interrupted anywhere.
 */

import {
  RecordKind,
  RowBatch,
  encodeAbortBody,
  encodeCommitBody,
  encodeOpeningBody,
  encodePartPrefix,
  encodeRecord,
  encodeSchemaBody,
  encodeWriteBody,
  type RecordView,
  type StateMachine,
  type StoreOptions,
  type TableSchema,
} from '../../storage/index.js';
import { STORE_SCHEMA, StoreRig, writeOf } from '../support/store-rig.js';

/** The same columns; the row of the highest version stays. */
const LAST_ROW_SCHEMA: TableSchema = { ...STORE_SCHEMA, tableId: 4343, appendMode: false };

class Recorder implements StateMachine {
  applied: string[] = [];

  apply(version: number, origin: number, body: Uint8Array): void {
    // Like the catalog: an operation is known by its version, and applying it again changes nothing.
    const entry = `${version}/${origin}/${Buffer.from(body).toString()}`;
    if (!this.applied.includes(entry)) this.applied.push(entry);
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.applied));
  }

  restore(bytes: Uint8Array): void {
    this.applied = JSON.parse(Buffer.from(bytes).toString()) as string[];
  }
}

/** With a catalog that notes what it was given. */
class Machine extends StoreRig {
  recorder = new Recorder();

  override start(options: Partial<StoreOptions> = {}): Promise<number> {
    this.recorder = new Recorder();
    return super.start(options, this.recorder);
  }
}

describe('store', () => {
  test('what was durable is there after a restart, without any flush', async () => {
    const machine = new Machine(1);
    await machine.start();
    machine.defineTable();
    machine.append(RecordKind.write, writeOf([1, 2, 3]));
    machine.append(RecordKind.ddl, [Buffer.from('create')]);
    await machine.settle();
    expect(await machine.values()).toEqual([1, 2, 3]);
    machine.powerLoss();
    expect(await machine.start()).toBeGreaterThanOrEqual(4);
    expect(await machine.values()).toEqual([1, 2, 3]);
    expect(machine.recorder.applied).toHaveLength(1);
  });

  test('a flushed record is not applied again, and the catalog comes from the snapshot', async () => {
    const machine = new Machine(2);
    await machine.start();
    machine.defineTable();
    machine.append(RecordKind.write, writeOf([1, 2, 3]));
    machine.append(RecordKind.ddl, [Buffer.from('create')]);
    await machine.settle();
    await machine.clock.runUntilSettled(machine.store.flush());
    machine.append(RecordKind.write, writeOf([4]));
    await machine.settle();
    machine.powerLoss();
    expect(await machine.start()).toBeLessThanOrEqual(2);
    expect(await machine.values()).toEqual([1, 2, 3, 4]);
    expect(machine.recorder.applied).toHaveLength(1);
  });

  test('a multi-part write appears at its commit as a whole, and an aborted or orphaned one never', async () => {
    const machine = new Machine(3);
    await machine.start();
    machine.defineTable();
    const begin = (values: number[]): RecordView =>
      machine.append(RecordKind.part, [encodePartPrefix(0), ...writeOf(values)]);
    const committed = begin([1, 2]);
    const aborted = begin([91]);
    machine.append(RecordKind.part, [encodePartPrefix(committed.sequence), ...writeOf([3])]);
    machine.append(RecordKind.abort, [encodeAbortBody(aborted.sequence)]);
    begin([92]);
    await machine.settle();
    expect(await machine.values()).toEqual([]);
    // A flush in the middle of it must not lose the parts.
    machine.append(RecordKind.write, writeOf([7]));
    await machine.settle();
    await machine.clock.runUntilSettled(machine.store.flush());
    machine.append(RecordKind.commit, [
      encodeCommitBody({ firstPart: committed.sequence, partCount: 2 }),
    ]);
    await machine.settle();
    expect(await machine.values()).toEqual([1, 2, 3, 7]);
    machine.powerLoss();
    await machine.start();
    expect(await machine.values()).toEqual([1, 2, 3, 7]);
  });

  describe.each([
    ['before it shows', false],
    ['when it shows', true],
  ])('a large commit that is applied in slices, and a power loss %s', (_, isPublished) => {
    test.each([
      ['without a flush', false],
      ['with a flush between two slices', true],
    ])('%s', async (_name, isFlushed) => {
      const machine = new Machine(4);
      await machine.start();
      machine.defineTable();
      const values = Array.from({ length: 12_000 }, (_value, index) => index);
      const first = machine.append(RecordKind.part, [
        encodePartPrefix(0),
        ...writeOf(values.slice(0, 3000)),
      ]);
      for (const from of [3000, 6000, 9000]) {
        const part = writeOf(values.slice(from, from + 3000));
        machine.append(RecordKind.part, [encodePartPrefix(first.sequence), ...part]);
      }
      machine.append(RecordKind.write, writeOf([20_000]));
      await machine.settle();
      machine.isHeld = true;
      const commit = machine.append(RecordKind.commit, [
        encodeCommitBody({ firstPart: first.sequence, partCount: 4 }),
      ]);
      await machine.settle();
      const { store } = machine;
      const prepare = (): boolean => store.prepare(store.nodeId, store.incarnation, commit);
      expect([prepare(), prepare()]).toEqual([false, false]);
      expect(await machine.values()).toEqual([20_000]);
      if (isFlushed) await machine.clock.runUntilSettled(store.flush());
      while (!prepare());
      expect(await machine.values()).toEqual([20_000]);
      if (isPublished) {
        machine.applyTo(commit.sequence);
        expect(await machine.values()).toEqual([...values, 20_000]);
        if (isFlushed) await machine.clock.runUntilSettled(store.flush());
      }
      machine.powerLoss();
      await machine.start();
      expect(await machine.values()).toEqual([...values, 20_000]);
    });
  });

  test('a large commit is replayed in slices, too', async () => {
    const replayed = async (parts: number): Promise<{ values: number[]; turns: number }> => {
      const machine = new Machine(4);
      await machine.start();
      machine.defineTable();
      const first = machine.append(RecordKind.part, [encodePartPrefix(0), ...writeOf([0])]);
      for (let part = 1; part < parts; part += 1) {
        const values = Array.from({ length: 3000 }, (_, index) => part * 3000 + index);
        machine.append(RecordKind.part, [encodePartPrefix(first.sequence), ...writeOf(values)]);
      }
      machine.append(RecordKind.commit, [
        encodeCommitBody({ firstPart: first.sequence, partCount: parts }),
      ]);
      await machine.settle();
      machine.powerLoss();
      const turn = jest.spyOn(machine.clock, 'yieldTurn');
      await machine.start();
      return { values: await machine.values(), turns: turn.mock.calls.length };
    };
    const [short, long] = [await replayed(2), await replayed(9)];
    expect([short.values.length, long.values.length]).toEqual([3001, 24_001]);
    // About one for each 30,000 values, and one for the bytes of its parts.
    expect(long.turns - short.turns).toBeGreaterThan(3);
  });

  test('a flush in the middle of a replay forgets nothing that was flushed before', async () => {
    const machine = new Machine(5);
    await machine.start();
    machine.defineTable();
    // Never ended: every replay begins here, far below what is flushed.
    machine.append(RecordKind.part, [encodePartPrefix(0), ...writeOf([90])]);
    const own = Array.from({ length: 20 }, (_, value) => value);
    for (const value of own) machine.append(RecordKind.write, writeOf([value]));
    await machine.settle();
    await machine.clock.runUntilSettled(machine.store.flush());
    // Older than all that, and come later: they are replayed first, and fill the memtable.
    const copy = await machine.clock.runUntilSettled(machine.store.openCopy(2));
    const opening = { incarnation: 'c'.repeat(16), origin: 2, parent: null };
    const records = [
      encodeRecord(RecordKind.opening, 1, 1, [encodeOpeningBody(opening)]),
      encodeRecord(RecordKind.schema, 2, 2, [encodeSchemaBody(STORE_SCHEMA)]),
    ];
    const theirs = Array.from({ length: 600 }, (_, index) => 1000 + index);
    for (const [index, value] of theirs.entries()) {
      records.push(encodeRecord(RecordKind.write, 3 + index, 3 + index, writeOf([value])));
    }
    copy.appendCopies(opening.incarnation, Buffer.concat(records));
    await machine.settle();

    machine.powerLoss();
    await machine.start({ memtableBytes: 4096 });
    expect(machine.store.tables.backgroundCounts.flushes).toBeGreaterThan(1);
    machine.powerLoss();
    await machine.start();
    expect(await machine.values()).toEqual([...own, ...theirs]);
  });

  test('a flush in the middle of a replay releases nothing: nobody has said what the peer has', async () => {
    const machine = new Machine(6);
    await machine.start();
    machine.defineTable();
    // In no order that a codec could use.
    const values = Array.from({ length: 1000 }, (_, value) => (value * 7919) % 100_003);
    for (let count = 0; count < 30; count += 1) machine.append(RecordKind.write, writeOf(values));
    await machine.settle();
    const { id } = machine.store.own.incarnations()[0]!;
    machine.powerLoss();
    await machine.start({ memtableBytes: 4096 });
    expect(machine.store.tables.stats()[0]!.runs).toBeGreaterThan(3);
    const { first, bytes } = machine.store.own.incarnation(id)!;
    expect(first).toBe(1);
    expect(bytes).toBeGreaterThan(3 * 64 * 1024);
  });

  test('the higher version wins, whatever arrives last', async () => {
    const machine = new Machine(6);
    await machine.start();
    machine.append(RecordKind.schema, [encodeSchemaBody(LAST_ROW_SCHEMA)]);
    const row = (value: number): Uint8Array[] => {
      const batch = new RowBatch(LAST_ROW_SCHEMA);
      batch.setBytes(0, Buffer.from('a'), 0, 1);
      batch.setTime(1, 1_767_225_600, 0);
      batch.setNumber(2, value);
      batch.endRow();
      return encodeWriteBody([batch.encodeSection()]);
    };
    const { version } = machine.append(RecordKind.write, row(1));
    await machine.settle();

    // What the peer wrote a moment before comes only now.
    const incarnation = 'aaaaaaaaaaaaaaaa';
    const opening = encodeOpeningBody({ incarnation, origin: 2, parent: null });
    const records = Buffer.concat([
      encodeRecord(RecordKind.opening, 1, version - 24, [opening]),
      encodeRecord(RecordKind.schema, 2, version - 16, [encodeSchemaBody(LAST_ROW_SCHEMA)]),
      encodeRecord(RecordKind.write, 3, version - 8, row(2)),
    ]);
    const copy = await machine.clock.runUntilSettled(machine.store.openCopy(2));
    const views = copy.appendCopies(incarnation, records);
    await machine.settle();
    for (const view of views) machine.store.applyPeer(incarnation, view);
    expect(await machine.values(LAST_ROW_SCHEMA)).toEqual([1]);
  });

  test('a restart stamps above everything before, also when the clock went back', async () => {
    const machine = new Machine(4);
    await machine.start();
    machine.defineTable();
    const before = machine.append(RecordKind.write, writeOf([1])).version;
    machine.clock.jumpWall(-3_600_000);
    machine.powerLoss();
    await machine.start();
    expect(machine.store.hadMark).toBe(true);
    expect(machine.store.versions.next()).toBeGreaterThan(before);
  });

  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'power loss at any moment of writing and flushing, seed %i',
    async (seed) => {
      const machine = new Machine(1000 + seed);
      let next = 0;
      const certain: number[] = [];
      let open = new Map<number, number[]>();
      for (let life = 0; life < 4; life++) {
        await machine.start({ memtableBytes: 64 * 1024 });
        machine.defineTable();
        await machine.settle();
        const recovered = await machine.values();
        const there = new Set(recovered);
        expect(there.size).toBe(recovered.length);
        expect(certain.filter((value) => !there.has(value))).toEqual([]);
        const possible = new Set([...certain, ...[...open.values()].flat()]);
        expect(recovered.filter((value) => !possible.has(value))).toEqual([]);
        certain.splice(0, certain.length, ...recovered);
        open = new Map();
        machine.durable = 0;

        const steps = machine.random.integer(3, 25);
        for (let step = 0; step < steps; step++) {
          const values = Array.from({ length: machine.random.integer(1, 60) }, () => next++);
          await machine.clock.runUntilSettled(machine.store.ensureMark());
          open.set(machine.append(RecordKind.write, writeOf(values)).sequence, values);
          if (machine.random.chance(0.3)) void machine.store.flush();
          if (machine.random.chance(0.6)) await machine.clock.advance(machine.random.integer(0, 3));
        }
        for (const [sequence, values] of open) {
          if (sequence <= machine.durable) certain.push(...values);
        }
        certain.sort((a, b) => a - b);
        machine.powerLoss();
      }
    },
  );
});
