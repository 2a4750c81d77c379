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
import type { GroupedInsert, InsertTurn } from './insert-groups.js';
import { checkWritable, transactionWrites, writesAlone } from './statement-writes.js';
import { sectionBytesMaxOf } from './write-buffer.js';
import type { BufferedSection, WriteBuffer, WriteMark } from './write-buffer.js';
import { noteAcknowledgement } from './write-outcome.js';

/** Small enough to be encoded in one stretch, large enough for its dictionaries to pay. Tags that are known cost little. */
const NEW_BYTES_MAX = 1024 * 1024;
const SECTION_BYTES_MAX = 4 * 1024 * 1024;
const SECTION_ROWS_MAX = 65_536;

/** Inside a transaction: its COMMIT is acknowledged. */
const NOT_YET = Promise.resolve(null);

export class InsertRun implements InsertTarget, GroupedInsert {
  readonly table: TableDefinition;
  readonly context: ConversionContext;
  readonly cells: readonly InsertCell[];
  readonly omitted: readonly RecordedCell[];
  readonly batch: RowBatch;
  readonly #scope: StatementScope;
  readonly #signal: () => AbortNotice | null;
  /** Null in autocommit. */
  readonly #transaction: WriteBuffer | null;
  /** Where the statement began in the transaction. */
  readonly #mark: WriteMark | null;
  /** In autocommit: null as long as nothing was written. */
  #own: WriteBuffer | null = null;
  /** From when it has all its rows until its end. */
  #turn: InsertTurn | null = null;
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
    this.#signal = options.signal;
    this.#transaction = transactionWrites(state);
    if (this.#transaction === null) checkWritable(state);
    this.#mark = this.#transaction?.mark() ?? null;
    const sectionBytesMax = sectionBytesMaxOf(state.context.limits);
    this.#sectionBytes = Math.min(SECTION_BYTES_MAX, sectionBytesMax >>> 2);
  }

  get #writes(): WriteBuffer {
    if (this.#transaction !== null) return this.#transaction;
    this.#own ??= writesAlone(this.#scope.state, this.#signal);
    return this.#own;
  }

  get isAborted(): boolean {
    return this.#signal()?.aborted === true;
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
    return section === null ? undefined : this.#writes.add(section);
  }

  /** Reading so many bytes, encoding them, and what becomes of the section then have turns of the event loop of their own. */
  async #addInTurns(): Promise<void> {
    await this.#scope.state.context.timers.yieldTurn();
    const section = this.#isUndone ? null : await this.#takeInTurns();
    if (section !== null && !this.#isUndone) await this.#writes.add(section);
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
    const { insertGroups } = this.#scope.state.context;
    this.#turn = insertGroups.begin(this.batch.schema);
    if (this.#isBatchLarge) return this.#addInTurns().then(() => this.#commit());
    const joined = this.#mayJoin ? insertGroups.join(this, this.batch) : null;
    if (joined !== null) {
      this.#rowCount += this.batch.rowCount;
      this.close();
      return joined;
    }
    const pending = this.#addSection();
    this.close();
    return pending === undefined ? this.#commit() : pending.then(() => this.#commit());
  }

  /** It is all that the statement writes, and nothing but the server's budget holds for it. */
  get #mayJoin(): boolean {
    const isOnly = this.#own === null && this.batch.rowCount > 0;
    return this.#transaction === null && isOnly && this.#scope.state.rpoBytes === null;
  }

  async writeAlone(section: BufferedSection): Promise<Acknowledgement | null> {
    await this.#writes.add(section);
    return this.#commit();
  }

  #commit(): Promise<Acknowledgement | null> {
    return this.#transaction === null ? this.#writes.commit() : NOT_YET;
  }

  /** To be called when `finish` has resolved. Returns the number of rows. */
  written(acknowledgement: Acknowledgement | null): number {
    const { state } = this.#scope;
    this.#endTurn();
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
    this.#endTurn();
    if (!this.#isBatchGiven) this.batch.clear();
    if (this.#mark !== null) this.#transaction?.undoTo(this.#mark);
    await this.#own?.abort();
  }

  #endTurn(): void {
    this.#turn?.ended();
    this.#turn = null;
  }
}

/** The OK packet's text for an INSERT of several rows; none for one, as in MySQL. */
export function insertInfo(rowCount: number, warningCount: number): string | undefined {
  if (rowCount <= 1) return undefined;
  return `Records: ${rowCount}  Duplicates: 0  Warnings: ${warningCount}`;
}
