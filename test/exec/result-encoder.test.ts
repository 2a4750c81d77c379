/** Column definitions and cells of every type, as bytes of both protocols. */

import type { SqlType } from '../../src/catalog/sql-type.js';
import { columnDefinitionOf } from '../../src/exec/result-column.js';
import { cellEncoder } from '../../src/exec/result-encoder.js';
import { constantVector, nullVector } from '../../src/exec/exec-vector.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  BOOLEAN,
  DATE,
  datetimeType,
  decimalType,
  DOUBLE,
  textBytes,
  timestampType,
  timeType,
  varcharType,
  type SqlValue,
} from '../../src/exec/sql-value.js';
import { resolveTimeZone, UTC } from '../../src/exec/time-zone.js';
import { ChunkPool } from '../../protocol/chunk-pool.js';
import { PacketWriter } from '../../protocol/packet-writer.js';

const integer = (bits: 8 | 16 | 24 | 32 | 64, unsigned = false): SqlType => ({
  kind: 'integer',
  bits,
  unsigned,
});
const text = (
  spelling: 'varchar' | 'char' | 'text' | 'longtext',
  length: number | null,
): SqlType => ({ kind: 'text', spelling, length });

const NOT_NULL = 1;
const KEY = 2;
const BLOB = 16;
const UNSIGNED = 32;
const BINARY = 128;

/** MySQL's type byte, length, decimals, flags, collation id. */
test.each<[SqlType, number, number, number, number, number]>([
  [BOOLEAN, 1, 1, 0, BINARY, 63],
  [integer(8), 1, 4, 0, BINARY, 63],
  [integer(8, true), 1, 3, 0, BINARY | UNSIGNED, 63],
  [integer(16), 2, 6, 0, BINARY, 63],
  [integer(24), 9, 9, 0, BINARY, 63],
  [integer(32), 3, 11, 0, BINARY, 63],
  [integer(32, true), 3, 10, 0, BINARY | UNSIGNED, 63],
  [BIGINT, 8, 20, 0, BINARY, 63],
  [BIGINT_UNSIGNED, 8, 20, 0, BINARY | UNSIGNED, 63],
  [{ kind: 'float' }, 4, 12, 31, BINARY, 63],
  [DOUBLE, 5, 22, 31, BINARY, 63],
  [decimalType(10, 2), 246, 12, 2, BINARY, 63],
  [decimalType(32, 0), 246, 33, 0, BINARY, 63],
  [varcharType(20), 253, 80, 0, 0, 46],
  [text('char', 3), 254, 12, 0, 0, 46],
  [text('text', null), 252, 65_535, 0, BLOB, 46],
  [text('longtext', null), 252, 4_294_967_295, 0, BLOB, 46],
  [{ kind: 'blob', spelling: 'blob', length: null }, 252, 65_535, 0, BLOB | BINARY, 63],
  [{ kind: 'blob', spelling: 'varbinary', length: 16 }, 253, 16, 0, BINARY, 63],
  [DATE, 10, 10, 0, BINARY, 63],
  [timeType(0), 11, 10, 0, BINARY, 63],
  [timeType(3), 11, 14, 3, BINARY, 63],
  [datetimeType(0), 12, 19, 0, BINARY, 63],
  [datetimeType(6), 12, 26, 6, BINARY, 63],
  [timestampType(3), 7, 23, 3, BINARY, 63],
  [timestampType(9), 7, 26, 6, BINARY, 63],
  [{ kind: 'null' }, 6, 0, 0, BINARY, 63],
])('column definition of %j', (type, wire, length, decimals, flags, characterSet) => {
  expect(columnDefinitionOf({ name: 'x', type, nullable: true, origin: null })).toEqual({
    name: 'x',
    type: wire,
    length,
    decimals,
    flags,
    characterSet,
  });
});

test('origin and keys of a stored column', () => {
  const origin = {
    database: 'd',
    table: 'c',
    originalTable: 'cpu',
    originalName: 'host',
    isKey: true,
  };
  expect(columnDefinitionOf({ name: 'HOST', type: BIGINT, nullable: false, origin })).toMatchObject(
    {
      name: 'HOST',
      schema: 'd',
      table: 'c',
      originalTable: 'cpu',
      originalName: 'host',
      flags: BINARY | NOT_NULL | KEY,
    },
  );
});

