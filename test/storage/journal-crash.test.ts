/**
 * Journals that die at any operation and lose or tear whatever no sync covers, life after life, against a model.
 *
 * The model knows what was appended and what was reported durable. After each crash the journal must hold, in every
 * incarnation, a prefix of what was appended that is at least as long as what was reported; that prefix then is the truth:
 * what was cut must never come back.
 *
 * Every third seed appends record by record, each when the one before is durable: most of those are written on the spot.
 */

import type { Journal, Seal } from '../../storage/journal.js';
import { ZERO_HASH, type IncarnationId, type RollingHash } from '../../storage/position.js';
import {
  RecordKind,
  encodeRecord,
  isRecordFault,
  nextHash,
  parseRecord,
  type RecordView,
} from '../../storage/record.js';
import { encodeOpeningBody } from '../../storage/record-bodies.js';
import { systemTimers } from '../../storage/node-adapters.js';
import { isPowerLoss } from '../support/forgetful-disk.js';
import { JournalRig, incarnationId, readAll } from '../support/journal-rig.js';
import type { SeededRandom } from '../support/seeded-random.js';

const OPTIONS = { segmentBytes: 16 * 1024, maxRecordBytes: 2048, spareSegments: 1 };
/** A clock that stands still: the disk is always quick. */
const STILL = {
  ...systemTimers({ keepsProcessAlive: false }),
  wallMs: () => 0,
  monotonicMs: () => 0,
};

/** `isLone`: records come one by one, and the disk can be written on the spot. */
function rigOf(seed: number, isLone: boolean, ignoresSync = false): JournalRig {
  const disk = isLone ? { ignoresSync, onTheSpot: () => undefined } : { ignoresSync };
  return new JournalRig(seed, OPTIONS, disk, STILL);
}

function isLoneSeed(seed: number): boolean {
  return seed % 3 === 0;
}

interface ModelIncarnation {
  readonly id: IncarnationId;
  /** Hex of every record appended, from the first one ever. */
  records: string[];
  /** Highest sequence reported durable. */
  reported: number;
  /** Sequences at or below may have been released. */
  released: number;
}

class Model {
  readonly incarnations = new Map<IncarnationId, ModelIncarnation>();

  incarnation(id: IncarnationId): ModelIncarnation {
    let model = this.incarnations.get(id);
    if (model === undefined) {
      model = { id, records: [], reported: 0, released: 0 };
      this.incarnations.set(id, model);
    }
    return model;
  }

  watch(journal: Journal): void {
    journal.onDurable((id, position) => {
      const model = this.incarnation(id);
      demand(position.sequence > model.reported, 'durable positions rise');
      model.reported = position.sequence;
    });
  }

  appended(id: IncarnationId, record: RecordView): void {
    this.incarnation(id).records.push(hexOf(record.bytes));
    demand(record.sequence === this.incarnation(id).records.length, 'sequences are consecutive');
  }

  /** Compares with a journal just recovered, and takes over what it cut. */
  async settle(journal: Journal): Promise<void> {
    const held = new Map(journal.incarnations().map((info) => [info.id, info]));
    for (const id of held.keys()) expect(this.incarnations.has(id)).toBe(true);
    for (const model of this.incarnations.values()) {
      const info = held.get(model.id);
      if (info === undefined) {
        expect(model.reported).toBe(0);
        this.incarnations.delete(model.id);
        continue;
      }
      expect(info.durable).toEqual(info.received);
      expect(info.durable.sequence).toBeGreaterThanOrEqual(model.reported);
      expect(info.durable.sequence).toBeLessThanOrEqual(model.records.length);
      expect(info.first - 1).toBeLessThanOrEqual(model.released);

      const { records, last } = await readAll(journal, model.id, { maxBytes: 5000 });
      const expected = model.records.slice(info.first - 1, info.durable.sequence);
      expect(records.map((record) => hexOf(record.bytes))).toEqual(expected);
      if (records.length > 0) expect(last).toEqual(info.durable);
      model.records = model.records.slice(0, info.durable.sequence);
      model.reported = info.durable.sequence;
      expect(info.durable.hash).toBe(chainOf(model.records, info.parent?.hash ?? ZERO_HASH));
    }
  }
}

