/** The newest records in memory: rolling hashes are those of the whole chain, whenever and in whatever order one asks for them. */

import fc from 'fast-check';
import { ZERO_HASH, type Position, type RollingHash } from '../../storage/position.js';
import { RecordTail, TailPosition, type TailChunk } from '../../storage/record-tail.js';
import {
  encodeRecordInto,
  isRecordFault,
  nextHash,
  parseRecord,
  RecordKind,
} from '../../storage/record.js';

const INCARNATION = '00112233aabbccdd';
const CHUNK_BYTES = 64 * 1024;

interface Step {
  readonly bodyBytes: number;
  /** The record has memory of its own. */
  readonly isAdopted: boolean;
  /** The one who appends has worked the hash out already. */
  readonly isKnown: boolean;
  /** Asks for the hash after the record that lies so many before the newest. */
  readonly asksBack: number | null;
}

const step: fc.Arbitrary<Step> = fc.record({
  bodyBytes: fc.oneof(fc.nat(40), fc.nat(CHUNK_BYTES)),
  isAdopted: fc.boolean(),
  isKnown: fc.boolean(),
  asksBack: fc.option(fc.nat(300)),
});

test('a hash is that of the chain, whoever worked it out and whenever it is asked for', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const tail = new RecordTail();
      const chain: RollingHash[] = [ZERO_HASH];
      const places: {
        readonly chunk: TailChunk;
        readonly index: number;
        readonly position: Position;
      }[] = [];
      let received: Position = { incarnation: INCARNATION, sequence: 0, hash: ZERO_HASH };
      for (const { bodyBytes, isAdopted, isKnown, asksBack } of steps) {
        const sequence = received.sequence + 1;
        const body = [new Uint8Array(bodyBytes).fill(sequence)];
        const size = 28 + bodyBytes;
        const chunk = isAdopted
          ? tail.adopt(new Uint8Array(size), received)
          : tail.reserve(size, received);
        const from = chunk.usedBytes;
        encodeRecordInto(chunk.bytes, from, RecordKind.write, sequence, sequence * 3, body);
        const record = parseRecord(chunk.bytes, from, size);
        if (isRecordFault(record)) throw new Error(record.detail);
        const hash = nextHash(chain.at(-1)!, record);
        chain.push(hash);
        const index = chunk.count;
        chunk.push(size, isKnown ? hash : null);
        received = new TailPosition(INCARNATION, chunk, sequence);
        places.push({ chunk, index, position: received });
        if (asksBack === null) continue;
        const asked = Math.max(1, sequence - asksBack);
        const place = places[asked - 1]!;
        const { position } = place;
        expect([position.hash, tail.hashAt(asked), place.chunk.hashBefore(place.index)]).toEqual([
          chain[asked],
          chain[asked],
          chain[asked - 1],
        ]);
      }
      expect(received.hash).toBe(chain.at(-1));
      if (steps.length === 0) return;
      const read = tail.read(0, received.sequence, Infinity)!;
      expect(read.lastHash).toBe(chain[read.lastSequence]);
    }),
    { numRuns: 100 },
  );
});
