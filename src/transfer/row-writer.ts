/** The formats' common shape: rows go in by batches, bytes come out into a sink that says when it has taken them. */
import type { Cell } from './transfer-column.js';

export const FORMATS = ['csv', 'parquet', 'sql'] as const;
export type TransferFormat = (typeof FORMATS)[number];

/** Resolves when the bytes are taken: whoever writes on waits for that. */
export type ByteSink = (bytes: Uint8Array) => Promise<void>;

export interface RowWriter {
  write(rows: readonly (readonly Cell[])[]): Promise<void>;
  /** What the format needs at its end. The sink stays open. */
  end(): Promise<void>;
}
