/**
 * Records into tables: once each, in the order of their incarnation. Used for the node's own records, the peer's, and recovered ones.
 *
 * A small write is applied at once, or with a few others, as soon as anyone looks, where its client waits; a large one in slices, and shows
 * when all of it is (`prepare`). The parts of a multi-part write are stashed, and applied as a whole at its commit, under the commit's version.
 *
 * Between two records it says what everything applied so far amounts to (`state`): what a flush writes down beside the rows, so
 * that after a restart no record is applied again and none is missing.
 */

import assert from 'node:assert';
import type { FlushedState } from './manifest-head.js';
import { MultiPartStash } from './multi-part-stash.js';
import type { Timers } from './ports.js';
import {
  positionKey,
  type IncarnationId,
  type NodeId,
  type Position,
  type PositionVector,
} from './position.js';
import { RecordKind, type RecordView } from './record.js';
import type { SeriesPreparation } from './series-preparation.js';
import { isStaged, StagedWrite } from './staged-write.js';
import type { StateMachine } from './state-machine.js';
import type { TableStore } from './table-store.js';
import { countRows } from './write-body.js';

/** Applying more than this is worth a stretch of its own. */
const SMALL_WRITE_BYTES_MAX = 16 * 1024;
const SMALL_WRITE_ROWS_MAX = 1_000;

export interface RecordApplierDeps {
  readonly nodeId: NodeId;
  readonly tables: TableStore;
  readonly stateMachine: StateMachine;
  readonly timers: Timers;
  /** After each record of a running node. */
  readonly onApplied: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** An incarnation that a journal of this node holds. */
export interface HeldIncarnation {
  readonly origin: NodeId;
  readonly incarnation: IncarnationId;
}

export class RecordApplier {
  readonly #deps: RecordApplierDeps;
  /** Highest applied sequence by position key. Invariant: applied <= durable in that journal. */
  readonly #applied = new Map<string, number>();
  readonly #stashes = new Map<string, MultiPartStash>();
  /** Of records that are to be applied next. */
  readonly #preparations = new WeakMap<RecordView, SeriesPreparation | StagedWrite>();
  #ownIncarnation: IncarnationId = '';
  /** Of the own incarnation: made once, for every own record is counted under it. */
  #ownKey = '';
  #highestApplied: number;
  /** As the manifest had it at the start. */
  readonly #flushedTo: ReadonlyMap<string, number>;
  readonly #replayFrom: ReadonlyMap<string, number>;
  #isSettlingSoon = false;

  constructor(deps: RecordApplierDeps) {
    this.#deps = deps;
    const { flushed } = deps.tables;
    this.#flushedTo = sequencesOf(flushed?.vector ?? []);
    this.#replayFrom = sequencesOf(flushed?.replayFrom ?? []);
    this.#highestApplied = flushed?.highestVersion ?? 0;
  }

  /** Of all records applied, those before the start included. */
  get highestVersion(): number {
    return this.#highestApplied;
  }

  /** Highest applied sequence of an incarnation; 0 when none. */
  applied(origin: NodeId, incarnation: IncarnationId): number {
    const isOwn = incarnation === this.#ownIncarnation && origin === this.#deps.nodeId;
    return this.#applied.get(isOwn ? this.#ownKey : positionKey(origin, incarnation)) ?? 0;
  }

  /** This start's own incarnation is open, with records up to this sequence that need not be applied. */
  beginOwn(incarnation: IncarnationId, sequence: number): void {
    this.#ownIncarnation = incarnation;
    this.#ownKey = positionKey(this.#deps.nodeId, incarnation);
    this.#applied.set(this.#ownKey, sequence);
  }

  // ---- a running node ----

