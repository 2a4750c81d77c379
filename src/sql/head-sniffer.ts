/**
 * Tells bulk INSERTs from everything else while their bytes arrive, and finds where their rows begin.
 *
 * Looks at words outside strings, quoted names and comments. The first one decides: behind INSERT or REPLACE it goes on until
 * VALUES or VALUE stands there as a word outside brackets. A head that never comes to that (INSERT ... SELECT, SET), and
 * a text that begins inside a version comment, is left to the parser as a whole, which knows what to say about it.
 */

import { CellSkipper } from './cell-skipper.js';

/** `values`: the rows begin where reading stopped. `other`: no INSERT. */
export type HeadVerdict = 'undecided' | 'insert' | 'values' | 'other';

/** Longer words are cut: none that matters is longer. */
const WORD_LETTERS_MAX = 16;
const SPACE = 0x20;
const BANG = 0x21;
const HASH = 0x23;
const STAR = 0x2a;
const DASH = 0x2d;
const SLASH = 0x2f;

/** Behind these VALUE, which is no reserved word, is the table's name. */
const BEFORE_NAME = new Set(['insert', 'replace', 'into', 'table', '.']);

export class HeadSniffer {
  readonly #skipper: CellSkipper;
  #verdict: HeadVerdict = 'undecided';
  /** The word under way, in lower case. */
  #word = '';
  /** The word or the byte before it. */
  #before = '';
  /** The byte before this one opened a comment. */
  #hasOpened = false;

  constructor(options: { readonly ansiQuotes: boolean; readonly noBackslashEscapes: boolean }) {
    this.#skipper = new CellSkipper(options);
  }

  /** Another text begins. */
  reset(): void {
    this.#skipper.reset();
    this.#verdict = 'undecided';
    this.#word = '';
    this.#before = '';
    this.#hasOpened = false;
  }

  get verdict(): HeadVerdict {
    return this.#verdict;
  }

  /** Reads on until the verdict is final or the bytes are, and returns where it stopped: behind VALUES, or `end`. */
  advance(buf: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const byte = buf[at]!;
      const wasInert = this.#skipper.isInert;
      const depth = this.#skipper.depth;
      this.#skipper.advance(buf, at, at + 1);
      if (wasInert) {
        this.#insideComment(byte);
      } else if (isWordByte(byte)) {
        this.#letter(byte);
      } else {
        this.#endWord(depth);
        if (this.#verdict === 'values') {
          return at;
        }
        this.#plainByte(byte);
      }
      if (this.#verdict === 'other') {
        return end;
      }
    }
    return end;
  }

  #insideComment(byte: number): void {
    if (this.#hasOpened && byte === BANG && this.#verdict === 'undecided') {
      this.#verdict = 'other';
    }
    this.#hasOpened = false;
  }

  #letter(byte: number): void {
    if (this.#word.length < WORD_LETTERS_MAX) {
      this.#word += String.fromCharCode(byte | 0x20);
    }
  }

  #endWord(depth: number): void {
    const word = this.#word;
    if (word === '') {
      return;
    }
    if (this.#verdict === 'undecided') {
      this.#verdict = word === 'insert' || word === 'replace' ? 'insert' : 'other';
    } else if (depth === 0) {
      const isValue = word === 'value' && !BEFORE_NAME.has(this.#before);
      if (word === 'values' || isValue) {
        this.#verdict = 'values';
      }
    }
    this.#before = word;
    this.#word = '';
  }

  /** A byte of no word, comment or string. */
  #plainByte(byte: number): void {
    this.#hasOpened = byte === STAR && this.#skipper.isInert;
    const mayBeComment = byte === SLASH || byte === STAR || byte === DASH || byte === HASH;
    if (byte <= SPACE || mayBeComment) {
      return;
    }
    if (this.#verdict === 'undecided') {
      this.#verdict = 'other';
    }
    this.#before = String.fromCharCode(byte);
  }
}

/** Part of a name or a keyword that is not quoted. */
export function isWordByte(byte: number): boolean {
  const letter = byte | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x5f ||
    byte === 0x24 ||
    byte >= 0x80
  );
}
