/**
 * Which states of the store are still read, and what may be deleted because none of them has it.
 *
 * A generation that was flushed leaves its memory to the next once no view pins a state that has it: one that stays open for long
 * holds back those of its own moment, not all that came later. A run that left the manifest goes once no view pins a state from before. Its keys are deleted in batches, and then LevelDB is asked to
 * compact their range, or the disk would never shrink: one range at a time and with pauses, because that rewrites whole files. While the disk
 * is full there are none: whoever dropped a table to make room waits for it.
 *
 * The dictionary of a dropped table goes at once: it is read from disk only by a start. It is a few values, which LevelDB's own compactions
 * give back.
 */

import type { RunIds } from './background-job.js';
import { deleteDictionary, deleteRun } from './manifest.js';
import { blocksOf } from './keys.js';
import { isNoSpace } from './no-space-error.js';
import type { KeyValueStore, Timer, Timers } from './ports.js';
import type { TableId } from './table-schema.js';

/** Between two ranges that LevelDB is asked to compact. */
const SHRINK_PAUSE_MS = 2_000;
/** The same while the disk is full: in which runs that are deleted together become one range. */
const URGENT_PAUSE_MS = 100;
/** More ranges than this are joined to one: what lies between them is looked at, too. */
const SHRINK_RANGES_MAX = 64;

interface Garbage {
  readonly runIds: readonly number[];
  /** The first state without these runs: they may go when no older one is pinned. */
  readonly stateNumber: number;
}

/** States by number: the first that has something, and the first after it that lacks it again. */
export interface StateSpan {
  readonly from: number;
  readonly to: number;
}

interface Unread {
  readonly states: StateSpan;
  readonly task: () => Promise<void>;
}

interface RunRange {
  readonly first: number;
  readonly last: number;
}

export class RunGarbage {
  readonly #kv: KeyValueStore;
  readonly #timers: Timers;
  readonly #onFailure: (error: Error) => void;
  readonly #pins = new Map<number, number>();
  #waiting: Garbage[] = [];
  #unread: Unread[] = [];
  #collecting: Promise<void> = Promise.resolve();
  /** Ranges of deleted runs whose space is not given back yet. */
  readonly #toShrink: RunRange[] = [];
  #shrinking: Promise<void> | null = null;
  #pause: Timer | null = null;
  #isUrgent = false;
  #onShrunk: () => void = () => undefined;
  #isClosed = false;

  constructor(
    deps: { readonly kv: KeyValueStore; readonly timers: Timers },
    onFailure: (error: Error) => void,
  ) {
    this.#kv = deps.kv;
    this.#timers = deps.timers;
    this.#onFailure = onFailure;
  }

  /** Runs of this state, and what the later ones leave out, stay until it is given back as often. */
  pin(stateNumber: number): void {
    this.#pins.set(stateNumber, (this.#pins.get(stateNumber) ?? 0) + 1);
  }

  unpin(stateNumber: number): void {
    const pins = this.#pins.get(stateNumber)! - 1;
    if (pins > 0) {
      this.#pins.set(stateNumber, pins);
      return;
    }
    this.#pins.delete(stateNumber);
    this.collect();
  }

  /** These runs are in no manifest on disk, and in no state from this one on. */
  add(runIds: readonly number[], stateNumber: number): void {
    if (runIds.length > 0) this.#waiting.push({ runIds, stateNumber });
    this.collect();
  }

  /** Runs `task` once nobody reads one of these states; they are all past. */
  whenUnread(states: StateSpan, task: () => Promise<void>): void {
    this.#unread.push({ states, task });
    this.collect();
  }

  /** Deletes what a job has written under these ids: no manifest and no state ever had it. */
  discard(reserved: readonly RunIds[]): void {
    const runIds = reserved.flatMap(({ first, count }) =>
      Array.from({ length: count }, (_, at) => first + at),
    );
    this.add(runIds, 0);
  }

