/** Sender and receiver against small fakes: resume by position, duplicates, gaps, credit, seals, order of durable, confirmed, applied. */

import {
  encodeRecord,
  isRecordFault,
  parseRecord,
  RecordKind,
  ReplicationDataError,
  type IncarnationInfo,
  type RecordView,
  type Seal,
} from '../../storage/index.js';
import { LinkProtocolError } from '../../replication/index.js';
import { ChunkAssembly, type Chunk } from '../../replication/chunk-assembly.js';
import { PIECE_BYTES_MAX } from '../../replication/config.js';
import { FrameType } from '../../replication/frame.js';
import { Receiver, type ReceiverStore } from '../../replication/receiver.js';
import type { JournalChunk, ReplicaJournal } from '../../replication/replica-store.js';
import { Sender, type SenderPlan } from '../../replication/sender.js';
import {
  decodePieceHeader,
  decodeSeal,
  encodePieceHeader as encodeHeader,
} from '../../replication/session-messages.js';
import { VirtualClock } from '../support/virtual-clock.js';

const OLD = 'a'.repeat(16);
const NOW = 'b'.repeat(16);
const HASH = '0'.repeat(32);

function records(from: number, through: number, bodyBytes = 10): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let sequence = from; sequence <= through; sequence += 1) {
    parts.push(
      encodeRecord(RecordKind.write, sequence, 100 + sequence, [new Uint8Array(bodyBytes)]),
    );
  }
  return Buffer.concat(parts);
}

/** What the two use of a journal, in memory. */
class FakeJournal implements ReplicaJournal {
  readonly origin: number;
  readonly ends = new Map<string, { received: number; durable: number; first: number }>();
  readonly appended: string[] = [];
  sealList: Seal[] = [];
  bodyBytes = 10;
  #durable: ((
    incarnation: string,
    position: { incarnation: string; sequence: number; hash: string },
  ) => void)[] = [];

  constructor(origin: number, ends: Record<string, number>) {
    this.origin = origin;
    for (const [id, end] of Object.entries(ends)) {
      this.ends.set(id, { received: end, durable: end, first: 1 });
    }
  }

  incarnations(): readonly IncarnationInfo[] {
    return [...this.ends.keys()].map((id) => this.incarnation(id)!);
  }

  incarnation(id: string): IncarnationInfo | null {
    const end = this.ends.get(id);
    if (end === undefined) return null;
    const at = (sequence: number): { incarnation: string; sequence: number; hash: string } => ({
      incarnation: id,
      sequence,
      hash: HASH,
    });
    return {
      id,
      parent: null,
      openingVersion: 1,
      first: end.first,
      durable: at(end.durable),
      received: at(end.received),
      isCurrent: true,
      bytes: 0,
    };
  }

  seals(): readonly Seal[] {
    return this.sealList;
  }

  segmentFor(): number {
    return 1;
  }

  isFullFor(): boolean {
    return false;
  }

  meetCompany(): void {
    throw new Error('of no interest to sender and receiver');
  }

  append(): RecordView {
    throw new Error('nothing is appended here');
  }

  appendCopies(
    incarnation: string,
    bytes: Uint8Array,
    expectedHash?: string,
  ): readonly RecordView[] {
    if (expectedHash !== HASH) throw new ReplicationDataError('another history');
    const views: RecordView[] = [];
    for (let at = 0; at < bytes.length;) {
      const record = parseRecord(bytes, at, bytes.length);
      if (isRecordFault(record)) throw new Error(record.detail);
      views.push(record);
      at += record.bytes.length;
    }
    const end = this.ends.get(incarnation) ?? { received: 0, durable: 0, first: 1 };
    this.ends.set(incarnation, end);
    if (views[0]!.sequence !== end.received + 1) throw new Error('out of order');
    end.received = views.at(-1)!.sequence;
    this.appended.push(`${incarnation[0]}${views[0]!.sequence}-${end.received}`);
    return views;
  }

  makeDurable(incarnation: string, sequence: number): void {
    this.ends.get(incarnation)!.durable = sequence;
    for (const listener of this.#durable)
      listener(incarnation, { incarnation, sequence, hash: HASH });
  }

  onDurable(
    listener: (
      incarnation: string,
      position: { incarnation: string; sequence: number; hash: string },
    ) => void,
  ): void {
    this.#durable.push(listener);
  }

  onSeal(): void {
    this.sealList = [...this.sealList];
  }

  onFailure(): void {
    this.sealList = [...this.sealList];
  }

  sealCopy(seal: Seal): void {
    this.sealList.push(seal);
  }

  read(incarnation: string, after: number, maxBytes: number): Promise<JournalChunk | null> {
    const end = this.ends.get(incarnation)!.received;
    if (after >= end) return Promise.resolve(null);
    const size = 28 + this.bodyBytes;
    const last = Math.min(end, after + Math.max(1, Math.floor(maxBytes / size)));
    return Promise.resolve({
      bytes: records(after + 1, last, this.bodyBytes),
      firstSequence: after + 1,
      lastSequence: last,
      lastHash: HASH,
    });
  }

  hashAt(): Promise<string | null> {
    return Promise.resolve(HASH);
  }

  pendingBytes(): number {
    return 0;
  }
}

