/**
 * What the two nodes know of each other's journals, as far as it must outlive a restart.
 *
 * - Claims: how far the peer has said that each own incarnation is durable there. `current` is its latest word, `highest` the most it
 *   ever said. current < highest means that the peer went back on its word (wiped, restored, damaged): *unprotected*.
 * - Agreed ends: incarnations, of either origin, whose last sequence both nodes agree on. They have left the position vector. The origin
 *   writes an end down before it tells the peer, so what the receiver knows as agreed, the origin knows too.
 *
 * Only claims that the peer really made are ever saved, so a save may be late: what is loaded is at or below the truth.
 */

import { pack, unpack } from 'msgpackr';
import type { IncarnationId, NodeId } from '../storage/index.js';

export interface Claim {
  readonly current: number;
  readonly highest: number;
}

export interface AgreedEnd {
  readonly origin: NodeId;
  readonly incarnation: IncarnationId;
  readonly sequence: number;
}

/** Agreed ends remembered for each origin; older ones are long out of every journal. */
const AGREED_MAX = 256;

type Saved = [claims: [IncarnationId, number, number][], agreed: [NodeId, IncarnationId, number][]];

export class Standing {
  readonly #claims = new Map<IncarnationId, Claim>();
  readonly #agreed = new Map<string, AgreedEnd>();
  #isDirty = false;

  constructor(saved: Uint8Array | undefined) {
    if (saved === undefined) return;
    const [claims, agreed] = unpack(saved) as Saved;
    for (const [incarnation, current, highest] of claims) {
      this.#claims.set(incarnation, { current, highest });
    }
    for (const [origin, incarnation, sequence] of agreed) {
      this.#agreed.set(`${origin}/${incarnation}`, { origin, incarnation, sequence });
    }
  }

  get isDirty(): boolean {
    return this.#isDirty;
  }

  encode(): Uint8Array {
    this.#isDirty = false;
    const saved: Saved = [
      [...this.#claims].map(([incarnation, { current, highest }]) => [
        incarnation,
        current,
        highest,
      ]),
      [...this.#agreed.values()].map((end) => [end.origin, end.incarnation, end.sequence]),
    ];
    return pack(saved);
  }

  // ---- claims on own incarnations ----

  claimOf(incarnation: IncarnationId): number {
    return this.#claims.get(incarnation)?.current ?? 0;
  }

  /** True when the peer ever confirmed anything. */
  get hasClaims(): boolean {
    for (const claim of this.#claims.values()) if (claim.highest > 0) return true;
    return false;
  }

  /** The peer lost what it had confirmed and does not have it again yet. */
  get isUnprotected(): boolean {
    for (const claim of this.#claims.values()) if (claim.current < claim.highest) return true;
    return false;
  }

  /** The peer's word within a link: forward only. */
  advance(incarnation: IncarnationId, sequence: number): void {
    const { current, highest } = this.#claims.get(incarnation) ?? { current: 0, highest: 0 };
    if (sequence <= current) return;
    this.#claims.set(incarnation, { current: sequence, highest: Math.max(highest, sequence) });
    this.#isDirty = true;
  }

  /** The peer's word at a handshake replaces all that was: what it does not name, it does not have. */
  replace(claims: ReadonlyMap<IncarnationId, number>): void {
    for (const [incarnation, { highest }] of this.#claims) {
      this.#claims.set(incarnation, { current: claims.get(incarnation) ?? 0, highest });
    }
    for (const [incarnation, sequence] of claims) {
      const highest = Math.max(this.#claims.get(incarnation)?.highest ?? 0, sequence);
      this.#claims.set(incarnation, { current: sequence, highest });
    }
    this.#isDirty = true;
  }

  // ---- agreed ends ----

  agreedEnd(origin: NodeId, incarnation: IncarnationId): number | null {
    return this.#agreed.get(`${origin}/${incarnation}`)?.sequence ?? null;
  }

  agree(end: AgreedEnd): void {
    this.#agreed.set(`${end.origin}/${end.incarnation}`, end);
    let count = 0;
    for (const known of this.#agreed.values()) if (known.origin === end.origin) count += 1;
    for (const [key, known] of this.#agreed) {
      if (count <= AGREED_MAX) break;
      if (known.origin !== end.origin) continue;
      this.#agreed.delete(key);
      count -= 1;
    }
    this.#isDirty = true;
  }

  /** Claims on incarnations that are in no journal any more are dropped. */
  keepClaims(incarnations: ReadonlySet<IncarnationId>): void {
    for (const incarnation of this.#claims.keys()) {
      if (incarnations.has(incarnation)) continue;
      this.#claims.delete(incarnation);
      this.#isDirty = true;
    }
  }
}