  /** Deletes runs that no pinned state has, and lets go of the rest that only older states had. */
  collect(): void {
    const oldestPin = Math.min(Infinity, ...this.#pins.keys());
    const unread = this.#unread.filter(({ states }) => !this.#isPinned(states));
    this.#unread = this.#unread.filter((entry) => !unread.includes(entry));
    for (const { task } of unread) {
      task().catch((error: unknown) => this.#onFailure(asError(error)));
    }
    const ready = this.#waiting.filter(({ stateNumber }) => oldestPin >= stateNumber);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((entry) => !ready.includes(entry));
    this.#inTurn(async () => {
      try {
        for (const { runIds } of ready) {
          for (const runId of runIds) {
            await deleteRun(this.#kv, runId, { sync: false });
            this.#shrinkLater(runId);
          }
        }
      } catch (error) {
        if (!isNoSpace(error)) throw error;
        // Deleting what is gone already does no harm: all of it is tried again with the next.
        this.#waiting.push(...ready);
      }
    });
  }

  /** The manifest on disk says that these tables are dropped. */
  addDictionaries(tableIds: readonly TableId[]): void {
    if (tableIds.length === 0) return;
    this.#inTurn(async () => {
      for (const tableId of tableIds) await deleteDictionary(this.#kv, tableId);
    });
  }

  /** Whether the disk is full, so that space is to be given back without a pause. */
  setUrgent(isUrgent: boolean): void {
    if (isUrgent === this.#isUrgent) return;
    this.#isUrgent = isUrgent;
    this.#pause?.cancel();
    this.#pause = null;
    this.#scheduleShrink();
  }

  /** Called when LevelDB has compacted a range: the disk may have more room. */
  onShrunk(listener: () => void): void {
    this.#onShrunk = listener;
  }

  /** Waits for what is under way; space that is not given back yet is with the next compaction of LevelDB itself. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pause?.cancel();
    await this.#collecting;
    await this.#shrinking;
  }

  #isPinned({ from, to }: StateSpan): boolean {
    for (const pin of this.#pins.keys()) if (pin >= from && pin < to) return true;
    return false;
  }

  #inTurn(work: () => Promise<void>): void {
    this.#collecting = this.#collecting.then(work).catch((error: unknown) => {
      // A dictionary that found no room to be deleted is left to the next start.
      if (!isNoSpace(error)) this.#onFailure(asError(error));
    });
  }

  #shrinkLater(runId: number): void {
    if (this.#isClosed) return;
    const last = this.#toShrink.at(-1);
    if (last?.last === runId - 1)
      this.#toShrink[this.#toShrink.length - 1] = { ...last, last: runId };
    else this.#toShrink.push({ first: runId, last: runId });
    if (this.#toShrink.length > SHRINK_RANGES_MAX) {
      const joined = this.#toShrink.splice(0);
      const first = Math.min(...joined.map((range) => range.first));
      this.#toShrink.push({ first, last: Math.max(...joined.map((range) => range.last)) });
    }
    this.#scheduleShrink();
  }

  #scheduleShrink(): void {
    if (this.#isClosed || this.#shrinking !== null || this.#toShrink.length === 0) return;
    const pauseMs = this.#isUrgent ? URGENT_PAUSE_MS : SHRINK_PAUSE_MS;
    this.#pause ??= this.#timers.after(pauseMs, () => this.#shrinkOne());
  }

  #shrinkOne(): void {
    this.#pause = null;
    const range = this.#toShrink.shift();
    if (range === undefined || this.#isClosed) return;
    this.#shrinking = this.#kv
      .compactRange(blocksOf(range.first).gte, blocksOf(range.last).lt)
      .then(
        () => {
          this.#shrinking = null;
          this.#onShrunk();
          this.#scheduleShrink();
        },
        (error: unknown) => this.#onFailure(asError(error)),
      );
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
