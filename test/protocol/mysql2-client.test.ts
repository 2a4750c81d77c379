/** A real client against the server: logins, both row formats, prepared statements, errors, big packets. */

import type { Connection, RowDataPacket } from 'mysql2/promise';
import {
  CHARACTER_SET,
  COLUMN_FLAG,
  COLUMN_TYPE,
  DECIMALS_NOT_FIXED,
  SqlError,
} from '../../protocol/index.js';
import type { CellEncoder, ColumnDefinition, PacketWriter } from '../../protocol/index.js';
import { startTestServer } from './support/test-server.js';
import type { TestServer } from './support/test-server.js';
import { answerText, column } from './support/test-session.js';
import type { Script } from './support/test-session.js';

type Cell = (out: PacketWriter) => void;

/** A column whose first row is NULL and whose second is the value. */
function cell(text: Cell, binary: Cell): CellEncoder {
  return {
    isNull: (row) => row === 0,
    text: (_row, out) => text(out),
    binary: (_row, out) => binary(out),
  };
}

const bytes =
  (content: Uint8Array): Cell =>
  (out) =>
    out.lenencBytes(content, 0, content.length);
const both = (write: Cell): CellEncoder => cell(write, write);
const UNSIGNED = { flags: COLUMN_FLAG.unsigned | COLUMN_FLAG.binary };
const TEXT = { characterSet: CHARACTER_SET.utf8mb4_bin, flags: 0 };

/** Column, cells, what the client makes of the value. */
const TYPES: readonly (readonly [ColumnDefinition, CellEncoder, unknown])[] = [
  [
    column('tiny', COLUMN_TYPE.tiny),
    cell(
      (o) => o.textInteger(-128),
      (o) => o.int8(-128),
    ),
    -128,
  ],
  [
    column('utiny', COLUMN_TYPE.tiny, UNSIGNED),
    cell(
      (o) => o.textInteger(255),
      (o) => o.int8(255),
    ),
    255,
  ],
  [
    column('short', COLUMN_TYPE.short),
    cell(
      (o) => o.textInteger(-2),
      (o) => o.int16(-2),
    ),
    -2,
  ],
  [
    column('mediumint', COLUMN_TYPE.int24),
    cell(
      (o) => o.textInteger(-8388608),
      (o) => o.int32(-8388608),
    ),
    -8388608,
  ],
  [
    column('long', COLUMN_TYPE.long),
    cell(
      (o) => o.textInteger(-2147483648),
      (o) => o.int32(-2147483648),
    ),
    -2147483648,
  ],
  [
    column('ulong', COLUMN_TYPE.long, UNSIGNED),
    cell(
      (o) => o.textInteger(4294967295),
      (o) => o.int32(4294967295),
    ),
    4294967295,
  ],
  [
    column('bigint', COLUMN_TYPE.longlong),
    cell(
      (o) => o.textInteger64(-0x80000000, 0, false),
      (o) => o.int64(-0x80000000, 0),
    ),
    '-9223372036854775808',
  ],
  [
    column('ubigint', COLUMN_TYPE.longlong, UNSIGNED),
    cell(
      (o) => o.textInteger64(-1, -1, true),
      (o) => o.int64(-1, -1),
    ),
    '18446744073709551615',
  ],
  [
    column('small_bigint', COLUMN_TYPE.longlong),
    cell(
      (o) => o.textInteger(-5e9),
      (o) => o.int64FromNumber(-5e9),
    ),
    -5e9,
  ],
  [
    column('float', COLUMN_TYPE.float, { decimals: DECIMALS_NOT_FIXED }),
    cell(
      (o) => o.textFloat(1.5),
      (o) => o.float32(1.5),
    ),
    1.5,
  ],
  [
    column('double', COLUMN_TYPE.double, { decimals: DECIMALS_NOT_FIXED }),
    cell(
      (o) => o.textDouble(-1.2345678901234568e17),
      (o) => o.float64(-1.2345678901234568e17),
    ),
    -1.2345678901234568e17,
  ],
  [
    column('decimal', COLUMN_TYPE.newdecimal, { decimals: 2 }),
    both((o) => o.lenencString('123456789012345678901.50')),
    '123456789012345678901.50',
  ],
  [
    column('date', COLUMN_TYPE.date),
    cell(
      (o) => o.textDate(2026, 2, 28),
      (o) => o.date(2026, 2, 28),
    ),
    '2026-02-28',
  ],
  [
    column('datetime', COLUMN_TYPE.datetime, { decimals: 6 }),
    cell(
      (o) => o.textDateTime(2026, 11, 22, 19, 26, 17, 871, 6),
      (o) => o.dateTime(2026, 11, 22, 19, 26, 17, 871),
    ),
    '2026-11-22 19:26:17.000871',
  ],
  [
    column('timestamp', COLUMN_TYPE.timestamp),
    cell(
      (o) => o.textDateTime(2026, 11, 22, 19, 26, 17, 0, 0),
      (o) => o.dateTime(2026, 11, 22, 19, 26, 17, 0),
    ),
    '2026-11-22 19:26:17',
  ],
  [
    column('time', COLUMN_TYPE.time),
    cell(
      (o) => o.textTime(true, 26, 3, 4, 0, 0),
      (o) => o.time(true, 1, 2, 3, 4, 0),
    ),
    '-26:03:04',
  ],
  [
    column('year', COLUMN_TYPE.year, UNSIGNED),
    cell(
      (o) => o.textInteger(2026),
      (o) => o.int16(2026),
    ),
    2026,
  ],
  [column('text', COLUMN_TYPE.varString, TEXT), both(bytes(Buffer.from('grün 🌊'))), 'grün 🌊'],
  [
    column('long_text', COLUMN_TYPE.blob, TEXT),
    both(bytes(Buffer.alloc(70_000, 'a'))),
    'a'.repeat(70_000),
  ],
  [
    column('blob', COLUMN_TYPE.blob),
    both(bytes(Uint8Array.of(0, 255, 1))),
    Buffer.from([0, 255, 1]),
  ],
  [column('json', COLUMN_TYPE.json, TEXT), both(bytes(Buffer.from('{"a":[1,2]}'))), { a: [1, 2] }],
];

