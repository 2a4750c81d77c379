/** Two nodes over a virtual network: the gate's promises, broken links, dead nodes, and peers that are not what they were. */

import { encodeRecord, RecordKind } from '../../storage/index.js';
import {
  NotAppliedError,
  OutcomeUnknownError,
  RecordTooLargeError,
  UnconfirmedError,
} from '../../replication/index.js';
import { encodeFrame, FRAME_HEADER_BYTES, FrameType } from '../../replication/frame.js';
import { CONFIRM_BYTES, encodePieceHeader } from '../../replication/session-messages.js';
import { ReplicaPair, TestNode } from '../support/replica-pair.js';

const RECORD_HEADER_BYTES = 28;

/** A text whose record has exactly this size. */
function sized(name: string, recordBytes: number): string {
  return `${name} `.padEnd(recordBytes - RECORD_HEADER_BYTES, '.');
}

/** The error that a promise rejects with; a promise that resolves fails the test. */
async function errorOf(pair: ReplicaPair, promise: Promise<unknown>): Promise<unknown> {
  const outcome = promise.then(
    (value) => Promise.reject(new Error(`it resolved to ${JSON.stringify(value)}`)),
    (error: unknown) => error,
  );
  return pair.clock.runUntilSettled(outcome);
}

/** "pending" when a promise is not settled now. */
async function stateOf(promise: Promise<unknown>): Promise<'resolved' | 'rejected' | 'pending'> {
  return Promise.race([
    promise.then(
      () => 'resolved' as const,
      () => 'rejected' as const,
    ),
    new Promise<'pending'>((resolve) => setImmediate(() => resolve('pending'))),
  ]);
}

describe('a linked pair', () => {
  test('replicates both ways and acknowledges', async () => {
    const pair = await ReplicaPair.linked(1);
    const acks = [pair.a.write('from a'), pair.b.write('from b')];
    const [first, second] = await pair.clock.runUntilSettled(Promise.all(acks));
    expect(first!.warning).toBeNull();
    expect(first!.position).toEqual({ incarnation: pair.a.store.incarnation, sequence: 2 });
    expect(second!.version % 8).toBe(2);
    await pair.untilEqual();
    expect(pair.a.rows).toEqual(['from a', 'from b']);
    expect(pair.a.failures).toEqual([]);
  });

  test('a stream carries only the sender’s own records', async () => {
    const pair = await ReplicaPair.linked(2);
    await pair.clock.runUntilSettled(pair.a.write(sized('big', 8_000)));
    await pair.untilEqual();
    await pair.clock.advance(100);
    const before = pair.network.sentBytes.get('b')!;
    await pair.clock.advance(5_000);
    // b has heard 8 kB of records and sends nothing back but heartbeats and confirmations.
    expect(pair.network.sentBytes.get('b')! - before).toBeLessThan(2_000);
    expect(pair.b.store.appliedRecords.filter((each) => each.origin === 1)).toHaveLength(2);
  });

  test('what becomes durable and is applied in one turn is confirmed once', async () => {
    const pair = await ReplicaPair.linked(2);
    await pair.clock.advance(100);
    const before = pair.network.sentBytes.get('b')!;
    const writes = Array.from({ length: 20 }, (_, number) => pair.a.write(`row ${number}`));
    await pair.clock.runUntilSettled(Promise.all(writes));
    await pair.clock.advance(20);
    expect(pair.b.rows).toHaveLength(20);
    const frames =
      (pair.network.sentBytes.get('b')! - before) / (FRAME_HEADER_BYTES + CONFIRM_BYTES);
    expect(frames).toBe(1);
  });

  test('a multi-part write is one write, under the version of its commit', async () => {
    const pair = await ReplicaPair.linked(3);
    const multi = pair.a.node.beginMultiPart({ schemas: [] });
    await pair.clock.runUntilSettled(multi.part([Buffer.from('one')]));
    await pair.clock.runUntilSettled(multi.part([Buffer.from('two')]));
    const acknowledgement = await pair.clock.runUntilSettled(multi.commit());
    await pair.clock.advance(100);
    const kinds = pair.b.store.appliedRecords.map((record) => record.kind);
    const { opening, part, commit } = RecordKind;
    expect(kinds).toEqual([opening, part, part, commit]);
    expect(pair.b.store.appliedRecords.at(-1)!.version).toBe(acknowledgement.version);
  });

  test('an aborted multi-part write leaves an abort record and takes no commit', async () => {
    const pair = await ReplicaPair.linked(4);
    const multi = pair.a.node.beginMultiPart({ schemas: [] });
    await pair.clock.runUntilSettled(multi.part([Buffer.from('one')]));
    await multi.abort();
    await multi.abort();
    await pair.clock.advance(100);
    expect(pair.b.store.appliedRecords.map((each) => each.kind).slice(-2)).toEqual([
      RecordKind.part,
      RecordKind.abort,
    ]);
    await expect(multi.commit()).rejects.toThrow(NotAppliedError);
  });

  test('the horizon moves on idle nodes, on both', async () => {
    const pair = await ReplicaPair.linked(5);
    const bounds = [pair.a, pair.b].map((node) => node.store.horizonLog.peerBound);
    await pair.clock.advance(10_000);
    for (const [index, node] of [pair.a, pair.b].entries()) {
      expect(node.store.horizonLog.isHeld).toBe(false);
      expect(node.store.horizonLog.peerBound).toBeGreaterThan(bounds[index]!);
    }
  });

  test('clocks apart are measured', async () => {
    const pair = new ReplicaPair(6);
    pair.setSkew('b', 90_000);
    await pair.a.start();
    await pair.b.start();
    await pair.untilLinked();
    await pair.clock.advance(3_000);
    expect(pair.a.node.status().clockOffsetMs).toBeCloseTo(90_000, -1);
    expect(pair.b.node.status().clockOffsetMs).toBeCloseTo(-90_000, -1);
    // Without the measured clock of its peer, b would stamp a minute and a half ahead.
    const { version } = await pair.clock.runUntilSettled(pair.b.write('x'));
    expect(version / 2048).toBeLessThan(pair.clock.wallMs() + 11_000 + 90_000);
  });
});

