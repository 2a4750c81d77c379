/**
 * Records that come from the peer: checked, appended, made durable, confirmed, applied. In that order, and never waiting at a gate.
 *
 *   received   in the journal's queue
 *   durable    on stable storage: only now it is confirmed
 *   applied    visible here                                       applied <= durable <= received, for each incarnation
 *
 * Two kinds of stream use the same way: the peer's own records, which go to the copy of its journal, and the *return stream*, records of our own
 * older incarnations that we lost and the peer still had, which go back to our journal.
 *
 * The receiver outlives the link: what was received is made durable and applied whether or not the link is still there, and
 * the next handshake waits until nothing is in flight (`settled`).
 */

import {
  type Clock,
  type IncarnationId,
  type NodeId,
  type RecordView,
  type Timers,
} from '../storage/index.js';
import type { Chunk } from './chunk-assembly.js';
import { DiskBehindError, LinkProtocolError } from './errors.js';
import type { ReplicaJournal, ReplicaStore } from './replica-store.js';

/** What it needs of a store. */
export type ReceiverStore = Pick<
  ReplicaStore,
  'own' | 'copy' | 'incarnation' | 'prepare' | 'applyPeer' | 'applyReturned' | 'applied'
> & { readonly versions: Pick<ReplicaStore['versions'], 'observe'> };

export interface ReceiverDeps {
  readonly store: ReceiverStore;
  readonly clock: Clock;
  readonly timers: Timers;
  /** An incarnation has moved on: there is something to confirm. */
  readonly onProgress: (origin: NodeId, incarnation: IncarnationId) => void;
  readonly onFailure: (error: unknown) => void;
}

export interface Progress {
  readonly received: number;
  readonly durable: number;
  readonly applied: number;
}

interface Stream {
  readonly journal: ReplicaJournal;
  readonly incarnation: IncarnationId;
  received: number;
  durable: number;
  /** Received and not yet applied, in sequence order. */
  readonly unapplied: RecordView[];
}

/** Applying stops for a turn of the event loop after this. */
const APPLY_STRETCH_MS = 2;

export class Receiver {
  readonly #deps: ReceiverDeps;
  readonly #streams = new Map<string, Stream>();
  /** The one that was asked for last: nearly always the one that is asked for. */
  #latest: Stream | null = null;
  readonly #watched = new Set<ReplicaJournal>();
  #isApplying = false;
  #isStopped = false;
  #releasedBytes = 0;
  readonly #settledListeners = new Set<() => void>();

  constructor(deps: ReceiverDeps) {
    this.#deps = deps;
    this.#watch(deps.store.own);
    if (deps.store.copy !== null) this.#watch(deps.store.copy);
  }

  /** Record bytes received and applied since the process started. */
  get releasedBytes(): number {
    return this.#releasedBytes;
  }

  /** The peer's journal was opened. */
  watchCopy(copy: ReplicaJournal): void {
    this.#watch(copy);
  }

