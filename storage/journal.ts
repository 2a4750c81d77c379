/**
 * The journal of one origin on one node: all its incarnations, the node's own or its copy of the peer's. Same class, same files.
 *
 * Appending is synchronous: it assigns the sequence, encodes the record and queues it. The writer takes queued records to disk in
 * commit groups and reports them durable, in order. Reading serves recent records from memory and older ones from disk,
 * in the very bytes that were appended, which are equal on both nodes.
 *
 *   own journal    append() to the current incarnation, which beginIncarnation() opened at this start. Older incarnations
 *                  only take back a lost tail from the peer (appendCopies). This node decides segment boundaries (onSeal).
 *   copy           appendCopies() in the origin's order; boundaries come from the origin (sealCopy).
 *
 * Positions: durable <= received in every incarnation; `applied` is not the journal's business.
 *
 * After a failed write or sync the journal takes nothing more: only a restart reads what is on disk. A full disk is no failure once the
 * incarnation is begun: what was appended and needs a further file waits, not durable, until there is room (`isWaitingForRoom`).
 */

import assert from 'node:assert';

import type { SealContent } from './commit-group.js';
import { checkCopies } from './copy-check.js';
import { CopySeals } from './copy-seals.js';
import { DigestBacklog } from './digest-backlog.js';
import { DurableWaits } from './durable-waits.js';
import { incarnationInfo, type IncarnationInfo } from './incarnation-info.js';
import { IncarnationLog } from './incarnation-log.js';
import { JournalFailedError, ReplicationDataError, SegmentGoneError } from './journal-errors.js';
import { hashBehind, readRecords } from './journal-reader.js';
import { openFolder, type OpenedFolder } from './journal-opening.js';
import type { JournalDeps, JournalOptions } from './journal-options.js';
import type { RecoveryReport } from './journal-recovery.js';
import { JournalRoom } from './journal-room.js';
import type { JournalSegment } from './journal-segment.js';
import { JournalWriter } from './journal-writer.js';
import { LaidOutBody } from './laid-out-body.js';
import { isNoSpace } from './no-space-error.js';
import {
  plainPosition,
  ZERO_HASH,
  type IncarnationId,
  type NodeId,
  type Position,
  type RollingHash,
} from './position.js';
import {
  RECORD_HEADER_BYTES,
  RecordKind,
  completeRecord,
  encodeRecordAround,
  encodeRecordInto,
  isGatedKind,
  recordBytesOf,
  type RecordView,
} from './record.js';
import { decodeOpeningBody, encodeOpeningBody } from './record-bodies.js';
import { recordAround } from './record-room.js';
import { TailPosition, type TailRead } from './record-tail.js';
import type { RoomWait } from './room-wait.js';
import { SegmentBoundaries } from './segment-boundaries.js';
import type { SegmentPool } from './segment-pool.js';
import { SegmentRetention } from './segment-retention.js';
import { trimOlder } from './segment-trim.js';

export { JournalFailedError, ReplicationDataError, SegmentGoneError } from './journal-errors.js';
export type { IncarnationInfo } from './incarnation-info.js';
export type { JournalDeps, JournalOptions } from './journal-options.js';
export type { RecoveryReport, TornTail } from './journal-recovery.js';

/** A segment boundary as its origin decided it. `digest`: 64 hex digits of sha-256 over the record bytes, or null. */
export interface Seal {
  readonly incarnation: IncarnationId;
  readonly number: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly digest: string | null;
}

/** Record bytes as they stand in the journal, back to back. They must not be changed. */
export type JournalRead = TailRead;

const TAIL_BYTES = 32 * 1024 * 1024;

export class Journal {
  readonly origin: NodeId;
  readonly #deps: JournalDeps;
  readonly #options: JournalOptions;
  readonly #room: RoomWait;
  readonly #pool: SegmentPool;
  readonly #writer: JournalWriter;
  readonly #retention: SegmentRetention;
  readonly #boundaries: SegmentBoundaries;
  readonly #copySeals: CopySeals;
  readonly #files: JournalRoom;
  readonly #waits = new DurableWaits();
  readonly #backlog: DigestBacklog;
  /** Oldest first, by opening version. */
  readonly #logs: IncarnationLog[];
  /** The incarnation that append() goes to; null in a copy and before beginIncarnation. */
  #own: IncarnationLog | null = null;
  /** A reader has come to the end and waits for what is appended next. */
  #isFollowed = false;
  readonly #highestAtOpen: number;
  #durableListeners: ((incarnation: IncarnationId, position: Position) => void)[] = [];
  #sealListeners: ((seal: Seal) => void)[] = [];
  #failureListeners: ((error: Error) => void)[] = [];
  #roomListeners: (() => void)[] = [];
  #failure: JournalFailedError | null = null;
  #isClosing = false;

