/**
 * ADMIN name(args): what the operator does to a node. Answers one row with the column named after the statement's text
 * and the value 0, as GreptimeDB does.
 */

import { isAbsolute } from 'node:path';
import { SqlError } from '../../protocol/index.js';
import { isNoSpace } from '../../storage/index.js';
import { BIGINT, required } from '../catalog/virtual-table.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import { showTable } from '../catalog/show-tables.js';
import type { Statement } from '../sql/ast.js';
import { constantOf, textOf } from './constant-expression.js';
import { errorReason } from './error-reason.js';
import { nearestWord } from './nearest-word.js';
import { selectAll } from './show-statement.js';
import { executeSelectOver } from './select-statement.js';
import { writableTable } from './statement-run.js';
import type { StatementRun } from './statement-run.js';

type AdminStatement = Extract<Statement, { kind: 'admin' }>;

interface AdminFunction {
  readonly argumentCount: number;
  readonly run: (run: StatementRun, statement: AdminStatement) => void | Promise<void>;
}

const FUNCTIONS: Readonly<Record<string, AdminFunction>> = {
  release_peer: {
    argumentCount: 0,
    run: (run) => {
      run.state.context.releasePeer();
    },
  },
  flush_table: { argumentCount: 1, run: flushTable },
  backup: { argumentCount: 1, run: backUp },
  compact_table: { argumentCount: 1, run: compactTable },
};

/** Functions that are part of the plan and not built. */
const LATER = ['switchover', 'verify_replication', 'restore_conflict'];

export async function executeAdmin(run: StatementRun, statement: AdminStatement): Promise<void> {
  const found = FUNCTIONS[statement.name];
  if (found === undefined) throw unknownFunction(statement.name);
  if (statement.arguments.length !== found.argumentCount) {
    throw new SqlError('ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT', { function: statement.name });
  }
  try {
    await found.run(run, statement);
  } catch (error) {
    if (!isNoSpace(error)) throw error;
    // Nothing has changed, and a flush is tried again by itself.
    throw new SqlError('ER_DISK_FULL', { reason: errorReason(error) }, { cause: error });
  }
  const table = showTable('ADMIN', [required(statement.text, BIGINT)], () => [[0]], null);
  await executeSelectOver(run, selectAll(table, null));
}

/** The table must exist; the memtable of all tables is flushed, since that is the unit. */
async function flushTable(run: StatementRun, statement: AdminStatement): Promise<void> {
  if (namedTable(run, statement) !== null) await run.state.context.flush();
}

/** All stored parts of the table; returns when their runs are joined. */
async function compactTable(run: StatementRun, statement: AdminStatement): Promise<void> {
  const table = namedTable(run, statement);
  if (table === null) return;
  await run.state.context.compactTables(table.parts.map((part) => part.tableId));
}

/** 'table' or 'database.table', which must exist. */
function namedTable(run: StatementRun, statement: AdminStatement): TableDefinition | null {
  const [argument] = statement.arguments;
  if (argument === undefined) return null;
  const name = textOf(constantOf(run, argument), statement.name);
  const dot = name.indexOf('.');
  if (dot < 0) return writableTable(run.state, null, name);
  return writableTable(run.state, name.slice(0, dot), name.slice(dot + 1));
}

/** Writes files on the node's machine, so only whoever is on it as the operator may ask. */
async function backUp(run: StatementRun, statement: AdminStatement): Promise<void> {
  const [argument] = statement.arguments;
  if (argument === undefined) return;
  if (!run.state.connection.isOperator) {
    throw new SqlError('ER_SPECIFIC_ACCESS_DENIED_ERROR', { privilege: 'operator (admin.sock)' });
  }
  const folder = textOf(constantOf(run, argument), 'backup');
  if (!isAbsolute(folder)) {
    throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'backup: the folder must be a whole path' });
  }
  try {
    await run.state.context.backup(folder, run.response.signal);
  } catch (error) {
    throw new SqlError('ER_UNKNOWN_ERROR', `the backup was not made: ${errorReason(error)}`, {
      cause: error,
    });
  }
}

function unknownFunction(name: string): SqlError {
  if (LATER.includes(name)) {
    return new SqlError('ER_NOT_SUPPORTED_YET', { feature: `ADMIN ${name}()` });
  }
  const near = nearestWord(name, Object.keys(FUNCTIONS));
  const hint =
    near === null ? `known are ${Object.keys(FUNCTIONS).join(', ')}` : `did you mean ${near}?`;
  return new SqlError('ER_SP_DOES_NOT_EXIST', `ADMIN function ${name} does not exist; ${hint}`);
}