describe('the write path', () => {
  test('validate runs right before the append; what it throws is the answer, and nothing was written', async () => {
    const pair = await ReplicaPair.linked(10);
    const write = pair.a.node.write('write', [Buffer.from('x')], {
      schemas: [],
      validate: () => {
        throw new TypeError('no such table');
      },
    });
    expect(await errorOf(pair, write)).toEqual(new TypeError('no such table'));
    expect(pair.a.node.status().pendingBytes).toBe(0);
    await pair.clock.runUntilSettled(pair.a.write('next'));
    await pair.untilEqual();
    expect(pair.b.rows).toEqual(['next']);
  });

  test('a body may be made from its version', async () => {
    const pair = await ReplicaPair.linked(11);
    const ack = await pair.clock.runUntilSettled(
      pair.a.node.write('ddl', (version) => [Buffer.from(`table ${version}`)], { schemas: [] }),
    );
    await pair.untilEqual();
    expect(pair.b.rows).toEqual([`table ${ack.version}`]);
  });

  test('a record above max_record_bytes is refused at once', async () => {
    const pair = await ReplicaPair.linked(12);
    expect(await errorOf(pair, pair.a.write('x'.repeat(20_000)))).toBeInstanceOf(
      RecordTooLargeError,
    );
  });

  test('schema records go before their first use in each segment', async () => {
    const pair = await ReplicaPair.linked(13);
    const schema = {
      tableId: 8,
      columns: [{ id: 1, type: 15, role: 2, precision: 3 }],
      appendMode: false,
      partitionMs: 86_400_000,
    } as const;
    for (let count = 0; count < 12; count += 1) {
      const body = [Buffer.from(sized(`row ${count}`, 12_000))];
      await pair.clock.runUntilSettled(pair.a.node.write('write', body, { schemas: [schema] }));
    }
    await pair.untilEqual();
    const { incarnation } = pair.a.store;
    for (const store of [pair.a.store, pair.b.store]) {
      const journal = store === pair.a.store ? store.own : store.copy!;
      const seals = journal.seals(incarnation);
      expect(seals.length).toBeGreaterThan(1);
      const records = store.appliedRecords.filter((each) => each.incarnation === incarnation);
      const firsts = [1, ...seals.map((seal) => seal.lastSequence + 1)];
      const schemas = records.filter((each) => each.kind === RecordKind.schema);
      expect(schemas.map((each) => each.sequence)).toEqual([2, ...firsts.slice(1)]);
    }
    // Both copies are cut at the same records.
    expect(pair.b.store.copy!.seals(incarnation)).toEqual(pair.a.store.own.seals(incarnation));
  });

  test('says beforehand whether a write would wait', async () => {
    const pair = await ReplicaPair.linked(24, { rpoBytes: 300 });
    const { node } = pair.a;
    expect([node.admitsNow(300, 1), node.admitsNow(301, 1)]).toEqual([true, false]);
    // More than one record may have.
    expect(node.admitsNow(1e9, 1)).toBe(false);
    pair.network.cut();
    await pair.clock.runUntilSettled(pair.a.write(sized('one', 200)));
    expect([node.admitsNow(100, 1), node.admitsNow(101, 1)]).toEqual([true, false]);
    await pair.clock.runUntilSettled(node.stop({ drainMs: 100 }));
    expect(node.admitsNow(100, 1)).toBe(false);
  });

  test('an AbortSignal counts until the append', async () => {
    const pair = await ReplicaPair.linked(14, { rpoBytes: 100 });
    pair.network.cut();
    await pair.clock.runUntilSettled(pair.a.write(sized('first', 100)));
    const abort = new AbortController();
    const write = pair.a.node.write('write', [Buffer.from(sized('second', 100))], {
      schemas: [],
      signal: abort.signal,
    });
    await pair.clock.advance(10);
    expect(pair.a.node.status().blockedSessions).toBe(1);
    abort.abort();
    expect(await errorOf(pair, write)).toMatchObject({ reason: 'aborted' });
    expect(pair.a.node.status().blockedSessions).toBe(0);
  });

  test('stop answers what is under way, refuses what is new, and leaves the link', async () => {
    const pair = await ReplicaPair.linked(15, { rpoBytes: 0 });
    const under = pair.a.write('under way');
    const stopped = pair.a.node.stop({ drainMs: 1_000 });
    expect(await errorOf(pair, pair.a.write('too late'))).toMatchObject({ reason: 'stopping' });
    await pair.clock.runUntilSettled(stopped);
    expect(await stateOf(under)).toBe('resolved');
    expect(pair.a.node.isReady()).toMatchObject({ ready: false, state: 'stopping' });
    await pair.clock.advance(10);
    expect(pair.b.state).toBe('lost');
  });

  test('stop waits no longer than for the last answer, though applying takes several turns', async () => {
    const pair = await ReplicaPair.linked(25, { rpoBytes: 0 });
    const { store, node } = pair.a;
    const applyOwn = store.applyOwn.bind(store);
    store.applyOwn = (record) => {
      pair.clock.block(5);
      applyOwn(record);
    };
    const writes = ['one', 'two', 'three'].map((text) => pair.a.write(text));
    const startMs = pair.clock.monotonicMs();
    await pair.clock.runUntilSettled(node.stop({ drainMs: 1_000 }));
    expect(pair.clock.monotonicMs() - startMs).toBeLessThan(500);
    expect(await Promise.all(writes.map(stateOf))).toEqual(['resolved', 'resolved', 'resolved']);
  });

  test('what the drain does not bring home is unknown, not wrong', async () => {
    const pair = await ReplicaPair.linked(16, { rpoBytes: 0 });
    pair.network.cut();
    const under = pair.a.write('under way');
    await pair.clock.advance(10);
    await pair.clock.runUntilSettled(pair.a.node.stop({ drainMs: 100 }));
    expect(await errorOf(pair, under)).toBeInstanceOf(OutcomeUnknownError);
  });

  test('a failed journal write stops the node: no answers, the peer is told that its copy is void', async () => {
    const pair = await ReplicaPair.linked(17);
    await pair.clock.runUntilSettled(pair.b.write('one'));
    await pair.untilEqual();
    pair.a.disk.failNext({ operation: 'write', nth: 1, code: 'EIO' });
    const write = pair.a.write('two');
    expect(await errorOf(pair, write)).toBeInstanceOf(OutcomeUnknownError);
    expect(pair.a.failures).toHaveLength(1);
    await pair.clock.advance(10);
    expect(pair.b.node.status()).toMatchObject({ state: 'unprotected' });
    expect(pair.b.node.status().pendingBytes).toBeGreaterThan(0);
  });
});

