/** Packets as a client makes and reads them, written independently of the server's own code. */

export interface Packet {
  readonly sequenceId: number;
  readonly payload: Buffer;
}

/** `spaced hex` -> bytes. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/[^0-9a-f]/gi, ''), 'hex');
}

/** One payload, cut into a chain where it must be. */
export function packet(sequenceId: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload as Uint8Array);
  const parts: Buffer[] = [];
  let id = sequenceId;
  let from = 0;
  for (;;) {
    const length = Math.min(bytes.length - from, 0xffffff);
    const header = Buffer.alloc(4);
    header.writeUIntLE(length, 0, 3);
    header[3] = id++ & 0xff;
    parts.push(header, bytes.subarray(from, from + length));
    from += length;
    if (length < 0xffffff) return Buffer.concat(parts);
  }
}

/** All complete packets of a stream; chains are not joined. */
export function packetsOf(stream: Buffer): Packet[] {
  const packets: Packet[] = [];
  let at = 0;
  while (at + 4 <= stream.length) {
    const length = stream.readUIntLE(at, 3);
    if (at + 4 + length > stream.length) break;
    packets.push({
      sequenceId: stream.readUInt8(at + 3),
      payload: stream.subarray(at + 4, at + 4 + length),
    });
    at += 4 + length;
  }
  return packets;
}

/** COM_QUERY and the like: a command byte and text. */
export function command(byte: number, rest: Uint8Array | string = ''): Buffer {
  return packet(0, Buffer.concat([Uint8Array.of(byte), Buffer.from(rest as Uint8Array)]));
}

/** The parts of an ERR packet's payload. */
export function errorOf(payload: Buffer): { errno: number; sqlState: string; text: string } {
  if (payload[0] !== 0xff) throw new Error(`not an ERR packet: ${payload.toString('hex')}`);
  return {
    errno: payload.readUInt16LE(1),
    sqlState: payload.toString('latin1', 4, 9),
    text: payload.toString('utf8', 9),
  };
}
