/**
 * Takes queued records to disk: one commit group after another, one positioned write each, in the order of appending.
 *
 * While a write is in flight further records queue up and share the next group, and clients that commit at the same time wait a turn or
 * two for each other (group-fill.ts): so batching adapts to the disk and to the clients by itself. Only one write is ever in flight: so everything before a group was durable when it was written,
 * and whatever a crash leaves behind is the torn group at the very end.
 *
 * The first failure is final. What is on disk is then unknown, and only a recovery may look at it. One thing is no failure: a file that is
 * to be made, begun, named for good or made longer on a full disk. Nothing of the records was written then, and they wait for room (room-wait.ts).
 */

import {
  GROUP_CONTENT_BYTES_MAX,
  GROUP_HEADER_BYTES,
  GroupKind,
  RECORD_PREFIX_BYTES,
  SEAL_BYTES,
  SEAL_GROUP_BYTES,
  SECTOR_BYTES,
  encodeGroupHeader,
  encodeGroupHeaderInto,
  encodeSeal,
  groupBytesOf,
  recordsCrcOf,
  sealCrcOf,
  type GroupHeader,
} from './commit-group.js';
import { GroupFill } from './group-fill.js';
import type { IncarnationLog } from './incarnation-log.js';
import type { JournalSegment } from './journal-segment.js';
import { LoneWritePace } from './lone-write-pace.js';
import type { Clock, Disk, DiskFile, Timers } from './ports.js';
import type { Position } from './position.js';
import type { RoomWait } from './room-wait.js';
import { TailPosition, type TailChunk } from './record-tail.js';
import { encodeSegmentHeader, type SegmentHeader } from './segment.js';
import { writeZeros, type SegmentPool } from './segment-pool.js';

/** A group up to this is copied together before it is written. */
const SMALL_CONTENT_BYTES_MAX = 16 * 1024;

/** The rest of this turn of the event loop, and the next one. */
const FILL_TURNS_MAX = 2;

const ZERO_SECTORS = new Uint8Array(2 * SECTOR_BYTES);

/** Consecutive records of one segment in one chunk. */
interface RecordSpan {
  readonly kind: 'records';
  readonly log: IncarnationLog;
  readonly segment: JournalSegment;
  readonly chunk: TailChunk;
  readonly firstIndex: number;
  count: number;
  contentBytes: number;
  /** What room planning counted for these records. */
  plannedBytes: number;
}

interface SealStep {
  readonly kind: 'seal';
  readonly log: IncarnationLog;
  readonly segment: JournalSegment;
}

/** A commit group on its way. */
interface Group {
  readonly parts: readonly Uint8Array[];
  readonly header: GroupHeader;
  readonly first: RecordSpan;
  /** Behind its last record. */
  readonly position: Position;
}

export interface JournalWriterDeps {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Whether someone waits for the records being written now, to send them on; asked once for each group. */
  readonly takeFollower: () => boolean;
  readonly pool: SegmentPool;
  readonly room: RoomWait;
  readonly folder: string;
  /** The header of a segment whose file is to be made now; everything appended before it is durable. */
  readonly headerOf: (log: IncarnationLog, segment: JournalSegment) => SegmentHeader;
  /** Records up to `position` are on stable storage. */
  readonly onDurable: (log: IncarnationLog, position: Position) => void;
  readonly onFailure: (error: unknown) => void;
}

