/** Payloads out of pieces: whole, no dearer than what has arrived, and put together without a long copy. */

import fc from 'fast-check';
import { COPY_BYTES_MAX, PayloadCollector } from '../../protocol/payload-collector.js';

const MIB = 1024 * 1024;
const CHUNK_BYTES = 65_536;

/** Adds `bytes` in chunks, the first of `firstBytes`; of each, the rest is announced. */
function addAnnounced(collector: PayloadCollector, bytes: Uint8Array, firstBytes: number): void {
  for (let start = 0, end = firstBytes; start < bytes.length; start = end, end += CHUNK_BYTES) {
    end = Math.min(end, bytes.length);
    collector.add(bytes, start, end, bytes.length - end);
  }
}

/** Takes what was collected; `onStep` is called before each step of joining. */
function take(collector: PayloadCollector, onStep: () => void = () => undefined): Uint8Array {
  if (collector.isInParts) {
    const steps = collector.join();
    do onStep();
    while (steps.next().done !== true);
  }
  return collector.take();
}

/** Bytes that differ from place to place, so that none is taken for another. */
function numbered(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  new Uint32Array(bytes.buffer, 0, length >>> 2).forEach((_, at, words) => {
    words[at] = Math.imul(at, 2_654_435_761);
  });
  return bytes;
}

test('whatever the pieces and however they are added, they read back as one', () => {
  const sizes = fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.integer({ min: 1, max: 3 * COPY_BYTES_MAX }),
  );
  const piece = fc.record({
    size: sizes,
    coming: fc.oneof(fc.constant(0), sizes),
    owned: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const collector = new PayloadCollector();
      const whole = numbered(pieces.reduce((sum, { size }) => sum + size, 0));
      let at = 0;
      for (const { size, coming, owned } of pieces) {
        if (owned) collector.addOwned(whole.slice(at, at + size));
        else collector.add(whole, at, at + size, coming);
        at += size;
      }
      expect(Buffer.compare(take(collector), whole)).toBe(0);
      expect([collector.isInParts, collector.take().length]).toEqual([false, 0]);
    }),
    { numRuns: 30 },
  );
});

describe('no step copies more than a little', () => {
  /** The most bytes that one step copied: what was added or joined between two calls of `onStep`. */
  function mostCopied(task: (onStep: () => void) => void): number {
    let [bytes, most] = [0, 0];
    const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
    const { set } = typedArray;
    const spy = jest.spyOn(typedArray, 'set').mockImplementation(function (
      this: Uint8Array,
      source,
      offset,
    ) {
      bytes += source.length;
      most = Math.max(most, bytes);
      set.call(this, source, offset);
    });
    task(() => {
      bytes = 0;
    });
    spy.mockRestore();
    return most;
  }

  test.each([
    ['one packet', [15 * MIB]],
    ['a chain of packets', [16 * MIB - 1, 16 * MIB - 1, 3 * MIB]],
    ['a chain that ends with an empty one', [16 * MIB - 1, 0]],
  ])('%s', (_, lengths) => {
    const collector = new PayloadCollector();
    const packets = lengths.map(numbered);
    let payload: Uint8Array = new Uint8Array(0);
    const most = mostCopied((onStep) => {
      for (const packet of packets) {
        for (let start = 0; start < packet.length; start += CHUNK_BYTES) {
          onStep();
          const end = Math.min(start + CHUNK_BYTES, packet.length);
          collector.add(packet, start, end, packet.length - end);
        }
      }
      onStep();
      payload = take(collector, onStep);
    });
    expect(most).toBeLessThanOrEqual(COPY_BYTES_MAX + CHUNK_BYTES);
    expect(Buffer.compare(payload, Buffer.concat(packets))).toBe(0);
  });

  test('a value of megabytes that is sent in many packets', () => {
    const collector = new PayloadCollector();
    const packets = Array.from({ length: 1000 }, () => numbered(8192));
    let payload: Uint8Array = new Uint8Array(0);
    const most = mostCopied((onStep) => {
      for (const packet of packets) {
        onStep();
        collector.addOwned(packet);
      }
      payload = take(collector, onStep);
    });
    expect(most).toBeLessThanOrEqual(COPY_BYTES_MAX + CHUNK_BYTES);
    expect(Buffer.compare(payload, Buffer.concat(packets))).toBe(0);
  });

  test.each([1, 4096, CHUNK_BYTES - 4, CHUNK_BYTES])(
    'one packet is not joined, whose first chunk has %i bytes',
    (firstBytes) => {
      const collector = new PayloadCollector();
      addAnnounced(collector, numbered(MIB), firstBytes);
      expect(collector.isInParts).toBe(false);
    },
  );

  test('what is nobody else’s is not even copied', () => {
    const collector = new PayloadCollector();
    const own = numbered(2 * MIB);
    collector.addOwned(own);
    expect(collector.take().buffer).toBe(own.buffer);
  });
});

describe('what is held', () => {
  test.each([
    ['a header of 16 MiB and one byte', 1, 256],
    ['as much as is copied', COPY_BYTES_MAX, COPY_BYTES_MAX],
  ])('%s: as much as has arrived', (_, length, heldMax) => {
    const collector = new PayloadCollector();
    const bytes = numbered(length);
    for (let at = 0; at < length; at += 1024) {
      collector.add(bytes, at, Math.min(at + 1024, length), 16 * MIB);
    }
    expect(collector.take().buffer.byteLength).toBeLessThanOrEqual(heldMax);
  });

  test('more than that: as much as was announced, once', () => {
    const collector = new PayloadCollector();
    addAnnounced(collector, numbered(15 * MIB), CHUNK_BYTES - 4);
    expect(collector.take().buffer.byteLength).toBe(15 * MIB);
  });
});
