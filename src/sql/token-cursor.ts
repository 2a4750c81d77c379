/**
 * A reading position in a statement's tokens: what every part of the parser is handed.
 *
 * Besides looking and stepping it owns what must be counted over the whole statement: parameters (numbered in text order)
 * and nesting. Nesting is counted because parser, planner and evaluator all recurse over expressions: text must end in an
 * error, never in a stack overflow, however many brackets somebody sends.
 */

import type { SqlError } from '../../protocol/index.js';
import { tokenize } from './lexer.js';
import { ParsePause, Series } from './parse-progress.js';
import type { KeptSeries, ParseProgress } from './parse-progress.js';
import { isReserved } from './reserved-words.js';
import { nestingError, syntaxError } from './statement-error.js';
import type { SqlTextOptions, Token } from './token.js';

/** Brackets, calls, CASE and prefix operators inside one another. */
const NESTING_MAX = 200;

/** Operands in left-associative chains (1 + 1 + ...) of one expression: each makes the tree a level deeper. */
const CHAIN_MAX = 1000;

const acceptComma = (cursor: TokenCursor): boolean => cursor.accept(',');

export class TokenCursor {
  readonly text: string;
  readonly options: SqlTextOptions;
  readonly #tokens: readonly Token[];
  #index = 0;
  #parameterCount = 0;
  #nesting = 0;
  #chained = 0;
  readonly #progress: ParseProgress | null;

  /**
   * @param tokens of `text`, if they are cut already
   * @param progress of a statement that is parsed in several turns, each with a cursor of its own: `series` throws ParsePause where one ends,
   *     and goes on there in the next
   * Throws SqlError 1064 when the text does not even fall into tokens.
   */
  constructor(
    text: string,
    options: SqlTextOptions,
    tokens: readonly Token[] = tokenize(text, options),
    progress: ParseProgress | null = null,
  ) {
    this.text = text;
    this.options = options;
    this.#tokens = tokens;
    this.#progress = progress;
  }

