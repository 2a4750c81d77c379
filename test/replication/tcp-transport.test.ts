/** The transport over real sockets on loopback: bytes in order, back-pressure, ends. */

import { onSocketBytes } from '../../protocol/index.js';
import { TcpTransport, type Connection, type SocketRead } from '../../replication/index.js';
import { PATIENCE_MS } from '../support/bounded-wait.js';

const HOST = '127.0.0.1';

/** What a node uses: all reads of the process go into one buffer. Who keeps its bytes must not get away with it. */
const borrowing: SocketRead = (socket, onBytes) => {
  onSocketBytes(socket, (bytes) => {
    onBytes(bytes);
    bytes.fill(0xdd);
  });
};

async function connected(read?: SocketRead): Promise<{
  dialled: Connection;
  accepted: Connection;
  close: () => Promise<void>;
}> {
  let onAccepted: (connection: Connection) => void = () => undefined;
  const accepting = new Promise<Connection>((resolve) => {
    onAccepted = resolve;
  });
  const listening = new TcpTransport({
    listen: { host: HOST, port: 0 },
    peer: { host: HOST, port: 1 },
    dialTimeoutMs: PATIENCE_MS,
    ...(read && { read }),
  });
  await listening.listen((connection) => onAccepted(connection));
  const dialling = new TcpTransport({
    listen: { host: HOST, port: 0 },
    peer: { host: HOST, port: listening.port! },
    dialTimeoutMs: PATIENCE_MS,
    ...(read && { read }),
  });
  const dialled = await dialling.dial();
  const accepted = await accepting;
  return { dialled, accepted, close: () => listening.close() };
}

function closed(connection: Connection): Promise<Error | null> {
  return new Promise((resolve) => {
    connection.onClose(resolve);
  });
}

describe.each([
  ['as streams', undefined],
  ['into a buffer that is used again', borrowing],
])('connections read %s', (_, read) => {
  test('bytes arrive in order, however much there is and however slow the reader', async () => {
    const { dialled, accepted, close } = await connected(read);
    const total = 200;
    let heard = 0;
    let sum = 0;
    const all = new Promise<void>((resolve) => {
      accepted.onData((bytes) => {
        heard += bytes.length;
        sum += bytes[0]!;
        if (heard === total * 65_536) resolve();
      });
    });
    let waits = 0;
    let onDrain: () => void = () => undefined;
    dialled.onDrain(() => onDrain());
    for (let count = 0; count < total; count += 1) {
      if (dialled.send([new Uint8Array(65_536).fill(count)])) continue;
      waits += 1;
      await new Promise<void>((resolve) => {
        onDrain = resolve;
      });
    }
    await all;
    expect(waits).toBeGreaterThan(0);
    expect(sum).toBeGreaterThan(0);
    const ends = Promise.all([closed(dialled), closed(accepted)]);
    dialled.close();
    expect(await ends).toEqual([null, null]);
    await close();
  });

  test('what was sent before the end still arrives', async () => {
    const { dialled, accepted, close } = await connected(read);
    const chunks: Uint8Array[] = [];
    accepted.onData((bytes) => chunks.push(Uint8Array.from(bytes)));
    const end = closed(accepted);
    dialled.send([Buffer.from('last '), Buffer.from('words')]);
    dialled.close();
    await end;
    expect(Buffer.concat(chunks).toString()).toBe('last words');
    expect(accepted.send([Buffer.from('nobody hears')])).toBe(false);
    await close();
  });

  test('destroy ends both sides at once', async () => {
    const { dialled, accepted, close } = await connected(read);
    const ends = Promise.all([closed(dialled), closed(accepted)]);
    accepted.destroy();
    await ends;
    await close();
  });
});

test('a refused dial rejects with the reason', async () => {
  const transport = new TcpTransport({
    listen: { host: HOST, port: 0 },
    peer: { host: HOST, port: 1 },
    dialTimeoutMs: 1_000,
  });
  await expect(transport.dial()).rejects.toThrow(/ECONNREFUSED/);
});

test('an address that is taken is an error of listen', async () => {
  const { dialled, close } = await connected();
  const port = Number(dialled.remote.split(':')[1]);
  const second = new TcpTransport({
    listen: { host: HOST, port },
    peer: { host: HOST, port },
    dialTimeoutMs: 1_000,
  });
  await expect(second.listen(() => undefined)).rejects.toThrow(/EADDRINUSE/);
  dialled.destroy();
  await close();
});
