/** The journal in normal operation: appending, reading, boundaries, copies, returned tails, releasing, and disks that fail. */

import { createHash } from 'node:crypto';
import { CorruptionError } from '../../storage/corruption-error.js';
import {
  JournalFailedError,
  ReplicationDataError,
  SegmentGoneError,
  type Journal,
  type Seal,
} from '../../storage/journal.js';
import { ZERO_HASH, type Position, type RollingHash } from '../../storage/position.js';
import {
  RECORD_HEADER_BYTES,
  RecordKind,
  encodeRecord,
  isGatedKind,
  nextHash,
  type RecordView,
} from '../../storage/record.js';
import { encodeOpeningBody } from '../../storage/record-bodies.js';
import {
  FOLDER,
  JournalRig,
  appendWrites,
  incarnationId,
  joinRecords,
  randomBodies,
  readAll,
  recordsOf,
  untilDurable,
} from '../support/journal-rig.js';
import { SeededRandom } from '../support/seeded-random.js';

const ID = incarnationId(1);

function hexes(records: readonly RecordView[]): string[] {
  return records.map((record) => Buffer.from(record.bytes).toString('hex'));
}

function currentOf(journal: Journal): { received: Position; durable: Position } {
  return journal.incarnations().find((info) => info.isCurrent)!;
}

