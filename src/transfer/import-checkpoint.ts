/**
 * How far an import has come, in a file beside its source, so that the same command goes on from there.
 *
 *   place    everything before it is in the table
 *   pending  a batch that was sent to an append_mode table, written down *before* it was: if the command is cut off, nobody knows whether
 *            the batch arrived. The table's count of rows before it tells, as long as nobody else writes to the table.
 *
 * Rows of other tables replace themselves, so a batch that is sent twice is there once, and nothing has to be pending.
 */
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { errorCode } from '../server/error-reason.js';
import { TransferError } from './transfer-error.js';

export interface ImportPlace {
  /** Bytes of a text file, rows of Parquet. */
  readonly offset: number;
  readonly line: number;
  /** Rows, or SQL statements, before it. */
  readonly count: number;
}

export const IMPORT_START: ImportPlace = { offset: 0, line: 1, count: 0 };

export interface PendingBatch {
  /** Rows of the table before it was sent. */
  readonly countBefore: number;
  /** Rows in it; null where only the server knows. */
  readonly rows: number | null;
  /** Behind it. */
  readonly place: ImportPlace;
}

export interface ImportCheckpoint {
  readonly place: ImportPlace;
  readonly pending: PendingBatch | null;
}

interface Saved extends ImportCheckpoint {
  readonly format: 1;
  readonly table: string;
  readonly sourceBytes: number;
  readonly sourceModifiedMs: number;
}

export class CheckpointFile {
  readonly #path: string;
  readonly #identity: Omit<Saved, 'place' | 'pending'>;

  private constructor(path: string, identity: Omit<Saved, 'place' | 'pending'>) {
    this.#path = path;
    this.#identity = identity;
  }

  /** Of the import of `source` into `table`. */
  static async of(source: string, table: string): Promise<CheckpointFile> {
    const { size, mtimeMs } = await stat(source);
    return new CheckpointFile(`${source}.${table}.import`, {
      format: 1,
      table,
      sourceBytes: size,
      sourceModifiedMs: Math.floor(mtimeMs),
    });
  }

  get path(): string {
    return this.#path;
  }

  /** Null: there is none. Throws TransferError where it belongs to another source. */
  async load(): Promise<ImportCheckpoint | null> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    }
    let saved: Saved;
    try {
      saved = JSON.parse(text) as Saved;
    } catch (error) {
      throw new TransferError(`${this.#path} is no checkpoint; delete it to begin again`, {
        cause: error,
      });
    }
    const { format, table, sourceBytes, sourceModifiedMs } = this.#identity;
    const isSame =
      saved.format === format &&
      saved.table === table &&
      saved.sourceBytes === sourceBytes &&
      saved.sourceModifiedMs === sourceModifiedMs;
    if (!isSame) {
      throw new TransferError(
        `the file changed since its import was interrupted; delete ${this.#path} to begin again`,
      );
    }
    return { place: saved.place, pending: saved.pending };
  }

  /** On stable storage when it resolves. */
  async save(checkpoint: ImportCheckpoint): Promise<void> {
    const unfinished = `${this.#path}.new`;
    const file = await open(unfinished, 'w');
    try {
      await file.writeFile(`${JSON.stringify({ ...this.#identity, ...checkpoint })}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(unfinished, this.#path);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
