/** The handshake as a dialogue: two machines talk, a transcript is read; forged, replayed and foreign words are refused by name. */

import { LinkProtocolError, RefusedError } from '../../replication/index.js';
import type { ChainEntry, KnownEntry } from '../../replication/chain.js';
import { FrameType } from '../../replication/frame.js';
import {
  Handshake,
  type HandshakeIdentity,
  type HandshakeMessage,
  type HandshakeStep,
  type LocalStanding,
} from '../../replication/handshake.js';
import { encodeHello } from '../../replication/handshake-messages.js';
import { clusterIdOf, linkKeyOf } from '../../replication/proof.js';

const OWN = 'a'.repeat(16);
const THEIRS = 'b'.repeat(16);
const HASH = '1'.repeat(32);
const NAMES = new Map<number, string>(
  Object.entries(FrameType).map(([name, type]) => [type, name]),
);

function identity(nodeId: number, change: Partial<HandshakeIdentity> = {}): HandshakeIdentity {
  return {
    nodeId,
    peerNodeId: null,
    clusterId: clusterIdOf('secret'),
    linkKey: linkKeyOf('secret'),
    maxRecordBytes: 1000,
    nonce: new Uint8Array(32).fill(nodeId),
    ...change,
  };
}

function entry(
  incarnation: string,
  sequence: number,
  change: Partial<ChainEntry> = {},
): ChainEntry {
  return { incarnation, parent: null, first: 1, sequence, hash: HASH, isAgreed: false, ...change };
}

function known(incarnation: string, sequence: number): KnownEntry {
  return { incarnation, first: 1, sequence, hash: HASH, isAgreed: false };
}

function standing(change: Partial<LocalStanding>): LocalStanding {
  return {
    wallMs: 1_700_000_000_000,
    highestVersion: 8,
    hasClaims: false,
    lineage: '',
    chain: [],
    known: [],
    isOtherBranchAlive: false,
    wasStrangerSeen: false,
    ...change,
  };
}

interface Side {
  readonly identity: HandshakeIdentity;
  readonly standing: LocalStanding;
  /** What this side finds when it is asked for a hash. */
  readonly hash?: string | null;
}

interface Outcome {
  readonly transcript: readonly string[];
  readonly dialer: HandshakeStep | null;
  readonly acceptor: HandshakeStep | null;
}

/** Lets a dialer and an acceptor talk until both have come to an end. `tamper` may change a message on its way. */
function converse(
  dialer: Side,
  acceptor: Side,
  tamper: (message: HandshakeMessage, from: string) => HandshakeMessage = (message) => message,
): Outcome {
  const sides = {
    dialer: {
      ...dialer,
      machine: new Handshake('dialer', dialer.identity),
      end: null as HandshakeStep | null,
    },
    acceptor: {
      ...acceptor,
      machine: new Handshake('acceptor', acceptor.identity),
      end: null as HandshakeStep | null,
    },
  };
  const transcript: string[] = [];
  let from: 'dialer' | 'acceptor' = 'dialer';
  let message: HandshakeMessage | null = sides.dialer.machine.hello();
  while (message !== null) {
    transcript.push(`${from}: ${NAMES.get(message.type)}`);
    const to: 'dialer' | 'acceptor' = from === 'dialer' ? 'acceptor' : 'dialer';
    const side = sides[to];
    const sent = tamper(message, from);
    let step = side.machine.receive(sent.type, sent.payload);
    for (;;) {
      if (step.type === 'authenticated') {
        step = side.machine.tell(side.standing, 7);
      } else if (step.type === 'questions') {
        const hash = side.hash === undefined ? HASH : side.hash;
        step = side.machine.answer(
          step.questions.map(() => hash),
          step.questions,
        );
      } else {
        break;
      }
    }
    if (step.type !== 'send') side.end = step;
    message = step.message;
    from = to;
  }
  return { transcript, dialer: sides.dialer.end, acceptor: sides.acceptor.end };
}

function refusalOf(step: HandshakeStep | null): string {
  return step?.type === 'refused' ? step.error.refusal : `not refused: ${step?.type}`;
}

