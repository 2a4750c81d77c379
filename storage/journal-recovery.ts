/**
 * Reads a journal folder after a stop of any kind and says exactly what is there.
 *
 * Every record that was reported durable must come back, nothing that was cut may ever come back, and damage must not pass for
 * a crash. For each segment the walk goes from valid group to valid group; where it stops, four cases:
 *
 *   sealed      the segment has a successor in its incarnation: it must end in its seal, and the successor must
 *               continue it. Otherwise: corruption.
 *   clean end   a zero sector, and no trace of a later group of this segment in the rest of the file.
 *   torn tail   a group began here and did not get whole, and nothing seen says that it was durable: cut on disk (zeros from
 *               here to the end of the file, synced) before anything else, and reported.
 *   corruption  something seen later says that these bytes were durable: a later valid group of the segment whose
 *               `durable before` is beyond the last good record, or the header of a segment written later.
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
import type { IncarnationId, NodeId, RollingHash } from './position.js';
import { RecordKind, isGatedKind, isRecordFault, parseRecord, type RecordView } from './record.js';
import { decodeOpeningBody } from './record-bodies.js';
import { nextHash } from './rolling-hash.js';
import { SegmentCursor, findGroups, type CursorStep } from './segment-cursor.js';
import {
  SEGMENT_HEADER_BYTES,
  decodeSegmentHeader,
  isHeaderFault,
  parseSegmentFileName,
  type SegmentHeader,
} from './segment.js';
import { writeZeros } from './segment-pool.js';

/** Records checked between two turns of the event loop. */
const RECORDS_PER_TURN = 500;

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
  readonly #timers: Timers;
  readonly #options: RecoveryOptions;
  readonly #files: readonly SegmentFile[];
  /** By segment: the highest sequence that a header written later knew to be durable. */
  readonly #durableAtLeast = new Map<string, number>();
  readonly #tornTails: TornTail[] = [];
  readonly #discarded: { path: string; sizeBytes: number }[] = [];
  #highestVersion = 0;
  #segments = 0;
  #records = 0;
  #recordsThisTurn = 0;

  constructor(
    deps: { readonly disk: Disk; readonly timers: Timers },
    options: RecoveryOptions,
    files: readonly SegmentFile[],
  ) {
    this.#disk = deps.disk;
    this.#timers = deps.timers;
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
    const file = await this.#disk.open(path, {});
    try {
      const cursor = new SegmentCursor(file, segment.seed, SEGMENT_HEADER_BYTES, sizeBytes);
      let step = await cursor.next();
      while (step.kind === 'group') {
        const fault = await this.#takeGroup(log, segment, step);
        if (fault !== null) {
          const { offsetBytes, header: groupHeader } = step;
          step = { kind: 'stop', offsetBytes, header: groupHeader, ...fault };
          break;
        }
        segment.writtenBytes = cursor.offsetBytes;
        if (segment.isSealDurable) break;
        step = await cursor.next();
      }
      if (step.kind === 'stop') await this.#judgeStop(file, log, segment, step, isLast);
      await file.sync();
    } finally {
      await file.close();
    }
    return segment;
  }

  /** Checks a whole group and takes its records; nothing of it is taken when there is a fault. */
  async #takeGroup(
    log: IncarnationLog,
    segment: JournalSegment,
    step: CursorStep & { kind: 'group' },
  ): Promise<GroupFault | null> {
    const { header, content, offsetBytes } = step;
    const expected = log.received.sequence + 1;
    if (header.firstSequence !== expected) {
      return foreign(`the commit group begins at record ${header.firstSequence}, not ${expected}`);
    }
    if (header.kind === GroupKind.seal) return this.#takeSeal(segment, content);

    const records: RecordView[] = [];
    let hash: RollingHash = log.received.hash;
    for (let offset = 0; offset < content.length;) {
      const sequence = expected + records.length;
      const record = parseRecord(content, offset, content.length);
      if (isRecordFault(record)) {
        const reason = `record ${sequence}: ${record.detail}`;
        return { reason, canBeTorn: record.fault === 'crc' };
      }
      const fault = this.#recordFault(log, record, sequence);
      if (fault !== null) return foreign(`record ${sequence}: ${fault}`);
      hash = nextHash(hash, record);
      records.push(record);
      offset += record.bytes.length;
      await this.#breathe();
    }

    segment.index.addGroup({ sequence: expected, offsetBytes, hashBefore: log.received.hash });
    for (const record of records) {
      segment.index.addRecord(record.bytes.length, isGatedKind(record.kind));
      this.#highestVersion = Math.max(this.#highestVersion, record.version);
    }
    segment.digest?.add(content, 0, content.length);
    segment.digest?.flush();
    this.#records += records.length;
    log.received = { incarnation: log.id, sequence: expected + records.length - 1, hash };
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

  #recordFault(log: IncarnationLog, record: RecordView, sequence: number): string | null {
    if (record.sequence !== sequence) return `it says sequence ${record.sequence}`;
    if ((record.kind === RecordKind.opening) !== (sequence === 1)) {
      return 'an opening record is the first of its incarnation, and only that';
    }
    if (sequence > 1) return null;
    const opening = decodeOpeningBody(record.body);
    const isOurs =
      opening !== null &&
      opening.incarnation === log.id &&
      opening.origin === this.#options.origin &&
      record.version === log.openingVersion;
    return isOurs ? null : 'the opening record is of another incarnation';
  }

  /** The walk stopped: a clean end, a torn tail, or corruption. */
  async #judgeStop(
    file: DiskFile,
    log: IncarnationLog,
    segment: JournalSegment,
    stop: CursorStep & { kind: 'stop' },
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
    const isCleanEnd = traces.magicAt === null && (await isZeroSector(file, stop.offsetBytes));
    if (isCleanEnd) return;

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

  async #breathe(): Promise<void> {
    this.#recordsThisTurn += 1;
    if (this.#recordsThisTurn < RECORDS_PER_TURN) return;
    this.#recordsThisTurn = 0;
    await this.#timers.yieldTurn();
  }
}

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
