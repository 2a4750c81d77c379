/**
 * The gate: admits writes and releases acknowledgements so that the RPO budget is never exceeded.
 *
 * A pure state machine. It knows sizes, sequences and times, but no journal, socket or clock: every method takes `nowMs` (monotonic)
 * and returns the effects that the caller must carry out, in order. The same calls give the same effects, which is why
 * `gate-exhaustive.test.ts` can walk through every reachable state.
 *
 *            admit            append            durable           confirmed
 *   request -------> reserved -------> pending -------> (passes?) -----------> gone
 *      | timeout                                   | server's gate: `visible`
 *      v                                           | session's gate: `acknowledged`
 *   notApplied                                     v timeout
 *                                              unconfirmed (stays; becomes visible when it passes)
 *
 * Admission, FIFO. With used = pending + reserved:
 *   gated          used + size <= limit, or used = 0; a record above the limit goes alone, and only while linked
 *   budget 0       the limit is the window of synchronous writes, and only while linked
 *   open           (degraded or released, not yet leaving) always
 *   span           nothing is admitted while the oldest pending record is older than the span
 * Passing, in sequence order: durable here, and (pending up to and including the record <= budget and span kept, or confirmed, or open).
 * An acknowledgement beyond the budget in force for it (the session's, if stricter) carries the state's name as warning.
 *
 * Leaving: once the peer is linked and what is pending fits, new appends are gated again and `leavingAfter` notes the position; records at or
 * below it are still let through with the warning; the state ends when the peer has confirmed the position.
 *
 * Entering takes two steps, `persist` and `persisted`: no acknowledgement leaves beyond the budget before the state that excuses
 * it is on disk.
 *
 * What bounds the memory here: requests by `waitersMax`; records in flight by what was admitted; times by AGE_GROUPS_MAX. A
 * record that is visible and answered leaves no trace but its bytes in a sum, so a degraded node may have millions pending.
 */

import assert from 'node:assert';
import { AppendAges } from './append-ages.js';
import type {
  AcknowledgementWarning,
  GateBudget,
  GateClaim,
  GateEffect,
  GateEntry,
  GateOptions,
  GateStart,
  GateState,
  RequestId,
} from './gate-state.js';

export class Gate {
  readonly #options: GateOptions;
  readonly #state: GateState;
  readonly #ages = new AppendAges();
  #effects: GateEffect[] = [];

