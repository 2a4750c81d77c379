/**
 * The writes of one statement or one transaction, on their way to the journal.
 *
 * A small write is one record: `write`. A larger one is a multi-part write: parts are shipped while the statement still runs, and nothing of
 * it is visible before its commit record. Of rows of one identity the later one wins; deletes of the same write never reach its
 * own rows, whatever the order. A record could be larger than a part is made; but each is copied and summed in one turn of the
 * event loop, here and on the peer, so it is cut where a turn of it takes about a millisecond.
 *
 *   autocommit     sections go out as soon as they fill a part, one part at a time, while the next is read
 *   transaction    sections are kept: a later statement of it reads them, an error undoes its own, ROLLBACK all
 *
 * Both are bounded by half of memtable_bytes: a write becomes visible as a whole, so it must fit a memtable as a whole.
 */

import { SqlError } from '../../protocol/index.js';
import type { AbortNotice } from '../../protocol/index.js';
import { UnconfirmedError } from '../../replication/index.js';
import type { Acknowledgement, WriteOptions } from '../../replication/index.js';
import { encodeWriteBody } from '../../storage/index.js';
import type { TableId, TableSchema } from '../../storage/index.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import { SeriesClaim } from './series-limit.js';
import type { PartedWrite, ServerContext } from './server-context.js';
import { writeError } from './write-outcome.js';

/** Record header, part prefix, section count and some room. */
export const RECORD_OVERHEAD_BYTES = 256;
const SECTIONS_PER_RECORD_MAX = 60_000;
/** Further sections go into a part of their own. One alone may be larger. */
const PART_BYTES_MAX = 1024 * 1024;

export interface BufferedSection {
  readonly bytes: Uint8Array;
  readonly table: TableDefinition;
  /** Of rows and key deletes; null for a range tombstone, which names its table only. */
  readonly schema: TableSchema | null;
  /** Adds rows, as opposed to deleting some. */
  readonly hasRows: boolean;
  /** Distinct series of the rows it adds: it creates no more. */
  readonly seriesCount: number;
}

/** A place between two statements. */
export interface WriteMark {
  readonly sections: BufferedSection[];
  readonly count: number;
  readonly bytes: number;
  readonly validations: number;
}

export interface WriteBufferOptions {
  readonly context: Pick<ServerContext, 'writer' | 'limits' | 'catalog' | 'guards' | 'seriesLimit'>;
  /** Keep everything until `commit` (a transaction) or ship what fills a record (autocommit). */
  readonly keep: boolean;
  /** Of the running statement, null while its text still comes in. Asked for each record. */
  readonly signal: () => AbortNotice | null;
  readonly rpoBytes: number | null;
  /** What is written is of several statements. */
  readonly isShared?: boolean;
}

export class WriteBuffer {
  readonly #options: WriteBufferOptions;
  #sections: BufferedSection[] = [];
  #revision = 0;
  /** Of #sections. */
  #heldBytes = 0;
  #totalBytes = 0;
  #multiPart: PartedWrite | null = null;
  /** A part on its way, or why it did not get there. */
  #shipping: Promise<void> | null = null;
  /** The writer looks at this list anew for each record, so it may grow between the parts of one write. */
  readonly #schemas: TableSchema[] = [];
  /** Written to, each once: in most writes it is one, for which a list is less than a map. */
  readonly #tables: TableDefinition[] = [];
  readonly #validations: (() => void)[] = [];
  /** Tables in which the statement is alone already; null = none. */
  #inside: Set<TableId> | null = null;
  readonly #claim = new SeriesClaim();

  constructor(options: WriteBufferOptions) {
    this.#options = options;
  }

  /** Nothing was added, or all of it undone. */
  get isEmpty(): boolean {
    return this.#sections.length === 0 && this.#multiPart === null;
  }

  get #partBytes(): number {
    return Math.min(PART_BYTES_MAX, sectionBytesMaxOf(this.#options.context.limits));
  }

  /** Sections held. */
  get sectionCount(): number {
    return this.#sections.length;
  }

  /** Stays the same while sections are only added. */
  get revision(): number {
    return this.#revision;
  }

  /** What is held from section number `from` on, as bodies of write records, each made when it is asked for: for a transaction's own reads. */
  *bodies(from: number): Generator<Uint8Array> {
    for (const group of groupsOf(this.#sections.slice(from), this.#partBytes)) {
      yield Buffer.concat(bodyOf(group));
    }
  }

  hasRowsOf(table: TableDefinition): boolean {
    return this.#sections.some((section) => isRowsOf(section, table));
  }

  /** Runs once more in the turn of the append; throws when what a statement was planned on no longer holds. */
  addValidation(validate: () => void): void {
    this.#validations.push(validate);
  }

  /**
   * Adds a section. In autocommit it may ship earlier ones, and waits for those that are on their way: then a promise, which is
   * back-pressure. Throws 3170 when the write grows past what can become visible at once, and rejects as `commit` does.
   */
  add(section: BufferedSection): void | Promise<void> {
    this.#checkSize(section.bytes.length);
    const isFull =
      this.#heldBytes + section.bytes.length > this.#partBytes ||
      this.#sections.length >= SECTIONS_PER_RECORD_MAX;
    if (this.#options.keep || !isFull || this.#sections.length === 0) {
      this.#keep(section);
      return undefined;
    }
    if (this.#shipping !== null) {
      return this.#shipping.then(() => {
        this.#beginShipping();
        this.#keep(section);
      });
    }
    this.#beginShipping();
    this.#keep(section);
    return undefined;
  }

