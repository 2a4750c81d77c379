/**
 * Whether two nodes share one history of an origin, and what must flow between them if so.
 *
 * The origin sends its *chain*: its incarnations, oldest first, back to the newest one that the receiver knows, and every one whose end is not
 * agreed. The receiver says what it *knows*: its copies, oldest first. Both nodes have both lists and judge by the same function; only a hash in
 * the middle of an incarnation can be looked up by one of them alone, the one that has more.
 *
 *   chain   L0 <-- L1 <-- L2 (current)            each names its parent (incarnation, sequence, hash)
 *   known   L0'    L1'                            newest known = L1
 *
 * The chain must pass through the newest known incarnation, at any sequence:
 *   copy shorter  -> the origin sends the rest
 *   copy longer   -> the origin lost its tail (older incarnations only): the receiver returns it
 *   not in chain  -> the origin is a clone, was restored from a backup, or wiped
 */

import type { IncarnationId, Position, RollingHash } from '../storage/index.js';
import type { RefusalName } from './errors.js';

/** One own incarnation, as its origin tells it. */
export interface ChainEntry {
  readonly incarnation: IncarnationId;
  readonly parent: Position | null;
  /** First sequence still in the journal. */
  readonly first: number;
  /** Last sequence; of the current incarnation: at the time of the handshake. */
  readonly sequence: number;
  readonly hash: RollingHash;
  /** Both nodes agreed that it ends at `sequence`. */
  readonly isAgreed: boolean;
}

/** One copied incarnation, as the receiver tells it. */
export interface KnownEntry {
  readonly incarnation: IncarnationId;
  readonly first: number;
  /** Durable at the receiver. */
  readonly sequence: number;
  readonly hash: RollingHash;
  readonly isAgreed: boolean;
}

/** (after, through] of an incarnation. */
export interface Stretch {
  readonly incarnation: IncarnationId;
  readonly after: number;
  readonly through: number;
}

export interface StreamPlan {
  /** Oldest first; the last is the current one and has no end (`through` is its length now). */
  readonly send: readonly Stretch[];
  /** What the receiver returns to the origin. */
  readonly returned: readonly Stretch[];
  /** Older incarnations whose end is still to be agreed, and that end. */
  readonly ends: readonly { readonly incarnation: IncarnationId; readonly sequence: number }[];
}

/** Which of the two nodes the refusal is about. */
export interface ChainRefusal {
  readonly refusal: RefusalName;
  readonly about: 'origin' | 'receiver';
  readonly detail: string;
}

/** A hash that only the node with the longer journal can look up. */
export interface HashQuestion {
  readonly incarnation: IncarnationId;
  readonly sequence: number;
  /** What the other node has there. */
  readonly hash: RollingHash;
  readonly askOrigin: boolean;
}

/** Entries the origin must tell: from the newest that the receiver knows on, and all that are not agreed. */
export function chainToTell(
  all: readonly ChainEntry[],
  knownIncarnations: ReadonlySet<IncarnationId>,
): readonly ChainEntry[] {
  const newest = all.findLastIndex((entry) => knownIncarnations.has(entry.incarnation));
  return all.filter((entry, index) => index >= newest || !entry.isAgreed);
}

/** The points in the middle of incarnations where both histories must be equal. */
export function hashQuestions(
  chain: readonly ChainEntry[],
  known: readonly KnownEntry[],
): readonly HashQuestion[] {
  const questions: HashQuestion[] = [];
  for (const mine of chain) {
    const theirs = known.find((entry) => entry.incarnation === mine.incarnation);
    if (theirs === undefined || theirs.sequence === mine.sequence) continue;
    const { incarnation } = mine;
    if (theirs.sequence < mine.sequence) {
      if (theirs.sequence === 0) continue;
      questions.push({
        incarnation,
        sequence: theirs.sequence,
        hash: theirs.hash,
        askOrigin: true,
      });
    } else if (mine.sequence > 0) {
      questions.push({ incarnation, sequence: mine.sequence, hash: mine.hash, askOrigin: false });
    }
  }
  return questions;
}

/**
 * The plan, or why there is none. `hasClaims`: the origin remembers that this receiver once had something durable.
 */
export function judgeChain(
  chain: readonly ChainEntry[],
  known: readonly KnownEntry[],
  hasClaims: boolean,
): StreamPlan | ChainRefusal {
  if (chain.length === 0) return refuse('diverged', 'origin', 'it names no incarnation');
  const newest = known.at(-1);
  if (newest === undefined) return checkLinks(chain, 0) ?? judgeUnknown(chain, hasClaims);
  const start = chain.findIndex((entry) => entry.incarnation === newest.incarnation);
  if (start < 0 && !continuesReleased(chain, newest)) return judgeStranger(chain, known);
  const broken = checkLinks(chain, Math.max(start, 0));
  if (broken !== null) return broken;

  const send: Stretch[] = [];
  const returned: Stretch[] = [];
  const ends: { incarnation: IncarnationId; sequence: number }[] = [];
  for (const [index, mine] of chain.entries()) {
    const theirs = known.find((entry) => entry.incarnation === mine.incarnation);
    const isCurrent = index === chain.length - 1;
    const stretch = judgeEntry(mine, theirs, isCurrent, index < start);
    if (stretch === null) continue;
    if ('refusal' in stretch) return stretch;
    const { incarnation, after, through } = stretch;
    (stretch.isReturned ? returned : send).push({ incarnation, after, through });
    if (!isCurrent) ends.push({ incarnation, sequence: through });
  }
  return { send, returned, ends };
}

