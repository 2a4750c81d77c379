/**
 * The body of a large record, put into its place beforehand: behind room for the header, and summed. What is left for the turn of the append,
 * in which the record gets its sequence and version, is the header; the journal keeps the bytes where they are.
 */

import { crc32 } from 'node:zlib';
import type { Timers } from './ports.js';
import { RECORD_HEADER_BYTES, recordBytesOf } from './record.js';
import { copyInSlices, SLICE_BYTES } from './slice-bytes.js';

/** Smaller ones are copied and summed in the turn of their append: a part of a write is not larger, and a millisecond's work. */
export const LAID_OUT_BYTES_MIN = 2 * 1024 * 1024;

export class LaidOutBody {
  /** The whole record's, but for its header. The journal's once the record is appended. */
  readonly bytes: Uint8Array;
  /** CRC-32 of all behind the header. */
  readonly crc: number;

  private constructor(bytes: Uint8Array, crc: number) {
    this.bytes = bytes;
    this.crc = crc;
  }

  /** With a turn of the event loop for each slice. `parts` must not change before it resolves. */
  static async of(parts: readonly Uint8Array[], timers: Timers): Promise<LaidOutBody> {
    const bytes = Buffer.allocUnsafeSlow(recordBytesOf(parts));
    let crc = 0;
    let at = RECORD_HEADER_BYTES;
    let copiedInTurn = 0;
    for (const part of parts) {
      for (const copied of copyInSlices(bytes, at, part, 0, part.length)) {
        crc = crc32(bytes.subarray(at, at + copied), crc);
        at += copied;
        copiedInTurn += copied;
        if (copiedInTurn < SLICE_BYTES) continue;
        copiedInTurn = 0;
        await timers.yieldTurn();
      }
    }
    return new LaidOutBody(bytes, crc);
  }
}
