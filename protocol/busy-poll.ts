/**
 * Busy polling, for a client that sends its next statement right after each answer.
 *
 * A processor that has nothing to do sleeps, and in a virtual machine it takes tens of microseconds to wake: a tenth of a durable row. So
 * when a lone client has been answered, the event loop looks for input without sleeping, until some comes or `limitMs` is over. That
 * is done only where it pays:
 *
 *   learning --short gaps--> polling --longer gaps, or another connection--> learning
 *   polling --threads have to wait for processors--> resting --REST_MS--> learning
 *
 * A gap lasts from the end of a statement to the next input, of the same connection with no other at work meanwhile: where several have
 * work, the time between theirs is short by itself, and to poll in it costs more than it gains. Turns of the event loop are ordinary
 * ones: timers, sockets and messages of workers have theirs.
 */

/** A short gap is a point, a longer one takes some away. Polling needs so many: a handful of queries that belong together are not worth it. */
const POINTS_TO_POLL = 8;
const LONG_GAP_COST = 5;
/** Of a client that is answered for long: it is polled for until a gap in six is longer. */
const POINTS_MAX = 32;

/** Polls between two looks at who wants the processors. */
const POLLS_A_LOOK = 16;

/** Looks in a row at which too many did: the system has threads of its own that run now and then. */
const LOOKS_TO_REST = 4;

/** No polling for so long after that: ten times as long as it takes to see that they are still wanted. */
const REST_MS = 250;

/** What polling needs of the process. */
export interface PollingProcess {
  /** Runs `task` in the next turn of the event loop; until then the loop does not sleep. */
  nextTurn(task: () => void): void;
  /** Whether threads have to wait for a processor now. */
  isContended(): boolean;
}

/** Counted from the start of the server. */
export interface BusyPollCounters {
  /** Polls that a statement ended. */
  readonly caught: number;
  /** Polls that ended without one. */
  readonly inVain: number;
  /** All of them together. */
  readonly polledMs: number;
  /** How often polling began to rest, because processors were contended for. */
  readonly rests: number;
}

/** One for a server, told by its connections when they have work. */
export class BusyPoll {
  readonly #clock: { monotonicMs(): number };
  /** null: no polling. */
  readonly #process: PollingProcess | null;
  readonly #limitMs: number;

  /** Connections that have work. */
  #underWay = 0;
  /** The connection that had work last. */
  #lastId = -1;
  #idleSinceMs = -Infinity;
  #points = 0;
  #pollsToLook = POLLS_A_LOOK;
  #contendedLooks = 0;
  #isPolling = false;
  /** A turn has been asked for, and has not come. */
  #isTurnPending = false;
  #restsUntilMs = -Infinity;

  #caught = 0;
  #inVain = 0;
  #polledMs = 0;
  #restCount = 0;

  /** `limitMs` 0, or no process: never. */
  constructor(
    deps: { readonly clock: { monotonicMs(): number }; readonly process: PollingProcess | null },
    limitMs: number,
  ) {
    this.#clock = deps.clock;
    this.#process = limitMs > 0 ? deps.process : null;
    this.#limitMs = limitMs;
  }

  counters(): BusyPollCounters {
    return {
      caught: this.#caught,
      inVain: this.#inVain,
      polledMs: this.#polledMs,
      rests: this.#restCount,
    };
  }

  /** A connection has got work. */
  began(connectionId: number, nowMs: number): void {
    this.#underWay++;
    const isAlone = this.#underWay === 1 && connectionId === this.#lastId;
    this.#lastId = connectionId;
    if (this.#isPolling) {
      this.#caught++;
      this.#stop(nowMs);
    }
    const isShort = nowMs - this.#idleSinceMs <= this.#limitMs;
    if (!isAlone || nowMs < this.#restsUntilMs) this.#points = 0;
    else if (!isShort) this.#points = Math.max(0, this.#points - LONG_GAP_COST);
    else if (this.#points < POINTS_MAX) this.#points++;
  }

  /** A connection has done its work. Once for each `began`. */
  ended(nowMs: number): void {
    this.#underWay--;
    if (this.#underWay > 0) return;
    this.#idleSinceMs = nowMs;
    if (this.#process === null || this.#points < POINTS_TO_POLL) return;
    if (this.#mustRest(this.#process, nowMs)) return;
    this.#isPolling = true;
    this.#askForTurn(this.#process);
  }

  /** The server goes down: what still comes is not waited for. */
  close(): void {
    if (this.#isPolling) this.#stop(this.#clock.monotonicMs());
    this.#restsUntilMs = Infinity;
    this.#points = 0;
  }

  /** Looks now and then. The client has just been answered and wants its processor: it is among those counted. */
  #mustRest(process: PollingProcess, nowMs: number): boolean {
    if (--this.#pollsToLook > 0) return false;
    this.#pollsToLook = POLLS_A_LOOK;
    this.#contendedLooks = process.isContended() ? this.#contendedLooks + 1 : 0;
    if (this.#contendedLooks < LOOKS_TO_REST) return false;
    this.#contendedLooks = 0;
    this.#restCount++;
    this.#restsUntilMs = nowMs + REST_MS;
    this.#points = 0;
    return true;
  }

  #askForTurn(process: PollingProcess): void {
    if (this.#isTurnPending) return;
    this.#isTurnPending = true;
    process.nextTurn(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#isTurnPending = false;
    if (!this.#isPolling || this.#process === null) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#idleSinceMs > this.#limitMs) {
      this.#inVain++;
      this.#stop(nowMs);
    } else {
      this.#askForTurn(this.#process);
    }
  };

  #stop(nowMs: number): void {
    this.#isPolling = false;
    this.#polledMs += nowMs - this.#idleSinceMs;
  }
}
