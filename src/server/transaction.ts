/**
 * A transaction: writes held back until COMMIT, and the view that its own statements read.
 *
 * Nothing leaves the session before COMMIT, so ROLLBACK and a lost connection cost nothing and there are no locks. Reads
 * see committed rows plus the transaction's own writes (READ COMMITTED). COMMIT makes them one record, or one multi-part
 * write: all or nothing, on both nodes.
 */

import { SqlError } from '../../protocol/index.js';
import type { Acknowledgement } from '../../replication/index.js';
import { OwnWrites } from '../../storage/index.js';
import type { ReadView, StagedView } from '../../storage/index.js';
import type { SessionState } from './session-state.js';
import { WriteBuffer } from './write-buffer.js';

/** Above every version there can be: a transaction's own writes win over everything committed. */
export const OWN_WRITES_VERSION = Number.MAX_SAFE_INTEGER;

/** What a statement has staged of the transaction's writes, for the next one. */
interface StagedSoFar {
  readonly own: OwnWrites;
  /** Of the buffer: its first so many sections, as of this revision. */
  readonly sectionCount: number;
  readonly revision: number;
}

export class Transaction {
  readonly isReadOnly: boolean;
  readonly #state: SessionState;
  readonly #buffer: WriteBuffer;
  #staged: StagedSoFar | null = null;

  constructor(state: SessionState, isReadOnly: boolean) {
    this.#state = state;
    this.isReadOnly = isReadOnly;
    this.#buffer = new WriteBuffer({
      context: state.context,
      keep: true,
      signal: () => null,
      rpoBytes: state.rpoBytes,
    });
  }

  /** Where this transaction's statements put their writes. Throws 1792. */
  get writes(): WriteBuffer {
    this.checkWritable();
    return this.#buffer;
  }

  checkWritable(): void {
    if (this.isReadOnly) throw new SqlError('ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION');
  }

  /**
   * Rows that are committed now and, on top, this transaction's own writes. The caller releases it. A promise where those that no statement
   * has read yet take more than a slice of a turn.
   */
  openReadView(): ReadView | Promise<ReadView> {
    const view = this.#state.context.openReadView();
    const buffer = this.#buffer;
    if (buffer.isEmpty) return view;
    const { own, sectionCount } = this.#takeStaged();
    const { revision } = buffer;
    const soFar = { own, sectionCount: buffer.sectionCount, revision };
    const staged = view.withOverlay(own, buffer.bodies(sectionCount));
    try {
      if (staged.step()) return this.#finish(staged, soFar);
    } catch (error) {
      view.release();
      throw error;
    }
    return this.#inTurns(view, staged, soFar);
  }

  async #inTurns(view: ReadView, staged: StagedView, soFar: StagedSoFar): Promise<ReadView> {
    const { timers } = this.#state.context;
    try {
      do await timers.yieldTurn();
      while (!staged.step());
      return this.#finish(staged, soFar);
    } catch (error) {
      view.release();
      throw error;
    }
  }

  /** What is staged already and still what the transaction wrote; nobody else has it then. */
  #takeStaged(): StagedSoFar {
    const staged = this.#staged;
    const { revision } = this.#buffer;
    this.#staged = null;
    if (staged !== null && staged.revision === revision && staged.own.isCurrent) return staged;
    return { own: new OwnWrites(OWN_WRITES_VERSION), sectionCount: 0, revision };
  }

  /** What takes much memory is not kept while the client thinks. */
  #finish(staged: StagedView, soFar: StagedSoFar): ReadView {
    const { memtableBytes } = this.#state.context.limits;
    if (soFar.own.sizeBytes <= memtableBytes / 2) this.#staged = soFar;
    return staged.view();
  }

  /** For a statement: whatever it adds is undone when `run` rejects. */
  async guard<Result>(run: () => Promise<Result>): Promise<Result> {
    const mark = this.#buffer.mark();
    try {
      return await run();
    } catch (error) {
      this.#buffer.undoTo(mark);
      throw error;
    }
  }

  commit(): Promise<Acknowledgement | null> {
    return this.#buffer.commit();
  }

  rollback(): Promise<void> {
    return this.#buffer.abort();
  }
}

/** The read-only mode that a transaction begun now has: `asked`, else what SET TRANSACTION said, else the session's. */
export function beginTransaction(state: SessionState, asked: boolean | null): Transaction {
  const isReadOnly = asked ?? state.nextReadOnly ?? state.variables.flag('transaction_read_only');
  state.nextReadOnly = null;
  const transaction = new Transaction(state, isReadOnly);
  state.transaction = transaction;
  return transaction;
}

/** Ends the open transaction, if there is one, by COMMIT. Whatever happens, there is none open afterwards. */
export async function commitOpen(state: SessionState): Promise<Acknowledgement | null> {
  const { transaction } = state;
  state.transaction = null;
  return transaction === null ? null : await transaction.commit();
}

/** Ends the open transaction, if there is one, by ROLLBACK. */
export async function rollbackOpen(state: SessionState): Promise<void> {
  const { transaction } = state;
  state.transaction = null;
  await transaction?.rollback();
}
