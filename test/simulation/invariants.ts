/**
 * What must hold in every run, checked at the moment it could break. Each check says which promise it is about; the first one that fails
 * ends the run.
 *
 *   1  an acknowledged write is on local stable storage           recovered
 *   2  acknowledged and unprotected bytes are within the budget   acknowledged, survived
 *   3  "not applied" and "stored" are true                        answered, recovered
 *   4  every record is applied exactly once, in order             sampled, recovered (append mode, and the DDL list)
 *   5  nodes that exchanged everything are equal                  converged
 *   6  no stream carries what is not the sender's                 holds, recovered
 *   -  nobody reads what the gate has not passed                  becomesVisible
 *   -  nothing arrives at or below the stable horizon             isAboveHorizon
 *
 * "Unprotected" is the truth, not what the peer confirmed: bytes that the peer's own journal does not call durable, and whether that word
 * was true is seen at the peer's next recovery.
 */

import type { JournalPoint } from '../../replication/index.js';
import {
  RecordKind,
  type IncarnationId,
  type Position,
  type RecordView,
  type Store,
} from '../../storage/index.js';
import { printDdl, type RecordingMachine } from './recording-machine.js';
import type { LedgerIncarnation, RecordLedger } from './record-ledger.js';
import type { SimulatedNode } from './simulated-node.js';
import { rowsIn, TABLE_NAMES, type TableRows } from './simulated-tables.js';
import type { SimulatedWrite } from './simulated-write.js';

export class Violation extends Error {
  override readonly name = 'Violation';
}

const SHOWN_ROWS = 4;

export class Invariants {
  readonly #ledger: RecordLedger;
  readonly #peerOf: (node: SimulatedNode) => SimulatedNode;
  readonly #answered: SimulatedWrite[] = [];
  #violation: Violation | null = null;
  /** Comparisons of a node's rows with the model. */
  comparisons = 0;
  /** Records that came back from the peer. */
  returned = 0;
  /** Incarnations found at a recovery whose first segments had been released. */
  released = 0;

  constructor(ledger: RecordLedger, peerOf: (node: SimulatedNode) => SimulatedNode) {
    this.#ledger = ledger;
    this.#peerOf = peerOf;
  }

