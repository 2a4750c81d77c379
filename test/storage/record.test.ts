/** Records: the bytes of format v1, round trips, and that no damaged or forged header passes. */

import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { ZERO_HASH } from '../../storage/position.js';
import {
  RecordKind,
  encodeRecord,
  isGatedKind,
  isRecordFault,
  parseRecord,
  type RecordView,
} from '../../storage/record.js';
import {
  decodeAbortBody,
  decodeCommitBody,
  decodeOpeningBody,
  decodePartPrefix,
  encodeAbortBody,
  encodeCommitBody,
  encodeOpeningBody,
  encodePartPrefix,
} from '../../storage/record-bodies.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';

const MAX_BYTES = 1 << 20;
const PARENT = {
  incarnation: '00112233445566ff',
  sequence: 41,
  hash: '000102030405060708090a0b0c0d0e0f',
};

function parsed(bytes: Uint8Array): RecordView {
  const record = parseRecord(bytes, 0, MAX_BYTES);
  if (isRecordFault(record)) throw new Error(record.detail);
  return record;
}

describe('format v1', () => {
  test('kind numbers are frozen', () => {
    expect(RecordKind).toEqual({
      opening: 1,
      schema: 2,
      write: 3,
      part: 4,
      commit: 5,
      abort: 6,
      ddl: 7,
      expiry: 8,
    });
  });

  const fixtures: readonly {
    name: string;
    kind: RecordKind;
    sequence: number;
    version: number;
    body: Uint8Array;
  }[] = [
    {
      name: 'opening',
      kind: RecordKind.opening,
      sequence: 1,
      version: 3616718400000001,
      body: encodeOpeningBody({ incarnation: 'a1b2c3d4e5f60718', origin: 2, parent: PARENT }),
    },
    {
      name: 'opening-first',
      kind: RecordKind.opening,
      sequence: 1,
      version: 9,
      body: encodeOpeningBody({ incarnation: 'a1b2c3d4e5f60718', origin: 1, parent: null }),
    },
    {
      name: 'write',
      kind: RecordKind.write,
      sequence: 4294967301,
      version: 9007199254740991,
      body: Buffer.from('rows', 'latin1'),
    },
    {
      name: 'part',
      kind: RecordKind.part,
      sequence: 8,
      version: 17,
      body: Buffer.concat([encodePartPrefix(7), Buffer.from('rows', 'latin1')]),
    },
    {
      name: 'commit',
      kind: RecordKind.commit,
      sequence: 9,
      version: 25,
      body: encodeCommitBody({ firstPart: 7, partCount: 2 }),
    },
    { name: 'abort', kind: RecordKind.abort, sequence: 10, version: 33, body: encodeAbortBody(7) },
    {
      name: 'schema-empty',
      kind: RecordKind.schema,
      sequence: 2,
      version: 0,
      body: new Uint8Array(0),
    },
  ];

  test.each(fixtures)('$name: the stored bytes decode and are encoded again', (fixture) => {
    const { kind, sequence, version, body } = fixture;
    const stored = readHexFixture(`storage/testdata/v1/record-${fixture.name}.hex`);
    expect(hexOfBytes(encodeRecord(kind, sequence, version, [body]))).toBe(hexOfBytes(stored));
    const record = parsed(stored);
    expect({ ...record, bytes: hexOfBytes(record.bytes), body: hexOfBytes(record.body) }).toEqual({
      kind,
      sequence,
      version,
      bytes: hexOfBytes(stored),
      body: hexOfBytes(body),
    });
  });

  test('opening bodies of the fixtures say where the incarnation comes from', () => {
    const bodyOf = (name: string): Uint8Array =>
      parsed(readHexFixture(`storage/testdata/v1/record-${name}.hex`)).body;
    expect(decodeOpeningBody(bodyOf('opening'))).toEqual({
      incarnation: 'a1b2c3d4e5f60718',
      origin: 2,
      parent: PARENT,
    });
    expect(decodeOpeningBody(bodyOf('opening-first'))).toEqual({
      incarnation: 'a1b2c3d4e5f60718',
      origin: 1,
      parent: null,
    });
    expect(decodePartPrefix(bodyOf('part'))).toBe(7);
    expect(decodeCommitBody(bodyOf('commit'))).toEqual({ firstPart: 7, partCount: 2 });
    expect(decodeAbortBody(bodyOf('abort'))).toBe(7);
  });
});

const kinds = fc.constantFrom(...Object.values(RecordKind));
const sequences = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const versions = fc.maxSafeNat();

