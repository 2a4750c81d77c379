/**
 * How CREATEs of one name become one table.
 *
 * Two nodes that can't see each other may both create `cpu`. Neither can be refused afterwards, rows were acknowledged
 * on both. So both stay as storage and the name reads as their union. The rules look only at the set of live CREATEs,
 * sorted by id, never at the order in which they came; that is what makes two nodes agree.
 *
 *   - The lowest id is canonical: its columns come first and keep their names.
 *   - A further CREATE must identify and merge rows alike: the same tags in the same order, the same time index, the same
 *     append mode and merge mode. One that does not is *set aside*: it lives on as a table of its own, `name__<node>`.
 *   - Its fields join by name (without case) and type. A new name is appended. A name that is taken by another type lives on
 *     as `column__<node>`.
 *   - What an ALTER said of any part holds for the name; of several the newest.
 *   - A column that some part lacks, or allows NULL in, may be NULL.
 *
 * New rows of a union go to the canonical id, so its schema carries all columns, with ids hashed from the canonical id.
 */

import { ColumnRole } from '../../storage/index.js';
import type { ColumnId, NodeId, StoredColumn, TableId, TableSchema } from '../../storage/index.js';
import { columnIdOf, typeIdentity } from './column-identity.js';
import type { CreatedColumn, CreateTableOperation } from './ddl-operation.js';
import { storedPrecisionOf, storedTypeOf } from './stored-type.js';
import type { ColumnDefinition, TableDefinition, TablePart } from './table-definition.js';
import type { Ttl } from './ttl.js';

/** A CREATE TABLE that no DROP names. */
export interface LiveTable {
  readonly id: TableId;
  readonly origin: NodeId;
  readonly create: CreateTableOperation;
}

/** What the newest ALTER said; null = unset. */
export interface AlteredTtl {
  readonly version: number;
  readonly ttl: Ttl | null;
}

const NOTHING_ALTERED: ReadonlyMap<TableId, AlteredTtl> = new Map();

export type ConflictKind = 'concurrent create' | 'column clash' | 'table set aside';

/** Something that two nodes did at once and that did not merge without a trace. */
export interface CatalogConflict {
  readonly kind: ConflictKind;
  readonly database: string;
  readonly table: string;
  /** The column's new name for a clash, the table's for a table set aside, else null. */
  readonly renamedTo: string | null;
  readonly detail: string;
  /** The id that lost, and the node that made it. */
  readonly tableId: TableId;
  readonly origin: NodeId;
}

export interface MergedTable {
  readonly definition: TableDefinition;
  /** Ascending by id: to be shown under names of their own. */
  readonly setAside: readonly LiveTable[];
  readonly conflicts: readonly CatalogConflict[];
}

/** A column of the union while it is put together. */
interface UnionColumn {
  readonly name: string;
  readonly created: CreatedColumn;
  readonly role: ColumnRole;
  /** In how many parts it is, and whether all of those say NOT NULL. */
  partCount: number;
  notNullEverywhere: boolean;
}

/** The columns so far, found by name. */
class Union {
  readonly columns: UnionColumn[] = [];
  readonly #positions = new Map<string, number>();

  /** undefined = there is none of that name. */
  position(name: string): number | undefined {
    return this.#positions.get(name.toLowerCase());
  }

  /** Returns its position. Requires: there is none of that name. */
  append(name: string, created: CreatedColumn, role: ColumnRole): number {
    const position = this.columns.length;
    this.#positions.set(name.toLowerCase(), position);
    this.columns.push({ name, created, role, partCount: 1, notNullEverywhere: !created.nullable });
    return position;
  }
}

/** One CREATE's columns, each pointing at its column of the union. */
interface PartMapping {
  readonly live: LiveTable;
  readonly unionIndexes: readonly number[];
}

/**
 * @param group live CREATEs of one name, ascending by id, at least one
 * @param name what the result is called (differs from the CREATEs' own for a table set aside)
 * @param altered by table id, tables that no ALTER was about left out
 */
