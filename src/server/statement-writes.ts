/** Writes of a statement outside of a transaction: it is its own transaction. */

import { SqlError } from '../../protocol/index.js';
import type { AbortNotice } from '../../protocol/index.js';
import type { SessionState } from './session-state.js';
import { beginTransaction } from './transaction.js';
import { WriteBuffer } from './write-buffer.js';

/**
 * Where a statement's rows go: into the open transaction, into one that begins here (autocommit = 0), or out at once.
 * Throws 1792 in a READ ONLY transaction or session.
 */
export function writesOf(state: SessionState, signal: () => AbortNotice | null): StatementWrites {
  const writes = transactionWrites(state);
  if (writes !== null) return { buffer: writes, isOwn: false };
  return { buffer: autocommitWrites(state, signal), isOwn: true };
}

/** Those of the open transaction, or of the one that begins here (autocommit = 0); null = the statement is its own. Throws 1792. */
export function transactionWrites(state: SessionState): WriteBuffer | null {
  if (state.transaction === null && !state.autocommit) beginTransaction(state, null);
  return state.transaction?.writes ?? null;
}

export interface StatementWrites {
  readonly buffer: WriteBuffer;
  /** The statement commits by itself. */
  readonly isOwn: boolean;
}

/** Throws 1792. */
export function autocommitWrites(
  state: SessionState,
  signal: () => AbortNotice | null,
): WriteBuffer {
  checkWritable(state);
  return writesAlone(state, signal);
}

/** Of a statement that has been checked. */
export function writesAlone(state: SessionState, signal: () => AbortNotice | null): WriteBuffer {
  return new WriteBuffer({
    context: state.context,
    keep: false,
    signal,
    rpoBytes: state.rpoBytes,
  });
}

/** A statement outside of a transaction obeys SET TRANSACTION READ ONLY and the session's. Throws 1792. */
export function checkWritable(state: SessionState): void {
  const isReadOnly = state.nextReadOnly ?? state.variables.settings.isReadOnly;
  state.nextReadOnly = null;
  if (isReadOnly) throw new SqlError('ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION');
}
