/**
 * A store without tables: real journals on a forgetful disk, real version clock, and in place of rows the list of records that were applied.
 * It implements what replication uses of a store, and fails when a record is applied twice, out of order, or before it is durable.
 */

import assert from 'node:assert';
import {
  Journal,
  RecordKind,
  VersionClock,
  isRecordFault,
  parseRecord,
  type Disk,
  type IncarnationId,
  type KeyValueStore,
  type NodeId,
  type RecordView,
} from '../../storage/index.js';
import type { ReplicaStore } from '../../replication/replica-store.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualClock } from './virtual-clock.js';

export interface JournalStoreOptions {
  readonly nodeId: NodeId;
  readonly segmentBytes: number;
  readonly maxRecordBytes: number;
}

export interface AppliedRecord {
  readonly origin: NodeId;
  readonly incarnation: IncarnationId;
  readonly sequence: number;
  readonly version: number;
  readonly kind: RecordKind;
  /** The body as latin-1 text. */
  readonly text: string;
}

const KEY_MARK = 'mark';
const KEY_PEER = 'peer';
const MARK_AHEAD_MS = 10_000;

export class JournalStore implements ReplicaStore {
  readonly nodeId: NodeId;
  readonly own: Journal;
  readonly versions: VersionClock;
  readonly appliedRecords: AppliedRecord[] = [];
  readonly horizonLog: { isHeld: boolean; peerBound: number } = { isHeld: true, peerBound: 0 };
  readonly agreedEnds: { origin: NodeId; incarnation: IncarnationId }[] = [];
  readonly confirmedTo = new Map<IncarnationId, number>();
  /** Records that came back in a return stream. */
  returnedCount = 0;
  copy: Journal | null = null;
  incarnation: IncarnationId = '';
  hadMark = false;
  isStalled = false;
  isDiskFull = false;
  readonly #deps: { disk: Disk; kv: KeyValueStore; clock: VirtualClock; random: SeededRandom };
  readonly #options: JournalStoreOptions;
  readonly #applied = new Map<string, number>();

  private constructor(
    deps: { disk: Disk; kv: KeyValueStore; clock: VirtualClock; random: SeededRandom },
    options: JournalStoreOptions,
    own: Journal,
  ) {
    this.#deps = deps;
    this.#options = options;
    this.nodeId = options.nodeId;
    this.own = own;
    this.versions = new VersionClock(
      { clock: deps.clock },
      { nodeId: options.nodeId, maxClockSkewMs: 500 },
    );
  }

  static async open(
    deps: { disk: Disk; kv: KeyValueStore; clock: VirtualClock; random: SeededRandom },
    options: JournalStoreOptions,
  ): Promise<JournalStore> {
    const store = new JournalStore(deps, options, await openJournal(deps, options, options.nodeId));
    const peer = await store.loadLocal(KEY_PEER);
    if (peer !== undefined) store.copy = await openJournal(deps, options, peer[0]!);
    for (const journal of [store.own, store.copy]) {
      if (journal !== null) await store.#replay(journal);
    }
    store.hadMark = (await store.loadLocal(KEY_MARK)) !== undefined;
    const saved = await store.loadLocal(KEY_MARK);
    const mark = saved === undefined ? 0 : Number(Buffer.from(saved).toString('latin1'));
    store.versions.setFloor(
      Math.max(mark, store.own.markMaxVersion(), store.copy?.markMaxVersion() ?? 0),
    );
    await store.ensureMark();
    store.incarnation = Buffer.from(deps.random.bytes(8)).toString('hex');
    const parent = store.own.incarnations().at(-1)?.durable ?? null;
    await store.own.beginIncarnation(store.incarnation, parent, store.versions.next());
    store.#applied.set(`${store.nodeId}/${store.incarnation}`, 1);
    return store;
  }

  async untilRoom(): Promise<void> {
    await this.#deps.clock.yieldTurn();
  }

  async ensureMark(): Promise<void> {
    while (this.versions.needsMark() !== null) {
      const mark = this.versions.markFor(MARK_AHEAD_MS);
      await this.saveLocal(KEY_MARK, Buffer.from(String(mark), 'latin1'), { sync: true });
      this.versions.markSynced(mark);
      this.own.setVersionMark(mark);
    }
  }

