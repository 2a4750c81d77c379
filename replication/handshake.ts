/**
 * The handshake, as a pure state machine: frames go in, frames and questions come out. PROTOCOL.md tells it as a dialogue.
 *
 *   dialer                                   acceptor
 *   hello(id, nonce D)          --------->
 *                               <---------   challenge(id, nonce A, proof of A)
 *   proof(known incarnations)   --------->                                          acceptor knows who it is: `authenticated`
 *                               <---------   standing(link number, chain, known)
 *   standing(chain, known)      --------->                                          both judge both directions
 *                               <---------   welcome
 *
 * Either may answer `refuse(name, text)` instead, and both end. The caller supplies, when asked: where this node stands (`tell`), after it has
 * ended an older link so that nothing moves any more; and the hashes that only this node can look up (`answer`).
 */

import type { NodeId, RollingHash } from '../storage/index.js';
import {
  chainToTell,
  hashQuestions,
  isChainRefusal,
  judgeChain,
  type ChainEntry,
  type ChainRefusal,
  type HashQuestion,
  type KnownEntry,
  type StreamPlan,
} from './chain.js';
import { LinkProtocolError, RefusedError, type RefusalName } from './errors.js';
import { FrameType } from './frame.js';
import {
  decodeChallenge,
  decodeHello,
  decodeProof,
  decodeRefuse,
  decodeStanding,
  encodeChallenge,
  encodeHello,
  encodeProof,
  encodeRefuse,
  encodeStanding,
  PROTOCOL_VERSION,
  type Hello,
  type StandingMessage,
} from './handshake-messages.js';
import { isProof, PROOF_BYTES, proofOf, sessionKeyOf } from './proof.js';

export interface HandshakeIdentity {
  readonly nodeId: NodeId;
  /** The peer this data directory belongs with; null until it was ever linked. */
  readonly peerNodeId: NodeId | null;
  readonly clusterId: string;
  readonly linkKey: Uint8Array;
  readonly maxRecordBytes: number;
  /** 32 random bytes, new for each handshake. */
  readonly nonce: Uint8Array;
}

/** Where this node stands, with nothing in flight. */
export interface LocalStanding {
  readonly wallMs: number;
  readonly highestVersion: number;
  readonly hasClaims: boolean;
  /** Id of the backup that this node was restored from; empty for a node that never was. */
  readonly lineage: string;
  readonly chain: readonly ChainEntry[];
  readonly known: readonly KnownEntry[];
  /** Of the other branch, if the peer's chain turns out to leave beside what is known: linked now, or within `dead_after`. */
  readonly isOtherBranchAlive: boolean;
  /** A node with the same id but another history knocked within `dead_after`. */
  readonly wasStrangerSeen: boolean;
}

export interface HandshakeMessage {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

export interface HandshakeResult {
  readonly peerNodeId: NodeId;
  readonly link: number;
  /** This node as the origin. */
  readonly outbound: StreamPlan;
  /** The peer as the origin. */
  readonly inbound: StreamPlan;
  readonly peer: StandingMessage;
}

/** What the caller must do next. */
export type HandshakeStep =
  | { readonly type: 'send'; readonly message: HandshakeMessage }
  /** The peer is who it says; call `tell` with where this node stands. */
  | { readonly type: 'authenticated'; readonly peerNodeId: NodeId }
  /** Look these up, then call `answer`. */
  | { readonly type: 'questions'; readonly questions: readonly LocalQuestion[] }
  | {
      readonly type: 'done';
      readonly message: HandshakeMessage | null;
      readonly result: HandshakeResult;
    }
  /** Send the message, if any, and close. `peer`: what an authenticated peer had said of itself. */
  | {
      readonly type: 'refused';
      readonly message: HandshakeMessage | null;
      readonly error: RefusedError;
      readonly isStranger: boolean;
      readonly peer: StandingMessage | null;
    };

/** Of which journal here, and what the peer has there. */
export interface LocalQuestion {
  readonly journal: 'own' | 'copy';
  readonly incarnation: string;
  readonly sequence: number;
  readonly hash: RollingHash;
}

interface Verdict {
  readonly error: RefusedError;
  /** The peer's own history is not the one known here. */
  readonly isStranger: boolean;
  /** Our own history is not the one known there. */
  readonly isAboutUs: boolean;
}

type State =
  | 'begin'
  | 'challenged'
  | 'proving'
  | 'authenticated'
  | 'standing'
  | 'judging'
  | 'welcome'
  | 'ended';

export class Handshake {
  readonly #role: 'dialer' | 'acceptor';
  readonly #identity: HandshakeIdentity;
  #state: State = 'begin';
  #theirs: Hello | null = null;
  #sessionKey: Uint8Array = new Uint8Array(0);
  #link = 0;
  #local: LocalStanding | null = null;
  #toldChain: readonly ChainEntry[] = [];
  #theirKnown: ReadonlySet<string> = new Set();
  #peer: StandingMessage | null = null;
  #result: HandshakeResult | null = null;

