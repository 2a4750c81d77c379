/**
 * From a CREATE TABLE statement to the operation that both nodes apply.
 *
 * Every table has one time index. It may be declared in three ways, looked for in this order:
 *
 *   TIME INDEX (ts) with PRIMARY KEY (host, dc) or without     as declared
 *   PRIMARY KEY (host, dc, ts)                                 the last TIMESTAMP/DATETIME column of the key; a note
 *   neither                                                    the first TIMESTAMP/DATETIME column, and append mode,
 *                                                              so that nothing is ever overwritten; a note
 *
 * A PRIMARY KEY without a time column in it takes the first one of the table, and a warning says what now identifies a
 * row. No time column at all is an error that names the fix.
 *
 * The time index has more digits than MySQL's default of 0 when none were given, TIMESTAMP(3) and DATETIME(6): rows of
 * one second must not replace one another.
 */

import { SqlError } from '../../protocol/index.js';
import type { ColumnDefinitionNode, CreateTableStatement, Expression } from '../sql/ast.js';
import type { CreatedColumn, CreateTableOperation } from './ddl-operation.js';
import { checkColumnName, checkTableName, isSameColumnName } from './identifier.js';
import type { SqlType } from './sql-type.js';
import { note, ownNote, warning } from './statement-note.js';
import type { StatementNote } from './statement-note.js';
import { storedTypeOf } from './stored-type.js';
import type { ColumnDefault } from './table-definition.js';
import {
  AUTOMATIC_PARTITION,
  readMysqlOptions,
  readTableOptions,
  type TableDefaults,
} from './table-options.js';

const NO_DEFAULTS: TableDefaults = { partitionMs: AUTOMATIC_PARTITION, ttlMs: null };

export const TABLE_COLUMNS_MAX = 4096;

const TIMESTAMP_INDEX_PRECISION = 3;
const DATETIME_INDEX_PRECISION = 6;
const VARCHAR_LENGTH_MAX = 16_383;

/** Evaluates a DEFAULT clause for a column of this type. Throws 1067 where the value does not fit. */
export type DefaultEvaluator = (
  expression: Expression,
  column: { readonly name: string; readonly type: SqlType },
) => ColumnDefault;

export interface CreateTablePlan {
  readonly operation: CreateTableOperation;
  readonly notes: readonly StatementNote[];
}

/** Throws SqlError for whatever is wrong with the statement. Does not look whether the name is free. */
export function planCreateTable(
  statement: CreateTableStatement,
  database: string,
  evaluateDefault: DefaultEvaluator,
  defaults: TableDefaults = NO_DEFAULTS,
): CreateTablePlan {
  const table = statement.name.table;
  checkTableName(table);
  checkColumns(statement.columns);
  const notes: StatementNote[] = [];
  const keys = chooseKeys(statement, notes);
  const columns = statement.columns.map((node) => planColumn(node, keys, evaluateDefault));
  const timeType = columns.find((column) => column.name === keys.timeIndex)?.type;
  const options = readTableOptions(
    statement.options,
    timeType === undefined ? 0 : precisionOf(timeType),
    defaults,
  );
  const mysqlOptions = readMysqlOptions(statement.mysqlOptions, table);
  notes.push(...mysqlOptions.notes);
  for (const ignored of statement.ignoredIndexes) notes.push(ignoredNote(ignored));
  const appendMode = options.appendMode ?? keys.isUndeclared;
  if (options.appendMode === null && keys.isUndeclared) {
    notes.push(
      ownNote(
        `No TIME INDEX and no PRIMARY KEY: \`${keys.timeIndex}\` is the time index, and append_mode keeps every row`,
      ),
    );
  }
  if (appendMode && options.mergeMode !== null) {
    throw new SqlError('ER_WRONG_ARGUMENTS', appendAndMergeText(keys, options.appendMode));
  }
  const mergeFields = options.mergeMode === 'last_non_null';
  const operation: CreateTableOperation = {
    op: 'createTable',
    database,
    name: table,
    columns,
    tags: keys.tags,
    timeIndex: keys.timeIndex,
    appendMode,
    ...(mergeFields ? { mergeFields } : {}),
    partitionMs: options.partitionMs,
    options: [...(appendMode ? [['append_mode', 'true'] as const] : []), ...options.printed],
    comment: options.comment ?? mysqlOptions.comment ?? '',
    ...(options.ttl === null ? {} : { ttl: options.ttl }),
  };
  return { operation, notes };
}

