/**
 * Reads a journal folder after a stop of any kind and says exactly what is there.
 *
 * Every record that was reported durable must come back, nothing that was cut may ever come back, and damage must not pass for
 * a crash. For each segment the walk goes from valid group to valid group; where it stops, four cases:
 *
 *   sealed      the segment has a successor in its incarnation: it must end in its seal, and the successor must
 *               continue it. Otherwise: corruption.
 *   clean end   a zero sector, and no trace of a group of this segment anywhere behind it.
 *   torn tail   a group began here and did not get whole, and nothing seen says that it was durable: cut on disk (zeros from
 *               here to the end of the file, synced) before anything else, and reported.
 *   corruption  something seen later says that these bytes were durable: a later valid group of the segment whose
 *               `durable before` is beyond the last good record, or the header of a segment written later.
 *
 * Behind a stop the file is searched to its end, behind a zero sector too. The writer puts one there, but so does a disk that lost what it
 * held, and of how much it lost nobody knows. That is the rest of one file for each journal, as those of older incarnations
 * are cut short (segment-trim.ts).
 *
 * The rest of a recycled file is full of old bytes. They carry other seeds, so a trace is the segment's own magic at a
 * sector. What is left of a torn group whose first sector never came bears no magic and can never be entered; it need not be cut.
 * A group whose CRCs hold but which does not belong where it stands was never torn: corruption.
 *
 * Everything read is synced before it is handed out: it may have been in the page cache only.
 */

import { CorruptionError } from './corruption-error.js';
import {
  GroupKind,
  SECTOR_BYTES,
  decodeSeal,
  groupBytesOf,
  type GroupHeader,
} from './commit-group.js';
import { IncarnationLog } from './incarnation-log.js';
import { UnsupportedFormatError } from './journal-errors.js';
import { JournalSegment } from './journal-segment.js';
import type { Disk, DiskFile, Timers } from './ports.js';
import { ZERO_HASH, type IncarnationId, type NodeId } from './position.js';
import {
  RECORD_HEADER_BYTES,
  RecordKind,
  checkRecord,
  emptyHead,
  isGatedKind,
  recordKindAt,
  recordLengthAt,
  type RecordHead,
} from './record.js';
import { decodeOpeningBody } from './record-bodies.js';
import { Pacer } from './pacer.js';
import { digestTextOf, hashOfDigest, nextDigest, type DigestText } from './rolling-hash.js';
import { SegmentCursor, findGroups, type CursorStep } from './segment-cursor.js';
import {
  SEGMENT_HEADER_BYTES,
  decodeSegmentHeader,
  isHeaderFault,
  parseSegmentFileName,
  type SegmentHeader,
} from './segment.js';
import { writeZeros } from './segment-pool.js';

/** What checking costs, in the pacer's units: a group, a record, and bytes for one unit. */
const GROUP_UNITS = 150;
const RECORD_UNITS = 120;
const BYTES_PER_UNIT = 20;

export interface TornTail {
  readonly path: string;
  readonly incarnation: IncarnationId;
  readonly segment: number;
  /** Where the cut was made. */
  readonly offsetBytes: number;
  /** Size of the torn group as its header says, or of the rest of the file when the header is torn too. */
  readonly cutBytes: number;
  /** The last record before the cut. */
  readonly lastSequence: number;
  readonly reason: string;
}

export interface RecoveryReport {
  readonly segments: number;
  readonly records: number;
  /** Record bytes, without framing. */
  readonly bytes: number;
  readonly tornTails: readonly TornTail[];
}

export interface RecoveredJournal {
  /** Oldest first. */
  readonly logs: IncarnationLog[];
  /** Segments of incarnations whose opening record never became durable: they never existed. */
  readonly discarded: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Highest version in marks and records. */
  readonly highestVersion: number;
  readonly report: RecoveryReport;
}

interface SegmentFile {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly sizeBytes: number;
}

export interface RecoveryOptions {
  readonly folder: string;
  readonly origin: NodeId;
}

/** Rejects with CorruptionError or UnsupportedFormatError; the disk is then as it was, torn tails of other segments cut. */
export async function recoverJournal(
  deps: { readonly disk: Disk; readonly timers: Timers },
  options: RecoveryOptions,
  names: readonly string[],
): Promise<RecoveredJournal> {
  const files: SegmentFile[] = [];
  for (const name of names) {
    const identity = parseSegmentFileName(name);
    if (identity === null) continue;
    files.push(await readHeader(deps.disk, options, name, identity));
  }
  return new Recovery(deps, options, files).run();
}