  /** Throws the first violation, if there was one. */
  check(): void {
    if (this.#violation !== null) throw this.#violation;
  }

  violated(what: string, cause?: unknown): void {
    const why = cause instanceof Error ? `: ${cause.stack}` : '';
    this.#violation ??= new Violation(`${what}${why}`, { cause });
  }

  /** Runs a check inside the product's call: it must not fail there. */
  guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.violated(error instanceof Error ? error.message : String(error), error);
    }
  }

  // ---- while it runs ----

  /** A position in one of the node's journals is history that its origin wrote. */
  holds(node: SimulatedNode, position: Position): void {
    const { incarnation, sequence, hash } = position;
    const entry = this.#ledger.entry(incarnation, sequence);
    if (entry?.hash !== hash) {
      throw new Error(`${node.name} holds ${incarnation}:${sequence}, which nobody appended so`);
    }
  }

  /** An own record is about to be applied: it is durable, and the gate may let it pass. */
  becomesVisible(node: SimulatedNode, sequence: number): void {
    const { store, replica } = node.process!;
    this.isApplied(node, store.incarnation, sequence, node.ownDurable);
    const bytes = node.unprotectedBytes(this.#peerOf(node), sequence);
    if (bytes > node.budgetBytes && !replica.status().isDegraded) {
      throw new Error(
        `record ${sequence} of ${node.name} becomes visible with ${bytes} bytes unprotected, budget ${node.budgetBytes}`,
      );
    }
  }

  isApplied(
    node: SimulatedNode,
    incarnation: IncarnationId,
    sequence: number,
    durable: ReadonlyMap<IncarnationId, number>,
  ): void {
    if ((durable.get(incarnation) ?? 0) >= sequence) return;
    throw new Error(`${node.name} applies ${incarnation}:${sequence}, which is not durable there`);
  }

  /** Nothing arrives at or below the stable horizon: what was dropped for good below it stays right. */
  isAboveHorizon(node: SimulatedNode, store: Store, record: RecordView): void {
    const horizon = store.horizon();
    if (record.version > horizon) return;
    throw new Error(
      `${node.name} applies record ${record.sequence} of version ${record.version}, and its horizon is ${horizon}`,
    );
  }

  /** A client was told OK. */
  acknowledged(node: SimulatedNode, write: SimulatedWrite, point: JournalPoint): void {
    this.#answered.push(write);
    if (write.outcome.type !== 'acknowledged') throw new Error('an acknowledgement was expected');
    const { store } = node.process!;
    const what = `write ${write.number} of ${node.name}`;
    if (store.applied(node.id, point.incarnation) < point.sequence) {
      throw new Error(`${what} is acknowledged and not visible`);
    }
    const { warning, limitBytes } = write.outcome;
    if (warning !== null) {
      if (!node.mayGoBeyond) throw new Error(`${what} carries "${warning}" although nobody may`);
      return;
    }
    const bytes = node.unprotectedBytes(this.#peerOf(node), point.sequence);
    if (bytes > limitBytes) {
      throw new Error(
        `${what} is acknowledged with ${bytes} bytes unprotected, budget ${limitBytes}`,
      );
    }
  }

  /** A client was told "stored" or "not applied". */
  answered(node: SimulatedNode, write: SimulatedWrite): void {
    this.#answered.push(write);
    if (write.outcome.type !== 'not-applied') return;
    if (this.#ledger.effectOf(write) !== undefined) {
      throw new Error(
        `write ${write.number} of ${node.name} was called "not applied" and is stored`,
      );
    }
  }

  /** The peer's word is true: it has on its disk what it says. */
  claims(node: SimulatedNode): void {
    if (node.process === null) return;
    const { peerDurable } = node.process.replica.status();
    if (peerDurable === null) return;
    const held = this.#peerOf(node).copyDurable.get(peerDurable.incarnation) ?? 0;
    if (held >= peerDurable.sequence) return;
    throw new Error(`the peer of ${node.name} confirmed ${peerDurable.sequence} and has ${held}`);
  }

  /** A reader looks at everything that the node shows now. Settles when the comparison is done; never, when the process dies. */
  sampled(node: SimulatedNode, store: Store, machine: RecordingMachine): Promise<void> {
    const view = store.tables.readView();
    const positions = new Map<IncarnationId, number>();
    for (const incarnation of this.#ledger.incarnations) {
      positions.set(incarnation.id, node.appliedOf(incarnation));
    }
    const { applied } = machine;
    const compare = async (): Promise<void> => {
      const rows = await rowsIn(view);
      this.comparisons += 1;
      const sequenceOf = ({ id }: LedgerIncarnation): number => positions.get(id) ?? 0;
      this.guard(() => {
        compareRows(node.name, rows, this.#ledger.rowsAt(sequenceOf));
        compareLists(`${node.name}, DDL`, printDdl(applied), this.#ledger.ddlAt(sequenceOf));
      });
    };
    return compare().catch((error: unknown) => this.violated(`${node.name} cannot read`, error));
  }

  // ---- after a recovery ----

  /** The process has read its disk and not yet spoken to its peer. */
  recovered(node: SimulatedNode, store: Store, machine: RecordingMachine): void {
    this.guard(() => {
      this.#checkJournals(node, store);
      this.#checkAnswers(node, store);
    });
    void this.sampled(node, store, machine);
  }

  #checkJournals(node: SimulatedNode, store: Store): void {
    for (const journal of [store.own, store.copy]) {
      if (journal === null) continue;
      const known = journal === store.own ? node.ownDurable : node.copyDurable;
      for (const info of journal.incarnations()) {
        const { id, received } = info;
        const ledger = this.#ledger.incarnation(id);
        if (id !== store.incarnation) {
          if (ledger?.origin !== journal.origin) {
            throw new Error(`the journal of ${journal.origin} on ${node.name} holds ${id}`);
          }
          this.holds(node, received);
          const applied = store.applied(journal.origin, id);
          if (applied !== received.sequence) {
            throw new Error(
              `${node.name} recovered ${id}:${received.sequence}, applied ${applied}`,
            );
          }
        }
        if (info.first > 1) this.released += 1;
        const before = known.get(id) ?? 0;
        if (received.sequence < before) {
          throw new Error(
            `${node.name} lost ${id} from ${received.sequence} on; ${before} was durable`,
          );
        }
        known.set(id, received.sequence);
      }
    }
  }

  /** Whatever was called stored by this node is there, in its journal or flushed from it. */
  #checkAnswers(node: SimulatedNode, store: Store): void {
    for (const { number, nodeName, outcome } of this.#answered) {
      if (nodeName !== node.name) continue;
      if (outcome.type !== 'acknowledged' && outcome.type !== 'unconfirmed') continue;
      const { incarnation, sequence } = outcome.point;
      const held =
        store.own.incarnation(incarnation)?.received.sequence ??
        node.appliedOf(this.#ledger.incarnation(incarnation)!);
      if (held < sequence) {
        throw new Error(
          `${node.name} lost write ${number}, ${outcome.type} at ${sequence}: ${held}`,
        );
      }
    }
  }

  // ---- at the end ----

  /** One node is gone for good: what was acknowledged without a warning and is missing fits the budget it was acknowledged under. */
  survived(survivor: SimulatedNode, lost: SimulatedNode): void {
    const heldOf = (id: IncarnationId): number => survivor.appliedOf(this.#ledger.incarnation(id)!);
    const lostIncarnations = [...this.#ledger.incarnations].filter(
      ({ origin }) => origin === lost.id,
    );
    for (const { number, nodeName, outcome } of this.#answered) {
      if (nodeName !== lost.name || outcome.type !== 'acknowledged') continue;
      if (outcome.warning !== null) continue;
      const { point, limitBytes } = outcome;
      if (heldOf(point.incarnation) >= point.sequence) continue;
      let bytes = 0;
      for (const { id } of lostIncarnations) {
        const isOwn = id === point.incarnation;
        const through = isOwn ? point.sequence : (lost.ownDurable.get(id) ?? 0);
        bytes += this.#ledger.countedBytes(id, heldOf(id), through);
        if (isOwn) break;
      }
      if (bytes > limitBytes) {
        throw new Violation(`write ${number} is lost with ${bytes} bytes, budget ${limitBytes}`);
      }
    }
  }

  /** Everything was exchanged. */
  async converged(nodes: readonly SimulatedNode[]): Promise<void> {
    for (const incarnation of this.#ledger.incarnations) {
      const positions = nodes.map((node) => node.appliedOf(incarnation));
      if (positions[0] !== positions[1]) {
        throw new Violation(`${incarnation.id} is applied to ${positions.join(' and ')}`);
      }
    }
    for (const { number, outcome } of this.#answered) {
      if (outcome.type !== 'acknowledged' && outcome.type !== 'unconfirmed') continue;
      const { incarnation, sequence } = outcome.point;
      const end = nodes[0]!.appliedOf(this.#ledger.incarnation(incarnation)!);
      if (end < sequence) throw new Violation(`write ${number}, ${outcome.type}, is nowhere`);
    }
    for (const node of nodes) {
      const { store, machine } = node.process!;
      await this.sampled(node, store, machine);
      const horizon = store.horizon();
      if (horizon < this.#ledger.highestVersion) {
        throw new Violation(
          `the horizon of ${node.name} stands at ${horizon}, below ${this.#ledger.highestVersion}`,
        );
      }
    }
  }

  /** Writes that ended in each way, for the summary. */
  count(type: SimulatedWrite['outcome']['type']): number {
    return this.#answered.filter((write) => write.outcome.type === type).length;
  }

  /** Acknowledgements with a warning. */
  get warnings(): number {
    return this.#answered.filter(
      ({ outcome }) => outcome.type === 'acknowledged' && outcome.warning !== null,
    ).length;
  }

  /** Records that took effect as one multi-part write. */
  get commits(): number {
    let count = 0;
    for (const { entries } of this.#ledger.incarnations) {
      count += entries.filter((entry) => entry.kind === RecordKind.commit).length;
    }
    return count;
  }
}

function compareRows(nodeName: string, shown: TableRows, expected: TableRows): void {
  for (const table of TABLE_NAMES) {
    compareLists(`${nodeName}, table ${table}`, shown[table], expected[table]);
  }
}

/** Both sorted; duplicates count. */
function compareLists(what: string, shown: readonly string[], expected: readonly string[]): void {
  const missing = without(expected, shown);
  const surplus = without(shown, expected);
  if (missing.length === 0 && surplus.length === 0) return;
  const print = (rows: readonly string[]): string =>
    `${rows.length} (${rows.slice(0, SHOWN_ROWS).join('; ')})`;
  throw new Error(`${what}: missing ${print(missing)}, surplus ${print(surplus)}`);
}

/** The multiset difference. */
function without(from: readonly string[], what: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const row of what) counts.set(row, (counts.get(row) ?? 0) + 1);
  return from.filter((row) => {
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left <= 0;
  });
}