const NEW_DIALER: Side = { identity: identity(1), standing: standing({ chain: [entry(OWN, 1)] }) };
const NEW_ACCEPTOR: Side = {
  identity: identity(2),
  standing: standing({ chain: [entry(THEIRS, 1)] }),
};

describe('a handshake that succeeds', () => {
  test('reads like this', () => {
    const { transcript, dialer, acceptor } = converse(NEW_DIALER, NEW_ACCEPTOR);
    expect(transcript).toEqual([
      'dialer: hello',
      'acceptor: challenge',
      'dialer: proof',
      'acceptor: standing',
      'dialer: standing',
      'acceptor: welcome',
    ]);
    expect(dialer).toMatchObject({
      type: 'done',
      result: {
        peerNodeId: 2,
        link: 7,
        outbound: { send: [{ incarnation: OWN, after: 0, through: 1 }] },
        inbound: { send: [{ incarnation: THEIRS, after: 0, through: 1 }] },
      },
    });
    expect(acceptor).toMatchObject({ type: 'done', result: { peerNodeId: 1, link: 7 } });
  });

  test('both come to the same plans, seen from their sides', () => {
    const { dialer, acceptor } = converse(
      {
        identity: identity(1, { peerNodeId: 2 }),
        standing: standing({ chain: [entry(OWN, 9)], known: [known(THEIRS, 4)], hasClaims: true }),
      },
      {
        identity: identity(2, { peerNodeId: 1 }),
        standing: standing({ chain: [entry(THEIRS, 6)], known: [known(OWN, 5)], hasClaims: true }),
      },
    );
    if (dialer?.type !== 'done' || acceptor?.type !== 'done') throw new Error('no link');
    expect(dialer.result.outbound).toEqual(acceptor.result.inbound);
    expect(dialer.result.inbound).toEqual(acceptor.result.outbound);
    expect(dialer.result.outbound.send).toEqual([{ incarnation: OWN, after: 5, through: 9 }]);
  });
});

describe('nodes that were restored from backups', () => {
  const lineage = (side: Side, id: string): Side => ({
    ...side,
    standing: { ...side.standing, lineage: id },
  });

  test.each([
    ['0011223344556677', '', /node 1 was restored from backup 0011223344556677 and node 2 .* none/],
    ['', '0011223344556677', /node 2 was restored from backup 0011223344556677/],
    ['0011223344556677', '8899aabbccddeeff', /restore both from the same backup/],
  ])(
    'two nodes that were not restored from the same backup are refused by name: "%s", "%s"',
    (ours, theirs, message) => {
      const { dialer, acceptor } = converse(
        lineage(NEW_DIALER, ours),
        lineage(NEW_ACCEPTOR, theirs),
      );
      expect([refusalOf(dialer), refusalOf(acceptor)]).toEqual(['restored-node', 'restored-node']);
      expect(dialer?.type === 'refused' && dialer.error.message).toMatch(message);
    },
  );

  test('two that were link as new ones do', () => {
    const id = '0011223344556677';
    const { dialer } = converse(lineage(NEW_DIALER, id), lineage(NEW_ACCEPTOR, id));
    expect(dialer).toMatchObject({ type: 'done', result: { peer: { lineage: id } } });
  });
});