describe('on_peer_loss = block', () => {
  test('acknowledges until the budget is full; then "not applied" is true', async () => {
    const pair = await ReplicaPair.linked(20, { rpoBytes: 200 });
    pair.network.cut();
    const first = [pair.a.write(sized('one', 100)), pair.a.write(sized('two', 100))];
    await pair.clock.runUntilSettled(Promise.all(first));
    const startMs = pair.clock.monotonicMs();
    const error = await errorOf(pair, pair.a.write(sized('three', 100)));
    expect(error).toBeInstanceOf(NotAppliedError);
    expect(error).toMatchObject({ reason: 'budget-full' });
    expect(pair.clock.monotonicMs() - startMs).toBe(5_000);
    expect(pair.a.node.status()).toMatchObject({ pendingBytes: 200 });
    pair.network.heal();
    await pair.untilEqual();
    expect(pair.b.rows).toHaveLength(2);
  });

  test('with a budget of 0 an acknowledged write is on both disks, and without a peer nothing is taken', async () => {
    const pair = await ReplicaPair.linked(21, { rpoBytes: 0 });
    await pair.clock.runUntilSettled(pair.a.write('one'));
    const { incarnation } = pair.a.store;
    expect(pair.b.store.copy!.incarnation(incarnation)!.durable.sequence).toBe(2);
    pair.network.reset();
    pair.network.cut();
    await pair.clock.advance(1);
    expect(await errorOf(pair, pair.a.write('two'))).toBeInstanceOf(NotAppliedError);
    expect(pair.a.rows).toEqual(['one']);
  });

  test('what was appended and not confirmed is "stored", and visible once it is confirmed', async () => {
    const pair = await ReplicaPair.linked(22, { rpoBytes: 0 });
    pair.network.cut();
    const write = pair.a.write('one');
    const error = await errorOf(pair, write);
    expect(error).toBeInstanceOf(UnconfirmedError);
    expect(error).toMatchObject({
      position: { incarnation: pair.a.store.incarnation, sequence: 2 },
    });
    expect(pair.a.rows).toEqual([]);
    pair.network.heal();
    await pair.untilEqual();
    expect(pair.a.rows).toEqual(['one']);
  });

  test('the loss of the link alone answers nothing', async () => {
    const pair = await ReplicaPair.linked(23, { rpoBytes: 0 });
    pair.network.cut();
    const write = pair.a.write('one');
    await pair.clock.advance(5);
    pair.network.reset();
    await pair.clock.advance(100);
    expect(await stateOf(write)).toBe('pending');
    pair.network.heal();
    expect((await pair.clock.runUntilSettled(write)).warning).toBeNull();
  });

  test('a stricter session waits, the others go on', async () => {
    const pair = await ReplicaPair.linked(24, { rpoBytes: 10_000 });
    pair.network.cut();
    const strict = pair.a.write('strict', { rpoBytes: 0 });
    await pair.clock.runUntilSettled(pair.a.write('lax', { rpoBytes: 1_000_000 }));
    expect(await stateOf(strict)).toBe('pending');
    expect(pair.a.rows).toEqual(['lax', 'strict']);
    expect(await errorOf(pair, strict)).toBeInstanceOf(UnconfirmedError);
  });

  test('SET GLOBAL rpo_bytes lower: in force at once, waits until what is pending fits', async () => {
    const pair = await ReplicaPair.linked(25, { rpoBytes: 1_000 });
    pair.network.cut();
    await pair.clock.runUntilSettled(pair.a.write(sized('one', 500)));
    const lowered = pair.a.node.setBudget({ bytes: 100, spanMs: null });
    expect(await pair.clock.runUntilSettled(lowered)).toBe(false);
    const again = pair.a.node.setBudget({ bytes: 200, spanMs: null });
    pair.network.heal();
    expect(await pair.clock.runUntilSettled(again)).toBe(true);
    expect(await pair.clock.runUntilSettled(pair.a.node.setBudget({ bytes: 9, spanMs: 5 }))).toBe(
      true,
    );
    expect(pair.a.node.status()).toMatchObject({ budgetBytes: 9, budgetSpanMs: 5 });
  });
});

