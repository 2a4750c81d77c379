/**
 * CREATE and DROP of databases and tables, TRUNCATE.
 *
 * A change of the catalog is a record like any other: admitted by the gate, journaled, shipped, and applied on both
 * nodes by the same code. The statement returns when the change is visible here. DDL ends an open transaction by COMMIT.
 */

import { SqlError } from '../../protocol/index.js';
import { rangeTombstoneSection } from '../../storage/index.js';
import { readDatabaseOptions } from '../catalog/altered-options.js';
import { existsNote, planCreateTable } from '../catalog/create-table-plan.js';
import { checkDatabaseName } from '../catalog/identifier.js';
import { isInformationSchema } from '../catalog/information-source.js';
import { note } from '../catalog/statement-note.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import { effectiveTtlMs } from '../catalog/ttl.js';
import type { CreateTableStatement, Statement, TableName } from '../sql/ast.js';
import { changeCatalog, writeDdl } from './catalog-change.js';
import { defaultEvaluator } from './default-value.js';
import { refuseInformationSchema, writableTable } from './statement-run.js';
import type { StatementRun } from './statement-run.js';
import { autocommitWrites } from './statement-writes.js';
import { commitImplicitly } from './transaction-statement.js';
import { noteAcknowledgement } from './write-outcome.js';

export async function executeCreateDatabase(
  run: StatementRun,
  statement: Extract<Statement, { kind: 'createDatabase' }>,
): Promise<void> {
  const { name, ifNotExists } = statement;
  const { catalog } = run.state.context;
  checkDatabaseName(name);
  const ttl = readDatabaseOptions(statement.options);
  await changeCatalog(run, async () => {
    if (isInformationSchema(name) || catalog.database(name) !== undefined) {
      if (!ifNotExists) throw new SqlError('ER_DB_CREATE_EXISTS', { database: name });
      run.state.warnings.addNotes([note(1007, `Can't create database '${name}'; database exists`)]);
      return;
    }
    await writeDdl(run, catalog.createDatabaseBody(name, ttl));
  });
  run.ok(1);
}

export async function executeDropDatabase(
  run: StatementRun,
  statement: Extract<Statement, { kind: 'dropDatabase' }>,
): Promise<void> {
  const { name, ifExists } = statement;
  const { catalog } = run.state.context;
  refuseInformationSchema(run.state, name);
  let tableCount = 0;
  await changeCatalog(run, async () => {
    if (catalog.database(name) === undefined) {
      if (!ifExists) throw new SqlError('ER_DB_DROP_EXISTS', { database: name });
      run.state.warnings.addNotes([
        note(1008, `Can't drop database '${name}'; database doesn't exist`),
      ]);
      return;
    }
    const tables = catalog.tables(name);
    tableCount = tables.length;
    await writeDdl(run, catalog.dropDatabaseBody(name), { freesSpace: true });
    forgetTables(run, tables);
    run.state.forgetDatabase(name);
  });
  run.ok(tableCount);
}

export async function executeCreateTable(
  run: StatementRun,
  statement: CreateTableStatement,
): Promise<void> {
  const { state } = run;
  const { catalog } = state.context;
  const database = state.databaseOr(statement.name.database);
  refuseInformationSchema(state, database);
  const { table } = statement.name;
  await changeCatalog(run, async () => {
    const home = catalog.database(database);
    if (home === undefined) throw new SqlError('ER_BAD_DB_ERROR', { database });
    if (catalog.table(database, table) !== undefined) {
      if (!statement.ifNotExists) throw new SqlError('ER_TABLE_EXISTS_ERROR', { table });
      state.warnings.addNotes([existsNote(table)]);
      return;
    }
    const { partitionMs, ttlMs } = state.context.limits;
    const defaults = { partitionMs, ttlMs: effectiveTtlMs(null, home.ttl, ttlMs) };
    const plan = planCreateTable(statement, database, defaultEvaluator(run), defaults);
    await writeDdl(run, catalog.createTableBody(plan.operation));
    state.warnings.addNotes(plan.notes);
  });
  run.ok();
}

/** All of the tables or, when one is missing and IF EXISTS was not said, none (1051), as in MySQL 8. */
export async function executeDropTable(
  run: StatementRun,
  statement: Extract<Statement, { kind: 'dropTable' }>,
): Promise<void> {
  const { state } = run;
  const { catalog } = state.context;
  await changeCatalog(run, async () => {
    const missing: string[] = [];
    const found: TableDefinition[] = [];
    for (const name of statement.names) {
      const database = state.databaseOr(name.database);
      refuseInformationSchema(state, database);
      const table = catalog.table(database, name.table);
      if (table === undefined) missing.push(`${database}.${name.table}`);
      else if (!found.includes(table)) found.push(table);
    }
    if (missing.length > 0 && !statement.ifExists) {
      throw new SqlError('ER_BAD_TABLE_ERROR', { table: missing.join(',') });
    }
    if (found.length > 0) {
      await writeDdl(run, catalog.dropTablesBody(found), { freesSpace: true });
    }
    forgetTables(run, found);
    state.warnings.addNotes(missing.map((name) => note(1051, `Unknown table '${name}'`)));
  });
  run.ok();
}

/** One tombstone over everything, in every part of the table. */
export async function executeTruncate(run: StatementRun, name: TableName): Promise<void> {
  const { state } = run;
  const table = writableTable(state, name.database, name.table);
  await commitImplicitly(run);
  const writes = autocommitWrites(state, () => run.response.abortNotice);
  for (const { tableId } of table.parts) {
    const bytes = rangeTombstoneSection({ tableId, timeMin: null, timeMax: null, tags: [] });
    await writes.add({ bytes, table, schema: null, hasRows: false, seriesCount: 0 });
  }
  const acknowledgement = await writes.commit();
  if (acknowledgement !== null) noteAcknowledgement(acknowledgement, state.warnings);
  run.ok();
}

function forgetTables(run: StatementRun, tables: readonly TableDefinition[]): void {
  for (const table of tables) {
    for (const { tableId } of table.parts) run.state.context.guards.forget(tableId);
  }
}
