/**
 * The syntax tree: readonly objects tagged by a literal `kind`. The parser makes them, nothing changes them.
 *
 * `text` of a select item is the source text of the expression as typed: MySQL uses it as the column heading.
 */

import type { SqlType } from '../catalog/sql-type.js';

/** db may be absent; a leading catalog part ('twintide' or 'def') is checked and dropped by the parser. */
export interface TableName {
  readonly database: string | null;
  readonly table: string;
}

// ---- expressions ----

export type Literal =
  | { readonly type: 'null' }
  | { readonly type: 'boolean'; readonly value: boolean }
  /** Decimal digits with optional sign, as typed; fits no particular width. */
  | { readonly type: 'integer'; readonly value: bigint }
  /** Exact decimal such as 1.50, as typed. */
  | { readonly type: 'decimal'; readonly text: string }
  /** With exponent. */
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  /** X'..' / 0x..: binary string. */
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  /** DATE '..' / TIMESTAMP '..' literals. */
  | { readonly type: 'date' | 'timestamp'; readonly text: string };

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | 'div'
  | '%'
  | '='
  | '<=>'
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | 'and'
  | 'or'
  | 'xor'
  | '||'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>';

/** microsecond .. year, lower case, MySQL's compound units ('day_hour') included. */
export type IntervalUnit = string;

export type Expression =
  | { readonly kind: 'literal'; readonly value: Literal }
  | {
      readonly kind: 'column';
      readonly database: string | null;
      readonly table: string | null;
      readonly name: string;
    }
  /** `?`, numbered from 0 in text order. */
  | { readonly kind: 'parameter'; readonly index: number }
  /** `@@[session.|global.]name`. */
  | {
      readonly kind: 'systemVariable';
      readonly scope: 'session' | 'global' | null;
      readonly name: string;
    }
  | { readonly kind: 'userVariable'; readonly name: string }
  | {
      readonly kind: 'unary';
      readonly operator: '-' | '+' | 'not' | '~';
      readonly operand: Expression;
    }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'isNull'; readonly operand: Expression; readonly negated: boolean }
  | {
      readonly kind: 'isBoolean';
      readonly operand: Expression;
      readonly value: boolean;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'in';
      readonly operand: Expression;
      readonly list: readonly Expression[];
      readonly negated: boolean;
    }
  | {
      readonly kind: 'between';
      readonly operand: Expression;
      readonly low: Expression;
      readonly high: Expression;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'like';
      readonly operand: Expression;
      readonly pattern: Expression;
      readonly escape: string | null;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'regexp';
      readonly operand: Expression;
      readonly pattern: Expression;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'case';
      readonly operand: Expression | null;
      readonly branches: readonly { readonly when: Expression; readonly then: Expression }[];
      readonly otherwise: Expression | null;
    }
  | { readonly kind: 'cast'; readonly operand: Expression; readonly type: SqlType }
  | { readonly kind: 'interval'; readonly amount: Expression; readonly unit: IntervalUnit }
  /** name in lower case. `star` is count(*). */
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly arguments: readonly Expression[];
      readonly distinct: boolean;
      readonly star: boolean;
    }
  | { readonly kind: 'collate'; readonly operand: Expression; readonly collation: string }
  | { readonly kind: 'default' };

// ---- SELECT ----

export type SelectItem =
  | { readonly kind: 'star'; readonly table: TableName | null }
  | {
      readonly kind: 'expression';
      readonly expression: Expression;
      readonly alias: string | null;
      readonly text: string;
    };

export interface OrderItem {
  readonly expression: Expression;
  readonly descending: boolean;
}

/** FROM of one table; null for DUAL or none. (Joins and derived tables come with a later issue as further kinds.) */
export interface TableReference {
  readonly kind: 'table';
  readonly name: TableName;
  readonly alias: string | null;
}

export interface SelectStatement {
  readonly kind: 'select';
  readonly distinct: boolean;
  readonly items: readonly SelectItem[];
  readonly from: TableReference | null;
  readonly where: Expression | null;
  readonly groupBy: readonly Expression[];
  readonly having: Expression | null;
  readonly orderBy: readonly OrderItem[];
  /** Literals or parameters. */
  readonly limit: Expression | null;
  readonly offset: Expression | null;
}

// ---- DDL ----

export interface ColumnDefinitionNode {
  readonly name: string;
  readonly type: SqlType;
  /** null = not said. */
  readonly nullable: boolean | null;
  readonly defaultValue: Expression | null;
  readonly timeIndex: boolean;
  readonly primaryKey: boolean;
  readonly comment: string | null;
}

export interface TableOption {
  readonly name: string;
  readonly value: string;
}