describe('who is refused, and by what name', () => {
  test.each<[string, Side, string, readonly string[]]>([
    [
      'another cluster, or another secret',
      { ...NEW_ACCEPTOR, identity: identity(2, { clusterId: clusterIdOf('other') }) },
      'other-cluster',
      ['dialer: hello', 'acceptor: refuse'],
    ],
    [
      'another secret in the same cluster',
      { ...NEW_ACCEPTOR, identity: identity(2, { linkKey: linkKeyOf('other') }) },
      'wrong-secret',
      ['dialer: hello', 'acceptor: challenge', 'dialer: refuse'],
    ],
    [
      'the same node id',
      { ...NEW_ACCEPTOR, identity: identity(1) },
      'same-node-id',
      ['dialer: hello', 'acceptor: refuse'],
    ],
    [
      'a node that belongs to another pair',
      { ...NEW_ACCEPTOR, identity: identity(2, { peerNodeId: 3 }) },
      'other-peer',
      ['dialer: hello', 'acceptor: refuse'],
    ],
    [
      'other limits',
      { ...NEW_ACCEPTOR, identity: identity(2, { maxRecordBytes: 999 }) },
      'max-record-bytes',
      ['dialer: hello', 'acceptor: challenge', 'dialer: proof', 'acceptor: refuse'],
    ],
  ])('%s: %#', (_, acceptor, refusal, transcript) => {
    const outcome = converse(NEW_DIALER, acceptor);
    expect(outcome.transcript).toEqual(transcript);
    expect([refusalOf(outcome.dialer), refusalOf(outcome.acceptor)]).toEqual([refusal, refusal]);
    expect(outcome.dialer).toHaveProperty('error', expect.any(RefusedError));
  });

  test('the higher id does not dial', () => {
    const outcome = converse(
      { ...NEW_DIALER, identity: identity(3) },
      { ...NEW_ACCEPTOR, identity: identity(2) },
    );
    expect(refusalOf(outcome.dialer)).toBe('not-your-turn');
  });

  test('another protocol version, whatever else it says', () => {
    const acceptor = new Handshake('acceptor', identity(2));
    const hello = encodeHello({
      protocol: 99,
      clusterId: clusterIdOf('secret'),
      nodeId: 1,
      nonce: new Uint8Array(32),
    });
    const step = acceptor.receive(FrameType.hello, hello);
    expect(refusalOf(step)).toBe('protocol-version');
  });

  test('a history that differs in the middle', () => {
    const outcome = converse(
      { ...NEW_DIALER, standing: standing({ chain: [entry(OWN, 9)] }), hash: '2'.repeat(32) },
      {
        ...NEW_ACCEPTOR,
        standing: standing({ chain: [entry(THEIRS, 1)], known: [known(OWN, 5)] }),
      },
    );
    expect(refusalOf(outcome.dialer)).toBe('diverged');
    expect(refusalOf(outcome.acceptor)).toBe('diverged');
  });

  test('a hash that nobody can look up any more is no proof of difference', () => {
    const outcome = converse(
      { ...NEW_DIALER, standing: standing({ chain: [entry(OWN, 9)] }), hash: null },
      {
        ...NEW_ACCEPTOR,
        standing: standing({ chain: [entry(THEIRS, 1)], known: [known(OWN, 5)] }),
      },
    );
    expect(outcome.dialer?.type).toBe('done');
  });
});

describe('restored, wiped and cloned nodes', () => {
  const restored = standing({
    chain: [
      entry('c'.repeat(16), 2, {
        parent: { incarnation: 'd'.repeat(16), sequence: 3, hash: HASH },
      }),
    ],
    known: [],
  });
  const knowsAnother = (change: Partial<LocalStanding>): LocalStanding =>
    standing({
      chain: [entry(THEIRS, 1)],
      known: [known('d'.repeat(16), 3), known(OWN, 4)],
      ...change,
    });

  test('a restored dialer is judged by the acceptor, who knows of its other branches', () => {
    const outcome = converse(
      { identity: identity(1), standing: restored },
      { identity: identity(2), standing: knowsAnother({}) },
    );
    expect(outcome.transcript.at(-2)).toBe('dialer: standing');
    expect(refusalOf(outcome.acceptor)).toBe('restored-node');
    expect(outcome.acceptor).toMatchObject({ isStranger: true });
    expect(refusalOf(outcome.dialer)).toBe('restored-node');
    expect(outcome.dialer).toMatchObject({ error: { isByPeer: true } });
  });

  test('while the other branch is alive it is a clone', () => {
    const outcome = converse(
      { identity: identity(1), standing: restored },
      { identity: identity(2), standing: knowsAnother({ isOtherBranchAlive: true }) },
    );
    expect(refusalOf(outcome.acceptor)).toBe('cloned-node');
  });

  test('and the branch that is known is refused as well while the stranger is alive', () => {
    const outcome = converse(
      { identity: identity(1), standing: standing({ chain: [entry(OWN, 4)] }) },
      { identity: identity(2), standing: knowsAnother({ wasStrangerSeen: true }) },
    );
    expect(refusalOf(outcome.acceptor)).toBe('cloned-node');
    expect(outcome.acceptor).toMatchObject({ isStranger: false });
  });

  test('a node that began anew is wiped', () => {
    const outcome = converse(
      { identity: identity(1), standing: standing({ chain: [entry('c'.repeat(16), 1)] }) },
      { identity: identity(2), standing: knowsAnother({}) },
    );
    expect(refusalOf(outcome.acceptor)).toBe('wiped-node');
  });

  test('a restored acceptor is judged by the dialer', () => {
    const outcome = converse(
      { identity: identity(1), standing: knowsAnother({ chain: [entry(THEIRS, 1)] }) },
      { identity: identity(2), standing: restored },
    );
    expect(refusalOf(outcome.dialer)).toBe('restored-node');
    expect(outcome.dialer).toMatchObject({ isStranger: true });
  });
});