/** Collects what a sender sends, as short words: "b1-5" for records of incarnation b…, "seal 5". */
class Wire {
  hasRoom = true;
  readonly words: string[] = [];
  readonly pieces: number[] = [];
  recordBytes = 0;

  send(type: FrameType, payload: readonly Uint8Array[]): void {
    if (type === FrameType.seal) {
      this.words.push(`seal ${decodeSeal(payload[0]!).lastSequence}`);
      return;
    }
    const header = decodePieceHeader(Buffer.concat(payload));
    this.pieces.push(payload[1]!.length);
    this.recordBytes += payload[1]!.length;
    if (header.offset > 0) return;
    const prefix = type === FrameType.returned ? 'returned ' : '';
    this.words.push(`${prefix}${header.incarnation[0]}${header.firstSequence}`);
  }
}

async function sending(
  own: FakeJournal,
  plan: Partial<SenderPlan>,
  copy: FakeJournal | null = null,
): Promise<{ sender: Sender; wire: Wire; turn: () => Promise<void>; failures: unknown[] }> {
  const clock = new VirtualClock();
  const wire = new Wire();
  const failures: unknown[] = [];
  const sender = new Sender(
    { own, copy, channel: wire, timers: clock, onFailure: (error) => failures.push(error) },
    { send: [], returned: [], creditBytes: 1_000_000, catchupBytesPerSecond: null, ...plan },
  );
  const turn = (): Promise<void> => clock.advance(0);
  sender.start();
  await turn();
  return { sender, wire, turn, failures };
}

const stretch = (
  incarnation: string,
  after: number,
  through: number,
): SenderPlan['send'][number] => ({
  incarnation,
  after,
  through,
});