/** The file's header, checked against its name: a file in another's place is stale or misdirected. */
async function readHeader(
  disk: Disk,
  options: RecoveryOptions,
  name: string,
  named: { readonly incarnation: IncarnationId; readonly number: number },
): Promise<SegmentFile> {
  const path = `${options.folder}/${name}`;
  const file = await disk.open(path, {});
  try {
    const block = new Uint8Array(SEGMENT_HEADER_BYTES);
    const bytes = await file.read(block, 0);
    const header = decodeSegmentHeader(block.subarray(0, bytes));
    const where = { path, segment: named.number, offsetBytes: 0 };
    if (isHeaderFault(header)) {
      if (header.fault === 'format') throw new UnsupportedFormatError(path, header.formatVersion);
      throw new CorruptionError(where, header.detail);
    }
    const isInPlace =
      header.origin === options.origin &&
      header.incarnation === named.incarnation &&
      header.number === named.number;
    if (!isInPlace) {
      throw new CorruptionError(
        where,
        `the file holds segment ${header.number} of incarnation ${header.incarnation}, origin ${header.origin}`,
      );
    }
    return { path, header, sizeBytes: await file.sizeBytes() };
  } finally {
    await file.close();
  }
}

class Recovery {
  readonly #disk: Disk;
  readonly #pacer: Pacer;
  readonly #options: RecoveryOptions;
  readonly #files: readonly SegmentFile[];
  /** By segment: the highest sequence that a header written later knew to be durable. */
  readonly #durableAtLeast = new Map<string, number>();
  readonly #tornTails: TornTail[] = [];
  readonly #discarded: { path: string; sizeBytes: number }[] = [];
  #highestVersion = 0;
  #segments = 0;
  #records = 0;
  /** Where the walk stands: the last record taken, and the hash after it. */
  #sequence = 0;
  #digest: DigestText = digestTextOf(ZERO_HASH);
  /** Of the record that is looked at. */
  readonly #head = emptyHead();

  constructor(
    deps: { readonly disk: Disk; readonly timers: Timers },
    options: RecoveryOptions,
    files: readonly SegmentFile[],
  ) {
    this.#disk = deps.disk;
    this.#pacer = new Pacer(deps.timers);
    this.#options = options;
    this.#files = files;
  }

  async run(): Promise<RecoveredJournal> {
    for (const { header } of this.#files) {
      this.#highestVersion = Math.max(this.#highestVersion, header.versionMark);
      const evidence = header.predecessor;
      if (evidence === null) continue;
      const key = segmentKey(evidence.incarnation, evidence.number);
      const known = this.#durableAtLeast.get(key) ?? 0;
      this.#durableAtLeast.set(key, Math.max(known, evidence.lastSequence));
    }

    const logs: IncarnationLog[] = [];
    for (const files of incarnationsOf(this.#files)) {
      const log = await this.#recoverIncarnation(files);
      if (log !== null) logs.push(log);
    }
    let bytes = 0;
    for (const log of logs) for (const { index } of log.segments) bytes += index.recordBytes;
    const report = {
      segments: this.#segments,
      records: this.#records,
      bytes,
      tornTails: this.#tornTails,
    };
    return { logs, discarded: this.#discarded, highestVersion: this.#highestVersion, report };
  }

  /** `files` are one incarnation's, by number. Null when it has no durable record and never had one. */
  async #recoverIncarnation(files: readonly SegmentFile[]): Promise<IncarnationLog | null> {
    const first = (files[0] as SegmentFile).header;
    const log = new IncarnationLog(first.incarnation, first.parent, first.openingVersion, {
      sequence: first.firstSequence - 1,
      hash: first.previousHash,
      number: first.number,
    });
    for (const [place, file] of files.entries()) {
      checkContinues(log, file);
      const isLast = place === files.length - 1;
      const segment = await this.#recoverSegment(log, file, isLast);
      log.segments.push(segment);
      log.nextNumber = (segment.seal?.number ?? segment.identity.number) + 1;
    }
    log.durable = log.received;
    if (log.received.sequence === 0) {
      const only = files[0] as SegmentFile;
      this.#discarded.push({ path: only.path, sizeBytes: only.sizeBytes });
      return null;
    }
    return log;
  }

  /** Walks one segment, moves log.received to its end, and cuts a torn tail. */
  async #recoverSegment(
    log: IncarnationLog,
    source: SegmentFile,
    isLast: boolean,
  ): Promise<JournalSegment> {
    const { header, path, sizeBytes } = source;
    const segment = new JournalSegment(this.#options.folder, header, {
      capacityBytes: sizeBytes,
      isOnDisk: true,
      hasDigest: isLast,
    });
    this.#segments += 1;
    this.#sequence = log.received.sequence;
    this.#digest = digestTextOf(log.received.hash);
    const file = await this.#disk.open(path, {});
    const cursor = new SegmentCursor(file, segment.seed, SEGMENT_HEADER_BYTES, sizeBytes, {
      readsAhead: true,
    });
    try {
      const stop = await this.#walk(log, segment, cursor);
      log.received = {
        incarnation: log.id,
        sequence: this.#sequence,
        hash: hashOfDigest(this.#digest),
      };
      if (stop !== null) await this.#judgeStop(file, log, segment, stop, isLast);
      await file.sync();
    } finally {
      await cursor.close();
      await file.close();
    }
    return segment;
  }

