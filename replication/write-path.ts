/**
 * The way of a write through this node: admitted -> stamped and appended -> durable, and confirmed by the peer -> the gate ->
 * visible -> acknowledged. This file carries out what the gate (gate.ts) decides; from the append on, records wait in appended-writes.ts.
 *
 * Order is everything here:
 * - From the grant to the end of the append nothing else runs: validation, schema records, stamp and append are one synchronous step. So
 *   sequence order is stamp order, and what `validate` saw is still true when the record is in the journal.
 * - A failure before the append is "not applied", and that is true. After it, either the gate answers or nobody does: when the
 *   node fails, every waiting write ends with OutcomeUnknownError.
 */

import {
  isGatedKind,
  LAID_OUT_BYTES_MIN,
  LaidOutBody,
  RecordKind,
  recordBytesOf,
  type Clock,
  type RecordView,
  type TableSchema,
  type Timer,
  type Timers,
} from '../storage/index.js';
import { AppendedWrites, type Acknowledgement, type RecordWaiter } from './appended-writes.js';
import type { Gate } from './gate.js';
import type { GateBudget, GateClaim, GateEffect, RequestId } from './gate-state.js';
import {
  DiskFullError,
  NotAppliedError,
  OutcomeUnknownError,
  RecordTooLargeError,
  type NotAppliedReason,
} from './errors.js';
import type { ReplicaStore } from './replica-store.js';
import { SegmentSchemas } from './segment-schemas.js';

/** As much of an AbortSignal as a write looks at. */
export interface WriteCancellation {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options: { readonly once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface WriteOptions {
  /** The schemas that the record's sections name. */
  readonly schemas: readonly TableSchema[];
  /** Stricter than the server's budget, or without effect. */
  readonly session?: { readonly rpoBytes?: number } | undefined;
  /** Counts only until the append. */
  readonly signal?: WriteCancellation | undefined;
  /** It deletes or drops, and adds no rows: goes on when the disk's last bytes are kept from clients. */
  readonly freesSpace?: boolean;
  /** It is of several statements. */
  readonly isShared?: boolean;
  /** Runs right before the append, in the same turn; when it throws, the write is not applied and rejects with that error. */
  readonly validate?: () => void;
}

/** Body parts, or what makes them from the record's version. */
export type WriteBody = readonly Uint8Array[] | ((version: number) => readonly Uint8Array[]);

export interface WritePathDeps {
  readonly store: ReplicaStore;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly timers: Timers;
  /** A record was appended: there is something to send. */
  readonly onAppended: () => void;
  /** After every change of the gate: state to show, ledger to keep. */
  readonly onGateMoved: () => void;
  /** The gate's mode must be on stable storage before this resolves. */
  readonly saveMode: (mode: GateEffect & { readonly type: 'persist' }) => Promise<void>;
  /** An acknowledgement of this many record bytes went beyond the budget. */
  readonly onBeyondBudget: (recordBytes: number) => void;
  readonly onFailure: (error: Error) => void;
}

/** A body made from its version may come out longer than the trial by this: numbers are written in up to 9 bytes. */
const STAMPED_BODY_SLACK_BYTES = 64;

type HeldKind =
  | typeof RecordKind.write
  | typeof RecordKind.part
  | typeof RecordKind.commit
  | typeof RecordKind.ddl;

interface HoldOptions {
  /** False: answered when durable and not by the gate (a part). */
  readonly isAnswered: boolean;
  readonly onAppended?: (record: RecordView) => void;
}

/** One record on its way: a plain object, for a statement of one row should not pay for a handful of closures. */
interface HeldRecord extends RecordWaiter {
  readonly kind: HeldKind;
  body: WriteBody | LaidOutBody;
  readonly sizeBytes: number;
  readonly options: WriteOptions;
  readonly how: HoldOptions;
  /** Listens to the signal, from when it had to wait until its append. */
  onAbort: (() => void) | null;
  /** 0 until it asks. */
  request: RequestId;
}

const ANSWERED: HoldOptions = { isAnswered: true };
const NO_SESSION = { sessionBytes: null };

export class WritePath {
  readonly #deps: WritePathDeps;
  readonly #maxRecordBytes: number;
  readonly #schemas: SegmentSchemas;
  /** Who waits to be let through. */
  readonly #requests = new Map<RequestId, HeldRecord>();
  /** Who asks in this turn: most are let through at once and never get among those who wait. */
  #asking: HeldRecord | null = null;
  readonly #appended: AppendedWrites;
  readonly #effects: GateEffect[] = [];
  #isCarryingOut = false;
  #saving: Promise<void> = Promise.resolve();
  #lastRequest = 0;
  #timer: { readonly timer: Timer; readonly atMs: number } | null = null;
  /** Why no write is taken now. */
  #closedReason: 'stopping' | 'new-node' | null = null;
  #failure: Error | null = null;
  #blockedMsTotal = 0;
  #blockedSinceMs: number;
  #idleListeners: (() => void)[] = [];

