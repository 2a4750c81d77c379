/**
 * The body of write and part records: sections, each of one table.
 *
 *   body    := u16 sections, section*
 *   section := u8 kind, u32 length, owner, payload           the length counts what follows it
 *   kind       rows 1, key deletes 2: owner = 8 bytes schema id, payload = rows-section.ts
 *              range tombstone 3:     owner = u64 table id,  payload = range-tombstone.ts
 *
 * Sections take effect in order; 'later row wins' runs through all of them.
 */

import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { copyWithRoom, ROOMY_BYTES_MIN } from './record-room.js';
import { encodeTombstone, type RangeTombstone } from './range-tombstone.js';
import {
  encodeRowsPayload,
  type RowsKind,
  type SectionRows,
  type SectionShape,
} from './rows-section.js';
import type { SchemaId, TableId } from './table-schema.js';
import type { UnjoinedBytes } from './unjoined-bytes.js';

export { decodeSchemaBody, encodeSchemaBody, schemaIdOf } from './schema-body.js';
export type { RangeTombstone } from './range-tombstone.js';

/** Frozen: written to disk and wire. */
export const SectionKind = { rows: 1, keyDeletes: 2, rangeTombstone: 3 } as const;

const SECTIONS_MAX = 0xffff;
const OWNER_BYTES = 8;
/** Kind and length. */
const HEADER_BYTES = 5;

/** A section found in a body; `reader` stands at its payload. */
export type Section =
  | { readonly kind: RowsKind; readonly schemaId: SchemaId; readonly reader: ByteReader }
  | { readonly kind: 'range-tombstone'; readonly tableId: TableId; readonly reader: ByteReader };

// Sections are built in one synchronous step and copied out, so one buffer serves all.
let current = new ByteWriter(4096);
/** A buffer that one huge section blew up is not kept. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

/** Parts for `encodeRecord`: the count and the sections as they are. */
export function encodeWriteBody(sections: readonly Uint8Array[]): Uint8Array[] {
  if (sections.length > SECTIONS_MAX) {
    throw new RangeError(`a record holds at most ${SECTIONS_MAX} sections`);
  }
  if (sections.length === 1) return [ONE_SECTION, sections[0]!];
  return [Uint8Array.of(sections.length, sections.length >>> 8), ...sections];
}

const ONE_SECTION = Uint8Array.of(1, 0);

// A writer stays with its table: the id written last and the one read last are remembered in both forms.
const written = { id: '', bytes: new Uint8Array(OWNER_BYTES) };
const read = { id: '', bytes: new Uint8Array(OWNER_BYTES) };

function writeSchemaId(id: SchemaId): void {
  if (id !== written.id) {
    written.bytes.set(Buffer.from(id, 'hex'));
    written.id = id;
  }
  current.copy(written.bytes, 0, OWNER_BYTES);
}

function readSchemaId(reader: ByteReader): SchemaId {
  const at = reader.skip(OWNER_BYTES);
  const { bytes } = reader;
  let isKnown = read.id !== '';
  for (let index = 0; isKnown && index < OWNER_BYTES; index++) {
    isKnown = bytes[at + index] === read.bytes[index];
  }
  if (!isKnown) {
    read.bytes.set(bytes.subarray(at, at + OWNER_BYTES));
    read.id = Buffer.from(read.bytes).toString('hex');
  }
  return read.id;
}

export function encodeRowsSection(
  schemaId: SchemaId,
  shape: SectionShape,
  rows: SectionRows,
): Uint8Array {
  begin(shape.kind === 'rows' ? SectionKind.rows : SectionKind.keyDeletes);
  writeSchemaId(schemaId);
  encodeRowsPayload(current, shape, rows, false);
  return finish();
}

/** The same, with long values where they are: they must not change until the section is put together. */
export function unjoinedRowsSection(
  schemaId: SchemaId,
  shape: SectionShape,
  rows: SectionRows,
): UnjoinedBytes {
  begin(SectionKind.rows);
  writeSchemaId(schemaId);
  encodeRowsPayload(current, shape, rows, true);
  current.putUint32(1, current.totalBytes - HEADER_BYTES);
  const section = current.takeUnjoined();
  current.clear();
  return section;
}

export function rangeTombstoneSection(tombstone: RangeTombstone): Uint8Array {
  begin(SectionKind.rangeTombstone);
  current.uint64(tombstone.tableId);
  encodeTombstone(current, tombstone);
  return finish();
}

/** Stands at the payload of a section that carries rows by value. */
export function payloadReader(section: Uint8Array): ByteReader {
  return new ByteReader(section, HEADER_BYTES + OWNER_BYTES);
}

/** The sections from `offset` to the end of `body`. Throws DamagedBytesError. */
export function sectionsOf(body: Uint8Array, offset: number): readonly Section[] {
  const outer = new ByteReader(body, offset);
  const count = outer.uint16();
  const sections: Section[] = [];
  for (let index = 0; index < count; index++) {
    const kind = outer.uint8();
    const length = outer.uint32();
    const start = outer.skip(length);
    const reader = new ByteReader(body, start, start + length);
    switch (kind) {
      case SectionKind.rows:
        sections.push({ kind: 'rows', schemaId: readSchemaId(reader), reader });
        break;
      case SectionKind.keyDeletes:
        sections.push({ kind: 'key-deletes', schemaId: readSchemaId(reader), reader });
        break;
      case SectionKind.rangeTombstone:
        sections.push({ kind: 'range-tombstone', tableId: reader.uint64(), reader });
        break;
      default:
        throw new DamagedBytesError(`section kind ${kind} is unknown`);
    }
  }
  outer.expectEnd();
  return sections;
}

/** Rows of all sections, by a look at their heads, and each section counts as one at least; `enough` or more are not counted on. */
export function countRows(body: Uint8Array, enough: number): number {
  const sections = body[0]! | (body[1]! << 8);
  let rows = 0;
  let at = 2;
  for (let index = 0; index < sections && rows < enough && at < body.length; index++) {
    const hasRows = body[at] !== SectionKind.rangeTombstone;
    rows += hasRows ? Math.max(1, varintAt(body, at + HEADER_BYTES + OWNER_BYTES)) : 1;
    at += HEADER_BYTES + uint32At(body, at + 1);
  }
  return rows;
}

/** 0 where the body is too short: whoever applies it finds that out. */
function varintAt(body: Uint8Array, offset: number): number {
  let value = 0;
  let scale = 1;
  for (let at = offset; at < body.length; at++) {
    value += (body[at]! & 0x7f) * scale;
    if (body[at]! < 0x80) return value;
    scale *= 0x80;
  }
  return 0;
}

function uint32At(body: Uint8Array, offset: number): number {
  let value = 0;
  for (let byte = 3; byte >= 0; byte--) value = value * 256 + (body[offset + byte] ?? 0);
  return value;
}

function begin(kind: number): void {
  current.clear();
  current.uint8(kind);
  current.uint32(0);
}

function finish(): Uint8Array {
  current.putUint32(1, current.length - HEADER_BYTES);
  const { bytes, length } = current;
  const section = length < ROOMY_BYTES_MIN ? current.take() : copyWithRoom(bytes, length);
  if (current.capacityBytes > KEPT_BYTES_MAX) current = new ByteWriter(4096);
  return section;
}