export function isChainRefusal(outcome: StreamPlan | ChainRefusal): outcome is ChainRefusal {
  return 'refusal' in outcome;
}

type Judged = Stretch & { readonly isReturned: boolean };

/** Null: nothing to do, it is agreed on both sides. */
function judgeEntry(
  mine: ChainEntry,
  theirs: KnownEntry | undefined,
  isCurrent: boolean,
  isOlderThanNewest: boolean,
): Judged | ChainRefusal | null {
  const { incarnation } = mine;
  if (theirs === undefined) {
    if (isOlderThanNewest) {
      return mine.isAgreed ? null : refuse('diverged', 'receiver', `it lacks ${incarnation}`);
    }
    if (mine.first > 1) return tooFarBehind(incarnation, 0, mine.first);
    return { incarnation, after: 0, through: mine.sequence, isReturned: false };
  }
  if (theirs.sequence === mine.sequence) {
    if (theirs.hash !== mine.hash) {
      return refuse('diverged', 'receiver', `${incarnation}:${mine.sequence} differs`);
    }
    if (!isCurrent && mine.isAgreed && theirs.isAgreed) return null;
    return { incarnation, after: mine.sequence, through: mine.sequence, isReturned: false };
  }
  if (theirs.sequence < mine.sequence) {
    if (theirs.sequence + 1 < mine.first) {
      return tooFarBehind(incarnation, theirs.sequence, mine.first);
    }
    return { incarnation, after: theirs.sequence, through: mine.sequence, isReturned: false };
  }
  if (isCurrent) {
    return refuse('diverged', 'origin', `the peer has more of ${incarnation} than its origin`);
  }
  if (mine.isAgreed || mine.sequence + 1 < theirs.first) {
    return refuse('restored-node', 'origin', `it lost ${incarnation} from ${mine.sequence} on`);
  }
  return { incarnation, after: mine.sequence, through: theirs.sequence, isReturned: true };
}

/** From `start` on each incarnation must leave from the one before it, within what that one has. */
function checkLinks(chain: readonly ChainEntry[], start: number): ChainRefusal | null {
  for (let index = start + 1; index < chain.length; index += 1) {
    const { parent, incarnation } = chain[index]!;
    const before = chain[index - 1]!;
    const isLinked =
      parent !== null &&
      parent.incarnation === before.incarnation &&
      parent.sequence <= before.sequence &&
      (parent.sequence < before.sequence || parent.hash === before.hash);
    if (!isLinked)
      return refuse('diverged', 'origin', `${incarnation} does not follow on its parent`);
  }
  return null;
}

function judgeUnknown(chain: readonly ChainEntry[], hasClaims: boolean): StreamPlan | ChainRefusal {
  const isWhole = chain[0]!.parent === null && chain.every((entry) => entry.first === 1);
  if (!isWhole) {
    const name = hasClaims ? 'wiped-node' : 'too-far-behind';
    return refuse(name, 'receiver', 'it has nothing, and the journal no longer has everything');
  }
  return {
    send: chain.map(({ incarnation, sequence }) => ({ incarnation, after: 0, through: sequence })),
    returned: [],
    ends: chain.slice(0, -1).map(({ incarnation, sequence }) => ({ incarnation, sequence })),
  };
}

/** The newest known incarnation has left the origin's journal, and the oldest one told goes on exactly where the copy ends. */
function continuesReleased(chain: readonly ChainEntry[], newest: KnownEntry): boolean {
  const parent = chain[0]!.parent;
  if (parent === null || parent.incarnation !== newest.incarnation) return false;
  return newest.isAgreed || (parent.sequence === newest.sequence && parent.hash === newest.hash);
}

function judgeStranger(chain: readonly ChainEntry[], known: readonly KnownEntry[]): ChainRefusal {
  const newest = known.at(-1)!.incarnation;
  const ancestors = new Set(
    chain.flatMap(({ incarnation, parent }) => [incarnation, parent?.incarnation]),
  );
  if (known.some((entry) => ancestors.has(entry.incarnation))) {
    return refuse('restored-node', 'origin', `its history does not pass through ${newest}`);
  }
  if (chain[0]!.parent === null) {
    return refuse('wiped-node', 'origin', `it began anew and does not know ${newest}`);
  }
  return refuse('restored-node', 'origin', `its history does not reach back to ${newest}`);
}

function tooFarBehind(incarnation: IncarnationId, sequence: number, first: number): ChainRefusal {
  const detail = `it has ${incarnation} up to ${sequence}, and the journal begins at ${first}`;
  return refuse('too-far-behind', 'receiver', detail);
}

function refuse(refusal: RefusalName, about: 'origin' | 'receiver', detail: string): ChainRefusal {
  return { refusal, about, detail };
}
