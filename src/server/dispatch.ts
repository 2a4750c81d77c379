/** From a parsed statement to its executor, and the name that its Com_ counter has. */

import type { ParameterReader } from '../../protocol/index.js';
import type { Statement } from '../sql/ast.js';
import { executeAdmin } from './admin-statement.js';
import { executeAlterDatabase, executeAlterTable } from './alter-statement.js';
import {
  executeCreateDatabase,
  executeCreateTable,
  executeDropDatabase,
  executeDropTable,
  executeTruncate,
} from './ddl-statement.js';
import { executeDelete } from './delete-statement.js';
import { executeInsert } from './insert-statement.js';
import { executeKill } from './kill-statement.js';
import { executeSelectStatement } from './select-statement.js';
import { executeSet } from './set-statement.js';
import { executeDescribe, executeShow } from './show-statement.js';
import type { StatementRun } from './statement-run.js';
import {
  commitImplicitly,
  executeBegin,
  executeCommit,
  executeRollback,
} from './transaction-statement.js';
import type { SessionWarning } from './warning-list.js';

export interface DispatchOptions {
  /** Of a prepared statement. */
  readonly parameters: ParameterReader | null;
  /** What SHOW WARNINGS lists. */
  readonly previousWarnings: readonly SessionWarning[];
}

export async function dispatchStatement(
  run: StatementRun,
  statement: Statement,
  options: DispatchOptions,
): Promise<void> {
  run.state.context.counters.count(COMMANDS[statement.kind]);
  switch (statement.kind) {
    case 'select':
      return executeSelectStatement(run, statement);
    case 'insert':
      return executeInsert(run, statement, options.parameters);
    case 'delete':
      return executeDelete(run, statement);
    case 'createDatabase':
      return executeCreateDatabase(run, statement);
    case 'dropDatabase':
      return executeDropDatabase(run, statement);
    case 'createTable':
      return executeCreateTable(run, statement);
    case 'dropTable':
      return executeDropTable(run, statement);
    case 'truncate':
      return executeTruncate(run, statement.name);
    case 'alterDatabase':
      return executeAlterDatabase(run, statement);
    case 'alterTable':
      return executeAlterTable(run, statement);
    case 'show':
      return executeShow(run, statement, options.previousWarnings);
    case 'describe':
      return executeDescribe(run, statement.table, statement.column);
    case 'set':
      return executeSet(run, statement.assignments);
    case 'begin':
      return executeBegin(run, statement.readOnly);
    case 'commit':
      return executeCommit(run);
    case 'rollback':
      return executeRollback(run);
    case 'use':
      run.state.useDatabase(statement.database);
      run.ok();
      return undefined;
    case 'kill':
      executeKill(run, statement.target, statement.id);
      return undefined;
    case 'admin':
      return executeAdmin(run, statement);
    case 'lockTables':
      return executeLockTables(run);
    case 'unlockTables':
    case 'empty':
      run.ok();
      return undefined;
  }
}

/** There are no locks to take: rows of one identity are ordered by version, and a statement is applied as a whole. */
async function executeLockTables(run: StatementRun): Promise<void> {
  await commitImplicitly(run);
  run.state.warnings.add('Note', 1105, 'LOCK TABLES has no effect: tables are never locked');
  run.ok();
}

const COMMANDS: Readonly<Record<Statement['kind'], string>> = {
  select: 'select',
  insert: 'insert',
  delete: 'delete',
  createDatabase: 'create_db',
  dropDatabase: 'drop_db',
  createTable: 'create_table',
  dropTable: 'drop_table',
  truncate: 'truncate',
  alterDatabase: 'alter_db',
  alterTable: 'alter_table',
  show: 'show',
  describe: 'show',
  set: 'set_option',
  begin: 'begin',
  commit: 'commit',
  rollback: 'rollback',
  use: 'change_db',
  kill: 'kill',
  admin: 'admin_commands',
  lockTables: 'lock_tables',
  unlockTables: 'unlock_tables',
  empty: 'empty_query',
};
