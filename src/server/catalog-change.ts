/** How a statement changes the catalog: one at a time, outside of transactions, as a ddl record. */

import { SqlError } from '../../protocol/index.js';
import type { WriteOptions } from '../../replication/index.js';
import type { StatementRun } from './statement-run.js';
import { checkWritable } from './statement-writes.js';
import { commitImplicitly } from './transaction-statement.js';
import { noteAcknowledgement, writeError } from './write-outcome.js';

/** Commits an open transaction, then runs `change` when no other DDL of this node runs. */
export async function changeCatalog(run: StatementRun, change: () => Promise<void>): Promise<void> {
  if (run.state.transaction?.isReadOnly === true) {
    throw new SqlError('ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION');
  }
  await commitImplicitly(run);
  checkWritable(run.state);
  await run.state.context.ddl.run(change);
}

/** Resolves when the change is visible here and the gate has let it pass. `freesSpace`: it drops, and goes on when the disk is full. */
export async function writeDdl(
  run: StatementRun,
  body: Uint8Array,
  { freesSpace = false }: { readonly freesSpace?: boolean } = {},
): Promise<void> {
  const { state, response } = run;
  const rpoBytes = state.rpoBytes;
  const options: WriteOptions = {
    schemas: [],
    signal: response.signal,
    freesSpace,
    ...(rpoBytes === null ? {} : { session: { rpoBytes } }),
  };
  try {
    const acknowledgement = await state.context.writer.write('ddl', [body], options);
    noteAcknowledgement(acknowledgement, state.warnings);
  } catch (error) {
    throw writeError(error);
  }
}
