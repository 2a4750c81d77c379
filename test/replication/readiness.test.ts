/** Readiness as stories in a table, and two nodes side by side over random worlds: never both unready for lag. */

import fc from 'fast-check';
import { Readiness, type PeerReadiness, type ReadinessView } from '../../replication/readiness.js';

const OPTIONS = {
  nodeId: 1,
  hasPeer: true,
  startupPeerWaitMs: 10_000,
  readyAloneAfterMs: 10_000,
  lagUnreadyMs: 5_000,
  lagReadyMs: 1_000,
};
const READY: PeerReadiness = { isReady: true, want: 0, grant: 0 };
const UNREADY: PeerReadiness = { isReady: false, want: 0, grant: 0 };
const ALONE: ReadinessView = {
  isLinked: false,
  peerNodeId: 2,
  peer: null,
  isCaughtUp: false,
  lagMs: 0,
  isNew: false,
};
const LEVEL: ReadinessView = { ...ALONE, isLinked: true, peer: READY, isCaughtUp: true };

interface Story {
  readonly name: string;
  readonly nodeId?: number;
  /** Moments: milliseconds, what the world is then, and the state expected. */
  readonly moments: readonly (readonly [number, Partial<ReadinessView>, string])[];
  readonly isAlone?: boolean;
}

const linked = (change: Partial<ReadinessView> = {}): Partial<ReadinessView> => ({
  ...LEVEL,
  ...change,
});
const lost: Partial<ReadinessView> = ALONE;

const STORIES: readonly Story[] = [
  {
    name: 'a start with no link within startup_peer_wait is ready then, loudly',
    moments: [
      [0, lost, 'starting'],
      [9_999, lost, 'starting'],
      [10_000, lost, 'ready'],
    ],
    isAlone: true,
  },
  {
    name: 'a new data directory is not ready before it has met its peer',
    moments: [
      [20_000, { ...lost, isNew: true }, 'starting'],
      [30_000, linked(), 'catching-up'],
      [30_001, linked(), 'ready'],
    ],
  },
  {
    name: 'a returning node is unready until it has caught up',
    moments: [
      [10, linked({ isCaughtUp: false }), 'catching-up'],
      [60_000, linked({ isCaughtUp: false }), 'catching-up'],
      [60_001, linked({ isCaughtUp: true, lagMs: 1_001 }), 'catching-up'],
      [60_002, linked({ lagMs: 1_000 }), 'ready'],
    ],
    isAlone: false,
  },
  {
    name: 'link lost while catching up: ready after ready_alone_after, loudly',
    moments: [
      [10, linked({ isCaughtUp: false }), 'catching-up'],
      [100, lost, 'alone'],
      [10_099, lost, 'alone'],
      [10_100, lost, 'ready'],
    ],
    isAlone: true,
  },
  {
    name: 'link back before that: it goes on catching up',
    moments: [
      [10, linked({ isCaughtUp: false }), 'catching-up'],
      [100, lost, 'alone'],
      [200, linked({ isCaughtUp: false }), 'catching-up'],
      [10_300, linked({ isCaughtUp: false }), 'catching-up'],
    ],
  },
  {
    name: 'two that wait for each other: the lower id becomes ready',
    moments: [
      [0, linked({ isCaughtUp: false, peer: UNREADY }), 'catching-up'],
      [9_999, linked({ isCaughtUp: false, peer: UNREADY }), 'catching-up'],
      [10_000, linked({ isCaughtUp: false, peer: UNREADY }), 'ready'],
    ],
    isAlone: true,
  },
  {
    name: 'two that wait for each other: the higher id does not',
    nodeId: 3,
    moments: [
      [0, linked({ isCaughtUp: false, peer: UNREADY }), 'catching-up'],
      [99_000, linked({ isCaughtUp: false, peer: UNREADY }), 'catching-up'],
    ],
  },
  {
    name: 'a ready node whose link is lost stays ready, whatever its lag was',
    moments: [
      [0, linked(), 'catching-up'],
      [1, linked(), 'ready'],
      [2, { ...lost, lagMs: 99_000 }, 'ready'],
      [99_000, lost, 'ready'],
    ],
  },
  {
    name: 'lag alone makes nobody unready: the peer must have granted it',
    moments: [
      [0, linked(), 'catching-up'],
      [1, linked(), 'ready'],
      [2, linked({ lagMs: 6_000 }), 'ready'],
      [3, linked({ lagMs: 6_000, peer: { ...READY, grant: 1 } }), 'lagging'],
    ],
  },
  {
    name: 'an unready peer grants nothing',
    moments: [
      [0, linked(), 'catching-up'],
      [1, linked(), 'ready'],
      [2, linked({ lagMs: 6_000, peer: UNREADY }), 'ready'],
      [3, linked({ lagMs: 6_000, peer: { ...UNREADY, grant: 1 } }), 'ready'],
    ],
  },
  {
    name: 'no current heartbeat, no leaving',
    moments: [
      [0, linked(), 'catching-up'],
      [1, linked(), 'ready'],
      [2, linked({ lagMs: 6_000, peer: null }), 'ready'],
    ],
  },
  {
    name: 'hysteresis: back only when the lag is small',
    moments: [
      [0, linked(), 'catching-up'],
      [1, linked(), 'ready'],
      [2, linked({ lagMs: 6_000 }), 'ready'],
      [3, linked({ lagMs: 6_000, peer: { ...READY, grant: 1 } }), 'lagging'],
      [4, linked({ lagMs: 2_000 }), 'lagging'],
      [5, linked({ lagMs: 900 }), 'ready'],
    ],
  },
  {
    name: 'lagging, and the link is lost: as one that was catching up',
    moments: [
      [0, linked(), 'catching-up'],
      [1, linked(), 'ready'],
      [2, linked({ lagMs: 6_000 }), 'ready'],
      [3, linked({ lagMs: 6_000, peer: { ...READY, grant: 1 } }), 'lagging'],
      [4, lost, 'alone'],
      [10_004, lost, 'ready'],
    ],
    isAlone: true,
  },
  {
    name: 'lagging, and the peer stops serving: somebody must',
    moments: [
      [0, linked(), 'catching-up'],
      [1, linked(), 'ready'],
      [2, linked({ lagMs: 6_000 }), 'ready'],
      [3, linked({ lagMs: 6_000, peer: { ...READY, grant: 1 } }), 'lagging'],
      [4, linked({ lagMs: 6_000, peer: UNREADY }), 'ready'],
    ],
  },
];

