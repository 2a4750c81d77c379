/**
 * The peer's clock, estimated from paired heartbeats.
 *
 *   ours    sent(n) ------------------------------> heard(echo of n)      on our monotonic clock
 *   theirs            heard(n) ...held... sent(m, wall clock)
 *
 * round trip = heard - sent - held; the peer's wall clock read `wallMs` half a round trip before we heard it. Of the last
 * pairs the one with the shortest round trip is believed: waiting in queues only ever makes a trip longer.
 */

export interface ClockEstimate {
  /** The peer's wall clock minus ours. */
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

/** Pairs believed at most; heartbeats not answered that are remembered. */
const PAIRS_MAX = 8;
const SENT_MAX = 16;

export class ClockPairs {
  readonly #sent = new Map<number, number>();
  #pairs: ClockEstimate[] = [];
  #heard: { readonly number: number; readonly atMs: number } | null = null;

  sent(number: number, monotonicMs: number): void {
    this.#sent.set(number, monotonicMs);
    for (const old of this.#sent.keys()) {
      if (this.#sent.size <= SENT_MAX) break;
      this.#sent.delete(old);
    }
  }

  /** A heartbeat came; true when it completed a pair. */
  heard(
    beat: {
      readonly number: number;
      readonly wallMs: number;
      readonly echo: number;
      readonly echoHeldMs: number;
    },
    now: { readonly wallMs: number; readonly monotonicMs: number },
  ): boolean {
    this.#heard = { number: beat.number, atMs: now.monotonicMs };
    const sentMs = this.#sent.get(beat.echo);
    if (sentMs === undefined) return false;
    this.#sent.delete(beat.echo);
    const roundTripMs = Math.max(0, now.monotonicMs - sentMs - beat.echoHeldMs);
    const offsetMs = beat.wallMs + roundTripMs / 2 - now.wallMs;
    this.#pairs.push({ offsetMs, roundTripMs });
    if (this.#pairs.length > PAIRS_MAX) this.#pairs = this.#pairs.slice(-PAIRS_MAX);
    return true;
  }

  /** What the next heartbeat says of the last one heard. */
  echo(monotonicMs: number): { readonly echo: number; readonly echoHeldMs: number } {
    if (this.#heard === null) return { echo: 0, echoHeldMs: 0 };
    return { echo: this.#heard.number, echoHeldMs: monotonicMs - this.#heard.atMs };
  }

  get estimate(): ClockEstimate | null {
    let best: ClockEstimate | null = null;
    for (const pair of this.#pairs) {
      if (best === null || pair.roundTripMs <= best.roundTripMs) best = pair;
    }
    return best;
  }
}
