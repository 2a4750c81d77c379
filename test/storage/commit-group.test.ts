/** Commit groups: the bytes of format v1, and that no damage and no other segment passes for a group. */

import fc from 'fast-check';
import {
  GROUP_HEADER_BYTES,
  GroupKind,
  SEAL_BYTES,
  contentFaultOf,
  decodeGroupHeader,
  decodeSeal,
  encodeGroupHeader,
  encodeSeal,
  groupBytesOf,
  groupSeedOf,
  hasGroupMagic,
  recordsCrcOf,
  sealCrcOf,
  type GroupHeader,
  type GroupSeed,
} from '../../storage/commit-group.js';
import { RecordKind, encodeRecord } from '../../storage/record.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';

const SEGMENT = {
  origin: 1,
  incarnation: 'a1b2c3d4e5f60718',
  number: 3,
  nonce: '0f1e2d3c4b5a6978',
} as const;
const SEED = groupSeedOf(SEGMENT);

const RECORDS = [
  encodeRecord(RecordKind.write, 11, 1001, [Buffer.from('rows')]),
  encodeRecord(RecordKind.ddl, 12, 1009, [Buffer.from('create')]),
];
const CONTENT = Buffer.concat(RECORDS);

function headerOf(seed: GroupSeed, change: Partial<GroupHeader> = {}): GroupHeader {
  const prefixes = Buffer.concat(RECORDS.map((record) => record.subarray(0, 8)));
  return {
    kind: GroupKind.records,
    contentCrc: recordsCrcOf(seed, prefixes),
    recordCount: RECORDS.length,
    contentBytes: CONTENT.length,
    firstSequence: 11,
    durableBefore: 10,
    offsetBytes: 8192,
    ...change,
  };
}

describe('format v1', () => {
  test('a group of two records', () => {
    const stored = readHexFixture('storage/testdata/v1/commit-group.hex');
    expect(stored.length).toBe(512);
    const header = decodeGroupHeader(SEED, stored, 0);
    expect(header).toEqual(headerOf(SEED));
    const content = stored.subarray(GROUP_HEADER_BYTES, GROUP_HEADER_BYTES + CONTENT.length);
    expect(contentFaultOf(SEED, header!, content)).toBeNull();
    expect(hexOfBytes(content)).toBe(hexOfBytes(CONTENT));
    expect(hexOfBytes(encodeGroupHeader(SEED, headerOf(SEED)))).toBe(
      hexOfBytes(stored.subarray(0, GROUP_HEADER_BYTES)),
    );
  });

  test('a seal', () => {
    const stored = readHexFixture('storage/testdata/v1/commit-group-seal.hex');
    const seal = { number: 3, firstSequence: 11, lastSequence: 12, digest: 'ab'.repeat(32) };
    const header = decodeGroupHeader(SEED, stored, 0)!;
    const content = stored.subarray(GROUP_HEADER_BYTES, GROUP_HEADER_BYTES + SEAL_BYTES);
    expect(header).toMatchObject({ kind: GroupKind.seal, firstSequence: 13, durableBefore: 12 });
    expect(contentFaultOf(SEED, header, content)).toBeNull();
    expect(decodeSeal(content)).toEqual(seal);
    expect(hexOfBytes(encodeSeal(seal))).toBe(hexOfBytes(content));
    expect(header.contentCrc).toBe(sealCrcOf(SEED, content));
  });

  test('the seed of a segment', () => {
    expect({ magic: hexOfBytes(SEED.magic), crcStart: SEED.crcStart }).toEqual({
      magic: 'df4f26996dc54b6d',
      crcStart: 2102071975,
    });
  });
});

test.each([
  [1, 512],
  [448, 512],
  [449, 1024],
  [960, 1024],
  [961, 1536],
])('content of %d bytes takes %d in the file', (contentBytes, expected) => {
  expect(groupBytesOf(contentBytes)).toBe(expected);
});