/** For what is checked a million times: `expect` takes a stack trace each time. */
function demand(condition: boolean, what: string): void {
  if (!condition) throw new Error(`Not so: ${what}`);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function chainOf(records: readonly string[], before: RollingHash): RollingHash {
  return records.reduce((hash, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    const record = parseRecord(bytes, 0, bytes.length);
    if (isRecordFault(record)) throw new Error(record.detail);
    return nextHash(hash, record);
  }, before);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets everything run that can run; never comes back in a life that is over. */
type Pause = () => Promise<void>;

/** Runs `life` until it ends or the machine has died under it. A dead life does nothing more. */
async function untilDeath(rig: JournalRig, life: (pause: Pause) => Promise<void>): Promise<void> {
  let isOver = false;
  let outcome: 'running' | 'ended' | { readonly error: unknown } = 'running';
  const pause = async (): Promise<void> => {
    await turn();
    if (isOver || rig.disk.isDead) await new Promise(() => undefined);
  };
  life(pause).then(
    () => (outcome = 'ended'),
    (error: unknown) => (outcome = { error }),
  );
  const isRunning = (): boolean => outcome === 'running';
  while (isRunning() && !rig.disk.isDead) await turn();
  // Promises that need no disk may still run for a few turns.
  for (let idle = 0; isRunning() && idle < 3; idle += 1) await turn();
  isOver = true;
  if (typeof outcome === 'object') {
    const { error } = outcome as { error: unknown };
    if (!isPowerLoss(error)) throw error;
  }
}

/** Recovery itself may be interrupted by the next crash. */
async function reopen(rig: JournalRig, random: SeededRandom): Promise<Journal> {
  for (;;) {
    if (random.chance(0.3)) rig.disk.dieAtOperation(random.integer(1, 8));
    let journal: Journal | null = null;
    await untilDeath(rig, async () => {
      journal = (await rig.open()).journal;
    });
    rig.disk.dieAtOperation(Infinity);
    if (journal !== null && !rig.disk.isDead) return journal;
    rig.disk.crash(random, crashKind(random));
  }
}

function crashKind(random: SeededRandom): { tear?: boolean; keepsCache?: boolean } {
  return random.pick([{ tear: true }, { tear: true }, { tear: false }, { keepsCache: true }]);
}

function someBody(random: SeededRandom): Uint8Array {
  return random.bytes(random.pick([0, 10, 100, 400, 900, 1800]));
}

/** Resolves when all records of the incarnation are durable. */
async function untilAllDurable(journal: Journal, id: IncarnationId, pause: Pause): Promise<void> {
  for (;;) {
    const { durable, received } = journal.incarnation(id)!;
    if (durable.sequence === received.sequence) return;
    await pause();
  }
}

/** A start whose client writes record by record. Now and then somebody waits for the next one, to send it on. */
async function loneLife(
  journal: Journal,
  model: Model,
  number: number,
  random: SeededRandom,
  pause: Pause,
): Promise<void> {
  const { id, version } = await begin(journal, model, number);
  for (let step = 0; step < 60; step += 1) {
    if (random.chance(0.3)) {
      const { received } = journal.incarnation(id)!;
      await journal.read(id, received.sequence, 1000);
    }
    const body = someBody(random);
    model.appended(id, journal.append(RecordKind.write, version + step, [body]));
    await untilAllDurable(journal, id, pause);
  }
}

/** Opens the incarnation of a start. */
async function begin(
  journal: Journal,
  model: Model,
  number: number,
): Promise<{ id: IncarnationId; version: number }> {
  const id = incarnationId(number);
  const parent = journal.incarnations().at(-1)?.durable ?? null;
  const version = number * 1_000_000;
  const opening = encodeRecord(RecordKind.opening, 1, version, [
    encodeOpeningBody({ incarnation: id, origin: 1, parent }),
  ]);
  model.incarnation(id).records.push(hexOf(opening));
  await journal.beginIncarnation(id, parent, version);
  return { id, version };
}

/** One start of the own journal: appends, waits, releases, and gives back a lost tail now and then. */
async function ownLife(
  journal: Journal,
  model: Model,
  number: number,
  random: SeededRandom,
  pause: Pause,
): Promise<void> {
  const older = journal.incarnations();
  const { id, version } = await begin(journal, model, number);
  for (let step = 0; step < 60; step += 1) {
    const choice = random.integer(0, 9);
    if (choice < 5) {
      for (let count = random.integer(1, 5); count > 0; count -= 1) {
        const kind = random.pick([RecordKind.write, RecordKind.ddl, RecordKind.expiry]);
        model.appended(id, journal.append(kind, version + step, [someBody(random)]));
      }
    } else if (choice < 8) {
      await pause();
    } else if (choice === 8 && older.length > 0) {
      const { id: olderId } = random.pick(older);
      const tail = journal.incarnation(olderId);
      if (tail === null) continue;
      const sequence = tail.received.sequence + 1;
      const returned = encodeRecord(RecordKind.write, sequence, 7, [someBody(random)]);
      for (const record of journal.appendCopies(olderId, returned)) model.appended(olderId, record);
    } else {
      const bounds = new Map(
        journal.incarnations().map((info) => [info.id, info.durable.sequence]),
      );
      for (const [bounded, sequence] of bounds) model.incarnation(bounded).released = sequence;
      await journal.releaseBefore(bounds, 10_000);
    }
  }
}

/** Resolves to the number of writes on the spot. */
async function ownRun(seed: number, lives: number, ignoresSync = false): Promise<number> {
  const isLone = isLoneSeed(seed);
  const rig = rigOf(seed, isLone, ignoresSync);
  const { random } = rig;
  const model = new Model();
  const live = isLone ? loneLife : ownLife;
  let journal = await reopen(rig, random);
  for (let number = 1; number <= lives; number += 1) {
    model.watch(journal);
    rig.disk.dieAtOperation(random.integer(1, 90));
    const current = journal;
    await untilDeath(rig, (pause) => live(current, model, number, random, pause));
    rig.disk.crash(random, crashKind(random));
    journal = await reopen(rig, random);
    await model.settle(journal);
  }
  await journal.close();
  return rig.disk.onTheSpotCount;
}

/** `SEEDS=1000 npx jest test/storage/journal-crash` runs more. */
const SEED_COUNT = Number(process.env['SEEDS'] ?? 60);
const SEEDS = Array.from({ length: SEED_COUNT }, (_, index) => index + 1);

test('own journal: every seed lives five lives', async () => {
  let onTheSpot = 0;
  for (const seed of SEEDS) {
    onTheSpot += await ownRun(seed, 5).catch((error: unknown) => {
      throw new Error(`Seed ${seed}`, { cause: error });
    });
  }
  expect(onTheSpot).toBeGreaterThan(SEEDS.length);
}, 180_000);

test('the test is tested: on a disk that ignores syncs, seeds fail', async () => {
  let failed = 0;
  for (const seed of SEEDS.slice(0, 30)) {
    await ownRun(seed, 3, true).catch(() => {
      failed += 1;
    });
  }
  expect(failed).toBeGreaterThan(5);
}, 180_000);

test.each([
  ['of one life', ownLife],
  ['of a life of lone records', loneLife],
])(
  'power is lost at each single operation %s, rotation and preallocation included',
  async (_, live) => {
    let total = Infinity;
    for (let dieAt = 1; dieAt <= total; dieAt += 1) {
      const rig = rigOf(77, live === loneLife);
      const model = new Model();
      const { journal } = await rig.open();
      model.watch(journal);
      const random = rig.random.fork();
      rig.disk.dieAtOperation(dieAt);
      const before = rig.disk.operationCount;
      await untilDeath(rig, (pause) => live(journal, model, 1, random, pause));
      if (!rig.disk.isDead) total = rig.disk.operationCount - before;
      rig.disk.crash(rig.random, { tear: true });
      const { journal: recovered } = await rig.open();
      await model.settle(recovered);
      await recovered.close();
    }
    expect(total).toBeGreaterThan(40);
  },
  180_000,
);

/** A history of one origin, long enough for several segments, with the seals its origin made. */
async function history(seed: number): Promise<{ records: RecordView[]; seals: readonly Seal[] }> {
  const rig = new JournalRig(seed, { ...OPTIONS, folder: '/journal/origin' });
  const journal = await rig.start(1);
  for (let count = 0; count < 120; count += 1) {
    journal.append(RecordKind.write, count, [someBody(rig.random)]);
    if (rig.random.chance(0.3)) await turn();
  }
  const { records } = await readAll(journal, incarnationId(1));
  const seals = journal.seals(incarnationId(1));
  await journal.close();
  return { records, seals };
}

test('a copy: every seed, the origin goes on from what is durable, boundaries are the origin’s', async () => {
  const id = incarnationId(1);
  const source = await history(1);
  expect(source.seals.length).toBeGreaterThan(3);
  const wanted = source.records.map((record) => hexOf(record.bytes));
  for (const seed of SEEDS) {
    const isLone = isLoneSeed(seed);
    const rig = rigOf(seed, isLone);
    const { random } = rig;
    const model = new Model();
    let journal = await reopen(rig, random);
    const stream = async (copy: Journal, pause: Pause): Promise<void> => {
      let at = copy.incarnation(id)?.received.sequence ?? 0;
      const due = source.seals.filter((seal) => seal.lastSequence >= at);
      while (at < source.records.length) {
        while (due[0]?.lastSequence === at) copy.sealCopy(due.shift()!);
        const end = Math.min(
          due[0]?.lastSequence ?? Infinity,
          at + (isLone ? 1 : random.integer(1, 6)),
        );
        const piece = source.records.slice(at, end);
        const bytes = Buffer.concat(piece.map((record) => record.bytes));
        for (const record of copy.appendCopies(id, bytes)) model.appended(id, record);
        at += piece.length;
        if (isLone || random.chance(0.6)) await pause();
      }
      for (const seal of due) copy.sealCopy(seal);
      while (copy.incarnation(id)!.durable.sequence < at) await pause();
    };
    for (let life = 1; life <= 4; life += 1) {
      model.watch(journal);
      if (life < 4) rig.disk.dieAtOperation(random.integer(1, 60));
      const current = journal;
      await untilDeath(rig, (pause) => stream(current, pause));
      if (life === 4) break;
      rig.disk.crash(random, crashKind(random));
      journal = await reopen(rig, random);
      await model.settle(journal);
    }
    await journal.close();
    const { journal: last } = await rig.open();
    const { records } = await readAll(last, id, { maxBytes: 20_000 });
    expect(records.map((record) => hexOf(record.bytes))).toEqual(wanted);
    expect(last.seals(id)).toEqual(source.seals);
    await last.close();
  }
}, 180_000);