  constructor(deps: WritePathDeps, options: { readonly maxRecordBytes: number }) {
    this.#deps = deps;
    this.#maxRecordBytes = options.maxRecordBytes;
    this.#schemas = new SegmentSchemas(deps.store.own);
    this.#appended = new AppendedWrites(
      {
        store: deps.store,
        clock: deps.clock,
        timers: deps.timers,
        onBeyondBudget: deps.onBeyondBudget,
        onAnswered: () => this.#tellIdle(),
        onFailure: (error) => this.#failNode(error),
      },
      deps.gate.state.visible,
    );
    this.#blockedSinceMs = deps.clock.monotonicMs();
    deps.store.own.onDurable((incarnation, position) => {
      if (incarnation === deps.store.incarnation) this.#onDurable(position.sequence);
    });
  }

  get blockedMsTotal(): number {
    this.#countBlocked(this.#nowMs());
    return this.#blockedMsTotal;
  }

  // ---- writing ----

  /** One record. Rejects with NotAppliedError, DiskFullError, UnconfirmedError, RecordTooLargeError, what `validate` threw, or OutcomeUnknownError. */
  write(kind: 'write' | 'ddl', body: WriteBody, options: WriteOptions): Promise<Acknowledgement> {
    return this.hold(kind === 'ddl' ? RecordKind.ddl : RecordKind.write, body, options, ANSWERED);
  }

