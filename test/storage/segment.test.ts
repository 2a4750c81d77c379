/** Segment headers and file names: the bytes of format v1, round trips, and that no flipped bit passes. */

import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import {
  SEGMENT_HEADER_BYTES,
  decodeSegmentHeader,
  encodeSegmentHeader,
  parseSegmentFileName,
  parseSpareFileName,
  segmentFileName,
  spareFileName,
  type SegmentHeader,
} from '../../storage/segment.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';

const HEADER: SegmentHeader = {
  origin: 1,
  incarnation: 'a1b2c3d4e5f60718',
  number: 3,
  nonce: '0f1e2d3c4b5a6978',
  firstSequence: 11,
  versionMark: 3616718420480000,
  openingVersion: 3616718400000001,
  previousHash: '000102030405060708090a0b0c0d0e0f',
  parent: {
    incarnation: '00112233445566ff',
    sequence: 41,
    hash: 'f0e0d0c0b0a090807060504030201000',
  },
  predecessor: { incarnation: 'a1b2c3d4e5f60718', number: 2, lastSequence: 10 },
};

test('format v1: the stored header decodes and is encoded again', () => {
  const stored = readHexFixture('storage/testdata/v1/segment-header.hex');
  expect(stored.length).toBe(256);
  const block = Buffer.concat([stored, Buffer.alloc(SEGMENT_HEADER_BYTES - stored.length)]);
  expect(decodeSegmentHeader(block)).toEqual(HEADER);
  expect(hexOfBytes(encodeSegmentHeader(HEADER))).toBe(hexOfBytes(block));
});

test('a header comes back as it was', () => {
  const id = fc
    .uint8Array({ minLength: 8, maxLength: 8 })
    .map(hexOfBytes)
    .filter((hex) => hex !== '0'.repeat(16));
  const hash = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(hexOfBytes);
  const number = fc.maxSafeNat();
  const headers: fc.Arbitrary<SegmentHeader> = fc.record({
    origin: fc.integer({ min: 1, max: 7 }),
    incarnation: id,
    number,
    nonce: id,
    firstSequence: number.filter((value) => value > 0),
    versionMark: number,
    openingVersion: number,
    previousHash: hash,
    parent: fc.option(fc.record({ incarnation: id, sequence: number, hash })),
    predecessor: fc.option(fc.record({ incarnation: id, number, lastSequence: number })),
  });
  fc.assert(
    fc.property(headers, (header) => {
      expect(decodeSegmentHeader(encodeSegmentHeader(header))).toEqual(header);
    }),
  );
});

test('every flipped bit is damage', () => {
  const block = encodeSegmentHeader(HEADER);
  for (let bit = 0; bit < SEGMENT_HEADER_BYTES * 8; bit += 7) {
    const damaged = block.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodeSegmentHeader(damaged)).toHaveProperty('fault', 'damaged');
  }
});

test.each([[0], [255], [SEGMENT_HEADER_BYTES - 1]])(
  'a file of %d bytes has no header',
  (length) => {
    const block = encodeSegmentHeader(HEADER).subarray(0, length);
    expect(decodeSegmentHeader(block)).toHaveProperty('fault', 'damaged');
  },
);

test('a header of another format version says which', () => {
  const block = encodeSegmentHeader(HEADER);
  const view = new DataView(block.buffer);
  view.setUint32(12, 2, true);
  view.setUint32(8, crc32(block.subarray(12)), true);
  expect(decodeSegmentHeader(block)).toEqual({ fault: 'format', formatVersion: 2 });
});

describe('file names', () => {
  test('a segment is named by incarnation and number, and sorts by number', () => {
    const name = segmentFileName('a1b2c3d4e5f60718', 12);
    expect(name).toBe('a1b2c3d4e5f60718-0000000000000012.segment');
    expect(parseSegmentFileName(name)).toEqual({ incarnation: 'a1b2c3d4e5f60718', number: 12 });
    expect(segmentFileName('a1b2c3d4e5f60718', 9) < name).toBe(true);
  });

  test('a spare has an ordinal', () => {
    expect(parseSpareFileName(spareFileName(7))).toBe(7);
  });

  test.each([['a1b2c3d4e5f60718-12.segment'], ['spare-7.free'], ['spare-.free'], ['LOCK'], ['']])(
    '%s is no segment',
    (name) => {
      expect(parseSegmentFileName(name)).toBeNull();
    },
  );

  test.each([['spare-.free'], ['spare-x.free'], ['a1b2c3d4e5f60718-0000000000000012.segment']])(
    '%s is no spare',
    (name) => {
      expect(parseSpareFileName(name)).toBeNull();
    },
  );
});