describe('the sender', () => {
  test('returns lost tails first, then older incarnations, then the current one, each from its position', async () => {
    const own = new FakeJournal(1, { [OLD]: 20, [NOW]: 5 });
    const copy = new FakeJournal(2, { c000000000000000: 9 });
    const { wire } = await sending(
      own,
      {
        returned: [stretch('c000000000000000', 7, 9)],
        send: [stretch(OLD, 12, 20), stretch(NOW, 0, 5)],
      },
      copy,
    );
    expect(wire.words).toEqual(['returned c8', 'a13', 'b1', 'b2']);
  });

  test('tails the current incarnation for ever', async () => {
    const own = new FakeJournal(1, { [NOW]: 5 });
    const { sender, wire, turn } = await sending(own, { send: [stretch(NOW, 5, 5)] });
    expect(wire.words).toEqual([]);
    expect(sender.isLevel).toBe(true);
    own.ends.get(NOW)!.received = 7;
    expect(sender.isLevel).toBe(false);
    sender.wake();
    await turn();
    expect(wire.words).toEqual(['b6']);
    expect([sender.isLevel, sender.sentVersion]).toEqual([true, 107]);
  });

  test('announces no version while older incarnations are on their way', async () => {
    const own = new FakeJournal(1, { [OLD]: 20, [NOW]: 5 });
    own.bodyBytes = 100_000;
    const { sender } = await sending(own, {
      send: [stretch(OLD, 1, 20), stretch(NOW, 1, 5)],
      creditBytes: 0,
    });
    expect([sender.isLevel, sender.sentVersion]).toEqual([false, 0]);
  });

  test('sends no more than the credit, and one record at least', async () => {
    const own = new FakeJournal(1, { [NOW]: 100 });
    own.bodyBytes = 100_000 - 28;
    const { sender, wire, turn } = await sending(own, {
      send: [stretch(NOW, 1, 100)],
      creditBytes: 450_000,
    });
    expect(wire.recordBytes).toBe(400_000);
    await turn();
    expect(wire.recordBytes).toBe(400_000);
    sender.credit(200_000);
    await turn();
    expect(wire.recordBytes).toBe(600_000);
  });

  test('waits for the socket between pieces', async () => {
    const own = new FakeJournal(1, { [NOW]: 2 });
    own.bodyBytes = 3 * PIECE_BYTES_MAX;
    const plan = { send: [stretch(NOW, 1, 2)], creditBytes: 10_000_000 };
    const { sender, wire, turn } = await sending(own, plan);
    expect(wire.pieces.slice(0, 3)).toEqual([PIECE_BYTES_MAX, PIECE_BYTES_MAX, PIECE_BYTES_MAX]);
    expect(wire.pieces.at(-1)).toBe(28);
    wire.hasRoom = false;
    own.ends.get(NOW)!.received = 3;
    sender.wake();
    await turn();
    expect(wire.pieces).toHaveLength(4);
    wire.hasRoom = true;
    sender.wake();
    await turn();
    expect(wire.pieces).toHaveLength(8);
  });

  test('announces each boundary before any record behind it, old ones again', async () => {
    const own = new FakeJournal(1, { [NOW]: 40 });
    own.bodyBytes = 20_000;
    const seal = (lastSequence: number): Seal => ({
      incarnation: NOW,
      number: 1,
      firstSequence: 1,
      lastSequence,
      digest: null,
    });
    own.sealList = [seal(3), seal(20)];
    const { sender, wire, turn } = await sending(own, { send: [stretch(NOW, 5, 40)] });
    expect(wire.words).toEqual(['seal 3', 'b6', 'seal 20', 'b19', 'b32']);
    sender.sealed(seal(40));
    own.ends.get(NOW)!.received = 41;
    sender.wake();
    await turn();
    expect(wire.words.slice(5)).toEqual(['seal 40', 'b41']);
  });

  test('says so when the journal has less than was arranged', async () => {
    const own = new FakeJournal(1, { [OLD]: 3, [NOW]: 1 });
    const { failures } = await sending(own, { send: [stretch(OLD, 1, 9), stretch(NOW, 1, 1)] });
    expect(failures).toHaveLength(1);
  });

  test('a stopped sender sends nothing more', async () => {
    const own = new FakeJournal(1, { [NOW]: 1 });
    const { sender, wire, turn } = await sending(own, { send: [stretch(NOW, 1, 1)] });
    sender.stop();
    own.ends.get(NOW)!.received = 3;
    sender.wake();
    await turn();
    expect(wire.words).toEqual([]);
  });
});

