/**
 * One INSERT: rows come in one by one, leave as sections of a write.
 *
 * Used in two ways. The statement reader fills it from the bytes of a query while they arrive; a prepared or small
 * INSERT fills it from a tree and parameters. Sections of about NEW_BYTES_MAX keep each encoding short; the write buffer
 * packs them into records.
 */

import type { AbortNotice } from '../../protocol/index.js';
import type { Acknowledgement } from '../../replication/index.js';
import type { RowBatch } from '../../storage/index.js';
import { evaluateConstant } from '../exec/constant.js';
import type { BindContext } from '../exec/execution-context.js';
import type { TypedValue } from '../exec/sql-value.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import type { ConversionContext } from '../sql/cell-conversion.js';
import type { InsertCell, InsertTarget } from '../sql/insert-target.js';
import { parseExpression } from '../sql/parser.js';
import type { RecordedCell } from '../sql/recorded-cell.js';
import type { SqlTextOptions } from '../sql/token.js';
import type { InsertShape } from './insert-shape.js';
import type { StatementScope } from './statement-run.js';
import { writesOf } from './statement-writes.js';
import type { StatementWrites } from './statement-writes.js';
import type { BufferedSection, WriteMark } from './write-buffer.js';
import { noteAcknowledgement } from './write-outcome.js';

/** Small enough to be encoded in one stretch, large enough for its dictionaries to pay. Tags that are known cost little. */
const NEW_BYTES_MAX = 1024 * 1024;
const SECTION_BYTES_MAX = 4 * 1024 * 1024;
const SECTION_ROWS_MAX = 65_536;

/** Inside a transaction: its COMMIT is acknowledged. */
const NOT_YET = Promise.resolve(null);

export class InsertRun implements InsertTarget {
  readonly table: TableDefinition;
  readonly context: ConversionContext;
  readonly cells: readonly InsertCell[];
  readonly omitted: readonly RecordedCell[];
  readonly batch: RowBatch;
  readonly #scope: StatementScope;
  readonly #writes: StatementWrites;
  readonly #mark: WriteMark;
  readonly #textOptions: SqlTextOptions;
  readonly #sectionBytes: number;
  #bindContext: BindContext | null = null;
  #rowCount = 0;
  #isBatchGiven = false;
  #isUndone = false;

  /** Throws 1792. */
  constructor(
    scope: StatementScope,
    shape: InsertShape,
    options: { readonly signal: () => AbortNotice | null },
  ) {
    const { state } = scope;
    const { table } = shape;
    this.table = table;
    this.context = shape.context;
    this.cells = shape.columns.cells;
    this.omitted = shape.columns.omitted;
    this.batch = state.context.batches.take(table.parts[0].schema);
    this.#scope = scope;
    this.#textOptions = state.variables.settings.sqlMode;
    this.#writes = writesOf(state, options.signal);
    this.#mark = this.#writes.buffer.mark();
    this.#sectionBytes = Math.min(SECTION_BYTES_MAX, this.#writes.buffer.sectionBytesMax >>> 2);
  }

  evaluate(text: string): TypedValue {
    this.#bindContext ??= this.#scope.bindContext();
    return evaluateConstant(parseExpression(text, this.#textOptions), this.#bindContext);
  }

  isBatchFull(moreRows = 0, moreBytes = 0): boolean {
    const { batch } = this;
    return (
      batch.rowCount + moreRows >= SECTION_ROWS_MAX ||
      batch.newBytes + moreBytes >= NEW_BYTES_MAX ||
      batch.approximateBytes + moreBytes >= this.#sectionBytes
    );
  }

  /** A promise is back-pressure. */
  onBatchFull(): void | Promise<void> {
    return this.#isBatchLarge ? this.#addInTurns() : this.#addSection();
  }

  /** As large as a section gets by its bytes, or larger where a single row is. */
  get #isBatchLarge(): boolean {
    return this.batch.newBytes >= NEW_BYTES_MAX;
  }

  #addSection(): void | Promise<void> {
    const section = this.#takeSection();
    return section === null ? undefined : this.#writes.buffer.add(section);
  }

  /** Reading so many bytes, encoding them, and what becomes of the section then have turns of the event loop of their own. */
  async #addInTurns(): Promise<void> {
    await this.#scope.state.context.timers.yieldTurn();
    const section = this.#isUndone ? null : await this.#takeInTurns();
    if (section !== null && !this.#isUndone) await this.#writes.buffer.add(section);
  }

  /** As `#takeSection`, a slice a turn, and one turn more. What `undo` let go of in between is nobody's any more. */
  async #takeInTurns(): Promise<BufferedSection | null> {
    const { batch } = this;
    if (batch.rowCount === 0) return null;
    const { timers } = this.#scope.state.context;
    const slices = batch.encodeUnjoined().join();
    for (;;) {
      await timers.yieldTurn();
      const slice = slices.next();
      if (slice.done === true) return this.#isUndone ? null : this.#sectionOf(slice.value);
    }
  }

  /** The rows of the batch, which is empty then; null when there are none. */
  #takeSection(): BufferedSection | null {
    const { batch } = this;
    return batch.rowCount === 0 ? null : this.#sectionOf(batch.encodeSection());
  }

  /** `bytes` are all rows of the batch, which is empty then. */
  #sectionOf(bytes: Uint8Array): BufferedSection {
    const { batch, table } = this;
    this.#rowCount += batch.rowCount;
    const { schema, seriesCount } = batch;
    batch.clear();
    return { bytes, table, schema, hasRows: true, seriesCount };
  }

  /**
   * All rows are in the batch: writes the rest, commits in autocommit. What it resolves to is for `written`. The batch is not needed for that
   * any more: while this statement waits for the disk, others fill the same one, which the processor still has at hand.
   */
  finish(): Promise<Acknowledgement | null> {
    if (this.#isBatchLarge) return this.#addInTurns().then(() => this.#commit());
    const pending = this.#addSection();
    this.close();
    return pending === undefined ? this.#commit() : pending.then(() => this.#commit());
  }

  #commit(): Promise<Acknowledgement | null> {
    return this.#writes.isOwn ? this.#writes.buffer.commit() : NOT_YET;
  }

  /** To be called when `finish` has resolved. Returns the number of rows. */
  written(acknowledgement: Acknowledgement | null): number {
    const { state } = this.#scope;
    if (acknowledgement !== null) noteAcknowledgement(acknowledgement, state.warnings);
    state.context.counters.rowsInserted += this.#rowCount;
    return this.#rowCount;
  }

  /** Gives the batch back, however often it is called. No row is written afterwards. */
  close(): void {
    if (this.#isBatchGiven) return;
    this.#isBatchGiven = true;
    this.batch.clear();
    this.#scope.state.context.batches.give(this.batch);
  }

  /** The statement failed: nothing of it stays. Without effect after `finish` resolved. */
  async undo(): Promise<void> {
    this.#isUndone = true;
    if (!this.#isBatchGiven) this.batch.clear();
    if (this.#writes.isOwn) await this.#writes.buffer.abort();
    else this.#writes.buffer.undoTo(this.#mark);
  }
}

/** The OK packet's text for an INSERT of several rows; none for one, as in MySQL. */
export function insertInfo(rowCount: number, warningCount: number): string | undefined {
  if (rowCount <= 1) return undefined;
  return `Records: ${rowCount}  Duplicates: 0  Warnings: ${warningCount}`;
}
