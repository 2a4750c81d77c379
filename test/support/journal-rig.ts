/**
 * A journal over a forgetful disk, opened, broken and opened again: what journal tests have in common.
 */

import { Journal, type JournalOptions, type RecoveryReport } from '../../storage/journal.js';
import type { IncarnationId, Position } from '../../storage/position.js';
import { RecordKind, isRecordFault, parseRecord, type RecordView } from '../../storage/record.js';
import { systemClock, systemTimers } from '../../storage/node-adapters.js';
import type { Clock, Timers } from '../../storage/ports.js';
import { ForgetfulDisk, type ForgetfulDiskOptions } from './forgetful-disk.js';
import { SeededRandom } from './seeded-random.js';

export const FOLDER = '/journal/1';

const DEFAULTS: JournalOptions = {
  folder: FOLDER,
  origin: 1,
  segmentBytes: 32 * 1024,
  maxRecordBytes: 4096,
};

/** `n` as an incarnation id. */
export function incarnationId(n: number): IncarnationId {
  return n.toString(16).padStart(16, 'a');
}

export class JournalRig {
  readonly disk: ForgetfulDisk;
  readonly random: SeededRandom;
  readonly options: JournalOptions;
  readonly #time: { readonly clock: Clock; readonly timers: Timers };

  /** `clock`: left out, time passes by itself. */
  constructor(
    seed = 1,
    options: Partial<JournalOptions> = {},
    disk: ForgetfulDiskOptions = {},
    clock?: Clock & Timers,
  ) {
    this.#time = {
      clock: clock ?? systemClock,
      timers: clock ?? systemTimers({ keepsProcessAlive: false }),
    };
    this.random = new SeededRandom(seed);
    this.disk = new ForgetfulDisk(disk);
    this.options = { ...DEFAULTS, ...options };
  }

  async open(
    options: Partial<JournalOptions> = {},
  ): Promise<{ journal: Journal; report: RecoveryReport }> {
    const deps = { disk: this.disk.mount(), random: this.random.fork(), ...this.#time };
    return Journal.open(deps, { ...this.options, ...options });
  }

  /** Opens and begins incarnation `n` on top of what is there. */
  async start(n: number): Promise<Journal> {
    const { journal } = await this.open();
    const parent = journal.incarnations().at(-1)?.durable ?? null;
    await journal.beginIncarnation(incarnationId(n), parent, n * 1_000_000);
    return journal;
  }

  /** Names of the segment files, in order. */
  async segmentPaths(): Promise<string[]> {
    const names = await this.disk.list(this.options.folder);
    return names
      .filter((name) => name.endsWith('.segment'))
      .map((name) => `${this.options.folder}/${name}`);
  }
}

/** Resolves when everything appended so far is durable. */
export async function untilDurable(journal: Journal): Promise<void> {
  const isDone = (): boolean =>
    journal.incarnations().every((info) => info.durable.sequence === info.received.sequence);
  while (!isDone() && journal.failure === null) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Appends writes with these bodies and returns the records. */
export function appendWrites(journal: Journal, bodies: readonly Uint8Array[]): RecordView[] {
  const current = journal.incarnations().find((info) => info.isCurrent)!;
  return bodies.map((body, index) =>
    journal.append(RecordKind.write, current.openingVersion + current.received.sequence + index, [
      body,
    ]),
  );
}

/** All records of an incarnation as the journal reads them, in pieces of at most `maxBytes`. */
export async function readAll(
  journal: Journal,
  incarnation: IncarnationId,
  options: { after?: number; maxBytes?: number; durableOnly?: boolean } = {},
): Promise<{ records: RecordView[]; last: Position }> {
  const records: RecordView[] = [];
  let after = options.after ?? journal.incarnation(incarnation)!.first - 1;
  let hash = '';
  for (;;) {
    const read = await journal.read(incarnation, after, options.maxBytes ?? 1000, {
      durableOnly: options.durableOnly ?? false,
    });
    if (read === null) break;
    const piece = recordsOf(read.bytes);
    const isInOrder = piece.every((record, index) => record.sequence === after + 1 + index);
    const isAsSaid =
      read.firstSequence === after + 1 && read.lastSequence === piece.at(-1)!.sequence;
    if (!isInOrder || !isAsSaid) throw new Error(`A read after ${after} is not in order`);
    records.push(...piece);
    after = read.lastSequence;
    hash = read.lastHash;
  }
  return { records, last: { incarnation, sequence: after, hash } };
}

/** Whole records back to back, parsed. */
export function recordsOf(bytes: Uint8Array): RecordView[] {
  const records: RecordView[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const record = parseRecord(bytes, offset, bytes.length);
    if (isRecordFault(record)) throw new Error(record.detail);
    records.push(record);
    offset += record.bytes.length;
  }
  return records;
}

export function joinRecords(records: readonly RecordView[]): Uint8Array {
  return Buffer.concat(records.map((record) => record.bytes));
}

/** Bodies of random sizes up to `maxBytes`. */
export function randomBodies(random: SeededRandom, count: number, maxBytes: number): Uint8Array[] {
  return Array.from({ length: count }, () => random.bytes(random.integer(0, maxBytes)));
}