describe('appending', () => {
  test('an incarnation begins with its opening record, durable when begun', async () => {
    const rig = new JournalRig();
    const { journal } = await rig.open();
    const parent = { incarnation: 'f'.repeat(16), sequence: 9, hash: 'e'.repeat(32) };
    const position = await journal.beginIncarnation(ID, parent, 77);
    const { records } = await readAll(journal, ID);
    const body = encodeOpeningBody({ incarnation: ID, origin: 1, parent });
    const expected = encodeRecord(RecordKind.opening, 1, 77, [body]);
    expect(hexes(records)).toEqual([Buffer.from(expected).toString('hex')]);
    expect(position).toEqual({
      incarnation: ID,
      sequence: 1,
      hash: nextHash(parent.hash, records[0]!),
    });
    expect(journal.incarnations()).toEqual([
      {
        id: ID,
        parent,
        openingVersion: 77,
        first: 1,
        durable: position,
        received: position,
        isCurrent: true,
        bytes: expected.length,
      },
    ]);
    await journal.close();
  });

  test('it is synchronous: sequence, bytes and position are there at once, durable comes later', async () => {
    const rig = new JournalRig();
    const journal = await rig.start(1);
    const record = journal.append(RecordKind.write, 1_000_009, [
      Buffer.from('two'),
      Buffer.from(' parts'),
    ]);
    expect(record).toMatchObject({ kind: RecordKind.write, sequence: 2, version: 1_000_009 });
    expect(Buffer.from(record.body).toString()).toBe('two parts');
    expect(currentOf(journal).received.sequence).toBe(2);
    expect(currentOf(journal).durable.sequence).toBe(1);
    await untilDurable(journal);
    expect(currentOf(journal).durable).toEqual(currentOf(journal).received);
    await journal.close();
  });

  test('records of one turn share one write, and durable is reported in order', async () => {
    const rig = new JournalRig();
    const journal = await rig.start(1);
    const seen: number[] = [];
    journal.onDurable((incarnation, position) => {
      expect(incarnation).toBe(ID);
      seen.push(position.sequence);
    });
    const before = rig.disk.operationCount;
    appendWrites(journal, randomBodies(rig.random, 20, 100));
    await untilDurable(journal);
    expect(rig.disk.operationCount - before).toBe(1);
    expect(seen).toEqual([21]);
    appendWrites(journal, randomBodies(rig.random, 1, 100));
    await untilDurable(journal);
    expect(seen).toEqual([21, 22]);
    await journal.close();
  });

  test('while a write is in flight further records queue for the next group', async () => {
    let release: () => void = () => undefined;
    let isHeld = false;
    const rig = new JournalRig(
      1,
      {},
      {
        latency: (operation) =>
          isHeld && operation === 'write'
            ? new Promise((resolve) => {
                release = resolve;
              })
            : Promise.resolve(),
      },
    );
    const journal = await rig.start(1);
    const durable: number[] = [];
    journal.onDurable((_, position) => durable.push(position.sequence));
    isHeld = true;
    appendWrites(journal, randomBodies(rig.random, 2, 100));
    await new Promise((resolve) => setImmediate(resolve));
    appendWrites(journal, randomBodies(rig.random, 3, 100));
    await new Promise((resolve) => setImmediate(resolve));
    expect(durable).toEqual([]);
    isHeld = false;
    release();
    await untilDurable(journal);
    expect(durable).toEqual([3, 6]);
    await journal.close();
  });

  test.each([
    [1, 1],
    [2, 1],
    [7, 1],
    [17, 8],
    [32, 16],
  ])(
    'of %i clients that wait for their answers, %i or more share each group',
    async (clients, least) => {
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      const rig = new JournalRig(1, { segmentBytes: 1024 * 1024 }, { latency: turn });
      const journal = await rig.start(1);
      let version = 2_000_000;
      const send = (): void => {
        journal.append(RecordKind.write, (version += 8), [new Uint8Array(100)]);
      };
      const groups: number[] = [];
      let seen = 1;
      let unsent = 1_000;
      journal.onDurable((_, { sequence }) => {
        const count = sequence - seen;
        groups.push(count);
        seen = sequence;
        // Each statement has a callback of its own in the next turn, as chunks of sockets have.
        for (let answer = 0; answer < count && unsent > 0; answer += 1, unsent -= 1) {
          setImmediate(send);
        }
      });
      for (let client = 0; client < clients; client += 1) setImmediate(send);
      while (seen < 1 + clients + 1_000) await turn();
      // But for the first ones, and the last ones, who have fewer companions.
      expect(Math.min(...groups.slice(4, -2))).toBeGreaterThanOrEqual(least);
      await journal.close();
    },
  );

  test('a record whose companions stay away is written two turns later', async () => {
    const rig = new JournalRig();
    const journal = await rig.start(1);
    appendWrites(journal, randomBodies(rig.random, 20, 100));
    await untilDurable(journal);
    appendWrites(journal, randomBodies(rig.random, 1, 100));
    const before = rig.disk.operationCount;
    await Promise.resolve();
    expect(rig.disk.operationCount).toBe(before);
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(rig.disk.operationCount).toBe(before + 1);
    expect(journal.incarnation(incarnationId(1))!.durable.sequence).toBe(22);
    await journal.close();
  });

  test('a record above the limit is refused and takes no sequence', async () => {
    const journal = await new JournalRig().start(1);
    const longest = 4096 - RECORD_HEADER_BYTES;
    expect(() => journal.append(RecordKind.write, 1, [new Uint8Array(longest + 1)])).toThrow(
      RangeError,
    );
    expect(journal.append(RecordKind.write, 1, [new Uint8Array(longest)]).sequence).toBe(2);
    await journal.close();
  });

  test('a closed journal takes nothing', async () => {
    const journal = await new JournalRig().start(1);
    await journal.close();
    expect(() => journal.append(RecordKind.write, 1, [])).toThrow(JournalFailedError);
  });
});

