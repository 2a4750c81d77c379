/** COM_STMT_EXECUTE's parameters: all types, rebinding, long data, and bytes that lie. */

import fc from 'fast-check';
import { COLUMN_TYPE } from '../../protocol/column-types.js';
import { ParameterReader } from '../../protocol/parameter-reader.js';
import type { ParameterValue } from '../../protocol/parameter-reader.js';
import { isSqlError, SqlError } from '../../protocol/sql-error.js';
import { hex } from './support/packets.js';

/** Number of the SqlError that `run` throws; null when it throws nothing. */
function errnoOf(run: () => unknown): number | null {
  try {
    run();
  } catch (error) {
    if (isSqlError(error)) return error.errno;
    throw error;
  }
  return null;
}

const NO_LONG_DATA: ReadonlyMap<number, Buffer> = new Map();
const HEAD = hex('17 01000000 00 01000000');

interface Sent {
  readonly type: number;
  readonly flags?: number;
  /** null = NULL bit set; undefined = sent as long data. */
  readonly bytes: Uint8Array | null | undefined;
}

/** The payload of an execute, as a client lays it out. */
function execute(sent: readonly Sent[], bound = true): Buffer {
  const bitmap = Buffer.alloc((sent.length + 7) >> 3);
  sent.forEach(({ bytes }, index) => {
    if (bytes === null) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
  });
  const types = bound ? sent.flatMap(({ type, flags }) => [type, flags ?? 0]) : [];
  const values = sent.flatMap(({ bytes }) =>
    bytes === null || bytes === undefined ? [] : [bytes],
  );
  return Buffer.concat([HEAD, bitmap, Uint8Array.of(bound ? 1 : 0, ...types), ...values]);
}

function valuesOf(reader: ParameterReader): ParameterValue[] {
  return Array.from({ length: reader.count }, (_, index) => reader.value(index));
}

function read(sent: readonly Sent[]): ParameterValue[] {
  const reader = new ParameterReader(sent.length);
  reader.read(execute(sent), NO_LONG_DATA);
  return valuesOf(reader);
}

const integer = (value: number | bigint, unsigned = false): ParameterValue => ({
  kind: 'integer',
  value,
  unsigned,
});
const double = (value: number): ParameterValue => ({ kind: 'double', value });
const text = (value: string): ParameterValue => ({
  kind: 'string',
  bytes: Buffer.from(value),
  binary: false,
});
const datetime = (
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
  microsecond = 0,
  isDate = false,
): ParameterValue => ({
  kind: 'datetime',
  year,
  month,
  day,
  hour,
  minute,
  second,
  microsecond,
  isDate,
});

