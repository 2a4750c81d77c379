/**
 * The catalog: which databases and tables there are, as a state machine over ddl records.
 *
 * Each node applies its own ddl records in order and the peer's in order, but the two streams mix as they happen to
 * arrive. Both nodes must still end with the same catalog. So the state is made of parts that don't care about order:
 *
 *   creates   id -> what was created        an id is the version of its record, so no two are alike
 *   dropped   id -> version of the DROP     ids only ever enter; a CREATE of a dropped id changes nothing
 *   altered   id or database name -> the newest ALTER's options and version
 *
 * Applying a record twice, or a DROP before its CREATE, ends in the same state. What users see (names, unions, tables
 * set aside) is computed from that state alone; see catalog-merge.ts.
 *
 * A database is visible while a live database id or a live table carries its name: a DROP DATABASE does not take along a
 * table that its node had not heard of.
 */

import { Packr } from 'msgpackr';
import type { NodeId, TableId, TableSchema } from '../../storage/index.js';
import { freeName, incompatibility, mergeCreates } from './catalog-merge.js';
import type { AlteredTtl, CatalogConflict, LiveTable, MergedTable } from './catalog-merge.js';
import { decodeDdl, encodeDdl } from './ddl-operation.js';
import type { ChangedOptions, CreateTableOperation, DatabaseId } from './ddl-operation.js';
import type { TableDefinition } from './table-definition.js';
import type { Ttl } from './ttl.js';

/** Told synchronously, while a record is applied or a snapshot restored. */
export interface CatalogListener {
  /** A table id has this schema from now on; again with more columns when it became canonical for a union. */
  tableDefined(schema: TableSchema): void;
  /** No row of this id is to be seen any more, also none that comes later. */
  tableDropped(tableId: TableId, version: number): void;
}

export interface DatabaseDefinition {
  readonly name: string;
  /** Lowest id that carries the name, of a database or else of a table. */
  readonly createdVersion: number;
  /** For its tables that have none of their own; null = that of the configuration. */
  readonly ttl: Ttl | null;
}

interface LiveDatabase {
  readonly id: DatabaseId;
  readonly origin: NodeId;
  readonly name: string;
  readonly ttl: Ttl | null;
}

/** All live CREATEs of one table name, with what they merge to (made when first asked for). */
interface NameGroup {
  readonly creates: LiveTable[];
  merged: MergedTable | null;
}

interface VisibleDatabase {
  readonly definition: DatabaseDefinition;
  readonly tables: ReadonlyMap<string, TableDefinition>;
  readonly conflicts: readonly CatalogConflict[];
}

/** Format 1 has neither databases with a ttl nor anything altered. */
interface Snapshot {
  readonly format: 1 | 2;
  readonly databases: readonly (readonly [DatabaseId, NodeId, string, Ttl?])[];
  readonly tables: readonly (readonly [TableId, NodeId, CreateTableOperation])[];
  readonly dropped: readonly (readonly [id: number, version: number])[];
  readonly alteredTables?: readonly (readonly [TableId, number, Ttl | null])[];
  readonly alteredDatabases?: readonly (readonly [string, number, Ttl | null])[];
}

const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' });

const NO_LISTENER: CatalogListener = {
  tableDefined: () => undefined,
  tableDropped: () => undefined,
};

export class Catalog {
  readonly #listener: CatalogListener;
  readonly #databases = new Map<DatabaseId, LiveDatabase>();
  readonly #tables = new Map<TableId, LiveTable>();
  readonly #dropped = new Map<number, number>();
  /** Also of ids whose CREATE has not come yet; none of a dropped one. */
  readonly #alteredTables = new Map<TableId, AlteredTtl>();
  /** By name. One that is older than the database is about another of that name. */
  readonly #alteredDatabases = new Map<string, AlteredTtl>();
  /** database name -> table name -> group; holds no empty group and no empty database. */
  readonly #groups = new Map<string, Map<string, NameGroup>>();
  /** What statements see; entries are dropped when something under their name changes, and made again when asked for. */
  readonly #visible = new Map<string, VisibleDatabase>();
  #generation = 0;

  constructor(listener: CatalogListener = NO_LISTENER) {
    this.#listener = listener;
  }

  // ---- the state machine ----