describe('reading', () => {
  const cases = [
    { from: 'memory', reopen: false },
    { from: 'disk', reopen: true },
  ];
  test.each(cases)('from $from: the same bytes, in pieces of any size', async ({ reopen }) => {
    const rig = new JournalRig(5);
    let journal = await rig.start(1);
    const written = [
      ...(await readAll(journal, ID)).records,
      ...appendWrites(journal, randomBodies(rig.random, 150, 3000)),
    ];
    await untilDurable(journal);
    const end = currentOf(journal).durable;
    if (reopen) {
      await journal.close();
      journal = (await rig.open()).journal;
    }
    for (const maxBytes of [1, 500, 5000, 100_000]) {
      const { records, last } = await readAll(journal, ID, { maxBytes });
      expect(hexes(records)).toEqual(hexes(written));
      expect(last).toEqual(end);
    }
    for (const after of [0, 1, 77, 150]) {
      const { records } = await readAll(journal, ID, { after, maxBytes: 2000 });
      expect(hexes(records)).toEqual(hexes(written.slice(after)));
    }
    expect(await journal.read(ID, 151, 1000)).toBeNull();
    await journal.close();
  });

  test('pieces keep to the size asked for, one record excepted', async () => {
    const rig = new JournalRig();
    const journal = await rig.start(1);
    appendWrites(journal, randomBodies(rig.random, 50, 800));
    await untilDurable(journal);
    for (let after = 0; ;) {
      const read = await journal.read(ID, after, 2000);
      if (read === null) break;
      const isOne = read.lastSequence === read.firstSequence;
      expect(read.bytes.length <= 2000 || isOne).toBe(true);
      after = read.lastSequence;
    }
    await journal.close();
  });

  test('what is not durable is read from memory, and left out on demand', async () => {
    const journal = await new JournalRig().start(1);
    appendWrites(journal, [Buffer.from('new')]);
    expect((await journal.read(ID, 1, 1000))!.lastSequence).toBe(2);
    expect(await journal.read(ID, 1, 1000, { durableOnly: true })).toBeNull();
    await untilDurable(journal);
    expect((await journal.read(ID, 1, 1000, { durableOnly: true }))!.lastSequence).toBe(2);
    await journal.close();
  });

  test.each([0, 64, 256, 4096])(
    'memory holds %i KiB of what is durable, and the rest comes from disk',
    async (tailKiB) => {
      const tailBytes = tailKiB * 1024;
      const rig = new JournalRig(1, { segmentBytes: 256 * 1024, tailBytes });
      const journal = await rig.start(1);
      const expected = hexes((await readAll(journal, ID)).records);
      for (let burst = 0; burst < 20; burst++) {
        const bodies = randomBodies(rig.random, 50, 2000);
        expected.push(...hexes(appendWrites(journal, bodies)));
        await untilDurable(journal);
        expect(journal.tailBytes).toBeLessThanOrEqual(tailBytes);
      }
      expect(hexes((await readAll(journal, ID)).records)).toEqual(expected);
      await journal.close();
    },
  );

  test('an unknown incarnation is gone', async () => {
    const journal = await new JournalRig().start(1);
    await expect(journal.read(incarnationId(9), 0, 1000)).rejects.toThrow(SegmentGoneError);
    await journal.close();
  });

  test.each(cases)('hashes from $from are those of the history', async ({ reopen }) => {
    const rig = new JournalRig(6);
    let journal = await rig.start(1);
    appendWrites(journal, randomBodies(rig.random, 60, 3000));
    await untilDurable(journal);
    const { records } = await readAll(journal, ID);
    if (reopen) {
      await journal.close();
      journal = (await rig.open()).journal;
    }
    let hash: RollingHash = ZERO_HASH;
    expect(await journal.hashAt(ID, 0)).toBe(ZERO_HASH);
    for (const record of records) {
      hash = nextHash(hash, record);
      expect(await journal.hashAt(ID, record.sequence)).toBe(hash);
    }
    expect(await journal.hashAt(ID, 62)).toBeNull();
    expect(await journal.hashAt(incarnationId(9), 1)).toBeNull();
    await journal.close();
  });

  test('a bit that flips after recovery is found before its record is served', async () => {
    const rig = new JournalRig();
    const first = await rig.start(1);
    appendWrites(first, randomBodies(rig.random, 60, 3000));
    await untilDurable(first);
    await first.close();
    const { journal } = await rig.open();
    const path = (await rig.segmentPaths())[1]!;
    rig.disk.flip(path, 4096 + 700, 4);
    await expect(readAll(journal, ID)).rejects.toMatchObject({
      name: 'CorruptionError',
      path,
      segment: 2,
    });
    await journal.close();
  });
});

describe('pending bytes', () => {
  test('count the gated kinds behind a sequence, before and after a restart', async () => {
    const rig = new JournalRig(9);
    let journal = await rig.start(1);
    const kinds = Object.values(RecordKind).filter((kind) => kind !== RecordKind.opening);
    for (let count = 0; count < 700; count += 1) {
      journal.append(rig.random.pick(kinds), count, [rig.random.bytes(rig.random.integer(0, 300))]);
    }
    await untilDurable(journal);
    const { records } = await readAll(journal, ID);
    const expectedAfter = (sequence: number): number =>
      records
        .filter((record) => record.sequence > sequence && isGatedKind(record.kind))
        .reduce((sum, record) => sum + record.bytes.length, 0);
    for (const isReopened of [false, true]) {
      if (isReopened) journal = (await rig.open()).journal;
      for (const after of [0, 1, 2, 255, 256, 257, 500, 700, 701, 900]) {
        expect(journal.pendingBytes(ID, after)).toBe(expectedAfter(after));
      }
      expect(journal.pendingBytes(incarnationId(9), 0)).toBe(0);
      await journal.close();
    }
  });
});

