/**
 * Bytes copied a slice at a time: a value of megabytes, copied in one go into memory that the system has not given any pages yet, would hold up
 * the event loop for many milliseconds.
 */

/** About half a millisecond where every page is new. */
export const SLICE_BYTES = 512 * 1024;

/** Copies source[start..end) to target[at..]; yields behind each slice the bytes that it had. */
export function* copyInSlices(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): Generator<number, undefined> {
  for (let from = start; from < end; from += SLICE_BYTES) {
    const to = Math.min(from + SLICE_BYTES, end);
    target.set(source.subarray(from, to), at + from - start);
    yield to - from;
  }
}
