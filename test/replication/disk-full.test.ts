/**
 * Below the disk's reserve: clients' writes are refused before anything is appended, and the rest goes on. Without any room: what a
 * journal has taken waits for it, unanswered.
 */

import { DiskFullError, NotAppliedError, type Acknowledgement } from '../../replication/index.js';
import { encodeExpiryBody, RecordKind } from '../../storage/index.js';
import { ReplicaPair, type ConfigChange, type TestNode } from '../support/replica-pair.js';

function positionOf(node: TestNode): number {
  return node.store.own.incarnation(node.store.incarnation)!.received.sequence;
}

async function full(seed: number): Promise<ReplicaPair> {
  const pair = await ReplicaPair.linked(seed);
  await pair.clock.runUntilSettled(pair.a.write('before'));
  pair.a.store.isDiskFull = true;
  return pair;
}

describe('a node whose disk has only its reserve left', () => {
  test.each([
    ['write', (node: TestNode) => node.write('refused')],
    ['ddl', (node: TestNode) => node.node.write('ddl', [Buffer.from('x')], { schemas: [] })],
    [
      'part',
      (node: TestNode) => node.node.beginMultiPart({ schemas: [] }).part([Buffer.from('x')]),
    ],
  ] as readonly [string, (node: TestNode) => Promise<unknown>][])(
    'refuses a %s, and nothing of it is anywhere',
    async (_, write) => {
      const pair = await full(1);
      const position = positionOf(pair.a);
      await expect(pair.clock.runUntilSettled(write(pair.a))).rejects.toThrow(DiskFullError);
      await pair.clock.advance(5_000);
      expect(positionOf(pair.a)).toBe(position);
      expect(pair.b.rows).toEqual(['before']);
      expect(pair.a.failures).toEqual([]);
    },
  );

  test('takes what frees space, an expiry, and the commit of what is stored already', async () => {
    const pair = await ReplicaPair.linked(2);
    const multi = pair.a.node.beginMultiPart({ schemas: [] });
    await pair.clock.runUntilSettled(multi.part([Buffer.from('stored')]));
    pair.a.store.isDiskFull = true;
    const options = { schemas: [], freesSpace: true };
    const answers: Promise<Acknowledgement>[] = [
      pair.a.node.write('ddl', [Buffer.from('drop')], options),
      pair.a.node.write('write', [Buffer.from('delete')], options),
      multi.commit(),
    ];
    await pair.clock.runUntilSettled(Promise.all(answers));
    expect(pair.a.node.expire(encodeExpiryBody([{ tableId: 8, through: 5n }]))).toBe(true);
    await pair.clock.advance(100);
    const { ddl, write, commit, expiry } = RecordKind;
    expect(pair.b.store.appliedRecords.map((record) => record.kind).slice(-4)).toEqual([
      ddl,
      write,
      commit,
      expiry,
    ]);
  });

  test('still receives, keeps and confirms what its peer writes', async () => {
    const pair = await full(3);
    await pair.clock.runUntilSettled(
      Promise.all(Array.from({ length: 50 }, (_, row) => pair.b.write(`row ${row} of b`))),
    );
    await pair.untilEqual();
    expect(pair.a.rows).toHaveLength(51);
  });

  test('resumes by itself', async () => {
    const pair = await full(4);
    await expect(pair.clock.runUntilSettled(pair.a.write('refused'))).rejects.toThrow(
      'disk is full',
    );
    pair.a.store.isDiskFull = false;
    await pair.clock.runUntilSettled(pair.a.write('after'));
    await pair.untilEqual();
    expect(pair.b.rows).toEqual(['after', 'before']);
  });

  test('a write that waited for the budget when the disk filled up is refused, and its reservation is gone', async () => {
    const pair = await ReplicaPair.linked(5, { rpoBytes: 400 });
    pair.b.crash('kill');
    await pair.clock.advance(10_000);
    await pair.clock.runUntilSettled(pair.a.write('fills the budget '.padEnd(300, '.')));
    const waiting = pair.a.write('waits '.padEnd(300, '.'));
    waiting.catch(() => undefined);
    await pair.clock.advance(100);
    pair.a.store.isDiskFull = true;
    await pair.b.start();
    await expect(pair.clock.runUntilSettled(waiting)).rejects.toThrow(DiskFullError);
    pair.a.store.isDiskFull = false;
    await pair.untilLinked();
    await pair.clock.runUntilSettled(pair.a.write('after '.padEnd(300, '.')));
    await pair.untilEqual();
    expect(pair.b.rows).toHaveLength(2);
  });
});

