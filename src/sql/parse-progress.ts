/**
 * How far the parsing of a long statement has come, kept from one turn of the event loop to the next.
 *
 * The parser's position is its call stack, which can't be put aside. So a pause throws the stack away, and the next turn begins with the first
 * token again. Whatever makes a statement long is a repetition (items of a list, terms of AND and OR, branches of a CASE), and each of
 * them finds what it had read when the parser comes by once more: what is read twice is the few tokens around them.
 */

/** Thrown through the parser between two items. No error: it never leaves parser.ts. */
export class ParsePause extends Error {}

/** Made once: its stack is nobody's business. */
const PAUSE = new ParsePause('the parser pauses');

/** What repeats. Two of a kind never begin at the same token: between them stands a bracket, or CASE. */
export const Series = { list: 0, or: 1, and: 2, branches: 3 } as const;
export type Series = (typeof Series)[keyof typeof Series];

const SERIES_KINDS = 4;

/** Series of fewer tokens are read again rather than kept. */
const TOKENS_KEPT = 64;

/** What the parser counts, as of the end of the last item. */
export interface ParsePlace {
  /** Of the next token. */
  index: number;
  parameterCount: number;
  chained: number;
}

export interface KeptSeries extends ParsePlace {
  readonly items: unknown[];
  isWhole: boolean;
}

export class ParseProgress {
  readonly #tokensPerTurn: number;
  readonly #kept = new Map<number, KeptSeries>();
  /** Tokens that the turns before have read. */
  #readBefore = 0;
  /** Tokens that this turn did not read, because a series had kept them. */
  #skipped = 0;

  constructor(tokensPerTurn: number) {
    this.#tokensPerTurn = tokensPerTurn;
  }

  find(kind: Series, index: number): KeptSeries | undefined {
    const kept = this.#kept.get(index * SERIES_KINDS + kind);
    if (kept !== undefined) this.#skipped += kept.index - index;
    return kept;
  }

  keep(kind: Series, start: number, series: KeptSeries): void {
    if (series.isWhole && series.index - start < TOKENS_KEPT) return;
    this.#kept.set(start * SERIES_KINDS + kind, series);
  }

  /**
   * Between two items, before the token `index`. Throws ParsePause when the turn is over. A turn reads at least as much for the first time as
   * it has read again: a statement of which little is kept takes longer turns, and never more than twice the time.
   */
  pauseIfDue(index: number): void {
    const isNew = index - this.#readBefore;
    const isOld = index - this.#skipped - isNew;
    if (isNew < Math.max(this.#tokensPerTurn, isOld)) return;
    this.#readBefore = index;
    this.#skipped = 0;
    throw PAUSE;
  }
}
