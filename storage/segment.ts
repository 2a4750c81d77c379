/**
 * A segment file: what its name and its first 4 KiB say.
 *
 *   segment := header block 4096 bytes | commit group* | anything that is not a group of this segment
 *
 *   header  := magic           8   "TWSEGMNT"
 *              crc             u32 CRC-32 of bytes 12..4096
 *              format version  u32 1
 *              origin          u8, 7 zero bytes
 *              incarnation     8
 *              number          u64 1, 2, 3... within the incarnation; 0 = a copy that began in the middle
 *              nonce           8   random for every use of a file
 *              first sequence  u64 of the segment's first record
 *              version mark    u64 no version above it had been stamped when the segment began
 *              opening version u64 version of the incarnation's opening record
 *              previous hash   16  rolling hash before the first record
 *              parent          32  incarnation 8, sequence u64, hash 16; zeros for none
 *              predecessor     24  incarnation 8, number u64, last sequence u64; zeros for none
 *              zeros to byte 4096
 *
 * Files are recycled: their blocks are allocated and have been written before, so that an overwrite with O_DSYNC is one
 * device write without metadata. So the file is always full of old bytes, and everything here exists to keep them apart from ours:
 * groups are seeded with origin, incarnation, number and nonce (commit-group.ts).
 *
 * A file takes its segment name only after its header is on stable storage. A half-made segment is therefore a spare file,
 * never a segment with a bad header; a bad header is corruption.
 *
 * The predecessor is evidence: the segment this journal wrote before this one, and the last sequence in it that was on stable
 * storage when this header was written. If recovery finds less there, bytes were lost that no crash may take.
 */

import { crc32 } from 'node:zlib';

import { readUint32, readUint64, writeUint32, writeUint64 } from './little-endian.js';
import type { IncarnationId, NodeId, Position, RollingHash } from './position.js';
import { readIncarnation, readParent, writeIncarnation, writeParent } from './record-bodies.js';
import { readHash, writeHash } from './rolling-hash.js';

/** Frozen: written to disk. */
export const SEGMENT_FORMAT_VERSION = 1;

/** Groups begin here: the header never shares a page with them. */
export const SEGMENT_HEADER_BYTES = 4096;

const MAGIC = Buffer.from('TWSEGMNT', 'latin1');
const CRC_AT = 8;
const COVERED_FROM = 12;
const NO_INCARNATION: IncarnationId = '0'.repeat(16);

export interface SegmentHeader {
  readonly origin: NodeId;
  readonly incarnation: IncarnationId;
  readonly number: number;
  /** 8 random bytes as 16 hex digits. */
  readonly nonce: string;
  readonly firstSequence: number;
  readonly versionMark: number;
  readonly openingVersion: number;
  readonly previousHash: RollingHash;
  readonly parent: Position | null;
  readonly predecessor: SegmentEnd | null;
}

/** Everything up to `lastSequence` of that segment was on stable storage. */
export interface SegmentEnd {
  readonly incarnation: IncarnationId;
  readonly number: number;
  readonly lastSequence: number;
}

/** The whole header block. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const block = new Uint8Array(SEGMENT_HEADER_BYTES);
  block.set(MAGIC, 0);
  writeUint32(block, 12, SEGMENT_FORMAT_VERSION);
  block[16] = header.origin;
  writeIncarnation(block, 24, header.incarnation);
  writeUint64(block, 32, header.number);
  writeIncarnation(block, 40, header.nonce);
  writeUint64(block, 48, header.firstSequence);
  writeUint64(block, 56, header.versionMark);
  writeUint64(block, 64, header.openingVersion);
  writeHash(block, 72, header.previousHash);
  writeParent(block, 88, header.parent);
  writeIncarnation(block, 120, header.predecessor?.incarnation ?? NO_INCARNATION);
  writeUint64(block, 128, header.predecessor?.number ?? 0);
  writeUint64(block, 136, header.predecessor?.lastSequence ?? 0);
  writeUint32(block, CRC_AT, crc32(block.subarray(COVERED_FROM, SEGMENT_HEADER_BYTES)));
  return block;
}

export type SegmentHeaderFault =
  | { readonly fault: 'damaged'; readonly detail: string }
  | { readonly fault: 'format'; readonly formatVersion: number };

export function isHeaderFault(
  outcome: SegmentHeader | SegmentHeaderFault,
): outcome is SegmentHeaderFault {
  return 'fault' in outcome;
}

/** The header in `block`, or why it is none. */
export function decodeSegmentHeader(block: Uint8Array): SegmentHeader | SegmentHeaderFault {
  const damaged = (detail: string): SegmentHeaderFault => ({ fault: 'damaged', detail });
  if (block.length < SEGMENT_HEADER_BYTES) return damaged('the file is shorter than its header');
  if (MAGIC.compare(block, 0, MAGIC.length) !== 0) return damaged('the header magic is wrong');
  if (readUint32(block, CRC_AT) !== crc32(block.subarray(COVERED_FROM, SEGMENT_HEADER_BYTES))) {
    return damaged('the header CRC is wrong');
  }
  const formatVersion = readUint32(block, 12);
  if (formatVersion !== SEGMENT_FORMAT_VERSION) return { fault: 'format', formatVersion };
  const origin = block[16] as number;
  const parent = readParent(block, 88);
  const number = readUint64(block, 32);
  const firstSequence = readUint64(block, 48);
  const versionMark = readUint64(block, 56);
  const openingVersion = readUint64(block, 64);
  const predecessor = readPredecessor(block);
  const numbers = [number, firstSequence, versionMark, openingVersion];
  if (parent === undefined || predecessor === undefined || numbers.some(Number.isNaN)) {
    return damaged('a number in the header is not a safe integer');
  }
  if (origin < 1 || origin > 7 || firstSequence < 1) {
    return damaged('origin or first sequence is out of range');
  }
  return {
    origin,
    incarnation: readIncarnation(block, 24),
    number,
    nonce: readIncarnation(block, 40),
    firstSequence,
    versionMark,
    openingVersion,
    previousHash: readHash(block, 72),
    parent,
    predecessor,
  };
}

function readPredecessor(block: Uint8Array): SegmentEnd | null | undefined {
  const incarnation = readIncarnation(block, 120);
  const number = readUint64(block, 128);
  const lastSequence = readUint64(block, 136);
  if (Number.isNaN(number) || Number.isNaN(lastSequence)) return undefined;
  return incarnation === NO_INCARNATION ? null : { incarnation, number, lastSequence };
}

const NUMBER_DIGITS = 16;
const SEGMENT_NAME = /^([0-9a-f]{16})-(\d{16})\.segment$/;
const SPARE_NAME = /^spare-(\d+)\.free$/;

/** File name of a segment: sorts by number within its incarnation. */
export function segmentFileName(incarnation: IncarnationId, number: number): string {
  return `${incarnation}-${String(number).padStart(NUMBER_DIGITS, '0')}.segment`;
}

export function parseSegmentFileName(
  name: string,
): { readonly incarnation: IncarnationId; readonly number: number } | null {
  const match = SEGMENT_NAME.exec(name);
  return match === null ? null : { incarnation: match[1] as string, number: Number(match[2]) };
}

export function spareFileName(ordinal: number): string {
  return `spare-${ordinal}.free`;
}

/** The ordinal of a spare file, or null when the name is another's. */
export function parseSpareFileName(name: string): number | null {
  const match = SPARE_NAME.exec(name);
  return match === null ? null : Number(match[1]);
}
