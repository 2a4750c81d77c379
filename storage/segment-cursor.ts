/**
 * Walks the commit groups of a segment file, for recovery and for reads.
 *
 * A group is entered only through a valid header, its content is taken only when lengths and CRCs are those the header vouches
 * for, and nothing is allocated by a number that was not checked. Where the walk stops, and what stands there, is the caller's
 * to judge: an end, a torn tail and damage all look alike from here.
 */

import {
  GROUP_HEADER_BYTES,
  SECTOR_BYTES,
  contentFaultOf,
  decodeGroupHeader,
  groupBytesOf,
  hasGroupMagic,
  type GroupHeader,
  type GroupSeed,
} from './commit-group.js';
import type { DiskFile } from './ports.js';

/** Bytes read at once. */
const WINDOW_BYTES = 256 * 1024;
/** The same at the beginning of a walk over a whole file: what a start that was soon killed has written is not more. */
const FIRST_WINDOW_BYTES = 64 * 1024;
/** The same once such a walk goes on, or groups are searched for: a hop to the disk's threads costs as much as checking dozens of records. */
const AHEAD_BYTES = 1024 * 1024;
/** Room in front of bytes read ahead, for the beginning of a group of which they are the rest. */
const CARRIED_BYTES_MAX = 256 * 1024;

export type CursorStep =
  | {
      readonly kind: 'group';
      readonly header: GroupHeader;
      /** The records or the seal; good until the next step. */
      readonly content: Uint8Array;
      readonly offsetBytes: number;
    }
  /** Nothing more of this segment can be entered at `offsetBytes`. */
  | {
      readonly kind: 'stop';
      readonly offsetBytes: number;
      readonly reason: string;
      /** The header that stands there, when it is valid but its content is not. */
      readonly header: GroupHeader | null;
      /** False when no half-done write explains what stands there. */
      readonly canBeTorn: boolean;
    };

/** A read under way of what follows the window. */
interface ReadAhead {
  /** The bytes come behind CARRIED_BYTES_MAX others. */
  readonly buffer: Uint8Array;
  readonly wantedBytes: number;
  readonly reading: Promise<number>;
}

export class SegmentCursor {
  readonly #file: DiskFile;
  readonly #seed: GroupSeed;
  readonly #fileBytes: number;
  readonly #readsAhead: boolean;
  #hasRead = false;
  #offset: number;
  #window: Uint8Array = new Uint8Array(0);
  /** The file's bytes from `#windowAt` on, `#windowBytes` of them, lie in the window from `#windowFrom` on. */
  #windowAt = 0;
  #windowFrom = 0;
  #windowBytes = 0;
  /** What the next step needs from `#offset` on. */
  #lackingBytes = 0;
  /** The last read ended before it had all. */
  #isShort = false;
  #ahead: ReadAhead | null = null;
  /** Takes turns with the window. */
  #spare: Uint8Array | null = null;

  /**
   * Requires: a group (or the end of groups) at `offset`. `readsAhead`: for who walks to the end, and closes the cursor before the
   * file.
   */
  constructor(
    file: DiskFile,
    seed: GroupSeed,
    offset: number,
    fileBytes: number,
    options: { readonly readsAhead: boolean } = { readsAhead: false },
  ) {
    this.#file = file;
    this.#seed = seed;
    this.#offset = offset;
    this.#fileBytes = fileBytes;
    this.#readsAhead = options.readsAhead;
  }

  /** Where the next group begins. */
  get offsetBytes(): number {
    return this.#offset;
  }

  async next(): Promise<CursorStep> {
    for (;;) {
      const step = this.nextLoaded();
      if (step !== null) return step;
      await this.load();
    }
  }

