/**
 * Every command byte of the protocol, with what this server does about it.
 *
 * 'handled' commands work as in MySQL. 'refused' ones are known and answered ERR 1235 42000: 1047, which MySQL sends
 * for some of them, has SQLSTATE 08S01 and makes both JDBC drivers leave for the other host. Only a byte that is
 * no command at all gets 1047. The connection lives on in either case.
 */

export interface Command {
  readonly byte: number;
  readonly handling: 'handled' | 'refused';
  readonly why: string;
}

const handled = (byte: number, why: string) => ({ byte, handling: 'handled', why }) as const;
const refused = (byte: number, why: string) => ({ byte, handling: 'refused', why }) as const;

export const COMMANDS = {
  COM_SLEEP: refused(0x00, 'internal to MySQL'),
  COM_QUIT: handled(0x01, 'no reply; the connection is closed'),
  COM_INIT_DB: handled(0x02, 'USE'),
  COM_QUERY: handled(0x03, 'the statement is handed on in pieces as it arrives'),
  COM_FIELD_LIST: handled(0x04, 'where the session has fieldList()'),
  COM_CREATE_DB: refused(0x05, 'removed in MySQL 8; CREATE DATABASE'),
  COM_DROP_DB: refused(0x06, 'removed in MySQL 8; DROP DATABASE'),
  COM_REFRESH: refused(0x07, 'FLUSH has nothing to do here'),
  COM_SHUTDOWN: refused(0x08, 'the operator stops the process'),
  COM_STATISTICS: handled(0x09, 'the one-line text of mysqladmin status'),
  COM_PROCESS_INFO: refused(0x0a, 'SHOW PROCESSLIST'),
  COM_CONNECT: refused(0x0b, 'internal to MySQL'),
  COM_PROCESS_KILL: handled(0x0c, 'where the session has killConnection(); else KILL'),
  COM_DEBUG: refused(0x0d, 'no debug dump'),
  COM_PING: handled(0x0e, 'OK'),
  COM_TIME: refused(0x0f, 'internal to MySQL'),
  COM_DELAYED_INSERT: refused(0x10, 'internal to MySQL'),
  COM_CHANGE_USER: handled(0x11, 'authenticates again, with a session of its own'),
  COM_BINLOG_DUMP: refused(0x12, 'there is no binary log'),
  COM_TABLE_DUMP: refused(0x13, 'there is no binary log'),
  COM_CONNECT_OUT: refused(0x14, 'internal to MySQL'),
  COM_REGISTER_SLAVE: refused(0x15, 'there is no binary log'),
  COM_STMT_PREPARE: handled(0x16, 'binary protocol'),
  COM_STMT_EXECUTE: handled(0x17, 'binary protocol; cursor flags are ignored, rows are streamed'),
  COM_STMT_SEND_LONG_DATA: handled(0x18, 'no reply ever'),
  COM_STMT_CLOSE: handled(0x19, 'no reply ever'),
  COM_STMT_RESET: handled(0x1a, 'forgets long data'),
  COM_SET_OPTION: handled(0x1b, 'multi-statements off: EOF; on: refused, as the capability is'),
  COM_STMT_FETCH: handled(0x1c, 'no cursor is ever open: ERR 1421'),
  COM_DAEMON: refused(0x1d, 'internal to MySQL'),
  COM_BINLOG_DUMP_GTID: refused(0x1e, 'there is no binary log'),
  COM_RESET_CONNECTION: handled(0x1f, 'the session and its prepared statements start afresh'),
  COM_CLONE: refused(0x20, 'internal to MySQL'),
  COM_SUBSCRIBE_GROUP_REPLICATION_STREAM: refused(0x21, 'internal to MySQL'),
  COM_MARIADB_BULK_EXECUTE: refused(0xfa, 'MariaDB only; its capability is not offered'),
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof COMMANDS;

export type HandledCommandName = {
  [Name in CommandName]: (typeof COMMANDS)[Name]['handling'] extends 'handled' ? Name : never;
}[CommandName];

/** Names by byte; undefined = no such command. */
export const COMMAND_NAME_BY_BYTE: readonly (CommandName | undefined)[] = namesByByte();

function namesByByte(): (CommandName | undefined)[] {
  const names = new Array<CommandName | undefined>(256).fill(undefined);
  for (const name of Object.keys(COMMANDS) as CommandName[]) names[COMMANDS[name].byte] = name;
  return names;
}
