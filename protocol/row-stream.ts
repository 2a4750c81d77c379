/**
 * The rows of a result set, encoded batch by batch into the socket's buffer.
 *
 *   text row   := per column: fb (NULL) | lenenc text
 *   binary row := 00 | NULL bitmap of (columns + 7 + 2) / 8 bytes, bit i + 2 = column i | values of the others
 *
 * Three things may stop a batch in the middle: the socket is full (the client reads slowly), STRETCH_MS have passed, so that a
 * large result never holds the event loop, or a row has a value so long that its packet ends in slices. `rows` then returns a promise, and
 * the batch must stay as it is until that resolves.
 */

import type { PacketWriter } from './packet-writer.js';
import type { CellEncoder, ResultSetWriter, RowEncoder } from './session-handler.js';
import type { SqlError } from './sql-error.js';

export const STRETCH_MS = 2;

/** How long cells may be written before the clock is looked at again. */
const CELLS_BETWEEN_CLOCKS = 4096;

/** Clock and event loop, as the stream needs them. */
export interface RowStreamPace {
  monotonicMs(): number;
  yieldTurn(): Promise<void>;
}

/** The stream's way back to its response. */
export interface RowStreamOwner {
  abortReason(): SqlError | null;
  end(warnings: number): void;
  fail(error: SqlError): void;
}

export class RowStream implements ResultSetWriter {
  readonly #writer: PacketWriter;
  readonly #pace: RowStreamPace;
  readonly #isBinary: boolean;
  readonly #columnCount: number;
  readonly #owner: RowStreamOwner;
  #stretchStartMs: number;
  #cells = 0;

  constructor(
    writer: PacketWriter,
    pace: RowStreamPace,
    protocol: 'text' | 'binary',
    columnCount: number,
    owner: RowStreamOwner,
  ) {
    this.#writer = writer;
    this.#pace = pace;
    this.#isBinary = protocol === 'binary';
    this.#columnCount = columnCount;
    this.#owner = owner;
    this.#stretchStartMs = pace.monotonicMs();
  }

  rows(batch: RowEncoder): void | Promise<void> {
    if (batch.columns.length !== this.#columnCount) {
      throw new Error(
        `a batch of ${batch.columns.length} columns in a result of ${this.#columnCount}`,
      );
    }
    this.#throwIfAborted();
    const next = this.#encode(batch, 0);
    if (next === batch.rowCount && !this.#writer.isBlocked) return undefined;
    return this.#continue(batch, next);
  }

  end(result?: { readonly warnings?: number }): void {
    this.#owner.end(result?.warnings ?? 0);
  }

  fail(error: SqlError): void {
    this.#owner.fail(error);
  }

  async #continue(batch: RowEncoder, from: number): Promise<void> {
    let next = from;
    for (;;) {
      if (this.#writer.hasLentBytes) {
        // To its end: what has begun to leave can't be taken back.
        const slices = this.#writer.endPacketInSlices();
        while (slices.next().done !== true) await this.#pause();
        next++;
      }
      await this.#pause();
      this.#throwIfAborted();
      if (next === batch.rowCount) return;
      next = this.#encode(batch, next);
      if (next === batch.rowCount && !this.#writer.isBlocked) return;
    }
  }

  async #pause(): Promise<void> {
    if (this.#writer.isBlocked) await this.#writer.drained();
    else await this.#pace.yieldTurn();
    this.#stretchStartMs = this.#pace.monotonicMs();
  }

  #throwIfAborted(): void {
    const reason = this.#owner.abortReason();
    if (reason !== null) throw reason;
  }

  /** Encodes rows from `from` on until one of the three stops; returns the first row that is not encoded, or whose packet is open. */
  #encode(batch: RowEncoder, from: number): number {
    const writer = this.#writer;
    const { columns, rowCount } = batch;
    for (let row = from; row < rowCount; row++) {
      if (writer.isBlocked) return row;
      if (this.#cells >= CELLS_BETWEEN_CLOCKS) {
        this.#cells = 0;
        if (this.#pace.monotonicMs() - this.#stretchStartMs > STRETCH_MS) return row;
      }
      this.#cells += this.#columnCount;
      writer.beginPacket();
      if (this.#isBinary) writeBinaryRow(writer, columns, row);
      else writeTextRow(writer, columns, row);
      if (writer.hasLentBytes) return row;
      writer.endPacket();
    }
    return rowCount;
  }
}

function writeTextRow(writer: PacketWriter, columns: readonly CellEncoder[], row: number): void {
  for (const column of columns) {
    if (column.isNull(row)) writer.nullText();
    else column.text(row, writer);
  }
}

function writeBinaryRow(writer: PacketWriter, columns: readonly CellEncoder[], row: number): void {
  writer.int8(0);
  const bitmap = writer.reserve((columns.length + 9) >>> 3);
  let bit = 2;
  for (const column of columns) {
    if (column.isNull(row)) writer.setBit(bitmap, bit);
    else column.binary(row, writer);
    bit++;
  }
}
