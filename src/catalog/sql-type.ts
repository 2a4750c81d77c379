/** SQL types as statements, the catalog, plans and result metadata name them. */

export type SqlType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly bits: 8 | 16 | 24 | 32 | 64; readonly unsigned: boolean }
  | { readonly kind: 'float' }
  | { readonly kind: 'double' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** Text in utf8mb4; `length` in characters, null = unlimited. `spelling` keeps what SHOW CREATE TABLE prints. */
  | {
      readonly kind: 'text';
      readonly spelling: 'varchar' | 'char' | 'text' | 'tinytext' | 'mediumtext' | 'longtext';
      readonly length: number | null;
    }
  | {
      readonly kind: 'blob';
      readonly spelling: 'blob' | 'tinyblob' | 'mediumblob' | 'longblob' | 'binary' | 'varbinary';
      readonly length: number | null;
    }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly precision: number }
  | {
      readonly kind: 'datetime';
      readonly precision: number;
      /** not said in the statement: a time index then has its own default */ readonly precisionGiven: boolean;
    }
  | { readonly kind: 'timestamp'; readonly precision: number; readonly precisionGiven: boolean }
  | { readonly kind: 'json' }
  | { readonly kind: 'null' };