describe('degraded and released', () => {
  test('degrade: after degrade_after every acknowledgement beyond the budget carries the warning', async () => {
    const config = { rpoBytes: 200, onPeerLoss: 'degrade', degradeAfterMs: 3_000 } as const;
    const pair = await ReplicaPair.linked(30, config);
    pair.b.crash('kill');
    await pair.clock.advance(10);
    const first = await pair.clock.runUntilSettled(pair.a.write(sized('one', 150)));
    expect(first.warning).toBeNull();
    const lostMs = pair.clock.monotonicMs();
    const second = await pair.clock.runUntilSettled(pair.a.write(sized('two', 150)));
    expect(second.warning).toBe('degraded');
    expect(pair.clock.monotonicMs() - lostMs).toBeGreaterThan(2_900);
    expect(pair.a.node.status()).toMatchObject({ state: 'degraded', isDegraded: true });
    await pair.b.start();
    await pair.untilLinked();
    await pair.untilEqual();
    const { state, ledger } = pair.a.node.status();
    expect(state).toBe('linked');
    expect(ledger).toMatchObject([{ kind: 'degraded', bytes: 150, acknowledgements: 1 }]);
    expect(ledger[0]!.endedAtMs).not.toBeNull();
    const third = await pair.clock.runUntilSettled(pair.a.write(sized('three', 100)));
    expect(third.warning).toBeNull();
  });

  test('release_peer: at once, and still so after a restart', async () => {
    const pair = await ReplicaPair.linked(31, { rpoBytes: 0 });
    pair.b.crash('power');
    await pair.clock.advance(10_000);
    pair.a.node.releasePeer();
    const first = await pair.clock.runUntilSettled(pair.a.write('one'));
    expect(first.warning).toBe('released');
    await pair.clock.advance(2_000);
    pair.a.crash('kill');
    await pair.a.start();
    expect(pair.a.state).toBe('released');
    const second = await pair.clock.runUntilSettled(pair.a.write('two'));
    expect(second.warning).toBe('released');
    await pair.b.start();
    await pair.untilLinked();
    await pair.untilEqual();
    expect(pair.b.rows).toEqual(['one', 'two']);
    expect(pair.a.node.status().ledger).toMatchObject([
      { kind: 'released', acknowledgements: 1 },
      { kind: 'released', acknowledgements: 1 },
    ]);
  });
});