  /** The next step if the bytes that it needs are in memory; null: `load` first. Small groups come without a promise each. */
  nextLoaded(): CursorStep | null {
    const offsetBytes = this.#offset;
    const headerBytes = this.#require(offsetBytes, GROUP_HEADER_BYTES);
    if (headerBytes === 'missing') return null;
    if (headerBytes === 'beyond') return stopAt(offsetBytes, 'the file ends here', null);
    const window = this.#window;
    const groupAt = this.#windowFrom + offsetBytes - this.#windowAt;
    const header = decodeGroupHeader(this.#seed, window, groupAt);
    if (header === null) {
      return stopAt(offsetBytes, 'there is no valid commit group header', null);
    }
    if (header.offsetBytes !== offsetBytes) {
      const reason = `the commit group says it belongs to byte ${header.offsetBytes}`;
      return stopAt(offsetBytes, reason, header, false);
    }
    const groupBytes = groupBytesOf(header.contentBytes);
    const wholeBytes = this.#require(offsetBytes, groupBytes);
    if (wholeBytes === 'missing') return null;
    if (wholeBytes === 'beyond') {
      return stopAt(offsetBytes, 'the commit group runs past the end of the file', header);
    }
    const contentFrom = groupAt + GROUP_HEADER_BYTES;
    const contentTo = contentFrom + header.contentBytes;
    const content = window.subarray(contentFrom, contentTo);
    const fault = contentFaultOf(this.#seed, header, content);
    if (fault !== null) return stopAt(offsetBytes, fault, header);
    for (let at = contentTo; at < groupAt + groupBytes; at += 1) {
      if (window[at] !== 0) return stopAt(offsetBytes, 'the padding is not zeros', header);
    }

    this.#offset = offsetBytes + groupBytes;
    return { kind: 'group', header, content, offsetBytes };
  }

  /** Reads what `nextLoaded` lacked, and what follows. Overwrites the content of the step before. */
  async load(): Promise<void> {
    if (!(await this.#takeAhead())) await this.#read();
    if (this.#readsAhead && this.#hasRead) this.#readAhead();
    this.#hasRead = true;
  }

  /** Resolves when nothing is read any more. */
  async close(): Promise<void> {
    await this.#ahead?.reading.catch(() => undefined);
    this.#ahead = null;
  }

  async #read(): Promise<void> {
    const rest = this.#fileBytes - this.#offset;
    const isFirst = this.#readsAhead && !this.#hasRead;
    const usualBytes = Math.min(isFirst ? FIRST_WINDOW_BYTES : WINDOW_BYTES, rest);
    const leastBytes = Math.max(this.#lackingBytes, usualBytes);
    if (leastBytes > this.#window.length) this.#window = new Uint8Array(leastBytes);
    const wanted = Math.min(this.#window.length, rest);
    this.#windowAt = this.#offset;
    this.#windowFrom = 0;
    this.#windowBytes = await this.#file.read(this.#window.subarray(0, wanted), this.#offset);
    this.#isShort = this.#windowBytes < wanted;
  }

  /** Goes on with what was read ahead; false when that is not what is wanted, or not all of it. */
  async #takeAhead(): Promise<boolean> {
    const ahead = this.#ahead;
    if (ahead === null) return false;
    this.#ahead = null;
    const aheadBytes = await ahead.reading;
    const end = this.#windowAt + this.#windowBytes;
    const carriedBytes = end - this.#offset;
    const isEnough = carriedBytes + aheadBytes >= this.#lackingBytes;
    if (carriedBytes < 0 || carriedBytes > CARRIED_BYTES_MAX || !isEnough) {
      this.#spare = ahead.buffer;
      return false;
    }
    const from = CARRIED_BYTES_MAX - carriedBytes;
    const carriedFrom = this.#windowFrom + this.#offset - this.#windowAt;
    ahead.buffer.set(this.#window.subarray(carriedFrom, carriedFrom + carriedBytes), from);
    if (this.#window.length === ahead.buffer.length) this.#spare = this.#window;
    this.#window = ahead.buffer;
    this.#windowAt = this.#offset;
    this.#windowFrom = from;
    this.#windowBytes = carriedBytes + aheadBytes;
    this.#isShort = aheadBytes < ahead.wantedBytes;
    return true;
  }

  #readAhead(): void {
    const at = this.#windowAt + this.#windowBytes;
    const wantedBytes = Math.min(AHEAD_BYTES, this.#fileBytes - at);
    if (this.#isShort || wantedBytes <= 0) return;
    const buffer = this.#spare ?? new Uint8Array(CARRIED_BYTES_MAX + AHEAD_BYTES);
    this.#spare = null;
    const target = buffer.subarray(CARRIED_BYTES_MAX, CARRIED_BYTES_MAX + wantedBytes);
    const reading = this.#file.read(target, at);
    // Whoever takes it hears of a failure; a walk that has ended does not mind.
    reading.catch(() => undefined);
    this.#ahead = { buffer, wantedBytes, reading };
  }

  /** Whether [offset, offset + bytes) is in memory, is to be loaded, or lies beyond the end of the file. */
  #require(offset: number, bytes: number): 'loaded' | 'missing' | 'beyond' {
    if (offset + bytes > this.#fileBytes) return 'beyond';
    if (offset >= this.#windowAt && offset + bytes <= this.#windowAt + this.#windowBytes) {
      return 'loaded';
    }
    // The file is shorter than it was said to be.
    if (this.#isShort && offset === this.#windowAt) return 'beyond';
    this.#lackingBytes = bytes;
    return 'missing';
  }
}

/** Nothing more can be entered at `offsetBytes`. */
function stopAt(
  offsetBytes: number,
  reason: string,
  header: GroupHeader | null,
  canBeTorn = true,
): CursorStep {
  return { kind: 'stop', offsetBytes, reason, header, canBeTorn };
}

export interface GroupTraces {
  /** First sector that bears the segment's magic, valid or not; null when none does. */
  readonly magicAt: number | null;
  /** Valid headers found, in file order. */
  readonly headers: readonly GroupHeader[];
}

/** Looks for groups of this segment in [from, fileBytes), sector by sector: what a damaged length or a hole would otherwise hide. */
export async function findGroups(
  file: DiskFile,
  seed: GroupSeed,
  from: number,
  fileBytes: number,
): Promise<GroupTraces> {
  const window = new Uint8Array(Math.min(AHEAD_BYTES, Math.max(fileBytes - from, SECTOR_BYTES)));
  const headers: GroupHeader[] = [];
  let magicAt: number | null = null;
  for (let at = from; at < fileBytes; at += window.length) {
    const bytes = await file.read(window.subarray(0, Math.min(window.length, fileBytes - at)), at);
    const read = window.subarray(0, bytes);
    for (let sector = 0; sector < bytes; sector += SECTOR_BYTES) {
      if (!hasGroupMagic(seed, read, sector)) continue;
      magicAt ??= at + sector;
      const header = decodeGroupHeader(seed, read, sector);
      if (header !== null) headers.push(header);
    }
  }
  return { magicAt, headers };
}
