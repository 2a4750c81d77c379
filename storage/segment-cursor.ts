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

/** Small enough that checking one window's records does not hold up the event loop. */
const WINDOW_BYTES = 256 * 1024;

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

export class SegmentCursor {
  readonly #file: DiskFile;
  readonly #seed: GroupSeed;
  readonly #fileBytes: number;
  #offset: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;
  #windowBytes = 0;

  /** Requires: a group (or the end of groups) at `offset`. */
  constructor(file: DiskFile, seed: GroupSeed, offset: number, fileBytes: number) {
    this.#file = file;
    this.#seed = seed;
    this.#offset = offset;
    this.#fileBytes = fileBytes;
  }

  /** Where the next group begins. */
  get offsetBytes(): number {
    return this.#offset;
  }

  async next(): Promise<CursorStep> {
    const offsetBytes = this.#offset;
    const stop = (reason: string, header: GroupHeader | null, canBeTorn = true): CursorStep => ({
      kind: 'stop',
      offsetBytes,
      reason,
      header,
      canBeTorn,
    });

    const headerAt = await this.#load(offsetBytes, GROUP_HEADER_BYTES);
    if (headerAt === null) return stop('the file ends here', null);
    const header = decodeGroupHeader(this.#seed, this.#window, headerAt);
    if (header === null) return stop('there is no valid commit group header', null);
    if (header.offsetBytes !== offsetBytes) {
      return stop(`the commit group says it belongs to byte ${header.offsetBytes}`, header, false);
    }
    const groupBytes = groupBytesOf(header.contentBytes);
    const groupAt = await this.#load(offsetBytes, groupBytes);
    if (groupAt === null) return stop('the commit group runs past the end of the file', header);
    const contentFrom = groupAt + GROUP_HEADER_BYTES;
    const contentTo = contentFrom + header.contentBytes;
    const content = this.#window.subarray(contentFrom, contentTo);
    const fault = contentFaultOf(this.#seed, header, content);
    if (fault !== null) return stop(fault, header);
    const padding = this.#window.subarray(contentTo, groupAt + groupBytes);
    if (!padding.every((byte) => byte === 0)) return stop('the padding is not zeros', header);

    this.#offset = offsetBytes + groupBytes;
    return { kind: 'group', header, content, offsetBytes };
  }

  /** Loads [offset, offset + bytes) and returns its place in the window; null when the file ends before. */
  async #load(offset: number, bytes: number): Promise<number | null> {
    if (offset + bytes > this.#fileBytes) return null;
    const at = offset - this.#windowAt;
    if (at >= 0 && at + bytes <= this.#windowBytes) return at;
    const rest = this.#fileBytes - offset;
    if (bytes > this.#window.length) {
      this.#window = new Uint8Array(Math.max(bytes, Math.min(WINDOW_BYTES, rest)));
    }
    const wanted = Math.min(this.#window.length, rest);
    this.#windowAt = offset;
    this.#windowBytes = await this.#file.read(this.#window.subarray(0, wanted), offset);
    return bytes <= this.#windowBytes ? 0 : null;
  }
}

export interface GroupTraces {
  /** First sector that bears the segment's magic, valid or not; null when none does. */
  readonly magicAt: number | null;
  /** Valid headers found, in file order. */
  readonly headers: readonly GroupHeader[];
}

/** Looks for groups of this segment in [from, fileBytes), sector by sector: what a damaged length would otherwise hide. */
export async function findGroups(
  file: DiskFile,
  seed: GroupSeed,
  from: number,
  fileBytes: number,
): Promise<GroupTraces> {
  const window = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(fileBytes - from, SECTOR_BYTES)));
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
