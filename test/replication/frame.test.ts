/** Frames: bytes in chunks of any kind, garbage, and what is too large. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { LinkProtocolError } from '../../replication/index.js';
import {
  encodeFrame,
  FRAME_PAYLOAD_MAX,
  FrameParser,
  FrameType,
  type Frame,
} from '../../replication/frame.js';

function bytesOf(frame: Frame): Uint8Array {
  return Buffer.concat(encodeFrame(frame.type, frame.link, [frame.payload]));
}

function parse(chunks: readonly Uint8Array[]): Frame[] {
  const parser = new FrameParser();
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    const borrowed = Uint8Array.from(chunk);
    parser.push(borrowed, (frame) => {
      frames.push({ ...frame, payload: Uint8Array.from(frame.payload) });
      // The payload was lent for this call: the parser must not need it any more.
      frame.payload.fill(0xdd);
    });
    borrowed.fill(0xdd);
  }
  return frames;
}

const FRAMES: readonly Frame[] = [
  { type: FrameType.hello, link: 0, payload: Uint8Array.of(1, 2, 3) },
  { type: FrameType.heartbeat, link: 7, payload: new Uint8Array(0) },
  { type: FrameType.records, link: 4_294_967_295, payload: new Uint8Array(300).fill(9) },
];

test('a frame stands in its bytes as PROTOCOL.md draws it', () => {
  const bytes = bytesOf({ type: FrameType.confirm, link: 258, payload: Uint8Array.of(0xaa, 0xbb) });
  expect(Buffer.from(bytes).toString('hex')).toBe('07000000' + '11' + '02010000' + 'aabb');
});

test('a stream split at every offset gives the same frames', () => {
  const stream = Buffer.concat(FRAMES.map(bytesOf));
  for (let at = 0; at <= stream.length; at += 1) {
    expect(parse([stream.subarray(0, at), stream.subarray(at)])).toEqual(FRAMES);
  }
});

test('a stream byte by byte gives the same frames', () => {
  const stream = Buffer.concat(FRAMES.map(bytesOf));
  expect(parse(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(FRAMES);
});

test('any frames in any chunks', () => {
  const frame = fc.record({
    type: fc.constantFrom(...Object.values(FrameType)),
    link: fc.nat({ max: 0xffffffff }),
    payload: fc.uint8Array({ maxLength: 64 }),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(40)), (frames, cuts) => {
      const stream = Buffer.concat(frames.map(bytesOf));
      const chunks: Uint8Array[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(stream.subarray(at, at + cut));
        at = Math.min(at + cut, stream.length);
      }
      chunks.push(stream.subarray(at));
      expect(parse(chunks)).toEqual(frames);
    }),
  );
});

test('payloads that are cut are put together in one memory, which grows to the largest', () => {
  const parser = new FrameParser();
  const buffers: ArrayBufferLike[] = [];
  const lengths = [3_000, 200, 5_000, 6_001, FRAME_PAYLOAD_MAX, 3_000];
  for (const length of lengths) {
    const bytes = bytesOf({ type: FrameType.records, link: 1, payload: new Uint8Array(length) });
    const keep = (frame: Frame): unknown => buffers.push(frame.payload.buffer);
    parser.push(bytes.subarray(0, 100), keep);
    parser.push(bytes.subarray(100), keep);
  }
  expect(buffers).toHaveLength(lengths.length);
  expect(buffers.map((buffer) => buffers.indexOf(buffer))).toEqual([0, 0, 0, 3, 4, 4]);
});

test('a small frame is one part, a large payload is not copied', () => {
  expect(encodeFrame(FrameType.confirm, 1, [new Uint8Array(40)])).toHaveLength(1);
  const piece = new Uint8Array(1_000);
  expect(encodeFrame(FrameType.records, 1, [new Uint8Array(40), piece])[2]).toBe(piece);
});

test.each([
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a TLS hello', Buffer.from('16030100f8010000f40303', 'hex')],
  ['a length of four gigabytes', Buffer.from('ffffffff1200000000', 'hex')],
  ['a length below the header', Buffer.from('040000001200000000', 'hex')],
  ['an unknown type', Buffer.from('05000000ff00000000', 'hex')],
])('%s is refused before anything is allocated, and for good', (_, bytes) => {
  const parser = new FrameParser();
  const push = (chunk: Uint8Array): void => parser.push(chunk, () => undefined);
  expect(() => push(bytes)).toThrow(LinkProtocolError);
  expect(() => push(bytesOf(FRAMES[0]!))).toThrow(LinkProtocolError);
});

test('the largest payload passes, one byte more is the caller’s fault', () => {
  const payload = new Uint8Array(FRAME_PAYLOAD_MAX).fill(3);
  const [frame] = parse([bytesOf({ type: FrameType.records, link: 1, payload })]);
  const hash = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
  expect(hash(frame!.payload)).toBe(hash(payload));
  const tooLarge = [new Uint8Array(FRAME_PAYLOAD_MAX + 1)];
  expect(() => encodeFrame(FrameType.records, 1, tooLarge)).toThrow(RangeError);
});

test('random garbage never throws anything but LinkProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parse([bytes]);
      } catch (error) {
        expect(error).toBeInstanceOf(LinkProtocolError);
      }
    }),
  );
});
