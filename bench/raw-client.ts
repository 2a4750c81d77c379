/**
 * The thinnest MySQL client there is: logs in as root without a password and then sends packets that were rendered beforehand, one at a
 * time, looking only at the first byte of each answer. What a driver costs is no part of what is measured.
 */

import { connect, type Socket } from 'node:net';
import { HEADER_BYTES, textPacket } from './mysql-packet.js';

const CLIENT_LONG_PASSWORD = 0x1;
const CLIENT_CONNECT_WITH_DB = 0x8;
const CLIENT_PROTOCOL_41 = 0x200;
const CLIENT_SECURE_CONNECTION = 0x8000;
const CLIENT_PLUGIN_AUTH = 0x80000;
const COM_STMT_PREPARE = 0x16;
const UTF8MB4_BIN = 46;
const PACKET_MAX = 0x1000000;
/** Received at a time. */
const RECEIVED_BYTES = 16 * 1024;

const OK = 0x00;
const ERR = 0xff;
const AUTH_SWITCH = 0xfe;
const AUTH_MORE = 0x01;

export class ServerError extends Error {
  readonly errno: number;

  constructor(errno: number, text: string) {
    super(`${errno}: ${text}`);
    this.errno = errno;
  }
}

export class RawClient {
  readonly protocol = 'mysql';
  readonly socket: Socket;
  /** Bytes that no packet was made of. */
  #received: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  /** What an OK that comes by itself resolves, past `#received`. */
  #onOk: (() => void) | null = null;
  #closed: Error | null = null;

  private constructor(port: number) {
    // Into one buffer and past the streams, which cost the generator as much as the sending.
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(RECEIVED_BYTES),
        callback: (bytesWritten, buffer) => {
          this.#take(buffer, bytesWritten);
          return true;
        },
      },
    });
    this.socket = socket;
    const onEnd = (error?: Error): void => {
      this.#closed = error ?? new Error('connection closed by the server');
      this.#wake?.();
    };
    socket.on('error', onEnd);
    socket.on('close', () => onEnd());
  }

  static async open(port: number, database: string | null): Promise<RawClient> {
    const client = new RawClient(port);
    const socket = client.socket;
    const greeting = await client.#packet();
    if (greeting[0] === ERR) throw toError(greeting);
    socket.write(loginPacket(database));
    for (;;) {
      const answer = await client.#packet();
      if (answer[0] === OK) return client;
      if (answer[0] === ERR) throw toError(answer);
      if (answer[0] === AUTH_SWITCH) socket.write(Buffer.from([0, 0, 0, 3]));
      else if (answer[0] !== AUTH_MORE) throw new Error(`unexpected login answer ${answer[0]}`);
    }
  }

  /** Prepares a statement that returns no rows, and resolves to its id. */
  async prepare(sql: string): Promise<number> {
    this.socket.write(textPacket(COM_STMT_PREPARE, sql));
    const answer = await this.#packet();
    if (answer[0] === ERR) throw toError(answer);
    const id = answer.readUInt32LE(1);
    const parameters = answer.readUInt16LE(7);
    // Behind the parameters' definitions comes one EOF packet.
    for (let left = parameters === 0 ? 0 : parameters + 1; left > 0; left--) await this.#packet();
    return id;
  }

  /** Sends one whole packet and resolves when the server says OK; rejects with ServerError on ERR. */
  send(packet: Buffer): Promise<void> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    this.socket.write(packet);
    return new Promise((resolve, reject) => {
      this.#onOk = resolve;
      this.#wake = () => {
        this.#onOk = null;
        this.#packet().then((answer) => {
          if (answer[0] === ERR) reject(toError(answer));
          else resolve();
        }, reject);
      };
    });
  }

  close(): void {
    this.socket.destroy();
  }

  /** The bytes are in the buffer only for now. */
  #take(buffer: Uint8Array, length: number): void {
    const onOk = this.#onOk;
    if (onOk !== null && isOnePacket(buffer, length) && buffer[HEADER_BYTES] === OK) {
      this.#onOk = null;
      this.#wake = null;
      onOk();
      return;
    }
    this.#received = Buffer.concat([this.#received, buffer.subarray(0, length)]);
    this.#wake?.();
  }

  async #packet(): Promise<Buffer> {
    for (;;) {
      if (this.#received.length >= 4) {
        const length = this.#received.readUIntLE(0, 3);
        if (this.#received.length >= 4 + length) {
          const payload = this.#received.subarray(4, 4 + length);
          this.#received = this.#received.subarray(4 + length);
          return payload;
        }
      }
      if (this.#closed !== null) throw this.#closed;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }
}

function isOnePacket(bytes: Uint8Array, length: number): boolean {
  if (length <= HEADER_BYTES) return false;
  return HEADER_BYTES + (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16)) === length;
}

function loginPacket(database: string | null): Buffer {
  let flags =
    CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH;
  if (database !== null) flags |= CLIENT_CONNECT_WITH_DB;
  const head = Buffer.alloc(32);
  head.writeUInt32LE(flags, 0);
  head.writeUInt32LE(PACKET_MAX, 4);
  head[8] = UTF8MB4_BIN;
  const tail = Buffer.from(
    `root\0\0${database === null ? '' : `${database}\0`}mysql_native_password\0`,
    'latin1',
  );
  const header = Buffer.alloc(4);
  header.writeUIntLE(head.length + tail.length, 0, 3);
  header[3] = 1;
  return Buffer.concat([header, head, tail]);
}

function toError(packet: Buffer): ServerError {
  return new ServerError(packet.readUInt16LE(1), packet.toString('utf8', 9));
}
