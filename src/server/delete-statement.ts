/**
 * DELETE, in one of two forms.
 *
 * Where the WHERE is about tags and time only, it is a range tombstone: small, and it also covers rows that are still on
 * their way here. Else the keys of the matching rows are listed; then the statement must be sure that none of them was
 * written anew between its scan and its append (see table-guards.ts).
 *
 * Inside a transaction a tombstone does not reach the transaction's own rows, which carry the same version: those that match are
 * taken out of what the transaction will write (see own-rows.ts).
 */

import { SqlError } from '../../protocol/index.js';
import { rangeTombstoneSection } from '../../storage/index.js';
import type { ReadView, TableId } from '../../storage/index.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import type { ExecutionContext } from '../exec/execution-context.js';
import { planDelete } from '../plan/delete-plan.js';
import type { DeletePlan, KeyBatch } from '../plan/delete-plan.js';
import type { Statement } from '../sql/ast.js';
import { KeySections } from './key-sections.js';
import { remainingOwnRows } from './own-rows.js';
import { writableTable } from './statement-run.js';
import type { StatementRun } from './statement-run.js';
import { writesOf } from './statement-writes.js';
import type { StatementWrites } from './statement-writes.js';
import { rowIdentity } from './vector-cell.js';
import type { WriteBuffer } from './write-buffer.js';
import { noteAcknowledgement } from './write-outcome.js';

type DeleteStatement = Extract<Statement, { kind: 'delete' }>;

/** Something was appended to the table between the scan and the append. */
class OvertakenError extends Error {}

export async function executeDelete(run: StatementRun, statement: DeleteStatement): Promise<void> {
  const { state } = run;
  const table = writableTable(state, statement.name.database, statement.name.table);
  let rowCount: number;
  try {
    rowCount = await deleteOnce(run, statement, table, 'open');
  } catch (error) {
    if (!(error instanceof OvertakenError)) throw error;
    rowCount = await deleteOnce(run, statement, table, 'alone');
  }
  state.context.counters.rowsDeleted += rowCount;
  run.ok(rowCount);
}

/** @param mode 'alone': nobody else commits to the table from the scan to the append */
async function deleteOnce(
  run: StatementRun,
  statement: DeleteStatement,
  table: TableDefinition,
  mode: 'open' | 'alone',
): Promise<number> {
  const writes = writesOf(run.state, () => run.response.abortNotice);
  const mark = writes.buffer.mark();
  const scan = new GuardedScan(run, table);
  try {
    const rowCount = await addDeletes(run, statement, table, { writes, scan, mode });
    if (writes.isOwn) {
      const acknowledgement = await writes.buffer.commit();
      if (acknowledgement !== null) noteAcknowledgement(acknowledgement, run.state.warnings);
    }
    return rowCount;
  } catch (error) {
    if (writes.isOwn) await writes.buffer.abort();
    else writes.buffer.undoTo(mark);
    throw error;
  } finally {
    scan.end();
  }
}

async function addDeletes(
  run: StatementRun,
  statement: DeleteStatement,
  table: TableDefinition,
  how: {
    readonly writes: StatementWrites;
    readonly scan: GuardedScan;
    readonly mode: 'open' | 'alone';
  },
): Promise<number> {
  const { writes, scan, mode } = how;
  const context: ExecutionContext = {
    ...run.executionContext(),
    openReadView: () => scan.takeView(),
  };
  const plan = planDelete(statement, context);
  if (plan.kind === 'nothing') return 0;
  if (plan.kind === 'range') {
    const rowCount = await plan.count();
    await addTombstones(writes, plan);
    if (!writes.buffer.hasRowsOf(table)) return rowCount;
    // With the tombstones on top, only own rows are left to match.
    const own = planDelete(statement, context, { listKeys: true });
    await takeOutOwnRows(run, writes, table, await identitiesOf(own));
    return rowCount;
  }
  await scan.begin(mode, writes.buffer);
  const removed = writes.buffer.hasRowsOf(table) ? new Set<string>() : null;
  const rowCount = await addKeys(writes, plan, removed);
  writes.buffer.addValidation(() => {
    if (!scan.isOvertaken()) return;
    throw writes.isOwn ? new OvertakenError() : overtakenTransaction(table);
  });
  if (removed !== null) await takeOutOwnRows(run, writes, table, removed);
  return rowCount;
}

async function addTombstones(
  writes: StatementWrites,
  plan: Extract<DeletePlan, { kind: 'range' }>,
): Promise<void> {
  for (const tombstone of plan.tombstones) {
    const bytes = rangeTombstoneSection(tombstone);
    const { table } = plan;
    await writes.buffer.add({ bytes, table, schema: null, hasRows: false, seriesCount: 0 });
  }
}

/** @param removed gets the identities of the rows, when there is one */
async function addKeys(
  writes: StatementWrites,
  plan: Extract<DeletePlan, { kind: 'keys' }>,
  removed: Set<string> | null,
): Promise<number> {
  const sections = new KeySections(plan.table);
  let rowCount = 0;
  for await (const keys of plan.batches) {
    rowCount += keys.length;
    if (removed !== null) addIdentities(removed, keys);
    for (const section of sections.encode(keys)) await writes.buffer.add(section);
  }
  return rowCount;
}

async function identitiesOf(plan: DeletePlan): Promise<Set<string>> {
  const identities = new Set<string>();
  if (plan.kind !== 'keys') return identities;
  for await (const keys of plan.batches) addIdentities(identities, keys);
  return identities;
}

function addIdentities(identities: Set<string>, keys: KeyBatch): void {
  for (let row = 0; row < keys.length; row += 1) {
    identities.add(rowIdentity(keys.tags, keys.time, row));
  }
}

async function takeOutOwnRows(
  run: StatementRun,
  writes: StatementWrites,
  table: TableDefinition,
  removed: ReadonlySet<string>,
): Promise<void> {
  if (removed.size === 0) return;
  const { timers } = run.state.context;
  const view = await run.openReadView();
  const remaining = await remainingOwnRows(view, table, removed, timers);
  writes.buffer.replaceRows(table, remaining);
}

function overtakenTransaction(table: TableDefinition): SqlError {
  return new SqlError(
    'ER_LOCK_DEADLOCK',
    `Rows of '${table.name}' were written since this transaction's DELETE looked at them; try restarting transaction`,
  );
}

/** The view that a DELETE reads, and whether the table has moved on since it was opened. */
class GuardedScan {
  readonly #run: StatementRun;
  readonly #tableId: TableId;
  #view: ReadView | null = null;
  #appended = 0;
  #leave: () => void = () => undefined;

  constructor(run: StatementRun, table: TableDefinition) {
    this.#run = run;
    this.#tableId = table.parts[0].tableId;
  }

  /** Opens the view in a moment when everything that was appended is visible. */
  async begin(mode: 'open' | 'alone', buffer: WriteBuffer): Promise<void> {
    const { guards } = this.#run.state.context;
    this.#leave = await guards.alone(this.#tableId);
    this.#appended = guards.appendedTo(this.#tableId);
    const opening = this.#run.openReadView();
    if (mode === 'open') this.#leave();
    else buffer.alreadyInside(this.#tableId);
    this.#view = await opening;
  }

  /** The receiver releases it. */
  takeView(): ReadView | Promise<ReadView> {
    const view = this.#view ?? this.#run.openReadView();
    this.#view = null;
    return view;
  }

  isOvertaken(): boolean {
    return this.#run.state.context.guards.appendedTo(this.#tableId) !== this.#appended;
  }

  end(): void {
    this.#view?.release();
    this.#view = null;
    this.#leave();
  }
}