export function mergeCreates(
  group: readonly [LiveTable, ...LiveTable[]],
  name: string,
  altered: ReadonlyMap<TableId, AlteredTtl> = NOTHING_ALTERED,
): MergedTable {
  const [canonical, ...others] = group;
  const union = new Union();
  const mappings: PartMapping[] = [joinColumns(union, canonical, name, [])];
  const setAside: LiveTable[] = [];
  const conflicts: CatalogConflict[] = [];
  for (const other of others) {
    const difference = incompatibility(canonical.create, other.create);
    if (difference !== null) {
      setAside.push(other);
      continue;
    }
    conflicts.push({
      kind: 'concurrent create',
      database: canonical.create.database,
      table: name,
      renamedTo: null,
      detail: `node ${canonical.origin} and node ${other.origin} both created it; it reads as the union of the two`,
      tableId: other.id,
      origin: other.origin,
    });
    mappings.push(joinColumns(union, other, name, conflicts));
  }
  const ttl = ttlOf(mappings, canonical, altered);
  return { definition: define(union.columns, mappings, canonical, name, ttl), setAside, conflicts };
}

/** Why two CREATEs can't be read as one table; null when they can. */
export function incompatibility(a: CreateTableOperation, b: CreateTableOperation): string | null {
  const timeA = keyText(a, [a.timeIndex]);
  const timeB = keyText(b, [b.timeIndex]);
  if (timeA !== timeB) return `the time index is ${timeA} in one and ${timeB} in the other`;
  const tagsA = keyText(a, a.tags);
  const tagsB = keyText(b, b.tags);
  if (tagsA !== tagsB) return `the tags are (${tagsA}) in one and (${tagsB}) in the other`;
  if (a.appendMode !== b.appendMode) return 'one is in append mode and the other is not';
  if ((a.mergeFields === true) !== (b.mergeFields === true)) {
    return "merge_mode is 'last_row' in one and 'last_non_null' in the other";
  }
  return null;
}

/** Names in lower case and types, in order: equal for keys that identify rows alike. */
function keyText(create: CreateTableOperation, names: readonly string[]): string {
  return names
    .map((name) => `${name.toLowerCase()} ${typeIdentity(columnNamed(create, name).type)}`)
    .join(', ');
}

function joinColumns(
  union: Union,
  live: LiveTable,
  tableName: string,
  conflicts: CatalogConflict[],
): PartMapping {
  const unionIndexes = live.create.columns.map((created) => {
    const role = roleOf(live.create, created);
    const found = union.position(created.name);
    if (found === undefined) return union.append(created.name, created, role);
    const column = at(union.columns, found);
    if (typeIdentity(column.created.type) === typeIdentity(created.type)) {
      column.partCount += 1;
      column.notNullEverywhere &&= !created.nullable;
      return found;
    }
    const renamed = freeName(`${created.name}__${live.origin}`, (candidate) =>
      isTaken(union, live.create, candidate),
    );
    conflicts.push({
      kind: 'column clash',
      database: live.create.database,
      table: tableName,
      renamedTo: renamed,
      detail:
        `${created.name} is ${typeIdentity(column.created.type)} in the older table and ` +
        `${typeIdentity(created.type)} in that of node ${live.origin}`,
      tableId: live.id,
      origin: live.origin,
    });
    return union.append(renamed, created, role);
  });
  return { live, unionIndexes };
}

/** The newest ALTER of any part, else what the canonical CREATE said. */
function ttlOf(
  mappings: readonly PartMapping[],
  canonical: LiveTable,
  altered: ReadonlyMap<TableId, AlteredTtl>,
): Ttl | null {
  let newest: AlteredTtl | null = null;
  for (const { live } of mappings) {
    const own = altered.get(live.id);
    if (own !== undefined && (newest === null || own.version > newest.version)) newest = own;
  }
  return newest === null ? (canonical.create.ttl ?? null) : newest.ttl;
}

/** By name, so that equal tables print alike. */
function printedOptions(
  create: CreateTableOperation,
  ttl: Ttl | null,
): readonly (readonly [string, string])[] {
  const options = ttl === null ? create.options : [...create.options, ['ttl', ttl.text] as const];
  return [...options].sort(([a], [b]) => (a < b ? -1 : 1));
}

