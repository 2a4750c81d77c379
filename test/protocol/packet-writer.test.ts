/** The bytes of the cell primitives, text and binary, and rows larger than one packet. */

import fc from 'fast-check';
import { ChunkPool, LARGE_CHUNK_BYTES, SMALL_CHUNK_BYTES } from '../../protocol/chunk-pool.js';
import { PacketReader } from '../../protocol/packet-reader.js';
import {
  HIGH_WATER_BYTES,
  LENT_BYTES_MIN,
  PacketWriter,
  SLICE_BYTES,
} from '../../protocol/packet-writer.js';
import { CapturedOutput } from './support/captured-output.js';
import { hex, packet, packetsOf } from './support/packets.js';

function fixture(isTaking = true) {
  const output = new CapturedOutput(isTaking);
  const pool = new ChunkPool();
  return { output, pool, writer: new PacketWriter(output, pool) };
}

/** Payload of a packet written by `write`. */
function payloadOf(write: (writer: PacketWriter) => void): Buffer {
  const { output, writer } = fixture();
  writer.beginPacket();
  write(writer);
  writer.endPacket();
  writer.flush();
  const bytes = output.bytes();
  expect(bytes.readUIntLE(0, 3)).toBe(bytes.length - 4);
  return bytes.subarray(4);
}

describe('primitives, byte by byte', () => {
  const cases: readonly (readonly [string, (writer: PacketWriter) => void, string])[] = [
    ['int8', (w) => w.int8(0xab), 'ab'],
    ['int16', (w) => w.int16(0xabcd), 'cdab'],
    ['int24', (w) => w.int24(0xabcdef), 'efcdab'],
    ['int32', (w) => w.int32(0x89abcdef), 'efcdab89'],
    ['int32 negative', (w) => w.int32(-2), 'feffffff'],
    ['int64', (w) => w.int64(-1, 0xfffffffe), 'feffffffffffffff'],
    ['int64 of a number', (w) => w.int64FromNumber(-5_000_000_000), '000efad5feffffff'],
    ['int64 of the largest', (w) => w.int64FromNumber(Number.MAX_SAFE_INTEGER), 'ffffffffffff1f00'],
    ['float32', (w) => w.float32(1.5), '0000c03f'],
    ['float64', (w) => w.float64(-2.25), '00000000000002c0'],
    ['lenenc 250', (w) => w.lenencInteger(250), 'fa'],
    ['lenenc 251', (w) => w.lenencInteger(251), 'fcfb00'],
    ['lenenc 65535', (w) => w.lenencInteger(65535), 'fcffff'],
    ['lenenc 65536', (w) => w.lenencInteger(65536), 'fd000001'],
    ['lenenc 2^24', (w) => w.lenencInteger(2 ** 24), 'fe0000000100000000'],
    ['lenenc bigint', (w) => w.lenencInteger(2n ** 64n - 1n), 'feffffffffffffffff'],
    ['lenenc small bigint', (w) => w.lenencInteger(7n), '07'],
    ['lenenc string', (w) => w.lenencString('é'), '02c3a9'],
    ['lenenc bytes', (w) => w.lenencBytes(hex('00112233'), 1, 3), '021122'],
    ['zero-ended string', (w) => w.zeroEndedString('ab'), '616200'],
    ['NULL of a text row', (w) => w.nullText(), 'fb'],
    ['text integer', (w) => w.textInteger(-42), '032d3432'],
    [
      'text integer64',
      (w) => w.textInteger64(0x80000000, 0, true),
      Buffer.from('\x139223372036854775808', 'latin1').toString('hex'),
    ],
    ['text double', (w) => w.textDouble(1e20), '0431653230'],
    ['text float', (w) => w.textFloat(Math.fround(0.1)), '03302e31'],
    [
      'text datetime',
      (w) => w.textDateTime(2026, 3, 4, 5, 6, 7, 0, 0),
      Buffer.from('\x132026-03-04 05:06:07', 'latin1').toString('hex'),
    ],
    [
      'text datetime(3)',
      (w) => w.textDateTime(2026, 3, 4, 5, 6, 7, 89_999, 3),
      Buffer.from('\x172026-03-04 05:06:07.089', 'latin1').toString('hex'),
    ],
    [
      'text datetime(6)',
      (w) => w.textDateTime(1, 1, 1, 0, 0, 0, 1, 6),
      Buffer.from('\x1a0001-01-01 00:00:00.000001', 'latin1').toString('hex'),
    ],
    [
      'text date',
      (w) => w.textDate(2026, 12, 31),
      Buffer.from('\x0a2026-12-31', 'latin1').toString('hex'),
    ],
    [
      'text time',
      (w) => w.textTime(true, 838, 59, 58, 123_000, 2),
      Buffer.from('\x0d-838:59:58.12', 'latin1').toString('hex'),
    ],
    [
      'text time, short',
      (w) => w.textTime(false, 1, 2, 3, 0, 0),
      Buffer.from('\x0801:02:03', 'latin1').toString('hex'),
    ],
    [
      'datetime, 11 bytes',
      (w) => w.dateTime(2026, 11, 22, 19, 26, 17, 871_464),
      '0bea070b16131a11284c0d00',
    ],
    ['datetime, 7 bytes', (w) => w.dateTime(2026, 11, 22, 19, 26, 17, 0), '07ea070b16131a11'],
    ['datetime, 4 bytes', (w) => w.dateTime(2026, 11, 22, 0, 0, 0, 0), '04ea070b16'],
    ['datetime, zero', (w) => w.dateTime(0, 0, 0, 0, 0, 0, 0), '00'],
    ['date', (w) => w.date(2026, 11, 22), '04ea070b16'],
    ['time, 12 bytes', (w) => w.time(true, 34, 22, 59, 58, 1), '0c0122000000163b3a01000000'],
    ['time, 8 bytes', (w) => w.time(false, 0, 1, 2, 3, 0), '080000000000010203'],
    ['time, zero', (w) => w.time(false, 0, 0, 0, 0, 0), '00'],
  ];
  test.each(cases)('%s', (_name, write, expected) => {
    expect(payloadOf(write).toString('hex')).toBe(expected);
  });

  test('a reserved bitmap is filled in later, also after the packet moved to another chunk', () => {
    const payload = payloadOf((w) => {
      w.int8(0);
      const place = w.reserve(2);
      w.bytes(Buffer.alloc(3 * LARGE_CHUNK_BYTES, 1), 0, 3 * LARGE_CHUNK_BYTES);
      w.setBit(place, 2);
      w.setBit(place, 9);
    });
    expect(payload.subarray(0, 4).toString('hex')).toBe('00040201');
    expect(payload.length).toBe(3 + 3 * LARGE_CHUNK_BYTES);
  });
});

