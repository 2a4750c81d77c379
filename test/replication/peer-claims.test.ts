/** What the peer has of our journal, in the gate's terms: at handshakes, and when older incarnations leave the journal. */

import { PeerClaims } from '../../replication/peer-claims.js';
import { Standing } from '../../replication/standing.js';
import type { StandingMessage } from '../../replication/handshake-messages.js';
import type { IncarnationId, Journal } from '../../storage/index.js';
import { appendWrites, incarnationId, JournalRig, untilDurable } from '../support/journal-rig.js';

const OLDER = incarnationId(1);
const CURRENT = incarnationId(2);

/** An older incarnation of four records and a current one of three. */
async function twoIncarnations(): Promise<Journal> {
  const rig = new JournalRig();
  const before = await rig.start(1);
  appendWrites(before, [Buffer.alloc(10), Buffer.alloc(20), Buffer.alloc(30)]);
  await untilDurable(before);
  await before.close();
  const journal = await rig.start(2);
  appendWrites(journal, [Buffer.alloc(100), Buffer.alloc(200)]);
  await untilDurable(journal);
  return journal;
}

function claimsOn(journal: Journal, standing: Standing): PeerClaims {
  const setConfirmed = (): void => {};
  return new PeerClaims({ nodeId: 1, own: journal, incarnation: CURRENT, setConfirmed }, standing);
}

function peerKnows(known: Readonly<Record<IncarnationId, number>>): StandingMessage {
  return {
    maxRecordBytes: 4096,
    link: 1,
    wallMs: 0,
    highestVersion: 0,
    hasClaims: true,
    lineage: '',
    chain: [],
    known: Object.entries(known).map(([incarnation, sequence]) => ({
      incarnation,
      first: 1,
      sequence,
      hash: '',
      isAgreed: false,
    })),
  };
}

test('what the peer does not name is pending again, and the node unprotected', async () => {
  const journal = await twoIncarnations();
  const standing = new Standing(undefined);
  const claims = claimsOn(journal, standing);
  claims.replace(peerKnows({ [OLDER]: 4, [CURRENT]: 3 }));
  expect(claims.forGate).toMatchObject({
    pendingBytes: 0,
    recoveredBytes: 0,
    isUnprotected: false,
  });
  claims.replace(peerKnows({ [CURRENT]: 2 }));
  const recoveredBytes = journal.pendingBytes(OLDER, 0);
  expect(recoveredBytes).toBeGreaterThan(60);
  expect(claims.forGate).toEqual({
    sequence: 2,
    pendingBytes: journal.pendingBytes(CURRENT, 2),
    recoveredBytes,
    isUnprotected: true,
  });
});

test('an older incarnation that has left our journal need not be named any more', async () => {
  const journal = await twoIncarnations();
  const standing = new Standing(undefined);
  const claims = claimsOn(journal, standing);
  claims.replace(peerKnows({ [OLDER]: 4, [CURRENT]: 1 }));
  await journal.endIncarnation(OLDER);
  await journal.releaseBefore(new Map([[OLDER, 4]]), 0);
  expect(journal.incarnation(OLDER)).toBeNull();
  claims.replace(peerKnows({ [CURRENT]: 3 }));
  expect(claims.forGate).toMatchObject({ sequence: 3, pendingBytes: 0, isUnprotected: false });
});
