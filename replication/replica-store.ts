/**
 * What replication uses of a node's persistence. `Store` and `Journal` of storage/ are made for this; tests may bring a
 * smaller one. Narrow on purpose: replication knows journals, positions and record bytes, but no tables.
 */

import type {
  IncarnationId,
  IncarnationInfo,
  LaidOutBody,
  NodeId,
  Position,
  RecordKind,
  RecordView,
  RollingHash,
  Seal,
} from '../storage/index.js';

export interface JournalChunk {
  readonly bytes: Uint8Array;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly lastHash: RollingHash;
}

export interface ReplicaJournal {
  readonly origin: NodeId;
  /** Oldest first. */
  incarnations(): readonly IncarnationInfo[];
  incarnation(id: IncarnationId): IncarnationInfo | null;
  /** Sealed segments still held, oldest first. */
  seals(incarnation: IncarnationId): readonly Seal[];
  /** Begins the next segment if records of these sizes do not fit together; the number of the segment they will be in. */
  segmentFor(recordBytes: readonly number[]): number;
  /** The disk gives nothing more and what exists does not surely hold this many record bytes. */
  isFullFor(recordBytes: number): boolean;
  /** The record appended next is of several statements: no lone client waits for it. */
  meetCompany(): void;
  append(kind: RecordKind, version: number, body: readonly Uint8Array[] | LaidOutBody): RecordView;
  appendCopies(
    incarnation: IncarnationId,
    records: Uint8Array,
    expectedHash?: RollingHash,
  ): readonly RecordView[];
  onDurable(listener: (incarnation: IncarnationId, position: Position) => void): void;
  onSeal(listener: (seal: Seal) => void): void;
  onFailure(listener: (error: Error) => void): void;
  sealCopy(seal: Seal): void;
  read(
    incarnation: IncarnationId,
    afterSequence: number,
    maxBytes: number,
    options?: { readonly durableOnly?: boolean },
  ): Promise<JournalChunk | null>;
  hashAt(incarnation: IncarnationId, sequence: number): Promise<RollingHash | null>;
  pendingBytes(incarnation: IncarnationId, afterSequence: number): number;
}

export interface ReplicaVersions {
  readonly highest: number;
  /** True while the synced mark leaves room for this many stamps. */
  hasRoomFor(stamps: number): boolean;
  /** A stamp above every one before. Requires: room. */
  next(): number;
  /** Not null: the mark should be renewed soon. */
  needsMark(): number | null;
  /** A version of the peer: later stamps are above it. */
  observe(version: number): void;
  /** No later stamp is at or below the result: what may be announced once everything stamped is sent. */
  advance(): number;
  /** The peer's wall clock as estimated just now; null when unknown. */
  setPeerClock(wallMs: number | null): void;
}

export interface ReplicaStore {
  readonly nodeId: NodeId;
  readonly own: ReplicaJournal;
  readonly copy: ReplicaJournal | null;
  readonly versions: ReplicaVersions;
  readonly incarnation: IncarnationId;
  readonly isStalled: boolean;
  /** No room for what clients write; what the peer sends and what frees space goes on. */
  readonly isDiskFull: boolean;
  untilRoom(): Promise<void>;
  ensureMark(): Promise<void>;
  openCopy(peer: NodeId): Promise<ReplicaJournal>;
  /** Does a slice of what applying the record will take; true = nothing is left to do ahead. Nobody sees anything of it. */
  prepare(origin: NodeId, incarnation: IncarnationId, record: RecordView): boolean;
  applyOwn(record: RecordView): void;
  applyPeer(incarnation: IncarnationId, record: RecordView): void;
  applyReturned(incarnation: IncarnationId, record: RecordView): void;
  applied(origin: NodeId, incarnation: IncarnationId): number;
  /** False for a data directory that has never stamped a version: new, or wiped. */
  readonly hadMark: boolean;
  agreeEnd(origin: NodeId, incarnation: IncarnationId): void | Promise<void>;
  expectPeer(): void;
  setConfirmed(incarnation: IncarnationId, sequence: number): void;
  setOriginDurable(incarnation: IncarnationId, sequence: number): void;
  announcePeerBound(version: number): void;
  setHorizonHeld(isHeld: boolean): void;
  loadLocal(name: string): Promise<Uint8Array | undefined>;
  saveLocal(name: string, value: Uint8Array, options: { readonly sync: boolean }): Promise<void>;
}