/** merge_mode says what rows of one identity become, append_mode that each of them stays. */
function appendAndMergeText({ timeIndex, isUndeclared }: ChosenKeys, said: boolean | null): string {
  const why =
    "Table option 'merge_mode' can't be used in append_mode, which keeps every row: leave one of them out";
  return isUndeclared && said === null
    ? `${why}. The table is in append_mode because it has no key: declare one, such as TIME INDEX (${timeIndex})`
    : why;
}

interface ChosenKeys {
  /** Spelled as in the column list. */
  readonly timeIndex: string;
  readonly tags: readonly string[];
  /** Neither TIME INDEX nor PRIMARY KEY was given. */
  readonly isUndeclared: boolean;
}

function chooseKeys(statement: CreateTableStatement, notes: StatementNote[]): ChosenKeys {
  const { timeIndexes, primaryKeys, columns } = statement;
  if (primaryKeys.length > 1) throw new SqlError('ER_MULTIPLE_PRI_KEY');
  if (timeIndexes.length > 1) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `A table has exactly one TIME INDEX, but ${timeIndexes.length} are declared: keep one`,
    );
  }
  const key = (primaryKeys[0] ?? []).map((name) => keyColumn(columns, name));
  checkKeyRepeats(key);
  const declared = timeIndexes[0];
  if (declared !== undefined) {
    const timeIndex = declaredTimeIndex(columns, declared);
    return { timeIndex: timeIndex.name, tags: tagsOf(key, timeIndex), isUndeclared: false };
  }
  if (primaryKeys.length > 0) return keysFromPrimaryKey(columns, key, notes);
  const first = columns.find(isTimeColumn);
  if (first === undefined) throw noTimeColumn(statement.name.table);
  return { timeIndex: first.name, tags: [], isUndeclared: true };
}

function keysFromPrimaryKey(
  columns: readonly ColumnDefinitionNode[],
  key: readonly ColumnDefinitionNode[],
  notes: StatementNote[],
): ChosenKeys {
  const inKey = key.findLast(isTimeColumn);
  if (inKey !== undefined) {
    refuseNull(inKey);
    notes.push(
      ownNote(
        `\`${inKey.name}\` of the PRIMARY KEY is the time index; the other key columns are tags`,
      ),
    );
    return { timeIndex: inKey.name, tags: tagsOf(key, inKey), isUndeclared: false };
  }
  const elsewhere = columns.find(isTimeColumn);
  const names = key.map((column) => column.name).join(', ');
  if (elsewhere === undefined) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `PRIMARY KEY (${names}) has no time column, and neither has the table: every table needs one; ` +
        'add a column such as ts TIMESTAMP(3) NOT NULL and TIME INDEX (ts)',
    );
  }
  refuseNull(elsewhere);
  notes.push(
    warning(
      `PRIMARY KEY (${names}) has no time column: \`${elsewhere.name}\` is the time index, ` +
        `and a row is identified by (${names}, ${elsewhere.name})`,
    ),
  );
  return { timeIndex: elsewhere.name, tags: tagsOf(key, elsewhere), isUndeclared: false };
}

function declaredTimeIndex(
  columns: readonly ColumnDefinitionNode[],
  declared: readonly string[],
): ColumnDefinitionNode {
  const [name, ...others] = declared;
  if (name === undefined || others.length > 0) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `TIME INDEX (${declared.join(', ')}) must name exactly one column; put the others in PRIMARY KEY`,
    );
  }
  const column = keyColumn(columns, name);
  if (!isTimeColumn(column)) {
    throw new SqlError(
      'ER_WRONG_ARGUMENTS',
      `TIME INDEX (${column.name}): the column must be TIMESTAMP or DATETIME; declare it as ${column.name} TIMESTAMP(3)`,
    );
  }
  refuseNull(column);
  return column;
}

function refuseNull(column: ColumnDefinitionNode): void {
  if (column.nullable !== true) return;
  throw new SqlError(
    'ER_PRIMARY_CANT_HAVE_NULL',
    `The time index \`${column.name}\` can't be NULL: declare it NOT NULL`,
  );
}

function noTimeColumn(table: string): SqlError {
  return new SqlError(
    'ER_WRONG_ARGUMENTS',
    `Table '${table}' has no TIMESTAMP or DATETIME column: every table needs a time index; ` +
      'add a column such as ts TIMESTAMP(3) NOT NULL and TIME INDEX (ts)',
  );
}

/** A time index that is also listed in the PRIMARY KEY is identity already. */
function tagsOf(key: readonly ColumnDefinitionNode[], timeIndex: ColumnDefinitionNode): string[] {
  return key.filter((column) => column !== timeIndex).map((column) => column.name);
}