const SCRIPT: Script = {
  'SELECT types': (response) => {
    const rows = response.resultSet(TYPES.map(([definition]) => definition));
    const pending = rows.rows({ rowCount: 2, columns: TYPES.map(([, encoder]) => encoder) });
    if (pending === undefined) {
      rows.end({ warnings: 3 });
      return undefined;
    }
    return pending.then(() => rows.end({ warnings: 3 }));
  },
  'SELECT ?': (response, session) => answerText(response, JSON.stringify(session.lastParameters)),
  'SELECT length': (response, session) => answerText(response, String(session.textBytes)),
  'SELECT wide': (response) => answerText(response, 'w'.repeat(17 * 1024 * 1024)),
  update: (response) =>
    response.ok({ affectedRows: 3, warnings: 1, info: 'Rows matched: 5  Changed: 3  Warnings: 1' }),
  track: (response, session) => {
    session.changes.push({ kind: 'systemVariable', name: 'autocommit', value: 'OFF' });
    response.ok();
  },
  fail: () => {
    throw new SqlError('ER_DUP_FIELDNAME', { column: 'c' });
  },
  'fail later': async (response) => {
    const rows = response.resultSet([column('v', COLUMN_TYPE.long)]);
    await rows.rows({
      rowCount: 1,
      columns: [{ isNull: () => true, text: () => undefined, binary: () => undefined }],
    });
    throw new SqlError('ER_QUERY_TIMEOUT');
  },
};

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(SCRIPT);
});
afterAll(() => server.close());

describe('logins', () => {
  test.each([
    ['caching_sha2_password', {}],
    ['without a password', { user: 'guest', password: '' }],
    ['with a database', { database: 'metrics' }],
    ['with another character set', { charset: 'latin1' }],
  ])('%s', async (_name, options) => {
    const client = await server.connect(options);
    await client.ping();
    expect(server.sessions.at(-1)?.database).toBe('database' in options ? 'metrics' : null);
    await client.end();
  });

  test.each([
    [
      'a wrong password',
      { password: 'wrong' },
      "Access denied for user 'ann'@'127.0.0.1' (using password: YES)",
      1045,
    ],
    [
      'no password',
      { password: '' },
      "Access denied for user 'ann'@'127.0.0.1' (using password: NO)",
      1045,
    ],
    [
      'an unknown user',
      { user: 'bob' },
      "Access denied for user 'bob'@'127.0.0.1' (using password: YES)",
      1045,
    ],
    ['an unknown database', { database: 'missing' }, "Unknown database 'missing'", 1049],
  ])('%s', async (_name, options, message, errno) => {
    await expect(server.connect(options)).rejects.toMatchObject({ message, errno });
  });

  test('mysql_native_password, by an account that has nothing else', async () => {
    const { accountVerifier } = await import('../../protocol/index.js');
    const native = await startTestServer(SCRIPT, {
      hooks: { verifier: () => ({ ...accountVerifier('secret'), cachingSha2: null }) },
    });
    const client = await native.connect();
    await client.ping();
    await client.end();
    await expect(native.connect({ password: 'no' })).rejects.toMatchObject({ errno: 1045 });
    await native.close();
  });

  test('the connection knows who it is', async () => {
    const client = await server.connect({ connectAttributes: { program_name: 'test' } });
    const info = server.sessions.at(-1)?.connection;
    expect(info).toMatchObject({ user: 'ann', host: '127.0.0.1', isOperator: false });
    expect(info?.attributes.get('program_name')).toBe('test');
    expect(client.threadId).toBe(info?.id);
    await client.end();
  });

  test('another user on the same connection', async () => {
    const client = await server.connect({ user: 'guest', password: '' });
    await client.changeUser({ user: 'ann', password: 'secret', database: 'd' });
    await client.ping();
    expect(server.sessions.at(-1)).toMatchObject({ connection: { user: 'ann' }, database: 'd' });
    await expect(client.changeUser({ user: 'bob' })).rejects.toMatchObject({ errno: 1045 });
  });
});

