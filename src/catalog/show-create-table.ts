/**
 * The text of SHOW CREATE TABLE, in MySQL's layout to the space.
 *
 * SQLAlchemy and mysqldump read it: the first line names the table, each column and key is a line of its own indented by
 * two spaces, the last line holds the table options. Identity is tags and time, so the PRIMARY KEY lists the tags and
 * the time index last; that is what MySQL's tools understand, and what our CREATE TABLE reads back. A TIME INDEX line is
 * written only where the key does not say it: a table without one whose time index is not its first time column.
 */

import type { TimeZone } from '../exec/time-zone.js';
import type { DatabaseDefinition } from './catalog.js';
import { defaultClause } from './default-text.js';
import { quoteIdentifier, quoteText } from './identifier.js';
import type { ColumnDefinition, TableDefinition } from './table-definition.js';
import { columnTypeName } from './type-name.js';

export const ENGINE = 'TWINTIDE';
export const TABLE_COLLATION = 'utf8mb4_bin';

/** @param zone of the session: TIMESTAMP defaults are shown in it */
export function showCreateTable(table: TableDefinition, zone: TimeZone): string {
  const lines = table.columns.map((column) => {
    return `  ${columnLine(column, column === table.timeIndex, zone)}`;
  });
  lines.push(...keyLines(table));
  const head = `CREATE TABLE ${quoteIdentifier(table.name)} (\n`;
  return `${head}${lines.join(',\n')}\n)${tableTail(table)}`;
}

export function showCreateDatabase(
  { name, ttl }: Pick<DatabaseDefinition, 'name' | 'ttl'>,
  ifNotExists: boolean,
): string {
  const tail = ttl === null ? '' : ` WITH (ttl=${quoteText(ttl.text)})`;
  const exists = ifNotExists ? '/*!32312 IF NOT EXISTS*/ ' : '';
  return `CREATE DATABASE ${exists}${quoteIdentifier(name)} /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE ${TABLE_COLLATION} */${tail}`;
}

/** True when a row of the table can be replaced by another of the same tags and time. */
export function hasPrimaryKey(table: TableDefinition): boolean {
  return !table.appendMode || table.tags.length > 0;
}

function columnLine(column: ColumnDefinition, isTimeIndex: boolean, zone: TimeZone): string {
  // tinyint(1), as DESCRIBE has it, would come back as a TINYINT.
  const name = column.type.kind === 'boolean' ? 'boolean' : columnTypeName(column.type);
  // A time index without digits would come back with some: rows of one second must not merge unless that was asked for.
  const type = isTimeIndex && !name.includes('(') ? `${name}(0)` : name;
  const isNullTimestamp = column.nullable && column.type.kind === 'timestamp';
  const nullability = column.nullable ? (isNullTimestamp ? ' NULL' : '') : ' NOT NULL';
  const comment = column.comment === '' ? '' : ` COMMENT ${quoteText(column.comment)}`;
  return `${quoteIdentifier(column.name)} ${type}${nullability}${defaultClause(column, zone)}${comment}`;
}

function keyLines(table: TableDefinition): string[] {
  if (hasPrimaryKey(table)) {
    const key = [...table.tags, table.timeIndex].map((column) => quoteIdentifier(column.name));
    return [`  PRIMARY KEY (${key.join(',')})`];
  }
  const firstTime = table.columns.find(
    (column) => column.type.kind === 'timestamp' || column.type.kind === 'datetime',
  );
  if (firstTime === table.timeIndex) return [];
  return [`  TIME INDEX (${quoteIdentifier(table.timeIndex.name)})`];
}

function tableTail(table: TableDefinition): string {
  const comment = table.comment === '' ? '' : ` COMMENT=${quoteText(table.comment)}`;
  const options = table.options.map(([name, value]) => `${name}=${quoteText(value)}`);
  const tail = options.length === 0 ? '' : ` WITH (${options.join(', ')})`;
  return ` ENGINE=${ENGINE} DEFAULT CHARSET=utf8mb4 COLLATE=${TABLE_COLLATION}${comment}${tail}`;
}
