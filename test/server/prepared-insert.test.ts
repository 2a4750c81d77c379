/**
 * A prepared INSERT stores what the same INSERT with its values written as literals stores, or refuses it with the same error: for
 * every type of column and every kind of parameter.
 */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Connection } from 'mysql2/promise';
import { RowBatch } from '../../storage/index.js';
import { cellsOf, run, type ServerError } from '../support/typed-query.js';
import { SingleNode } from './support/single-node.js';

const COLUMN_TYPES = [
  'BOOLEAN',
  'TINYINT',
  'TINYINT UNSIGNED',
  'SMALLINT',
  'INT',
  'INT UNSIGNED',
  'BIGINT',
  'BIGINT UNSIGNED',
  'FLOAT',
  'DOUBLE',
  'VARCHAR(8)',
  'TEXT',
  'BLOB',
  'DATE',
  'DATETIME',
  'DATETIME(3)',
  'TIMESTAMP(6)',
  'TIMESTAMP(9)',
] as const;

/** A parameter as mysql2 sends it (numbers as DOUBLE, the rest as strings), and the literal that says the same. */
interface Parameter {
  readonly value: number | string | Buffer | null;
  readonly literal: string;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

const parameter: fc.Arbitrary<Parameter> = fc.oneof(
  fc.constant({ value: null, literal: 'NULL' }),
  fc
    .oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -300, max: 300 }),
      fc.maxSafeInteger(),
      fc.constantFrom(
        0,
        -0,
        0.5,
        -0.5,
        127.5,
        2 ** 31,
        2 ** 53,
        2 ** 63,
        2 ** 64,
        -(2 ** 63),
        1e300,
      ),
    )
    // A literal's sign is an operator: of zero, too.
    .map((value) => ({
      value,
      literal: `${Object.is(value, -0) ? '-' : ''}${value.toExponential()}`,
    })),
  fc
    .oneof(
      fc.constantFrom(
        '',
        ' 12 ',
        '12',
        '-1',
        '1.5',
        '1e3',
        '12abc',
        '9223372036854775807',
        '9223372036854775808',
        '18446744073709551615',
        '18446744073709551616',
        '2026-01-02',
        '2026-01-02 03:04:05',
        '2026-01-02 03:04:05.678901234',
        '2026-01-02T03:04:05Z',
        '2026-02-30',
        '0000-00-00',
        '2106-02-07 06:28:15',
        'eight ch',
        'nine char',
        "it's \\ a",
        'é',
        '😀',
      ),
      fc.string({ maxLength: 10 }),
    )
    .map((value) => ({ value, literal: quoted(value) })),
);

/** A hex literal is a number where a number is wanted, a parameter of bytes is not: for columns of text and bytes. */
const bytesParameter: fc.Arbitrary<Parameter> = fc
  .uint8Array({ maxLength: 10 })
  .map((bytes) => Buffer.from(bytes))
  .map((value) => ({ value, literal: `X'${value.toString('hex')}'` }));

let node: SingleNode;
let client: Connection;

beforeAll(async () => {
  node = await SingleNode.start({});
  client = await node.connect();
  await run(client, 'CREATE DATABASE d');
  await run(client, 'USE d');
  for (const [index, type] of COLUMN_TYPES.entries()) {
    await run(client, `CREATE TABLE t${index} (ts TIMESTAMP(3) TIME INDEX, v ${type} NULL)`);
  }
});

afterAll(async () => {
  const { bugs } = node;
  await node.stop();
  expect(bugs).toEqual([]);
});

let instant = 0;

/** The stored cell, or the error. Rows have times of their own. */
async function outcome(table: string, insert: (ts: number) => Promise<unknown>): Promise<unknown> {
  instant += 1;
  try {
    await insert(instant);
  } catch (error) {
    const { errno, sqlState, message } = error as ServerError;
    return { errno, sqlState, message };
  }
  const warnings = await cellsOf(client, 'SHOW WARNINGS');
  const rows = await cellsOf(client, `SELECT v, HEX(v) FROM ${table} WHERE ts = ${instant}`);
  return { rows, warnings };
}

