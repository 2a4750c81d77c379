/**
 * A commit group: what one journal write takes to disk.
 *
 *   group  := header 64 | records back to back, or a seal | zeros to the next multiple of 512
 *
 *   header := magic           8   first 8 bytes of the segment's seed
 *             header crc      u32 CRC-32 of bytes 12..64, started with the seed's CRC start
 *             content crc     u32 CRC-32 of every record's first 8 bytes (length, crc), or of the seal; started likewise
 *             kind            u8  1 records, 2 seal; 3 zero bytes
 *             record count    u32
 *             content bytes   u32
 *             reserved        u32 0
 *             first sequence  u64 of the first record; of a seal: the sequence behind the last record
 *             durable before  u64 highest sequence known to be on stable storage when the group was written
 *             offset          u64 of this header in its file
 *             reserved        u64 0
 *
 *   seal   := number u64 | first sequence u64 | last sequence u64 | has digest u8, 7 zero bytes | sha-256 over the record bytes, 32
 *
 *   seed   := sha-256("twintide group" | origin u8 | incarnation 8 | number u64 | nonce 8)
 *             bytes 0..8 are the magic, bytes 8..12 (little endian) the CRC start
 *
 * The framing is a node's own: the two nodes group the same records differently. The seed differs for every use of every file, so
 * the old groups of a recycled file never validate, and the magic may be searched for after damage. The offset catches a
 * group that was written in the wrong place.
 *
 * Groups begin on sector boundaries: a write never touches a sector that holds an older group, so a torn write can only
 * hurt its own group. Each write also puts zeros into the sector behind its group: the end of the journal is a zero sector, and
 * anything else there is a group that began and did not get whole. `durable before` tells a torn write from damage: a bad group with a later one that says
 * "all before me was durable" was whole once.
 *
 * A seal is the last group in its file for ever.
 */

import { hash as digestOf } from 'node:crypto';
import { crc32 } from 'node:zlib';

import { readUint32, readUint64, writeUint32, writeUint64 } from './little-endian.js';
import { RECORD_HEADER_BYTES, recordLengthAt } from './record.js';
import { INCARNATION_BYTES, writeIncarnation } from './record-bodies.js';
import type { SegmentHeader } from './segment.js';

export const GROUP_HEADER_BYTES = 64;

/** What a disk writes or does not write as a whole. Frozen: groups are aligned to it. */
export const SECTOR_BYTES = 512;

/** Content of a group of more than one record: bounds what one turn of the event loop has to check when it is read back. */
export const GROUP_CONTENT_BYTES_MAX = 1024 * 1024;

/** Frozen: written to disk. */
export const GroupKind = { records: 1, seal: 2 } as const;
export type GroupKind = (typeof GroupKind)[keyof typeof GroupKind];

export const SEAL_BYTES = 64;

/** On disk, a seal with its header and padding. */
export const SEAL_GROUP_BYTES = SECTOR_BYTES;

/** A record is entered in the content CRC by this prefix: its length and its CRC. */
export const RECORD_PREFIX_BYTES = 8;

const HEADER_CRC_AT = 8;
const COVERED_FROM = 12;

/** Prefixes on their way into a CRC, many at a time: a call costs more than eight bytes do. Reused, as checking is synchronous. */
const prefixes = new Uint8Array(64 * RECORD_PREFIX_BYTES);

export interface GroupSeed {
  /** 8 bytes. */
  readonly magic: Uint8Array;
  readonly crcStart: number;
}

export interface GroupHeader {
  readonly kind: GroupKind;
  readonly contentCrc: number;
  readonly recordCount: number;
  readonly contentBytes: number;
  readonly firstSequence: number;
  readonly durableBefore: number;
  readonly offsetBytes: number;
}

/** What a seal says about its segment. `digest` is 64 hex digits, or null where the node lacks the segment's beginning. */
export interface SealContent {
  /** The origin's number for the segment; equal to the header's, except in a copy that began in the middle. */
  readonly number: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly digest: string | null;
}

export function groupSeedOf(
  segment: Pick<SegmentHeader, 'origin' | 'incarnation' | 'number' | 'nonce'>,
): GroupSeed {
  const name = 'twintide group';
  const input = new Uint8Array(name.length + 1 + 2 * INCARNATION_BYTES + 8);
  input.set(Buffer.from(name, 'latin1'), 0);
  let at = name.length;
  input[at] = segment.origin;
  at += 1;
  writeIncarnation(input, at, segment.incarnation);
  at += INCARNATION_BYTES;
  writeUint64(input, at, segment.number);
  at += 8;
  writeIncarnation(input, at, segment.nonce);
  const seed = digestOf('sha256', input, 'buffer');
  return { magic: seed.subarray(0, 8), crcStart: readUint32(seed, 8) };
}

/** Bytes of a group in its file: header, content and padding. */
export function groupBytesOf(contentBytes: number): number {
  return Math.ceil((GROUP_HEADER_BYTES + contentBytes) / SECTOR_BYTES) * SECTOR_BYTES;
}

export function encodeGroupHeader(seed: GroupSeed, header: GroupHeader): Uint8Array {
  const bytes = new Uint8Array(GROUP_HEADER_BYTES);
  encodeGroupHeaderInto(bytes, seed, header);
  return bytes;
}

