/** information_schema: what the server is and does: ENGINES, CHARACTER_SETS, COLLATIONS, KEYWORDS, PLUGINS, PROCESSLIST. */

import { CHARACTER_SETS, COLLATIONS } from './character-sets.js';
import type { Collation } from './character-sets.js';
import type { InformationTable } from './information-source.js';
import { keywords } from './keywords.js';
import { ENGINE } from './show-create-table.js';
import {
  BIGINT_UNSIGNED,
  INT,
  INT_UNSIGNED,
  TEXT,
  VARCHAR_64,
  optional,
  required,
  varchar,
} from './virtual-table.js';
import type { VirtualValue } from './virtual-table.js';

export const ENGINES: InformationTable = {
  name: 'ENGINES',
  columns: [
    required('ENGINE', VARCHAR_64),
    required('SUPPORT', varchar(8)),
    required('COMMENT', varchar(80)),
    optional('TRANSACTIONS', varchar(3)),
    optional('XA', varchar(3)),
    optional('SAVEPOINTS', varchar(3)),
  ],
  rows: () => [
    [ENGINE, 'DEFAULT', 'Time series on two equal nodes, over LevelDB', 'YES', 'NO', 'NO'],
  ],
};

export const CHARACTER_SET_LIST: InformationTable = {
  name: 'CHARACTER_SETS',
  columns: [
    required('CHARACTER_SET_NAME', VARCHAR_64),
    required('DEFAULT_COLLATE_NAME', VARCHAR_64),
    required('DESCRIPTION', varchar(2048)),
    required('MAXLEN', INT_UNSIGNED),
  ],
  rows: () =>
    CHARACTER_SETS.map((set) => [set.name, set.defaultCollation, set.description, set.bytesMax]),
};

export const COLLATION_LIST: InformationTable = {
  name: 'COLLATIONS',
  columns: [
    required('COLLATION_NAME', VARCHAR_64),
    required('CHARACTER_SET_NAME', VARCHAR_64),
    required('ID', BIGINT_UNSIGNED),
    required('IS_DEFAULT', varchar(3)),
    required('IS_COMPILED', varchar(3)),
    required('SORTLEN', INT_UNSIGNED),
    required('PAD_ATTRIBUTE', varchar(9)),
  ],
  rows: () => collationRows(),
};

/** Also what SHOW COLLATION shows. */
export function collationRows(): VirtualValue[][] {
  return COLLATIONS.map((collation) => [
    collation.name,
    collation.characterSet,
    collation.id,
    isDefault(collation) ? 'Yes' : '',
    'Yes',
    collation.sortLength,
    collation.padAttribute,
  ]);
}

function isDefault(collation: Collation): boolean {
  return CHARACTER_SETS.some((set) => set.defaultCollation === collation.name);
}

export const COLLATION_CHARACTER_SET_APPLICABILITY: InformationTable = {
  name: 'COLLATION_CHARACTER_SET_APPLICABILITY',
  columns: [required('COLLATION_NAME', VARCHAR_64), required('CHARACTER_SET_NAME', VARCHAR_64)],
  rows: () => COLLATIONS.map((collation) => [collation.name, collation.characterSet]),
};

export const KEYWORDS: InformationTable = {
  name: 'KEYWORDS',
  columns: [optional('WORD', varchar(128)), optional('RESERVED', INT)],
  rows: () => keywords().map(({ word, reserved }) => [word, reserved ? 1 : 0]),
};

export const PLUGINS: InformationTable = {
  name: 'PLUGINS',
  columns: [
    required('PLUGIN_NAME', VARCHAR_64),
    required('PLUGIN_VERSION', varchar(20)),
    required('PLUGIN_STATUS', varchar(10)),
    required('PLUGIN_TYPE', varchar(80)),
    required('PLUGIN_TYPE_VERSION', varchar(20)),
    optional('PLUGIN_LIBRARY', VARCHAR_64),
    optional('PLUGIN_LIBRARY_VERSION', varchar(20)),
    optional('PLUGIN_AUTHOR', VARCHAR_64),
    optional('PLUGIN_DESCRIPTION', TEXT),
    optional('PLUGIN_LICENSE', varchar(80)),
    required('LOAD_OPTION', VARCHAR_64),
  ],
  rows: () =>
    SERVER_PLUGINS.map(({ name, type }) => [
      name,
      '1.0',
      'ACTIVE',
      type,
      '1.0',
      null,
      null,
      'Twintide',
      '',
      'Apache-2.0',
      'FORCE',
    ]),
};

export const SERVER_PLUGINS = [
  { name: 'caching_sha2_password', type: 'AUTHENTICATION' },
  { name: 'mysql_native_password', type: 'AUTHENTICATION' },
  { name: ENGINE, type: 'STORAGE ENGINE' },
] as const;

export const PROCESSLIST: InformationTable = {
  name: 'PROCESSLIST',
  columns: [
    required('ID', BIGINT_UNSIGNED),
    required('USER', varchar(32)),
    required('HOST', varchar(261)),
    optional('DB', VARCHAR_64),
    required('COMMAND', varchar(16)),
    required('TIME', INT),
    optional('STATE', VARCHAR_64),
    optional('INFO', TEXT),
  ],
  rows: (source) =>
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
        process.statement,
      ]),
};