/** An own journal with several sealed segments, its records and the seals it announced. */
async function origin(
  seed: number,
  count: number,
): Promise<{ rig: JournalRig; journal: Journal; records: RecordView[]; seals: Seal[] }> {
  const rig = new JournalRig(seed);
  const journal = await rig.start(1);
  const seals: Seal[] = [];
  journal.onSeal((seal) => seals.push(seal));
  appendWrites(journal, randomBodies(rig.random, count, 3000));
  await untilDurable(journal);
  const { records } = await readAll(journal, ID);
  return { rig, journal, records, seals };
}

describe('segments', () => {
  test('seals cover the history without holes, and digest the record bytes', async () => {
    const { journal, records, seals } = await origin(3, 100);
    expect(seals.length).toBeGreaterThan(3);
    let next = 1;
    for (const [index, seal] of seals.entries()) {
      expect(seal).toMatchObject({ incarnation: ID, number: index + 1, firstSequence: next });
      const inside = records.slice(seal.firstSequence - 1, seal.lastSequence);
      const digest = createHash('sha256').update(joinRecords(inside)).digest('hex');
      expect(seal.digest).toBe(digest);
      next = seal.lastSequence + 1;
    }
    expect(journal.seals(ID)).toEqual(seals);
    await journal.close();
  });

  test('are known again after a restart', async () => {
    const { rig, journal, seals } = await origin(3, 100);
    await journal.close();
    const { journal: reopened, report } = await rig.open();
    expect(reopened.seals(ID)).toEqual(seals);
    expect(report).toMatchObject({ segments: seals.length + 1, records: 101, tornTails: [] });
    await reopened.close();
  });

  test('a seal is announced before the record that begins the next segment', async () => {
    const journal = await new JournalRig().start(1);
    let sealedUpTo = 0;
    journal.onSeal((seal) => {
      sealedUpTo = seal.lastSequence;
      expect(journal.incarnations()[0]!.received.sequence).toBe(seal.lastSequence);
    });
    for (let count = 0; count < 30; count += 1) {
      const [record] = appendWrites(journal, [new Uint8Array(3000)]);
      expect(record!.sequence).toBeGreaterThan(sealedUpTo);
    }
    expect(sealedUpTo).toBeGreaterThan(0);
    await journal.close();
  });

  test('segmentFor says where records will land, and keeps them together', async () => {
    const rig = new JournalRig();
    const journal = await rig.start(1);
    const seals: Seal[] = [];
    journal.onSeal((seal) => seals.push(seal));
    let landed = 0;
    for (let round = 0; round < 40; round += 1) {
      const bodies = randomBodies(rig.random, 3, 2500);
      const sizes = bodies.map((body) => body.length + RECORD_HEADER_BYTES);
      const number = journal.segmentFor(sizes);
      expect(journal.segmentFor(sizes)).toBe(number);
      appendWrites(journal, bodies);
      expect(seals.length).toBe(number - 1);
      landed = number;
    }
    expect(landed).toBeGreaterThan(3);
    await journal.close();
  });

  test('small records fill a segment when they share groups', async () => {
    const rig = new JournalRig(1, { segmentBytes: 256 * 1024 });
    const journal = await rig.start(1);
    for (let round = 0; round < 100; round += 1) {
      appendWrites(
        journal,
        Array.from({ length: 50 }, () => new Uint8Array(100)),
      );
      await untilDurable(journal);
    }
    const bytes = journal.incarnations()[0]!.bytes;
    expect(journal.seals(ID).length).toBe(Math.floor(bytes / (256 * 1024)));
    await journal.close();
  });
});

