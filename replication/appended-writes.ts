/**
 * Records of this node from their append to their answer. The write path (write-path.ts) brings them here and says what the gate decided.
 *
 * - A record is applied (visible) only when the gate has let it pass, in sequence order.
 * - Whoever waits for it is answered after it is applied. A part of a larger write is answered when it is durable: it shows nothing.
 * - When the node fails nobody knows what became of those that wait: all end with OutcomeUnknownError.
 */

import type { Clock, RecordView, Timers } from '../storage/index.js';
import { OutcomeUnknownError, UnconfirmedError, type JournalPoint } from './errors.js';
import type { AcknowledgementWarning, GateEffect } from './gate-state.js';
import type { ReplicaStore } from './replica-store.js';

export interface Acknowledgement {
  /** The version that all rows of the write carry. */
  readonly version: number;
  readonly position: JournalPoint;
  /** Not null: acknowledged beyond the budget, in this state. */
  readonly warning: AcknowledgementWarning | null;
}

/** Who waits for the answer to a record. */
export interface RecordWaiter {
  /** Null until the append. */
  view: RecordView | null;
  readonly resolve: (acknowledgement: Acknowledgement) => void;
  readonly reject: (error: Error) => void;
}

export interface AppendedWritesDeps {
  readonly store: ReplicaStore;
  readonly clock: Clock;
  readonly timers: Timers;
  /** An acknowledgement of this many record bytes went beyond the budget. */
  readonly onBeyondBudget: (recordBytes: number) => void;
  /** Some were answered in a turn of their own. */
  readonly onAnswered: () => void;
  /** A record could not be applied; `close` is to follow. */
  readonly onFailure: (error: unknown) => void;
}

/** Applying stops for a turn of the event loop after this. */
const APPLY_STRETCH_MS = 2;

export class AppendedWrites {
  readonly #deps: AppendedWritesDeps;
  /** Not yet applied, in sequence order. */
  readonly #unapplied: RecordView[] = [];
  /** Not yet answered, in sequence order. */
  readonly #unanswered: RecordWaiter[] = [];
  /** Parts that wait for their durability, in sequence order. */
  readonly #undurable: RecordWaiter[] = [];
  /** Answers decided but whose record is still to be applied, in sequence order. */
  readonly #answers: (GateEffect & { readonly type: 'acknowledged' })[] = [];
  #visible: number;
  #isApplying = false;
  #isClosed = false;

  /** `visible`: the gate has let pass what there is up to this sequence. */
  constructor(deps: AppendedWritesDeps, visible: number) {
    this.#deps = deps;
    this.#visible = visible;
  }

  /** Nobody waits. */
  get isIdle(): boolean {
    return this.#unanswered.length === 0 && this.#undurable.length === 0;
  }

  /** A record was appended, for which nobody waits with null. `isGated`: it is answered by the gate, and not when it is durable. */
  add(view: RecordView, waiter: RecordWaiter | null, isGated: boolean): void {
    this.#unapplied.push(view);
    if (waiter === null) return;
    waiter.view = view;
    (isGated ? this.#unanswered : this.#undurable).push(waiter);
  }

  /** The gate has let records up to this sequence pass. */
  pass(sequence: number): void {
    this.#visible = sequence;
    this.#apply();
  }

  acknowledge(answer: GateEffect & { readonly type: 'acknowledged' }): void {
    this.#answers.push(answer);
    this.#answer();
  }

  /** The gate gave up waiting for the peer. */
  unconfirmed(sequence: number): void {
    this.#takeUnanswered(sequence)?.reject(new UnconfirmedError(this.#point(sequence)));
  }

  /** Records up to this sequence are durable here. */
  durable(sequence: number): void {
    while (this.#undurable.length > 0 && this.#undurable[0]!.view!.sequence <= sequence) {
      const part = this.#undurable.shift()!;
      part.resolve(this.#acknowledgement(part.view!, null));
    }
  }

  /** Applies and answers nothing any more. */
  close(cause: Error): void {
    this.#isClosed = true;
    for (const { reject } of [...this.#unanswered, ...this.#undurable]) {
      reject(new OutcomeUnknownError(cause));
    }
    this.#unanswered.length = 0;
    this.#undurable.length = 0;
  }

  /** A long stretch is cut so that the event loop lives. */
  #apply(): void {
    if (this.#isApplying) return;
    this.#isApplying = true;
    const { store } = this.#deps;
    const startMs = this.#nowMs();
    while (this.#unapplied.length > 0 && this.#unapplied[0]!.sequence <= this.#visible) {
      const record = this.#unapplied[0]!;
      let isPrepared: boolean;
      try {
        isPrepared = store.prepare(store.nodeId, store.incarnation, record);
        if (isPrepared) store.applyOwn(record);
      } catch (error) {
        this.#deps.onFailure(error);
        return;
      }
      if (isPrepared) {
        this.#unapplied.shift();
        if (this.#answers.length > 0) this.#answer();
      }
      if (this.#unapplied.length > 0 && this.#nowMs() - startMs >= APPLY_STRETCH_MS) {
        void this.#deps.timers.yieldTurn().then(() => this.#applyOn());
        return;
      }
    }
    this.#isApplying = false;
  }

  /** After a turn of the event loop. */
  #applyOn(): void {
    this.#isApplying = false;
    if (this.#isClosed) return;
    this.#apply();
    this.#deps.onAnswered();
  }

  /** Answers whose records are applied go out; the others follow from `#apply`. */
  #answer(): void {
    const applied = (this.#unapplied[0]?.sequence ?? Infinity) - 1;
    let place = 0;
    while (place < this.#answers.length) {
      const { sequence, warning } = this.#answers[place]!;
      if (sequence > applied) {
        place += 1;
        continue;
      }
      if (place === 0) this.#answers.shift();
      else this.#answers.splice(place, 1);
      const waiter = this.#takeUnanswered(sequence);
      if (waiter === undefined) continue;
      if (warning !== null) this.#deps.onBeyondBudget(waiter.view!.bytes.length);
      waiter.resolve(this.#acknowledgement(waiter.view!, warning));
    }
  }

  /** Out of order only where a session's own budget is smaller: the first is nearly always the one. */
  #takeUnanswered(sequence: number): RecordWaiter | undefined {
    if (this.#unanswered[0]?.view?.sequence === sequence) return this.#unanswered.shift();
    const place = this.#unanswered.findIndex(({ view }) => view?.sequence === sequence);
    return place < 0 ? undefined : this.#unanswered.splice(place, 1)[0];
  }

  #acknowledgement(view: RecordView, warning: AcknowledgementWarning | null): Acknowledgement {
    return { version: view.version, position: this.#point(view.sequence), warning };
  }

  #point(sequence: number): JournalPoint {
    return { incarnation: this.#deps.store.incarnation, sequence };
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}
