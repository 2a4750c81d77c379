/** What information_schema and the SHOW statements are computed from: the catalog and facts of server and session. */

import type { TimeZone } from '../exec/time-zone.js';
import type { Catalog } from './catalog.js';
import type { SessionVariables } from './session-variables.js';
import type { VirtualColumn, VirtualTable, VirtualValue } from './virtual-table.js';

export interface ProcessRow {
  readonly id: number;
  readonly user: string;
  readonly host: string;
  readonly database: string | null;
  readonly command: string;
  readonly seconds: number;
  readonly state: string;
  readonly statement: string | null;
}

export interface InformationSource {
  readonly catalog: Catalog;
  /** Of the session: times are shown in it. */
  readonly zone: TimeZone;
  readonly variables: SessionVariables;
  /** 'name'@'host' of the account. */
  readonly account: { readonly user: string; readonly host: string };
  /** Of one part; rows is an upper bound. */
  tableStatistics(tableId: number): { readonly rows: number; readonly bytes: number };
  processes(): readonly ProcessRow[];
  /** SHOW STATUS: names and values, sorted. */
  status(): readonly (readonly [name: string, value: string])[];
}

/** One table of information_schema. */
export interface InformationTable {
  /** Upper case. */
  readonly name: string;
  readonly columns: readonly VirtualColumn[];
  /** @param all every table of information_schema: some list them */
  readonly rows: (
    source: InformationSource,
    all: readonly InformationTable[],
  ) => Iterable<readonly VirtualValue[]>;
}

export const INFORMATION_SCHEMA = 'information_schema';

export function isInformationSchema(database: string): boolean {
  return database.toLowerCase() === INFORMATION_SCHEMA;
}

export function asVirtualTable(
  table: InformationTable,
  source: InformationSource,
  all: readonly InformationTable[],
): VirtualTable {
  return {
    kind: 'virtual',
    database: INFORMATION_SCHEMA,
    name: table.name,
    columns: table.columns,
    rows: () => table.rows(source, all),
  };
}
