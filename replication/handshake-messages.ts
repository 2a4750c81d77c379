/**
 * The messages of the handshake, field by field. PROTOCOL.md draws them.
 *
 * From `proof` on each payload is a 32 byte tag followed by the message; the tag proves that the sender holds the secret and
 * that the message belongs to this very handshake.
 */

import type { IncarnationId, NodeId, Position } from '../storage/index.js';
import type { ChainEntry, KnownEntry } from './chain.js';
import { RefusedError, type RefusalName } from './errors.js';
import { MessageReader, packFields, type Field } from './message-reader.js';
import { CLUSTER_ID_DIGITS, NONCE_BYTES, PROOF_BYTES } from './proof.js';

/** Raised when nodes of the old and the new kind could misunderstand each other. */
export const PROTOCOL_VERSION = 1;

const INCARNATION_DIGITS = 16;
const HASH_DIGITS = 32;
const INCARNATIONS_MAX = 1024;
const TEXT_MAX = 1024;
const LINEAGE_MAX = 64;

export interface Hello {
  readonly protocol: number;
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly nonce: Uint8Array;
}

export interface Challenge extends Hello {
  readonly proof: Uint8Array;
}

/** What the dialer knows of the acceptor's incarnations, so that the acceptor's chain reaches back far enough. */
export interface Proof {
  readonly maxRecordBytes: number;
  readonly knownIncarnations: readonly IncarnationId[];
}

/** Where a node stands: its own chain, and its copies of the other's. */
export interface StandingMessage {
  readonly maxRecordBytes: number;
  /** The number of this link, from the acceptor; the dialer repeats it. */
  readonly link: number;
  readonly wallMs: number;
  /** Highest version stamped or received: the other's clock moves above it. */
  readonly highestVersion: number;
  /** The sender remembers that the other once confirmed something. */
  readonly hasClaims: boolean;
  /** Id of the backup that the sender was restored from; empty for a node that never was. */
  readonly lineage: string;
  readonly chain: readonly ChainEntry[];
  readonly known: readonly KnownEntry[];
}

export interface Refuse {
  readonly nodeId: NodeId;
  readonly refusal: RefusalName;
  readonly text: string;
}

export function encodeHello(hello: Hello): Uint8Array {
  return packFields([hello.protocol, hello.clusterId, hello.nodeId, hello.nonce]);
}

export function decodeHello(bytes: Uint8Array): Hello {
  const reader = MessageReader.parse('hello', bytes);
  const hello = readHello(reader);
  reader.end();
  return hello;
}

export function encodeChallenge(challenge: Challenge): Uint8Array {
  const { protocol, clusterId, nodeId, nonce, proof } = challenge;
  return packFields([protocol, clusterId, nodeId, nonce, proof]);
}

export function decodeChallenge(bytes: Uint8Array): Challenge {
  const reader = MessageReader.parse('challenge', bytes);
  const challenge = { ...readHello(reader), proof: reader.bytes(PROOF_BYTES) };
  reader.end();
  return challenge;
}

/** Another protocol version may have other fields behind the first: only that one is sure. */
function readHello(reader: MessageReader): Hello {
  const protocol = reader.count();
  if (protocol !== PROTOCOL_VERSION) {
    throw new RefusedError(
      'protocol-version',
      `the peer speaks protocol version ${protocol}, this node ${PROTOCOL_VERSION}`,
      false,
    );
  }
  return {
    protocol,
    clusterId: reader.hex(CLUSTER_ID_DIGITS),
    nodeId: reader.count(),
    nonce: reader.bytes(NONCE_BYTES),
  };
}

export function encodeProof(proof: Proof): Uint8Array {
  return packFields([proof.maxRecordBytes, proof.knownIncarnations.map((id) => [id])]);
}

export function decodeProof(bytes: Uint8Array): Proof {
  const reader = MessageReader.parse('proof', bytes);
  const proof = {
    maxRecordBytes: reader.count(),
    knownIncarnations: reader.list(INCARNATIONS_MAX, (item) => item.hex(INCARNATION_DIGITS)),
  };
  reader.end();
  return proof;
}

export function encodeStanding(standing: StandingMessage): Uint8Array {
  return packFields([
    standing.maxRecordBytes,
    standing.link,
    standing.wallMs,
    standing.highestVersion,
    standing.hasClaims,
    standing.lineage,
    standing.chain.map((entry): Field => [
      entry.incarnation,
      entry.parent === null
        ? null
        : [[entry.parent.incarnation, entry.parent.sequence, entry.parent.hash]],
      entry.first,
      entry.sequence,
      entry.hash,
      entry.isAgreed,
    ]),
    standing.known.map((entry): Field => [
      entry.incarnation,
      entry.first,
      entry.sequence,
      entry.hash,
      entry.isAgreed,
    ]),
  ]);
}

export function decodeStanding(bytes: Uint8Array): StandingMessage {
  const reader = MessageReader.parse('standing', bytes);
  const standing = {
    maxRecordBytes: reader.count(),
    link: reader.count(),
    wallMs: reader.number(),
    highestVersion: reader.count(),
    hasClaims: reader.boolean(),
    lineage: reader.text(LINEAGE_MAX),
    chain: reader.list(INCARNATIONS_MAX, readChainEntry),
    known: reader.list(INCARNATIONS_MAX, readKnownEntry),
  };
  reader.end();
  return standing;
}

function readChainEntry(reader: MessageReader): ChainEntry {
  return {
    incarnation: reader.hex(INCARNATION_DIGITS),
    parent: reader.optional((field) => field.list(1, readParent)[0] ?? null),
    first: reader.count(),
    sequence: reader.count(),
    hash: reader.hex(HASH_DIGITS),
    isAgreed: reader.boolean(),
  };
}

function readParent(reader: MessageReader): Position {
  return {
    incarnation: reader.hex(INCARNATION_DIGITS),
    sequence: reader.count(),
    hash: reader.hex(HASH_DIGITS),
  };
}

function readKnownEntry(reader: MessageReader): KnownEntry {
  return {
    incarnation: reader.hex(INCARNATION_DIGITS),
    first: reader.count(),
    sequence: reader.count(),
    hash: reader.hex(HASH_DIGITS),
    isAgreed: reader.boolean(),
  };
}

const REFUSALS: ReadonlySet<string> = new Set<RefusalName>([
  'protocol-version',
  'other-cluster',
  'wrong-secret',
  'same-node-id',
  'other-peer',
  'not-your-turn',
  'max-record-bytes',
  'cloned-node',
  'restored-node',
  'wiped-node',
  'too-far-behind',
  'diverged',
]);

export function encodeRefuse(refuse: Refuse): Uint8Array {
  return packFields([refuse.nodeId, refuse.refusal, refuse.text.slice(0, TEXT_MAX)]);
}

export function decodeRefuse(bytes: Uint8Array): Refuse {
  const reader = MessageReader.parse('refuse', bytes);
  const nodeId = reader.count();
  const name = reader.text(64);
  const text = reader.text(TEXT_MAX);
  // A name of a later release still says that, and why, it is refused.
  const refusal = (REFUSALS.has(name) ? name : 'protocol-version') as RefusalName;
  return { nodeId, refusal, text: refusal === name ? text : `${name}: ${text}` };
}
