/** Packets of the MySQL protocol that a client sends: a header of length and sequence number, then the command. */

/** Of one packet; larger commands would have to be cut, and the benchmarks' are not that large. */
const MAX_PAYLOAD = 0xffffff;
export const HEADER_BYTES = 4;

const COM_QUERY = 0x03;

/** Room for a command of `length` bytes behind a filled-in header. */
export function emptyPacket(length: number): Buffer {
  if (length >= MAX_PAYLOAD) throw new RangeError(`a command of ${length} bytes is too large`);
  const packet = Buffer.allocUnsafe(HEADER_BYTES + length);
  packet.writeUIntLE(length, 0, 3);
  packet[3] = 0;
  return packet;
}

/** A command and the text that follows it. */
export function textPacket(command: number, text: string): Buffer {
  const packet = emptyPacket(Buffer.byteLength(text) + 1);
  packet[HEADER_BYTES] = command;
  packet.write(text, HEADER_BYTES + 1);
  return packet;
}

export function queryPacket(sql: string): Buffer {
  return textPacket(COM_QUERY, sql);
}
