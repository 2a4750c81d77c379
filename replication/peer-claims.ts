/**
 * What the peer has of our journal, in the gate's terms.
 *
 * Claims are positions; the gate counts bytes. The sums come from the journal's index, for the current incarnation at each claim, for
 * older ones only when their claim moves. The store is told as well, because what is not confirmed must not leave the disk.
 */

import type { IncarnationId } from '../storage/index.js';
import type { GateClaim } from './gate-state.js';
import type { StandingMessage } from './handshake-messages.js';
import type { ReplicaStore } from './replica-store.js';
import type { Standing } from './standing.js';

type ClaimsStore = Pick<ReplicaStore, 'nodeId' | 'own' | 'incarnation' | 'setConfirmed'>;

export class PeerClaims {
  readonly #store: ClaimsStore;
  readonly #standing: Standing;
  /** Counted bytes of each own older incarnation that the peer has not confirmed. */
  readonly #recovered = new Map<IncarnationId, number>();

  /** Every record recovered beyond its claim counts as acknowledged and pending. */
  constructor(store: ClaimsStore, standing: Standing) {
    this.#store = store;
    this.#standing = standing;
    standing.keepClaims(new Set(store.own.incarnations().map((info) => info.id)));
    for (const info of store.own.incarnations()) this.#count(info.id);
  }

  get recoveredBytes(): number {
    let bytes = 0;
    for (const each of this.#recovered.values()) bytes += each;
    return bytes;
  }

  /** Of the current incarnation; 0 = nothing. */
  get sequence(): number {
    return this.#standing.claimOf(this.#store.incarnation);
  }

  /** As things stand now. */
  get forGate(): GateClaim {
    const { own, incarnation } = this.#store;
    const { sequence } = this;
    return {
      sequence,
      pendingBytes: own.pendingBytes(incarnation, sequence),
      recoveredBytes: this.recoveredBytes,
      isUnprotected: this.#standing.isUnprotected,
    };
  }

  /** The peer's word at a handshake is all that counts from then on, downwards too. */
  replace(peer: StandingMessage): void {
    const { own, nodeId } = this.#store;
    const claims = new Map<IncarnationId, number>();
    for (const info of own.incarnations()) {
      const known = peer.known.find((entry) => entry.incarnation === info.id);
      const agreed = peer.known.length > 0 ? this.#standing.agreedEnd(nodeId, info.id) : null;
      const sequence = known?.sequence ?? agreed ?? 0;
      claims.set(info.id, Math.min(sequence, info.received.sequence));
    }
    // An older incarnation that has left our journal is confirmed for good: the peer need not name it any more.
    this.#standing.keepClaims(new Set(claims.keys()));
    this.#standing.replace(claims);
    this.useAll();
  }

  /** Nothing that the peer ever said counts any more. */
  void(): void {
    this.#standing.replace(new Map());
    this.useAll();
  }

  /** The standing's claim on this incarnation has moved. */
  use(incarnation: IncarnationId): void {
    this.#store.setConfirmed(incarnation, this.#standing.claimOf(incarnation));
    this.#count(incarnation);
  }

  useAll(): void {
    for (const info of this.#store.own.incarnations()) this.use(info.id);
  }

  #count(incarnation: IncarnationId): void {
    const { own, incarnation: current } = this.#store;
    if (incarnation === current) return;
    const claim = this.#standing.claimOf(incarnation);
    this.#recovered.set(incarnation, own.pendingBytes(incarnation, claim));
  }
}