describe('restarts', () => {
  test('recovered records are pending until the peer has them, and are offered to it first', async () => {
    const pair = await ReplicaPair.linked(40);
    pair.network.cut();
    await pair.clock.runUntilSettled(pair.a.write(sized('one', 300)));
    pair.a.crash('power');
    await pair.a.start();
    expect(pair.a.node.status()).toMatchObject({ pendingBytes: 300, pendingSpanMs: Infinity });
    expect(pair.a.rows).toHaveLength(1);
    pair.network.heal();
    await pair.untilLinked();
    await pair.untilEqual();
    expect(pair.a.node.status()).toMatchObject({ pendingBytes: 0, pendingSpanMs: 0 });
  });

  test('a lost tail comes back from the peer, exactly once', async () => {
    const pair = await ReplicaPair.linked(41);
    pair.a.diskMs = 1_000_000;
    const write = pair.a.write('lost here, known there');
    await pair.clock.advance(50);
    expect(pair.b.rows).toEqual(['lost here, known there']);
    expect(await stateOf(write)).toBe('pending');
    pair.a.diskMs = 1;
    pair.a.crash('forget');
    await pair.a.start();
    expect(pair.a.rows).toEqual([]);
    await pair.untilLinked();
    expect(pair.a.rows).toEqual(['lost here, known there']);
    expect(pair.a.store.returnedCount).toBe(1);
    // Once more: nothing is left to return.
    pair.a.crash('kill');
    await pair.a.start();
    await pair.untilLinked();
    expect(pair.a.rows).toEqual(['lost here, known there']);
    expect(pair.a.store.returnedCount).toBe(0);
  });

  test('the ends of older incarnations are agreed on by both nodes', async () => {
    const pair = await ReplicaPair.linked(42);
    const old = pair.a.store.incarnation;
    await pair.clock.runUntilSettled(pair.a.write('one'));
    pair.a.crash('kill');
    await pair.a.start();
    await pair.untilLinked();
    expect(pair.a.store.agreedEnds).toEqual([{ origin: 1, incarnation: old }]);
    expect(pair.b.store.agreedEnds).toEqual([{ origin: 1, incarnation: old }]);
  });

  test('many restarts alone, then the peer gets everything', async () => {
    const pair = await ReplicaPair.linked(43);
    pair.b.crash('kill');
    for (let count = 0; count < 5; count += 1) {
      await pair.clock.runUntilSettled(pair.a.write(`row ${count}`));
      pair.a.crash('power');
      await pair.a.start();
    }
    await pair.b.start();
    await pair.untilLinked();
    await pair.untilEqual();
    expect(pair.b.rows).toHaveLength(5);
  });

  test('both crash at once with their power', async () => {
    const pair = await ReplicaPair.linked(44, { rpoBytes: 0 });
    await pair.clock.runUntilSettled(Promise.all([pair.a.write('a'), pair.b.write('b')]));
    pair.a.crash('power');
    pair.b.crash('power');
    await pair.b.start();
    await pair.a.start();
    await pair.untilLinked();
    await pair.untilEqual();
    expect(pair.a.rows).toEqual(['a', 'b']);
  });
});