test.each(STORIES.map((story) => [story.name, story] as const))('%s', (_, story) => {
  const readiness = new Readiness({ ...OPTIONS, nodeId: story.nodeId ?? 1 }, 0);
  for (const [atMs, view, expected] of story.moments) {
    readiness.observe({ ...ALONE, ...view }, atMs);
    expect(`${atMs}: ${readiness.answer.state}`).toBe(`${atMs}: ${expected}`);
    expect(readiness.answer.ready).toBe(expected === 'ready');
  }
  if (story.isAlone !== undefined) expect(readiness.answer.isAlone).toBe(story.isAlone);
});

test('standalone is ready at once; a stopping node is not', () => {
  const readiness = new Readiness({ ...OPTIONS, hasPeer: false }, 0);
  expect(readiness.answer).toMatchObject({ ready: true, state: 'ready' });
  readiness.stop(1);
  expect(readiness.answer).toMatchObject({ ready: false, state: 'stopping' });
});

test('where both lag, the lower id stays and the higher one leaves', () => {
  const lower = new Readiness({ ...OPTIONS, nodeId: 1 }, 0);
  const higher = new Readiness({ ...OPTIONS, nodeId: 2 }, 0);
  const look = (self: Readiness, peer: PeerReadiness, peerNodeId: number, lagMs: number): boolean =>
    self.observe({ ...LEVEL, peer, peerNodeId, lagMs }, 10);
  for (let round = 0; round < 2; round += 1) {
    look(lower, READY, 2, 0);
    look(higher, READY, 1, 0);
  }
  for (let round = 0; round < 6; round += 1) {
    const [fromLower, fromHigher] = [lower.said, higher.said];
    look(lower, fromHigher, 2, 9_000);
    look(higher, fromLower, 1, 9_000);
  }
  expect([lower.answer.ready, higher.answer.ready]).toEqual([true, false]);
});

test('never both: whatever lags when, and however late heartbeats come', () => {
  const step = fc.record({
    who: fc.constantFrom(0, 1),
    act: fc.constantFrom('say', 'say', 'hear', 'hear', 'look', 'lag', 'level'),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
      const nodes = [1, 2].map((nodeId) => new Readiness({ ...OPTIONS, nodeId }, 0));
      const lag = [0, 0];
      const heard: PeerReadiness[] = [READY, READY];
      const underWay: PeerReadiness[][] = [[], []];
      const look = (who: number): void => {
        const view = { ...LEVEL, peer: heard[who]!, peerNodeId: 2 - who, lagMs: lag[who]! };
        nodes[who]!.observe(view, 1);
      };
      for (const who of [0, 1, 0, 1]) look(who);
      for (const { who, act } of steps) {
        if (act === 'say') underWay[1 - who]!.push(nodes[who]!.said);
        if (act === 'hear') heard[who] = underWay[who]!.shift() ?? heard[who]!;
        if (act === 'lag') lag[who] = 9_000;
        if (act === 'level') lag[who] = 0;
        look(who);
        expect(nodes.some((node) => node.answer.ready)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