/** Payload that `write` puts into one packet. */
function payload(write: (out: PacketWriter) => void): Buffer {
  const parts: Buffer[] = [];
  const out = new PacketWriter(
    {
      write: (bytes, onWritten) => {
        parts.push(Buffer.from(bytes));
        onWritten();
      },
    },
    new ChunkPool(),
  );
  out.beginPacket();
  write(out);
  out.endPacket();
  out.flush();
  return Buffer.concat(parts).subarray(4);
}

const noon = 1_710_504_000n; // 2024-03-15 12:00:00 UTC

test.each<[type: SqlType, value: SqlValue, shown: string, binary: string]>([
  [BOOLEAN, 1, '1', '01'],
  [integer(8), -2, '-2', 'fe'],
  [integer(16), -2, '-2', 'feff'],
  [integer(24), 70_000, '70000', '70110100'],
  [integer(32), -1, '-1', 'ffffffff'],
  [integer(32, true), 4_294_967_295, '4294967295', 'ffffffff'],
  [BIGINT, -1, '-1', 'ffffffffffffffff'],
  [BIGINT, 5_000_000_000, '5000000000', '00f2052a01000000'],
  [BIGINT, -(1n << 63n), '-9223372036854775808', '0000000000000080'],
  [BIGINT_UNSIGNED, (1n << 64n) - 1n, '18446744073709551615', 'ffffffffffffffff'],
  [{ kind: 'float' }, 1.5, '1.5', '0000c03f'],
  [DOUBLE, 0.1, '0.1', '9a9999999999b93f'],
  [DOUBLE, 1e20, '1e20', '408cb5781daf1544'],
  [decimalType(10, 2), -1250n, '-12.50', '062d31322e3530'],
  [decimalType(40, 0), 10n ** 30n, '1' + '0'.repeat(30), '1f31' + '30'.repeat(30)],
  [varcharType(5), textBytes('äb'), 'äb', '03c3a462'],
  [varcharType(5), textBytes(''), '', '00'],
  [DATE, 19_797, '2024-03-15', '04e807030f'],
  [timeType(0), -3_723_000_000, '-01:02:03', '080100000000010203'],
  [timeType(6), 90_061_000_001, '25:01:01.000001', '0c000100000001010101000000'],
  [datetimeType(0), noon, '2024-03-15 12:00:00', '07e807030f0c0000'],
  [datetimeType(0), 1_710_460_800n, '2024-03-15 00:00:00', '04e807030f'],
  [datetimeType(3), noon * 1000n + 250n, '2024-03-15 12:00:00.250', '0be807030f0c000090d00300'],
  [
    timestampType(9),
    noon * 1_000_000_000n + 123_456_789n,
    '2024-03-15 12:00:00.123456',
    '0be807030f0c000040e20100',
  ],
  [datetimeType(0), -1n, '1969-12-31 23:59:59', '07b1070c1f173b3b'],
])('cells of %j %p', (type, value, shown, binary) => {
  const cells = cellEncoder(constantVector(value, type, 3), type, UTC);
  const asText = payload((out) => cells.text(2, out));
  expect(cells.isNull(2)).toBe(false);
  expect(asText.subarray(1).toString()).toBe(shown);
  expect(asText[0]).toBe(asText.length - 1);
  expect(payload((out) => cells.binary(2, out)).toString('hex')).toBe(binary);
});

test('a timestamp is shown at the wall clock of the session, a datetime is not', () => {
  const zone = resolveTimeZone('Europe/Berlin');
  const shown = (type: SqlType): string =>
    payload((out) => cellEncoder(constantVector(noon, type, 1), type, zone).text(0, out))
      .subarray(1)
      .toString();
  expect(shown(timestampType(0))).toBe('2024-03-15 13:00:00');
  expect(shown(datetimeType(0))).toBe('2024-03-15 12:00:00');
});

test('NULL of any type', () => {
  for (const type of [BIGINT, DOUBLE, varcharType(3), datetimeType(6), decimalType(5, 1)]) {
    expect(cellEncoder(nullVector(2), type, UTC).isNull(1)).toBe(true);
  }
});
