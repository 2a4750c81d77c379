/**
 * Large requests leave out of a file, or from this process where there is no C compiler: a server sees the same, and so does the caller.
 * Without one, what is asked of the file is asked of this process once more.
 */

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pause } from '../../bench/child-process.js';
import { requestFile, runFileLoad, senderNotes } from '../../bench/file-sender.js';
import { runLoad, type LoadConnection, type LoadResult } from '../../bench/load.js';
import { RawClient } from '../../bench/raw-client.js';
import { RawHttpClient } from '../../bench/raw-http-client.js';
import { emptyPacket, HEADER_BYTES } from '../../bench/mysql-packet.js';
import type { RequestFile } from '../../bench/request-file.js';
import type { Workload } from '../../bench/workload.js';

/** Larger than what a socket takes at once. */
const REQUEST_BYTES = 5_000_000;
const NUMBER_AT = HEADER_BYTES + 1;
const PART_PAUSE_MS = 10;

/** Packets with their number in front and as their last byte; they are as good for any protocol here. */
function workloadOf(count: number): Workload {
  const requests = Array.from({ length: count }, (_, number) => {
    const packet = emptyPacket(REQUEST_BYTES + number).fill('x', HEADER_BYTES);
    packet[NUMBER_AT] = packet[packet.length - 1] = number;
    return packet;
  });
  return { rows: count, rowsPerRequest: 1, bodyBytes: count * REQUEST_BYTES, requests };
}

/** In pieces, one after another; null closes the connection. */
type Answer = readonly Buffer[] | null;

/** Says what it has seen: "number of the connection: number of the request". */
class Sink {
  readonly seen: string[] = [];
  readonly #server: Server;
  readonly #greeting: readonly Buffer[];
  readonly #answer: (request: number) => Answer;
  #connections = 0;

  /** `greeting` is of a login of two steps. */
  constructor(greeting: readonly Buffer[], answer: (request: number) => Answer) {
    this.#greeting = greeting;
    this.#answer = answer;
    this.#server = createServer((socket) => this.#serve(socket, this.#connections++));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket, connection: number): void {
    const steps = [...this.#greeting];
    let chunks: Buffer[] = [];
    let missing = 0;
    const greet = (): void => {
      const step = steps.shift();
      if (step !== undefined) socket.write(step);
    };
    greet();
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      if (steps.length > 0) {
        greet();
        return;
      }
      if (chunks.length === 0) missing = HEADER_BYTES + chunk.readUIntLE(0, 3);
      chunks.push(chunk);
      missing -= chunk.length;
      if (missing > 0) return;
      const number = chunks[0]![NUMBER_AT]!;
      // Were a second request under way, its bytes would be behind these.
      const isWhole = missing === 0 && chunks.at(-1)!.at(-1) === number;
      this.seen.push(`${connection}: ${isWhole ? number : 'not whole'}`);
      chunks = [];
      const parts = this.#answer(number);
      if (parts === null) socket.destroy();
      else void writeApart(socket, parts);
    });
  }
}

/** One after another: timers of different times, set together, fire in another order when the event loop is late. */
async function writeApart(socket: Socket, parts: readonly Buffer[]): Promise<void> {
  for (const part of parts) {
    socket.write(part);
    await pause(PART_PAUSE_MS);
  }
}

const packet = (...payload: number[]): Buffer => Buffer.from([payload.length, 0, 0, 1, ...payload]);
const OK = packet(0, 1, 0, 2, 0, 0, 0);
const ERR = Buffer.concat([packet(0xff, 0x51, 0x04, ...Buffer.from('#HY000no room'))]);
const text = (...parts: string[]): readonly Buffer[] => parts.map((part) => Buffer.from(part));

type MakeFile = (workload: Workload) => RequestFile | null;
type Open = (port: number) => Promise<LoadConnection>;

/** Through what each protocol's own client has opened. */
async function send(
  makeFile: MakeFile,
  sink: Sink,
  open: Open,
  connections: number,
  requests: number,
): Promise<LoadResult> {
  const port = await sink.listen();
  const opened = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const workload = workloadOf(requests);
  const file = makeFile(workload);
  try {
    if (file === null) return await runLoad(opened, workload, []);
    return await runFileLoad(opened, workload, file, []);
  } finally {
    file?.remove();
    for (const connection of opened) connection.close();
    sink.close();
  }
}

