/**
 * SHOW and DESCRIBE.
 *
 * Nearly all of them are a SELECT over a virtual table with MySQL's headings, so that WHERE, types and encoding are
 * those of every other query.
 */

import { SqlError } from '../../protocol/index.js';
import { isInformationSchema, INFORMATION_SCHEMA } from '../catalog/information-source.js';
import {
  showCharset,
  showCollation,
  showEngines,
  showGrants,
  showNothing,
  showPlugins,
  showPrivileges,
  showProcesslist,
  showStatus,
  showVariables,
  showWarnings,
} from '../catalog/show-server.js';
import { showCreateDatabase, showCreateTable } from '../catalog/show-create-table.js';
import {
  showColumns,
  showDatabases,
  showIndex,
  showTable,
  showTables,
  showTableStatus,
  showVirtualColumns,
} from '../catalog/show-tables.js';
import { required, TEXT, VARCHAR_64, varchar } from '../catalog/virtual-table.js';
import type { VirtualTable } from '../catalog/virtual-table.js';
import type { TableSource } from '../exec/execution-context.js';
import type { Expression, SelectStatement, ShowStatement, TableName } from '../sql/ast.js';
import { showReplicaStatus, showRpo } from './replication-entries.js';
import { executeSelectOver } from './select-statement.js';
import type { SessionWarning } from './warning-list.js';
import { resolveTable } from './statement-run.js';
import type { StatementRun, StatementScope } from './statement-run.js';

/** @param previous warnings of the statement before: what SHOW WARNINGS lists */
export async function executeShow(
  run: StatementRun,
  statement: ShowStatement,
  previous: readonly SessionWarning[],
): Promise<void> {
  const where = 'where' in statement ? statement.where : null;
  await executeSelectOver(run, selectAll(virtualTableOf(run, statement, previous), where));
}

export async function executeDescribe(
  run: StatementRun,
  table: TableName,
  column: string | null,
): Promise<void> {
  await executeSelectOver(run, selectAll(describedTable(run, table, column), null));
}

/** What DESCRIBE selects from. */
export function describedTable(
  scope: StatementScope,
  name: TableName,
  column: string | null,
): VirtualTable {
  return columnsOf(scope, resolveTableName(scope, name), false, column);
}

/** What a SHOW selects from. */
export function virtualTableOf(
  scope: StatementScope,
  statement: ShowStatement,
  previous: readonly SessionWarning[],
): VirtualTable {
  const source = scope.information();
  switch (statement.what) {
    case 'databases':
      return showDatabases(source, statement.like);
    case 'tables':
      return showTables(
        source,
        existingDatabase(scope, statement.database),
        statement.full,
        statement.like,
      );
    case 'tableStatus':
      return showTableStatus(source, existingDatabase(scope, statement.database), statement.like);
    case 'columns':
      return columnsOf(
        scope,
        resolveTableName(scope, statement.table),
        statement.full,
        statement.like,
      );
    case 'index': {
      const found = resolveTableName(scope, statement.table);
      return showIndex(found.kind === 'stored' ? found.table : null, source, statement.like);
    }
    case 'createTable':
      return createTableText(scope, statement.table);
    case 'createDatabase':
      return createDatabaseText(scope, statement.database, statement.ifNotExists);
    case 'variables':
      return showVariables(source, statement.scope, statement.like);
    case 'status':
      return showStatus(source, statement.like);
    case 'warnings':
      return showWarnings(limited(previous, statement.limit));
    case 'errors':
      return showWarnings(limited(previous.filter(isError), statement.limit));
    case 'engines':
      return showEngines(source, statement.like);
    case 'charset':
      return showCharset(statement.like);
    case 'collation':
      return showCollation(statement.like);
    case 'plugins':
      return showPlugins(statement.like);
    case 'processlist':
      return showProcesslist(source, statement.full);
    case 'rpo':
      return showRpo(scope.state.context.replicationStatus());
    case 'replicaStatus':
      return showReplicaStatus(scope.state.context.replicationStatus());
    case 'grants':
      return showGrants(source);
    case 'privileges':
      return showPrivileges(statement.like);
    case 'events':
    case 'triggers':
    case 'procedureStatus':
    case 'functionStatus':
      return showNothing(statement.what);
  }
}

/** SELECT * over a virtual table. */
export function selectAll(
  table: VirtualTable,
  where: Expression | null,
): { readonly table: VirtualTable; readonly select: SelectStatement } {
  const select: SelectStatement = {
    kind: 'select',
    distinct: false,
    items: [{ kind: 'star', table: null }],
    from: { kind: 'table', name: { database: null, table: table.name }, alias: null },
    where,
    groupBy: [],
    having: null,
    orderBy: [],
    limit: null,
    offset: null,
  };
  return { table, select };
}

function columnsOf(
  scope: StatementScope,
  source: TableSource,
  full: boolean,
  like: string | null,
): VirtualTable {
  return source.kind === 'stored'
    ? showColumns(source.table, scope.information(), full, like)
    : showVirtualColumns(source, full, like);
}

function resolveTableName(scope: StatementScope, { database, table }: TableName): TableSource {
  return resolveTable(scope.state, database, table);
}

/** Throws 1046, 1049. */
function existingDatabase(scope: StatementScope, database: string | null): string {
  const name = scope.state.databaseOr(database);
  if (isInformationSchema(name)) return INFORMATION_SCHEMA;
  if (scope.state.context.catalog.database(name) === undefined) {
    throw new SqlError('ER_BAD_DB_ERROR', { database: name });
  }
  return name;
}

function createTableText(scope: StatementScope, name: TableName): VirtualTable {
  const source = resolveTableName(scope, name);
  if (source.kind === 'virtual') {
    throw new SqlError('ER_NOT_SUPPORTED_YET', { feature: 'SHOW CREATE TABLE of a system view' });
  }
  const { table } = source;
  const columns = [required('Table', VARCHAR_64), required('Create Table', TEXT)];
  return showTable(
    'CREATE_TABLE',
    columns,
    () => [[table.name, showCreateTable(table, scope.state.zone)]],
    null,
  );
}

function createDatabaseText(
  scope: StatementScope,
  name: string,
  ifNotExists: boolean,
): VirtualTable {
  const database = existingDatabase(scope, name);
  const ttl = scope.state.context.catalog.database(database)?.ttl ?? null;
  const columns = [required('Database', VARCHAR_64), required('Create Database', varchar(1024))];
  return showTable(
    'CREATE_DATABASE',
    columns,
    () => [[database, showCreateDatabase({ name: database, ttl }, ifNotExists)]],
    null,
  );
}

function limited(
  warnings: readonly SessionWarning[],
  limit: number | null,
): readonly SessionWarning[] {
  return limit === null ? warnings : warnings.slice(0, limit);
}

function isError(warning: SessionWarning): boolean {
  return warning.level === 'Error';
}