  /** Takes group after group; returns where that ended, or null at the segment's seal. */
  async #walk(
    log: IncarnationLog,
    segment: JournalSegment,
    cursor: SegmentCursor,
  ): Promise<Stop | null> {
    for (;;) {
      const step = cursor.nextLoaded();
      if (step === null) {
        await cursor.load();
        continue;
      }
      if (step.kind === 'stop') return step;
      const fault = this.#takeGroup(log, segment, step);
      if (fault !== null) {
        return { kind: 'stop', offsetBytes: step.offsetBytes, header: step.header, ...fault };
      }
      segment.writtenBytes = cursor.offsetBytes;
      if (segment.isSealDurable) return null;
      const { recordCount, contentBytes } = step.header;
      const units = GROUP_UNITS + recordCount * RECORD_UNITS + contentBytes / BYTES_PER_UNIT;
      if (this.#pacer.spend(units)) await this.#pacer.turn();
    }
  }

  /** Checks a whole group and takes its records; nothing of it is taken when there is a fault. */
  #takeGroup(
    log: IncarnationLog,
    segment: JournalSegment,
    step: CursorStep & { kind: 'group' },
  ): GroupFault | null {
    const { header, content, offsetBytes } = step;
    const expected = this.#sequence + 1;
    if (header.firstSequence !== expected) {
      return foreign(`the commit group begins at record ${header.firstSequence}, not ${expected}`);
    }
    if (header.kind === GroupKind.seal) return this.#takeSeal(segment, content);

    const head = this.#head;
    let sequence = expected;
    let digest = this.#digest;
    let highestVersion = this.#highestVersion;
    for (let offset = 0; offset < content.length; offset += head.length) {
      const damage = checkRecord(content, offset, content.length, head);
      if (damage !== null) {
        const reason = `record ${sequence}: ${damage.detail}`;
        return { reason, canBeTorn: damage.fault === 'crc' };
      }
      const fault = this.#recordFault(log, head, content, offset, sequence);
      if (fault !== null) return foreign(`record ${sequence}: ${fault}`);
      digest = nextDigest(digest, head);
      if (head.version > highestVersion) highestVersion = head.version;
      sequence += 1;
    }

    const { index } = segment;
    if (index.isEntryDue(offsetBytes)) {
      const hashBefore = hashOfDigest(this.#digest);
      index.addGroup({ sequence: expected, offsetBytes, hashBefore });
    }
    for (let offset = 0; offset < content.length;) {
      const length = recordLengthAt(content, offset);
      index.addRecord(length, isGatedKind(recordKindAt(content, offset)));
      offset += length;
    }
    segment.digest?.add(content, 0, content.length);
    segment.digest?.flush();
    this.#records += sequence - expected;
    this.#sequence = sequence - 1;
    this.#digest = digest;
    this.#highestVersion = highestVersion;
    return null;
  }

  #takeSeal(segment: JournalSegment, content: Uint8Array): GroupFault | null {
    const seal = decodeSeal(content);
    const last = segment.lastSequence;
    if (seal.lastSequence !== last) {
      return foreign(`the seal says record ${seal.lastSequence}, the segment ends at ${last}`);
    }
    segment.sealWith(seal);
    segment.isSealDurable = true;
    return null;
  }

  #recordFault(
    log: IncarnationLog,
    head: RecordHead,
    content: Uint8Array,
    offset: number,
    sequence: number,
  ): string | null {
    if (head.sequence !== sequence) return `it says sequence ${head.sequence}`;
    if ((head.kind === RecordKind.opening) !== (sequence === 1)) {
      return 'an opening record is the first of its incarnation, and only that';
    }
    if (sequence > 1) return null;
    const body = content.subarray(offset + RECORD_HEADER_BYTES, offset + head.length);
    const opening = decodeOpeningBody(body);
    const isOurs =
      opening !== null &&
      opening.incarnation === log.id &&
      opening.origin === this.#options.origin &&
      head.version === log.openingVersion;
    return isOurs ? null : 'the opening record is of another incarnation';
  }

  /** The walk stopped: a clean end, a torn tail, or corruption. */
  async #judgeStop(
    file: DiskFile,
    log: IncarnationLog,
    segment: JournalSegment,
    stop: Stop,
    isLast: boolean,
  ): Promise<void> {
    const where = {
      path: segment.path,
      segment: segment.identity.number,
      offsetBytes: stop.offsetBytes,
    };
    if (!isLast) throw new CorruptionError(where, `in a sealed segment, ${stop.reason}`);
    if (!stop.canBeTorn) throw new CorruptionError(where, stop.reason);

    const last = log.received.sequence;
    const key = segmentKey(log.id, segment.identity.number);
    const known = this.#durableAtLeast.get(key) ?? 0;
    if (known > last) {
      throw new CorruptionError(where, `${stop.reason}, but records up to ${known} were durable`);
    }
    const traces = await findGroups(file, segment.seed, stop.offsetBytes, segment.capacityBytes);
    const proof = traces.headers.find((header) => header.durableBefore > last);
    if (proof !== undefined) {
      throw new CorruptionError(
        where,
        `${stop.reason}, but a group at byte ${proof.offsetBytes} says that records up to ${proof.durableBefore} were durable`,
      );
    }
    if (traces.magicAt === null && (await isZeroSector(file, stop.offsetBytes))) return;

    await writeZeros(file, stop.offsetBytes, segment.capacityBytes);
    await file.sync();
    this.#tornTails.push({
      path: segment.path,
      incarnation: log.id,
      segment: segment.identity.number,
      offsetBytes: stop.offsetBytes,
      cutBytes: tornBytes(stop.header, segment.capacityBytes - stop.offsetBytes),
      lastSequence: last,
      reason: stop.reason,
    });
  }
}