  #keep(section: BufferedSection): void {
    const { bytes, table, schema } = section;
    this.#sections.push(section);
    this.#heldBytes += bytes.length;
    this.#totalBytes += bytes.length;
    this.#noteTable(table);
    if (schema !== null && !this.#schemas.includes(schema)) this.#schemas.push(schema);
  }

  #noteTable(table: TableDefinition): void {
    const { tableId } = table.parts[0];
    let place = this.#tables.length - 1;
    while (place >= 0 && this.#tables[place]!.parts[0].tableId !== tableId) place -= 1;
    if (place < 0) this.#tables.push(table);
    else this.#tables[place] = table;
  }

  /** The statement is alone in this table: the commit need not enter it. */
  alreadyInside(tableId: TableId): void {
    this.#inside ??= new Set();
    this.#inside.add(tableId);
  }

  /** A place to undo to: transactions only. */
  mark(): WriteMark {
    return {
      sections: this.#sections,
      count: this.#sections.length,
      bytes: this.#heldBytes,
      validations: this.#validations.length,
    };
  }

  /** Forgets what was added, and brings back what was replaced, since. */
  undoTo(mark: WriteMark): void {
    if (this.#sections !== mark.sections || this.#sections.length > mark.count) this.#revision += 1;
    this.#sections = mark.sections;
    this.#sections.length = mark.count;
    this.#totalBytes -= this.#heldBytes - mark.bytes;
    this.#heldBytes = mark.bytes;
    this.#validations.length = mark.validations;
  }

  /** Puts other rows in the place of all rows of a table: transactions only. */
  replaceRows(table: TableDefinition, rows: readonly BufferedSection[]): void {
    const others = this.#sections.filter((section) => !isRowsOf(section, table));
    this.#revision += 1;
    // A new list: a mark may hold the old one.
    this.#sections = [...others, ...rows];
    const heldBytes = this.#sections.reduce((sum, section) => sum + section.bytes.length, 0);
    this.#totalBytes += heldBytes - this.#heldBytes;
    this.#heldBytes = heldBytes;
  }

  /**
   * Writes everything: null when there was nothing. Rejects with SqlError for the gate's answers, and with 3170 when there is no room for
   * its new series; then nothing is kept.
   */
  async commit(): Promise<Acknowledgement | null> {
    const sections = this.#take();
    if (sections.length === 0 && this.#multiPart === null && this.#shipping === null) return null;
    const { guards, seriesLimit } = this.#options.context;
    const tableIds = this.#tablesToEnter();
    const leave = guards.tryShare(tableIds) ?? (await guards.share(tableIds));
    try {
      if (this.#shipping !== null) await this.#shipping;
      const claiming = this.#claimSeries(sections);
      if (claiming !== undefined) await claiming;
      const acknowledgement = await this.#write(sections);
      seriesLimit.applied(this.#claim);
      return acknowledgement;
    } catch (error) {
      await this.#multiPart?.abort();
      if (error instanceof UnconfirmedError) seriesLimit.unconfirmed(this.#claim, error.position);
      else seriesLimit.notApplied(this.#claim);
      throw writeError(error);
    } finally {
      leave();
    }
  }

  /** Gives up everything. */
  async abort(): Promise<void> {
    this.#take();
    // A part that is let through late must not come behind the abort.
    await this.#shipping?.catch(() => undefined);
    await this.#multiPart?.abort();
    this.#options.context.seriesLimit.notApplied(this.#claim);
  }

  #tablesToEnter(): readonly TableId[] {
    const tableIds: TableId[] = [];
    for (const { parts } of this.#tables) {
      const { tableId } = parts[0];
      if (this.#inside?.has(tableId) !== true) tableIds.push(tableId);
    }
    return tableIds;
  }

  #write(sections: readonly BufferedSection[]): Promise<Acknowledgement> {
    if (this.#multiPart !== null || !fitsOnePart(sections, this.#partBytes)) {
      return this.#writeParts(sections);
    }
    const options = this.#writeOptions(sections);
    return this.#options.context.writer.write('write', bodyOf(sections), options);
  }

  async #writeParts(sections: readonly BufferedSection[]): Promise<Acknowledgement> {
    const write = this.#begin(sections);
    for (const group of groupsOf(sections, this.#partBytes)) await write.part(bodyOf(group));
    return write.commit();
  }

  /** Throws or rejects with 3170. A promise only near the limit, where series have to be counted. */
  #claimSeries(sections: readonly BufferedSection[]): void | Promise<void> {
    const { seriesLimit } = this.#options.context;
    if (seriesLimit.takeUncounted(this.#claim, sections)) return undefined;
    return seriesLimit.takeCounted(this.#claim, sections);
  }

  #beginShipping(): void {
    const shipping = this.#ship(this.#take()).then(() => {
      this.#shipping = null;
    });
    // Told by the next step.
    shipping.catch(() => undefined);
    this.#shipping = shipping;
  }

  async #ship(sections: readonly BufferedSection[]): Promise<void> {
    try {
      const claiming = this.#claimSeries(sections);
      if (claiming !== undefined) await claiming;
      await this.#begin(sections).part(bodyOf(sections));
    } catch (error) {
      throw writeError(error);
    }
  }

  /** @param sections the first ones, or all: a statement adds rows or deletes some */
  #begin(sections: readonly BufferedSection[]): PartedWrite {
    const { writer } = this.#options.context;
    this.#multiPart ??= writer.beginMultiPart(this.#writeOptions(sections));
    return this.#multiPart;
  }

  #take(): readonly BufferedSection[] {
    const sections = this.#sections;
    this.#sections = [];
    this.#heldBytes = 0;
    return sections;
  }

  #writeOptions(sections: readonly BufferedSection[]): WriteOptions {
    const { rpoBytes, isShared } = this.#options;
    return {
      schemas: this.#schemas,
      freesSpace: !sections.some((section) => section.hasRows),
      validate: () => this.#validate(),
      signal: this.#options.signal() ?? undefined,
      session: rpoBytes === null ? undefined : { rpoBytes },
      isShared: isShared === true,
    };
  }

  #validate(): void {
    const { catalog, guards } = this.#options.context;
    for (const { database, name, parts } of this.#tables) {
      const { tableId } = parts[0];
      if (!catalog.isLiveTable(tableId)) {
        throw new SqlError('ER_NO_SUCH_TABLE', { database, table: name });
      }
    }
    for (const validate of this.#validations) validate();
    for (const { parts } of this.#tables) guards.noteAppend(parts[0].tableId);
  }

  #checkSize(addedBytes: number): void {
    const maxBytes = Math.floor(this.#options.context.limits.memtableBytes / 2);
    if (this.#totalBytes + addedBytes <= maxBytes) return;
    throw new SqlError(
      'ER_CAPACITY_EXCEEDED',
      this.#options.keep
        ? `The transaction holds more than ${maxBytes} bytes of writes (half of memtable_bytes): COMMIT more often`
        : `The statement holds more than ${maxBytes} bytes of rows (half of memtable_bytes): split it into several statements`,
    );
  }
}

/** A section must not be larger: `encodeSection` of a row batch before its estimate passes this. */
export function sectionBytesMaxOf({ maxRecordBytes }: { readonly maxRecordBytes: number }): number {
  return maxRecordBytes - RECORD_OVERHEAD_BYTES;
}

function isRowsOf(section: BufferedSection, table: TableDefinition): boolean {
  return section.hasRows && section.table.parts[0].tableId === table.parts[0].tableId;
}

function bodyOf(sections: readonly BufferedSection[]): Uint8Array[] {
  return encodeWriteBody(sections.map((section) => section.bytes));
}

function fitsOnePart(sections: readonly BufferedSection[], bytesMax: number): boolean {
  if (sections.length === 1) return true;
  let bytes = 0;
  for (const section of sections) bytes += section.bytes.length;
  return bytes <= bytesMax && sections.length <= SECTIONS_PER_RECORD_MAX;
}

/** In order, each as many as fit one part. */
function* groupsOf(
  sections: readonly BufferedSection[],
  bytesMax: number,
): Generator<readonly BufferedSection[]> {
  let group: BufferedSection[] = [];
  let bytes = 0;
  for (const section of sections) {
    const isFull =
      bytes + section.bytes.length > bytesMax || group.length >= SECTIONS_PER_RECORD_MAX;
    if (isFull && group.length > 0) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(section);
    bytes += section.bytes.length;
  }
  if (group.length > 0) yield group;
}
