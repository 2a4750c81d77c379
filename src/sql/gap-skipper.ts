/**
 * Blanks and comments between tokens, resumable at any byte.
 *
 * A `/` or `-` may or may not start a comment, and the byte that tells may not have arrived: `refusal` says what was seen when it
 * was none.
 */

import { notSupported } from './statement-error.js';

const Gap = {
  none: 0,
  slash: 1,
  opened: 2,
  block: 3,
  star: 4,
  dash: 5,
  dashes: 6,
  line: 7,
} as const;
type Gap = (typeof Gap)[keyof typeof Gap];

const NEWLINE = 0x0a;
const SPACE = 0x20;
const BANG = 0x21;
const HASH = 0x23;
const STAR = 0x2a;
const DASH = 0x2d;
const SLASH = 0x2f;

const NOTHING = new Uint8Array();
const ONE_SLASH = Uint8Array.of(SLASH);
const ONE_DASH = Uint8Array.of(DASH);
const TWO_DASHES = Uint8Array.of(DASH, DASH);

export class GapSkipper {
  #gap: Gap = Gap.none;
  #refusal = NOTHING;

  /** True inside a comment or in what may become one. */
  get isOpen(): boolean {
    return this.#gap !== Gap.none;
  }

  /** True where the text may end: outside comments, in one that ends with its line, or behind a `--`. */
  get mayEnd(): boolean {
    return this.#gap === Gap.none || this.#gap === Gap.line || this.#gap === Gap.dashes;
  }

  /** The text is over: the next one begins outside of comments. */
  close(): void {
    this.#gap = Gap.none;
    this.#refusal = NOTHING;
  }

  /** What `advance` read and what turned out to be no comment; empty when nothing of that kind happened. */
  get refusal(): Uint8Array {
    return this.#refusal;
  }

  /** Takes the byte that may start a comment: `/`, `-` or `#`. False for any other. */
  open(byte: number): boolean {
    switch (byte) {
      case SLASH:
        this.#gap = Gap.slash;
        return true;
      case DASH:
        this.#gap = Gap.dash;
        return true;
      case HASH:
        this.#gap = Gap.line;
        return true;
      default:
        return false;
    }
  }

  /** Goes on in an open gap; returns where it stopped being one, or `end`. Throws 1235 at a version comment. */
  advance(buf: Uint8Array, start: number, end: number): number {
    this.#refusal = NOTHING;
    for (let at = start; at < end; at += 1) {
      const byte = buf[at]!;
      switch (this.#gap) {
        case Gap.line:
          if (byte === NEWLINE) this.#gap = Gap.none;
          break;
        case Gap.block:
          if (byte === STAR) this.#gap = Gap.star;
          break;
        case Gap.opened:
          if (byte === BANG) throw notSupported('version comments between rows');
          this.#gap = byte === STAR ? Gap.star : Gap.block;
          break;
        case Gap.star:
          if (byte === SLASH) this.#gap = Gap.none;
          else if (byte !== STAR) this.#gap = Gap.block;
          break;
        case Gap.slash:
          if (byte !== STAR) return this.#refuse(ONE_SLASH, at);
          this.#gap = Gap.opened;
          break;
        case Gap.dash:
          if (byte !== DASH) return this.#refuse(ONE_DASH, at);
          this.#gap = Gap.dashes;
          break;
        default:
          if (byte > SPACE) return this.#refuse(TWO_DASHES, at);
          this.#gap = byte === NEWLINE ? Gap.none : Gap.line;
      }
      if (this.#gap === Gap.none) {
        return at + 1;
      }
    }
    return end;
  }

  #refuse(seen: Uint8Array<ArrayBuffer>, at: number): number {
    this.#gap = Gap.none;
    this.#refusal = seen;
    return at;
  }
}