type Stop = CursorStep & { readonly kind: 'stop' };

interface GroupFault {
  readonly reason: string;
  readonly canBeTorn: boolean;
}

/** A whole group that does not belong here. */
function foreign(reason: string): GroupFault {
  return { reason, canBeTorn: false };
}

/** True for a sector of zeros, and for the end of the file. */
async function isZeroSector(file: DiskFile, offsetBytes: number): Promise<boolean> {
  const sector = new Uint8Array(SECTOR_BYTES);
  await file.read(sector, offsetBytes);
  return sector.every((byte) => byte === 0);
}

/** Files by incarnation, oldest incarnation first, each by number. */
function incarnationsOf(files: readonly SegmentFile[]): readonly (readonly SegmentFile[])[] {
  const groups = new Map<IncarnationId, SegmentFile[]>();
  for (const file of files) {
    const group = groups.get(file.header.incarnation);
    if (group === undefined) groups.set(file.header.incarnation, [file]);
    else group.push(file);
  }
  const sorted = [...groups.values()];
  for (const group of sorted) group.sort((a, b) => a.header.number - b.header.number);
  return sorted.sort((a, b) => openingVersionOf(a) - openingVersionOf(b));
}

function openingVersionOf(files: readonly SegmentFile[]): number {
  return (files[0] as SegmentFile).header.openingVersion;
}

/** A segment continues the one before it: same incarnation, next sequence, same hash. */
function checkContinues(log: IncarnationLog, file: SegmentFile): void {
  const { header, path } = file;
  const where = { path, segment: header.number, offsetBytes: 0 };
  const isSameIncarnation =
    header.openingVersion === log.openingVersion &&
    header.parent?.incarnation === log.parent?.incarnation &&
    header.parent?.sequence === log.parent?.sequence &&
    header.parent?.hash === log.parent?.hash;
  if (!isSameIncarnation) {
    throw new CorruptionError(where, 'its header tells another story of the incarnation');
  }
  if (log.segments.length > 0 && header.number !== log.nextNumber) {
    throw new CorruptionError(where, `segment ${log.nextNumber} is missing before it`);
  }
  if (header.firstSequence !== log.received.sequence + 1) {
    throw new CorruptionError(
      where,
      `it begins at record ${header.firstSequence}, but the one before ends at ${log.received.sequence}`,
    );
  }
  if (header.previousHash !== log.received.hash) {
    throw new CorruptionError(where, 'its history is not that of the segment before it');
  }
}

function segmentKey(incarnation: IncarnationId, number: number): string {
  return `${incarnation}-${number}`;
}

function tornBytes(header: GroupHeader | null, restBytes: number): number {
  return header === null ? restBytes : Math.min(groupBytesOf(header.contentBytes), restBytes);
}