describe('the link', () => {
  test('silence is a loss after dead_after, on both sides, even one-way', async () => {
    const pair = await ReplicaPair.linked(50);
    pair.network.cut('a');
    await pair.clock.advance(4_000);
    expect(pair.b.state).toBe('linked');
    await pair.clock.advance(3_000);
    expect(pair.b.state).toBe('lost');
    expect(pair.b.node.status().lastError).toMatchObject({ code: 'LINK_SILENT' });
    await pair.clock.advance(5_000);
    expect(pair.a.state).toBe('lost');
    pair.network.heal();
    await pair.untilLinked();
  });

  test('a half-open connection is replaced by the newer one, and what comes late on it is nothing', async () => {
    const pair = await ReplicaPair.linked(51);
    pair.network.cut('a');
    await pair.clock.runUntilSettled(pair.a.write('one'));
    pair.a.crash('power');
    await pair.a.start();
    pair.network.heal();
    // b still holds the connection of a's former life, which never says that it is dead.
    await pair.untilLinked();
    await pair.untilEqual();
    expect(pair.b.rows).toEqual(['one']);
    expect(pair.b.node.status().linksTotal).toBe(2);
  });

  test('garbage and port scanners change nothing', async () => {
    const pair = await ReplicaPair.linked(52);
    const before = pair.b.node.status().rejectedConnectionsTotal;
    const stranger = await pair.clock.runUntilSettled(pair.network.intrude('b'));
    let isClosed = false;
    stranger.onClose(() => (isClosed = true));
    stranger.send([Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]);
    await pair.clock.advance(100);
    expect(isClosed).toBe(true);
    const silent = await pair.clock.runUntilSettled(pair.network.intrude('b'));
    let isSilentClosed = false;
    silent.onClose(() => (isSilentClosed = true));
    await pair.clock.advance(6_000);
    expect(isSilentClosed).toBe(true);
    expect(pair.b.node.status()).toMatchObject({
      state: 'linked',
      rejectedConnectionsTotal: before + 2,
    });
    expect(pair.network.connectionCount).toBe(1);
  });

  test.each([
    ['records of our own current incarnation', FrameType.returned, 'a'],
    ['records of a third party', FrameType.records, 'x'],
  ])('what the handshake did not arrange is not taken: %s', async (_, type, whose) => {
    const pair = await ReplicaPair.linked(54);
    const incarnation = whose === 'a' ? pair.a.store.incarnation : 'f'.repeat(16);
    const record = encodeRecord(RecordKind.write, 2, 9, [Buffer.from('forged')]);
    const header = encodePieceHeader({
      incarnation,
      firstSequence: 2,
      chunkBytes: record.length,
      offset: 0,
      lastHash: '0'.repeat(32),
    });
    const link = pair.a.node.status().linkNumber!;
    pair.network.inject('b', Buffer.concat(encodeFrame(type, link, [header, record])));
    await pair.clock.advance(5);
    const { lastError } = pair.a.node.status();
    expect(lastError).toMatchObject({ code: 'LINK_PROTOCOL' });
    expect(lastError!.message).toContain('not arranged');
    await pair.untilLinked();
    expect(pair.a.rows).toEqual([]);
  });

  test('a slow receiver costs budget, not memory: no more than the credit is under way', async () => {
    const pair = await ReplicaPair.linked(53, { rpoBytes: 10_000_000 });
    pair.b.diskMs = 1_000_000;
    const before = pair.network.sentBytes.get('a')!;
    const writes: Promise<unknown>[] = [];
    for (let count = 0; count < 500; count += 1) {
      writes.push(pair.a.write(sized(`row ${count}`, 10_000)));
      if (count % 20 === 0) await pair.clock.advance(1);
    }
    await pair.clock.runUntilSettled(Promise.all(writes));
    await pair.clock.advance(500);
    const credit = 2 * (16 * 1024 + 256 * 1024);
    const sent = pair.network.sentBytes.get('a')! - before;
    expect(sent).toBeGreaterThan(credit / 2);
    expect(sent).toBeLessThan(credit + 300_000);
    expect(pair.a.node.status().pendingBytes).toBe(5_000_000);
  });
});

