/** What SHOW statements about the server select from, with MySQL's headings: variables, status, engines, sessions, grants. */

import { collationRows, ENGINES, SERVER_PLUGINS } from './information-schema-server.js';
import { CHARACTER_SETS } from './character-sets.js';
import type { InformationSource } from './information-source.js';
import { showTable } from './show-tables.js';
import { SYSTEM_VARIABLES, variableText } from './system-variables.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  DATETIME,
  INT,
  TEXT,
  VARCHAR_64,
  optional,
  required,
  varchar,
} from './virtual-table.js';
import type { VirtualColumn, VirtualTable, VirtualValue } from './virtual-table.js';

const NAME_AND_VALUE = [required('Variable_name', varchar(64)), required('Value', varchar(2048))];

/** SHOW [GLOBAL | SESSION] VARIABLES. */
export function showVariables(
  source: InformationSource,
  scope: 'session' | 'global' | null,
  like: string | null,
): VirtualTable {
  const shown = SYSTEM_VARIABLES.filter(
    (variable) => scope !== 'global' || variable.scope !== 'session',
  );
  const rows = (): VirtualValue[][] =>
    shown.map((variable) => {
      const value =
        scope === 'global'
          ? source.variables.read(variable.name, 'global')
          : source.variables.value(variable);
      return [variable.name, variableText(variable, value)];
    });
  return showTable('session_variables', NAME_AND_VALUE, rows, like);
}

export function showStatus(source: InformationSource, like: string | null): VirtualTable {
  return showTable('session_status', NAME_AND_VALUE, () => source.status(), like);
}

export function showEngines(source: InformationSource, like: string | null): VirtualTable {
  const columns = [
    required('Engine', VARCHAR_64),
    required('Support', varchar(8)),
    required('Comment', varchar(80)),
    optional('Transactions', varchar(3)),
    optional('XA', varchar(3)),
    optional('Savepoints', varchar(3)),
  ];
  return showTable('ENGINES', columns, () => ENGINES.rows(source, []), like);
}

export function showCharset(like: string | null): VirtualTable {
  const columns = [
    required('Charset', VARCHAR_64),
    required('Description', varchar(2048)),
    required('Default collation', VARCHAR_64),
    required('Maxlen', INT),
  ];
  const rows = (): VirtualValue[][] =>
    CHARACTER_SETS.map((set) => [set.name, set.description, set.defaultCollation, set.bytesMax]);
  return showTable('CHARACTER_SETS', columns, rows, like);
}

export function showCollation(like: string | null): VirtualTable {
  const columns = [
    required('Collation', VARCHAR_64),
    required('Charset', VARCHAR_64),
    required('Id', BIGINT_UNSIGNED),
    required('Default', varchar(3)),
    required('Compiled', varchar(3)),
    required('Sortlen', INT),
    required('Pad_attribute', varchar(9)),
  ];
  return showTable('COLLATIONS', columns, collationRows, like);
}

export function showPlugins(like: string | null): VirtualTable {
  const columns = [
    required('Name', VARCHAR_64),
    required('Status', varchar(10)),
    required('Type', varchar(80)),
    optional('Library', VARCHAR_64),
    optional('License', varchar(80)),
  ];
  const rows = (): VirtualValue[][] =>
    SERVER_PLUGINS.map(({ name, type }) => [name, 'ACTIVE', type, null, 'Apache-2.0']);
  return showTable('PLUGINS', columns, rows, like);
}

const STATEMENT_CHARACTERS_SHOWN = 100;

/** Without FULL, a statement is cut as MySQL cuts it. */
export function showProcesslist(source: InformationSource, full: boolean): VirtualTable {
  const columns = [
    required('Id', BIGINT_UNSIGNED),
    required('User', varchar(32)),
    required('Host', varchar(261)),
    optional('db', VARCHAR_64),
    required('Command', varchar(16)),
    required('Time', INT),
    optional('State', VARCHAR_64),
    optional('Info', TEXT),
  ];
  const rows = (): VirtualValue[][] =>
    source
      .processes()
      .map((process) => [
        process.id,
        process.user,
        process.host,
        process.database,
        process.command,
        process.seconds,
        process.state,
        full || process.statement === null
          ? process.statement
          : process.statement.slice(0, STATEMENT_CHARACTERS_SHOWN),
      ]);
  return showTable('PROCESSLIST', columns, rows, null);
}

