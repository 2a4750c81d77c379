/** Wire constants are frozen: pinned here, column types also compared with the table of a client. */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Types } from 'mysql2';
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
    ['foundRows', 0x2],
    ['connectWithDb', 0x8],
    ['compress', 0x20],
    ['localFiles', 0x80],
    ['protocol41', 0x200],
    ['ssl', 0x800],
    ['secureConnection', 0x8000],
    ['multiStatements', 0x10000],
    ['pluginAuth', 0x80000],
    ['connectAttributes', 0x100000],
    ['pluginAuthLenencData', 0x200000],
    ['sessionTrack', 0x800000],
    ['deprecateEof', 0x1000000],
    ['queryAttributes', 0x8000000],
    ['multiFactorAuthentication', 0x10000000],
  ] as const)('%s is %d', (name, bit) => {
    expect(CAPABILITIES[name].bit).toBe(bit);
  });

  test('every bit has a reason', () => {
    for (const { why } of Object.values(CAPABILITIES)) expect(why.length).toBeGreaterThan(5);
    expect(hasCapability(CAPABILITIES.rememberOptions.bit, 'rememberOptions')).toBe(true);
    expect(hasCapability(0, 'rememberOptions')).toBe(false);
  });
});

describe('commands', () => {
  test.each([
    [0x01, 'COM_QUIT'],
    [0x02, 'COM_INIT_DB'],
    [0x03, 'COM_QUERY'],
    [0x04, 'COM_FIELD_LIST'],
    [0x09, 'COM_STATISTICS'],
    [0x0c, 'COM_PROCESS_KILL'],
    [0x0e, 'COM_PING'],
    [0x11, 'COM_CHANGE_USER'],
    [0x16, 'COM_STMT_PREPARE'],
    [0x17, 'COM_STMT_EXECUTE'],
    [0x18, 'COM_STMT_SEND_LONG_DATA'],
    [0x19, 'COM_STMT_CLOSE'],
    [0x1a, 'COM_STMT_RESET'],
    [0x1b, 'COM_SET_OPTION'],
    [0x1c, 'COM_STMT_FETCH'],
    [0x1f, 'COM_RESET_CONNECTION'],
  ] as const)('%d is %s, and handled', (byte, name) => {
    expect(COMMAND_NAME_BY_BYTE[byte]).toBe(name);
    expect(COMMANDS[name]).toMatchObject({ byte, handling: 'handled' });
  });

  test('every byte up to 0x21 is decided', () => {
    for (let byte = 0; byte <= 0x21; byte++) expect(COMMAND_NAME_BY_BYTE[byte]).toBeDefined();
    expect(COMMAND_NAME_BY_BYTE[0x22]).toBeUndefined();
  });

  test('bytes are used once', () => {
    const bytes = Object.values(COMMANDS).map(({ byte }) => byte);
    expect(new Set(bytes).size).toBe(bytes.length);
  });
});

describe('column types', () => {
  const theirs: Readonly<Record<string, unknown>> = { ...Types };
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

describe('protocol/README.md', () => {
  /** Tables are padded for the eye: runs of blanks count as one. */
  const page = readFileSync(join(__dirname, '../../protocol/README.md'), 'utf8').replace(
    / +/g,
    ' ',
  );

  test('lists every capability with what is done about it', () => {
    Object.entries(CAPABILITIES).forEach(([name, { handling, why }], position) => {
      expect(page).toContain(`| ${position} | \`${name}\` | ${handling} | ${why} |`);
    });
  });

  test('lists every command with what is done about it', () => {
    for (const [name, { byte, handling, why }] of Object.entries(COMMANDS)) {
      expect(page).toContain(
        `| 0x${byte.toString(16).padStart(2, '0')} | \`${name}\` | ${handling} | ${why} |`,
      );
    }
  });

  test('names every file of the room', () => {
    const files = readdirSync(join(__dirname, '../../protocol')).filter(
      (file) => file.endsWith('.ts') && file !== 'index.ts',
    );
    for (const file of files) expect(page).toContain(`\`${file}\``);
  });
});
