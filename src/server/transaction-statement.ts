/** BEGIN, COMMIT, ROLLBACK. */

import type { StatementRun } from './statement-run.js';
import { beginTransaction, commitOpen, rollbackOpen } from './transaction.js';
import { noteAcknowledgement } from './write-outcome.js';

/** BEGIN and START TRANSACTION: what is open is committed first. */
export async function executeBegin(run: StatementRun, readOnly: boolean | null): Promise<void> {
  await commitImplicitly(run);
  beginTransaction(run.state, readOnly);
  run.ok();
}

/**
 * COMMIT. When the gate does not admit the write, the transaction is rolled back, and the error (1205) says so. Without a
 * transaction it does nothing.
 */
export async function executeCommit(run: StatementRun): Promise<void> {
  await commitImplicitly(run);
  run.ok();
}

export async function executeRollback(run: StatementRun): Promise<void> {
  await rollbackOpen(run.state);
  run.ok();
}

/** Statements that can't be part of a transaction (DDL, LOCK TABLES) end it first, as in MySQL. */
export async function commitImplicitly(run: StatementRun): Promise<void> {
  const acknowledgement = await commitOpen(run.state);
  if (acknowledgement !== null) noteAcknowledgement(acknowledgement, run.state.warnings);
}