  /**
   * Recovers what is on disk (torn tails are cut and reported; see journal-recovery.ts) and makes it ready. Rejects with
   * CorruptionError, UnsupportedFormatError or the disk's error.
   */
  static async open(
    deps: JournalDeps,
    options: JournalOptions,
  ): Promise<{ journal: Journal; report: RecoveryReport }> {
    const opened = await openFolder(deps, options);
    return { journal: new Journal(deps, options, opened), report: opened.recovered.report };
  }

  private constructor(
    deps: JournalDeps,
    options: JournalOptions,
    { recovered, room, pool }: OpenedFolder,
  ) {
    this.origin = options.origin;
    this.#deps = deps;
    this.#options = options;
    this.#room = room;
    this.#room.onChange(() => {
      for (const listener of this.#roomListeners) listener();
    });
    this.#pool = pool;
    this.#logs = recovered.logs;
    this.#highestAtOpen = recovered.highestVersion;
    this.#boundaries = new SegmentBoundaries(
      {
        random: deps.random,
        logs: this.#logs,
        onSealed: (log, segment, seal) => this.#onSealed(log, segment, seal),
      },
      options,
      recovered.highestVersion,
    );
    this.#writer = new JournalWriter({
      disk: deps.disk,
      clock: deps.clock,
      timers: deps.timers,
      takeFollower: () => this.#takeFollower(),
      pool,
      room,
      folder: options.folder,
      headerOf: (log, segment) => this.#boundaries.headerOf(log, segment),
      onDurable: (log, position) => this.#onWritten(log, position),
      onFailure: (error) => this.#fail(error),
    });
    this.#retention = new SegmentRetention(this.#logs, pool);
    this.#files = new JournalRoom(this.#logs, pool, options.segmentBytes);
    this.#backlog = new DigestBacklog(deps.timers);
    this.#copySeals = new CopySeals((log, segment) => this.#writer.addSeal(log, segment));
  }

  // ---- what is here ----

  /** Oldest first. */
  incarnations(): readonly IncarnationInfo[] {
    return this.#logs.map((log) => this.#infoOf(log));
  }

  incarnation(id: IncarnationId): IncarnationInfo | null {
    const log = this.#find(id);
    return log === null ? null : this.#infoOf(log);
  }

  /** Sealed segments of an incarnation that are still held, oldest first: to be announced again after a reconnect. */
  seals(incarnation: IncarnationId): readonly Seal[] {
    const seals: Seal[] = [];
    for (const { seal } of this.#find(incarnation)?.segments ?? []) {
      if (seal !== null) seals.push({ incarnation, ...seal });
    }
    return seals;
  }

  /** Highest version in segment headers and records when the journal was opened. */
  markMaxVersion(): number {
    return this.#highestAtOpen;
  }

  /** The synced version mark: it goes into the header of every segment from now on. */
  setVersionMark(mark: number): void {
    this.#boundaries.setVersionMark(mark);
  }

  /** Files of segments and spares together. */
  bytesOnDisk(): number {
    return this.#files.bytesOnDisk();
  }

  /** Memory of the newest records. */
  get tailBytes(): number {
    return this.#logs.reduce((sum, { tail }) => sum + tail.heldBytes, 0);
  }

  /** Record bytes that surely fit into files that exist: what may be admitted when the disk is full. */
  roomBytes(): number {
    return this.#files.roomBytes(this.#current);
  }

  /** Why no spare segment could be made; null while there is no such trouble. */
  get allocationError(): Error | null {
    return this.#pool.lastError;
  }

  /** The disk gives no further segment and what exists does not surely hold this many record bytes. */
  isFullFor(recordBytes: number): boolean {
    return this.#files.isFullFor(recordBytes, this.#current);
  }

  /** What was appended needs a further file, or a longer one, that the disk has no room for. It becomes durable when there is room. */
  get isWaitingForRoom(): boolean {
    return this.#room.isWaiting;
  }

  /** Preallocated files to keep ready from now on. */
  setSpareSegments(count: number): void {
    this.#pool.setTarget(count);
  }

  /** Bytes of records that the gate holds (write, part, commit, ddl) after a sequence. */
  pendingBytes(incarnation: IncarnationId, afterSequence: number): number {
    let bytes = 0;
    for (const { index } of this.#find(incarnation)?.segments ?? []) {
      if (index.lastSequence > afterSequence) bytes += index.gatedBytesAfter(afterSequence);
    }
    return bytes;
  }

  // ---- listeners ----

  /** Called after each write, in order: everything up to `position` is on stable storage. */
  onDurable(listener: (incarnation: IncarnationId, position: Position) => void): void {
    this.#durableListeners.push(listener);
  }

  /** The next record is of several statements: no lone client waits for it. */
  meetCompany(): void {
    this.#writer.meetCompany();
  }

  /**
   * Own journal: called inside the append() that begins the next segment, before that record is queued. The sealed segment's
   * last records may not be durable yet.
   */
  onSeal(listener: (seal: Seal) => void): void {
    this.#sealListeners.push(listener);
  }

  /** Called once when the journal fails for good. */
  onFailure(listener: (error: Error) => void): void {
    this.#failureListeners.push(listener);
  }

  /** Called when `isWaitingForRoom` has changed. */
  onRoomChange(listener: () => void): void {
    this.#roomListeners.push(listener);
  }

  get failure(): Error | null {
    return this.#failure;
  }

  // ---- appending ----

  /**
   * Own journal: opens this start's incarnation in a segment of its own and resolves to the position of its opening record
   * (sequence 1) when that is durable. `version` is above everything stamped before. A disk without room for it fails the journal: a
   * start says so and ends.
   */
  async beginIncarnation(
    id: IncarnationId,
    parent: Position | null,
    version: number,
  ): Promise<Position> {
    this.#checkUsable();
    assert(this.#own === null, 'a start opens one incarnation');
    assert(this.#find(id) === null, 'incarnation ids are never used twice');
    const log = IncarnationLog.begin(id, parent, version);
    this.#insert(log);
    this.#own = log;
    const body = encodeOpeningBody({ incarnation: id, origin: this.origin, parent });
    this.#room.setPatient(false);
    this.append(RecordKind.opening, version, [body]);
    await this.#waits.until(log, 1);
    this.#room.setPatient(true);
    await trimOlder(this.#deps.disk, this.#logs);
    return plainPosition(log.durable);
  }

  /**
   * Makes sure that records of these sizes, appended next and together, land in one segment, and returns its number: begins the
   * next segment if they do not fit. So the caller knows which schema records must come along.
   */
  segmentFor(recordBytes: readonly number[]): number {
    this.#checkUsable();
    const log = this.#requireOwn();
    return this.#boundaries.withRoom(log, recordBytes).identity.number;
  }

  /**
   * Own journal, current incarnation: assigns the next sequence, encodes and queues. Throws JournalFailedError after a failure, and
   * RangeError for a record above maxRecordBytes. The view stays good.
   */
  append(kind: RecordKind, version: number, body: readonly Uint8Array[] | LaidOutBody): RecordView {
    this.#checkUsable();
    const log = this.#requireOwn();
    const isLaidOut = body instanceof LaidOutBody;
    const sizeBytes = isLaidOut ? body.bytes.length : recordBytesOf(body);
    if (sizeBytes > this.#options.maxRecordBytes) {
      throw new RangeError(
        `A record of ${sizeBytes} bytes is above the limit of ${this.#options.maxRecordBytes}`,
      );
    }
    const segment = this.#boundaries.withRoom(log, [sizeBytes]);
    const sequence = log.received.sequence + 1;
    const whole = isLaidOut ? body.bytes : recordAround(body);
    const chunk =
      whole === null
        ? log.tail.reserve(sizeBytes, log.received)
        : log.tail.adopt(whole, log.received);
    const from = chunk.usedBytes;
    if (isLaidOut) completeRecord(body.bytes, body.crc, kind, sequence, version);
    else if (whole !== null) encodeRecordAround(whole, kind, sequence, version);
    else encodeRecordInto(chunk.bytes, from, kind, sequence, version, body);
    const bytes = chunk.bytes.subarray(from, from + sizeBytes);
    const record = { kind, sequence, version, bytes, body: bytes.subarray(RECORD_HEADER_BYTES) };
    this.#queue(log, segment, record, null);
    return record;
  }

  /**
   * Copy, or an own older incarnation's returned tail: checks that the records continue this incarnation (length, CRC, kind,
   * sequence, and `expectedHash` after the last one if given) and queues them. All or nothing: throws ReplicationDataError and appends
   * nothing when anything is wrong. `records` may be reused at once; the views returned stay good.
   */
  appendCopies(
    incarnation: IncarnationId,
    records: Uint8Array,
    expectedHash?: RollingHash,
  ): readonly RecordView[] {
    this.#checkUsable();
    const known = this.#find(incarnation);
    if (known !== null && known === this.#own) {
      throw new ReplicationDataError(`Incarnation ${incarnation} is this node's current one`);
    }
    if (known?.isEnded === true) {
      throw new ReplicationDataError(`Incarnation ${incarnation} has ended`);
    }
    const checked = checkCopies(records, {
      origin: this.origin,
      incarnation,
      after: known?.received ?? null,
      maxRecordBytes: this.#options.maxRecordBytes,
      expectedHash,
    });
    const log = known ?? this.#beginCopy(checked.views[0] as RecordView);
    return checked.views.map((view, index) =>
      this.#appendCopy(log, view, checked.hashes[index] as RollingHash),
    );
  }

  /**
   * Copy: begins to hold an incarnation in the middle, behind `after`, as a node does that took over its contents another way.
   * Nothing is written before the first record comes.
   */
  adoptIncarnation(after: Position, parent: Position | null, openingVersion: number): void {
    this.#checkUsable();
    assert(this.#find(after.incarnation) === null, 'the incarnation is not held yet');
    assert(after.sequence >= 1, 'an incarnation is adopted behind a record');
    const start = { sequence: after.sequence, hash: after.hash, number: 0 };
    this.#insert(new IncarnationLog(after.incarnation, parent, openingVersion, start));
  }

  /**
   * Copy: the origin sealed a segment; cut at the same record. May come before the records do. Throws CorruptionError when
   * the digests differ, ReplicationDataError when the boundary contradicts one that is already made.
   */
  sealCopy(seal: Seal): void {
    this.#checkUsable();
    const log = this.#find(seal.incarnation);
    if (log === null) {
      throw new ReplicationDataError(`A seal for the unknown incarnation ${seal.incarnation}`);
    }
    this.#copySeals.announced(log, seal);
  }

  /**
   * Both nodes agree that an older incarnation ends where it stands: its last segment is sealed and may be released. Resolves when
   * that is durable.
   */
  async endIncarnation(incarnation: IncarnationId): Promise<void> {
    this.#checkUsable();
    const log = this.#find(incarnation);
    if (log === null) return;
    assert(log !== this.#own, 'the current incarnation goes on');
    log.isEnded = true;
    log.pendingSeals.length = 0;
    const segment = log.openSegment;
    if (segment !== undefined) this.#boundaries.seal(log, segment);
    await this.#writer.idle();
    this.#checkUsable();
    log.shrink();
  }

  // ---- reading ----

  /**
   * Records after a sequence: at least one if there is any, about `maxBytes` at most; null when there is none yet. With `durableOnly`
   * only what is on stable storage here. Rejects with SegmentGoneError when the next record is not held any more (or the
   * incarnation is unknown), and with CorruptionError.
   */
  async read(
    incarnation: IncarnationId,
    afterSequence: number,
    maxBytes: number,
    options: { readonly durableOnly?: boolean } = {},
  ): Promise<JournalRead | null> {
    const log = this.#find(incarnation);
    if (log === null || afterSequence + 1 < log.first) {
      throw new SegmentGoneError(incarnation, afterSequence + 1);
    }
    const limit = (options.durableOnly === true ? log.durable : log.received).sequence;
    if (afterSequence >= limit) {
      this.#isFollowed = true;
      return null;
    }
    return readRecords(this.#deps.disk, log, afterSequence, limit, maxBytes);
  }

  #takeFollower(): boolean {
    const isFollowed = this.#isFollowed;
    this.#isFollowed = false;
    return isFollowed;
  }

  /** The rolling hash after a record; ZERO_HASH for sequence 0; null when it is not known here. */
  async hashAt(incarnation: IncarnationId, sequence: number): Promise<RollingHash | null> {
    if (sequence === 0) return ZERO_HASH;
    const log = this.#find(incarnation);
    return log === null ? null : hashBehind(this.#deps.disk, log, sequence);
  }

  // ---- letting go ----

  /**
   * Recycles sealed segments that lie entirely at or below their incarnation's bound, oldest first, as long as `retainBytes` of
   * such segments stay. The newest segment of an incarnation stays until the incarnation has ended. Resolves to the record
   * bytes released.
   */
  releaseBefore(bounds: ReadonlyMap<IncarnationId, number>, retainBytes: number): Promise<number> {
    return this.#retention.release(bounds, retainBytes);
  }

  /** Writes what is queued and lets the files go. What still finds no room is not written: nobody was told that it is durable. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#room.setPatient(false);
    await this.#writer.idle();
    await this.#retention.idle();
    this.#failure ??= new JournalFailedError('The journal is closed');
    this.#writer.stop();
    await this.#pool.close();
    for (const { segments } of this.#logs) {
      for (const segment of segments) {
        const file = segment.file;
        segment.file = null;
        await file?.close();
      }
    }
  }

  // ---- inside ----

  /** Where records go. */
  get #current(): IncarnationLog | undefined {
    return this.#own ?? this.#logs.at(-1);
  }

  #infoOf(log: IncarnationLog): IncarnationInfo {
    return incarnationInfo(log, log === this.#current);
  }

  #find(id: IncarnationId): IncarnationLog | null {
    return this.#logs.find((log) => log.id === id) ?? null;
  }

  #requireOwn(): IncarnationLog {
    assert(this.#own !== null, 'an incarnation is opened before anything is appended');
    return this.#own;
  }

  #insert(log: IncarnationLog): void {
    let place = this.#logs.length;
    while (
      place > 0 &&
      (this.#logs[place - 1] as IncarnationLog).openingVersion > log.openingVersion
    ) {
      place -= 1;
    }
    this.#logs.splice(place, 0, log);
    // An older one takes at most a returned tail: its recent records need not stay in memory.
    for (const older of this.#logs.slice(0, -1)) older.shrink();
  }

  #onSealed(log: IncarnationLog, segment: JournalSegment, seal: SealContent): void {
    this.#writer.addSeal(log, segment);
    if (log !== this.#own) return;
    for (const listener of this.#sealListeners) listener({ incarnation: log.id, ...seal });
  }

  #queue(
    log: IncarnationLog,
    segment: JournalSegment,
    record: RecordView,
    hash: RollingHash | null,
  ): void {
    const sizeBytes = record.bytes.length;
    const chunk = log.tail.reserve(sizeBytes, log.received);
    const from = chunk.usedBytes;
    chunk.push(sizeBytes, hash);
    segment.queued(sizeBytes, isGatedKind(record.kind));
    segment.digest?.add(chunk.bytes, from, from + sizeBytes);
    if (segment.digest !== null) this.#backlog.added(segment.digest);
    this.#writer.addRecord(log, segment, chunk, chunk.count - 1);
    log.received = new TailPosition(log.id, chunk, record.sequence);
  }

  #beginCopy(record: RecordView): IncarnationLog {
    const opening = decodeOpeningBody(record.body);
    assert(opening !== null, 'the opening record was checked');
    const log = IncarnationLog.begin(opening.incarnation, opening.parent, record.version);
    this.#insert(log);
    return log;
  }

  #appendCopy(log: IncarnationLog, source: RecordView, hash: RollingHash): RecordView {
    const sizeBytes = source.bytes.length;
    const chunk = log.tail.reserve(sizeBytes, log.received);
    const from = chunk.usedBytes;
    chunk.bytes.set(source.bytes, from);
    const bytes = chunk.bytes.subarray(from, from + sizeBytes);
    const { kind, sequence, version } = source;
    const record = { kind, sequence, version, bytes, body: bytes.subarray(RECORD_HEADER_BYTES) };
    this.#queue(log, log.openSegment ?? this.#boundaries.begin(log), record, hash);
    this.#copySeals.appended(log, sequence);
    return record;
  }

  #onWritten(log: IncarnationLog, position: Position): void {
    const { sequence } = position;
    log.durable = position;
    log.tail.trim(sequence, this.#options.tailBytes ?? TAIL_BYTES);
    this.#waits.reached(log, sequence);
    for (const listener of this.#durableListeners) listener(log.id, position);
  }

  #checkUsable(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    const failure = new JournalFailedError('A journal write failed; only a restart may go on', {
      cause: error,
    });
    this.#failure = failure;
    this.#waits.fail(failure);
    if (this.#isClosing && isNoSpace(error)) return;
    for (const listener of this.#failureListeners) listener(failure);
  }
}
