/** The rolling hash: its definition, a known history of format v1, and that any difference in the past shows. */

import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { ZERO_HASH, type RollingHash } from '../../storage/position.js';
import {
  RecordKind,
  checkRecord,
  emptyHead,
  encodeRecord,
  isRecordFault,
  nextHash,
  parseRecord,
  type RecordView,
} from '../../storage/record.js';
import {
  digestTextOf,
  hashOfDigest,
  nextDigest,
  readHash,
  writeHash,
} from '../../storage/rolling-hash.js';

function recordOf(sequence: number, version: number, body: string): RecordView {
  const bytes = encodeRecord(RecordKind.write, sequence, version, [Buffer.from(body)]);
  const record = parseRecord(bytes, 0, bytes.length);
  if (isRecordFault(record)) throw new Error(record.detail);
  return record;
}

test('it is sha-256 over previous hash, version, sequence, length and CRC, cut to 128 bits', () => {
  const record = recordOf(5, 2 ** 40 + 3, 'rows');
  const previous = '00112233445566778899aabbccddeeff';
  const input = Buffer.alloc(40);
  input.write(previous, 'hex');
  input.writeBigUInt64LE(BigInt(record.version), 16);
  input.writeBigUInt64LE(5n, 24);
  input.writeUInt32LE(record.bytes.length, 32);
  Buffer.from(record.bytes).copy(input, 36, 4, 8);
  const expected = createHash('sha256').update(input).digest('hex').slice(0, 32);
  expect(nextHash(previous, record)).toBe(expected);
});

test('format v1: the hashes of a known history', () => {
  const hashes: RollingHash[] = [];
  let hash = ZERO_HASH;
  for (const [index, body] of ['first', 'second', ''].entries()) {
    hash = nextHash(hash, recordOf(index + 1, 8 * index + 1, body));
    hashes.push(hash);
  }
  expect(hashes).toEqual([
    '157ab3e6634ad2576da238d28b1853a8',
    '3d9cf6964671953e132470326c29243f',
    '6580ad395588ba80ae0e248b9922f6e1',
  ]);
});

test('any difference in the past changes it for ever', () => {
  const base = [recordOf(1, 9, 'a'), recordOf(2, 17, 'b'), recordOf(3, 25, 'c')];
  const others: readonly RecordView[] = [
    recordOf(1, 10, 'a'),
    recordOf(2, 9, 'a'),
    recordOf(1, 9, 'x'),
    recordOf(1, 9, 'aa'),
  ];
  const endOf = (records: readonly RecordView[]): RollingHash =>
    records.reduce(nextHash, ZERO_HASH);
  const ends = others.map((other) => endOf([other, ...base.slice(1)]));
  expect(new Set([endOf(base), ...ends]).size).toBe(others.length + 1);
});

test('kept as a digest from record to record it is the same', () => {
  const histories = fc.array(
    fc.record({ version: fc.maxSafeNat(), body: fc.string({ maxLength: 50 }) }),
  );
  fc.assert(
    fc.property(histories, (history) => {
      const head = emptyHead();
      let hash = ZERO_HASH;
      let digest = digestTextOf(ZERO_HASH);
      for (const [index, { version, body }] of history.entries()) {
        const record = recordOf(index + 1, version, body);
        hash = nextHash(hash, record);
        expect(checkRecord(record.bytes, 0, record.bytes.length, head)).toBeNull();
        digest = nextDigest(digest, head);
        expect(hashOfDigest(digest)).toBe(hash);
        expect(hashOfDigest(digestTextOf(hash))).toBe(hash);
      }
    }),
  );
});

test('a hash is written as 16 raw bytes and read back', () => {
  const bytes = new Uint8Array(20);
  writeHash(bytes, 2, '000102030405060708090a0b0c0d0eff');
  expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 0, 1]);
  expect(readHash(bytes, 2)).toBe('000102030405060708090a0b0c0d0eff');
});