describe('lenenc integers read back', () => {
  test('any safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(new PacketReader(payloadOf((w) => w.lenencInteger(value))).lenencInteger()).toBe(
          value,
        );
      }),
    );
  });

  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400, unit: 'grapheme' }), (text) => {
        expect(new PacketReader(payloadOf((w) => w.lenencString(text))).lenencString()).toBe(text);
      }),
    );
  });
});

describe('packets and chunks', () => {
  test('headers carry length and running sequence ids, wrapping at 255', () => {
    const { output, writer } = fixture();
    writer.sequenceId = 254;
    for (const text of ['a', 'bc', '']) {
      writer.beginPacket();
      writer.string(text);
      writer.endPacket();
    }
    writer.flush();
    expect(output.hex()).toBe('010000fe61' + '020000ff6263' + '00000000');
    expect(output.writes).toHaveLength(1);
  });

  test('packets of any size come out whole and in order, whatever the chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(300), fc.nat(3 * LARGE_CHUNK_BYTES)), {
          minLength: 1,
          maxLength: 12,
        }),
        (sizes) => {
          const { output, pool, writer } = fixture();
          sizes.forEach((size, index) => {
            writer.beginPacket();
            for (let rest = size; rest > 0; rest -= Math.min(rest, 1000)) {
              const part = Buffer.alloc(Math.min(rest, 1000), index);
              writer.bytes(part, 0, part.length);
            }
            writer.endPacket();
          });
          writer.flush();
          const expected = Buffer.concat(
            sizes.map((size, index) => packet(index, Buffer.alloc(size, index))),
          );
          expect(output.bytes().equals(expected)).toBe(true);
          expect(writer.bufferedBytes).toBe(0);
          expect(writer.writtenBytesTotal).toBe(expected.length);
          const free = pool.freeCount();
          expect(free.small + free.large).toBeGreaterThan(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('an abandoned packet leaves no trace', () => {
    const { output, writer } = fixture();
    writer.beginPacket();
    writer.string('kept');
    writer.endPacket();
    writer.beginPacket();
    writer.bytes(Buffer.alloc(2 * LARGE_CHUNK_BYTES), 0, 2 * LARGE_CHUNK_BYTES);
    writer.abandonPacket();
    writer.beginPacket();
    writer.string('too');
    writer.endPacket();
    writer.flush();
    expect(output.bytes().equals(Buffer.concat([packet(0, 'kept'), packet(1, 'too')]))).toBe(true);
  });

  test.each([0xfffffe, 0xffffff, 0x1000000, 2 * 0xffffff + 5])(
    'a payload of %d bytes leaves as a chain',
    (length) => {
      const { output, writer } = fixture();
      const payload = Buffer.alloc(length, 'z');
      payload.write('start', 0);
      payload.write('end', length - 3);
      writer.beginPacket();
      writer.string('before');
      writer.endPacket();
      writer.beginPacket();
      writer.bytes(payload, 0, length);
      writer.endPacket();
      writer.beginPacket();
      writer.string('after');
      writer.endPacket();
      writer.flush();
      const chain = packet(1, payload);
      const next = packetsOf(chain).length + 1;
      expect(
        output.bytes().equals(Buffer.concat([packet(0, 'before'), chain, packet(next, 'after')])),
      ).toBe(true);
    },
  );

  test('an idle writer holds no chunk, and chunks are used again', () => {
    const { pool, writer } = fixture();
    for (let round = 0; round < 100; round++) {
      writer.beginPacket();
      writer.string('ok');
      writer.endPacket();
      writer.flush();
    }
    expect(pool.freeCount()).toEqual({ small: 1, large: 0 });
    expect(pool.take(1).length).toBe(SMALL_CHUNK_BYTES);
  });
});

describe('long values are lent until their packet ends', () => {
  const value = (length: number, seed: number): Buffer => {
    const bytes = Buffer.alloc(length, seed);
    bytes.write(`value ${seed}`);
    return bytes;
  };

  /** A packet behind a short one, of these cells; the payload that is expected of it. */
  function writeCells(writer: PacketWriter, lengths: readonly number[]): Buffer {
    writer.beginPacket();
    writer.string('before');
    writer.endPacket();
    const parts: Buffer[] = [];
    writer.beginPacket();
    lengths.forEach((length, seed) => {
      const bytes = value(length + 2, seed);
      writer.lenencBytes(bytes, 1, length + 1);
      const prefix = payloadOf((other) => other.lenencInteger(length));
      parts.push(prefix, bytes.subarray(1, length + 1));
    });
    return Buffer.concat(parts);
  }

  /** What came out, then a packet more. */
  function expectOut(
    { output, writer }: ReturnType<typeof fixture>,
    payload: Buffer,
    last: string,
  ): void {
    writer.beginPacket();
    writer.string(last);
    writer.endPacket();
    writer.flush();
    output.take();
    const chain = packet(1, payload);
    const next = packetsOf(chain).length + 1;
    const expected = Buffer.concat([packet(0, 'before'), chain, packet(next, last)]);
    expect(Buffer.compare(output.bytes(), expected)).toBe(0);
    expect(writer.bufferedBytes).toBe(0);
  }

  const cellLength = fc.oneof(
    fc.nat(300),
    fc.integer({ min: LENT_BYTES_MIN - 1, max: LENT_BYTES_MIN + 1 }),
    fc.integer({ min: LENT_BYTES_MIN, max: 5 * LENT_BYTES_MIN }),
  );

  test('the same bytes come out as of short ones, a slice at a time', () => {
    fc.assert(
      fc.property(fc.array(cellLength, { minLength: 1, maxLength: 6 }), (lengths) => {
        const scene = fixture();
        const { writer } = scene;
        const payload = writeCells(writer, lengths);
        expect(writer.hasLentBytes).toBe(lengths.some((length) => length >= LENT_BYTES_MIN));
        if (writer.hasLentBytes) {
          const slices = writer.endPacketInSlices();
          const written = (): number => writer.writtenBytesTotal + writer.bufferedBytes;
          for (let before = packet(0, 'before').length, done = false; !done;) {
            done = slices.next().done === true;
            expect(written() - before).toBeLessThanOrEqual(SLICE_BYTES + 4);
            before = written();
          }
        } else {
          writer.endPacket();
        }
        expectOut(scene, payload, 'after');
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  test.each([0xfffffe, 0xffffff, 0x1000000, 2 * 0xffffff])(
    'a payload of %d bytes leaves as a chain',
    (length) => {
      const scene = fixture();
      // A cell, and a long one with its length of 4 or 9 bytes.
      const rest = length - 6;
      const payload = writeCells(scene.writer, [5, rest - (rest - 4 < 0x1000000 ? 4 : 9)]);
      expect(payload.length).toBe(length);
      scene.writer.endPacket();
      expectOut(scene, payload, 'after');
    },
  );

  test('a socket that takes nothing gets a bounded number of bytes', () => {
    const scene = fixture(false);
    const { output, writer } = scene;
    const payload = writeCells(writer, [8 * 1024 * 1024]);
    const slices = writer.endPacketInSlices();
    while (slices.next().done !== true) {
      expect(writer.bufferedBytes).toBeLessThanOrEqual(HIGH_WATER_BYTES + 2 * LARGE_CHUNK_BYTES);
      if (writer.isBlocked) output.take();
    }
    expectOut(scene, payload, 'after');
  });

  test('an abandoned packet leaves none behind', () => {
    const { output, writer } = fixture();
    writeCells(writer, [LENT_BYTES_MIN]);
    writer.abandonPacket();
    writer.beginPacket();
    writer.string('too');
    writer.endPacket();
    writer.flush();
    expect(output.bytes().equals(Buffer.concat([packet(0, 'before'), packet(1, 'too')]))).toBe(
      true,
    );
  });
});

describe('back-pressure', () => {
  const writeMuch = (writer: PacketWriter): number => {
    let packets = 0;
    while (!writer.isBlocked && packets < 100_000) {
      writer.beginPacket();
      writer.bytes(Buffer.alloc(1000), 0, 1000);
      writer.endPacket();
      packets++;
    }
    return packets;
  };

  test('a socket that takes nothing blocks the writer at a bounded number of bytes', async () => {
    const { output, writer } = fixture(false);
    writeMuch(writer);
    expect(writer.isBlocked).toBe(true);
    expect(writer.bufferedBytes).toBeLessThanOrEqual(HIGH_WATER_BYTES + 2 * LARGE_CHUNK_BYTES);
    let drained = false;
    const waiting = writer.drained().then(() => {
      drained = true;
    });
    output.take(1);
    await Promise.resolve();
    expect(drained).toBe(false);
    output.take();
    await waiting;
    expect(writer.isBlocked).toBe(false);
    writer.flush();
    output.take();
    expect(writer.bufferedBytes).toBe(0);
  });

  test('a broken connection rejects who waits, and swallows what follows', async () => {
    const { output, writer } = fixture(false);
    writeMuch(writer);
    const waiting = writer.drained();
    const written = output.writes.length;
    writer.fail(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await expect(writer.drained()).rejects.toThrow('gone');
    writer.beginPacket();
    writer.string('nobody reads this');
    writer.endPacket();
    writer.flush();
    expect(output.writes).toHaveLength(written);
  });
});
