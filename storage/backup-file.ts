/**
 * A file of a backup: stored values as they stand in the block store, each under its own checksum, and a digest over the whole.
 *
 *   file   := magic "TWBACKUP" 8, u32 format 1, u32 zero, history 8, entry*, end
 *   entry  := u8 1, u8 key length, u32 value length, key, value          the value as stored: sealed, its CRC covers the key
 *   end    := u8 0, u32 entries, sha-256 of everything before it 32
 *
 * It is written under another name, synced, and then named: a file with its own name is whole. Equal values give equal files.
 */

import { createHash } from 'node:crypto';
import { CorruptionError } from './corruption-error.js';
import { readUint32, writeUint32 } from './little-endian.js';
import type { Disk, DiskFile } from './ports.js';
import { openValue } from './sealed-value.js';

/** Frozen: written to disk. */
const FORMAT = 1;
const MAGIC = Buffer.from('TWBACKUP', 'latin1');
const HEADER_BYTES = 24;
const HISTORY_AT = 16;
const ENTRY_HEAD_BYTES = 6;
const END_BYTES = 5;
const DIGEST_BYTES = 32;
const TAG_ENTRY = 1;
const TAG_END = 0;

const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = 1024 * 1024;
/** A damaged length must not take all memory. */
const VALUE_BYTES_MAX = 256 * 1024 * 1024;

export const PARTIAL_SUFFIX = '.partial';

export interface BackupFileEntry {
  readonly name: string;
  readonly bytes: number;
  readonly entries: number;
  /** 64 hex digits, over everything but the digest at the end. */
  readonly sha256: string;
}

export type StoredValue = readonly [key: Uint8Array, value: Uint8Array];

/** Goes on when the event loop had its turn. `units` as the Pacer counts them. */
export type Pace = (units: number) => Promise<void>;

/** What `writeBackupFile` would write, without writing it. */
export async function backupFileEntry(
  name: string,
  history: string,
  values: AsyncIterable<StoredValue>,
): Promise<BackupFileEntry> {
  const encoder = new Encoder(history);
  for await (const [key, value] of values) {
    encoder.add(key, value);
    encoder.take();
  }
  return encoder.end(name).entry;
}

/** Writes the file under its own name, on stable storage when it resolves (the folder's entry is the caller's to sync). */
export async function writeBackupFile(
  disk: Disk,
  folder: string,
  name: string,
  history: string,
  values: AsyncIterable<StoredValue>,
): Promise<BackupFileEntry> {
  const unfinished = `${folder}/${name}${PARTIAL_SUFFIX}`;
  const file = await disk.open(unfinished, { create: true });
  let entry: BackupFileEntry;
  try {
    // A part of an earlier attempt may be longer.
    await file.truncate(0);
    const encoder = new Encoder(history);
    let position = 0;
    const write = async (): Promise<void> => {
      const parts = encoder.take();
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      if (bytes > 0) await file.write(parts, position);
      position += bytes;
    };
    for await (const [key, value] of values) {
      encoder.add(key, value);
      if (encoder.waitingBytes >= WRITE_BYTES) await write();
    }
    const end = encoder.end(name);
    await write();
    await file.write([end.digest], position);
    await file.sync();
    entry = end.entry;
  } finally {
    await file.close();
  }
  await disk.rename(unfinished, `${folder}/${name}`);
  return entry;
}

class Encoder {
  readonly #hash = createHash('sha256');
  #parts: Uint8Array[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #entries = 0;

  constructor(history: string) {
    const header = new Uint8Array(HEADER_BYTES);
    header.set(MAGIC, 0);
    writeUint32(header, 8, FORMAT);
    header.set(Buffer.from(history, 'hex'), HISTORY_AT);
    this.#push(header);
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const head = new Uint8Array(ENTRY_HEAD_BYTES + key.length);
    head[0] = TAG_ENTRY;
    head[1] = key.length;
    writeUint32(head, 2, value.length);
    head.set(key, ENTRY_HEAD_BYTES);
    this.#push(head);
    this.#push(value);
    this.#entries += 1;
  }

  /** The parts since the last call. */
  take(): readonly Uint8Array[] {
    const parts = this.#parts;
    this.#parts = [];
    this.#waitingBytes = 0;
    return parts;
  }

