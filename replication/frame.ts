/**
 * Frames: how messages stand in the byte stream of a link.
 *
 *   frame := length u32   bytes behind this field: 5 + payload
 *            type   u8    FrameType
 *            link   u32   number the acceptor gave this link; 0 until it has
 *            payload
 *
 * Little endian. A frame of another link number is late, from a link that is no more, and is dropped by the session.
 * The parser is fed chunks cut anywhere. It holds at most one frame, allocates only after the length is known to be in
 * bounds, and lends payloads out while `onFrame` runs: a view into the chunk when the frame lies whole in it, or else into memory where the
 * next one that does not is put together. At full ingest that is most of them, and memory of its own for each was the dearest part of
 * reception.
 */

import { LinkProtocolError } from './errors.js';
import { PIECE_BYTES_MAX } from './config.js';

/** Frozen: on the wire. */
export const FrameType = {
  hello: 1,
  challenge: 2,
  proof: 3,
  standing: 4,
  welcome: 5,
  refuse: 6,
  heartbeat: 16,
  confirm: 17,
  records: 18,
  returned: 19,
  seal: 20,
  end: 21,
  voided: 22,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const FRAME_HEADER_BYTES = 9;
/** Room for a piece of records with its own header, and for the longest list of incarnations. */
export const FRAME_PAYLOAD_MAX = PIECE_BYTES_MAX + 64;

const LENGTH_FIELD_BYTES = 4;
/** Confirmations and heartbeats are smaller, pieces of records hardly ever. */
const JOINED_PAYLOAD_MAX = 256;
const TYPES: ReadonlySet<number> = new Set(Object.values(FrameType));

export interface Frame {
  readonly type: FrameType;
  readonly link: number;
  /** Of a parsed frame: borrowed, good until `onFrame` returns. */
  readonly payload: Uint8Array;
}

/** The frame as parts to send. Large payloads are not copied; a small frame is one part, which a socket takes at once. */
export function encodeFrame(
  type: FrameType,
  link: number,
  payload: readonly Uint8Array[],
): readonly Uint8Array[] {
  let bytes = 0;
  for (const part of payload) bytes += part.length;
  if (bytes > FRAME_PAYLOAD_MAX) throw new RangeError(`a frame of ${bytes} bytes is too large`);
  const isSmall = bytes <= JOINED_PAYLOAD_MAX;
  const first = new Uint8Array(FRAME_HEADER_BYTES + (isSmall ? bytes : 0));
  const view = new DataView(first.buffer);
  view.setUint32(0, FRAME_HEADER_BYTES - LENGTH_FIELD_BYTES + bytes, true);
  view.setUint8(4, type);
  view.setUint32(5, link, true);
  if (!isSmall) return [first, ...payload];
  let at = FRAME_HEADER_BYTES;
  for (const part of payload) {
    first.set(part, at);
    at += part.length;
  }
  return [first];
}

export class FrameParser {
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  /** Where payloads are put together: of the size of the largest one so far, doubled. */
  #memory = new Uint8Array(0);
  /** Of the frame under way, in #memory; null while its header is not complete. */
  #payload: Uint8Array | null = null;
  #payloadFilled = 0;
  #isBroken = false;

  /** Calls `onFrame` for each frame that `chunk` completes. Throws LinkProtocolError on garbage; the parser is of no use then. */
  push(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    if (this.#isBroken) throw new LinkProtocolError('bytes after a frame that was refused');
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload === null) {
        at = this.#fillHeader(chunk, at);
        if (this.#headerFilled < FRAME_HEADER_BYTES) return;
        const payloadBytes = this.#checkHeader();
        if (chunk.length - at >= payloadBytes) {
          onFrame(this.#frame(chunk.subarray(at, at + payloadBytes)));
          at += payloadBytes;
          continue;
        }
        this.#payload = this.#memoryFor(payloadBytes);
        this.#payloadFilled = 0;
      }
      const wanted = this.#payload.length - this.#payloadFilled;
      const taken = Math.min(wanted, chunk.length - at);
      this.#payload.set(chunk.subarray(at, at + taken), this.#payloadFilled);
      this.#payloadFilled += taken;
      at += taken;
      if (taken < wanted) return;
      const payload = this.#payload;
      this.#payload = null;
      onFrame(this.#frame(payload));
    }
  }

  #memoryFor(payloadBytes: number): Uint8Array {
    if (this.#memory.length < payloadBytes) {
      const sizeBytes = Math.min(2 * payloadBytes, FRAME_PAYLOAD_MAX);
      this.#memory = Buffer.allocUnsafeSlow(sizeBytes);
    }
    return this.#memory.subarray(0, payloadBytes);
  }

  #fillHeader(chunk: Uint8Array, at: number): number {
    const taken = Math.min(FRAME_HEADER_BYTES - this.#headerFilled, chunk.length - at);
    this.#header.set(chunk.subarray(at, at + taken), this.#headerFilled);
    this.#headerFilled += taken;
    return at + taken;
  }

  /** Payload bytes of the frame whose header is complete. */
  #checkHeader(): number {
    const view = new DataView(this.#header.buffer);
    const payloadBytes = view.getUint32(0, true) - (FRAME_HEADER_BYTES - LENGTH_FIELD_BYTES);
    if (payloadBytes < 0 || payloadBytes > FRAME_PAYLOAD_MAX) {
      this.#isBroken = true;
      throw new LinkProtocolError(
        `a frame of ${payloadBytes} payload bytes is not of this protocol`,
      );
    }
    const type = this.#header[4]!;
    if (!TYPES.has(type)) {
      this.#isBroken = true;
      throw new LinkProtocolError(`frame type ${type} is unknown`);
    }
    return payloadBytes;
  }

  #frame(payload: Uint8Array): Frame {
    this.#headerFilled = 0;
    const view = new DataView(this.#header.buffer);
    return { type: this.#header[4] as FrameType, link: view.getUint32(5, true), payload };
  }
}
