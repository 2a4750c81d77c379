/**
 * The peer while it is linked: what each frame means, and what this node has to say.
 *
 * - Records and returned records go to the receiver; what moves on there is confirmed, once a turn for each incarnation.
 * - Confirmations move the peer's claims, and with them the gate.
 * - A heartbeat carries, besides the sign of life: how far the sender is (for the lag), its clock, its readiness, and its bound, "all my records
 *   at or below this version are sent". The bound counts here once everything that came before it is applied.
 * - Older incarnations end by agreement: the origin sees that both nodes have the same end durable and applied, writes that down, and tells.
 *   Until all are agreed, of both origins, the stable horizon stands still.
 */

import type { Clock, IncarnationId, NodeId, Timers } from '../storage/index.js';
import { ChunkAssembly, type Chunk } from './chunk-assembly.js';
import { ClockPairs, type ClockEstimate } from './clock-pairs.js';
import { CREDIT_RECORDS, PIECE_BYTES_MAX, type ReplicationConfig } from './config.js';
import { LinkProtocolError } from './errors.js';
import { FrameType, type Frame } from './frame.js';
import type { HandshakeResult } from './handshake.js';
import { LagMeter } from './lag-meter.js';
import { LinkSession } from './link-session.js';
import type { MadeLink } from './peer-link.js';
import type { PeerReadiness } from './readiness.js';
import type { Receiver } from './receiver.js';
import type { PeerPoints } from './status.js';
import type { ReplicaJournal, ReplicaStore } from './replica-store.js';
import type { ReplicationLog } from './replication-log.js';
import { Sender } from './sender.js';
import {
  decodeConfirm,
  decodeEnd,
  decodeHeartbeat,
  decodeSeal,
  decodeVoided,
  encodeConfirm,
  encodeEnd,
  encodeHeartbeat,
  encodeVoided,
  type End,
  type Heartbeat,
} from './session-messages.js';
import type { Seal } from '../storage/index.js';
import type { Standing } from './standing.js';

export interface LinkedPeerDeps {
  readonly store: ReplicaStore;
  readonly copy: ReplicaJournal;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: ReplicationLog;
  readonly receiver: Receiver;
  readonly standing: Standing;
  /** Resolves when the standing is on stable storage. */
  readonly saveStanding: () => Promise<void>;
  /** What our heartbeats say of our readiness. */
  readonly readiness: () => PeerReadiness;
  /** The peer's claim on this own incarnation moved. */
  readonly onConfirmed: (incarnation: IncarnationId) => void;
  readonly onVoided: (reason: string) => void;
  /** Something that readiness depends on may have moved. */
  readonly onMoved: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** A bound that waits until everything before it is applied. */
interface WaitingBound {
  readonly version: number;
  readonly incarnation: IncarnationId;
  readonly sequence: number;
}

const BOUNDS_MAX = 64;

export class LinkedPeer {
  readonly #deps: LinkedPeerDeps;
  readonly #config: ReplicationConfig;
  readonly #result: HandshakeResult;
  readonly #made: MadeLink;
  readonly #session: LinkSession;
  readonly #sender: Sender;
  readonly #creditBytes: number;
  readonly #records: ChunkAssembly;
  readonly #returned: ChunkAssembly;
  readonly #clockPairs = new ClockPairs();
  readonly #lag = new LagMeter();
  /** Older incarnations, by origin, whose end is still to be agreed. */
  readonly #ownEnds: Map<IncarnationId, number>;
  readonly #peerEnds: Map<IncarnationId, number>;
  readonly #agreeing = new Set<IncarnationId>();
  /** Ends told by the peer, that wait until they are applied here. */
  readonly #toldEnds = new Map<IncarnationId, End>();
  /** What moved on in this turn, with its origin. */
  readonly #toConfirm = new Map<IncarnationId, NodeId>();
  readonly #bounds: WaitingBound[] = [];
  readonly #releasedBefore: number;
  #receivedBytes = 0;
  #beats = 0;
  #peerReadiness: { readonly said: PeerReadiness; readonly atMs: number } | null = null;
  #isCaughtUp = false;
  #points: PeerPoints = { received: null, durable: null, applied: null };
  #resolveEnd: (error: Error | null) => void = () => undefined;
  readonly #ended: Promise<Error | null>;

