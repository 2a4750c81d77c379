/** Reads of accepted sockets, which go into one buffer, and of anything else, which do not. */

import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { Connection } from 'mysql2/promise';
import { onSocketBytes } from '../../protocol/socket-input.js';
import { startTestServer } from './support/test-server.js';
import { answerText } from './support/test-session.js';

interface Accepted {
  readonly socket: Socket;
  readonly client: Socket;
  readonly received: { readonly bytes: Buffer; readonly isBorrowed: boolean }[];
  readonly buffers: Set<ArrayBufferLike>;
}

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function accepted(): Promise<Accepted> {
  const received: Accepted['received'] = [];
  const buffers: Accepted['buffers'] = new Set();
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  const arrival = new Promise<Socket>((resolve) => {
    server.on('connection', (socket) => {
      onSocketBytes(socket, (bytes, isBorrowed) => {
        received.push({ bytes: Buffer.from(bytes), isBorrowed });
        buffers.add(bytes.buffer);
        // Whoever keeps borrowed bytes must not get away with it.
        if (isBorrowed) bytes.fill(0);
      });
      resolve(socket);
    });
  });
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const socket = await arrival;
  closers.push(() => {
    client.destroy();
    socket.destroy();
  });
  return { socket, client, received, buffers };
}

const textOf = ({ received }: Accepted): string =>
  Buffer.concat(received.map(({ bytes }) => bytes)).toString('latin1');

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 500 && !condition(); round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(condition()).toBe(true);
}

describe('accepted sockets', () => {
  it('are read into one buffer, all of them', async () => {
    const one = await accepted();
    const two = await accepted();
    const text = 'a'.repeat(200_000) + 'z';
    one.client.write(text);
    two.client.write('hello');
    await until(() => textOf(one).length === text.length && textOf(two) === 'hello');
    expect(textOf(one)).toBe(text);
    expect([...one.received, ...two.received].every(({ isBorrowed }) => isBorrowed)).toBe(true);
    expect(new Set([...one.buffers, ...two.buffers]).size).toBe(1);
  });

  it('stop at pause() and go on at resume()', async () => {
    const pair = await accepted();
    pair.client.write('first');
    await until(() => textOf(pair) === 'first');
    pair.socket.pause();
    pair.client.write(', second');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(textOf(pair)).toBe('first');
    pair.socket.resume();
    await until(() => textOf(pair) === 'first, second');
  });

  it("end when the client's side ends, and can still be written to", async () => {
    const pair = await accepted();
    const ended = new Promise<void>((resolve) => pair.socket.on('end', resolve));
    pair.client.end('last');
    await ended;
    expect(textOf(pair)).toBe('last');
    const answer = new Promise<string>((resolve) =>
      pair.client.on('data', (b) => resolve(String(b))),
    );
    pair.socket.end('bye');
    expect(await answer).toBe('bye');
  });
});

it('any other stream is read as a stream, and its chunks are for keeps', async () => {
  const stream = new PassThrough();
  const received: { bytes: Uint8Array; isBorrowed: boolean }[] = [];
  onSocketBytes(stream, (bytes, isBorrowed) => received.push({ bytes, isBorrowed }));
  stream.write('abc');
  await until(() => received.length === 1);
  expect(received).toEqual([{ bytes: Buffer.from('abc'), isBorrowed: false }]);
});

it('commands of many connections, queued behind slow ones, are all read as they were sent', async () => {
  const texts = Array.from(
    { length: 24 },
    (_, index) => `SELECT ${'x'.repeat(1 << (index % 13))}${index}`,
  );
  const script = Object.fromEntries(
    texts.map((text) => [
      text,
      async (response: Parameters<typeof answerText>[0]) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await answerText(response, text);
      },
    ]),
  );
  const server = await startTestServer(script);
  closers.push(() => server.close());
  const clients: Connection[] = await Promise.all([1, 2, 3, 4].map(() => server.connect()));
  await Promise.all(
    clients.map(async (client, first) => {
      const order = [...texts.slice(first), ...texts.slice(0, first)];
      const answers = await Promise.all(order.map((text) => client.query(text)));
      expect(
        answers.map(([rows]) => Object.values((rows as Record<string, unknown>[])[0]!)[0]),
      ).toEqual(order);
    }),
  );
});