describe('a group is one segment’s own', () => {
  const bytes = encodeGroupHeader(SEED, headerOf(SEED));
  test.each([
    ['origin', { ...SEGMENT, origin: 2 }],
    ['incarnation', { ...SEGMENT, incarnation: 'a1b2c3d4e5f60719' }],
    ['number', { ...SEGMENT, number: 4 }],
    ['use of the file', { ...SEGMENT, nonce: '0f1e2d3c4b5a6979' }],
  ])('another %s does not see it', (_, other) => {
    const seed = groupSeedOf(other);
    expect(hasGroupMagic(seed, bytes, 0)).toBe(false);
    expect(decodeGroupHeader(seed, bytes, 0)).toBeNull();
    // Even with the magic in place the CRCs are started elsewhere.
    const forged = Buffer.from(bytes);
    forged.set(seed.magic, 0);
    expect(decodeGroupHeader(seed, forged, 0)).toBeNull();
    expect(contentFaultOf(seed, headerOf(SEED), CONTENT)).not.toBeNull();
  });
});

test('every flipped bit of a header or of the records’ prefixes is noticed', () => {
  const group = Buffer.concat([encodeGroupHeader(SEED, headerOf(SEED)), CONTENT]);
  const prefixes = [0, RECORDS[0]!.length].flatMap((start) =>
    Array.from({ length: 8 }, (_, byte) => GROUP_HEADER_BYTES + start + byte),
  );
  const watched = [...Array.from({ length: GROUP_HEADER_BYTES }, (_, byte) => byte), ...prefixes];
  for (const byte of watched) {
    for (let bit = 0; bit < 8; bit += 1) {
      const damaged = Buffer.from(group);
      damaged[byte]! ^= 1 << bit;
      const header = decodeGroupHeader(SEED, damaged, 0);
      const isBad =
        header === null ||
        contentFaultOf(SEED, header, damaged.subarray(GROUP_HEADER_BYTES)) !== null;
      expect({ byte, bit, isBad }).toEqual({ byte, bit, isBad: true });
    }
  }
});

describe('content that contradicts a valid header', () => {
  test.each([
    ['fewer records', { recordCount: 1 }],
    ['more records', { recordCount: 3 }],
    ['no records', { recordCount: 0 }],
    ['more records than can be', { recordCount: 0xffffffff }],
    ['another CRC', { contentCrc: 1 }],
    ['a seal where records are', { kind: GroupKind.seal }],
  ])('%s', (_, change) => {
    expect(contentFaultOf(SEED, headerOf(SEED, change), CONTENT)).not.toBeNull();
  });

  test('a cut', () => {
    for (let length = 0; length < CONTENT.length; length += 1) {
      expect(contentFaultOf(SEED, headerOf(SEED), CONTENT.subarray(0, length))).not.toBeNull();
    }
  });
});

test('a header comes back as it was', () => {
  const count = fc.integer({ min: 0, max: 0xffffffff });
  const sequence = fc.maxSafeNat();
  const headers = fc.record({
    kind: fc.constantFrom(GroupKind.records, GroupKind.seal),
    contentCrc: count,
    recordCount: count,
    contentBytes: count,
    firstSequence: sequence.filter((value) => value > 0),
    durableBefore: sequence,
    offsetBytes: sequence,
  });
  fc.assert(
    fc.property(headers, fc.nat(30), (header, before) => {
      const bytes = Buffer.concat([Buffer.alloc(before), encodeGroupHeader(SEED, header)]);
      expect(decodeGroupHeader(SEED, bytes, before)).toEqual(header);
    }),
  );
});

test.each([[null], ['0123456789abcdef'.repeat(4)]])(
  'a seal with digest %s comes back',
  (digest) => {
    const seal = { number: 0, firstSequence: 7, lastSequence: 2 ** 50, digest };
    expect(decodeSeal(encodeSeal(seal))).toEqual(seal);
  },
);
