/** Below the disk's reserve: clients' writes are refused before anything is appended, and the rest goes on. */

import { DiskFullError, type Acknowledgement } from '../../replication/index.js';
import { encodeExpiryBody, RecordKind } from '../../storage/index.js';
import { ReplicaPair, type TestNode } from '../support/replica-pair.js';

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