export class JournalWriter {
  readonly #deps: JournalWriterDeps;
  readonly #pace = new LoneWritePace();
  /** A small group on its way: only one write is ever in flight. No Buffer, whose `fill` and `subarray` do more than is needed here. */
  readonly #small = new Uint8Array(groupBytesOf(SMALL_CONTENT_BYTES_MAX) + SECTOR_BYTES);
  #prefixes = new Uint8Array(64 * RECORD_PREFIX_BYTES);
  #queue: (RecordSpan | SealStep)[] = [];
  /** Of #queue. */
  #queuedRecords = 0;
  #queuedBytes = 0;
  readonly #fill = new GroupFill();
  /** Ends the wait for further records. */
  #onFilled: (() => void) | null = null;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(deps: JournalWriterDeps) {
    this.#deps = deps;
  }

  /** The next record is of several statements. */
  meetCompany(): void {
    this.#pace.meetCompany();
  }

  /** Record `index` of the chunk is to be written next. */
  addRecord(log: IncarnationLog, segment: JournalSegment, chunk: TailChunk, index: number): void {
    const bytes = chunk.offsetOf(index + 1) - chunk.offsetOf(index);
    const last = this.#queue.at(-1);
    const joins =
      last !== undefined &&
      last.kind === 'records' &&
      last.chunk === chunk &&
      last.segment === segment &&
      last.contentBytes + bytes <= GROUP_CONTENT_BYTES_MAX;
    if (joins) {
      last.count += 1;
      last.contentBytes += bytes;
      last.plannedBytes += groupBytesOf(bytes);
    } else {
      this.#queue.push({
        kind: 'records',
        log,
        segment,
        chunk,
        firstIndex: index,
        count: 1,
        contentBytes: bytes,
        plannedBytes: groupBytesOf(bytes),
      });
    }
    this.#queuedRecords += 1;
    this.#queuedBytes += bytes;
    if (this.#onFilled !== null && this.#isFilled) this.#onFilled();
    this.#start();
  }

  /** The segment's boundary was decided: its seal is to be written behind its records. */
  addSeal(log: IncarnationLog, segment: JournalSegment): void {
    this.#queue.push({ kind: 'seal', log, segment });
    this.#start();
  }

  /** Resolves when everything queued so far is written, or writing has failed. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /** Drops what is queued and takes nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#queue = [];
    this.#queuedRecords = 0;
    this.#queuedBytes = 0;
  }

  #start(): void {
    if (this.#running !== null || this.#isStopped) return;
    this.#running = this.#run();
  }

  /** One async function from the queue to the disk: a lone record of a client that waits feels the price of each. */
  async #run(): Promise<void> {
    // Let the caller finish its turn: what it appends in one go becomes one group.
    await Promise.resolve();
    try {
      for (;;) {
        if (!this.#isFilled) await this.#untilFilled();
        const next = this.#queue[0];
        if (next === undefined) break;
        const { log, segment } = next;
        if (!segment.isOnDisk) await this.#makeFile(log, segment);
        segment.file ??= await this.#deps.disk.open(segment.path, { durable: true });
        const { file } = segment;
        if (next.kind === 'seal') {
          await this.#writeSeal(file, segment);
          continue;
        }
        const spans = this.#takeSpans(segment);
        const needsRoom = this.#needsRoom(segment, groupBytesOf(contentBytesOf(spans)));
        if (needsRoom > 0) await this.#extend(file, segment, needsRoom);
        const group = this.#compose(log, segment, spans);
        const writing = this.#write(file, group);
        if (writing !== undefined) await writing;
        this.#onWritten(log, segment, group);
      }
    } catch (error) {
      this.stop();
      this.#deps.onFailure(error);
    } finally {
      this.#running = null;
    }
  }

  /** Records are waited for only by others. */
  get #isFilled(): boolean {
    const count = this.#queuedRecords;
    return count === 0 || this.#fill.isEnough(count, this.#queuedBytes);
  }

  async #untilFilled(): Promise<void> {
    const { timers } = this.#deps;
    for (let turn = 0; turn < FILL_TURNS_MAX && !this.#isFilled; turn += 1) {
      await new Promise<void>((resolve, reject) => {
        this.#onFilled = resolve;
        timers.yieldTurn().then(resolve, reject);
      });
    }
    this.#onFilled = null;
  }

  /** Header first and synced, then the name: a segment name always means a whole header. */
  async #makeFile(log: IncarnationLog, segment: JournalSegment): Promise<void> {
    const { pool, room } = this.#deps;
    const spare = await pool.take();
    segment.file = await room.until(() => this.#beginFile(log, segment, spare));
    await this.#nameFile(spare, segment.path);
    segment.isOnDisk = true;
  }

  async #beginFile(log: IncarnationLog, segment: JournalSegment, spare: string): Promise<DiskFile> {
    const { disk, headerOf } = this.#deps;
    const file = await disk.open(spare, { durable: true });
    try {
      const header = encodeSegmentHeader(headerOf(log, segment));
      await file.write([header, ZERO_SECTORS.subarray(0, SECTOR_BYTES)], 0);
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  }

  /**
   * Whether a name is on disk is unknown where its sync found no room. So it is taken back and given anew, or the next sync might have
   * nothing to do; the header is not touched again, as a crash would then find half of it under that name.
   */
  async #nameFile(spare: string, path: string): Promise<void> {
    const { disk, room, folder } = this.#deps;
    let isNamed = false;
    await room.until(async () => {
      if (isNamed) await disk.rename(path, spare);
      isNamed = false;
      await disk.rename(spare, path);
      isNamed = true;
      await disk.syncFolder(folder);
    });
  }

  /** What is to be written for these spans, and where. Requires: room in the file. */
  #compose(log: IncarnationLog, segment: JournalSegment, spans: readonly RecordSpan[]): Group {
    const first = spans[0] as RecordSpan;
    const last = spans[spans.length - 1] as RecordSpan;
    let contentBytes = 0;
    let recordCount = 0;
    let plannedBytes = 0;
    for (const span of spans) {
      contentBytes += span.contentBytes;
      recordCount += span.count;
      plannedBytes += span.plannedBytes;
    }
    const groupBytes = groupBytesOf(contentBytes);
    const offsetBytes = segment.writtenBytes;
    const firstSequence = first.chunk.firstSequence + first.firstIndex;
    segment.grouped(plannedBytes, groupBytes);
    const header = {
      kind: GroupKind.records,
      contentCrc: recordsCrcOf(segment.seed, this.#prefixesOf(spans, recordCount)),
      recordCount,
      contentBytes,
      firstSequence,
      durableBefore: log.durable.sequence,
      offsetBytes,
    };
    return {
      parts:
        contentBytes <= SMALL_CONTENT_BYTES_MAX
          ? [this.#composeSmall(segment, header, spans)]
          : [
              encodeGroupHeader(segment.seed, header),
              ...spans.map(contentOf),
              zerosBehind(segment, offsetBytes, contentBytes),
            ],
      header,
      first,
      position: new TailPosition(log.id, last.chunk, firstSequence + recordCount - 1),
    };
  }

  /** Header, records and zeros in one piece: to copy a few KiB costs less than a list of pieces does. Good until the next group. */
  #composeSmall(
    segment: JournalSegment,
    header: GroupHeader,
    spans: readonly RecordSpan[],
  ): Uint8Array {
    const bytes = this.#small;
    encodeGroupHeaderInto(bytes, segment.seed, header);
    let at = GROUP_HEADER_BYTES;
    for (const span of spans) {
      bytes.set(contentOf(span), at);
      at += span.contentBytes;
    }
    const end = at + zerosBehindBytes(segment, header.offsetBytes, header.contentBytes);
    bytes.fill(0, at, end);
    return bytes.subarray(0, end);
  }

  #onWritten(log: IncarnationLog, segment: JournalSegment, group: Group): void {
    const { header, first, position } = group;
    const { firstSequence: sequence, offsetBytes } = header;
    this.#fill.wrote(header.recordCount);
    if (segment.index.isEntryDue(offsetBytes)) {
      const hashBefore = first.chunk.hashBefore(first.firstIndex);
      segment.index.addGroup({ sequence, offsetBytes, hashBefore });
    }
    this.#deps.onDurable(log, position);
  }

  async #writeSeal(file: DiskFile, segment: JournalSegment): Promise<void> {
    this.#queue.shift();
    const seal = segment.seal;
    if (seal === null) throw new Error('A segment without a seal was queued to be sealed');
    const content = encodeSeal(seal);
    const header = encodeGroupHeader(segment.seed, {
      kind: GroupKind.seal,
      contentCrc: sealCrcOf(segment.seed, content),
      recordCount: 0,
      contentBytes: SEAL_BYTES,
      firstSequence: seal.lastSequence + 1,
      durableBefore: seal.lastSequence,
      offsetBytes: segment.writtenBytes,
    });
    const zeros = zerosBehind(segment, segment.writtenBytes, SEAL_BYTES);
    await file.write([header, content, zeros], segment.writtenBytes);
    segment.writtenBytes += SEAL_GROUP_BYTES;
    segment.isSealDurable = true;
    segment.file = null;
    await file.close();
  }

  /** Undefined: it is written. */
  #write(file: DiskFile, group: Group): void | Promise<void> {
    const { recordCount, contentBytes } = group.header;
    const isAllowed = this.#pace.allows(recordCount, contentBytes);
    const isFollowed = this.#deps.takeFollower();
    if (!isAllowed || file.writeNow === undefined) return this.#writeThroughPool(file, group);
    // What goes to the peer leaves first: its sync and ours run at the same time.
    if (isFollowed) return this.#writeNextTurn(file, group);
    this.#writeNow(file, group);
    return undefined;
  }

  async #writeThroughPool(file: DiskFile, group: Group): Promise<void> {
    const { clock } = this.#deps;
    const startMs = clock.monotonicMs();
    await file.write(group.parts, group.header.offsetBytes);
    this.#pace.tookThroughPool(clock.monotonicMs() - startMs);
  }

  async #writeNextTurn(file: DiskFile, group: Group): Promise<void> {
    await this.#deps.timers.yieldTurn();
    this.#writeNow(file, group);
  }

  #writeNow(file: DiskFile, group: Group): void {
    const { clock } = this.#deps;
    const startMs = clock.monotonicMs();
    file.writeNow?.(group.parts, group.header.offsetBytes);
    this.#pace.took(clock.monotonicMs() - startMs);
  }

  /** Size that the file must grow to before the group fits; 0 when it does. */
  #needsRoom(segment: JournalSegment, groupBytes: number): number {
    const needed = segment.writtenBytes + groupBytes + SEAL_GROUP_BYTES;
    return needed <= segment.capacityBytes ? 0 : needed;
  }

  /** A copy groups records its own way and may need more room than the origin did: then its file grows, zeros first. */
  async #extend(file: DiskFile, segment: JournalSegment, needed: number): Promise<void> {
    const { room } = this.#deps;
    const from = segment.capacityBytes;
    const grown = Math.max(needed, Math.ceil(from * 1.25));
    await room.until(async () => {
      await room.check(grown - from);
      await writeZeros(file, from, grown);
    });
    segment.capacityBytes = grown;
  }

  /** The next group: queued records of this segment, up to the limit of a group. */
  #takeSpans(segment: JournalSegment): readonly RecordSpan[] {
    const queue = this.#queue;
    let bytes = 0;
    let count = 0;
    for (const span of queue) {
      if (span.kind !== 'records' || span.segment !== segment) break;
      if (count > 0 && bytes + span.contentBytes > GROUP_CONTENT_BYTES_MAX) break;
      bytes += span.contentBytes;
      count += 1;
      this.#queuedRecords -= span.count;
    }
    this.#queuedBytes -= bytes;
    if (count < queue.length) return queue.splice(0, count) as RecordSpan[];
    this.#queue = [];
    return queue as RecordSpan[];
  }

  /** What the content CRC of a group runs over; good until the next call. */
  #prefixesOf(spans: readonly RecordSpan[], recordCount: number): Uint8Array {
    const bytes = recordCount * RECORD_PREFIX_BYTES;
    if (this.#prefixes.length < bytes) this.#prefixes = new Uint8Array(bytes * 2);
    const prefixes = this.#prefixes;
    let at = 0;
    for (const { chunk, firstIndex, count } of spans) {
      for (let index = firstIndex; index < firstIndex + count; index += 1) {
        const from = chunk.offsetOf(index);
        for (let byte = 0; byte < RECORD_PREFIX_BYTES; byte += 1) {
          prefixes[at + byte] = chunk.bytes[from + byte] as number;
        }
        at += RECORD_PREFIX_BYTES;
      }
    }
    return prefixes.subarray(0, bytes);
  }
}

function contentOf(span: RecordSpan): Uint8Array {
  const from = span.chunk.offsetOf(span.firstIndex);
  return span.chunk.bytes.subarray(from, from + span.contentBytes);
}

/** The padding of a group, and one more sector where the file has one: what follows the newest group is always zeros. */
function zerosBehindBytes(
  segment: JournalSegment,
  offsetBytes: number,
  contentBytes: number,
): number {
  const groupBytes = groupBytesOf(contentBytes);
  const hasNextSector = offsetBytes + groupBytes + SECTOR_BYTES <= segment.capacityBytes;
  const padding = groupBytes - GROUP_HEADER_BYTES - contentBytes;
  return padding + (hasNextSector ? SECTOR_BYTES : 0);
}

function zerosBehind(
  segment: JournalSegment,
  offsetBytes: number,
  contentBytes: number,
): Uint8Array {
  return ZERO_SECTORS.subarray(0, zerosBehindBytes(segment, offsetBytes, contentBytes));
}

function contentBytesOf(spans: readonly RecordSpan[]): number {
  let bytes = 0;
  for (const span of spans) bytes += span.contentBytes;
  return bytes;
}
