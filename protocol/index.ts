/** The MySQL wire protocol, server side. */

export type {
  AbortNotice,
  AccountVerifier,
  CellEncoder,
  ConnectionInfo,
  OkResult,
  PreparedInfo,
  QuerySink,
  ResponseWriter,
  ResultSetWriter,
  RowEncoder,
  ServerHooks,
  SessionChange,
  SessionHandler,
} from './session-handler.js';
export type { ColumnDefinition } from './column-definition.js';
export type {
  DateTimeFields,
  ParameterKind,
  ParameterReader,
  ParameterValue,
} from './parameter-reader.js';
export { newDateTimeFields } from './parameter-reader.js';
export type { ErrorArguments, ErrorCode, ErrorName } from './error-codes.js';
export type { PacketWriter } from './packet-writer.js';

export { CHARACTER_SET, characterSetOfCollation, collationName } from './character-sets.js';
export { COLUMN_FLAG, COLUMN_TYPE, DECIMALS_NOT_FIXED } from './column-types.js';
export type { ColumnType } from './column-types.js';
export { ERROR_CODES } from './error-codes.js';
export {
  NUMBER_TEXT_BYTES_MAX,
  writeDouble,
  writeFloat,
  writeInteger,
  writeInteger64,
} from './number-text.js';
export { isSqlError, SqlError } from './sql-error.js';
export { onSocketBytes } from './socket-input.js';
export { STATUS_FLAG } from './status-flags.js';
export { hasCapability } from './capabilities.js';
export { accountVerifier } from './account-verifier.js';
export { MysqlServer } from './server.js';
export type { ListenOptions, ServerCounters } from './server.js';
export type { BusyPollCounters, PollingProcess } from './busy-poll.js';
export type { ConnectionStatus } from './connection.js';
export type { ListenAddress } from './listen-address.js';
export { DEFAULT_SERVER_OPTIONS } from './server-options.js';
export type { ProtocolLog, ServerEnvironment, ServerOptions } from './server-options.js';