  /** Applies the ddl record `version` of `origin`. In each origin's order; any mix of origins; repetition is harmless. */
  apply(version: number, origin: NodeId, body: Uint8Array): void {
    const operation = decodeDdl(body);
    this.#generation += 1;
    switch (operation.op) {
      case 'createDatabase':
        if (!this.#dropped.has(version))
          this.#addDatabase({
            id: version,
            origin,
            name: operation.name,
            ttl: operation.ttl ?? null,
          });
        break;
      case 'alterDatabase':
        this.#alterDatabase(operation.name, operation.options, version);
        break;
      case 'alterTable':
        for (const id of operation.tableIds) this.#alterTable(id, operation.options, version);
        break;
      case 'createTable':
        if (!this.#dropped.has(version)) this.#addTable({ id: version, origin, create: operation });
        break;
      case 'dropDatabase':
        for (const id of operation.databaseIds) this.#dropDatabaseId(id, version);
        for (const id of operation.tableIds) this.#dropTableId(id, version);
        break;
      case 'dropTable':
        for (const id of operation.tableIds) this.#dropTableId(id, version);
        break;
    }
  }

  /** The whole state; equal states give equal bytes. */
  snapshot(): Uint8Array {
    const snapshot: Snapshot = {
      format: 2,
      databases: byId(this.#databases).map(({ id, origin, name, ttl }) =>
        ttl === null ? [id, origin, name] : [id, origin, name, ttl],
      ),
      tables: byId(this.#tables).map(({ id, origin, create }) => [id, origin, create]),
      dropped: [...this.#dropped].sort((a, b) => a[0] - b[0]),
      alteredTables: [...this.#alteredTables]
        .sort(([a], [b]) => a - b)
        .map(([id, { version, ttl }]) => [id, version, ttl]),
      alteredDatabases: [...this.#alteredDatabases]
        .sort(([a], [b]) => compareText(a, b))
        .map(([name, { version, ttl }]) => [name, version, ttl]),
    };
    return packr.pack(snapshot);
  }

  /** Replaces the state by that of a snapshot. */
  restore(bytes: Uint8Array): void {
    const snapshot: unknown = packr.unpack(bytes);
    if (!isSnapshot(snapshot))
      throw new Error('the catalog snapshot is of a format that this version does not know');
    this.#databases.clear();
    this.#tables.clear();
    this.#dropped.clear();
    this.#alteredTables.clear();
    this.#alteredDatabases.clear();
    this.#groups.clear();
    this.#visible.clear();
    this.#generation += 1;
    for (const [id, version] of snapshot.dropped) this.#dropped.set(id, version);
    for (const [id, version, ttl] of snapshot.alteredTables ?? []) {
      this.#alteredTables.set(id, { version, ttl });
    }
    for (const [name, version, ttl] of snapshot.alteredDatabases ?? []) {
      this.#alteredDatabases.set(name, { version, ttl });
    }
    for (const [id, origin, name, ttl] of snapshot.databases) {
      this.#addDatabase({ id, origin, name, ttl: ttl ?? null });
    }
    for (const [id, origin, create] of snapshot.tables) this.#addTable({ id, origin, create });
  }

  // ---- what statements see ----

  /** Grows with every change: plans made at one generation are good while it stands. */
  get generation(): number {
    return this.#generation;
  }

  /** Sorted by name. information_schema is not among them. */
  databases(): readonly DatabaseDefinition[] {
    const names = new Set<string>(this.#groups.keys());
    for (const database of this.#databases.values()) names.add(database.name);
    return [...names]
      .sort(compareText)
      .flatMap((name) => this.#visibleDatabase(name)?.definition ?? []);
  }

  database(name: string): DatabaseDefinition | undefined {
    return this.#visibleDatabase(name)?.definition;
  }

  /** Names are case-sensitive. */
  table(database: string, name: string): TableDefinition | undefined {
    return this.#visibleDatabase(database)?.tables.get(name);
  }

  /** Sorted by name; empty when there is no such database. */
  tables(database: string): readonly TableDefinition[] {
    const tables = this.#visibleDatabase(database)?.tables;
    return tables === undefined
      ? []
      : [...tables.values()].sort((a, b) => compareText(a.name, b.name));
  }

  /** What did not merge without a trace, of all databases, oldest first. */
  conflicts(): readonly CatalogConflict[] {
    return this.databases()
      .flatMap(({ name }) => this.#visibleDatabase(name)?.conflicts ?? [])
      .sort((a, b) => a.tableId - b.tableId || compareText(a.renamedTo ?? '', b.renamedTo ?? ''));
  }

  /** False for an id that was dropped, or that no CREATE was seen of. */
  isLiveTable(tableId: TableId): boolean {
    return this.#tables.has(tableId);
  }

  // ---- bodies of ddl records ----

  createDatabaseBody(name: string, ttl: Ttl | null = null): Uint8Array {
    return encodeDdl({ op: 'createDatabase', name, ...(ttl === null ? {} : { ttl }) });
  }

  alterDatabaseBody(name: string, options: ChangedOptions): Uint8Array {
    return encodeDdl({ op: 'alterDatabase', name, options });
  }

  /** Names every part that the table has now. */
  alterTableBody(table: TableDefinition, options: ChangedOptions): Uint8Array {
    const name = `${table.database}.${table.name}`;
    const tableIds = table.parts.map((part) => part.tableId);
    return encodeDdl({ op: 'alterTable', name, tableIds, options });
  }

  /** Names every database id and table id that is live under the name now. */
  dropDatabaseBody(name: string): Uint8Array {
    const databaseIds = byId(this.#databases)
      .filter((database) => database.name === name)
      .map((database) => database.id);
    const tableIds = [...(this.#groups.get(name)?.values() ?? [])]
      .flatMap((group) => group.creates.map((create) => create.id))
      .sort((a, b) => a - b);
    return encodeDdl({ op: 'dropDatabase', name, databaseIds, tableIds });
  }

  createTableBody(operation: CreateTableOperation): Uint8Array {
    return encodeDdl(operation);
  }

  /** Names every part that the tables have now: one record, so all of them go or none. */
  dropTablesBody(tables: readonly TableDefinition[]): Uint8Array {
    const names = tables.map((table) => `${table.database}.${table.name}`);
    const tableIds = tables.flatMap((table) => table.parts.map((part) => part.tableId));
    return encodeDdl({ op: 'dropTable', names, tableIds });
  }

  // ---- state changes ----

  #addDatabase(database: LiveDatabase): void {
    this.#databases.set(database.id, database);
    this.#visible.delete(database.name);
  }

  #addTable(table: LiveTable): void {
    if (this.#tables.has(table.id)) return;
    this.#tables.set(table.id, table);
    const { database, name } = table.create;
    let tables = this.#groups.get(database);
    if (tables === undefined) {
      tables = new Map<string, NameGroup>();
      this.#groups.set(database, tables);
    }
    let group = tables.get(name);
    if (group === undefined) tables.set(name, (group = { creates: [], merged: null }));
    group.creates.push(table);
    group.creates.sort((a, b) => a.id - b.id);
    group.merged = null;
    this.#visible.delete(database);
    this.#tellDefined(name, group);
  }

  #alterDatabase(name: string, { ttl }: ChangedOptions, version: number): void {
    if (ttl === undefined || !isNewest(this.#alteredDatabases.get(name), version)) return;
    this.#alteredDatabases.set(name, { version, ttl });
    this.#visible.delete(name);
  }

  #alterTable(id: TableId, { ttl }: ChangedOptions, version: number): void {
    if (this.#dropped.has(id)) return;
    if (ttl === undefined || !isNewest(this.#alteredTables.get(id), version)) return;
    this.#alteredTables.set(id, { version, ttl });
    const create = this.#tables.get(id)?.create;
    if (create === undefined) return;
    const group = this.#groups.get(create.database)?.get(create.name);
    if (group !== undefined) group.merged = null;
    this.#visible.delete(create.database);
  }

  #dropDatabaseId(id: DatabaseId, version: number): void {
    this.#noteDropped(id, version);
    const database = this.#databases.get(id);
    if (database === undefined) return;
    this.#databases.delete(id);
    this.#visible.delete(database.name);
  }

  #dropTableId(id: TableId, version: number): void {
    this.#noteDropped(id, version);
    this.#listener.tableDropped(id, version);
    this.#alteredTables.delete(id);
    const table = this.#tables.get(id);
    if (table === undefined) return;
    this.#tables.delete(id);
    const { database, name } = table.create;
    this.#visible.delete(database);
    const tables = this.#groups.get(database);
    const group = tables?.get(name);
    if (tables === undefined || group === undefined) throw new Error(`table ${id} is in no group`);
    group.creates.splice(group.creates.indexOf(table), 1);
    group.merged = null;
    if (group.creates.length > 0) {
      this.#tellDefined(name, group);
      return;
    }
    tables.delete(name);
    if (tables.size === 0) this.#groups.delete(database);
  }

  /** The lowest DROP counts, whichever came first. */
  #noteDropped(id: number, version: number): void {
    const known = this.#dropped.get(id);
    if (known === undefined || version < known) this.#dropped.set(id, version);
  }

  // ---- from state to names ----

  #merged(name: string, group: NameGroup): MergedTable {
    const [first, ...rest] = group.creates;
    if (first === undefined) throw new Error(`no CREATE is left in the group of ${name}`);
    group.merged ??= mergeCreates([first, ...rest], name, this.#alteredTables);
    return group.merged;
  }

  #tellDefined(name: string, group: NameGroup): void {
    const merged = this.#merged(name, group);
    for (const part of merged.definition.parts) this.#listener.tableDefined(part.schema);
    for (const aside of merged.setAside) {
      const alone = mergeCreates([aside], aside.create.name).definition;
      this.#listener.tableDefined(alone.parts[0].schema);
    }
  }

  #visibleDatabase(name: string): VisibleDatabase | undefined {
    const known = this.#visible.get(name);
    if (known !== undefined) return known;
    const made = this.#makeVisible(name);
    if (made !== undefined) this.#visible.set(name, made);
    return made;
  }

  #makeVisible(name: string): VisibleDatabase | undefined {
    const groups = this.#groups.get(name);
    const createdVersion = this.#lowestId(name, groups);
    if (createdVersion === undefined) return undefined;
    const tables = new Map<string, TableDefinition>();
    const conflicts: CatalogConflict[] = [];
    const setAside: { readonly live: LiveTable; readonly canonical: TableDefinition }[] = [];
    for (const [tableName, group] of groups ?? []) {
      const merged = this.#merged(tableName, group);
      tables.set(tableName, merged.definition);
      conflicts.push(...merged.conflicts);
      for (const live of merged.setAside) setAside.push({ live, canonical: merged.definition });
    }
    setAside.sort((a, b) => a.live.id - b.live.id);
    for (const { live, canonical } of setAside) {
      const renamed = freeName(`${live.create.name}__${live.origin}`, (candidate) =>
        tables.has(candidate),
      );
      tables.set(renamed, mergeCreates([live], renamed, this.#alteredTables).definition);
      conflicts.push(this.#setAsideConflict(live, canonical, renamed));
    }
    const definition = { name, createdVersion, ttl: this.#databaseTtl(name, createdVersion) };
    return { definition, tables, conflicts };
  }

  #setAsideConflict(
    live: LiveTable,
    canonical: TableDefinition,
    renamedTo: string,
  ): CatalogConflict {
    const older = this.#tables.get(canonical.parts[0].tableId);
    const reason = older === undefined ? null : incompatibility(older.create, live.create);
    return {
      kind: 'table set aside',
      database: live.create.database,
      table: live.create.name,
      renamedTo,
      detail: `it can't be read together with the older table: ${reason ?? 'they differ'}`,
      tableId: live.id,
      origin: live.origin,
    };
  }

  /** What the newest CREATE or ALTER of this database said of it. */
  #databaseTtl(name: string, createdVersion: number): Ttl | null {
    let newest = this.#alteredDatabases.get(name);
    if (newest !== undefined && newest.version < createdVersion) newest = undefined;
    for (const { id, name: own, ttl } of this.#databases.values()) {
      if (own === name && ttl !== null && isNewest(newest, id)) newest = { version: id, ttl };
    }
    return newest?.ttl ?? null;
  }

  #lowestId(name: string, groups: ReadonlyMap<string, NameGroup> | undefined): number | undefined {
    let lowest: number | undefined;
    for (const database of this.#databases.values()) {
      if (database.name === name && (lowest === undefined || database.id < lowest))
        lowest = database.id;
    }
    if (lowest !== undefined) return lowest;
    for (const group of groups?.values() ?? []) {
      for (const create of group.creates) {
        if (lowest === undefined || create.id < lowest) lowest = create.id;
      }
    }
    return lowest;
  }
}

function byId<Item extends { readonly id: number }>(items: ReadonlyMap<number, Item>): Item[] {
  return [...items.values()].sort((a, b) => a.id - b.id);
}

function isNewest(known: AlteredTtl | undefined, version: number): boolean {
  return known === undefined || version > known.version;
}

/** By UTF-16 code units: the same on every machine, whatever its locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isSnapshot(value: unknown): value is Snapshot {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    (value.format === 1 || value.format === 2)
  );
}