const openMysql: Open = (port) => RawClient.open(port, null);
const GREETING = [packet(10, 0), OK];
const openHttp: Open = (port) => RawHttpClient.open(port);

const MYSQL: readonly (readonly [string, readonly Buffer[]])[] = [
  ['at once', [OK]],
  ['byte by byte', [...OK].map((byte) => Buffer.from([byte]))],
];
const STATUS_400 = 'HTTP/1.1 400 Bad\r\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const HTTP: readonly (readonly [string, readonly Buffer[]])[] = [
  ['without a body', text('HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n')],
  ['in two parts of the head', text('HTTP/1.1 204 No Content\r', '\nX-A: b\r\n\r\n')],
  ['of a length', text('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab', 'cd')],
  ['in chunks', text(`${CHUNKED}2\r\nab\r\n`, '0\r\n\r\n')],
  ['in one chunk that is cut', text(`${CHUNKED}10\r\n0123456`, '789abcdef\r', '\n0\r\n\r\n')],
];

const SENDERS: readonly (readonly [string, MakeFile])[] = [
  ['out of a file', (workload) => requestFile(workload)],
  ['from this process', () => null],
];
const PROTOCOLS = [
  ...MYSQL.map(([how, answer]) => ['MySQL', how, answer, openMysql, GREETING] as const),
  ...HTTP.map(([how, answer]) => ['HTTP', how, answer, openHttp, []] as const),
];

describe.each(SENDERS)('%s', (_sender, makeFile) => {
  test.each(PROTOCOLS)(
    '%s, answered %s: each request arrives once and whole, in turn, one under way on a connection',
    async (_protocol, _how, answer, open, greeting) => {
      const sink = new Sink(greeting, () => answer);
      const result = await send(makeFile, sink, open, 2, 6);
      const numbers = sink.seen.map((line) => Number(line.split(': ')[1]));
      expect(numbers.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
      expect(new Set(sink.seen.map((line) => line.split(': ')[0])).size).toBe(2);
      expect(result.rows).toBe(6);
      expect(result.seconds).toBeGreaterThan(0);
      expect(result.generatorCpuShare).toBeGreaterThan(0);
      expect(result.p50Ms).toBeGreaterThan(0);
      expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms);
      expect(result.p99Ms).toBeLessThanOrEqual(result.seconds * 1000);
    },
  );

  test.each([
    ['an error packet', openMysql, GREETING, [ERR], /no room/],
    [
      'an error packet in pieces',
      openMysql,
      GREETING,
      [ERR.subarray(0, 6), ERR.subarray(6)],
      /room/,
    ],
    [
      'a status other than 2xx',
      openHttp,
      [],
      text(`${STATUS_400}content-length: 0\r\n\r\n`),
      /400/,
    ],
    ['a closed connection', openMysql, GREETING, null, /closed by the server|reset/i],
    ['a closed connection of HTTP', openHttp, [], null, /closed by the server|reset/i],
  ] as const)('%s ends the load', async (_what, open, greeting, answer, message) => {
    const ok = open === openMysql ? [OK] : text('HTTP/1.1 204 No Content\r\n\r\n');
    const sink = new Sink(greeting, (request) => (request === 1 ? answer : ok));
    await expect(send(makeFile, sink, open, 1, 3)).rejects.toThrow(message);
    expect(sink.seen).toEqual(['0: 0', '0: 1']);
  });
});

describe('the program has room for one short answer at a time', () => {
  const isMissing = senderNotes().length > 0;
  const LONG = 100_000;
  test.each([
    [
      'a longer one',
      [Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${LONG}\r\n\r\n${'x'.repeat(LONG)}`)],
      'answered with more than 65536 bytes: HTTP/1.1 200 OK',
    ],
    ['two at once', text('HTTP/1.1 204 No Content\r\n\r\n'.repeat(2)), 'more than one answer'],
  ])('%s ends the load', async (_what, answer, message) => {
    const sink = new Sink([], () => answer);
    const outcome = await send(SENDERS[0]![1], sink, openHttp, 1, 1).then(() => 'sent', String);
    expect(outcome).toContain(isMissing ? 'sent' : message);
  });
});

test('without a C compiler there is no file, and a report says so', () => {
  expect(requestFile(workloadOf(1), 'no-such-compiler')).toBeNull();
  expect(senderNotes('no-such-compiler')).toEqual([
    expect.stringMatching(/^Sent by Node\.js, as no C compiler is installed \(no-such-compiler/),
  ]);
});
