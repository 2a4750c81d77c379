/** Whether two histories are one, and what must flow: each case as two lists and the verdict. */

import type { Position } from '../../storage/index.js';
import {
  chainToTell,
  hashQuestions,
  judgeChain,
  type ChainEntry,
  type KnownEntry,
} from '../../replication/chain.js';

const A = 'a'.repeat(16);
const B = 'b'.repeat(16);
const C = 'c'.repeat(16);
const D = 'd'.repeat(16);

/** A hash that belongs to a place in a branch of history. */
function hashOf(incarnation: string, sequence: number): string {
  return (incarnation.slice(0, 8) + sequence.toString(16).padStart(8, '0')).repeat(2);
}

function at(incarnation: string, sequence: number): Position {
  return { incarnation, sequence, hash: hashOf(incarnation, sequence) };
}

function own(
  incarnation: string,
  sequence: number,
  parent: Position | null,
  more: Partial<ChainEntry> = {},
): ChainEntry {
  const hash = hashOf(incarnation, sequence);
  return { incarnation, parent, first: 1, sequence, hash, isAgreed: false, ...more };
}

function copy(incarnation: string, sequence: number, more: Partial<KnownEntry> = {}): KnownEntry {
  return {
    incarnation,
    first: 1,
    sequence,
    hash: hashOf(incarnation, sequence),
    isAgreed: false,
    ...more,
  };
}

const send = (incarnation: string, after: number, through: number): object => ({
  incarnation,
  after,
  through,
});

interface Case {
  readonly name: string;
  readonly chain: readonly ChainEntry[];
  readonly known: readonly KnownEntry[];
  readonly hasClaims?: boolean;
  readonly verdict: object;
}

