/**
 * Sends what the peer lacks: first the return stream (its own lost tails), then our incarnations, oldest first, and of the
 * current one everything, for ever.
 *
 * It tails the journal itself, not a queue beside it: the read position is all there is to remember, so a slow peer costs budget and disk, not
 * memory, and catching up and live sending are the same loop. Two brakes: the socket (a piece goes out only when the one before has left), and
 * credit (record bytes that the receiver has not yet made durable and applied).
 *
 * Seals are announced before any record behind them, because the copy must cut at the same record.
 */

import type { IncarnationId, Seal, Timers } from '../storage/index.js';
import { PIECE_BYTES_MAX } from './config.js';
import type { Stretch } from './chain.js';
import { FrameType } from './frame.js';
import type { JournalChunk, ReplicaJournal } from './replica-store.js';
import { encodePieceHeader, encodeSeal } from './session-messages.js';

/** The way out, of one link. */
export interface SendChannel {
  readonly hasRoom: boolean;
  send(type: FrameType, payload: readonly Uint8Array[]): void;
}

export interface SenderDeps {
  readonly own: ReplicaJournal;
  readonly copy: ReplicaJournal | null;
  readonly channel: SendChannel;
  readonly timers: Timers;
  readonly onFailure: (error: unknown) => void;
}

export interface SenderPlan {
  /** Own records; the last stretch is the current incarnation and never ends. */
  readonly send: readonly Stretch[];
  /** Records of the peer that it lost. */
  readonly returned: readonly Stretch[];
  /** Record bytes that may be under way. At least the largest record. */
  readonly creditBytes: number;
  readonly catchupBytesPerSecond: number | null;
}

interface Work {
  readonly isReturned: boolean;
  readonly isLive: boolean;
  readonly incarnation: IncarnationId;
  readonly through: number;
  after: number;
}

const VERSION_AT = 20;

export class Sender {
  readonly #deps: SenderDeps;
  readonly #plan: SenderPlan;
  readonly #work: Work[];
  #isStopped = false;
  #wake: (() => void) | null = null;
  #sentBytes = 0;
  #releasedBytes = 0;
  #sentVersion = 0;
  /** Boundaries of the incarnation under way that are not announced yet, oldest first; null until it has begun at the receiver. */
  #seals: Seal[] | null = null;

  constructor(deps: SenderDeps, plan: SenderPlan) {
    this.#deps = deps;
    this.#plan = plan;
    const own = plan.send.map((stretch, index): Work => {
      const isLive = index === plan.send.length - 1;
      return { ...stretch, isReturned: false, isLive };
    });
    const returned = plan.returned.map((stretch): Work => ({
      ...stretch,
      isReturned: true,
      isLive: false,
    }));
    this.#work = [...returned, ...own];
  }