describe('forged words', () => {
  const flipLast = (payload: Uint8Array): Uint8Array => {
    const flipped = payload.slice();
    flipped[flipped.length - 1]! ^= 1;
    return flipped;
  };

  test.each(['proof', 'standing', 'welcome'] as const)('a changed %s is a wrong secret', (name) => {
    const outcome = converse(NEW_DIALER, NEW_ACCEPTOR, (message) =>
      NAMES.get(message.type) === name
        ? { ...message, payload: flipLast(message.payload) }
        : message,
    );
    expect([refusalOf(outcome.dialer), refusalOf(outcome.acceptor)]).toContain('wrong-secret');
  });

  test('a changed challenge is a wrong secret', () => {
    const outcome = converse(NEW_DIALER, NEW_ACCEPTOR, (message) =>
      message.type === FrameType.challenge
        ? { ...message, payload: flipLast(message.payload) }
        : message,
    );
    expect(refusalOf(outcome.dialer)).toBe('wrong-secret');
  });

  test('words of an earlier handshake are worth nothing', () => {
    const recorded: HandshakeMessage[] = [];
    converse(NEW_DIALER, NEW_ACCEPTOR, (message, from) => {
      if (from === 'dialer') recorded.push(message);
      return message;
    });
    const acceptor = new Handshake('acceptor', identity(2, { nonce: new Uint8Array(32).fill(99) }));
    acceptor.receive(recorded[0]!.type, recorded[0]!.payload);
    const step = acceptor.receive(recorded[1]!.type, recorded[1]!.payload);
    expect(refusalOf(step)).toBe('wrong-secret');
  });

  test('what one role said is no proof of the other', () => {
    const recorded: HandshakeMessage[] = [];
    converse(NEW_DIALER, NEW_ACCEPTOR, (message, from) => {
      if (from === 'acceptor' && message.type === FrameType.standing) recorded.push(message);
      // The acceptor's own standing comes back to it.
      return from === 'dialer' && message.type === FrameType.standing ? recorded[0]! : message;
    });
    const outcome = converse(NEW_DIALER, NEW_ACCEPTOR, (message, from) =>
      from === 'dialer' && message.type === FrameType.standing ? recorded[0]! : message,
    );
    expect(refusalOf(outcome.acceptor)).toBe('wrong-secret');
  });

  test.each([
    ['a standing first', FrameType.standing],
    ['a welcome first', FrameType.welcome],
    ['a heartbeat', FrameType.heartbeat],
    ['a challenge to an acceptor', FrameType.challenge],
  ])('%s ends it without an answer', (_, type) => {
    const acceptor = new Handshake('acceptor', identity(2));
    expect(() => acceptor.receive(type, new Uint8Array(64))).toThrow(LinkProtocolError);
  });

  test('the secret is in no message', () => {
    const sent: Uint8Array[] = [];
    converse(NEW_DIALER, NEW_ACCEPTOR, (message) => {
      sent.push(message.payload);
      return message;
    });
    const all = Buffer.concat(sent);
    expect(all.includes('secret')).toBe(false);
    expect(all.includes(Buffer.from(linkKeyOf('secret')))).toBe(false);
  });
});
