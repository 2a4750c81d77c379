/** A table as storage knows it: an ordered list of columns with roles. Names and SQL types belong to the catalog. */

/** Version of the CREATE record: unique in the pair, a safe integer. */
export type TableId = number;

/** 48 bits: first 6 bytes (big endian) of sha-256(table id, name, type, drop count); see the catalog. */
export type ColumnId = number;

/** First 8 bytes of sha-256 over the schema record's body, as 16 hex digits. */
export type SchemaId = string;

/** How values are held. Frozen: written to disk and wire. */
export const ColumnType = {
  boolean: 1,
  int8: 2,
  int16: 3,
  int32: 4,
  int64: 5,
  uint8: 6,
  uint16: 7,
  uint32: 8,
  uint64: 9,
  float32: 10,
  float64: 11,
  /** UTF-8 text. */
  text: 12,
  /** Any bytes. */
  blob: 13,
  /** Days since 1970-01-01. */
  date: 14,
  /** An instant: count since the epoch in 10^-precision seconds. */
  timestamp: 15,
  /** A wall-clock reading without zone, counted as if it were UTC. */
  datetime: 16,
} as const;
export type ColumnType = (typeof ColumnType)[keyof typeof ColumnType];

/** Frozen: written to disk and wire. */
export const ColumnRole = { tag: 1, time: 2, field: 3 } as const;
export type ColumnRole = (typeof ColumnRole)[keyof typeof ColumnRole];

export interface StoredColumn {
  readonly id: ColumnId;
  readonly type: ColumnType;
  readonly role: ColumnRole;
  /** Fraction digits 0..9 of timestamp and datetime; 0 otherwise. */
  readonly precision: number;
}

/**
 * Exactly one column has the role `time` (timestamp or datetime, never NULL); tags come first, in PRIMARY KEY order, then
 * the time column, then fields. A tag may be of any type; its dictionary bytes are the value's canonical form: text and blob as they
 * are, everything else as its decimal text.
 */
export interface TableSchema {
  readonly tableId: TableId;
  readonly columns: readonly StoredColumn[];
  /** Identity is (tags, time), or with append mode also (version, ordinal): nothing is overwritten. */
  readonly appendMode: boolean;
  /** Of an identity's rows each field has the newest value that is not NULL. Left out = false; never with append mode. */
  readonly mergeFields?: boolean;
  /** Width of a time partition in milliseconds; 0 = each node chooses from its first rows (partition-choice.ts). */
  readonly partitionMs: number;
}