  /** The end goes to the parts; its digest is apart, because it covers them. */
  end(name: string): { readonly entry: BackupFileEntry; readonly digest: Uint8Array } {
    const end = new Uint8Array(END_BYTES);
    end[0] = TAG_END;
    writeUint32(end, 1, this.#entries);
    this.#push(end);
    const digest = this.#hash.digest();
    const bytes = this.#bytes + DIGEST_BYTES;
    const sha256 = digest.toString('hex');
    return { entry: { name, bytes, entries: this.#entries, sha256 }, digest };
  }

  #push(part: Uint8Array): void {
    this.#hash.update(part);
    this.#parts.push(part);
    this.#waitingBytes += part.length;
    this.#bytes += part.length;
  }
}

/**
 * The values of a file, each checked before it is handed out; the digest is compared behind the last one. Throws CorruptionError with
 * file and offset. `expected` null: the file is not in a manifest, and its own digest is believed.
 */
export async function* readBackupFile(
  disk: Disk,
  folder: string,
  name: string,
  history: string,
  expected: BackupFileEntry | null,
): AsyncGenerator<StoredValue, BackupFileEntry> {
  const path = `${folder}/${name}`;
  const file = await openExisting(disk, path);
  try {
    const reader = new FileReader(file, path, await file.sizeBytes());
    if (expected !== null && reader.sizeBytes !== expected.bytes) {
      throw reader.corrupt(
        0,
        `it has ${reader.sizeBytes} bytes, the manifest says ${expected.bytes}`,
      );
    }
    const header = await reader.take(HEADER_BYTES);
    if (MAGIC.compare(header, 0, MAGIC.length) !== 0) throw reader.corrupt(0, 'the magic is wrong');
    const format = readUint32(header, 8);
    if (format !== FORMAT) throw reader.corrupt(8, `format ${format} is unknown`);
    const owner = Buffer.from(header.subarray(HISTORY_AT, HEADER_BYTES)).toString('hex');
    if (owner !== history) throw reader.corrupt(HISTORY_AT, `it belongs to history ${owner}`);
    let entries = 0;
    for (;;) {
      const at = reader.position;
      const [tag] = await reader.take(1);
      if (tag === TAG_END) break;
      if (tag !== TAG_ENTRY) throw reader.corrupt(at, `there is no entry of kind ${tag}`);
      const lengths = await reader.take(ENTRY_HEAD_BYTES - 1);
      const keyBytes = lengths[0]!;
      const valueBytes = readUint32(lengths, 1);
      if (valueBytes > VALUE_BYTES_MAX) throw reader.corrupt(at, 'a length is damaged');
      const key = (await reader.take(keyBytes)).slice();
      const value = (await reader.take(valueBytes)).slice();
      try {
        openValue(key, value);
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        throw reader.corrupt(at, error.message, error);
      }
      entries += 1;
      yield [key, value];
    }
    const endAt = reader.position;
    const counted = readUint32(await reader.take(END_BYTES - 1), 0);
    if (counted !== entries)
      throw reader.corrupt(endAt, `it counts ${counted} entries of ${entries}`);
    const sha256 = reader.digest();
    const stored = Buffer.from(await reader.take(DIGEST_BYTES)).toString('hex');
    if (stored !== sha256) throw reader.corrupt(endAt, 'its digest does not match');
    if (expected !== null && expected.sha256 !== sha256) {
      throw reader.corrupt(endAt, 'its digest is not that of the manifest');
    }
    if (reader.position !== reader.sizeBytes) {
      throw reader.corrupt(reader.position, 'there are bytes behind the end');
    }
    return { name, bytes: reader.sizeBytes, entries, sha256 };
  } finally {
    await file.close();
  }
}

async function openExisting(disk: Disk, path: string): Promise<DiskFile> {
  try {
    return await disk.open(path, {});
  } catch (error) {
    if (typeof error !== 'object' || error === null || !('code' in error)) throw error;
    if (error.code !== 'ENOENT') throw error;
    throw new CorruptionError({ path }, 'the file is missing', { cause: error });
  }
}

/** Forward through a file by pieces, with the digest of what was taken. */
class FileReader {
  readonly sizeBytes: number;
  readonly #file: DiskFile;
  readonly #path: string;
  readonly #hash = createHash('sha256');
  #window = new Uint8Array(READ_BYTES);
  #windowAt = 0;
  #windowBytes = 0;
  #position = 0;

  constructor(file: DiskFile, path: string, sizeBytes: number) {
    this.#file = file;
    this.#path = path;
    this.sizeBytes = sizeBytes;
  }

  get position(): number {
    return this.#position;
  }

  /** The next bytes; good until the next call. */
  async take(count: number): Promise<Uint8Array> {
    if (this.#position + count > this.sizeBytes)
      throw this.corrupt(this.#position, 'the file is cut off');
    let at = this.#position - this.#windowAt;
    if (at + count > this.#windowBytes) {
      if (count > this.#window.length) this.#window = new Uint8Array(count);
      const wanted = Math.min(this.#window.length, this.sizeBytes - this.#position);
      this.#windowAt = this.#position;
      this.#windowBytes = await this.#file.read(this.#window.subarray(0, wanted), this.#position);
      if (this.#windowBytes < count) throw this.corrupt(this.#position, 'the file is cut off');
      at = 0;
    }
    const bytes = this.#window.subarray(at, at + count);
    // The digest is asked for before its own bytes are taken.
    this.#hash.update(bytes);
    this.#position += count;
    return bytes;
  }

  /** Of everything taken. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  corrupt(offsetBytes: number, reason: string, cause?: unknown): CorruptionError {
    return new CorruptionError({ path: this.#path, offsetBytes }, reason, { cause });
  }
}
