/**
 * INSERTs of few rows that arrive together become one write.
 *
 * Many clients that commit row by row come back together: all whose rows shared a write have their answers in the same turn of the event loop.
 * What a write costs beside its rows (a section, a record, its way past the gate, through the journal and into the memtable) is several times
 * what a row costs, and a group pays it once. Half of the statements that were under way at the same time lately are worth waiting for, for
 * the rest of this turn and for the next one: two groups of half the clients each leave no gap, as while one is on its way
 * to disk the statements of the other are read. Of a few clients each writes alone.
 *
 * No statement may feel that it was not alone. So a group is written together only if that takes no waiting and no more than the
 * budget has room for; else, and if one of its statements was killed meanwhile, each is written alone, and waits, is refused or
 * given up by itself.
 */

import type { Acknowledgement } from '../../replication/index.js';
import type { RowBatch, TableSchema } from '../../storage/index.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import type { ServerContext } from './server-context.js';
import { RECORD_OVERHEAD_BYTES, WriteBuffer, type BufferedSection } from './write-buffer.js';

/** Statements under way; with fewer the disk is no slower than reading them is. */
const COMPANIONS_MIN = 8;
const FILL_TURNS_MAX = 2;
/** Of one statement. */
const STATEMENT_ROWS_MAX = 64;
const STATEMENT_BYTES_MAX = 16 * 1024;
/** A group is written as soon as it has as much: one more turn would not make it cheaper. */
const GROUP_ROWS_MAX = 1024;
const GROUP_BYTES_MAX = 128 * 1024;
/** Tables that are remembered though no INSERT into them is under way. */
const IDLE_TABLES_MAX = 64;

/** A statement, all of whose rows are known. */
export interface GroupedInsert {
  readonly table: TableDefinition;
  /** KILL, or its client has gone. */
  readonly isAborted: boolean;
  writeAlone(section: BufferedSection): Promise<Acknowledgement | null>;
}

interface Member {
  readonly insert: GroupedInsert;
  /** Behind its rows in the group's batch. */
  readonly rowsEnd: number;
  readonly resolve: (acknowledgement: Acknowledgement | null) => void;
  readonly reject: (error: unknown) => void;
}

/** What is known of the INSERTs into one table. */
class TableInserts {
  /** Statements with all their rows, but without their answer. */
  underWay = 0;
  /** Rows of `members`; null = no group is open. */
  batch: RowBatch | null = null;
  members: Member[] = [];
  /** Groups so far. */
  groups = 0;
  /** Most statements under way, since the last group was written, and in the time before that. */
  #most = 0;
  #mostBefore = 0;

