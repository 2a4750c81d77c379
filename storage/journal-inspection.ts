/**
 * What a journal folder of a stopped node holds, told without changing it.
 *
 * It is recovery itself that looks, over a disk on which nothing can be written: so what is said here is what a start would find. Torn
 * tails are reported and stay. Recovery stops at the first damage; then each incarnation is looked at by itself, so that damage in one does
 * not hide the others. With `everyDigest` the digests in the seals are compared too, which a start leaves to the records' own checksums.
 */

import { CorruptionError } from './corruption-error.js';
import { GroupKind } from './commit-group.js';
import type { IncarnationLog } from './incarnation-log.js';
import { recoverJournal, type RecoveredJournal, type TornTail } from './journal-recovery.js';
import type { JournalSegment } from './journal-segment.js';
import type { Disk, DiskFile, OpenOptions, Timers } from './ports.js';
import type { IncarnationId, NodeId, Position } from './position.js';
import { SegmentCursor } from './segment-cursor.js';
import { SegmentDigest } from './segment-digest.js';
import { parseSegmentFileName, parseSpareFileName, SEGMENT_HEADER_BYTES } from './segment.js';

export interface SegmentInspection {
  readonly path: string;
  readonly number: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly isSealed: boolean;
  readonly recordBytes: number;
  readonly fileBytes: number;
}

export interface IncarnationInspection {
  readonly id: IncarnationId;
  readonly parent: Position | null;
  readonly openingVersion: number;
  /** The newest record. */
  readonly last: Position;
  /** Oldest first. */
  readonly segments: readonly SegmentInspection[];
}

export interface JournalInspection {
  readonly origin: NodeId;
  readonly folder: string;
  /** Oldest first. */
  readonly incarnations: readonly IncarnationInspection[];
  /** Preallocated files. */
  readonly spares: number;
  readonly records: number;
  /** What a start would cut. No damage: a crash explains it. */
  readonly tornTails: readonly TornTail[];
  /** One line each, with the place. */
  readonly faults: readonly string[];
}

export interface JournalInspectionOptions {
  readonly folder: string;
  readonly origin: NodeId;
  readonly everyDigest: boolean;
}

export async function inspectJournal(
  deps: { readonly disk: Disk; readonly timers: Timers },
  options: JournalInspectionOptions,
): Promise<JournalInspection> {
  const disk = untouchable(deps.disk);
  const names = await disk.list(options.folder);
  const faults: string[] = [];
  const recovered = await recoverAll({ disk, timers: deps.timers }, options, names, faults);
  const logs = recovered.flatMap((each) => each.logs);
  if (options.everyDigest) {
    for (const log of logs) {
      for (const segment of log.segments) await checkSealDigest(disk, segment, faults);
    }
  }
  return {
    origin: options.origin,
    folder: options.folder,
    incarnations: logs.map(incarnationOf),
    spares: names.filter((name) => parseSpareFileName(name) !== null).length,
    records: recovered.reduce((sum, each) => sum + each.report.records, 0),
    tornTails: recovered.flatMap((each) => each.report.tornTails),
    faults,
  };
}

/** All incarnations at once, as a start does it; one by one where that fails. */
async function recoverAll(
  deps: { readonly disk: Disk; readonly timers: Timers },
  options: JournalInspectionOptions,
  names: readonly string[],
  faults: string[],
): Promise<readonly RecoveredJournal[]> {
  const whole = await recoverOr(deps, options, names, faults);
  if (whole !== null) return [whole];
  const byIncarnation = new Map<IncarnationId, string[]>();
  for (const name of names) {
    const identity = parseSegmentFileName(name);
    if (identity === null) continue;
    const own = byIncarnation.get(identity.incarnation) ?? [];
    own.push(name);
    byIncarnation.set(identity.incarnation, own);
  }
  const good: RecoveredJournal[] = [];
  for (const own of byIncarnation.values()) {
    const one = await recoverOr(deps, options, own, faults);
    if (one !== null) good.push(one);
  }
  return good.sort((a, b) => openingVersionOf(a) - openingVersionOf(b));
}

async function recoverOr(
  deps: { readonly disk: Disk; readonly timers: Timers },
  options: JournalInspectionOptions,
  names: readonly string[],
  faults: string[],
): Promise<RecoveredJournal | null> {
  try {
    const { folder, origin } = options;
    return await recoverJournal(deps, { folder, origin }, names);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    if (!faults.includes(error.message)) faults.push(error.message);
    return null;
  }
}

function openingVersionOf(recovered: RecoveredJournal): number {
  return recovered.logs[0]?.openingVersion ?? 0;
}

/** A segment whose beginning is not here has no digest of its own; one that is not sealed has none yet. */
async function checkSealDigest(
  disk: Disk,
  segment: JournalSegment,
  faults: string[],
): Promise<void> {
  const expected = segment.seal?.digest ?? null;
  if (expected === null) return;
  const digest = new SegmentDigest();
  const file = await disk.open(segment.path, {});
  try {
    const { seed, capacityBytes } = segment;
    const cursor = new SegmentCursor(file, seed, SEGMENT_HEADER_BYTES, capacityBytes);
    for (
      let step = await cursor.next();
      step.kind === 'group' && step.header.kind !== GroupKind.seal;
      step = await cursor.next()
    ) {
      digest.add(step.content, 0, step.content.length);
      digest.flush();
    }
  } finally {
    await file.close();
  }
  if (digest.value() === expected) return;
  const where = { path: segment.path, segment: segment.identity.number };
  faults.push(new CorruptionError(where, 'its records are not those of its digest').message);
}

function incarnationOf(log: IncarnationLog): IncarnationInspection {
  return {
    id: log.id,
    parent: log.parent,
    openingVersion: log.openingVersion,
    last: log.received,
    segments: log.segments.map((segment) => ({
      path: segment.path,
      number: segment.identity.number,
      firstSequence: segment.firstSequence,
      lastSequence: segment.lastSequence,
      isSealed: segment.seal !== null,
      recordBytes: segment.index.recordBytes,
      fileBytes: segment.capacityBytes,
    })),
  };
}

/** The disk with its files as they are: what recovery writes goes nowhere. */
function untouchable(disk: Disk): Disk {
  const refuse = (): Promise<never> => Promise.reject(new Error('an inspection changes nothing'));
  return {
    open: async (path: string, options: OpenOptions): Promise<DiskFile> => {
      const file = await disk.open(path, { ...options, create: false });
      const ignore = (): Promise<void> => Promise.resolve();
      return {
        read: (target, position) => file.read(target, position),
        sizeBytes: () => file.sizeBytes(),
        close: () => file.close(),
        write: ignore,
        sync: ignore,
        truncate: ignore,
      };
    },
    list: (folder) => disk.list(folder),
    makeFolder: refuse,
    rename: refuse,
    remove: refuse,
    syncFolder: refuse,
    freeBytes: (folder) => disk.freeBytes(folder),
  };
}