describe('copies', () => {
  /** Feeds records to a copy in pieces, announcing each seal before the record behind it. */
  async function copyOf(
    records: readonly RecordView[],
    seals: readonly Seal[],
    random: SeededRandom,
  ): Promise<{ rig: JournalRig; journal: Journal }> {
    const rig = new JournalRig(99, { folder: '/journal/copy', segmentBytes: 40 * 1024 });
    const { journal } = await rig.open();
    let at = 0;
    for (const seal of [...seals, null]) {
      const end = seal?.lastSequence ?? records.length;
      while (at < end) {
        const to = Math.min(end, at + random.integer(1, 9));
        const views = journal.appendCopies(ID, joinRecords(records.slice(at, to)));
        expect(hexes(views)).toEqual(hexes(records.slice(at, to)));
        at = to;
        if (random.chance(0.3)) await untilDurable(journal);
      }
      if (seal !== null) journal.sealCopy(seal);
    }
    await untilDurable(journal);
    return { rig, journal };
  }

  test('hold the same bytes, positions and boundaries as the origin', async () => {
    const source = await origin(4, 120);
    const { rig, journal } = await copyOf(source.records, source.seals, new SeededRandom(8));
    expect(journal.incarnations()).toEqual(source.journal.incarnations());
    expect(journal.seals(ID)).toEqual(source.seals);
    expect(hexes((await readAll(journal, ID)).records)).toEqual(hexes(source.records));
    await journal.close();
    const { journal: reopened } = await rig.open();
    expect(reopened.incarnations()).toEqual(source.journal.incarnations());
    expect(reopened.seals(ID)).toEqual(source.seals);
    expect(hexes((await readAll(reopened, ID)).records)).toEqual(hexes(source.records));
    await reopened.close();
    await source.journal.close();
  });

  test('a seal may come before its records, and again', async () => {
    const { records, seals, journal: own } = await origin(4, 60);
    const { journal } = await new JournalRig(5).open();
    journal.appendCopies(ID, joinRecords(records.slice(0, 1)));
    for (const seal of seals) journal.sealCopy(seal);
    for (const seal of seals) journal.sealCopy(seal);
    journal.appendCopies(ID, joinRecords(records.slice(1)));
    for (const seal of seals) journal.sealCopy(seal);
    expect(journal.seals(ID)).toEqual(seals);
    await journal.close();
    await own.close();
  });

  test('a file that the copy’s own grouping overfills grows', async () => {
    const rig = new JournalRig(5);
    const { journal } = await rig.open();
    const records = [
      encodeRecord(RecordKind.opening, 1, 9, [
        encodeOpeningBody({ incarnation: ID, origin: 1, parent: null }),
      ]),
      ...Array.from({ length: 200 }, (_, index) =>
        encodeRecord(RecordKind.write, index + 2, 17, [new Uint8Array(10)]),
      ),
    ];
    for (const record of records) {
      journal.appendCopies(ID, record);
      await untilDurable(journal);
    }
    expect(rig.disk.contentOf((await rig.segmentPaths())[0]!).length).toBeGreaterThan(200 * 512);
    await journal.close();
    const { journal: reopened } = await rig.open();
    expect(reopened.incarnations()[0]!.durable.sequence).toBe(201);
    await reopened.close();
  });

  describe('refuse', () => {
    const opening = encodeRecord(RecordKind.opening, 1, 9, [
      encodeOpeningBody({ incarnation: ID, origin: 1, parent: null }),
    ]);
    const second = encodeRecord(RecordKind.write, 2, 17, [Buffer.from('rows')]);
    const third = encodeRecord(RecordKind.write, 3, 25, [Buffer.from('more')]);
    const damaged = second.slice();
    damaged[30]! ^= 1;
    const foreign = encodeRecord(RecordKind.opening, 1, 9, [
      encodeOpeningBody({ incarnation: ID, origin: 2, parent: null }),
    ]);

    test.each<[string, string, Uint8Array[], RollingHash | undefined]>([
      ['nothing', ID, [], undefined],
      ['a record out of sequence', ID, [third], undefined],
      ['a record again', ID, [second, second], undefined],
      ['a damaged record', ID, [damaged], undefined],
      ['a damaged record behind a good one', ID, [second, third.slice(0, 20)], undefined],
      ['a second opening record', ID, [encodeRecord(RecordKind.opening, 2, 9, [])], undefined],
      ['another history', ID, [second], 'f'.repeat(32)],
      ['an incarnation without its opening record', incarnationId(2), [second], undefined],
      ['an opening record of another incarnation', incarnationId(2), [opening], undefined],
      ['an opening record of another origin', incarnationId(3), [foreign], undefined],
      [
        'a record above the limit',
        ID,
        [encodeRecord(RecordKind.write, 2, 1, [new Uint8Array(5000)])],
        undefined,
      ],
    ])('%s, and stay as they were', async (_, incarnation, records, hash) => {
      const { journal } = await new JournalRig(5).open();
      journal.appendCopies(ID, opening);
      const before = journal.incarnations();
      expect(() => journal.appendCopies(incarnation, Buffer.concat(records), hash)).toThrow(
        ReplicationDataError,
      );
      expect(journal.incarnations()).toEqual(before);
      expect(journal.appendCopies(ID, second)).toHaveLength(1);
      await journal.close();
    });

    test('a seal behind records that are already here', async () => {
      const { journal } = await new JournalRig(5).open();
      journal.appendCopies(ID, Buffer.concat([opening, second, third]));
      const seal = { incarnation: ID, number: 1, firstSequence: 1, lastSequence: 2, digest: null };
      expect(() => journal.sealCopy(seal)).toThrow(ReplicationDataError);
      expect(() => journal.sealCopy({ ...seal, incarnation: incarnationId(9) })).toThrow(
        ReplicationDataError,
      );
      await journal.close();
    });

    test('a digest that is not that of the bytes here: corruption', async () => {
      const { journal } = await new JournalRig(5).open();
      journal.appendCopies(ID, Buffer.concat([opening, second]));
      const seal = { incarnation: ID, number: 1, firstSequence: 1, lastSequence: 2 };
      expect(() => journal.sealCopy({ ...seal, digest: 'ab'.repeat(32) })).toThrow(CorruptionError);
      await journal.close();
    });
  });

  test('may begin in the middle: no digest is compared before the first boundary', async () => {
    const { records, seals, journal: own } = await origin(4, 80);
    const rig = new JournalRig(5);
    const { journal } = await rig.open();
    const after = 5;
    const hash = (await own.hashAt(ID, after))!;
    journal.adoptIncarnation({ incarnation: ID, sequence: after, hash }, null, 1_000_000);
    expect(journal.incarnations()[0]).toMatchObject({ first: 6, durable: { sequence: 5, hash } });
    let at = after;
    for (const seal of seals) {
      journal.appendCopies(ID, joinRecords(records.slice(at, seal.lastSequence)));
      journal.sealCopy(seal);
      at = seal.lastSequence;
    }
    journal.appendCopies(ID, joinRecords(records.slice(at)));
    await untilDurable(journal);
    const seen = journal.seals(ID).map((seal) => seal.digest);
    expect(seen).toEqual([null, ...seals.slice(1).map((seal) => seal.digest)]);
    await journal.close();
    const { journal: reopened } = await rig.open();
    expect(hexes((await readAll(reopened, ID)).records)).toEqual(hexes(records.slice(after)));
    expect(reopened.incarnations()[0]!.durable).toEqual(own.incarnations()[0]!.durable);
    await reopened.close();
    await own.close();
  });
});

