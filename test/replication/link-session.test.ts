/** One linked connection: late frames, silence, oversleeping, and who may speak when. */

import { LinkProtocolError, type Connection } from '../../replication/index.js';
import { encodeFrame, FrameParser, FrameType, type Frame } from '../../replication/frame.js';
import { LinkSession, SilenceError } from '../../replication/link-session.js';
import { VirtualClock } from '../support/virtual-clock.js';

class FakeConnection implements Connection {
  readonly remote = 'test';
  readonly sent: Uint8Array[] = [];
  hasRoom = true;
  end: 'open' | 'closed' | 'destroyed' = 'open';
  drain: () => void = () => undefined;

  send(parts: readonly Uint8Array[]): boolean {
    this.sent.push(...parts);
    return this.hasRoom;
  }

  onDrain(listener: () => void): void {
    this.drain = listener;
  }

  onData(): void {
    this.hasRoom = true;
  }

  onClose(): void {
    this.hasRoom = true;
  }

  close(): void {
    this.end = 'closed';
  }

  destroy(): void {
    this.end = 'destroyed';
  }
}

function session(onFrame: (frame: Frame) => void = () => undefined): {
  session: LinkSession;
  connection: FakeConnection;
  clock: VirtualClock;
  ends: (Error | null)[];
  counts: { beats: number; rooms: number };
} {
  const clock = new VirtualClock();
  const connection = new FakeConnection();
  const ends: (Error | null)[] = [];
  const counts = { beats: 0, rooms: 0 };
  const made = new LinkSession(
    connection,
    new FrameParser(),
    {
      clock,
      timers: clock,
      onFrame,
      onRoom: () => (counts.rooms += 1),
      onBeat: () => (counts.beats += 1),
      onEnd: (error) => ends.push(error),
    },
    { link: 7, heartbeatMs: 1_000, deadAfterMs: 5_000 },
  );
  made.start();
  return { session: made, connection, clock, ends, counts };
}

function frameBytes(type: FrameType, link: number): Uint8Array {
  return Buffer.concat(encodeFrame(type, link, [Uint8Array.of(1)]));
}

test('a frame of another link is dropped, one of this link is heard', () => {
  const heard: number[] = [];
  const made = session((frame) => heard.push(frame.type));
  made.session.heard(frameBytes(FrameType.confirm, 6));
  made.session.heard(frameBytes(FrameType.heartbeat, 7));
  expect(heard).toEqual([FrameType.heartbeat]);
  expect(made.session.lateFrames).toBe(1);
});

test('a handshake frame, garbage, or a frame that cannot be taken end the link at once', () => {
  for (const bytes of [frameBytes(FrameType.hello, 7), Buffer.from('garbage, no doubt')]) {
    const made = session();
    made.session.heard(bytes);
    expect(made.ends[0]).toBeInstanceOf(LinkProtocolError);
    expect(made.connection.end).toBe('destroyed');
  }
  const made = session(() => {
    throw new LinkProtocolError('no');
  });
  made.session.heard(frameBytes(FrameType.confirm, 7));
  made.session.heard(frameBytes(FrameType.confirm, 7));
  expect(made.ends).toHaveLength(1);
});

test('heartbeats go out every heartbeat; silence ends the link after dead_after', async () => {
  const made = session();
  await made.clock.advance(4_999);
  expect(made.counts.beats).toBe(5);
  expect(made.ends).toEqual([]);
  await made.clock.advance(1);
  expect(made.ends[0]).toBeInstanceOf(SilenceError);
  await made.clock.advance(60_000);
  expect(made.counts.beats).toBe(5);
});

test('any byte is a sign of life, even half a frame', async () => {
  const made = session();
  const bytes = frameBytes(FrameType.confirm, 7);
  for (const byte of bytes) {
    await made.clock.advance(4_000);
    made.session.heard(Uint8Array.of(byte));
  }
  expect(made.ends).toEqual([]);
});

test('records wait for room, control messages do not', () => {
  const made = session();
  made.connection.hasRoom = false;
  made.session.send(FrameType.records, [Uint8Array.of(1)]);
  expect(made.session.hasRoom).toBe(false);
  const before = made.connection.sent.length;
  made.session.send(FrameType.heartbeat, [Uint8Array.of(1)]);
  expect(made.connection.sent.length).toBeGreaterThan(before);
  made.connection.drain();
  expect([made.session.hasRoom, made.counts.rooms]).toEqual([true, 1]);
});

test('ended on our own account it closes gently, and says nothing more', () => {
  const made = session();
  made.session.end(null);
  made.session.send(FrameType.heartbeat, [Uint8Array.of(1)]);
  made.session.heard(frameBytes(FrameType.confirm, 7));
  expect(made.connection.end).toBe('closed');
  expect(made.connection.sent).toEqual([]);
  expect(made.ends).toEqual([null]);
  expect(made.session.hasRoom).toBe(false);
});

test('a process that slept itself gives its peer one heartbeat more', () => {
  const timers: { dueMs: number; task: () => void }[] = [];
  let nowMs = 0;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const ends: (Error | null)[] = [];
  const made = new LinkSession(
    new FakeConnection(),
    new FrameParser(),
    {
      clock,
      timers: {
        after: (delayMs, task) => {
          timers.push({ dueMs: nowMs + delayMs, task });
          return { cancel: () => undefined };
        },
        yieldTurn: () => Promise.resolve(),
      },
      onFrame: () => undefined,
      onRoom: () => undefined,
      onBeat: () => undefined,
      onEnd: (error) => ends.push(error),
    },
    { link: 7, heartbeatMs: 1_000, deadAfterMs: 5_000 },
  );
  made.start();
  nowMs = 60_000;
  timers.shift()!.task();
  expect(ends).toEqual([]);
  nowMs = 61_000;
  timers.shift()!.task();
  expect(ends[0]).toBeInstanceOf(SilenceError);
});