describe('rows of all types', () => {
  const expected = Object.fromEntries(TYPES.map(([{ name }, , value]) => [name, value]));
  const nulls = Object.fromEntries(TYPES.map(([{ name }]) => [name, null]));
  let client: Connection;
  beforeAll(async () => {
    client = await server.connect({ supportBigNumbers: true, dateStrings: true });
  });

  test('in the text protocol', async () => {
    const [rows] = await client.query('SELECT types');
    expect(rows).toEqual([nulls, expected]);
  });

  test('in the binary protocol', async () => {
    const [rows] = await client.execute('SELECT types');
    expect(rows).toEqual([nulls, expected]);
  });

  test('column definitions arrive as they were made', async () => {
    const [, fields] = await client.query('SELECT types');
    expect(fields.map(({ name, columnType }) => [name, columnType])).toEqual(
      TYPES.map(([definition]) => [definition.name, definition.type]),
    );
  });
});

describe('answers', () => {
  let client: Connection;
  beforeAll(async () => {
    client = await server.connect();
  });

  test('OK with rows, warnings and info', async () => {
    const [result] = await client.query('update');
    expect(result).toMatchObject({
      affectedRows: 3,
      changedRows: 3,
      warningStatus: 1,
      info: 'Rows matched: 5  Changed: 3  Warnings: 1',
    });
  });

  test('session changes', async () => {
    const [result] = await client.query('track');
    expect(result).toMatchObject({ stateChanges: { systemVariables: { autocommit: 'OFF' } } });
  });

  test('errors, before and after rows', async () => {
    await expect(client.query('fail')).rejects.toMatchObject({
      errno: 1060,
      sqlState: '42S21',
      sqlMessage: "Duplicate column name 'c'",
    });
    await expect(client.query('fail later')).rejects.toMatchObject({ errno: 3024 });
    await expect(client.query('nonsense')).rejects.toMatchObject({
      errno: 1064,
      sqlState: '42000',
    });
    await client.ping();
  });

  test('parameters of a prepared statement, again and again', async () => {
    const statement = await client.prepare('SELECT ?');
    for (const value of ['text', 42, null, 1.5]) {
      const [rows] = await statement.execute([value]);
      const [row] = rows as RowDataPacket[];
      const seen = JSON.parse(String(row?.['v'])) as { kind: string; value?: number }[];
      expect(seen).toHaveLength(1);
      expect(seen[0]?.kind).toBe(
        value === null ? 'null' : typeof value === 'string' ? 'string' : 'double',
      );
    }
    await statement.close();
    await client.ping();
    expect(server.log.filter((entry) => entry.startsWith('close statement'))).toHaveLength(1);
    expect(server.server.counters().preparedStatements).toBeGreaterThanOrEqual(0);
  });

  test('reset', async () => {
    await client.reset();
    expect(server.log).toContain('reset');
    await client.ping();
  });
});

describe('big packets', () => {
  test('a query of 20 MiB arrives whole, in pieces', async () => {
    const client = await server.connect();
    // The test session looks at the first bytes only, and says how many there were.
    await expect(
      client.query(`SELECT length /* ${'x'.repeat(20 * 1024 * 1024)} */`),
    ).rejects.toMatchObject({ errno: 1064 });
    expect(server.sessions.at(-1)?.textBytes).toBe(
      20 * 1024 * 1024 + 'SELECT length /*  */'.length,
    );
    await client.ping();
    await client.end();
  });

  test('a row of 17 MiB comes back whole', async () => {
    const client = await server.connect();
    const [rows] = await client.query('SELECT wide');
    const [row] = rows as { v: string }[];
    expect(row?.v.length).toBe(17 * 1024 * 1024);
    expect(row?.v).toMatch(/^w+$/);
    await client.ping();
    await client.end();
  });

  test('a query beyond max_allowed_packet is ERR 1153, readable, and the end', async () => {
    const small = await startTestServer(SCRIPT, { maxAllowedPacketBytes: 1024 * 1024 });
    const client = await small.connect();
    await expect(client.query('x'.repeat(2 * 1024 * 1024))).rejects.toMatchObject({
      errno: 1153,
      sqlState: '08S01',
    });
    await expect(client.ping()).rejects.toThrow();
    await small.close();
  });
});
