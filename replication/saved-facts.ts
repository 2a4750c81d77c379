/**
 * What replication writes down about itself, in the node's local facts: never copied to a peer.
 *
 *   replication/gate      mode and whether it is being left; synced before any acknowledgement relies on it
 *   replication/standing  the peer's claims and the agreed ends; an end is synced before it is told
 *   replication/ledger    intervals of degraded and released state
 *   restored-from         id of the backup that the data directory was restored from; written by the restore
 *   replication/new       1 while a new data directory has not learned its peer's versions
 *
 * Saves go one after another, in the order asked for. A failed one is final: the store cannot be trusted any more.
 */

import { pack, unpack } from 'msgpackr';
import { DegradedLedger } from './degraded-ledger.js';
import type { GateMode } from './gate-state.js';
import { LINEAGE_FACT } from '../storage/index.js';
import type { ReplicaStore } from './replica-store.js';
import { Standing } from './standing.js';

const KEY_GATE = 'replication/gate';
const KEY_STANDING = 'replication/standing';
const KEY_LEDGER = 'replication/ledger';
const KEY_NEW = 'replication/new';

type LocalFacts = Pick<ReplicaStore, 'loadLocal' | 'saveLocal'>;
type SavedMode = [mode: GateMode, isLeaving: boolean];

export class SavedFacts {
  readonly standing: Standing;
  readonly ledger: DegradedLedger;
  /** As it was when the last start ended. */
  readonly mode: GateMode;
  readonly isLeaving: boolean;
  /** Empty for a node that was never restored. */
  readonly lineage: string;
  readonly #store: LocalFacts;
  #isNew: boolean;
  #saving: Promise<void> = Promise.resolve();
  #onFailure: (error: unknown) => void = () => undefined;

  /** `mayBeNew`: there is a peer to learn from, and nobody said that this node may go alone. */
  static async load(
    store: LocalFacts & Pick<ReplicaStore, 'hadMark'>,
    options: { readonly mayBeNew: boolean; readonly wallMs: number },
  ): Promise<SavedFacts> {
    const mode = await store.loadLocal(KEY_GATE);
    const standing = await store.loadLocal(KEY_STANDING);
    const ledger = await store.loadLocal(KEY_LEDGER);
    const marked = await store.loadLocal(KEY_NEW);
    const lineage = await store.loadLocal(LINEAGE_FACT);
    const wasNew = marked === undefined ? !store.hadMark : marked[0] === 1;
    const facts = new SavedFacts(
      store,
      mode === undefined ? ['gated', false] : (unpack(mode) as SavedMode),
      new Standing(standing),
      new DegradedLedger(ledger, options.wallMs),
      wasNew && options.mayBeNew,
      lineage === undefined ? '' : Buffer.from(lineage).toString('latin1'),
    );
    await facts.setNew(facts.isNew);
    return facts;
  }

  private constructor(
    store: LocalFacts,
    [mode, isLeaving]: SavedMode,
    standing: Standing,
    ledger: DegradedLedger,
    isNew: boolean,
    lineage: string,
  ) {
    this.#store = store;
    this.mode = mode;
    this.isLeaving = isLeaving;
    this.standing = standing;
    this.ledger = ledger;
    this.#isNew = isNew;
    this.lineage = lineage;
  }

  onFailure(listener: (error: unknown) => void): void {
    this.#onFailure = listener;
  }

  /** A new data directory that has not yet learned its peer's versions. */
  get isNew(): boolean {
    return this.#isNew;
  }

  async setNew(isNew: boolean): Promise<void> {
    await this.#store.saveLocal(KEY_NEW, Uint8Array.of(isNew ? 1 : 0), { sync: true });
    this.#isNew = isNew;
  }

  /** Rejects when it is not on stable storage. */
  async saveMode(mode: GateMode, isLeaving: boolean): Promise<void> {
    const saved: SavedMode = [mode, isLeaving];
    await this.#store.saveLocal(KEY_GATE, pack(saved), { sync: true });
  }

  /** Resolves when the standing as it is now is on stable storage, or saving has failed. */
  saveStanding(): Promise<void> {
    return this.#save(KEY_STANDING, this.standing.encode(), true);
  }

  /** Writes down what has changed. */
  saveChanges(options: { readonly sync: boolean }): Promise<void> {
    if (this.standing.isDirty) void this.#save(KEY_STANDING, this.standing.encode(), options.sync);
    if (this.ledger.isDirty) void this.#save(KEY_LEDGER, this.ledger.encode(), options.sync);
    return this.#saving;
  }

  #save(name: string, value: Uint8Array, sync: boolean): Promise<void> {
    this.#saving = this.#saving
      .then(() => this.#store.saveLocal(name, value, { sync }))
      .catch((error: unknown) => {
        this.#onFailure(error);
      });
    return this.#saving;
  }
}