  constructor(deps: LinkedPeerDeps, config: ReplicationConfig, link: MadeLink) {
    this.#deps = deps;
    this.#config = config;
    this.#made = link;
    this.#result = link.result;
    const { outbound, inbound } = link.result;
    this.#creditBytes = CREDIT_RECORDS * (config.maxRecordBytes + PIECE_BYTES_MAX);
    this.#records = new ChunkAssembly(config.maxRecordBytes);
    this.#returned = new ChunkAssembly(config.maxRecordBytes);
    this.#ownEnds = new Map(outbound.ends.map((end) => [end.incarnation, end.sequence]));
    this.#peerEnds = new Map(inbound.ends.map((end) => [end.incarnation, end.sequence]));
    this.#releasedBefore = deps.receiver.releasedBytes;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnd = resolve;
    });
    this.#session = new LinkSession(
      link.connection,
      link.parser,
      {
        clock: deps.clock,
        timers: deps.timers,
        onFrame: (frame) => this.#onFrame(frame),
        onRoom: () => this.#sender.wake(),
        onBeat: () => this.beat(),
        onEnd: (error) => {
          this.#sender.stop();
          this.#resolveEnd(error);
        },
      },
      { link: link.result.link, heartbeatMs: config.heartbeatMs, deadAfterMs: config.deadAfterMs },
    );
    this.#sender = new Sender(
      {
        own: deps.store.own,
        copy: deps.copy,
        channel: this.#session,
        timers: deps.timers,
        onFailure: (error) => this.#session.end(error as Error),
      },
      {
        send: outbound.send,
        returned: inbound.returned,
        creditBytes: this.#creditBytes,
        catchupBytesPerSecond: config.catchupBytesPerSecond,
      },
    );
  }

  /** Runs until the link ends; resolves to why, or null when this node ended it. */
  async run(): Promise<Error | null> {
    this.#deps.store.setHorizonHeld(true);
    try {
      for (const frame of this.#made.early) this.#session.frame(frame);
    } catch (error) {
      this.#session.end(error as Error);
    }
    this.#made.deliverTo(
      (bytes) => this.#session.heard(bytes),
      (cause) => this.#session.end(cause),
    );
    this.#session.start();
    this.#sender.start();
    this.#agreeOwnEnds();
    this.#moved();
    return this.#ended;
  }

  /** Ends the link; null = on our own account. */
  async end(error: Error | null): Promise<void> {
    this.#session.end(error);
    await this.#ended;
  }

  // ---- what others want to know ----

  get link(): number {
    return this.#session.link;
  }

  get peerPoints(): PeerPoints {
    return this.#points;
  }

  get clock(): ClockEstimate | null {
    return this.#clockPairs.estimate;
  }

  /** From a heartbeat not older than `dead_after`, or null. */
  get peerReadiness(): PeerReadiness | null {
    const heard = this.#peerReadiness;
    if (heard === null) return null;
    const ageMs = this.#deps.clock.monotonicMs() - heard.atMs;
    return ageMs < this.#config.deadAfterMs ? heard.said : null;
  }

  get lagMs(): number {
    return this.#lag.lagMs((incarnation) => this.#appliedOf(incarnation), this.#nowMs());
  }

  /** Everything that was there at the handshake is applied here, and all ends are agreed. Once true, always true. */
  get isCaughtUp(): boolean {
    this.#isCaughtUp ||= this.#hasCaughtUp();
    return this.#isCaughtUp;
  }

  // ---- events of this node ----

  /** A record was appended here. */
  wake(): void {
    this.#sender.wake();
  }

  sealed(seal: Seal): void {
    this.#sender.sealed(seal);
  }

  /**
   * An incarnation moved on in the receiver: confirmed at the end of this turn, once, however many records became durable and were
   * applied in it. What depends on how far this node is gets its look at it then, too.
   */
  progress(origin: NodeId, incarnation: IncarnationId): void {
    if (this.#toConfirm.size === 0) void this.#confirmSoon();
    this.#toConfirm.set(incarnation, origin);
  }

  /** Says at once what a heartbeat says. */
  beat(): void {
    const { store, clock } = this.#deps;
    const { received, durable } = store.own.incarnation(store.incarnation)!;
    this.#beats += 1;
    const nowMs = this.#nowMs();
    const bound = this.#sender.isLevel ? store.versions.advance() : this.#sender.sentVersion;
    const beat: Heartbeat = {
      number: this.#beats,
      wallMs: clock.wallMs(),
      incarnation: store.incarnation,
      sequence: received.sequence,
      durable: durable.sequence,
      bound,
      ...this.#deps.readiness(),
      ...this.#clockPairs.echo(nowMs),
    };
    this.#clockPairs.sent(this.#beats, nowMs);
    this.#session.send(FrameType.heartbeat, [encodeHeartbeat(beat)]);
  }

  /** Our journals are not to be trusted: the peer must not rely on what we confirmed. */
  sayVoid(reason: string): void {
    this.#session.send(FrameType.voided, [encodeVoided(reason)]);
  }

  // ---- frames ----

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case FrameType.heartbeat:
        this.#onHeartbeat(decodeHeartbeat(frame.payload));
        return;
      case FrameType.confirm:
        this.#onConfirm(frame.payload);
        return;
      case FrameType.records:
        this.#onChunk(this.#records.add(frame.payload), this.#deps.copy, this.#result.inbound.send);
        return;
      case FrameType.returned:
        this.#onChunk(
          this.#returned.add(frame.payload),
          this.#deps.store.own,
          this.#result.outbound.returned,
        );
        return;
      case FrameType.seal:
        this.#deps.copy.sealCopy(decodeSeal(frame.payload));
        return;
      case FrameType.end:
        this.#onEnd(decodeEnd(frame.payload));
        return;
      case FrameType.voided:
        this.#deps.onVoided(decodeVoided(frame.payload));
        return;
      default:
        throw new LinkProtocolError(`frame type ${frame.type} does not belong on a running link`);
    }
  }

  /** Only what the handshake arranged is taken: of the peer its own records, of ours the tail we asked for. */
  #onChunk(
    chunk: Chunk | null,
    journal: ReplicaJournal,
    arranged: readonly { readonly incarnation: IncarnationId }[],
  ): void {
    if (chunk === null) return;
    const { incarnation } = chunk.header;
    if (!arranged.some((stretch) => stretch.incarnation === incarnation)) {
      throw new LinkProtocolError(`records of ${incarnation} were not arranged`);
    }
    this.#receivedBytes += chunk.records.length;
    if (
      this.#receivedBytes - this.#releasedBytes >
      this.#creditBytes + this.#config.maxRecordBytes
    ) {
      throw new LinkProtocolError('the peer sends beyond its credit');
    }
    this.#deps.receiver.accept(journal, chunk);
  }

  #onConfirm(payload: Uint8Array): void {
    const { store, standing } = this.#deps;
    const confirm = decodeConfirm(payload);
    this.#sender.credit(confirm.releasedBytes);
    const { incarnation, received, durable, applied } = confirm;
    const own = store.own.incarnation(incarnation);
    // Confirmed returned records: only the credit counts here.
    if (own === null) return;
    if (applied > durable || durable > received || received > own.received.sequence) {
      throw new LinkProtocolError(
        `the peer claims ${received}/${durable}/${applied} of ${incarnation}, which has ${own.received.sequence}`,
      );
    }
    if (incarnation === store.incarnation) {
      this.#points = {
        received: { incarnation, sequence: received },
        durable: { incarnation, sequence: durable },
        applied: { incarnation, sequence: applied },
      };
    }
    standing.advance(incarnation, durable);
    this.#deps.onConfirmed(incarnation);
    this.#agreeOwnEnds();
    this.#moved();
  }

  #onHeartbeat(beat: Heartbeat): void {
    const { store, clock, copy } = this.#deps;
    const nowMs = this.#nowMs();
    const wallMs = clock.wallMs();
    if (this.#clockPairs.heard(beat, { wallMs, monotonicMs: nowMs })) {
      store.versions.setPeerClock(wallMs + this.#clockPairs.estimate!.offsetMs);
    }
    this.#lag.heard(beat.incarnation, beat.sequence, nowMs);
    store.setOriginDurable(beat.incarnation, beat.durable);
    const { isReady, want, grant } = beat;
    this.#peerReadiness = { said: { isReady, want, grant }, atMs: nowMs };
    if (beat.bound > 0) {
      store.versions.observe(beat.bound);
      const { received } = this.#deps.receiver.progressOf(copy, beat.incarnation);
      if (this.#bounds.length < BOUNDS_MAX) {
        this.#bounds.push({
          version: beat.bound,
          incarnation: beat.incarnation,
          sequence: received,
        });
      }
    }
    // The first pair of heartbeats is completed at once, not a heartbeat later.
    if (beat.number === 1) this.beat();
    this.#moved();
  }

  // ---- confirming ----

  async #confirmSoon(): Promise<void> {
    await Promise.resolve();
    const { store, copy, receiver } = this.#deps;
    const releasedBytes = this.#releasedBytes;
    for (const [incarnation, origin] of this.#toConfirm) {
      const journal = origin === store.nodeId ? store.own : copy;
      const { received, durable, applied } = receiver.progressOf(journal, incarnation);
      const confirm = { incarnation, received, durable, applied, releasedBytes };
      this.#session.send(FrameType.confirm, [encodeConfirm(confirm)]);
    }
    this.#toConfirm.clear();
    if (this.#ownEnds.size > 0) this.#agreeOwnEnds();
    this.#agreeToldEnds();
    this.#moved();
  }

  get #releasedBytes(): number {
    return this.#deps.receiver.releasedBytes - this.#releasedBefore;
  }

  // ---- agreeing on ends ----

  /** Ours: when both nodes have the same end durable, and it is applied here, it is written down and told. */
  #agreeOwnEnds(): void {
    const { store, standing } = this.#deps;
    for (const [incarnation, sequence] of this.#ownEnds) {
      const info = store.own.incarnation(incarnation);
      if (info === null || this.#agreeing.has(incarnation)) continue;
      const isThere =
        info.durable.sequence === sequence &&
        store.applied(store.nodeId, incarnation) === sequence &&
        standing.claimOf(incarnation) === sequence;
      if (!isThere) continue;
      this.#agreeing.add(incarnation);
      void this.#agree(store.nodeId, incarnation, sequence)
        .then(() => {
          this.#ownEnds.delete(incarnation);
          const end = encodeEnd({ incarnation, sequence, hash: info.durable.hash });
          this.#session.send(FrameType.end, [end]);
          this.#moved();
        })
        .catch((error: unknown) => this.#deps.onFailure(error));
    }
  }

  #onEnd(end: End): void {
    const { copy } = this.#deps;
    const info = copy.incarnation(end.incarnation);
    // Agreed long ago and released since.
    if (info === null) return;
    if (info.durable.sequence !== end.sequence || info.durable.hash !== end.hash) {
      throw new LinkProtocolError(
        `${end.incarnation} ends at ${info.durable.sequence} here and at ${end.sequence} at its origin`,
      );
    }
    this.#toldEnds.set(end.incarnation, end);
    this.#agreeToldEnds();
  }

  #agreeToldEnds(): void {
    const { store, copy } = this.#deps;
    for (const [incarnation, { sequence }] of this.#toldEnds) {
      if (store.applied(copy.origin, incarnation) < sequence) continue;
      this.#toldEnds.delete(incarnation);
      void this.#agree(copy.origin, incarnation, sequence)
        .then(() => {
          store.setOriginDurable(incarnation, sequence);
          this.#peerEnds.delete(incarnation);
          this.#moved();
        })
        .catch((error: unknown) => this.#deps.onFailure(error));
    }
  }

  async #agree(origin: NodeId, incarnation: IncarnationId, sequence: number): Promise<void> {
    const { store, standing } = this.#deps;
    if (standing.agreedEnd(origin, incarnation) !== sequence) {
      standing.agree({ origin, incarnation, sequence });
      await this.#deps.saveStanding();
    }
    await store.agreeEnd(origin, incarnation);
    this.#deps.log.info('end agreed', { origin, incarnation, sequence });
  }

  // ---- moving on ----

  #moved(): void {
    const { store } = this.#deps;
    while (this.#bounds.length > 0) {
      const bound = this.#bounds[0]!;
      if (this.#appliedOf(bound.incarnation) < bound.sequence) break;
      this.#bounds.shift();
      store.announcePeerBound(bound.version);
    }
    if (this.#ownEnds.size === 0 && this.#peerEnds.size === 0) store.setHorizonHeld(false);
    this.#deps.onMoved();
  }

  #hasCaughtUp(): boolean {
    const { store } = this.#deps;
    if (this.#ownEnds.size > 0 || this.#peerEnds.size > 0) return false;
    const { inbound, outbound } = this.#result;
    return (
      inbound.send.every(({ incarnation, through }) => this.#appliedOf(incarnation) >= through) &&
      outbound.returned.every(
        ({ incarnation, through }) => store.applied(store.nodeId, incarnation) >= through,
      )
    );
  }

  #appliedOf(incarnation: IncarnationId): number {
    return this.#deps.store.applied(this.#deps.copy.origin, incarnation);
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}