function define(
  union: readonly UnionColumn[],
  mappings: readonly PartMapping[],
  canonical: LiveTable,
  name: string,
  ttl: Ttl | null,
): TableDefinition {
  const tagOrder = canonical.create.tags.map((tag) =>
    union.findIndex((column) => isSameName(column.name, tag)),
  );
  const timePosition = union.findIndex((column) => column.role === ColumnRole.time);
  const fieldPositions = [...union.keys()].filter(
    (position) => union[position]?.role === ColumnRole.field,
  );
  const schemaOrder = [...tagOrder, timePosition, ...fieldPositions];
  const schemaIndexes: number[] = [];
  for (const [index, position] of schemaOrder.entries()) schemaIndexes[position] = index;
  const columns: ColumnDefinition[] = union.map((column, position) => ({
    name: column.name,
    type: column.created.type,
    role: column.role,
    nullable: column.partCount < mappings.length || !column.notNullEverywhere,
    default: column.created.default,
    comment: column.created.comment,
    position,
    schemaIndex: at(schemaIndexes, position),
    columnId: columnIdOf(canonical.id, column.name, column.created.type, 0),
  }));
  const create = canonical.create;
  const canonicalPart: TablePart = {
    tableId: canonical.id,
    origin: canonical.origin,
    schema: {
      tableId: canonical.id,
      columns: schemaOrder.map((position) => storedColumn(at(columns, position))),
      ...storageModes(create),
    },
    columnIds: columns.map((column) => column.columnId),
  };
  return {
    database: create.database,
    name,
    parts: [canonicalPart, ...mappings.slice(1).map((mapping) => otherPart(mapping, columns))],
    columns,
    timeIndex: at(columns, timePosition),
    tags: tagOrder.map((position) => at(columns, position)),
    appendMode: create.appendMode,
    mergeFields: create.mergeFields === true,
    partitionMs: create.partitionMs,
    ttl,
    options: printedOptions(create, ttl),
    comment: create.comment,
    createdVersion: canonical.id,
  };
}

function otherPart(mapping: PartMapping, columns: readonly ColumnDefinition[]): TablePart {
  const { id, origin, create } = mapping.live;
  const ids: (ColumnId | null)[] = columns.map(() => null);
  const own = create.columns.map((created, index) => {
    const columnId = columnIdOf(id, created.name, created.type, 0);
    ids[at(mapping.unionIndexes, index)] = columnId;
    return { created, columnId };
  });
  const named = (name: string): { readonly created: CreatedColumn; readonly columnId: ColumnId } =>
    at(
      own,
      own.findIndex((column) => isSameName(column.created.name, name)),
    );
  const keys = [...create.tags, create.timeIndex].map(named);
  const ordered = [...keys, ...own.filter((column) => !keys.includes(column))];
  return {
    tableId: id,
    origin,
    schema: {
      tableId: id,
      columns: ordered.map(({ created, columnId }) =>
        storedColumn({ type: created.type, role: roleOf(create, created), columnId }),
      ),
      ...storageModes(create),
    },
    columnIds: ids,
  };
}

function storageModes({
  appendMode,
  mergeFields,
  partitionMs,
}: CreateTableOperation): Pick<TableSchema, 'appendMode' | 'mergeFields' | 'partitionMs'> {
  return { appendMode, partitionMs, ...(mergeFields === true ? { mergeFields } : {}) };
}

function storedColumn(column: Pick<ColumnDefinition, 'type' | 'role' | 'columnId'>): StoredColumn {
  const type = storedTypeOf(column.type);
  if (type === null) throw new Error(`a ${column.type.kind} column has no stored form`);
  return {
    id: column.columnId,
    type,
    role: column.role,
    precision: storedPrecisionOf(column.type),
  };
}

function roleOf(create: CreateTableOperation, column: CreatedColumn): ColumnRole {
  if (isSameName(create.timeIndex, column.name)) return ColumnRole.time;
  return create.tags.some((tag) => isSameName(tag, column.name))
    ? ColumnRole.tag
    : ColumnRole.field;
}

function columnNamed(create: CreateTableOperation, name: string): CreatedColumn {
  return at(
    create.columns,
    create.columns.findIndex((column) => isSameName(column.name, name)),
  );
}

/** A new name must miss the union so far and the columns of this CREATE that are still to come. */
function isTaken(union: Union, create: CreateTableOperation, name: string): boolean {
  return (
    union.position(name) !== undefined ||
    create.columns.some((column) => isSameName(column.name, name))
  );
}

/** `wanted`, or the first of `wanted_2`, `wanted_3`, ... that is free. */
export function freeName(wanted: string, isTakenName: (name: string) => boolean): string {
  let name = wanted;
  for (let number = 2; isTakenName(name); number += 1) name = `${wanted}_${number}`;
  return name;
}

function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`a catalog list has no entry ${index}`);
  return item;
}
