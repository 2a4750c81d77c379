/** Wire constants are frozen: pinned here, and compared with the tables of a client. */

import clientFlags from 'mysql2/lib/constants/client.js';
import clientCommands from 'mysql2/lib/constants/commands.js';
import clientTypes from 'mysql2/lib/constants/types.js';
import { CAPABILITIES, SERVER_CAPABILITIES, hasCapability } from '../../protocol/capabilities.js';
import {
  CHARACTER_SET,
  characterSetOfCollation,
  collationName,
} from '../../protocol/character-sets.js';
import { COLUMN_TYPE, PARAMETER_LAYOUT_BY_BYTE } from '../../protocol/column-types.js';
import { COMMANDS, COMMAND_NAME_BY_BYTE } from '../../protocol/commands.js';

describe('capabilities', () => {
  test('all 32 bits are decided, in order', () => {
    expect(Object.values(CAPABILITIES).map(({ bit }) => bit)).toEqual(
      Array.from({ length: 32 }, (_, position) => 2 ** position),
    );
  });

  test('what is offered', () => {
    const offered = Object.entries(CAPABILITIES).flatMap(([name, { handling }]) =>
      handling === 'offered' ? [name] : [],
    );
    expect(offered).toEqual([
      'longPassword',
      'foundRows',
      'longFlag',
      'connectWithDb',
      'noSchema',
      'odbc',
      'ignoreSpace',
      'protocol41',
      'interactive',
      'transactions',
      'secureConnection',
      'pluginAuth',
      'connectAttributes',
      'pluginAuthLenencData',
      'sessionTrack',
      'deprecateEof',
    ]);
    expect(SERVER_CAPABILITIES).toBe(0x01b8_a75f);
  });

  test.each([
    ['foundRows', 'FOUND_ROWS'],
    ['connectWithDb', 'CONNECT_WITH_DB'],
    ['compress', 'COMPRESS'],
    ['localFiles', 'LOCAL_FILES'],
    ['protocol41', 'PROTOCOL_41'],
    ['ssl', 'SSL'],
    ['secureConnection', 'SECURE_CONNECTION'],
    ['multiStatements', 'MULTI_STATEMENTS'],
    ['pluginAuth', 'PLUGIN_AUTH'],
    ['connectAttributes', 'CONNECT_ATTRS'],
    ['pluginAuthLenencData', 'PLUGIN_AUTH_LENENC_CLIENT_DATA'],
    ['sessionTrack', 'SESSION_TRACK'],
    ['queryAttributes', 'CLIENT_QUERY_ATTRIBUTES'],
    ['multiFactorAuthentication', 'MULTI_FACTOR_AUTHENTICATION'],
  ] as const)('%s is what clients call %s', (name, theirs) => {
    const table: Readonly<Record<string, number>> = clientFlags;
    expect(CAPABILITIES[name].bit).toBe(table[theirs]);
  });

  test('every bit has a reason', () => {
    for (const { why } of Object.values(CAPABILITIES)) expect(why.length).toBeGreaterThan(10);
    expect(hasCapability(CAPABILITIES.rememberOptions.bit, 'rememberOptions')).toBe(true);
    expect(hasCapability(0, 'rememberOptions')).toBe(false);
  });
});

describe('commands', () => {
  test('every byte that clients know is decided', () => {
    const undecided = Object.entries(clientCommands as Readonly<Record<string, number>>).filter(
      ([name, byte]) => name !== 'UNKNOWN' && COMMAND_NAME_BY_BYTE[byte] === undefined,
    );
    expect(undecided).toEqual([]);
  });

  test.each(
    Object.entries(clientCommands as Readonly<Record<string, number>>).filter(
      ([name]) => name in COMMANDS || `COM_${name}` in COMMANDS,
    ),
  )('%s is %d', (name, byte) => {
    expect(COMMAND_NAME_BY_BYTE[byte]).toBe(`COM_${name}`);
  });

  test('bytes are used once', () => {
    const bytes = Object.values(COMMANDS).map(({ byte }) => byte);
    expect(new Set(bytes).size).toBe(bytes.length);
  });
});

describe('column types', () => {
  const theirs: Readonly<Record<string, unknown>> = clientTypes;
  test.each(
    Object.entries(COLUMN_TYPE).filter(
      ([name]) => !['timestamp2', 'datetime2', 'time2'].includes(name),
    ),
  )('%s is %d', (name, byte) => {
    const theirName = name.replace(/([A-Z])/g, '_$1').toUpperCase();
    expect(theirs[theirName]).toBe(byte);
    expect(PARAMETER_LAYOUT_BY_BYTE[byte]).toBeDefined();
  });

  test('a byte that is no type has no layout', () => {
    expect(PARAMETER_LAYOUT_BY_BYTE[100]).toBeUndefined();
  });
});

describe('collations', () => {
  test.each([
    [8, 'latin1_swedish_ci', 'latin1'],
    [33, 'utf8mb3_general_ci', 'utf8mb3'],
    [45, 'utf8mb4_general_ci', 'utf8mb4'],
    [46, 'utf8mb4_bin', 'utf8mb4'],
    [63, 'binary', 'binary'],
    [224, 'utf8mb4_unicode_ci', 'utf8mb4'],
    [255, 'utf8mb4_0900_ai_ci', 'utf8mb4'],
  ] as const)('%d is %s', (id, name, characterSet) => {
    expect(CHARACTER_SET[name]).toBe(id);
    expect(collationName(id)).toBe(name);
    expect(characterSetOfCollation(name)).toBe(characterSet);
  });

  test('an unknown id has no name', () => {
    expect(collationName(1)).toBeNull();
  });
});