export interface ShownWarning {
  readonly level: 'Note' | 'Warning' | 'Error';
  readonly code: number;
  readonly message: string;
}

/** SHOW WARNINGS, SHOW ERRORS. */
export function showWarnings(warnings: readonly ShownWarning[]): VirtualTable {
  const columns = [
    required('Level', varchar(7)),
    required('Code', { kind: 'integer', bits: 32, unsigned: true }),
    required('Message', varchar(512)),
  ];
  const rows = (): VirtualValue[][] =>
    warnings.map(({ level, code, message }) => [level, code, message]);
  return showTable('WARNINGS', columns, rows, null);
}

/** Every account may do everything: there is no privilege system. */
export function showGrants(source: InformationSource): VirtualTable {
  const { user } = source.account;
  const account = `\`${user}\`@\`%\``;
  const heading = `Grants for ${user}@%`;
  return showTable(
    'GRANTS',
    [required(heading, varchar(1024))],
    () => [[`GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION`]],
    null,
  );
}

const PRIVILEGES = [
  ['Alter', 'Tables', 'To alter the table'],
  ['Create', 'Databases,Tables,Indexes', 'To create new databases and tables'],
  ['Delete', 'Tables', 'To delete existing rows'],
  ['Drop', 'Databases,Tables', 'To drop databases, tables, and views'],
  ['Insert', 'Tables', 'To insert data into tables'],
  ['Process', 'Server Admin', 'To view the plain text of currently executing queries'],
  ['Select', 'Tables', 'To retrieve rows from table'],
  ['Super', 'Server Admin', 'To use KILL thread, SET GLOBAL, ADMIN, etc.'],
] as const;

export function showPrivileges(like: string | null): VirtualTable {
  const columns = [
    required('Privilege', varchar(30)),
    required('Context', varchar(50)),
    required('Comment', varchar(80)),
  ];
  return showTable('PRIVILEGES', columns, () => PRIVILEGES, like);
}

/** Things that do not exist here, with MySQL's headings. */
export function showNothing(
  what: 'events' | 'triggers' | 'procedureStatus' | 'functionStatus',
): VirtualTable {
  return showTable(what.toUpperCase(), NOTHING[what], () => [], null);
}

const ROUTINE_STATUS: readonly VirtualColumn[] = [
  required('Db', VARCHAR_64),
  required('Name', VARCHAR_64),
  required('Type', varchar(9)),
  required('Definer', varchar(288)),
  required('Modified', DATETIME),
  required('Created', DATETIME),
  required('Security_type', varchar(7)),
  required('Comment', TEXT),
  required('character_set_client', VARCHAR_64),
  required('collation_connection', VARCHAR_64),
  required('Database Collation', VARCHAR_64),
];

const NOTHING: Readonly<
  Record<'events' | 'triggers' | 'procedureStatus' | 'functionStatus', readonly VirtualColumn[]>
> = {
  events: [
    required('Db', VARCHAR_64),
    required('Name', VARCHAR_64),
    required('Definer', varchar(288)),
    required('Time zone', VARCHAR_64),
    required('Type', varchar(9)),
    optional('Execute at', DATETIME),
    optional('Interval value', varchar(256)),
    optional('Interval field', varchar(18)),
    optional('Starts', DATETIME),
    optional('Ends', DATETIME),
    required('Status', varchar(18)),
    required('Originator', BIGINT),
    required('character_set_client', VARCHAR_64),
    required('collation_connection', VARCHAR_64),
    required('Database Collation', VARCHAR_64),
  ],
  triggers: [
    required('Trigger', VARCHAR_64),
    required('Event', varchar(6)),
    required('Table', VARCHAR_64),
    required('Statement', TEXT),
    required('Timing', varchar(6)),
    optional('Created', DATETIME),
    required('sql_mode', TEXT),
    required('Definer', varchar(288)),
    required('character_set_client', VARCHAR_64),
    required('collation_connection', VARCHAR_64),
    required('Database Collation', VARCHAR_64),
  ],
  procedureStatus: ROUTINE_STATUS,
  functionStatus: ROUTINE_STATUS,
};
