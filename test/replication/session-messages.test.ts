/** Messages of a running link: what is encoded comes back, what is wrong is refused by name of the field. */

import fc from 'fast-check';
import { LinkProtocolError } from '../../replication/index.js';
import { packFields } from '../../replication/message-reader.js';
import {
  decodeConfirm,
  decodeEnd,
  decodeHeartbeat,
  decodePieceHeader,
  decodeSeal,
  decodeVoided,
  encodeConfirm,
  encodeEnd,
  encodeHeartbeat,
  encodePieceHeader,
  encodeSeal,
  encodeVoided,
} from '../../replication/session-messages.js';

const hex = (digits: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: digits / 2, maxLength: digits / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
const count = fc.maxSafeNat();

describe('decode(encode(x)) = x', () => {
  test('confirm', () => {
    const confirm = fc.record({
      incarnation: hex(16),
      received: count,
      durable: count,
      applied: count,
      releasedBytes: count,
    });
    fc.assert(
      fc.property(confirm, (value) => expect(decodeConfirm(encodeConfirm(value))).toEqual(value)),
    );
  });

  test('heartbeat', () => {
    const heartbeat = fc.record({
      number: count,
      wallMs: fc.double({ min: 0, max: 4e12, noNaN: true }).map((value) => value + 0),
      incarnation: hex(16),
      sequence: count,
      durable: count,
      bound: count,
      isReady: fc.boolean(),
      want: count,
      grant: count,
      echo: count,
      echoHeldMs: fc.double({ min: 0, max: 1e6, noNaN: true }).map((value) => value + 0),
    });
    fc.assert(
      fc.property(heartbeat, (value) => {
        expect(decodeHeartbeat(encodeHeartbeat(value))).toEqual(value);
      }),
    );
  });

  test('piece header', () => {
    const header = fc.record({
      incarnation: hex(16),
      firstSequence: count,
      chunkBytes: fc.nat(0xffffffff),
      offset: fc.nat(0xffffffff),
      lastHash: hex(32),
    });
    fc.assert(
      fc.property(header, (value) => {
        const payload = Buffer.concat([encodePieceHeader(value), Uint8Array.of(1)]);
        expect(decodePieceHeader(payload)).toEqual(value);
      }),
    );
  });

  test('seal, end and void', () => {
    const seal = { incarnation: 'a'.repeat(16), number: 3, firstSequence: 5, lastSequence: 9 };
    for (const digest of ['b'.repeat(64), null]) {
      expect(decodeSeal(encodeSeal({ ...seal, digest }))).toEqual({ ...seal, digest });
    }
    const end = { incarnation: 'a'.repeat(16), sequence: 2 ** 40, hash: 'c'.repeat(32) };
    expect(decodeEnd(encodeEnd(end))).toEqual(end);
    expect(decodeVoided(encodeVoided('EIO'))).toBe('EIO');
  });
});

test('a confirm stands in its bytes as PROTOCOL.md draws it', () => {
  const bytes = encodeConfirm({
    incarnation: '0123456789abcdef',
    received: 3,
    durable: 2,
    applied: 1,
    releasedBytes: 2 ** 32 + 1,
  });
  expect(Buffer.from(bytes).toString('hex')).toBe(
    '0123456789abcdef' +
      '0300000000000000' +
      '0200000000000000' +
      '0100000000000000' +
      '0100000001000000',
  );
});

describe('what is wrong is a LinkProtocolError', () => {
  test.each([
    ['a short confirm', () => decodeConfirm(new Uint8Array(39))],
    ['a count above 2^53', () => decodeConfirm(new Uint8Array(40).fill(0xff))],
    ['a piece without records', () => decodePieceHeader(new Uint8Array(40))],
    ['no msgpack', () => decodeEnd(Uint8Array.of(0xc1))],
    ['no array', () => decodeEnd(Uint8Array.of(1))],
    ['too few fields', () => decodeEnd(packFields(['a'.repeat(16)]))],
    ['too many fields', () => decodeVoided(packFields(['x', 1]))],
    ['hex of another length', () => decodeEnd(packFields(['abc', 1, 'c'.repeat(32)]))],
    ['no hex', () => decodeEnd(packFields(['z'.repeat(16), 1, 'c'.repeat(32)]))],
    ['a fraction', () => decodeEnd(packFields(['a'.repeat(16), 1.5, 'c'.repeat(32)]))],
    ['a negative count', () => decodeEnd(packFields(['a'.repeat(16), -1, 'c'.repeat(32)]))],
  ])('%s', (_, decode) => {
    expect(decode).toThrow(LinkProtocolError);
  });

  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const decode of [decodeHeartbeat, decodeSeal, decodeEnd, decodeVoided]) {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(LinkProtocolError);
          }
        }
      }),
    );
  });
});