describe('values as drivers send them', () => {
  const cases: readonly (readonly [string, Sent, ParameterValue])[] = [
    ['NULL by its bit', { type: COLUMN_TYPE.long, bytes: null }, { kind: 'null' }],
    ['NULL by its type', { type: COLUMN_TYPE.null, bytes: hex('') }, { kind: 'null' }],
    ['TINY -1', { type: COLUMN_TYPE.tiny, bytes: hex('ff') }, integer(-1)],
    [
      'TINY UNSIGNED 255',
      { type: COLUMN_TYPE.tiny, flags: 0x80, bytes: hex('ff') },
      integer(255, true),
    ],
    ['SHORT -2', { type: COLUMN_TYPE.short, bytes: hex('feff') }, integer(-2)],
    [
      'SHORT UNSIGNED',
      { type: COLUMN_TYPE.short, flags: 0x80, bytes: hex('feff') },
      integer(65534, true),
    ],
    ['YEAR', { type: COLUMN_TYPE.year, bytes: hex('ea07') }, integer(2026)],
    ['LONG', { type: COLUMN_TYPE.long, bytes: hex('00000080') }, integer(-2147483648)],
    [
      'LONG UNSIGNED',
      { type: COLUMN_TYPE.long, flags: 0x80, bytes: hex('00000080') },
      integer(2147483648, true),
    ],
    ['INT24 in 4 bytes', { type: COLUMN_TYPE.int24, bytes: hex('ffffffff') }, integer(-1)],
    ['LONGLONG -1', { type: COLUMN_TYPE.longlong, bytes: hex('ffffffffffffffff') }, integer(-1)],
    [
      'LONGLONG UNSIGNED',
      { type: COLUMN_TYPE.longlong, flags: 0x80, bytes: hex('ffffffffffffffff') },
      integer(18446744073709551615n, true),
    ],
    [
      'LONGLONG, smallest',
      { type: COLUMN_TYPE.longlong, bytes: hex('0000000000000080') },
      integer(-9223372036854775808n),
    ],
    [
      'LONGLONG, largest number',
      { type: COLUMN_TYPE.longlong, bytes: hex('ffffffffffff1f00') },
      integer(9007199254740991),
    ],
    [
      'LONGLONG, one more',
      { type: COLUMN_TYPE.longlong, bytes: hex('0000000000002000') },
      integer(9007199254740992n),
    ],
    ['FLOAT', { type: COLUMN_TYPE.float, bytes: hex('0000c03f') }, double(1.5)],
    ['DOUBLE (mysql2)', { type: COLUMN_TYPE.double, bytes: hex('9a9999999999b93f') }, double(0.1)],
    ['STRING', { type: COLUMN_TYPE.string, bytes: hex('03 616263') }, text('abc')],
    ['VAR_STRING, empty', { type: COLUMN_TYPE.varString, bytes: hex('00') }, text('')],
    ['VARCHAR', { type: COLUMN_TYPE.varchar, bytes: hex('02 c3a9') }, text('é')],
    ['NEWDECIMAL', { type: COLUMN_TYPE.newdecimal, bytes: hex('04 312e3530') }, text('1.50')],
    ['JSON', { type: COLUMN_TYPE.json, bytes: hex('02 7b7d') }, text('{}')],
    [
      'BLOB',
      { type: COLUMN_TYPE.blob, bytes: hex('02 00ff') },
      { kind: 'string', bytes: hex('00ff'), binary: true },
    ],
    [
      'TIMESTAMP (Connector/J)',
      { type: COLUMN_TYPE.timestamp, bytes: hex('0b ea07 0b 16 13 1a 11 28520d00') },
      datetime(2026, 11, 22, 19, 26, 17, 873_000),
    ],
    [
      'DATETIME without microseconds',
      { type: COLUMN_TYPE.datetime, bytes: hex('07 ea07 0b 16 13 1a 11') },
      datetime(2026, 11, 22, 19, 26, 17),
    ],
    [
      'DATE',
      { type: COLUMN_TYPE.date, bytes: hex('04 ea07 0b 16') },
      datetime(2026, 11, 22, 0, 0, 0, 0, true),
    ],
    ['DATETIME zero', { type: COLUMN_TYPE.datetime, bytes: hex('00') }, datetime(0, 0, 0)],
    [
      'TIME',
      { type: COLUMN_TYPE.time, bytes: hex('0c 01 22000000 16 3b 3a 01000000') },
      {
        kind: 'time',
        negative: true,
        days: 34,
        hours: 22,
        minutes: 59,
        seconds: 58,
        microseconds: 1,
      },
    ],
    [
      'TIME without microseconds',
      { type: COLUMN_TYPE.time, bytes: hex('08 00 00000000 01 02 03') },
      { kind: 'time', negative: false, days: 0, hours: 1, minutes: 2, seconds: 3, microseconds: 0 },
    ],
    [
      'TIME zero',
      { type: COLUMN_TYPE.time, bytes: hex('00') },
      { kind: 'time', negative: false, days: 0, hours: 0, minutes: 0, seconds: 0, microseconds: 0 },
    ],
  ];
  test.each(cases)('%s', (_name, sent, value) => {
    expect(read([sent])).toEqual([value]);
  });

  test('all of them in one packet, and of each prefix of it only an error', () => {
    const all = cases.map(([, sent]) => sent);
    expect(read(all)).toEqual(cases.map(([, , value]) => value));
    const payload = execute(all);
    for (let end = 0; end < payload.length; end++) {
      const reader = new ParameterReader(all.length);
      expect(() => reader.read(payload.subarray(0, end), NO_LONG_DATA)).toThrow(SqlError);
    }
  });

  test('halves of integers, for columns of 64 bits', () => {
    const reader = new ParameterReader(3);
    reader.read(
      execute([
        { type: COLUMN_TYPE.longlong, bytes: hex('0100000000000080') },
        { type: COLUMN_TYPE.tiny, bytes: hex('fe') },
        { type: COLUMN_TYPE.longlong, flags: 0x80, bytes: hex('ffffffffffffffff') },
      ]),
      NO_LONG_DATA,
    );
    expect([reader.high(0), reader.low(0)]).toEqual([-2147483648, 1]);
    expect([reader.high(1), reader.low(1), reader.number(1)]).toEqual([-1, 0xfffffffe, -2]);
    expect([reader.high(2), reader.low(2)]).toEqual([0xffffffff, 0xffffffff]);
  });

  test('bytes without a copy', () => {
    const reader = new ParameterReader(1);
    reader.read(execute([{ type: COLUMN_TYPE.string, bytes: hex('03 616263') }]), NO_LONG_DATA);
    expect(reader.kind(0)).toBe('string');
    expect(Buffer.from(reader.source(0)).toString('latin1', reader.start(0), reader.end(0))).toBe(
      'abc',
    );
  });

  test('any 64-bit integers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 20 }),
        (values) => {
          const sent = values.map((value) => {
            const bytes = Buffer.alloc(8);
            bytes.writeBigInt64LE(value);
            return { type: COLUMN_TYPE.longlong, bytes };
          });
          expect(
            read(sent).map((value) => (value.kind === 'integer' ? BigInt(value.value) : null)),
          ).toEqual(values);
        },
      ),
    );
  });
});