describe('peers that are not what they were', () => {
  async function refusalOf(pair: ReplicaPair, node: TestNode): Promise<string> {
    await pair.until(() => node.node.status().refusal !== null, 20_000);
    return node.node.status().refusal!;
  }

  test('another secret is another cluster', async () => {
    const pair = new ReplicaPair(60);
    pair.b.secret = 'another secret';
    await pair.a.start();
    await pair.b.start();
    expect(await refusalOf(pair, pair.a)).toBe('other-cluster');
    expect(pair.a.node.status()).toMatchObject({ state: 'refused' });
  });

  test('the same cluster id and another secret is a wrong secret', async () => {
    const pair = new ReplicaPair(61);
    const clusterId = '0123456789abcdef';
    pair.a.config = { peer: { secret: 'one', clusterId } };
    pair.b.config = { peer: { secret: 'two', clusterId } };
    await pair.a.start();
    await pair.b.start();
    expect(await refusalOf(pair, pair.a)).toBe('wrong-secret');
  });

  test('max_record_bytes must agree', async () => {
    const pair = new ReplicaPair(62);
    pair.b.config = { maxRecordBytes: 8 * 1024 };
    await pair.a.start();
    await pair.b.start();
    expect(await refusalOf(pair, pair.b)).toBe('max-record-bytes');
    expect(await refusalOf(pair, pair.a)).toBe('max-record-bytes');
  });

  test('a wiped peer is refused by name; the survivor counts everything and blocks by on_peer_loss', async () => {
    const pair = await ReplicaPair.linked(63, { rpoBytes: 100 });
    for (const name of ['one', 'two', 'three']) {
      await pair.clock.runUntilSettled(pair.a.write(sized(name, 100)));
      await pair.clock.runUntilSettled(pair.b.write(sized(name, 90)));
    }
    await pair.untilEqual();
    pair.b.crash('kill');
    pair.b.wipe();
    await pair.clock.advance(6_000);
    await pair.b.start();
    expect(await refusalOf(pair, pair.a)).toBe('wiped-node');
    expect(pair.a.node.status()).toMatchObject({
      state: 'unprotected',
      linkState: 'refused',
      needsBootstrap: true,
      pendingBytes: 300,
    });
    expect(pair.b.node.isReady().ready).toBe(false);
    expect(await errorOf(pair, pair.b.write('nothing'))).toMatchObject({ reason: 'new-node' });
    expect(await errorOf(pair, pair.a.write(sized('four', 100)))).toMatchObject({
      reason: 'budget-full',
    });
    pair.a.node.releasePeer();
    const beyond = await pair.clock.runUntilSettled(pair.a.write(sized('four', 100)));
    expect(beyond.warning).toBe('released');
  });

  test('a peer restored from a backup is refused by name', async () => {
    const pair = await ReplicaPair.linked(64);
    await pair.clock.runUntilSettled(pair.b.write('before the backup'));
    await pair.untilEqual();
    pair.b.crash('kill');
    const backup = await copyOf(pair.b);
    await pair.b.start();
    await pair.untilLinked();
    await pair.clock.runUntilSettled(pair.b.write('after the backup'));
    await pair.untilEqual();
    pair.b.crash('kill');
    pair.b.disk = backup.disk;
    pair.b.kv = backup.kv;
    await pair.clock.advance(6_000);
    await pair.b.start();
    expect(await refusalOf(pair, pair.a)).toBe('restored-node');
    expect(await refusalOf(pair, pair.b)).toBe('restored-node');
    expect(pair.a.node.status().needsBootstrap).toBe(true);
  });

  test('two clones of one node are both refused while both are alive', async () => {
    const pair = await ReplicaPair.linked(65);
    await pair.clock.runUntilSettled(pair.a.write('one'));
    await pair.untilEqual();
    pair.a.crash('kill');
    const image = await copyOf(pair.a);
    const clone = new TestNode(pair, 1, 'c', {});
    clone.disk = image.disk;
    clone.kv = image.kv;
    await pair.a.start();
    await pair.untilLinked();
    await clone.start();
    expect(await refusalOf(pair, clone)).toBe('cloned-node');
    expect(await refusalOf(pair, pair.a)).toBe('cloned-node');
    await pair.clock.advance(30_000);
    expect(pair.b.state).toBe('refused');
    expect(pair.a.state).toBe('refused');
    // One of them is stopped: the other is what it always was.
    clone.crash('kill');
    await pair.untilLinked();
  });

  test('two nodes with one id are refused by name', async () => {
    const pair = new ReplicaPair(66);
    const twin = new TestNode(pair, 2, 'a', {});
    await twin.start();
    await pair.b.start();
    expect(await refusalOf(pair, pair.b)).toBe('same-node-id');
    expect(await refusalOf(pair, twin)).toBe('same-node-id');
  });

  test('a data directory belongs to one pair', async () => {
    const pair = await ReplicaPair.linked(67);
    pair.b.crash('kill');
    const other = new TestNode(pair, 3, 'b', {});
    await other.start();
    expect(await refusalOf(pair, pair.a)).toBe('other-peer');
  });
});

