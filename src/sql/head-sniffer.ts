/**
 * Tells bulk INSERTs from everything else while their bytes arrive, and finds where their rows begin.
 *
 * Looks at words outside strings, quoted names and comments. The first decides: INSERT and REPLACE go on, until VALUES or VALUE
 * stands there as a word outside brackets; then the head is over. A head that turns out to have none (INSERT ... SELECT, SET), or
 * that begins inside a version comment, is collected as text and left to the parser, which knows what to say about it.
 */

import { CellSkipper } from './cell-skipper.js';

/** `undecided` so far; `values`: the byte behind VALUES was reached; `other`: collect the text. */
export type HeadVerdict = 'undecided' | 'insert' | 'values' | 'other';

const WORD_BYTES_MAX = 8;
const BANG = 0x21;
const DOT = 0x2e;
const SLASH = 0x2f;
const STAR = 0x2a;

export class HeadSniffer {
  readonly #skipper: CellSkipper;
  #verdict: HeadVerdict = 'undecided';
  /** The word under way, in lower case; longer ones are cut, they are none of ours. */
  #word = '';
  /** The last byte that was plain, and the one before. */
  #last = 0;

  constructor(options: { readonly ansiQuotes: boolean; readonly noBackslashEscapes: boolean }) {
    this.#skipper = new CellSkipper(options);
  }

  get verdict(): HeadVerdict {
    return this.#verdict;
  }

  /** Reads on, and returns how far: `end`, or behind VALUES. */
  advance(buf: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const byte = buf[at]!;
      if (isWordByte(byte) && this.#skipper.isPlain) {
        if (this.#word.length <= WORD_BYTES_MAX) this.#word += String.fromCharCode(byte | 0x20);
        this.#skipper.step(byte);
        continue;
      }
      if (this.#word !== '') {
        this.#endOfWord();
        if (this.#verdict === 'other') return end;
        if (this.#verdict === 'values') return at;
      }
      this.#beforeWord(byte);
      if (this.#is('other')) return end;
    }
    return end;
  }
}
