/**
 * An import: batches of a source, one after another, into a table.
 *
 * While the server takes one batch the next is prepared. After each batch the checkpoint moves behind it, so an import that is cut off
 * anywhere goes on without losing a row; a batch that is sent again replaces itself. Rows of an append_mode table do not, so there each batch
 * is written down before it is sent, and on going on the table's count of rows says whether it had arrived (import-checkpoint.ts).
 */
import type { ImportBatch } from './import-batch.js';
import { IMPORT_START, type CheckpointFile, type ImportPlace } from './import-checkpoint.js';
import { TransferError } from './transfer-error.js';

/** "Not applied": the same statement may be sent again. */
const NOT_APPLIED = 1205;
/** "Stored on this node, not confirmed by the peer": it is there. */
const STORED_UNCONFIRMED = 1180;
/** Each one waits on the server for `rpo_wait_timeout`. */
const ATTEMPTS_MAX = 24;

export interface ImportDeps {
  /** Rejects with the server's error. */
  readonly execute: (sql: string) => Promise<unknown>;
  /** Rows of the table now. */
  readonly countRows: () => Promise<number>;
  readonly isAppendMode: () => Promise<boolean>;
  readonly batchesFrom: (place: ImportPlace) => AsyncIterable<ImportBatch>;
  /** Null: the source cannot be read again. */
  readonly checkpoint: CheckpointFile | null;
  readonly onProgress: (place: ImportPlace) => void;
}

export interface ImportResult {
  /** Rows, or SQL statements, of this run. */
  readonly imported: number;
  /** Those of earlier runs of the same import. */
  readonly before: number;
  /** Batches that the peer had not confirmed in time. */
  readonly unconfirmed: number;
}

/** Throws TransferError with the place of what the server refuses. */
export async function importTable(deps: ImportDeps): Promise<ImportResult> {
  const start = await startOf(deps);
  let unconfirmed = 0;
  let place = start;
  let inFlight: Promise<void> = Promise.resolve();
  const send = async (batch: ImportBatch): Promise<void> => {
    const needsCount = batch.isInsert && deps.checkpoint !== null && (await deps.isAppendMode());
    if (needsCount) {
      const countBefore = await deps.countRows();
      const pending = { countBefore, rows: batch.rows, place: batch.end };
      await deps.checkpoint.save({ place, pending });
    }
    unconfirmed += await execute(deps, batch);
    place = batch.end;
    // What only prepares for rows may be done again.
    if (batch.isInsert) await deps.checkpoint?.save({ place, pending: null });
    deps.onProgress(place);
  };
  try {
    for await (const batch of deps.batchesFrom(start)) {
      await inFlight;
      inFlight = send(batch);
      // Its error is seen where it is awaited, which may be a while.
      inFlight.catch(() => undefined);
    }
  } finally {
    await inFlight;
  }
  await deps.checkpoint?.remove();
  return { imported: place.count - start.count, before: start.count, unconfirmed };
}

async function startOf(deps: ImportDeps): Promise<ImportPlace> {
  const saved = (await deps.checkpoint?.load()) ?? null;
  if (saved === null) return IMPORT_START;
  const { pending } = saved;
  if (pending === null) return saved.place;
  const added = (await deps.countRows()) - pending.countBefore;
  if (added === 0) return saved.place;
  if (added === pending.rows || (pending.rows === null && added > 0)) return pending.place;
  throw new TransferError(
    `somebody else wrote to the table since the import was interrupted (${added} rows more, a batch of ` +
      `${pending.rows ?? 'unknown size'} was on its way), so nobody can tell whether its last batch arrived. Look for the rows up to ` +
      `${pending.place.count}, put the right place into ${deps.checkpoint!.path} with "pending": null, and run the command again`,
  );
}

/** 1 when the peer did not confirm the batch in time, else 0. */
async function execute(deps: ImportDeps, batch: ImportBatch): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await deps.execute(batch.sql);
      return 0;
    } catch (error) {
      const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
      if (errno === STORED_UNCONFIRMED) return 1;
      if (errno === NOT_APPLIED && attempt < ATTEMPTS_MAX) continue;
      const message = error instanceof Error ? error.message : String(error);
      const row = /\bat row (\d+)/.exec(message)?.[1];
      const where = batch.whereIs(row === undefined ? null : Number(row));
      throw new TransferError(`${where}: ${message}`, { cause: error });
    }
  }
}