function keyColumn(columns: readonly ColumnDefinitionNode[], name: string): ColumnDefinitionNode {
  const column = columns.find((candidate) => isSameColumnName(candidate.name, name));
  if (column === undefined) throw new SqlError('ER_KEY_COLUMN_DOES_NOT_EXITS', { column: name });
  return column;
}

function checkKeyRepeats(key: readonly ColumnDefinitionNode[]): void {
  const repeated = key.find((column, index) => key.indexOf(column) !== index);
  if (repeated !== undefined) throw new SqlError('ER_DUP_FIELDNAME', { column: repeated.name });
}

function isTimeColumn(column: ColumnDefinitionNode): boolean {
  return column.type.kind === 'timestamp' || column.type.kind === 'datetime';
}

function checkColumns(columns: readonly ColumnDefinitionNode[]): void {
  if (columns.length === 0) throw new SqlError('ER_TABLE_MUST_HAVE_COLUMNS');
  if (columns.length > TABLE_COLUMNS_MAX) {
    throw new SqlError(
      'ER_TOO_MANY_FIELDS',
      `Too many columns: ${columns.length} of at most ${TABLE_COLUMNS_MAX}`,
    );
  }
  const seen = new Set<string>();
  for (const { name, type } of columns) {
    checkColumnName(name);
    const lower = name.toLowerCase();
    if (seen.has(lower)) throw new SqlError('ER_DUP_FIELDNAME', { column: name });
    seen.add(lower);
    checkType(name, type);
  }
}

/** What a type that can't be stored should be declared as instead. */
const INSTEAD: Readonly<Partial<Record<SqlType['kind'], string>>> = {
  decimal: 'DOUBLE, or BIGINT with a fixed scale',
  time: 'BIGINT, counting seconds or microseconds',
  json: 'TEXT',
};

function checkType(name: string, type: SqlType): void {
  if (storedTypeOf(type) === null) {
    throw new SqlError(
      'ER_NOT_SUPPORTED_YET',
      `Column '${name}': ${type.kind.toUpperCase()} columns come later; use ${INSTEAD[type.kind] ?? 'another type'}`,
    );
  }
  if (
    type.kind === 'text' &&
    type.spelling === 'varchar' &&
    (type.length ?? 0) > VARCHAR_LENGTH_MAX
  ) {
    throw new SqlError('ER_TOO_BIG_FIELDLENGTH', { column: name, max: VARCHAR_LENGTH_MAX });
  }
}

function planColumn(
  node: ColumnDefinitionNode,
  keys: ChosenKeys,
  evaluateDefault: DefaultEvaluator,
): CreatedColumn {
  const isTimeIndex = node.name === keys.timeIndex;
  const type = isTimeIndex ? withIndexPrecision(node.type) : node.type;
  const nullable = !isTimeIndex && node.nullable !== false;
  const value: ColumnDefault =
    node.defaultValue === null
      ? { kind: 'none' }
      : evaluateDefault(node.defaultValue, { name: node.name, type });
  const isNull = value.kind === 'constant' && value.value === null;
  if (isNull && !nullable) throw new SqlError('ER_INVALID_DEFAULT', { column: node.name });
  return {
    name: node.name,
    type,
    nullable,
    // DEFAULT NULL says no more than no DEFAULT at all.
    default: isNull ? { kind: 'none' } : value,
    comment: node.comment ?? '',
  };
}

function withIndexPrecision(type: SqlType): SqlType {
  if (type.kind === 'timestamp' && !type.precisionGiven) {
    return { ...type, precision: TIMESTAMP_INDEX_PRECISION, precisionGiven: true };
  }
  if (type.kind === 'datetime' && !type.precisionGiven) {
    return { ...type, precision: DATETIME_INDEX_PRECISION, precisionGiven: true };
  }
  return type;
}

function precisionOf(type: SqlType): number {
  return type.kind === 'timestamp' || type.kind === 'datetime' ? type.precision : 0;
}

/** @param ignored an index by name, or an attribute such as 'AUTO_INCREMENT of id' */
function ignoredNote(ignored: string): StatementNote {
  return /^(AUTO_INCREMENT|ON UPDATE|PARTITION) /.test(`${ignored} `)
    ? warning(`${ignored} has no effect`)
    : warning(
        `Index '${ignored}' has no effect: every tag is indexed already, and UNIQUE is not checked`,
      );
}

/** IF NOT EXISTS on a name that is taken. */
export function existsNote(table: string): StatementNote {
  return note(1050, `Table '${table}' already exists`);
}