describe.each([...COLUMN_TYPES.entries()])('column %i', (index, type) => {
  test(type, async () => {
    const table = `t${index}`;
    const isBytes = ['VARCHAR(8)', 'TEXT', 'BLOB'].includes(type);
    const anyParameter = isBytes ? fc.oneof(parameter, parameter, bytesParameter) : parameter;
    await fc.assert(
      fc.asyncProperty(anyParameter, async ({ value, literal }) => {
        const prepared = await outcome(table, (ts) =>
          client.execute(`INSERT INTO ${table} VALUES (?, ?)`, [ts, value]),
        );
        const text = await outcome(table, (ts) =>
          client.query(`INSERT INTO ${table} VALUES (${ts}, ${literal})`),
        );
        expect(prepared).toEqual(text);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a value of megabytes', () => {
  const MIB = 1024 * 1024;
  /** Such a value is neither checked nor copied by more bytes in a turn. */
  const PIECE_BYTES_MAX = 256 * 1024;

  beforeAll(() =>
    run(
      client,
      'CREATE TABLE long_values (ts TIMESTAMP(3) TIME INDEX, a TEXT NULL, n INT, b BLOB NULL)',
    ),
  );

  /** The most bytes that a turn of the event loop wrote while it ran. */
  async function mostBytesATurn(task: () => Promise<unknown>): Promise<number> {
    let [bytes, most] = [0, 0];
    const note = (count: number): void => {
      bytes += count;
      most = Math.max(most, bytes);
    };
    const { setBytes, addBytes } = RowBatch.prototype;
    const spies = [
      jest.spyOn(RowBatch.prototype, 'setBytes').mockImplementation(function (
        this: RowBatch,
        ...args
      ) {
        note(args[3] - args[2]);
        setBytes.apply(this, args);
      }),
      jest.spyOn(RowBatch.prototype, 'addBytes').mockImplementation(function (
        this: RowBatch,
        ...args
      ) {
        note(args[3] - args[2]);
        addBytes.apply(this, args);
      }),
    ];
    let isDone = false;
    const countTurn = (): void => {
      bytes = 0;
      if (!isDone) setImmediate(countTurn);
    };
    countTurn();
    await task().finally(() => {
      isDone = true;
      for (const spy of spies) spy.mockRestore();
    });
    return most;
  }

  test.each([
    ['text of one byte a character', Buffer.alloc(4 * MIB, 'x')],
    ['text of four, cut at other bytes', Buffer.from(`a${'😀'.repeat(MIB)}`)],
  ])('%s is stored as it is, a piece a turn', async (_, text) => {
    const bytes = Buffer.alloc(3 * MIB, Buffer.from([0xff, 0x80, 0, 1, 2]));
    const most = await mostBytesATurn(() =>
      client.execute('INSERT INTO long_values VALUES (?, ?, ?, ?), (?, ?, ?, ?)', [
        ...[1, text.toString(), 7, bytes],
        ...[2, 'short', 8, Buffer.from('short')],
      ]),
    );
    expect(most).toBeLessThanOrEqual(PIECE_BYTES_MAX + 100);
    const digests = 'ts, LENGTH(a), SHA2(a, 256), n, LENGTH(b), SHA2(b, 256)';
    const rows = await cellsOf(client, `SELECT ${digests} FROM long_values ORDER BY ts`);
    const sha = (value: Buffer): string => createHash('sha256').update(value).digest('hex');
    const short = Buffer.from('short');
    expect(rows.map((row) => row.slice(1).map(String))).toEqual([
      [text.length, sha(text), 7, bytes.length, sha(bytes)].map(String),
      [short.length, sha(short), 8, short.length, sha(short)].map(String),
    ]);
    await run(client, 'TRUNCATE TABLE long_values');
  });

  test.each([0, 1, 2, 3, 4, 5])(
    'what is no UTF-8 is refused in the words of a short value, %i bytes before a piece ends',
    async (before) => {
      const text = Buffer.alloc(MIB, 'x');
      // A euro sign, and bytes that only follow others.
      text.set([0xe2, 0x82, 0xac, 0x82, 0x82, 0x82, 0x82, 0x82], PIECE_BYTES_MAX - before);
      const failure = client.execute('INSERT INTO long_values (ts, n, a) VALUES (?, ?, ?)', [
        1,
        1,
        text,
      ]);
      await expect(failure).rejects.toMatchObject({
        errno: 1366,
        message: "Incorrect string value: '\\x82\\x82\\x82\\x82\\x82x...' for column 'a' at row 1",
      });
      expect(await cellsOf(client, 'SELECT COUNT(*) FROM long_values')).toEqual([[0]]);
    },
  );
});