  constructor(options: GateOptions, budget: GateBudget, start: GateStart, nowMs: number) {
    this.#options = options;
    this.#state = {
      budgetBytes: budget.bytes,
      spanMs: budget.spanMs,
      isLinked: false,
      isUnprotected: false,
      lostAtMs: options.hasPeer ? nowMs : null,
      mode: options.hasPeer ? start.mode : 'gated',
      leavingAfter: start.isLeaving && start.mode !== 'gated' ? start.sequence : null,
      entering: null,
      ticket: 0,
      appended: start.sequence,
      durable: start.sequence,
      visible: start.sequence,
      confirmed: 0,
      totalBytes: 0,
      pendingBytes: 0,
      recoveredBytes: options.hasPeer ? start.recoveredBytes : 0,
      reservedBytes: 0,
      reservations: [],
      requests: [],
      entries: [],
      sessions: [],
      waiting: [],
      waitingCount: 0,
    };
  }

  /** Read only; the exhaustive test and `status` look at it. */
  get state(): Readonly<GateState> {
    return this.#state;
  }

  /** The same gate, to go on from here independently. */
  copy(): Gate {
    const copy = new Gate(
      this.#options,
      { bytes: 0, spanMs: null },
      { mode: 'gated', isLeaving: false, sequence: 0, recoveredBytes: 0 },
      0,
    );
    const entries = new Map<GateEntry, GateEntry>();
    const copyOf = (entry: GateEntry): GateEntry => {
      const made = entries.get(entry) ?? { ...entry };
      entries.set(entry, made);
      return made;
    };
    const state = this.#state;
    Object.assign(copy.#state, state, {
      reservations: [...state.reservations],
      requests: [...state.requests],
      entries: state.entries.map(copyOf),
      sessions: state.sessions.map(copyOf),
      waiting: state.waiting.map(copyOf),
    });
    copy.#ages.copyFrom(this.#ages);
    return copy;
  }

  /** Own records that the peer has not confirmed, in counted bytes: what would be lost if this node died now. */
  get pendingBytes(): number {
    return this.#state.pendingBytes + this.#state.recoveredBytes;
  }

  /** True when what is pending fits the budget in force. */
  get fits(): boolean {
    return this.pendingBytes <= this.#state.budgetBytes;
  }

  /** True when acknowledgements may go beyond the budget (with the warning). */
  get isOpen(): boolean {
    return this.#state.mode !== 'gated' && this.#state.leavingAfter === null;
  }

  /** Requests queued for admission and records whose answer waits. */
  get blockedCount(): number {
    return this.#state.requests.length + this.#state.waitingCount;
  }

  /** A record of so many counted bytes that asked now would be let through at once, and fit within what is in force beside all others. */
  hasRoomFor(bytes: number, nowMs: number): boolean {
    const state = this.#state;
    if (state.requests.length > 0) return false;
    if (!this.#options.hasPeer || this.isOpen) return true;
    return this.#fitsIn(bytes) && this.#admits(bytes, nowMs);
  }

  /** Age of the oldest pending record; 0 when nothing is pending, Infinity for records of an earlier start. */
  spanMs(nowMs: number): number {
    if (this.pendingBytes === 0) return 0;
    if (this.#state.recoveredBytes > 0) return Infinity;
    return this.#ages.oldestAfter(this.#state.confirmed, nowMs);
  }

  // ---- events ----

  /** A record of `bytes` counted bytes asks for room. Answered by `granted` or `notApplied`, perhaps later. */
  admit(id: RequestId, bytes: number, nowMs: number): readonly GateEffect[] {
    const state = this.#state;
    if (state.requests.length >= this.#options.waitersMax) {
      this.#effects.push({ type: 'notApplied', request: id, reason: 'queue-full' });
      return this.#take();
    }
    state.requests.push({ id, bytes, deadlineMs: nowMs + this.#options.waitTimeoutMs });
    return this.#settle(nowMs);
  }

  /** The client went away before its record was appended: queued or granted, it is forgotten. */
  release(id: RequestId, nowMs: number): readonly GateEffect[] {
    const state = this.#state;
    const queued = state.requests.findIndex((request) => request.id === id);
    if (queued >= 0) state.requests.splice(queued, 1);
    else this.#endReservation(id);
    return this.#settle(nowMs);
  }

  /**
   * A record was appended: at most as large as its reservation. Records that count 0 bytes (schema, abort, expiry) have none.
   * `waiter` null: nobody is answered for it (a part; a record that counts 0).
   */
  append(
    reservation: RequestId | null,
    sequence: number,
    bytes: number,
    waiter: { readonly sessionBytes: number | null } | null,
    nowMs: number,
  ): readonly GateEffect[] {
    const state = this.#state;
    assert(sequence === state.appended + 1, 'sequences have no gap');
    const reserved = reservation === null ? 0 : this.#endReservation(reservation);
    assert(bytes <= reserved, 'a record is no larger than its reservation');
    state.appended = sequence;
    const counted = this.#options.hasPeer ? bytes : 0;
    state.totalBytes += counted;
    state.pendingBytes += counted;
    if (counted > 0) this.#ages.add(sequence, nowMs);
    state.entries.push({
      sequence,
      endBytes: state.totalBytes,
      sessionBytes: waiter?.sessionBytes ?? null,
      isWaiting: waiter !== null,
      deadlineMs: Infinity,
    });
    return this.#settle(nowMs);
  }

  /** The own journal has everything up to `sequence` on stable storage. */
  durable(sequence: number, nowMs: number): readonly GateEffect[] {
    const state = this.#state;
    const before = state.durable;
    assert(sequence <= state.appended, 'only what was appended becomes durable');
    if (sequence > before) state.durable = sequence;
    this.#pump(nowMs);
    // What did not pass at once begins to wait now: the wait for the local disk is no wait at the gate.
    this.#beginWaits(state.sessions, before, nowMs);
    this.#beginWaits(state.entries, before, nowMs);
    return this.#take();
  }

  /** Of the entries that have become durable since `before`. */
  #beginWaits(list: readonly GateEntry[], before: number, nowMs: number): void {
    const state = this.#state;
    let index = list.length;
    while (index > 0 && list[index - 1]!.sequence > before) index -= 1;
    for (; index < list.length && list[index]!.sequence <= state.durable; index += 1) {
      const entry = list[index]!;
      if (!entry.isWaiting) continue;
      entry.deadlineMs = nowMs + this.#options.waitTimeoutMs;
      state.waiting.push(entry);
      state.waitingCount += 1;
    }
  }

  /** The peer's latest claim; it replaces the one before, downwards too. */
  confirmed(claim: GateClaim, nowMs: number): readonly GateEffect[] {
    const state = this.#state;
    assert(claim.sequence <= state.appended, 'only what was appended is confirmed');
    assert(claim.pendingBytes <= state.totalBytes, 'no more is pending than was appended');
    state.confirmed = claim.sequence;
    state.pendingBytes = claim.pendingBytes;
    state.recoveredBytes = claim.recoveredBytes;
    state.isUnprotected = claim.isUnprotected;
    this.#ages.confirm(claim.sequence);
    this.#noteLoss(nowMs);
    return this.#settle(nowMs);
  }

  /** The link to the peer came up (after the handshake) or was found lost (refused or reset: at once; silence: after `dead_after`). */
  linked(isLinked: boolean, nowMs: number): readonly GateEffect[] {
    this.#state.isLinked = isLinked;
    this.#noteLoss(nowMs);
    return this.#settle(nowMs);
  }

  /** `SET GLOBAL rpo_bytes / rpo_span`: new acknowledgements obey at once. */
  setBudget(budget: GateBudget, nowMs: number): readonly GateEffect[] {
    this.#state.budgetBytes = budget.bytes;
    this.#state.spanMs = budget.spanMs;
    return this.#settle(nowMs);
  }

  /** The operator says "go on alone". */
  releasePeer(nowMs: number): readonly GateEffect[] {
    if (this.#options.hasPeer && !this.isOpen) this.#enter('released');
    return this.#settle(nowMs);
  }

  persisted(ticket: number, nowMs: number): readonly GateEffect[] {
    const state = this.#state;
    const entering = state.entering;
    if (entering === null || entering.ticket !== ticket) return this.#settle(nowMs);
    state.entering = null;
    if (entering.mode === 'degraded' && state.lostAtMs === null) {
      // The peer came back meanwhile; say so on disk as well.
      this.#persist();
    } else if (ticket !== state.ticket) {
      // Something else was sent to disk behind it (the end of the state before): this must be the last word there.
      this.#enter(entering.mode);
    } else {
      state.mode = entering.mode;
      state.leavingAfter = null;
    }
    return this.#settle(nowMs);
  }

  /** Time has passed. Call at `nextDeadlineMs` at the latest. */
  tick(nowMs: number): readonly GateEffect[] {
    const state = this.#state;
    const degradeAt = this.#degradeAtMs();
    if (degradeAt !== null && degradeAt <= nowMs) this.#enter('degraded');
    while (state.requests.length > 0 && state.requests[0]!.deadlineMs <= nowMs) {
      const request = state.requests.shift()!;
      this.#effects.push({ type: 'notApplied', request: request.id, reason: 'timeout' });
    }
    while (state.waiting.length > 0) {
      const entry = state.waiting[0]!;
      if (entry.isWaiting && entry.deadlineMs > nowMs) break;
      state.waiting.shift();
      if (!entry.isWaiting) continue;
      entry.isWaiting = false;
      state.waitingCount -= 1;
      this.#effects.push({ type: 'unconfirmed', sequence: entry.sequence });
    }
    return this.#settle(nowMs);
  }

  /** When `tick` has something to do next, or null. */
  nextDeadlineMs(): number | null {
    const { requests, waiting } = this.#state;
    while (waiting.length > 0 && !waiting[0]!.isWaiting) waiting.shift();
    const next = Math.min(
      requests[0]?.deadlineMs ?? Infinity,
      waiting[0]?.deadlineMs ?? Infinity,
      this.#degradeAtMs() ?? Infinity,
    );
    return next === Infinity ? null : next;
  }

  // ---- rules ----

  #admits(bytes: number, nowMs: number): boolean {
    const state = this.#state;
    if (!this.#options.hasPeer || this.isOpen) return true;
    if (state.budgetBytes === 0 && !state.isLinked) return false;
    if (this.pendingBytes + state.reservedBytes > 0) {
      return this.#fitsIn(bytes) && this.#keepsSpan(nowMs);
    }
    return state.isLinked || this.#fitsIn(bytes);
  }

  /** Beside what is pending and reserved. */
  #fitsIn(bytes: number): boolean {
    const { budgetBytes, reservedBytes } = this.#state;
    const limit = budgetBytes === 0 ? this.#options.syncWindowBytes : budgetBytes;
    return this.pendingBytes + reservedBytes + bytes <= limit;
  }

  #keepsSpan(nowMs: number): boolean {
    return this.#state.spanMs === null || this.spanMs(nowMs) <= this.#state.spanMs;
  }

  #isWithin(entry: GateEntry, budgetBytes: number, nowMs: number): boolean {
    const state = this.#state;
    if (!this.#options.hasPeer) return true;
    if (entry.sequence <= state.confirmed && state.recoveredBytes === 0) return true;
    const confirmedBytes = state.totalBytes - state.pendingBytes;
    const upTo = state.recoveredBytes + Math.max(0, entry.endBytes - confirmedBytes);
    return upTo <= budgetBytes && this.#keepsSpan(nowMs);
  }

  /** The state that lets this record through beyond the budget, or null. */
  #excuse(entry: GateEntry): AcknowledgementWarning | null {
    const { mode, leavingAfter } = this.#state;
    if (mode === 'gated') return null;
    return leavingAfter === null || entry.sequence <= leavingAfter ? mode : null;
  }

  #sessionBudget(entry: GateEntry): number {
    return Math.min(this.#state.budgetBytes, entry.sessionBytes ?? Infinity);
  }

  // ---- moving on ----

  #settle(nowMs: number): readonly GateEffect[] {
    this.#pump(nowMs);
    return this.#take();
  }

  #take(): readonly GateEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Everything that has become possible, until nothing more is. Every event ends here: no wake-up can be lost. */
  #pump(nowMs: number): void {
    this.#leave();
    this.#passEntries(nowMs);
    this.#passSessions(nowMs);
    const { requests } = this.#state;
    while (requests.length > 0 && this.#admits(requests[0]!.bytes, nowMs)) {
      const { id, bytes } = requests.shift()!;
      this.#state.reservedBytes += bytes;
      this.#state.reservations.push({ id, bytes });
      this.#effects.push({ type: 'granted', request: id });
    }
  }

  #leave(): void {
    const state = this.#state;
    if (state.mode === 'gated') return;
    if (state.leavingAfter === null) {
      const limit = Math.max(state.budgetBytes, this.#options.syncWindowBytes);
      const isBack = state.isLinked && !state.isUnprotected;
      if (!isBack || this.pendingBytes + state.reservedBytes > limit) return;
      state.leavingAfter = state.appended;
      if (!this.#isLeft()) this.#persist();
    }
    if (this.#isLeft()) {
      state.mode = 'gated';
      state.leavingAfter = null;
      this.#persist();
    }
  }

  #isLeft(): boolean {
    const state = this.#state;
    return state.confirmed >= (state.leavingAfter ?? Infinity) && state.recoveredBytes === 0;
  }

  #passEntries(nowMs: number): void {
    const state = this.#state;
    if (state.entries.length === 0) return;
    const before = state.visible;
    const answers: GateEffect[] = [];
    while (state.entries.length > 0) {
      const entry = state.entries[0]!;
      if (entry.sequence > state.durable) break;
      const isWithin = this.#isWithin(entry, state.budgetBytes, nowMs);
      if (!isWithin && this.#excuse(entry) === null) break;
      state.entries.shift();
      state.visible = entry.sequence;
      if (entry.isWaiting && !this.#answer(entry, answers, nowMs)) state.sessions.push(entry);
    }
    // Visible first: who reads its acknowledgement must find its rows.
    if (state.visible > before) this.#effects.push({ type: 'visible', through: state.visible });
    for (const answer of answers) this.#effects.push(answer);
  }

  #passSessions(nowMs: number): void {
    const state = this.#state;
    if (state.sessions.length === 0) return;
    state.sessions = state.sessions.filter(
      (entry) => entry.isWaiting && !this.#answer(entry, this.#effects, nowMs),
    );
  }

  #answer(entry: GateEntry, answers: GateEffect[], nowMs: number): boolean {
    const isWithin = this.#isWithin(entry, this.#sessionBudget(entry), nowMs);
    const warning = isWithin ? null : this.#excuse(entry);
    if (!isWithin && warning === null) return false;
    entry.isWaiting = false;
    if (entry.deadlineMs !== Infinity) this.#state.waitingCount -= 1;
    answers.push({ type: 'acknowledged', sequence: entry.sequence, warning });
    return true;
  }

  #endReservation(id: RequestId): number {
    const { reservations } = this.#state;
    const newest = reservations.at(-1);
    let bytes: number;
    if (newest?.id === id) {
      // As good as always: a record is appended in the turn of its grant.
      ({ bytes } = newest);
      reservations.pop();
    } else {
      const index = reservations.findIndex((reservation) => reservation.id === id);
      assert(index >= 0, 'a reservation ends once');
      ({ bytes } = reservations[index]!);
      reservations.splice(index, 1);
    }
    this.#state.reservedBytes -= bytes;
    return bytes;
  }

  // ---- losing the peer ----

  #noteLoss(nowMs: number): void {
    const state = this.#state;
    if (!this.#options.hasPeer) return;
    const isLost = !state.isLinked || state.isUnprotected;
    state.lostAtMs = isLost ? (state.lostAtMs ?? nowMs) : null;
  }

  #degradeAtMs(): number | null {
    const state = this.#state;
    if (this.#options.onPeerLoss !== 'degrade' || state.lostAtMs === null) return null;
    if (this.isOpen || state.entering !== null) return null;
    return state.lostAtMs + this.#options.degradeAfterMs;
  }

  #enter(mode: 'degraded' | 'released'): void {
    const state = this.#state;
    state.ticket += 1;
    state.entering = { mode, ticket: state.ticket };
    this.#effects.push({ type: 'persist', ticket: state.ticket, mode, isLeaving: false });
  }

  #persist(): void {
    const state = this.#state;
    state.ticket += 1;
    const isLeaving = state.leavingAfter !== null;
    this.#effects.push({ type: 'persist', ticket: state.ticket, mode: state.mode, isLeaving });
  }
}