describe('a disk without any room', () => {
  const BODY_CHARS = 12_000;

  function fill(node: TestNode): void {
    node.disk.setCapacity(node.disk.usedBytes);
  }

  /** Settled or not, it is looked at when it is. */
  function started(node: TestNode, text: string): { outcome: unknown } {
    const write: { outcome: unknown } = { outcome: 'none yet' };
    node.write(text.padEnd(BODY_CHARS, '.')).then(
      () => (write.outcome = 'OK'),
      (error: unknown) => (write.outcome = error),
    );
    return write;
  }

  test('writes that its journal has taken wait beyond rpo_wait_timeout, are answered when there is room, and further ones are refused', async () => {
    const pair = await ReplicaPair.linked(6);
    fill(pair.a);
    const taken = Array.from({ length: 20 }, (_, row) => started(pair.a, `taken ${row}`));
    await pair.clock.advance(60_000);
    const outcomes = new Set(taken.map(({ outcome }) => outcome));
    expect([...outcomes]).toEqual(['OK', 'none yet']);
    expect(pair.a.store.own.isWaitingForRoom).toBe(true);
    await expect(pair.clock.runUntilSettled(pair.a.write('refused'))).rejects.toThrow(
      DiskFullError,
    );
    pair.a.disk.setCapacity(Infinity);
    await pair.clock.advance(2_000);
    expect(taken.map(({ outcome }) => outcome)).toEqual(taken.map(() => 'OK'));
    await pair.untilEqual();
    expect([pair.b.rows.length, pair.a.failures]).toEqual([taken.length, []]);
  });

  test('of the peer: its copy confirms nothing, the budget fills, and both go on when there is room', async () => {
    const pair = await ReplicaPair.linked(7, { rpoBytes: 6 * BODY_CHARS });
    fill(pair.b);
    const writes = Array.from({ length: 40 }, (_, row) => started(pair.a, `row ${row}`));
    await pair.clock.advance(4_000);
    expect(pair.b.store.copy!.isWaitingForRoom).toBe(true);
    await pair.clock.advance(60_000);
    const refused = writes.filter(({ outcome }) => outcome instanceof NotAppliedError).length;
    const isOk = writes.filter(({ outcome }) => outcome === 'OK').length;
    expect([refused > 0, refused + isOk]).toEqual([true, writes.length]);
    expect(pair.b.rows.length).toBeLessThan(isOk);

    pair.b.disk.setCapacity(Infinity);
    await pair.untilEqual();
    expect(pair.b.rows).toHaveLength(isOk);
    await pair.clock.runUntilSettled(pair.a.write('after'));
    expect([pair.a.failures, pair.b.failures]).toEqual([[], []]);
  });

  describe('a link that breaks while a copy waits for it comes back when there is room, and not before', () => {
    /** The lower id dials. */
    const scenes = (['a', 'b'] as const).flatMap((full) =>
      (['block', 'degrade'] as const).map((onPeerLoss) => ({ full, onPeerLoss })),
    );

    /** `full` has received what its disk can't hold, and the link is broken. */
    async function broken(full: 'a' | 'b', config: ConfigChange = {}): Promise<ReplicaPair> {
      const pair = await ReplicaPair.linked(9, { rpoBytes: 6 * BODY_CHARS, ...config });
      const other = full === 'a' ? pair.b : pair.a;
      fill(pair[full]);
      for (let row = 0; !pair[full].store.copy!.isWaitingForRoom; row += 1) {
        started(other, `row ${row}`);
        await pair.clock.advance(10);
      }
      pair.network.reset();
      await pair.clock.advance(100);
      return pair;
    }

    test.each(scenes)('full: $full, on_peer_loss: $onPeerLoss', async ({ full, onPeerLoss }) => {
      const pair = await broken(full, { onPeerLoss, degradeAfterMs: 2_000 });
      const other = full === 'a' ? pair.b : pair.a;
      // Longer than many handshakes take to fail.
      for (let minute = 0; minute < 5; minute += 1) {
        await pair.clock.advance(60_000);
        expect([pair.a.node.status().linkState, pair.b.node.status().linkState]).toEqual([
          'lost',
          'lost',
        ]);
        expect(pair.network.connectionCount).toBeLessThanOrEqual(2);
      }
      const trouble = pair[full].node.status().lastError!;
      expect(trouble.code).toBe('DISK_BEHIND');
      // It still answers, as far as it can.
      expect(trouble.atMs).toBeGreaterThan(pair.clock.wallMs() - 10_000);
      const writes = Array.from({ length: 10 }, (_, row) => started(other, `alone ${row}`));
      await pair.clock.advance(60_000);
      const outcomes = writes.map(({ outcome }) =>
        outcome instanceof NotAppliedError ? outcome.reason : outcome,
      );
      expect(other.state).toBe(onPeerLoss === 'block' ? 'lost' : 'degraded');
      expect(new Set(outcomes)).toEqual(
        new Set(onPeerLoss === 'block' ? ['OK', 'budget-full'] : ['OK']),
      );

      pair[full].disk.setCapacity(Infinity);
      await pair.untilLinked(10_000);
      await pair.untilEqual();
      await pair.clock.runUntilSettled(other.write('after'));
      expect(other.state).toBe('linked');
      expect([pair.a.failures, pair.b.failures]).toEqual([[], []]);
    });

    test('a node that is stopped meanwhile ends', async () => {
      const pair = await broken('b');
      await pair.clock.advance(20_000);
      await pair.clock.runUntilSettled(pair.b.node.stop({ drainMs: 1_000 }));
      await pair.clock.runUntilSettled(pair.b.store.close());
      expect([pair.b.failures, pair.network.connectionCount]).toEqual([[], 0]);
    });
  });

  test('a node that is stopped while its journal waits ends, and its writes under way with it', async () => {
    const pair = await ReplicaPair.linked(8);
    fill(pair.a);
    const taken = Array.from({ length: 20 }, (_, row) => started(pair.a, `taken ${row}`));
    await pair.clock.advance(10_000);
    await pair.clock.runUntilSettled(pair.a.node.stop({ drainMs: 1_000 }));
    await pair.clock.runUntilSettled(pair.a.store.own.close());
    const codes = new Set(
      taken.map(({ outcome }) => (outcome as { code?: string }).code ?? outcome),
    );
    expect([...codes]).toEqual(['OK', 'OUTCOME_UNKNOWN']);
    expect(pair.a.failures).toEqual([]);
  });
});