const CASES: readonly Case[] = [
  {
    name: 'two new nodes: everything from the start',
    chain: [own(A, 1, null)],
    known: [],
    verdict: { send: [send(A, 0, 1)], returned: [], ends: [] },
  },
  {
    name: 'a link that broke: from the durable position on',
    chain: [own(A, 9, null)],
    known: [copy(A, 4)],
    verdict: { send: [send(A, 4, 9)], returned: [], ends: [] },
  },
  {
    name: 'level: nothing but what comes',
    chain: [own(A, 9, null)],
    known: [copy(A, 9)],
    verdict: { send: [send(A, 9, 9)], returned: [], ends: [] },
  },
  {
    name: 'the origin restarted: the rest of the old incarnation, then the new one',
    chain: [own(A, 9, null), own(B, 3, at(A, 9))],
    known: [copy(A, 4)],
    verdict: {
      send: [send(A, 4, 9), send(B, 0, 3)],
      returned: [],
      ends: [{ incarnation: A, sequence: 9 }],
    },
  },
  {
    name: 'the origin restarted and lost its tail: it is returned',
    chain: [own(A, 4, null), own(B, 3, at(A, 4))],
    known: [copy(A, 7)],
    verdict: {
      send: [send(B, 0, 3)],
      returned: [send(A, 4, 7)],
      ends: [{ incarnation: A, sequence: 7 }],
    },
  },
  {
    name: 'the tail came back before the link broke: only the end is to be agreed',
    chain: [own(A, 7, null), own(B, 3, at(A, 4))],
    known: [copy(A, 7), copy(B, 2)],
    verdict: {
      send: [send(A, 7, 7), send(B, 2, 3)],
      returned: [],
      ends: [{ incarnation: A, sequence: 7 }],
    },
  },
  {
    name: 'the end was agreed here, but the word was lost: it is said again',
    chain: [own(A, 7, null, { isAgreed: true }), own(B, 3, at(A, 7))],
    known: [copy(A, 7), copy(B, 3)],
    verdict: {
      send: [send(A, 7, 7), send(B, 3, 3)],
      returned: [],
      ends: [{ incarnation: A, sequence: 7 }],
    },
  },
  {
    name: 'agreed on both sides: no longer in the vector',
    chain: [own(A, 7, null, { isAgreed: true }), own(B, 3, at(A, 7))],
    known: [copy(A, 7, { isAgreed: true }), copy(B, 3)],
    verdict: { send: [send(B, 3, 3)], returned: [], ends: [] },
  },
  {
    name: 'the agreed incarnation has left the journal: the parent says where it ended',
    chain: [own(B, 3, at(A, 7))],
    known: [copy(A, 7)],
    verdict: { send: [send(B, 0, 3)], returned: [], ends: [] },
  },
  {
    name: 'three restarts without the peer',
    chain: [own(A, 7, null), own(B, 1, at(A, 7)), own(C, 1, at(B, 1)), own(D, 2, at(C, 1))],
    known: [copy(A, 7)],
    verdict: {
      send: [send(A, 7, 7), send(B, 0, 1), send(C, 0, 1), send(D, 0, 2)],
      returned: [],
      ends: [A, B, C].map((incarnation) => ({ incarnation, sequence: incarnation === A ? 7 : 1 })),
    },
  },
  {
    name: 'the receiver lacks what the journal no longer has',
    chain: [own(A, 90, null, { first: 50 })],
    known: [copy(A, 20)],
    verdict: { refusal: 'too-far-behind', about: 'receiver' },
  },
  {
    name: 'the receiver is just not too far behind',
    chain: [own(A, 90, null, { first: 50 })],
    known: [copy(A, 49)],
    verdict: { send: [send(A, 49, 90)], returned: [], ends: [] },
  },
  {
    name: 'the receiver knows nothing and the journal is not whole',
    chain: [own(A, 90, null, { first: 50 })],
    known: [],
    verdict: { refusal: 'too-far-behind', about: 'receiver' },
  },
  {
    name: 'the receiver once had something and has nothing',
    chain: [own(B, 9, at(A, 4))],
    known: [],
    hasClaims: true,
    verdict: { refusal: 'wiped-node', about: 'receiver' },
  },
  {
    name: 'the origin began anew',
    chain: [own(C, 1, null)],
    known: [copy(A, 7), copy(B, 3)],
    verdict: { refusal: 'wiped-node', about: 'origin' },
  },
  {
    name: 'the origin leaves from an older incarnation: restored, or a clone',
    chain: [own(A, 4, null), own(C, 2, at(A, 4))],
    known: [copy(A, 7), copy(B, 3)],
    verdict: { refusal: 'restored-node', about: 'origin' },
  },
  {
    name: 'the origin is so old that it does not even know the newest copy’s parent',
    chain: [own(D, 2, at(C, 1))],
    known: [copy(A, 7), copy(B, 3)],
    verdict: { refusal: 'restored-node', about: 'origin' },
  },
  {
    name: 'an agreed end that the origin no longer reaches: restored',
    chain: [own(A, 5, null, { isAgreed: true }), own(B, 3, at(A, 5))],
    known: [copy(A, 7), copy(B, 3)],
    verdict: { refusal: 'restored-node', about: 'origin' },
  },
  {
    name: 'the receiver has more of the current incarnation than its origin ever wrote',
    chain: [own(A, 4, null)],
    known: [copy(A, 5)],
    verdict: { refusal: 'diverged', about: 'origin' },
  },
  {
    name: 'equal sequences, other hashes',
    chain: [own(A, 4, null)],
    known: [copy(A, 4, { hash: hashOf(B, 4) })],
    verdict: { refusal: 'diverged', about: 'receiver' },
  },
  {
    name: 'incarnations that are no chain',
    chain: [own(A, 4, null), own(B, 1, at(C, 4))],
    known: [copy(A, 4)],
    verdict: { refusal: 'diverged', about: 'origin' },
  },
  {
    name: 'a parent beyond the end of its incarnation',
    chain: [own(A, 4, null), own(B, 1, at(A, 5))],
    known: [copy(A, 4)],
    verdict: { refusal: 'diverged', about: 'origin' },
  },
];

test.each(CASES.map((each) => [each.name, each] as const))('%s', (_, each) => {
  const verdict = judgeChain(each.chain, each.known, each.hasClaims ?? false);
  expect(verdict).toMatchObject(each.verdict);
});

describe('what the origin tells', () => {
  const all = [
    own(A, 7, null, { isAgreed: true }),
    own(B, 7, at(A, 7)),
    own(C, 7, at(B, 7), { isAgreed: true }),
    own(D, 7, at(C, 7)),
  ];
  const told = (known: readonly string[]): string =>
    chainToTell(all, new Set(known))
      .map((entry) => entry.incarnation[0])
      .join('');

  test.each([
    ['from the newest known on, and what is not agreed', [A, B, C], 'bcd'],
    ['everything after the newest known', [A], 'abcd'],
    ['everything to one who knows nothing', [], 'abcd'],
    ['the current one at least', [D], 'bd'],
  ])('%s', (_, known, expected) => {
    expect(told(known)).toBe(expected);
  });
});

describe('hashes that one side alone can look up', () => {
  test('the longer journal answers', () => {
    const chain = [own(A, 9, null), own(B, 3, at(A, 9)), own(C, 5, at(B, 3))];
    const known = [copy(A, 4), copy(B, 6), copy(C, 5)];
    expect(hashQuestions(chain, known)).toEqual([
      { incarnation: A, sequence: 4, hash: hashOf(A, 4), askOrigin: true },
      { incarnation: B, sequence: 3, hash: hashOf(B, 3), askOrigin: false },
    ]);
  });
});
