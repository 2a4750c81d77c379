/** One column of a result: its heading, type and origin. */
import type { SqlType } from '../catalog/sql-type.js';
import type { ColumnOrigin } from '../plan/bound-expression.js';

export interface ResultColumn {
  /** Heading: the alias, or the expression as typed. */
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
  /** null for anything but a bare column. */
  readonly origin: ColumnOrigin | null;
}