  /**
   * Does ahead what can be done of a record that is going to be applied, a slice of a millisecond a call; false = there is more. Nobody sees
   * anything of it, and other records may be applied meanwhile. `origin` and `incarnation` are the record's.
   */
  prepare(origin: NodeId, incarnation: IncarnationId, record: RecordView): boolean {
    if (record.kind === RecordKind.write && rowsOfSmall(record.body) !== null) return true;
    let preparation = this.#preparations.get(record);
    if (preparation === undefined) {
      const bodies = this.#rowsOf(origin, incarnation, record);
      if (bodies.length === 0) return true;
      const { tables } = this.#deps;
      preparation = isStaged(bodies)
        ? tables.stageWrite(record.version, bodies)
        : tables.prepareWrite(bodies);
      this.#preparations.set(record, preparation);
    }
    return preparation.step();
  }

  /** The bodies of what the record makes visible. */
  #rowsOf(origin: NodeId, incarnation: IncarnationId, record: RecordView): readonly Uint8Array[] {
    if (record.kind === RecordKind.commit) {
      return this.#stashes.get(positionKey(origin, incarnation))?.partsOf(record) ?? [];
    }
    return record.kind === RecordKind.write ? [record.body] : [];
  }

  /** The next record of its incarnation. */
  apply(origin: NodeId, incarnation: IncarnationId, record: RecordView): void {
    const id = this.#nextOf(origin, incarnation, record);
    this.#applyPrepared(id, origin, record);
    this.#noteApplied(id, record);
    this.#deps.onApplied();
  }

  /**
   * The next one of the own incarnation. Small writes get into the tables some at a time, at the end of a turn, or as soon as anyone looks at
   * them: clients that write row by row have their answers first.
   */
  applyOwn(record: RecordView): void {
    const { nodeId, tables, onApplied } = this.#deps;
    const rows = record.kind === RecordKind.write ? rowsOfSmall(record.body) : null;
    if (rows === null) {
      this.apply(nodeId, this.#ownIncarnation, record);
      return;
    }
    const id = this.#nextOf(nodeId, this.#ownIncarnation, record);
    tables.applyWriteLater(record.version, record.body, rows);
    this.#noteApplied(id, record);
    onApplied();
    if (tables.isSettlingDue) this.#settleSoon();
  }

  #settleSoon(): void {
    if (this.#isSettlingSoon) return;
    this.#isSettlingSoon = true;
    void this.#deps.timers.yieldTurn().then(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#isSettlingSoon = false;
    try {
      this.#deps.tables.settle();
      this.#deps.onApplied();
    } catch (error) {
      this.#deps.onFailure(error);
    }
  }

  /** Key of the incarnation, whose next record this must be. */
  #nextOf(origin: NodeId, incarnation: IncarnationId, record: RecordView): string {
    const isOwn = origin === this.#deps.nodeId && incarnation === this.#ownIncarnation;
    const id = isOwn ? this.#ownKey : positionKey(origin, incarnation);
    const applied = this.#applied.get(id) ?? 0;
    assert(record.sequence === applied + 1, `records of ${id} are applied once and in order`);
    return id;
  }

  #noteApplied(id: string, record: RecordView): void {
    this.#applied.set(id, record.sequence);
    if (record.version > this.#highestApplied) this.#highestApplied = record.version;
  }

  /** Parts of this incarnation that have no commit are orphans for ever. */
  dropParts(origin: NodeId, incarnation: IncarnationId): void {
    this.#stashes.get(positionKey(origin, incarnation))?.dropAll();
  }

  // ---- recovery ----

  /** The sequence behind which an incarnation's records must be replayed, the first next. */
  beginReplay(origin: NodeId, incarnation: IncarnationId): number {
    const id = positionKey(origin, incarnation);
    const from = this.#replayFrom.get(id) ?? 0;
    this.#applied.set(id, from);
    return from;
  }

  /** The record's rows are in runs already. */
  isFlushed(origin: NodeId, incarnation: IncarnationId, record: RecordView): boolean {
    return record.sequence <= this.#flushedThrough(positionKey(origin, incarnation));
  }

