/** ALTER DATABASE and ALTER TABLE: how long rows are kept. */

import { SqlError } from '../../protocol/index.js';
import { readDatabaseChanges, readTableChanges } from '../catalog/altered-options.js';
import type { Statement } from '../sql/ast.js';
import { changeCatalog, writeDdl } from './catalog-change.js';
import { refuseInformationSchema } from './statement-run.js';
import type { StatementRun } from './statement-run.js';

export async function executeAlterDatabase(
  run: StatementRun,
  statement: Extract<Statement, { kind: 'alterDatabase' }>,
): Promise<void> {
  const { name, set, unset } = statement;
  const { catalog } = run.state.context;
  refuseInformationSchema(run.state, name);
  const changes = readDatabaseChanges(set, unset);
  await changeCatalog(run, async () => {
    if (catalog.database(name) === undefined) {
      throw new SqlError('ER_BAD_DB_ERROR', { database: name });
    }
    await writeDdl(run, catalog.alterDatabaseBody(name, changes), { freesSpace: true });
  });
  run.ok(1);
}

export async function executeAlterTable(
  run: StatementRun,
  statement: Extract<Statement, { kind: 'alterTable' }>,
): Promise<void> {
  const { state } = run;
  const { catalog } = state.context;
  const database = state.databaseOr(statement.name.database);
  refuseInformationSchema(state, database);
  const changes = readTableChanges(statement.set, statement.unset);
  await changeCatalog(run, async () => {
    const { table: name } = statement.name;
    const table = catalog.table(database, name);
    if (table === undefined) throw new SqlError('ER_NO_SUCH_TABLE', { database, table: name });
    await writeDdl(run, catalog.alterTableBody(table, changes), { freesSpace: true });
  });
  run.ok();
}
