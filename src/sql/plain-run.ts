/**
 * Long stretches of text without a quote or a backslash, found by the system's own search for a byte, which is twenty times as fast as a loop.
 *
 * A loop is faster for what is short. So whoever reads a string looks at LONG_RUN_BYTES of it, and if all of them were plain, asks here where
 * that ends; and so on behind what was found.
 */

import { Buffer } from 'node:buffer';

export const LONG_RUN_BYTES = 256;

const BACKSLASH = 0x5c;

/** Index of the first `quote`, or backslash where `stopsAtBackslash`, in buf[at..end); `end` when there is none. */
export function plainRunEnd(
  buf: Uint8Array,
  at: number,
  end: number,
  quote: number,
  stopsAtBackslash: boolean,
): number {
  const bytes = Buffer.from(buf.buffer, buf.byteOffset + at, end - at);
  const quoteAt = bytes.indexOf(quote);
  const length = quoteAt < 0 ? bytes.length : quoteAt;
  const backslashAt = stopsAtBackslash ? bytes.subarray(0, length).indexOf(BACKSLASH) : -1;
  return at + (backslashAt < 0 ? length : backslashAt);
}