  /** A `write` of so many record bytes and schemas would be appended in this turn: it waits for nothing, and fits the budget in force. */
  admitsNow(recordBytes: number, schemaCount: number): boolean {
    const { store, gate } = this.#deps;
    if (this.#failure !== null || this.#closedReason !== null) return false;
    if (store.isStalled || store.isDiskFull) return false;
    if (recordBytes > this.#maxRecordBytes || recordBytes >= LAID_OUT_BYTES_MIN) return false;
    return (
      store.versions.hasRoomFor(schemaCount + 1) && gate.hasRoomFor(recordBytes, this.#nowMs())
    );
  }

  /** One record of any held kind; for `MultiPartWrite`. If it is not large and there is room for it, it asks the gate in this turn. */
  hold(
    kind: HeldKind,
    body: WriteBody,
    options: WriteOptions,
    how: HoldOptions,
  ): Promise<Acknowledgement> {
    return new Promise((resolve, reject) => {
      this.#check(options.signal);
      const sizeBytes = this.#sizeOf(body);
      const record: HeldRecord = {
        kind,
        body,
        sizeBytes,
        options,
        how,
        resolve,
        reject,
        onAbort: null,
        request: 0,
        view: null,
      };
      if (sizeBytes > this.#maxRecordBytes) {
        throw new RecordTooLargeError(sizeBytes, this.#maxRecordBytes);
      }
      if (!mayUseReserve(record)) this.#checkSpace();
      const isLarge = typeof body !== 'function' && sizeBytes >= LAID_OUT_BYTES_MIN;
      if (isLarge) this.#askLaidOut(record, body);
      else if (this.#deps.store.isStalled) this.#askWhenRoom(record);
      else this.#ask(record);
    });
  }

  /** The turn of its append would be long otherwise. */
  #askLaidOut(record: HeldRecord, parts: readonly Uint8Array[]): void {
    LaidOutBody.of(parts, this.#deps.timers)
      .then((laidOut) => {
        record.body = laidOut;
        if (this.#deps.store.isStalled) this.#askWhenRoom(record);
        else this.#askLater(record);
      })
      .catch((error: unknown) => record.reject(error as Error));
  }

  #askWhenRoom(record: HeldRecord): void {
    this.#deps.store
      .untilRoom()
      .then(() => this.#askLater(record))
      .catch((error: unknown) => record.reject(error as Error));
  }

  /** In another turn than it came in. */
  #askLater(record: HeldRecord): void {
    this.#check(record.options.signal);
    if (!mayUseReserve(record)) this.#checkSpace();
    this.#ask(record);
  }

  /** Whoever is not let through at once can give up while it waits. */
  #ask(record: HeldRecord): void {
    this.renewMark();
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    record.request = request;
    this.#asking = record;
    const nowMs = this.#nowMs();
    this.#carryOut(this.#deps.gate.admit(request, record.sizeBytes, nowMs), nowMs);
    if (this.#asking !== record) return;
    this.#asking = null;
    this.#requests.set(request, record);
    const { signal } = record.options;
    if (signal === undefined) return;
    record.onAbort = () => this.#abort(request);
    signal.addEventListener('abort', record.onAbort, { once: true });
  }

  /** A record that counts nothing and is never held: nobody waits for it. */
  appendUnheld(
    kind: typeof RecordKind.abort | typeof RecordKind.expiry,
    body: readonly Uint8Array[],
  ): void {
    if (this.#failure !== null) return;
    if (!this.#deps.store.versions.hasRoomFor(1)) {
      void this.#deps.store
        .ensureMark()
        .then(() => this.appendUnheld(kind, body))
        .catch((error: unknown) => this.#failNode(error));
      return;
    }
    this.#append(kind, body, null, null);
  }

  /**
   * Says what has expired; nobody waits for it. False = not now: the node is stopping, or new and ignorant of its peer's versions, or
   * its disk is full.
   */
  expire(body: Uint8Array): boolean {
    if (this.#failure !== null || this.#closedReason !== null) return false;
    if (this.#deps.store.own.isFullFor(recordBytesOf([body]))) return false;
    this.appendUnheld(RecordKind.expiry, [body]);
    return true;
  }

  // ---- what moves the gate from outside ----

  confirmed(claim: GateClaim): void {
    const nowMs = this.#nowMs();
    this.#carryOut(this.#deps.gate.confirmed(claim, nowMs), nowMs);
  }

  linked(isLinked: boolean): void {
    const nowMs = this.#nowMs();
    this.#carryOut(this.#deps.gate.linked(isLinked, nowMs), nowMs);
  }

  setBudget(budget: GateBudget): void {
    const nowMs = this.#nowMs();
    this.#carryOut(this.#deps.gate.setBudget(budget, nowMs), nowMs);
  }

  releasePeer(): void {
    const nowMs = this.#nowMs();
    this.#carryOut(this.#deps.gate.releasePeer(nowMs), nowMs);
  }

  /** A new data directory takes no write until its peer's versions are known. */
  waitForPeer(isWaiting: boolean): void {
    if (this.#closedReason !== 'stopping') this.#closedReason = isWaiting ? 'new-node' : null;
  }

  /** Keeps stamps possible, and our announced bound moving: it never goes beyond the mark. Also to be called on an idle node. */
  renewMark(): void {
    if (this.#failure !== null || this.#deps.store.versions.needsMark() === null) return;
    void this.#deps.store.ensureMark().catch((error: unknown) => this.#failNode(error));
  }

  // ---- the end ----

  /** Takes no new write and resolves when every one under way is answered, at most `drainMs` later. */
  async drain(drainMs: number): Promise<void> {
    this.#closedReason = 'stopping';
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => {
      const timer = this.#deps.timers.after(drainMs, resolve);
      this.#idleListeners.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Ends every wait: those not appended were not applied, of the others nobody knows. Resolves when nothing of this runs any more. */
  async close(cause: Error): Promise<void> {
    this.#fail(cause);
    await this.#saving;
  }

  #fail(cause: Error): void {
    if (this.#failure !== null) return;
    this.#failure = cause;
    this.#timer?.timer.cancel();
    this.#timer = null;
    const waiting = [...this.#requests.values()];
    if (this.#asking !== null) waiting.push(this.#asking);
    for (const record of waiting) {
      this.#forget(record);
      record.reject(new NotAppliedError('stopping', 'the node is stopping'));
    }
    this.#appended.close(cause);
    this.#tellIdle();
  }

  // ---- from the grant to the append ----

  #granted(request: RequestId): void {
    const record = this.#recordOf(request);
    if (record === null) return;
    if (!this.#deps.store.versions.hasRoomFor(record.options.schemas.length + 1)) {
      // The mark is not on disk yet; the reservation stands meanwhile, so the budget still holds.
      void this.#deps.store
        .ensureMark()
        .then(() => this.#granted(request))
        .catch((error: unknown) => this.#failNode(error));
      return;
    }
    this.#forget(record);
    const { schemas, validate } = record.options;
    try {
      if (this.#deps.store.own.isFullFor(record.sizeBytes)) throw new DiskFullError();
      if (!mayUseReserve(record)) this.#checkSpace();
      validate?.();
    } catch (error) {
      record.reject(error as Error);
      this.#release(request);
      return;
    }
    try {
      for (const body of this.#schemas.bodiesBefore(record.sizeBytes, schemas)) {
        this.#append(RecordKind.schema, body, null, null);
      }
      this.#append(record.kind, record.body, request, record);
    } catch (error) {
      record.reject(new OutcomeUnknownError(error));
      this.#failNode(error);
    }
  }

  #append(
    kind: RecordKind,
    body: WriteBody | LaidOutBody,
    request: RequestId | null,
    held: HeldRecord | null,
  ): void {
    const { store, gate } = this.#deps;
    const version = store.versions.next();
    const parts = typeof body === 'function' ? body(version) : body;
    if (held?.options.isShared === true) store.own.meetCompany();
    const view = store.own.append(kind, version, parts);
    this.#appended.add(view, held, held?.how.isAnswered === true);
    held?.how.onAppended?.(view);
    const waiter = held?.how.isAnswered === true ? waiterOf(held.options) : null;
    const bytes = isGatedKind(kind) ? view.bytes.length : 0;
    const nowMs = this.#nowMs();
    this.#carryOut(gate.append(request, view.sequence, bytes, waiter, nowMs), nowMs);
    this.#deps.onAppended();
  }

  #onDurable(sequence: number): void {
    if (this.#failure !== null) return;
    const nowMs = this.#nowMs();
    this.#carryOut(this.#deps.gate.durable(sequence, nowMs), nowMs);
    this.#appended.durable(sequence);
    this.#tellIdle();
  }

  // ---- carrying out ----

  /** Effects of a nested call are carried out after those that led to it. */
  #carryOut(effects: readonly GateEffect[], nowMs: number): void {
    this.#countBlocked(nowMs);
    for (const effect of effects) this.#effects.push(effect);
    if (this.#isCarryingOut) return;
    this.#isCarryingOut = true;
    try {
      while (this.#effects.length > 0 && this.#failure === null)
        this.#carry(this.#effects.shift()!);
    } finally {
      this.#isCarryingOut = false;
    }
    if (this.#failure !== null) return;
    this.#setTimer();
    this.#deps.onGateMoved();
    this.#tellIdle();
  }

  #carry(effect: GateEffect): void {
    switch (effect.type) {
      case 'granted':
        this.#granted(effect.request);
        return;
      case 'notApplied':
        this.#refuse(effect.request, effect.reason === 'timeout' ? 'budget-full' : 'queue-full');
        return;
      case 'visible':
        this.#appended.pass(effect.through);
        return;
      case 'acknowledged':
        this.#appended.acknowledge(effect);
        return;
      case 'unconfirmed':
        this.#appended.unconfirmed(effect.sequence);
        return;
      case 'persist':
        this.#persist(effect);
        return;
    }
  }

  /** Of one that asks or waits. */
  #recordOf(request: RequestId): HeldRecord | null {
    if (this.#asking?.request === request) return this.#asking;
    return this.#requests.get(request) ?? null;
  }

  #forget(record: HeldRecord): void {
    if (this.#asking === record) this.#asking = null;
    else this.#requests.delete(record.request);
    stopListening(record);
  }

  #refuse(request: RequestId, reason: NotAppliedReason): void {
    const record = this.#recordOf(request);
    if (record === null) return;
    this.#forget(record);
    record.reject(new NotAppliedError(reason, NOT_APPLIED_TEXT[reason]));
  }

  #persist(effect: GateEffect & { readonly type: 'persist' }): void {
    this.#saving = this.#saving
      .then(() => this.#deps.saveMode(effect))
      .then(() => {
        if (this.#failure !== null) return;
        const nowMs = this.#nowMs();
        this.#carryOut(this.#deps.gate.persisted(effect.ticket, nowMs), nowMs);
      })
      .catch((error: unknown) => this.#failNode(error));
  }

  // ---- small parts ----

  #abort(request: RequestId): void {
    if (this.#recordOf(request) === null) return;
    this.#refuse(request, 'aborted');
    this.#release(request);
  }

  #release(request: RequestId): void {
    const nowMs = this.#nowMs();
    this.#carryOut(this.#deps.gate.release(request, nowMs), nowMs);
  }

  #check(signal: WriteCancellation | undefined): void {
    const closed = this.#failure === null ? this.#closedReason : 'stopping';
    if (closed !== null) throw new NotAppliedError(closed, NOT_APPLIED_TEXT[closed]);
    if (signal?.aborted === true) throw new NotAppliedError('aborted', NOT_APPLIED_TEXT['aborted']);
  }

  #checkSpace(): void {
    if (this.#deps.store.isDiskFull) throw new DiskFullError();
  }

  #sizeOf(body: WriteBody): number {
    if (typeof body !== 'function') return recordBytesOf(body);
    return recordBytesOf(body(this.#deps.store.versions.highest)) + STAMPED_BODY_SLACK_BYTES;
  }

  #setTimer(): void {
    const deadlineMs = this.#deps.gate.nextDeadlineMs();
    if (deadlineMs === null) return;
    // A timer that fires too early only looks again: cheaper than a new one for each write.
    if (this.#timer !== null && this.#timer.atMs <= deadlineMs) return;
    this.#timer?.timer.cancel();
    const delayMs = Math.max(0, deadlineMs - this.#nowMs());
    const timer = this.#deps.timers.after(delayMs, () => {
      this.#timer = null;
      if (this.#failure !== null) return;
      const nowMs = this.#nowMs();
      this.#carryOut(this.#deps.gate.tick(nowMs), nowMs);
    });
    this.#timer = { timer, atMs: deadlineMs };
  }

  #countBlocked(nowMs: number): void {
    this.#blockedMsTotal += (nowMs - this.#blockedSinceMs) * this.#deps.gate.blockedCount;
    this.#blockedSinceMs = nowMs;
  }

  get #isIdle(): boolean {
    const isAsked = this.#requests.size > 0 || this.#asking !== null;
    return !isAsked && this.#appended.isIdle;
  }

  #tellIdle(): void {
    if (this.#idleListeners.length === 0 || !this.#isIdle) return;
    for (const listener of this.#idleListeners.splice(0)) listener();
  }

  #failNode(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    this.#fail(cause);
    this.#deps.onFailure(cause);
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}

/** All of a multi-part write but its commit is on the disk already. */
function mayUseReserve({ kind, options }: HeldRecord): boolean {
  return options.freesSpace === true || kind === RecordKind.commit;
}

function waiterOf({ session }: WriteOptions): { readonly sessionBytes: number | null } {
  return session?.rpoBytes === undefined ? NO_SESSION : { sessionBytes: session.rpoBytes };
}

function stopListening(record: HeldRecord): void {
  if (record.onAbort === null) return;
  record.options.signal?.removeEventListener('abort', record.onAbort);
  record.onAbort = null;
}

/** What users read. */
export const NOT_APPLIED_TEXT: Readonly<Record<NotAppliedReason, string>> = {
  'budget-full': 'not applied: the RPO budget is full and the peer does not confirm',
  'queue-full': 'not applied: too many statements wait for the RPO budget',
  aborted: 'not applied: cancelled before it was appended',
  stopping: 'not applied: the node is stopping',
  'new-node': 'not applied: this node is new and has not met its peer yet',
  'part-failed': 'not applied: an earlier part of this write was not applied',
};