export interface CreateTableStatement {
  readonly kind: 'createTable';
  readonly ifNotExists: boolean;
  readonly name: TableName;
  readonly columns: readonly ColumnDefinitionNode[];
  /** Every TIME INDEX (..) given, inline ones included. */
  readonly timeIndexes: readonly (readonly string[])[];
  /** Every PRIMARY KEY (..) given, inline ones included. */
  readonly primaryKeys: readonly (readonly string[])[];
  /** KEY/INDEX/UNIQUE clauses, accepted with a warning. */
  readonly ignoredIndexes: readonly string[];
  /** WITH (...) */
  readonly options: readonly TableOption[];
  /** ENGINE=, CHARSET=, COMMENT= ... */
  readonly mysqlOptions: readonly TableOption[];
}

export type ShowStatement =
  | {
      readonly kind: 'show';
      readonly what:
        | 'databases'
        | 'variables'
        | 'status'
        | 'warnings'
        | 'errors'
        | 'engines'
        | 'charset'
        | 'collation'
        | 'plugins'
        | 'processlist'
        | 'rpo'
        | 'replicaStatus'
        | 'grants'
        | 'privileges'
        | 'events'
        | 'triggers'
        | 'procedureStatus'
        | 'functionStatus';
      readonly full: boolean;
      readonly scope: 'session' | 'global' | null;
      readonly like: string | null;
      readonly where: Expression | null;
      readonly limit: number | null;
    }
  | {
      readonly kind: 'show';
      readonly what: 'tables' | 'tableStatus';
      readonly full: boolean;
      readonly database: string | null;
      readonly like: string | null;
      readonly where: Expression | null;
    }
  | {
      readonly kind: 'show';
      readonly what: 'columns' | 'index';
      readonly full: boolean;
      readonly table: TableName;
      readonly like: string | null;
      readonly where: Expression | null;
    }
  | { readonly kind: 'show'; readonly what: 'createTable'; readonly table: TableName }
  | {
      readonly kind: 'show';
      readonly what: 'createDatabase';
      readonly database: string;
      readonly ifNotExists: boolean;
    };

export type SetAssignment =
  | {
      readonly target: 'system';
      readonly scope: 'session' | 'global' | null;
      readonly name: string;
      /** null = DEFAULT */ readonly value: Expression | null;
    }
  | { readonly target: 'user'; readonly name: string; readonly value: Expression }
  | { readonly target: 'names'; readonly charset: string | null; readonly collation: string | null }
  | {
      readonly target: 'transaction';
      readonly scope: 'session' | 'global' | null;
      readonly isolation: string | null;
      readonly readOnly: boolean | null;
    };

export type Statement =
  | SelectStatement
  | {
      readonly kind: 'createDatabase';
      readonly name: string;
      readonly ifNotExists: boolean;
      readonly options: readonly TableOption[];
    }
  | { readonly kind: 'dropDatabase'; readonly name: string; readonly ifExists: boolean }
  | CreateTableStatement
  | { readonly kind: 'dropTable'; readonly names: readonly TableName[]; readonly ifExists: boolean }
  | { readonly kind: 'truncate'; readonly name: TableName }
  | {
      readonly kind: 'alterDatabase';
      readonly name: string;
      readonly set: readonly TableOption[];
      readonly unset: readonly string[];
    }
  | {
      readonly kind: 'alterTable';
      readonly name: TableName;
      readonly set: readonly TableOption[];
      readonly unset: readonly string[];
    }
  /** Only small or parameterised INSERTs become a tree; large texts go through the scanner. `rows` cells are expressions. */
  | {
      readonly kind: 'insert';
      readonly name: TableName;
      readonly columns: readonly string[] | null;
      readonly rows: readonly (readonly Expression[])[];
      readonly replace: boolean;
      readonly ignore: boolean;
    }
  | { readonly kind: 'delete'; readonly name: TableName; readonly where: Expression | null }
  | { readonly kind: 'use'; readonly database: string }
  | { readonly kind: 'describe'; readonly table: TableName; readonly column: string | null }
  | ShowStatement
  | { readonly kind: 'set'; readonly assignments: readonly SetAssignment[] }
  | { readonly kind: 'begin'; readonly readOnly: boolean | null }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'kill'; readonly target: 'query' | 'connection'; readonly id: Expression }
  | {
      readonly kind: 'admin';
      readonly name: string;
      readonly arguments: readonly Expression[];
      readonly text: string;
    }
  | { readonly kind: 'lockTables' }
  | { readonly kind: 'unlockTables' }
  /** Comment-only text: answered with OK. */
  | { readonly kind: 'empty' };