test('a record comes back as it was, whatever stands around it', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 });
  const around = fc.uint8Array({ maxLength: 20 });
  fc.assert(
    fc.property(
      kinds,
      sequences,
      versions,
      parts,
      around,
      around,
      (kind, sequence, version, body, before, after) => {
        const bytes = encodeRecord(kind, sequence, version, body);
        const record = parseRecord(Buffer.concat([before, bytes, after]), before.length, MAX_BYTES);
        if (isRecordFault(record)) throw new Error(record.detail);
        expect([record.kind, record.sequence, record.version]).toEqual([kind, sequence, version]);
        expect(hexOfBytes(record.bytes)).toBe(hexOfBytes(bytes));
        expect(hexOfBytes(record.body)).toBe(hexOfBytes(Buffer.concat(body)));
      },
    ),
  );
});

test('every flipped bit is a fault, in the length field too', () => {
  const bytes = encodeRecord(RecordKind.write, 7, 99, [Buffer.from('some rows of a table')]);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const damaged = bytes.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    expect(parseRecord(damaged, 0, MAX_BYTES)).toHaveProperty('fault');
  }
});

test('every cut is a fault', () => {
  const bytes = encodeRecord(RecordKind.ddl, 7, 99, [Buffer.from('create something')]);
  for (let length = 0; length < bytes.length; length += 1) {
    expect(parseRecord(bytes.subarray(0, length), 0, MAX_BYTES)).toMatchObject({ fault: 'short' });
  }
});

describe('what a header may not say, under a right CRC', () => {
  const good = encodeRecord(RecordKind.write, 7, 99, [Buffer.from('rows')]);
  const forged = (at: number, value: number): Uint8Array => {
    const bytes = good.slice();
    bytes[at] = value;
    new DataView(bytes.buffer).setUint32(4, crc32(bytes.subarray(8)), true);
    return bytes;
  };
  test.each([
    ['kind 0', 8, 0, 'kind'],
    ['kind 9', 8, 9, 'kind'],
    ['flags', 9, 1, 'reserved'],
    ['reserved', 11, 1, 'reserved'],
    ['a sequence of 2^56', 19, 1, 'sequence'],
    ['a version of 2^56', 27, 1, 'version'],
  ])('%s', (_, at, value, fault) => {
    expect(parseRecord(forged(at, value), 0, MAX_BYTES)).toMatchObject({ fault });
  });

  test('sequence 0', () => {
    expect(parseRecord(encodeRecord(RecordKind.write, 0, 9, []), 0, MAX_BYTES)).toMatchObject({
      fault: 'sequence',
    });
  });
});

test.each([
  ['below a header', 27, 'length'],
  ['above the limit', MAX_BYTES + 1, 'length'],
  ['absurd', 0xffffffff, 'length'],
  ['beyond the bytes at hand', MAX_BYTES, 'short'],
])('a length that is %s is refused before anything is read', (_, length, fault) => {
  const bytes = encodeRecord(RecordKind.write, 1, 1, []);
  new DataView(bytes.buffer).setUint32(0, length, true);
  expect(parseRecord(bytes, 0, MAX_BYTES)).toMatchObject({ fault });
});

test('the gate holds writes, parts, commits and DDL, and nothing else', () => {
  const gated = Object.entries(RecordKind).filter(([, kind]) => isGatedKind(kind));
  expect(gated.map(([name]) => name)).toEqual(['write', 'part', 'commit', 'ddl']);
});

describe('bodies', () => {
  test('an opening body comes back as it was', () => {
    const id = fc
      .uint8Array({ minLength: 8, maxLength: 8 })
      .map(hexOfBytes)
      .filter((hex) => hex !== '0'.repeat(16));
    const hash = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(hexOfBytes);
    const parent = fc.option(fc.record({ incarnation: id, sequence: sequences, hash }));
    const opening = fc.record({ incarnation: id, origin: fc.integer({ min: 1, max: 7 }), parent });
    fc.assert(
      fc.property(opening, (value) => {
        expect(decodeOpeningBody(encodeOpeningBody(value))).toEqual(value);
      }),
    );
  });

  test.each([
    ['an opening body of another length', decodeOpeningBody(new Uint8Array(40))],
    ['an opening body of origin 0', decodeOpeningBody(new Uint8Array(41))],
    ['a part body without its prefix', decodePartPrefix(new Uint8Array(7))],
    ['a commit body of another length', decodeCommitBody(new Uint8Array(13))],
    ['a commit of no parts', decodeCommitBody(new Uint8Array(12))],
    ['an abort body of another length', decodeAbortBody(new Uint8Array(9))],
    ['a part that names an unsafe integer', decodePartPrefix(new Uint8Array(8).fill(255))],
  ])('%s is none', (_, decoded) => {
    expect(decoded).toBeNull();
  });

  test('an opening body whose parent is half there is none', () => {
    const body = encodeOpeningBody({
      incarnation: 'a1b2c3d4e5f60718',
      origin: 1,
      parent: { incarnation: '0'.repeat(16), sequence: 3, hash: ZERO_HASH },
    });
    expect(decodeOpeningBody(body)).toBeNull();
  });
});