describe('the receiver', () => {
  function receiving(): {
    receiver: Receiver;
    copy: FakeJournal;
    own: FakeJournal;
    applied: string[];
    chunk: (incarnation: string, from: number, through: number) => Chunk;
  } {
    const clock = new VirtualClock();
    const own = new FakeJournal(1, { [OLD]: 4, [NOW]: 1 });
    const copy = new FakeJournal(2, {});
    const applied: string[] = [];
    const marks = new Map<string, number>();
    const apply = (name: string) => (incarnation: string, record: RecordView) => {
      marks.set(incarnation, record.sequence);
      applied.push(`${name} ${incarnation[0]}${record.sequence}`);
    };
    const store: ReceiverStore = {
      own,
      copy,
      incarnation: NOW,
      versions: { observe: () => undefined },
      prepare: () => true,
      applyPeer: apply('peer'),
      applyReturned: apply('returned'),
      applied: (_: number, incarnation: string) => marks.get(incarnation) ?? 0,
    };
    const receiver = new Receiver({
      store,
      clock,
      timers: clock,
      onProgress: () => undefined,
      onFailure: (error) => {
        throw error;
      },
    });
    const chunk = (incarnation: string, from: number, through: number): Chunk => {
      const bytes = records(from, through);
      return {
        header: {
          incarnation,
          firstSequence: from,
          chunkBytes: bytes.length,
          offset: 0,
          lastHash: HASH,
        },
        records: bytes,
      };
    };
    return { receiver, copy, own, applied, chunk };
  }

  test('applies what is durable, and nothing else', () => {
    const { receiver, copy, applied, chunk } = receiving();
    receiver.accept(copy, chunk(OLD, 1, 4));
    expect(applied).toEqual([]);
    expect(receiver.progressOf(copy, OLD)).toEqual({ received: 4, durable: 0, applied: 0 });
    copy.makeDurable(OLD, 2);
    expect(applied).toEqual(['peer a1', 'peer a2']);
    expect(receiver.progressOf(copy, OLD)).toEqual({ received: 4, durable: 2, applied: 2 });
    expect(receiver.releasedBytes).toBe(2 * 38);
  });

  test('skips what it has, and gives its credit back at once', () => {
    const { receiver, copy, chunk } = receiving();
    receiver.accept(copy, chunk(OLD, 1, 4));
    receiver.accept(copy, chunk(OLD, 1, 4));
    receiver.accept(copy, chunk(OLD, 3, 6));
    expect(copy.appended).toEqual(['a1-4', 'a5-6']);
    expect(receiver.releasedBytes).toBe(6 * 38);
  });

  test('refuses a gap', () => {
    const { receiver, copy, chunk } = receiving();
    receiver.accept(copy, chunk(OLD, 1, 4));
    expect(() => receiver.accept(copy, chunk(OLD, 6, 7))).toThrow(LinkProtocolError);
    expect(copy.appended).toEqual(['a1-4']);
  });

  test('appends nothing of another history', () => {
    const { receiver, copy, chunk } = receiving();
    const { header, records: bytes } = chunk(OLD, 1, 4);
    const other = { header: { ...header, lastHash: '1'.repeat(32) }, records: bytes };
    expect(() => receiver.accept(copy, other)).toThrow(ReplicationDataError);
    expect(receiver.progressOf(copy, OLD)).toEqual({ received: 0, durable: 0, applied: 0 });
  });

  test('takes back a lost tail into the own journal', () => {
    const { receiver, own, applied, chunk } = receiving();
    receiver.accept(own, chunk(OLD, 5, 6));
    own.makeDurable(OLD, 6);
    expect(applied).toEqual(['returned a5', 'returned a6']);
  });

  test('settles when everything received is applied', async () => {
    const { receiver, copy, chunk } = receiving();
    const { signal } = new AbortController();
    await receiver.settled(signal);
    receiver.accept(copy, chunk(OLD, 1, 2));
    let isSettled = false;
    const settled = receiver.settled(signal).then(() => (isSettled = true));
    await Promise.resolve();
    expect(isSettled).toBe(false);
    copy.makeDurable(OLD, 2);
    await settled;
    expect(isSettled).toBe(true);
  });

  test('who gives up waiting for that is told why, and nobody else', async () => {
    const { receiver, copy, chunk } = receiving();
    receiver.accept(copy, chunk(OLD, 1, 2));
    const impatient = new AbortController();
    const left = receiver.settled(impatient.signal);
    const stays = receiver.settled(new AbortController().signal);
    impatient.abort();
    await expect(left).rejects.toMatchObject({ code: 'DISK_BEHIND' });
    copy.makeDurable(OLD, 2);
    await stays;
    await receiver.settled(impatient.signal);
  });
});

describe('chunks in pieces', () => {
  const bytes = records(1, 40);
  const payloadOf = (offset: number, length: number, change: object = {}): Uint8Array => {
    const header = {
      incarnation: OLD,
      firstSequence: 1,
      chunkBytes: bytes.length,
      lastHash: HASH,
      ...change,
    };
    const piece = bytes.subarray(offset, offset + length);
    return Buffer.concat([encodeHeader({ offset, ...header }), piece]);
  };

  test('come together again wherever they are cut', () => {
    for (let cut = 1; cut < bytes.length; cut += 7) {
      const assembly = new ChunkAssembly(1_000);
      expect(assembly.add(payloadOf(0, cut))).toBeNull();
      const chunk = assembly.add(payloadOf(cut, bytes.length - cut));
      expect(Buffer.from(chunk!.records).equals(bytes)).toBe(true);
    }
  });

  test.each<[string, (assembly: ChunkAssembly) => void]>([
    ['one is missing', (assembly) => assembly.add(payloadOf(200, 100))],
    ['one comes twice', (assembly) => assembly.add(payloadOf(0, 100))],
    [
      'one is of another chunk',
      (assembly) => assembly.add(payloadOf(100, 100, { firstSequence: 9 })),
    ],
    ['one is too long', (assembly) => assembly.add(payloadOf(100, 100, { chunkBytes: 150 }))],
  ])('are refused when %s', (_, next) => {
    const assembly = new ChunkAssembly(1_000);
    assembly.add(payloadOf(0, 100));
    expect(() => next(assembly)).toThrow(LinkProtocolError);
  });

  test('a chunk above the largest record is refused before anything is allocated', () => {
    const assembly = new ChunkAssembly(1_000);
    const payload = payloadOf(0, 100, { chunkBytes: 1_001 + PIECE_BYTES_MAX });
    expect(() => assembly.add(payload)).toThrow(LinkProtocolError);
  });
});
