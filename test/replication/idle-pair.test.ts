/** A pair that nobody writes to, and one that cannot begin: what must go on, and what must end, without a client. */

import { versionParts } from '../../storage/index.js';
import { ReplicaPair } from '../support/replica-pair.js';

test('announced bounds follow the clock on nodes that take no write', async () => {
  const pair = await ReplicaPair.linked(1);
  for (let minute = 0; minute < 3; minute += 1) {
    await pair.clock.advance(60_000);
    for (const node of [pair.a, pair.b]) {
      const behindMs = pair.clock.wallMs() - versionParts(node.store.horizonLog.peerBound).ms;
      expect(behindMs).toBeLessThan(5_000);
    }
  }
});

test('a node that cannot open the copy of its peer ends, and says so once', async () => {
  const pair = new ReplicaPair(2);
  await pair.a.start();
  pair.a.disk.failNext({ operation: 'syncFolder', nth: 1, code: 'EIO', path: 'journal/2' });
  await pair.b.start();
  await pair.clock.advance(5_000);
  expect(pair.a.failures.map((error) => error.message)).toEqual([
    expect.stringContaining('EIO: syncFolder'),
  ]);
  expect(pair.b.state).toBe('lost');
});