  async openCopy(peer: NodeId): Promise<Journal> {
    if (this.copy === null) {
      await this.saveLocal(KEY_PEER, Uint8Array.of(peer), { sync: true });
      this.copy = await openJournal(this.#deps, this.#options, peer);
    }
    assert(this.copy.origin === peer);
    return this.copy;
  }

  prepare(): boolean {
    return true;
  }

  applyOwn(record: RecordView): void {
    this.#apply(this.own, this.incarnation, record);
  }

  applyPeer(incarnation: IncarnationId, record: RecordView): void {
    this.#apply(this.copy!, incarnation, record);
  }

  applyReturned(incarnation: IncarnationId, record: RecordView): void {
    assert(incarnation !== this.incarnation, 'only older incarnations are returned');
    this.#apply(this.own, incarnation, record);
    this.returnedCount += 1;
  }

  applied(origin: NodeId, incarnation: IncarnationId): number {
    return this.#applied.get(`${origin}/${incarnation}`) ?? 0;
  }

  async agreeEnd(origin: NodeId, incarnation: IncarnationId): Promise<void> {
    this.agreedEnds.push({ origin, incarnation });
    const journal = origin === this.nodeId ? this.own : this.copy!;
    await journal.endIncarnation(incarnation);
  }

  expectPeer(): void {
    this.horizonLog.isHeld = true;
  }

  setConfirmed(incarnation: IncarnationId, sequence: number): void {
    this.confirmedTo.set(incarnation, sequence);
  }

  setOriginDurable(): void {
    assert(this.copy !== null);
  }

  announcePeerBound(version: number): void {
    this.horizonLog.peerBound = Math.max(this.horizonLog.peerBound, version);
  }

  setHorizonHeld(isHeld: boolean): void {
    this.horizonLog.isHeld = isHeld;
  }

  loadLocal(name: string): Promise<Uint8Array | undefined> {
    return this.#deps.kv.get(Buffer.from(`local/${name}`));
  }

  saveLocal(name: string, value: Uint8Array, options: { readonly sync: boolean }): Promise<void> {
    return this.#deps.kv.batch(
      [{ type: 'put', key: Buffer.from(`local/${name}`), value }],
      options,
    );
  }

  /** Texts of applied rows (writes and DDL), sorted: equal on both nodes when they hold the same. */
  get rows(): readonly string[] {
    return this.appliedRecords
      .filter((record) => record.kind === RecordKind.write || record.kind === RecordKind.ddl)
      .map((record) => record.text)
      .sort();
  }

  async close(): Promise<void> {
    await this.own.close();
    await this.copy?.close();
  }

  #apply(journal: Journal, incarnation: IncarnationId, record: RecordView): void {
    const key = `${journal.origin}/${incarnation}`;
    const applied = this.#applied.get(key) ?? 0;
    assert(record.sequence === applied + 1, `${key}: ${record.sequence} after ${applied}`);
    const { durable } = journal.incarnation(incarnation)!;
    assert(record.sequence <= durable.sequence, 'only durable records are applied');
    if (journal !== this.own) {
      assert(record.version > this.horizonLog.peerBound, 'nothing comes below the announced bound');
    }
    this.#note(journal.origin, incarnation, record);
    this.#applied.set(key, record.sequence);
  }

  #note(origin: NodeId, incarnation: IncarnationId, record: RecordView): void {
    const { sequence, version, kind } = record;
    const text = Buffer.from(record.body).toString('latin1');
    this.appliedRecords.push({ origin, incarnation, sequence, version, kind, text });
  }

  async #replay(journal: Journal): Promise<void> {
    for (const info of journal.incarnations()) {
      const { id } = info;
      let after = 0;
      for (;;) {
        const chunk = await journal.read(id, after, 1 << 20, { durableOnly: true });
        if (chunk === null) break;
        for (let at = 0; at < chunk.bytes.length;) {
          const record = parseRecord(chunk.bytes, at, chunk.bytes.length);
          assert(!isRecordFault(record));
          this.#note(journal.origin, id, record);
          at += record.bytes.length;
        }
        after = chunk.lastSequence;
      }
      this.#applied.set(`${journal.origin}/${id}`, after);
    }
  }
}

async function openJournal(
  deps: { disk: Disk; random: SeededRandom; clock: VirtualClock },
  options: JournalStoreOptions,
  origin: NodeId,
): Promise<Journal> {
  const { disk, random, clock } = deps;
  const { journal } = await Journal.open(
    { disk, clock, random, timers: clock },
    {
      folder: `journal/${origin}`,
      origin,
      segmentBytes: options.segmentBytes,
      maxRecordBytes: options.maxRecordBytes,
    },
  );
  return journal;
}
