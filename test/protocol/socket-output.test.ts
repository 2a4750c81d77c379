/** A callback for every write, once and in order: at once where the socket takes the bytes at once. */

import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SocketOutput } from '../../protocol/socket-output.js';

/** A socket whose system takes bytes at once, or holds them until `take`. */
class SlowSocket extends Duplex {
  isSlow = false;
  taken = '';
  #held: ((error?: Error | null) => void)[] = [];

  override _read(): void {
    // Nobody sends anything.
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.taken += bytes.toString();
    if (this.isSlow) this.#held.push(done);
    else done();
  }

  /** As a socket does, it ends the writes that are under way. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const end of this.#held.splice(0)) end(error);
    done(error);
  }

  async takeAll(): Promise<void> {
    this.isSlow = false;
    for (const done of this.#held.splice(0)) done();
    await nextTurn();
  }
}

const TEXTS = ['a', 'bc', 'def'];

function writeAll(socket: SlowSocket): string[] {
  const output = new SocketOutput(socket);
  const written: string[] = [];
  for (const text of TEXTS) output.write(Buffer.from(text), () => written.push(text));
  return written;
}

describe('the output of a socket', () => {
  it('tells of bytes that are taken at once before the write returns', () => {
    const socket = new SlowSocket();
    expect(writeAll(socket)).toEqual(TEXTS);
    expect(socket.taken).toBe('abcdef');
  });

  it('tells of bytes that are held when they are taken', async () => {
    const socket = new SlowSocket();
    socket.isSlow = true;
    const written = writeAll(socket);
    await nextTurn();
    expect(written).toEqual([]);
    await socket.takeAll();
    expect(written).toEqual(TEXTS);
    expect(socket.taken).toBe('abcdef');
  });

  it('tells of bytes that are held when the socket breaks, and drops what comes then', async () => {
    const socket = new SlowSocket();
    socket.on('error', () => undefined);
    socket.isSlow = true;
    const written = writeAll(socket);
    socket.destroy(new Error('reset'));
    await nextTurn();
    expect(written).toEqual(TEXTS);
    expect(writeAll(socket)).toEqual(TEXTS);
    expect(socket.taken).toBe('a');
  });
});
