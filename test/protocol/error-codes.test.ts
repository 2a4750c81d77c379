/** The error registry: complete, with MySQL's numbers and states, and listed in docs/errors.md. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES, SqlError } from '../../protocol/index.js';
import type { ErrorCode, ErrorName } from '../../protocol/index.js';

const ENTRIES = Object.entries(ERROR_CODES) as [ErrorName, ErrorCode][];

/** Numbers that have several names on purpose: MySQL's own text and ours. */
const SHARED: Readonly<Record<number, readonly string[]>> = {
  1205: ['ER_LOCK_WAIT_TIMEOUT', 'ER_GATE_NOT_APPLIED'],
  1292: ['ER_TRUNCATED_WRONG_VALUE', 'ER_INCORRECT_VALUE_FOR_COLUMN'],
};

describe('the registry', () => {
  test.each(ENTRIES)('%s is well-formed', (name, { errno, sqlState, template }) => {
    expect(name).toMatch(/^(ER|WARN)_[A-Z0-9_]+$/);
    expect(errno).toBeGreaterThanOrEqual(1000);
    expect(errno).toBeLessThan(6000);
    expect(sqlState).toMatch(/^[0-9A-Z]{5}$/);
    expect(template.length).toBeGreaterThan(5);
    expect(Buffer.byteLength(template)).toBeLessThan(400);
  });

  test('a number has one name, but for those that share it on purpose', () => {
    const names = new Map<number, string[]>();
    for (const [name, { errno }] of ENTRIES) names.set(errno, [...(names.get(errno) ?? []), name]);
    const shared = Object.fromEntries([...names].filter(([, list]) => list.length > 1));
    expect(shared).toEqual(SHARED);
  });

  /** What clients branch on; the numbers and states of MySQL 8. */
  test.each([
    ['ER_DB_CREATE_EXISTS', 1007, 'HY000'],
    ['ER_DISK_FULL', 1021, 'HY000'],
    ['ER_CON_COUNT_ERROR', 1040, '08004'],
    ['ER_DBACCESS_DENIED_ERROR', 1044, '42000'],
    ['ER_ACCESS_DENIED_ERROR', 1045, '28000'],
    ['ER_NO_DB_ERROR', 1046, '3D000'],
    ['ER_UNKNOWN_COM_ERROR', 1047, '08S01'],
    ['ER_BAD_NULL_ERROR', 1048, '23000'],
    ['ER_BAD_DB_ERROR', 1049, '42000'],
    ['ER_TABLE_EXISTS_ERROR', 1050, '42S01'],
    ['ER_BAD_TABLE_ERROR', 1051, '42S02'],
    ['ER_SERVER_SHUTDOWN', 1053, '08S01'],
    ['ER_BAD_FIELD_ERROR', 1054, '42S22'],
    ['ER_WRONG_FIELD_WITH_GROUP', 1055, '42000'],
    ['ER_DUP_FIELDNAME', 1060, '42S21'],
    ['ER_DUP_ENTRY', 1062, '23000'],
    ['ER_PARSE_ERROR', 1064, '42000'],
    ['ER_EMPTY_QUERY', 1065, '42000'],
    ['ER_UNKNOWN_ERROR', 1105, 'HY000'],
    ['ER_UNKNOWN_TABLE', 1109, '42S02'],
    ['ER_WRONG_VALUE_COUNT_ON_ROW', 1136, '21S01'],
    ['ER_TABLEACCESS_DENIED_ERROR', 1142, '42000'],
    ['ER_NO_SUCH_TABLE', 1146, '42S02'],
    ['ER_NET_PACKET_TOO_LARGE', 1153, '08S01'],
    ['ER_ERROR_DURING_COMMIT', 1180, 'HY000'],
    ['ER_UNKNOWN_SYSTEM_VARIABLE', 1193, 'HY000'],
    ['ER_GATE_NOT_APPLIED', 1205, '40001'],
    ['ER_WRONG_ARGUMENTS', 1210, 'HY000'],
    ['ER_LOCK_DEADLOCK', 1213, '40001'],
    ['ER_WRONG_VALUE_FOR_VAR', 1231, '42000'],
    ['ER_NOT_SUPPORTED_YET', 1235, '42000'],
    ['ER_UNKNOWN_STMT_HANDLER', 1243, 'HY000'],
    ['ER_WARN_DATA_OUT_OF_RANGE', 1264, '22003'],
    ['ER_OPTION_PREVENTS_STATEMENT', 1290, 'HY000'],
    ['ER_INCORRECT_VALUE_FOR_COLUMN', 1292, '22007'],
    ['ER_UNSUPPORTED_PS', 1295, 'HY000'],
    ['ER_UNKNOWN_TIME_ZONE', 1298, 'HY000'],
    ['ER_SP_DOES_NOT_EXIST', 1305, '42000'],
    ['ER_QUERY_INTERRUPTED', 1317, '70100'],
    ['ER_NO_DEFAULT_FOR_FIELD', 1364, 'HY000'],
    ['ER_DIVISION_BY_ZERO', 1365, '22012'],
    ['ER_TRUNCATED_WRONG_VALUE_FOR_FIELD', 1366, 'HY000'],
    ['ER_DATA_TOO_LONG', 1406, '22001'],
    ['ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', 1792, '25006'],
    ['ER_QUERY_TIMEOUT', 3024, 'HY000'],
    ['ER_CLIENT_LOCAL_FILES_DISABLED', 3948, '42000'],
    ['ER_CLIENT_INTERACTION_TIMEOUT', 4031, 'HY000'],
  ] as const)('%s is %d (%s)', (name, errno, sqlState) => {
    expect(ERROR_CODES[name]).toMatchObject({ errno, sqlState });
  });
});

describe('docs/errors.md', () => {
  /** Tables are padded for the eye: runs of blanks count as one. */
  const page = readFileSync(join(__dirname, '../../docs/errors.md'), 'utf8').replace(/ +/g, ' ');

  test.each(ENTRIES)(
    'lists %s with its number, state and text',
    (name, { errno, sqlState, template }) => {
      expect(page).toContain(
        `| ${errno} | ${sqlState} | \`${name}\` | ${template.replaceAll('|', '\\|')} |`,
      );
    },
  );

  test('lists nothing else', () => {
    const listed = [...page.matchAll(/^\| \d+ \| \w{5} \| `(\w+)`/gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });
});

describe('SqlError', () => {
  test('fills the template', () => {
    const error = new SqlError('ER_NO_SUCH_TABLE', { database: 'd', table: 't{column}' });
    expect(error).toMatchObject({
      name: 'SqlError',
      code: 'ER_NO_SUCH_TABLE',
      errno: 1146,
      sqlState: '42S02',
      message: "Table 'd.t{column}' doesn't exist",
    });
    expect(error).toBeInstanceOf(Error);
  });

  test('takes a text of its own, a cause, or nothing where nothing is needed', () => {
    const cause = new Error('disk');
    expect(new SqlError('ER_DISK_FULL', 'no room for the write', { cause })).toMatchObject({
      message: 'no room for the write',
      errno: 1021,
      cause,
    });
    expect(new SqlError('ER_NO_DB_ERROR').message).toBe('No database selected');
    expect('cause' in new SqlError('ER_NO_DB_ERROR')).toBe(false);
  });
});