describe('standalone', () => {
  test('nothing is pending, nothing is held, and no one is asked', async () => {
    const pair = new ReplicaPair(70, { peer: null, rpoBytes: 0 });
    await pair.a.start();
    const ack = await pair.clock.runUntilSettled(pair.a.write('one'));
    expect(ack.warning).toBeNull();
    expect(pair.a.node.status()).toMatchObject({
      state: 'standalone',
      linkState: 'none',
      pendingBytes: 0,
    });
    expect(pair.a.node.isReady().ready).toBe(true);
    expect(pair.a.store.horizonLog.isHeld).toBe(false);
  });

  test('a peer configured later makes every own record pending, and gets them all', async () => {
    const pair = new ReplicaPair(71, { peer: null });
    await pair.a.start();
    await pair.clock.runUntilSettled(pair.a.write(sized('one', 200)));
    pair.a.crash('kill');
    for (const node of [pair.a, pair.b]) {
      node.config = { peer: { secret: 'new', clusterId: null } };
      await node.start();
    }
    expect(pair.a.node.status().pendingBytes).toBe(200);
    await pair.untilLinked();
    await pair.untilEqual();
    expect(pair.b.rows).toHaveLength(1);
  });
});

/** A copy of a stopped node's data directory. */
async function copyOf(node: TestNode): Promise<Pick<TestNode, 'disk' | 'kv'>> {
  const image = new TestNode(node.pair, node.id, 'image', {});
  for (const folder of ['journal/1', 'journal/2']) {
    for (const name of await node.disk.list(folder)) {
      const path = `${folder}/${name}`;
      image.disk.plant(path, node.disk.contentOf(path).slice());
    }
  }
  const all = { gte: new Uint8Array(0), lt: Uint8Array.of(0xff) };
  for await (const [key, value] of node.kv.entries(all)) {
    const copying = image.kv.batch([{ type: 'put', key, value: value.slice() }], { sync: true });
    await node.pair.clock.runUntilSettled(copying);
  }
  return image;
}
