/** A payload that leaves as one packet, or as several where it is too long for one. */

export const PACKET_HEADER_BYTES = 4;
/** A payload of exactly this length says that another packet of the same payload follows. */
export const PACKET_PAYLOAD_BYTES_MAX = 0xffffff;

/** A payload cut into packets: all but the last have PACKET_PAYLOAD_BYTES_MAX. */
export class PacketChain {
  /** Of the payload, not in a packet yet; null = the last one is begun. */
  #leftBytes: number | null;
  /** Of the packet begun last. */
  restBytes = 0;

  constructor(payloadBytes: number) {
    this.#leftBytes = payloadBytes;
  }

  get isHeaderDue(): boolean {
    return this.restBytes === 0 && this.#leftBytes !== null;
  }

  /** The next packet's length. Requires: its header is due. */
  nextLength(): number {
    const left = this.#leftBytes ?? 0;
    const length = Math.min(left, PACKET_PAYLOAD_BYTES_MAX);
    this.#leftBytes = length < PACKET_PAYLOAD_BYTES_MAX ? null : left - length;
    this.restBytes = length;
    return length;
  }

  take(bytes: number): void {
    this.restBytes -= bytes;
  }
}