/** Writes the header to the first GROUP_HEADER_BYTES of `bytes`. */
export function encodeGroupHeaderInto(
  bytes: Uint8Array,
  seed: GroupSeed,
  header: GroupHeader,
): void {
  bytes.set(seed.magic, 0);
  writeUint32(bytes, 12, header.contentCrc);
  writeUint32(bytes, 16, header.kind);
  writeUint32(bytes, 20, header.recordCount);
  writeUint32(bytes, 24, header.contentBytes);
  writeUint32(bytes, 28, 0);
  writeUint64(bytes, 32, header.firstSequence);
  writeUint64(bytes, 40, header.durableBefore);
  writeUint64(bytes, 48, header.offsetBytes);
  writeUint64(bytes, 56, 0);
  const covered = bytes.subarray(COVERED_FROM, GROUP_HEADER_BYTES);
  writeUint32(bytes, HEADER_CRC_AT, crc32(covered, seed.crcStart));
}

/** True when the segment's magic stands at `offset`: a group began here, whatever became of it. */
export function hasGroupMagic(seed: GroupSeed, bytes: Uint8Array, offset: number): boolean {
  if (bytes.length - offset < seed.magic.length) return false;
  for (let index = 0; index < seed.magic.length; index += 1) {
    if (bytes[offset + index] !== seed.magic[index]) return false;
  }
  return true;
}

/** The group header at `offset`, or null when there is no valid one of this segment. Content is not looked at. */
export function decodeGroupHeader(
  seed: GroupSeed,
  bytes: Uint8Array,
  offset: number,
): GroupHeader | null {
  if (bytes.length - offset < GROUP_HEADER_BYTES || !hasGroupMagic(seed, bytes, offset))
    return null;
  const covered = bytes.subarray(offset + COVERED_FROM, offset + GROUP_HEADER_BYTES);
  if (readUint32(bytes, offset + HEADER_CRC_AT) !== crc32(covered, seed.crcStart)) return null;
  const kind = bytes[offset + 16] as number;
  if (kind !== GroupKind.records && kind !== GroupKind.seal) return null;
  const header = {
    kind,
    contentCrc: readUint32(bytes, offset + 12),
    recordCount: readUint32(bytes, offset + 20),
    contentBytes: readUint32(bytes, offset + 24),
    firstSequence: readUint64(bytes, offset + 32),
    durableBefore: readUint64(bytes, offset + 40),
    offsetBytes: readUint64(bytes, offset + 48),
  };
  const isWhole = header.firstSequence >= 1 && header.durableBefore >= 0 && header.offsetBytes >= 0;
  return isWhole ? header : null;
}

/** The content CRC of records: `prefixes` holds the first 8 bytes of every record, back to back. */
export function recordsCrcOf(seed: GroupSeed, prefixes: Uint8Array): number {
  return crc32(prefixes, seed.crcStart);
}

/**
 * Checks a group's content against its header by walking the record lengths: null, or what is wrong. The records' own CRCs
 * are left to parseRecord. `content` is exactly the header's content bytes.
 */
export function contentFaultOf(
  seed: GroupSeed,
  header: GroupHeader,
  content: Uint8Array,
): string | null {
  if (header.kind === GroupKind.seal) {
    if (header.recordCount !== 0 || content.length !== SEAL_BYTES)
      return 'the seal has a wrong size';
    return crc32(content, seed.crcStart) === header.contentCrc ? null : 'the seal CRC is wrong';
  }
  if (header.recordCount < 1 || header.recordCount > content.length / RECORD_HEADER_BYTES) {
    return `${header.recordCount} records cannot be in ${content.length} bytes`;
  }
  let offset = 0;
  let crc = seed.crcStart;
  let gathered = 0;
  for (let index = 0; index < header.recordCount; index += 1) {
    if (content.length - offset < RECORD_HEADER_BYTES) return 'a record runs past its group';
    const length = recordLengthAt(content, offset);
    if (length < RECORD_HEADER_BYTES || length > content.length - offset) {
      return `record ${header.firstSequence + index} has the wrong length ${length}`;
    }
    if (gathered === prefixes.length) {
      crc = crc32(prefixes, crc);
      gathered = 0;
    }
    for (let byte = 0; byte < RECORD_PREFIX_BYTES; byte += 1) {
      prefixes[gathered + byte] = content[offset + byte] as number;
    }
    gathered += RECORD_PREFIX_BYTES;
    offset += length;
  }
  crc = crc32(prefixes.subarray(0, gathered), crc);
  if (offset !== content.length) return 'bytes are left over behind the last record';
  return crc === header.contentCrc ? null : 'the CRC over lengths and CRCs is wrong';
}

export function encodeSeal(seal: SealContent): Uint8Array {
  const bytes = new Uint8Array(SEAL_BYTES);
  writeUint64(bytes, 0, seal.number);
  writeUint64(bytes, 8, seal.firstSequence);
  writeUint64(bytes, 16, seal.lastSequence);
  if (seal.digest !== null) {
    bytes[24] = 1;
    bytes.set(Buffer.from(seal.digest, 'hex'), 32);
  }
  return bytes;
}

/** Requires: content that contentFaultOf found good. */
export function decodeSeal(content: Uint8Array): SealContent {
  return {
    number: readUint64(content, 0),
    firstSequence: readUint64(content, 8),
    lastSequence: readUint64(content, 16),
    digest: content[24] === 1 ? Buffer.from(content.subarray(32, 64)).toString('hex') : null,
  };
}

/** CRC of a seal's bytes as its group header carries it. */
export function sealCrcOf(seed: GroupSeed, content: Uint8Array): number {
  return crc32(content, seed.crcStart);
}
