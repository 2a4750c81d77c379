/** Packet framing: every cut of the byte stream gives the same packets. */

import fc from 'fast-check';
import { FramingError, PacketParser } from '../../protocol/packet-parser.js';
import { packet } from './support/packets.js';

/** Everything that a parser makes of chunks: payloads joined, with the sequence id an answer to each would have. */
function parse(
  chunks: readonly Uint8Array[],
  limit = 1 << 26,
  afterStep: (parser: PacketParser, step: number) => void = () => undefined,
): { payloads: string[]; answers: number[] } {
  const parser = new PacketParser(limit);
  const payloads: string[] = [];
  const answers: number[] = [];
  let pieces: Buffer[] = [];
  let steps = 0;
  for (const chunk of chunks) {
    parser.feed(chunk);
    for (;;) {
      const step = parser.next();
      if (step === 'needInput') break;
      if (step === 'piece') {
        expect(parser.isInsidePacket).toBe(true);
        pieces.push(Buffer.from(parser.chunk.subarray(parser.pieceStart, parser.pieceEnd)));
      } else {
        expect(parser.isInsidePacket).toBe(false);
        payloads.push(Buffer.concat(pieces).toString('latin1'));
        answers.push(parser.answerSequenceId);
        parser.expectSequenceId(0);
        pieces = [];
      }
      afterStep(parser, steps++);
    }
  }
  return { payloads, answers };
}

describe('packets', () => {
  const stream = Buffer.concat([
    packet(0, 'first'),
    packet(0, ''),
    packet(0, 'x'),
    packet(0, 'last one'),
  ]);
  const expected = { payloads: ['first', '', 'x', 'last one'], answers: [1, 1, 1, 1] };

  test('whole stream in one chunk', () => {
    expect(parse([stream])).toEqual(expected);
  });

  test('the chunk taken away after any step, its rest kept', () => {
    for (let taken = 0; taken < 7; taken++) {
      const chunk = Buffer.from(stream);
      const takeAway = (parser: PacketParser, step: number): void => {
        if (step !== taken) return;
        parser.keepRest();
        chunk.fill(0xff);
      };
      expect({ taken, ...parse([chunk], 1 << 26, takeAway) }).toEqual({ taken, ...expected });
    }
  });

  test('cut in two at every offset', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(parse([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(expected);
    }
  });

  test('cut in three at every pair of offsets', () => {
    for (let a = 0; a <= stream.length; a++) {
      for (let b = a; b <= stream.length; b++) {
        expect(parse([stream.subarray(0, a), stream.subarray(a, b), stream.subarray(b)])).toEqual(
          expected,
        );
      }
    }
  });

  test('byte by byte', () => {
    expect(parse([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  test('any payloads, any cuts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.array(fc.nat(3000), { maxLength: 12 }),
        (payloads, cuts) => {
          const bytes = Buffer.concat(payloads.map((payload) => packet(0, payload)));
          const offsets = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
            (a, b) => a - b,
          );
          const chunks = offsets.slice(1).map((end, index) => bytes.subarray(offsets[index], end));
          expect(parse(chunks).payloads).toEqual(
            payloads.map((payload) => Buffer.from(payload).toString('latin1')),
          );
        },
      ),
    );
  });
});

describe('chains of 16 MiB packets', () => {
  test.each([
    ['one byte less', 0xfffffe, 1],
    ['exactly the limit: an empty packet follows', 0xffffff, 2],
    ['one byte more', 0x1000000, 2],
    ['two full packets and an empty one', 2 * 0xffffff, 3],
  ])('%s', (_name, length, frames) => {
    const payload = Buffer.alloc(length, 'a');
    const stream = packet(0, payload);
    expect(stream.length).toBe(length + 4 * frames);
    const { payloads, answers } = parse([stream.subarray(0, 70_000), stream.subarray(70_000)]);
    expect(payloads.map((text) => text.length)).toEqual([length]);
    expect(answers).toEqual([frames]);
  });
});

describe('faults', () => {
  const fault = (run: () => unknown): FramingError => {
    try {
      run();
    } catch (error) {
      if (error instanceof FramingError) return error;
    }
    throw new Error('no FramingError');
  };

  test('a wrong sequence id', () => {
    expect(fault(() => parse([packet(1, 'x')]))).toMatchObject({
      code: 'ER_NET_PACKETS_OUT_OF_ORDER',
      answerSequenceId: 2,
    });
  });

  test('a packet larger than allowed is refused by its header alone', () => {
    expect(fault(() => parse([packet(0, Buffer.alloc(101)).subarray(0, 4)], 100))).toMatchObject({
      code: 'ER_NET_PACKET_TOO_LARGE',
      answerSequenceId: 1,
    });
    expect(parse([packet(0, Buffer.alloc(100))], 100).payloads).toHaveLength(1);
  });

  test('a chain larger than allowed is refused at the packet that goes beyond', () => {
    const stream = packet(0, Buffer.alloc(0xffffff + 10));
    expect(fault(() => parse([stream], 0xffffff + 9))).toMatchObject({
      code: 'ER_NET_PACKET_TOO_LARGE',
      answerSequenceId: 2,
    });
  });
});