  constructor(role: 'dialer' | 'acceptor', identity: HandshakeIdentity) {
    this.#role = role;
    this.#identity = identity;
  }

  /** The dialer's first message. */
  hello(): HandshakeMessage {
    this.#state = 'challenged';
    const { clusterId, nodeId, nonce } = this.#identity;
    const hello = encodeHello({ protocol: PROTOCOL_VERSION, clusterId, nodeId, nonce });
    return { type: FrameType.hello, payload: hello };
  }

  /** A frame came. Throws LinkProtocolError for what no peer would send now: close without an answer. */
  receive(type: FrameType, payload: Uint8Array): HandshakeStep {
    try {
      return this.#receive(type, payload);
    } catch (error) {
      if (error instanceof RefusedError) return this.#refuse(error);
      this.#state = 'ended';
      throw error;
    }
  }

  #receive(type: FrameType, payload: Uint8Array): HandshakeStep {
    if (type === FrameType.refuse) return this.#refusedByPeer(payload);
    if (type === FrameType.hello && this.#role === 'acceptor' && this.#state === 'begin') {
      return this.#onHello(decodeHello(payload));
    }
    if (type === FrameType.challenge && this.#state === 'challenged')
      return this.#onChallenge(payload);
    if (type === FrameType.proof && this.#state === 'proving') return this.#onProof(payload);
    if (type === FrameType.standing && this.#state === 'standing') return this.#onStanding(payload);
    if (type === FrameType.welcome && this.#state === 'welcome') return this.#onWelcome(payload);
    throw new LinkProtocolError(`frame type ${type} does not belong here in the handshake`);
  }

  /**
   * Acceptor: after `authenticated`, with the number of the new link. Dialer: before its `proof` (with link 0), so that the proof
   * can name what it knows.
   */
  tell(local: LocalStanding, link: number): HandshakeStep {
    this.#local = local;
    if (this.#role === 'dialer') {
      this.#state = 'standing';
      const proof = encodeProof({
        maxRecordBytes: this.#identity.maxRecordBytes,
        knownIncarnations: local.known.map((entry) => entry.incarnation),
      });
      return { type: 'send', message: this.#tagged(FrameType.proof, proof) };
    }
    this.#link = link;
    this.#state = 'standing';
    return { type: 'send', message: this.#standing() };
  }

  /** One hash (or null: not to be had) for each question asked. */
  answer(
    hashes: readonly (RollingHash | null)[],
    questions: readonly LocalQuestion[],
  ): HandshakeStep {
    const wrong = questions.find((question, index) => {
      const here = hashes[index] ?? null;
      return here !== null && here !== question.hash;
    });
    if (wrong !== undefined) {
      const at = `${wrong.incarnation}:${wrong.sequence}`;
      return this.#refuse(this.#error('diverged', `the histories differ at ${at}`));
    }
    const refusal = this.#judge();
    if (this.#role === 'dialer' && (refusal === null || refusal.isAboutUs)) {
      // Whether we were cloned or restored only the peer can tell: it knows whether another branch of ours is alive.
      this.#state = 'welcome';
      return { type: 'send', message: this.#standing() };
    }
    if (refusal !== null) return this.#refuse(refusal.error, refusal.isStranger);
    this.#state = 'ended';
    const welcome = this.#tagged(FrameType.welcome, new Uint8Array(0));
    return { type: 'done', message: welcome, result: this.#result! };
  }

  // ---- steps ----

  #onHello(hello: Hello): HandshakeStep {
    this.#checkIdentity(hello);
    const { linkKey, clusterId, nodeId, nonce } = this.#identity;
    this.#sessionKey = sessionKeyOf(linkKey, hello.nonce, nonce);
    this.#state = 'proving';
    const proof = proofOf(linkKey, 'acceptor', identityParts(hello, { nodeId, nonce }));
    const challenge = { protocol: PROTOCOL_VERSION, clusterId, nodeId, nonce, proof };
    const message = { type: FrameType.challenge, payload: encodeChallenge(challenge) };
    return { type: 'send', message };
  }

  #onChallenge(payload: Uint8Array): HandshakeStep {
    const challenge = decodeChallenge(payload);
    this.#checkIdentity(challenge);
    const { linkKey, nodeId, nonce } = this.#identity;
    const parts = identityParts({ nodeId, nonce }, challenge);
    if (!isProof(challenge.proof, linkKey, 'acceptor', parts)) {
      throw this.#error('wrong-secret', 'the peer does not hold our secret');
    }
    this.#sessionKey = sessionKeyOf(linkKey, nonce, challenge.nonce);
    this.#state = 'authenticated';
    return { type: 'authenticated', peerNodeId: challenge.nodeId };
  }

  #onProof(payload: Uint8Array): HandshakeStep {
    const proof = decodeProof(this.#untagged(FrameType.proof, payload));
    this.#checkRecordBytes(proof.maxRecordBytes);
    this.#theirKnown = new Set(proof.knownIncarnations);
    this.#state = 'authenticated';
    return { type: 'authenticated', peerNodeId: this.#theirs!.nodeId };
  }

  #onStanding(payload: Uint8Array): HandshakeStep {
    const peer = decodeStanding(this.#untagged(FrameType.standing, payload));
    this.#checkRecordBytes(peer.maxRecordBytes);
    if (this.#role === 'dialer') this.#link = peer.link;
    else if (peer.link !== this.#link) throw new LinkProtocolError('standing for another link');
    this.#peer = peer;
    this.#theirKnown = new Set(peer.known.map((entry) => entry.incarnation));
    if (this.#role === 'dialer') {
      this.#toldChain = chainToTell(this.#local!.chain, this.#theirKnown);
    }
    this.#state = 'judging';
    const questions = [
      ...hashQuestions(this.#toldChain, peer.known).filter((question) => question.askOrigin),
      ...hashQuestions(peer.chain, this.#local!.known).filter((question) => !question.askOrigin),
    ];
    return { type: 'questions', questions: questions.map(localQuestion) };
  }

  #onWelcome(payload: Uint8Array): HandshakeStep {
    this.#untagged(FrameType.welcome, payload);
    if (this.#result === null) throw new LinkProtocolError('welcome in spite of another history');
    this.#state = 'ended';
    return { type: 'done', message: null, result: this.#result };
  }

  #judge(): Verdict | null {
    const local = this.#local!;
    const peer = this.#peer!;
    if (local.lineage !== peer.lineage) {
      const text = this.#lineageText(local.lineage, peer.lineage);
      return { error: this.#error('restored-node', text), isStranger: false, isAboutUs: false };
    }
    const inbound = judgeChain(peer.chain, local.known, peer.hasClaims);
    if (isChainRefusal(inbound)) return this.#chainRefusal(inbound, this.#theirs!.nodeId);
    const outbound = judgeChain(this.#toldChain, peer.known, local.hasClaims);
    if (isChainRefusal(outbound)) return this.#chainRefusal(outbound, this.#identity.nodeId);
    if (local.wasStrangerSeen) {
      const text = `two nodes with id ${this.#theirs!.nodeId} and different histories are alive`;
      return { error: this.#error('cloned-node', text), isStranger: false, isAboutUs: false };
    }
    this.#result = {
      peerNodeId: this.#theirs!.nodeId,
      link: this.#link,
      outbound,
      inbound,
      peer,
    };
    return null;
  }

  /** Rows of a backup are in no journal: a node without them could never get them over the link. */
  #lineageText(ours: string, theirs: string): string {
    const told = (nodeId: NodeId, lineage: string): string =>
      lineage === ''
        ? `node ${nodeId} was restored from none`
        : `node ${nodeId} was restored from backup ${lineage}`;
    return (
      `${told(this.#identity.nodeId, ours)} and ${told(this.#theirs!.nodeId, theirs)}: restore both from the same backup ` +
      `(a bootstrap from the peer, which would do it, is not in this release)`
    );
  }

  /** `origin`: the node whose journal was judged. A stranger is a peer whose own history is not the one known here. */
  #chainRefusal(refusal: ChainRefusal, origin: NodeId): Verdict {
    const theirs = this.#theirs!.nodeId;
    const receiver = origin === theirs ? this.#identity.nodeId : theirs;
    const about = refusal.about === 'origin' ? origin : receiver;
    const isOtherHistory = refusal.refusal === 'restored-node' || refusal.refusal === 'wiped-node';
    const isOriginStrange = isOtherHistory && refusal.about === 'origin';
    const isStranger = isOriginStrange && origin === theirs;
    const isAboutUs = isOriginStrange && origin !== theirs;
    if (isStranger && this.#local!.isOtherBranchAlive) {
      const text = `two nodes with id ${about} and different histories are alive: stop one of them`;
      return { error: this.#error('cloned-node', text), isStranger, isAboutUs };
    }
    const text = `node ${about}: ${refusal.detail}${BOOTSTRAP_TEXT[refusal.refusal] ?? ''}`;
    return { error: this.#error(refusal.refusal, text), isStranger, isAboutUs };
  }

  // ---- checks ----

  #checkIdentity(theirs: Hello): void {
    const { nodeId, peerNodeId, clusterId } = this.#identity;
    this.#theirs = theirs;
    if (theirs.clusterId !== clusterId) {
      throw this.#error(
        'other-cluster',
        'the peer belongs to another cluster, or has another secret',
      );
    }
    if (theirs.nodeId === nodeId) {
      throw this.#error('same-node-id', `both nodes have id ${nodeId}: a cloned data directory?`);
    }
    if (theirs.nodeId < 1 || theirs.nodeId > 7) {
      throw new LinkProtocolError(`node id ${theirs.nodeId} is not 1..7`);
    }
    if (peerNodeId !== null && theirs.nodeId !== peerNodeId) {
      const text = `this data directory is paired with node ${peerNodeId}, not ${theirs.nodeId}`;
      throw this.#error('other-peer', text);
    }
    const dialer = this.#role === 'dialer' ? nodeId : theirs.nodeId;
    const acceptor = this.#role === 'dialer' ? theirs.nodeId : nodeId;
    if (dialer > acceptor) {
      throw this.#error('not-your-turn', `node ${acceptor} has the lower id and dials`);
    }
  }

  #checkRecordBytes(theirs: number): void {
    const { maxRecordBytes } = this.#identity;
    if (theirs === maxRecordBytes) return;
    const text = `max_record_bytes is ${maxRecordBytes} here and ${theirs} at the peer`;
    throw this.#error('max-record-bytes', text);
  }

  // ---- messages ----

  #standing(): HandshakeMessage {
    const local = this.#local!;
    if (this.#role === 'acceptor') this.#toldChain = chainToTell(local.chain, this.#theirKnown);
    const standing = encodeStanding({
      maxRecordBytes: this.#identity.maxRecordBytes,
      link: this.#link,
      wallMs: local.wallMs,
      highestVersion: local.highestVersion,
      hasClaims: local.hasClaims,
      lineage: local.lineage,
      chain: this.#toldChain,
      known: local.known,
    });
    return this.#tagged(FrameType.standing, standing);
  }

  #tagged(type: FrameType, message: Uint8Array): HandshakeMessage {
    const payload = new Uint8Array(PROOF_BYTES + message.length);
    payload.set(proofOf(this.#sessionKey, purposeOf(this.#role, type), [message]));
    payload.set(message, PROOF_BYTES);
    return { type, payload };
  }

  #untagged(type: FrameType, payload: Uint8Array): Uint8Array {
    const other = this.#role === 'dialer' ? 'acceptor' : 'dialer';
    const message = payload.subarray(PROOF_BYTES);
    const tag = payload.subarray(0, PROOF_BYTES);
    if (!isProof(tag, this.#sessionKey, purposeOf(other, type), [message])) {
      throw this.#error('wrong-secret', 'the peer does not hold our secret');
    }
    return message;
  }

  // ---- refusing ----

  #error(refusal: RefusalName, text: string): RefusedError {
    return new RefusedError(refusal, text, false);
  }

  #refuse(error: RefusedError, isStranger = false): HandshakeStep {
    this.#state = 'ended';
    const { nodeId } = this.#identity;
    const payload = encodeRefuse({ nodeId, refusal: error.refusal, text: error.message });
    const message = { type: FrameType.refuse, payload };
    return { type: 'refused', message, error, isStranger, peer: this.#peer };
  }

  #refusedByPeer(payload: Uint8Array): HandshakeStep {
    this.#state = 'ended';
    const { refusal, text } = decodeRefuse(payload);
    const error = new RefusedError(refusal, `the peer refused: ${text}`, true);
    return { type: 'refused', message: null, error, isStranger: false, peer: this.#peer };
  }
}

const BOOTSTRAP_TEXT: Readonly<Partial<Record<RefusalName, string>>> = {
  'restored-node': '; it needs a bootstrap from its peer, which this release cannot do',
  'wiped-node': '; it needs a bootstrap from its peer, which this release cannot do',
  'too-far-behind': '; it needs a bootstrap from its peer, which this release cannot do',
};

function localQuestion(question: HashQuestion): LocalQuestion {
  const { askOrigin, incarnation, sequence, hash } = question;
  return { journal: askOrigin ? 'own' : 'copy', incarnation, sequence, hash };
}

function purposeOf(role: 'dialer' | 'acceptor', type: FrameType): string {
  return `${role} ${type}`;
}

type Party = Pick<Hello, 'nodeId' | 'nonce'>;

function identityParts(dialer: Party, acceptor: Party): readonly Uint8Array[] {
  return [Uint8Array.of(dialer.nodeId, acceptor.nodeId), dialer.nonce, acceptor.nonce];
}
