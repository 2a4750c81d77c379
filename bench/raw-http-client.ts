/**
 * The thinnest HTTP client there is: sends whole requests that were rendered beforehand over one connection that is kept, one at a
 * time, and reads no more of an answer than its status and where it ends.
 */

import { connect, type Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

export class RawHttpClient {
  readonly protocol = 'http';
  readonly socket: Socket;
  #received = '';
  #wake: (() => void) | null = null;
  #closed: Error | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#received += chunk;
      this.#wake?.();
    });
    const onEnd = (error?: Error): void => {
      this.#closed = error ?? new Error('connection closed by the server');
      this.#wake?.();
    };
    socket.on('error', onEnd);
    socket.on('close', () => onEnd());
  }

  static open(port: number): Promise<RawHttpClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawHttpClient(socket)));
    });
  }

  /** Resolves to the body of a 2xx answer; rejects on any other. */
  async send(request: Buffer): Promise<void> {
    await this.exchange(request);
  }

  async exchange(request: Buffer): Promise<string> {
    this.socket.write(request);
    for (;;) {
      const answer = this.#takeAnswer();
      if (answer !== null) {
        if (!answer.status.startsWith('2')) throw new Error(`${answer.status}: ${answer.body}`);
        return answer.body;
      }
      if (this.#closed !== null) throw this.#closed;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }

  close(): void {
    this.socket.destroy();
  }

  /** Null until the answer is complete. */
  #takeAnswer(): { readonly status: string; readonly body: string } | null {
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return null;
    const head = this.#received.slice(0, headEnd);
    const bodyAt = headEnd + HEAD_END.length;
    const status = head.slice(9, 12);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    let end: number;
    if (length !== undefined) end = bodyAt + Number(length);
    else if (/^transfer-encoding: *chunked/im.test(head)) {
      const last = this.#received.indexOf(LAST_CHUNK, bodyAt);
      if (last < 0) return null;
      end = last + LAST_CHUNK.length;
    } else end = bodyAt;
    if (this.#received.length < end) return null;
    const body = this.#received.slice(bodyAt, end);
    this.#received = this.#received.slice(end);
    return { status, body };
  }
}

/** A POST of `body`; `path` is already encoded. */
export function postRequest(path: string, body: string): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** One request over a connection of its own: a POST of `body`, or a GET without one. */
export async function httpRequest(port: number, path: string, body?: string): Promise<string> {
  const client = await RawHttpClient.open(port);
  try {
    return await client.exchange(
      body === undefined
        ? Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
        : postRequest(path, body),
    );
  } finally {
    client.close();
  }
}