describe('returned tails', () => {
  test('a lost tail is put back under its own identity, below the current incarnation', async () => {
    const { rig, journal, records } = await origin(7, 40);
    const peerHas = records.map((record) => ({ ...record, bytes: record.bytes.slice() }));
    await journal.close();
    // The last segment file loses its newest group: what a torn write does.
    const path = (await rig.segmentPaths()).at(-1)!;
    const { journal: second } = await rig.open();
    const held = second.incarnations()[0]!;
    await second.close();
    const content = rig.disk.contentOf(path);
    const newest = lastGroupOffset(content);
    rig.disk.flip(path, newest + 20, 1);

    const { journal: restarted, report } = await rig.open();
    expect(report.tornTails).toHaveLength(1);
    const cut = restarted.incarnations()[0]!;
    expect(cut.durable.sequence).toBeLessThan(held.durable.sequence);
    await restarted.beginIncarnation(incarnationId(2), cut.durable, 2_000_000);
    const back = peerHas.slice(cut.durable.sequence);
    restarted.appendCopies(ID, joinRecords(back), held.durable.hash);
    appendWrites(restarted, [Buffer.from('new life')]);
    await untilDurable(restarted);
    await restarted.close();

    const { journal: third } = await rig.open();
    expect(third.incarnations().map((info) => info.id)).toEqual([ID, incarnationId(2)]);
    expect(third.incarnations()[0]!.durable).toEqual(held.durable);
    expect(hexes((await readAll(third, ID)).records)).toEqual(hexes(peerHas));
    expect((await readAll(third, incarnationId(2))).records).toHaveLength(2);
    await third.close();
  });

  test('the current incarnation takes none, and an ended one no more', async () => {
    const rig = new JournalRig();
    await (await rig.start(1)).close();
    const journal = await rig.start(2);
    const more = encodeRecord(RecordKind.write, 2, 9, []);
    expect(() => journal.appendCopies(incarnationId(2), more)).toThrow(ReplicationDataError);
    await journal.endIncarnation(ID);
    expect(() => journal.appendCopies(ID, more)).toThrow(ReplicationDataError);
    await journal.close();
  });

  /** Offset of the last group in a segment's content, by its sector-aligned non-zero start. */
  function lastGroupOffset(content: Uint8Array): number {
    const magic = Buffer.from(content.subarray(4096, 4104));
    let found = 4096;
    for (let at = 4096; at + 8 <= content.length; at += 512) {
      if (magic.equals(content.subarray(at, at + 8))) found = at;
    }
    return found;
  }
});