  /** The next token, or the one `ahead` of it; of kind 'end' from the end on. */
  peek(ahead = 0): Token {
    const token = this.#tokens[this.#index + ahead] ?? this.#tokens.at(-1);
    if (token === undefined) {
      throw new Error('a token list always ends in an end token');
    }
    return token;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') {
      this.#index += 1;
    }
    return token;
  }

  /** Where the last token taken ends in the text. */
  get endOfLast(): number {
    return this.#tokens[this.#index - 1]?.end ?? 0;
  }

  /** True when the next tokens are these keywords (upper case) or symbols. */
  at(first: string, second?: string, third?: string, fourth?: string): boolean {
    return (
      this.peek().keyword === first &&
      (second === undefined || this.peek(1).keyword === second) &&
      (third === undefined || this.peek(2).keyword === third) &&
      (fourth === undefined || this.peek(3).keyword === fourth)
    );
  }

  atAny(keywords: readonly string[]): boolean {
    return keywords.includes(this.peek().keyword);
  }

  /** Takes the keywords if all of them come next. */
  accept(first: string, second?: string, third?: string, fourth?: string): boolean {
    if (!this.at(first, second, third, fourth)) {
      return false;
    }
    this.#index +=
      second === undefined ? 1 : third === undefined ? 2 : fourth === undefined ? 3 : 4;
    return true;
  }

  /** Takes the next token if it is one of `keywords`, and says which. */
  acceptAny(keywords: readonly string[]): string | null {
    if (!this.atAny(keywords)) {
      return null;
    }
    return this.next().keyword;
  }

  expect(...keywords: readonly string[]): void {
    for (const keyword of keywords) {
      if (!this.accept(keyword)) {
        throw this.fault();
      }
    }
  }

  /** The 1064 that points at the next token. */
  fault(): SqlError {
    return syntaxError(this.text, this.peek().start);
  }

  /** True at something that may stand as a name without further context. */
  atName(): boolean {
    const token = this.peek();
    return token.kind === 'quotedName' || (token.kind === 'word' && !isReserved(token.keyword));
  }

  /**
   * True at a literal, a parameter or a name that is the whole item of a list: no operator stands before the comma or the bracket
   * behind it, so that none has to be looked for.
   */
  atLoneItem(): boolean {
    const behind = this.peek(1).keyword;
    if ((behind !== ',' && behind !== ')') || this.#nesting === NESTING_MAX) {
      return false;
    }
    const { kind, keyword } = this.peek();
    return kind === 'word'
      ? keyword === 'NULL' || !isReserved(keyword)
      : kind !== 'symbol' && kind !== 'end';
  }

  /** A table's, column's, database's name. */
  name(): string {
    if (!this.atName()) {
      throw this.fault();
    }
    return this.next().value;
  }

  /** A name behind a dot, where reserved words are names too. */
  nameBehindDot(): string {
    const kind = this.peek().kind;
    if (kind !== 'word' && kind !== 'quotedName') {
      throw this.fault();
    }
    return this.next().value;
  }

  /** A name or any word: character sets ('binary'), engines, option values. */
  word(): string {
    return this.nameBehindDot();
  }

  string(): string {
    if (this.peek().kind !== 'string') {
      throw this.fault();
    }
    let value = this.next().value;
    while (this.peek().kind === 'string') {
      value += this.next().value;
    }
    return value;
  }

  /** A name or a string: aliases, option values, character sets. */
  nameOrString(): string {
    return this.peek().kind === 'string' ? this.string() : this.word();
  }

  /** An unsigned integer of at most 2^53. */
  unsignedInteger(): number {
    const token = this.peek();
    const value = Number(token.value);
    if (token.kind !== 'integer' || !Number.isSafeInteger(value)) {
      throw this.fault();
    }
    this.next();
    return value;
  }

  /** item { , item } */
  list<T>(item: (cursor: TokenCursor) => T): T[] {
    return this.series(Series.list, item, acceptComma);
  }

  /** item { item }, as long as `goesOn`, which may take a separator. Whatever may be long in a statement is read by this. */
  series<T>(
    kind: Series,
    item: (cursor: TokenCursor) => T,
    goesOn: (cursor: TokenCursor) => boolean,
  ): T[] {
    if (this.#progress !== null) {
      return this.#seriesInTurns(this.#progress, kind, item, goesOn);
    }
    const items = [item(this)];
    while (goesOn(this)) {
      items.push(item(this));
    }
    return items;
  }

  #seriesInTurns<T>(
    progress: ParseProgress,
    kind: Series,
    item: (cursor: TokenCursor) => T,
    goesOn: (cursor: TokenCursor) => boolean,
  ): T[] {
    const start = this.#index;
    const series = progress.find(kind, start) ?? this.#emptySeries();
    const items = series.items as T[];
    this.#index = series.index;
    this.#parameterCount = series.parameterCount;
    this.#chained = series.chained;
    try {
      while (!series.isWhole) {
        if (items.length > 0 && !goesOn(this)) {
          series.isWhole = true;
        } else {
          items.push(item(this));
          series.index = this.#index;
          series.parameterCount = this.#parameterCount;
          series.chained = this.#chained;
          progress.pauseIfDue(this.#index);
        }
      }
    } catch (error) {
      if (error instanceof ParsePause) {
        progress.keep(kind, start, series);
      }
      throw error;
    }
    progress.keep(kind, start, series);
    return items;
  }

  #emptySeries(): KeptSeries {
    const index = this.#index;
    const parameterCount = this.#parameterCount;
    return { items: [], index, parameterCount, chained: this.#chained, isWhole: false };
  }

  /** ( item { , item } ) */
  bracketedList<T>(item: (cursor: TokenCursor) => T): T[] {
    this.expect('(');
    const items = this.list(item);
    this.expect(')');
    return items;
  }

  /** Steps over a bracketed text whose content has no meaning here. */
  skipBrackets(): void {
    this.expect('(');
    for (let depth = 1; depth > 0;) {
      const token = this.peek();
      if (token.kind === 'end') {
        throw this.fault();
      }
      depth += token.keyword === '(' ? 1 : token.keyword === ')' ? -1 : 0;
      this.next();
    }
  }

  /** The number of the parameter just read. */
  takeParameter(): number {
    this.#parameterCount += 1;
    return this.#parameterCount - 1;
  }

  get parameterCount(): number {
    return this.#parameterCount;
  }

  /** Runs `parse` one level deeper. */
  nested<T>(parse: () => T): T {
    if (this.#nesting === NESTING_MAX) {
      throw nestingError(this.text, this.peek().start, NESTING_MAX);
    }
    if (this.#nesting === 0) {
      this.#chained = 0;
    }
    this.#nesting += 1;
    const result = parse();
    this.#nesting -= 1;
    return result;
  }

  /** Said for each operator of a chain beyond its first. */
  chainGrew(): void {
    this.#chained += 1;
    if (this.#chained > CHAIN_MAX) {
      throw nestingError(this.text, this.peek().start, CHAIN_MAX);
    }
  }
}