describe('bindings', () => {
  const first: Sent[] = [
    { type: COLUMN_TYPE.tiny, flags: 0x80, bytes: hex('ff') },
    { type: COLUMN_TYPE.string, bytes: hex('01 61') },
  ];
  const second: Sent[] = [
    { type: 0, bytes: hex('80') },
    { type: 0, bytes: null },
  ];

  test('types hold for the executes that follow', () => {
    const reader = new ParameterReader(2);
    reader.read(execute(first), NO_LONG_DATA);
    reader.read(execute(second, false), NO_LONG_DATA);
    expect(valuesOf(reader)).toEqual([integer(128, true), { kind: 'null' }]);
    reader.read(execute(first, false), NO_LONG_DATA);
    expect(valuesOf(reader)).toEqual([integer(255, true), text('a')]);
  });

  test('never bound: 1210', () => {
    const reader = new ParameterReader(2);
    expect(() => reader.read(execute(second, false), NO_LONG_DATA)).toThrow(
      new SqlError('ER_WRONG_ARGUMENTS', 'Incorrect arguments to mysqld_stmt_execute'),
    );
  });

  test('an unknown type: 1210, and the old types stay bound', () => {
    const reader = new ParameterReader(2);
    reader.read(execute(first), NO_LONG_DATA);
    const unknown = first.map((sent) => ({ ...sent, type: 100 }));
    expect(errnoOf(() => reader.read(execute(unknown), NO_LONG_DATA))).toBe(1210);
    reader.read(execute(first, false), NO_LONG_DATA);
    expect(valuesOf(reader)).toEqual([integer(255, true), text('a')]);
  });

  test.each([
    ['date', COLUMN_TYPE.datetime, '05 ea070b1600'],
    ['time', COLUMN_TYPE.time, '07 00000000000102'],
    ['NULL length', COLUMN_TYPE.string, 'fb'],
  ])('a %s of an impossible length: 1835', (_name, type, bytes) => {
    expect(errnoOf(() => read([{ type, bytes: hex(bytes) }]))).toBe(1835);
  });

  test('no parameters, no bitmap', () => {
    const reader = new ParameterReader(0);
    reader.read(HEAD, NO_LONG_DATA);
    expect(valuesOf(reader)).toEqual([]);
    expect(() => reader.value(0)).toThrow(RangeError);
  });

  test('long data stands in for a value, which the packet then lacks', () => {
    const sent: Sent[] = [
      { type: COLUMN_TYPE.blob, bytes: undefined },
      { type: COLUMN_TYPE.long, bytes: hex('07000000') },
    ];
    const reader = new ParameterReader(2);
    reader.read(execute(sent), new Map([[0, hex('0102')]]));
    expect(valuesOf(reader)).toEqual([
      { kind: 'string', bytes: hex('0102'), binary: true },
      integer(7),
    ]);
    expect([reader.source(0), reader.start(0), reader.end(0)]).toEqual([hex('0102'), 0, 2]);
  });
});