describe('releasing', () => {
  test('whole segments up to the bound go, oldest first, and are recycled', async () => {
    const { rig, journal, records, seals } = await origin(3, 100);
    const bound = seals[2]!.lastSequence + 1;
    const released = await journal.releaseBefore(new Map([[ID, bound]]), 0);
    const gone = records.slice(0, seals[2]!.lastSequence);
    expect(released).toBe(joinRecords(gone).length);
    expect(journal.incarnations()[0]!.first).toBe(seals[2]!.lastSequence + 1);
    await expect(journal.read(ID, 0, 1000)).rejects.toThrow(SegmentGoneError);
    expect(await journal.hashAt(ID, 3)).toBeNull();
    expect(await journal.hashAt(ID, seals[2]!.lastSequence)).not.toBeNull();
    await journal.close();

    const { journal: reopened } = await rig.open();
    const rest = records.slice(seals[2]!.lastSequence);
    expect(hexes((await readAll(reopened, ID)).records)).toEqual(hexes(rest));
    await reopened.close();
  });

  test('retained bytes stay', async () => {
    const { journal, records, seals } = await origin(3, 100);
    const retain = 30_000;
    await journal.releaseBefore(new Map([[ID, Infinity]]), retain);
    const first = journal.incarnations()[0]!.first;
    const last = seals.at(-1)!.lastSequence;
    expect(first).toBeGreaterThan(1);
    expect(joinRecords(records.slice(first - 1, last)).length).toBeGreaterThanOrEqual(retain);
    await journal.close();
  });

  test('without a bound nothing goes; the newest segment stays; an ended incarnation goes whole', async () => {
    const { rig, journal } = await origin(3, 100);
    expect(await journal.releaseBefore(new Map(), 0)).toBe(0);
    await journal.releaseBefore(new Map([[ID, Infinity]]), 0);
    expect(journal.incarnations()[0]!.bytes).toBeGreaterThan(0);
    await journal.close();

    const next = await rig.start(2);
    await next.endIncarnation(ID);
    await next.releaseBefore(new Map([[ID, Infinity]]), 0);
    expect(next.incarnations().map((info) => info.id)).toEqual([incarnationId(2)]);
    await next.close();
    const { journal: reopened } = await rig.open();
    expect(reopened.incarnations().map((info) => info.id)).toEqual([incarnationId(2)]);
    await reopened.close();
  });

  test('old bytes of recycled files never come back', async () => {
    const rig = new JournalRig(12, { spareSegments: 3 });
    const journal = await rig.start(1);
    let kept = 0;
    for (let round = 0; round < 12; round += 1) {
      appendWrites(journal, randomBodies(rig.random, 12, 3000));
      await untilDurable(journal);
      await journal.releaseBefore(new Map([[ID, Infinity]]), 0);
      kept = journal.incarnations()[0]!.durable.sequence;
    }
    const files = await rig.disk.list(FOLDER);
    expect(files.length).toBeLessThan(8);
    await journal.close();
    const { journal: reopened, report } = await rig.open();
    expect(report.tornTails).toEqual([]);
    expect(reopened.incarnations()[0]!.durable.sequence).toBe(kept);
    await reopened.close();
  });
});

