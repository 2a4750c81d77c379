/**
 * Bytes of a connection -> pieces of packets, without assembling any.
 *
 *   packet := u24 payload length | u8 sequence id | payload
 *   a payload of 2^24 - 1 bytes or more is a chain of such packets; the last one is shorter (maybe empty)
 *
 * The parser is pulled: `feed` it a chunk, then call `next` until it says 'needInput'. So whoever pulls can stop at
 * any byte (a statement that is being executed, a scanner that is full) and the rest of the chunk simply waits. Pieces are ranges of
 * the chunk fed last; nothing is copied, and a chain of packets reads as one packet with more pieces.
 *
 * Chunks may be cut anywhere, inside a header too. Sequence ids are checked: within a packet they go on, wrapping at 255; a new command
 * begins at 0, a reply in the connection phase where the server's last packet left off.
 */

const HEADER_BYTES = 4;
const CHAIN_LENGTH = 0xffffff;

export type ParserStep = 'needInput' | 'piece' | 'end';

export type FramingFault = 'ER_NET_PACKET_TOO_LARGE' | 'ER_NET_PACKETS_OUT_OF_ORDER';

/** The stream can't be read on: what the client is told, and that the connection must end. */
export class FramingError extends Error {
  readonly code: FramingFault;
  /** What our answer must be numbered, so that the client reads it. */
  readonly answerSequenceId: number;

  constructor(code: FramingFault, answerSequenceId: number) {
    super(`framing: ${code}`);
    this.name = 'FramingError';
    this.code = code;
    this.answerSequenceId = answerSequenceId;
  }
}

export class PacketParser {
  /** The chunk that `pieceStart` and `pieceEnd` are offsets of. */
  chunk: Uint8Array = EMPTY;
  pieceStart = 0;
  pieceEnd = 0;

  #offset = 0;
  #headerBytes = 0;
  #headerLength = 0;
  #expectedSequenceId = 0;
  #payloadBytesMax: number;
  /** Of the whole chain so far. */
  #payloadBytes = 0;
  /** Of the current packet of the chain. Invariant: 0 <= #frameRest <= #headerLength. */
  #frameRest = 0;
  #state: 'header' | 'body' | 'end' = 'header';
  #inside = false;

  constructor(payloadBytesMax: number) {
    this.#payloadBytesMax = payloadBytesMax;
  }

  /** Sequence id of the packet that answers the one read last. */
  get answerSequenceId(): number {
    return this.#expectedSequenceId;
  }

  /** Whether a packet has begun and not ended: its sender is expected to go on. */
  get isInsidePacket(): boolean {
    return this.#inside;
  }

  /** Whether `next` can say anything but 'needInput' without another chunk. */
  get hasMore(): boolean {
    return this.#state === 'end' || this.#offset < this.chunk.length;
  }

  /** How many bytes the current packet (not chain) announced to follow the piece read last. */
  get comingBytes(): number {
    return this.#frameRest;
  }

  /** Requires: between packets. The next one must carry this id; 0 for a command. */
  expectSequenceId(id: number): void {
    this.#expectedSequenceId = id & 0xff;
  }

  /** Longest payload from the next packet on. */
  limitPayload(bytesMax: number): void {
    this.#payloadBytesMax = bytesMax;
  }

  /** Requires: `next` has said 'needInput'. The chunk must not change while the parser reads it; see `keepRest`. */
  feed(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.#offset = 0;
  }

  /** What is left of the chunk is read from a copy: the chunk itself may change from now on. */
  keepRest(): void {
    const rest = this.chunk.length - this.#offset;
    this.chunk = rest === 0 ? EMPTY : new Uint8Array(this.chunk.subarray(this.#offset));
    this.#offset = 0;
  }

  /** Throws FramingError; the parser is useless afterwards. */
  next(): ParserStep {
    for (;;) {
      if (this.#state === 'header') {
        if (!this.#readHeader()) return 'needInput';
      } else if (this.#state === 'body') {
        const available = this.chunk.length - this.#offset;
        if (this.#frameRest > 0) {
          if (available === 0) return 'needInput';
          const length = Math.min(available, this.#frameRest);
          this.pieceStart = this.#offset;
          this.pieceEnd = this.#offset + length;
          this.#offset += length;
          this.#frameRest -= length;
          if (this.#frameRest === 0) this.#endFrame();
          return 'piece';
        }
        this.#endFrame();
      } else {
        this.#state = 'header';
        this.#inside = false;
        this.#payloadBytes = 0;
        return 'end';
      }
    }
  }

  #endFrame(): void {
    this.#state = this.#headerLength === CHAIN_LENGTH ? 'header' : 'end';
  }

  /** Takes header bytes from the chunk; true when the header is complete. */
  #readHeader(): boolean {
    while (this.#headerBytes < HEADER_BYTES) {
      if (this.#offset >= this.chunk.length) return false;
      const byte = this.chunk[this.#offset++] ?? 0;
      if (this.#headerBytes === 0) this.#headerLength = byte;
      else if (this.#headerBytes === 1) this.#headerLength |= byte << 8;
      else if (this.#headerBytes === 2) this.#headerLength |= byte << 16;
      else this.#checkSequenceId(byte);
      this.#headerBytes++;
    }
    this.#headerBytes = 0;
    this.#inside = true;
    this.#frameRest = this.#headerLength;
    this.#payloadBytes += this.#headerLength;
    if (this.#payloadBytes > this.#payloadBytesMax) {
      throw new FramingError('ER_NET_PACKET_TOO_LARGE', this.#expectedSequenceId);
    }
    this.#state = 'body';
    return true;
  }

  #checkSequenceId(id: number): void {
    if (id !== this.#expectedSequenceId) {
      throw new FramingError('ER_NET_PACKETS_OUT_OF_ORDER', (id + 1) & 0xff);
    }
    this.#expectedSequenceId = (id + 1) & 0xff;
  }
}

const EMPTY = new Uint8Array(0);
