/** What an import sends at a time, and where in its source it comes from. */
import type { ImportPlace } from './import-checkpoint.js';

export interface ImportBatch {
  readonly sql: string;
  /** It puts rows into the table; otherwise it prepares for them. */
  readonly isInsert: boolean;
  /** Rows in it; null where only the server knows. */
  readonly rows: number | null;
  /** Where a row of it stands, 1-based as the server counts; null = the whole batch. For errors: "file:line". */
  readonly whereIs: (row: number | null) => string;
  /** Behind it. */
  readonly end: ImportPlace;
}