  began(): void {
    this.underWay += 1;
    if (this.underWay > this.#most) this.#most = this.underWay;
  }

  ended(): void {
    this.underWay -= 1;
  }

  get companions(): number {
    return Math.max(this.#most, this.#mostBefore);
  }

  takeMembers(): readonly Member[] {
    const { members } = this;
    this.members = [];
    this.batch = null;
    this.groups += 1;
    this.#mostBefore = this.#most;
    this.#most = this.underWay;
    return members;
  }
}

/** A statement is under way until `ended`, to be called once. */
export type InsertTurn = Pick<TableInserts, 'ended'>;

export type InsertGroupsDeps = Pick<
  ServerContext,
  'writer' | 'limits' | 'catalog' | 'guards' | 'seriesLimit' | 'batches' | 'timers'
>;

export class InsertGroups {
  readonly #deps: InsertGroupsDeps;
  readonly #tables = new Map<TableSchema, TableInserts>();

  constructor(deps: InsertGroupsDeps) {
    this.#deps = deps;
  }

  /** A statement has all its rows, and is about to write them. */
  begin(schema: TableSchema): InsertTurn {
    const inserts = this.#insertsOf(schema);
    inserts.began();
    return inserts;
  }

  /**
   * Copies the rows of the batch into a group. Resolves and rejects as `WriteBuffer.commit` does. Null = the statement is to write them alone.
   * Requires: it has begun, in autocommit and under no budget of its own.
   */
  join(insert: GroupedInsert, batch: RowBatch): Promise<Acknowledgement | null> | null {
    const inserts = this.#insertsOf(batch.schema);
    const isSmall =
      batch.rowCount <= STATEMENT_ROWS_MAX && batch.approximateBytes <= STATEMENT_BYTES_MAX;
    if (!isSmall || inserts.companions < COMPANIONS_MIN) return null;
    return new Promise((resolve, reject) => {
      const group = inserts.batch ?? this.#open(inserts, batch.schema);
      group.absorb(batch, 0, batch.rowCount);
      inserts.members.push({ insert, rowsEnd: group.rowCount, resolve, reject });
      const isFull =
        inserts.members.length * 2 >= inserts.companions ||
        group.rowCount >= GROUP_ROWS_MAX ||
        group.approximateBytes >= GROUP_BYTES_MAX;
      if (isFull) this.#write(inserts, group);
    });
  }

  #insertsOf(schema: TableSchema): TableInserts {
    let inserts = this.#tables.get(schema);
    if (inserts !== undefined) return inserts;
    if (this.#tables.size >= IDLE_TABLES_MAX) this.#forgetIdle();
    inserts = new TableInserts();
    this.#tables.set(schema, inserts);
    return inserts;
  }

  #forgetIdle(): void {
    for (const [schema, { underWay }] of this.#tables) {
      if (underWay === 0) this.#tables.delete(schema);
    }
  }

  #open(inserts: TableInserts, schema: TableSchema): RowBatch {
    const batch = this.#deps.batches.take(schema);
    inserts.batch = batch;
    void this.#writeInTurns(inserts, inserts.groups, batch);
    return batch;
  }

  async #writeInTurns(inserts: TableInserts, group: number, batch: RowBatch): Promise<void> {
    for (let turn = 0; turn < FILL_TURNS_MAX; turn += 1) {
      await this.#deps.timers.yieldTurn();
      if (inserts.groups !== group) return;
    }
    this.#write(inserts, batch);
  }

  #write(inserts: TableInserts, batch: RowBatch): void {
    const members = inserts.takeMembers();
    try {
      if (members.length > 1 && this.#isFree(members, batch)) this.#writeTogether(members, batch);
      else this.#writeApart(members, batch);
    } catch (error) {
      // A fault of ours: of none of them is it known what became of it.
      for (const { reject } of members) reject(error);
    }
    batch.clear();
    this.#deps.batches.give(batch);
  }

  /** Nothing has to be waited for. */
  #isFree(members: readonly Member[], batch: RowBatch): boolean {
    const { guards, seriesLimit, writer } = this.#deps;
    const { schema, seriesCount, approximateBytes } = batch;
    return (
      guards.isShareable(schema.tableId) &&
      seriesLimit.isFarFrom(seriesCount) &&
      writer.admitsNow(approximateBytes + RECORD_OVERHEAD_BYTES, 1) &&
      members.every(({ insert }) => !insert.isAborted)
    );
  }

  #writeTogether(members: readonly Member[], batch: RowBatch): void {
    const writes = new WriteBuffer({
      context: this.#deps,
      keep: false,
      signal: () => null,
      rpoBytes: null,
      isShared: true,
    });
    void writes.add(sectionOf(members[0]!.insert.table, batch));
    writes.commit().then(
      (acknowledgement) => {
        for (const { resolve } of members) resolve(acknowledgement);
      },
      (error: unknown) => {
        for (const { reject } of members) reject(error);
      },
    );
  }

  #writeApart(members: readonly Member[], batch: RowBatch): void {
    const { batches } = this.#deps;
    const single = batches.take(batch.schema);
    let from = 0;
    for (const { insert, rowsEnd, resolve, reject } of members) {
      single.absorb(batch, from, rowsEnd);
      from = rowsEnd;
      const section = sectionOf(insert.table, single);
      single.clear();
      insert.writeAlone(section).then(resolve, reject);
    }
    batches.give(single);
  }
}

function sectionOf(table: TableDefinition, batch: RowBatch): BufferedSection {
  const { schema, seriesCount } = batch;
  return { bytes: batch.encodeSection(), table, schema, hasRows: true, seriesCount };
}