  /** At or below the flushed position only what later records refer to is needed again: open parts and schemas. */
  replay(origin: NodeId, incarnation: IncarnationId, record: RecordView): void {
    const id = positionKey(origin, incarnation);
    if (record.sequence > this.#flushedThrough(id)) {
      this.#applyPrepared(id, origin, record);
    } else if (record.kind === RecordKind.part) {
      this.#stash(id).add(record);
    } else if (record.kind === RecordKind.commit || record.kind === RecordKind.abort) {
      this.#stash(id).drop(record);
    }
    this.#noteApplied(id, record);
  }

  #flushedThrough(id: string): number {
    return this.#flushedTo.get(id) ?? 0;
  }

  // ---- what a flush writes down ----

  /** What everything applied so far amounts to, over the incarnations that the journals hold. */
  state(held: readonly HeldIncarnation[]): FlushedState {
    const vector = vectorOf(held, (id) =>
      // A flush in the middle of a replay must not forget what was flushed before and is not replayed again yet.
      Math.max(this.#flushedThrough(id), this.#applied.get(id) ?? 0),
    );
    const replayFrom = vectorOf(held, (id) => {
      const firstPart = this.#stashes.get(id)?.firstPartSequence ?? null;
      const applied = this.#applied.get(id) ?? 0;
      return firstPart === null ? applied : Math.min(applied, firstPart - 1);
    });
    return {
      vector,
      replayFrom,
      catalog: this.#deps.stateMachine.snapshot(),
      highestVersion: this.#highestApplied,
    };
  }

  // ---- inside ----

  /** With what was done of it ahead. */
  #applyPrepared(id: string, origin: NodeId, record: RecordView): void {
    const preparation = this.#preparations.get(record);
    if (preparation instanceof StagedWrite) {
      if (record.kind === RecordKind.commit) this.#stash(id).take(record);
      this.#deps.tables.publish(preparation);
    } else {
      this.#applyRecord(id, origin, record);
      preparation?.end();
    }
  }

  #applyRecord(id: string, origin: NodeId, record: RecordView): void {
    const { tables, stateMachine } = this.#deps;
    switch (record.kind) {
      case RecordKind.schema:
        tables.applySchema(record.body);
        return;
      case RecordKind.write:
        tables.applyWrite(record.version, record.body, 0);
        return;
      case RecordKind.part:
        this.#stash(id).add(record);
        return;
      case RecordKind.commit:
        tables.applyMultiPart(record.version, this.#stash(id).take(record));
        return;
      case RecordKind.abort:
        this.#stash(id).drop(record);
        return;
      case RecordKind.ddl:
        stateMachine.apply(record.version, origin, record.body);
        return;
      case RecordKind.expiry:
        tables.applyExpiry(record.body);
        return;
      default:
        // Opening records carry no rows; kinds of a later release are kept in the journal and not applied.
        return;
    }
  }

  #stash(id: string): MultiPartStash {
    let stash = this.#stashes.get(id);
    if (stash === undefined) {
      stash = new MultiPartStash();
      this.#stashes.set(id, stash);
    }
    return stash;
  }
}

/** Of a small write; null = the write is large. */
function rowsOfSmall(body: Uint8Array): number | null {
  if (body.length > SMALL_WRITE_BYTES_MAX) return null;
  const rows = countRows(body, SMALL_WRITE_ROWS_MAX);
  return rows < SMALL_WRITE_ROWS_MAX ? rows : null;
}

function vectorOf(
  held: readonly HeldIncarnation[],
  sequenceOf: (id: string) => number,
): PositionVector {
  // Only the sequence matters for replay; hashes are the journals' own business.
  return held.map(({ origin, incarnation }): Position & { origin: NodeId } => {
    const sequence = sequenceOf(positionKey(origin, incarnation));
    return { origin, incarnation, sequence, hash: '' };
  });
}

function sequencesOf(vector: PositionVector): ReadonlyMap<string, number> {
  return new Map(
    vector.map(({ origin, incarnation, sequence }) => [positionKey(origin, incarnation), sequence]),
  );
}