  start(): void {
    void this.#run().catch((error: unknown) => {
      if (!this.#isStopped) this.#deps.onFailure(error);
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.wake();
  }

  /** Something was appended, or the socket has room again. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** The receiver is done with this many bytes of this link. */
  credit(releasedBytes: number): void {
    if (releasedBytes > this.#releasedBytes) this.#releasedBytes = releasedBytes;
    this.wake();
  }

  /** A boundary was decided in our journal, before any record behind it was queued. */
  sealed(seal: Seal): void {
    if (this.#work[0]?.incarnation === seal.incarnation) this.#seals?.push(seal);
  }

  /** All own records at or below this version have been handed to the socket; 0 while older incarnations are on their way. */
  get sentVersion(): number {
    return this.#work[0]?.isLive === true ? this.#sentVersion : 0;
  }

  /** Everything appended so far has been handed to the socket. */
  get isLevel(): boolean {
    const work = this.#work[0];
    if (work?.isLive !== true) return false;
    return work.after === this.#deps.own.incarnation(work.incarnation)?.received.sequence;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped && this.#work.length > 0) {
      const work = this.#work[0]!;
      // What the receiver already has may lack its boundaries: they are announced again, and checked there.
      this.#announceSeals(work, work.after);
      if (!work.isLive && work.after >= work.through) {
        this.#work.shift();
        this.#seals = null;
        continue;
      }
      if (!this.#deps.channel.hasRoom) {
        await this.#pause();
        continue;
      }
      const chunk = await this.#read(work);
      if (this.#isStopped) return;
      if (chunk === null) {
        await this.#pauseAt(work);
        continue;
      }
      await this.#sendChunk(work, chunk);
      await this.#throttle(work, chunk.bytes.length);
    }
  }

  /** The opening record goes alone: seals can be announced only when the receiver has begun the incarnation. */
  #read(work: Work): Promise<JournalChunk | null> {
    const journal = work.isReturned ? this.#deps.copy : this.#deps.own;
    if (journal === null) throw new Error('a return stream needs the copy it comes from');
    const maxBytes = work.after === 0 ? 0 : PIECE_BYTES_MAX;
    return journal.read(work.incarnation, work.after, maxBytes, { durableOnly: work.isReturned });
  }

  async #sendChunk(work: Work, chunk: JournalChunk): Promise<void> {
    const { channel } = this.#deps;
    const chunkBytes = chunk.bytes.length;
    while (!this.#hasCredit(chunkBytes)) {
      await this.#pause();
      if (this.#isStopped) return;
    }
    this.#sentBytes += chunkBytes;
    this.#announceSeals(work, chunk.lastSequence);
    for (let offset = 0; offset < chunkBytes; offset += PIECE_BYTES_MAX) {
      while (!channel.hasRoom) {
        await this.#pause();
        if (this.#isStopped) return;
      }
      const header = encodePieceHeader({
        incarnation: work.incarnation,
        firstSequence: chunk.firstSequence,
        chunkBytes,
        offset,
        lastHash: chunk.lastHash,
      });
      const piece = chunk.bytes.subarray(offset, offset + PIECE_BYTES_MAX);
      channel.send(work.isReturned ? FrameType.returned : FrameType.records, [header, piece]);
    }
    work.after = chunk.lastSequence;
    if (!work.isReturned) this.#sentVersion = versionOfLast(chunk.bytes);
  }

  #hasCredit(bytes: number): boolean {
    const underWay = this.#sentBytes - this.#releasedBytes;
    return underWay === 0 || underWay + bytes <= this.#plan.creditBytes;
  }

  /** Those at or before a record that is there, or goes out next. */
  #announceSeals(work: Work, through: number): void {
    if (work.isReturned || work.after === 0) return;
    this.#seals ??= [...this.#deps.own.seals(work.incarnation)];
    while (this.#seals.length > 0 && this.#seals[0]!.lastSequence <= through) {
      this.#deps.channel.send(FrameType.seal, [encodeSeal(this.#seals.shift()!)]);
    }
  }

  /** Catching up leaves bandwidth to others, if so configured; live records never wait for that. */
  async #throttle(work: Work, bytes: number): Promise<void> {
    const limit = this.#plan.catchupBytesPerSecond;
    if (limit === null || (work.isLive && work.after >= work.through)) return;
    await new Promise<void>((resolve) => {
      const timer = this.#deps.timers.after((bytes / limit) * 1000, resolve);
      if (this.#isStopped) {
        timer.cancel();
        resolve();
      }
    });
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Nothing was there to read; what was appended since must not be missed. */
  #pauseAt(work: Work): Promise<void> {
    if (work.isReturned || !work.isLive) {
      throw new Error(`the journal ends before ${work.incarnation}:${work.through}`);
    }
    const end = this.#deps.own.incarnation(work.incarnation)?.received.sequence ?? 0;
    return end > work.after ? Promise.resolve() : this.#pause();
  }
}

/** Of whole records back to back. */
function versionOfLast(records: Uint8Array): number {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let last = 0;
  for (let at = 0; at < records.length; at += view.getUint32(at, true)) last = at;
  return (
    view.getUint32(last + VERSION_AT, true) + view.getUint32(last + VERSION_AT + 4, true) * 2 ** 32
  );
}
