/**
 * Column types and column flags of the wire, as column definitions and statement parameters name them.
 *
 * Every type byte of MySQL 8 is listed. `result` says whether a result set of ours may carry it, `parameter`
 * how COM_STMT_EXECUTE reads a value of it; 'refused' types answer ERR 1210. Numbers are the wire's: never renumber.
 */

export const COLUMN_TYPE = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  newdate: 14,
  varchar: 15,
  bit: 16,
  timestamp2: 17,
  datetime2: 18,
  time2: 19,
  vector: 242,
  json: 245,
  newdecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  mediumBlob: 250,
  longBlob: 251,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

export type ColumnTypeName = keyof typeof COLUMN_TYPE;
export type ColumnType = (typeof COLUMN_TYPE)[ColumnTypeName];

/** How a parameter of a type lies in COM_STMT_EXECUTE. 'text' and 'binary' are length-encoded bytes. */
export type ParameterLayout =
  | 'null'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'text'
  | 'binary'
  | 'datetime'
  | 'time'
  | 'refused';

/** Total over the type names: a new type does not compile until its layout is decided. */
export const PARAMETER_LAYOUT: Readonly<Record<ColumnTypeName, ParameterLayout>> = {
  decimal: 'text',
  tiny: 'int8',
  short: 'int16',
  long: 'int32',
  float: 'float32',
  double: 'float64',
  null: 'null',
  timestamp: 'datetime',
  longlong: 'int64',
  int24: 'int32',
  date: 'datetime',
  time: 'time',
  datetime: 'datetime',
  year: 'int16',
  /** Internal to MySQL's storage engines; no client sends it. */
  newdate: 'refused',
  varchar: 'text',
  bit: 'binary',
  timestamp2: 'refused',
  datetime2: 'refused',
  time2: 'refused',
  vector: 'binary',
  json: 'text',
  newdecimal: 'text',
  enum: 'text',
  set: 'text',
  tinyBlob: 'binary',
  mediumBlob: 'binary',
  longBlob: 'binary',
  blob: 'binary',
  varString: 'text',
  string: 'text',
  geometry: 'binary',
};

/** The layouts by type byte; undefined = no such type. */
export const PARAMETER_LAYOUT_BY_BYTE: readonly (ParameterLayout | undefined)[] = layoutsByByte();

function layoutsByByte(): (ParameterLayout | undefined)[] {
  const layouts = new Array<ParameterLayout | undefined>(256).fill(undefined);
  for (const name of Object.keys(COLUMN_TYPE) as ColumnTypeName[]) {
    layouts[COLUMN_TYPE[name]] = PARAMETER_LAYOUT[name];
  }
  return layouts;
}

/** Bits of a column definition's flags. */
export const COLUMN_FLAG = {
  notNull: 1,
  primaryKey: 2,
  uniqueKey: 4,
  multipleKey: 8,
  blob: 16,
  unsigned: 32,
  zerofill: 64,
  binary: 128,
  enum: 256,
  autoIncrement: 512,
  timestamp: 1024,
  set: 2048,
  noDefaultValue: 4096,
  onUpdateNow: 8192,
  number: 32768,
} as const;

/** `decimals` of a DOUBLE or FLOAT that has no fixed number of fraction digits. */
export const DECIMALS_NOT_FIXED = 31;
