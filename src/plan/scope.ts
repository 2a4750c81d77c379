/** The columns that names can mean, and the errors for names that mean none or several. */

import { SqlError } from '../../protocol/index.js';
import { nearestWord } from '../server/nearest-word.js';
import type { BoundColumn } from './bound-expression.js';

/** The clause as MySQL words it in error 1054. */
export type Clause =
  'field list' | 'where clause' | 'group statement' | 'having clause' | 'order clause';

export interface ColumnName {
  readonly database: string | null;
  readonly table: string | null;
  readonly name: string;
}

export class Scope {
  readonly #columns: readonly BoundColumn[];
  readonly #byName = new Map<string, BoundColumn[]>();

  constructor(columns: readonly BoundColumn[]) {
    this.#columns = columns;
    for (const column of columns) {
      const key = column.name.toLowerCase();
      const same = this.#byName.get(key);
      if (same === undefined) this.#byName.set(key, [column]);
      else same.push(column);
    }
  }

  get columns(): readonly BoundColumn[] {
    return this.#columns;
  }

  /** Throws 1054 and 1052. Column names compare without case, table aliases with it. */
  resolve(name: ColumnName, clause: Clause): BoundColumn {
    const found = this.find(name);
    if (found.length > 1) {
      throw new SqlError('ER_NON_UNIQ_ERROR', { column: shownName(name), clause });
    }
    return found[0] ?? this.#unknown(name, clause);
  }

  find(name: ColumnName): readonly BoundColumn[] {
    const same = this.#byName.get(name.name.toLowerCase()) ?? [];
    return same.filter((column) => isOfTable(column, name));
  }

  /** Columns of one table for `t.*`; throws 1051 for a table that is not there. */
  ofTable(database: string | null, table: string): readonly BoundColumn[] {
    const columns = this.#columns.filter((column) =>
      isOfTable(column, { database, table, name: '' }),
    );
    if (columns.length === 0) throw new SqlError('ER_BAD_TABLE_ERROR', { table });
    return columns;
  }

  #unknown(name: ColumnName, clause: Clause): never {
    const nearest = nearestWord(
      name.name,
      this.#columns.map((column) => column.name),
    );
    const hint = nearest === null ? '' : `; did you mean '${nearest}'?`;
    throw new SqlError(
      'ER_BAD_FIELD_ERROR',
      `Unknown column '${shownName(name)}' in '${clause}'${hint}`,
    );
  }
}

function isOfTable(column: BoundColumn, name: ColumnName): boolean {
  if (name.table === null) return true;
  if (column.origin === null || column.origin.table !== name.table) return false;
  return (
    name.database === null || column.origin.database.toLowerCase() === name.database.toLowerCase()
  );
}

function shownName({ database, table, name }: ColumnName): string {
  return [database, table, name].filter((part) => part !== null).join('.');
}