  /** Nothing more is applied. */
  stop(): void {
    this.#isStopped = true;
    for (const listener of this.#settledListeners) listener();
  }

  /**
   * A chunk came. What is here already is skipped; what leaves a gap is refused. Throws LinkProtocolError, or the journal's
   * ReplicationDataError for bytes that are no records or of another history: nothing of the chunk is appended then.
   */
  accept(journal: ReplicaJournal, chunk: Chunk): void {
    const { incarnation, firstSequence, lastHash } = chunk.header;
    const stream = this.#stream(journal, incarnation);
    if (firstSequence > stream.received + 1) {
      throw new LinkProtocolError(
        `records of ${incarnation} leave a gap: ${firstSequence} after ${stream.received}`,
      );
    }
    const records = skipRecords(chunk.records, stream.received + 1 - firstSequence);
    this.#releasedBytes += chunk.records.length - records.length;
    if (records.length === 0) {
      this.#deps.onProgress(journal.origin, incarnation);
      return;
    }
    for (const view of journal.appendCopies(incarnation, records, lastHash)) {
      stream.unapplied.push(view);
      stream.received = view.sequence;
      this.#deps.store.versions.observe(view.version);
    }
  }

  progressOf(journal: ReplicaJournal, incarnation: IncarnationId): Progress {
    const { received, durable } = this.#stream(journal, incarnation);
    return { received, durable, applied: this.#deps.store.applied(journal.origin, incarnation) };
  }

  /** Resolves when everything received is durable and applied; rejects with DiskBehindError when `signal` comes first. */
  async settled(signal: AbortSignal): Promise<void> {
    while (!this.#isStopped && !this.#isSettled) {
      if (signal.aborted) throw new DiskBehindError();
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.#settledListeners.delete(listener);
          signal.removeEventListener('abort', listener);
          resolve();
        };
        this.#settledListeners.add(listener);
        signal.addEventListener('abort', listener);
      });
    }
  }

  get #isSettled(): boolean {
    for (const stream of this.#streams.values()) if (stream.unapplied.length > 0) return false;
    return true;
  }

  #watch(journal: ReplicaJournal): void {
    if (this.#watched.has(journal)) return;
    this.#watched.add(journal);
    journal.onDurable((incarnation, position) => {
      const isOwnCurrent =
        journal === this.#deps.store.own && incarnation === this.#deps.store.incarnation;
      if (isOwnCurrent) return;
      const stream = this.#stream(journal, incarnation);
      stream.durable = Math.max(stream.durable, position.sequence);
      this.#deps.onProgress(journal.origin, incarnation);
      this.#apply();
    });
  }

  #stream(journal: ReplicaJournal, incarnation: IncarnationId): Stream {
    const latest = this.#latest;
    if (latest?.journal === journal && latest.incarnation === incarnation) return latest;
    const key = `${journal.origin}/${incarnation}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      const info = journal.incarnation(incarnation);
      stream = {
        journal,
        incarnation,
        received: info?.received.sequence ?? 0,
        durable: info?.durable.sequence ?? 0,
        unapplied: [],
      };
      this.#streams.set(key, stream);
    }
    this.#latest = stream;
    return stream;
  }

  #apply(): void {
    if (this.#isApplying || this.#isStopped) return;
    this.#isApplying = true;
    try {
      if (this.#applyStretch()) {
        this.#isApplying = false;
        return;
      }
    } catch (error) {
      this.#isStopped = true;
      this.#deps.onFailure(error);
      return;
    }
    void this.#deps.timers.yieldTurn().then(() => {
      this.#isApplying = false;
      this.#apply();
    });
  }

  /** True when nothing durable is left to apply; false when time is up. */
  #applyStretch(): boolean {
    const startMs = this.#deps.clock.monotonicMs();
    for (const stream of this.#streams.values()) {
      let applied = 0;
      let isTimeUp = false;
      while (!isTimeUp && (stream.unapplied[0]?.sequence ?? Infinity) <= stream.durable) {
        const record = stream.unapplied[0]!;
        if (this.#deps.store.prepare(stream.journal.origin, stream.incarnation, record)) {
          stream.unapplied.shift();
          this.#applyRecord(stream, record);
          this.#releasedBytes += record.bytes.length;
          applied += 1;
        }
        isTimeUp = this.#deps.clock.monotonicMs() - startMs >= APPLY_STRETCH_MS;
      }
      if (applied > 0) this.#deps.onProgress(stream.journal.origin, stream.incarnation);
      if (isTimeUp) return false;
    }
    if (this.#isSettled) for (const listener of this.#settledListeners) listener();
    return true;
  }

  #applyRecord(stream: Stream, record: RecordView): void {
    const { store } = this.#deps;
    if (stream.journal === store.own) store.applyReturned(stream.incarnation, record);
    else store.applyPeer(stream.incarnation, record);
  }
}

/** What is left behind the first `count` records. */
function skipRecords(records: Uint8Array, count: number): Uint8Array {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let at = 0;
  for (let skipped = 0; skipped < count && at < records.length; skipped += 1) {
    const length = records.length - at >= 4 ? view.getUint32(at, true) : 0;
    if (length < 4 || at + length > records.length) {
      throw new LinkProtocolError('a chunk does not hold whole records');
    }
    at += length;
  }
  return records.subarray(at);
}