describe('disk trouble', () => {
  test.each(['EIO', 'ENOSPC', 'EROFS'] as const)(
    '%s on a write fails the journal for good',
    async (code) => {
      const rig = new JournalRig();
      const journal = await rig.start(1);
      const failures: Error[] = [];
      const durable: number[] = [];
      journal.onFailure((error) => failures.push(error));
      journal.onDurable((_, position) => durable.push(position.sequence));
      rig.disk.failNext({ operation: 'write', nth: 2, code });
      appendWrites(journal, [Buffer.from('good')]);
      await untilDurable(journal);
      appendWrites(journal, [Buffer.from('lost')]);
      await untilDurable(journal);
      expect(durable).toEqual([2]);
      expect(failures).toHaveLength(1);
      expect(failures[0]).toMatchObject({ code: 'TWINTIDE_JOURNAL_FAILED', cause: { code } });
      expect(journal.failure).toBe(failures[0]);
      expect(() => appendWrites(journal, [Buffer.from('more')])).toThrow(JournalFailedError);
      expect(() => journal.appendCopies(ID, new Uint8Array(1))).toThrow(JournalFailedError);
      await journal.close();
    },
  );

  test('a new incarnation that cannot be written is not begun', async () => {
    const rig = new JournalRig();
    const { journal } = await rig.open();
    rig.disk.failNext({ operation: 'syncFolder', nth: 1, code: 'EIO' });
    await expect(journal.beginIncarnation(ID, null, 9)).rejects.toThrow(JournalFailedError);
    await journal.close();
  });

  test('a full disk shows before anything is lost: room is what exists already', async () => {
    const rig = new JournalRig(1, {}, { capacityBytes: 100 * 1024 });
    const journal = await rig.start(1);
    while (journal.allocationError === null) {
      appendWrites(journal, [new Uint8Array(2000)]);
      await untilDurable(journal);
    }
    expect(journal.allocationError).toMatchObject({ code: 'ENOSPC' });
    while (!journal.isFullFor(2048)) {
      appendWrites(journal, [new Uint8Array(2000)]);
      await untilDurable(journal);
    }
    expect(journal.failure).toBeNull();
    expect(journal.roomBytes()).toBeLessThan(2048);
    // Draining frees segments, and writing goes on.
    await journal.releaseBefore(new Map([[ID, Infinity]]), 0);
    expect(journal.isFullFor(2048)).toBe(false);
    appendWrites(journal, [new Uint8Array(2000)]);
    await untilDurable(journal);
    expect(journal.failure).toBeNull();
    await journal.close();
  });
});

describe('version marks', () => {
  test('the mark goes into every new segment and is found again', async () => {
    const rig = new JournalRig();
    const { journal } = await rig.open();
    journal.setVersionMark(9_000_000_000);
    await journal.beginIncarnation(ID, null, 5);
    await journal.close();
    const { journal: reopened } = await rig.open();
    expect(reopened.markMaxVersion()).toBe(9_000_000_000);
    await reopened.close();
  });

  test('a record above every mark counts too', async () => {
    const rig = new JournalRig();
    const journal = await rig.start(1);
    journal.append(RecordKind.write, 8_000_000_000, []);
    await journal.close();
    const { journal: reopened } = await rig.open();
    expect(reopened.markMaxVersion()).toBe(8_000_000_000);
    await reopened.close();
  });
});

test('recordsOf reads what joinRecords wrote', async () => {
  const { journal, records } = await origin(2, 5);
  expect(hexes(recordsOf(joinRecords(records)))).toEqual(hexes(records));
  await journal.close();
});
