/**
 * Rows of a table of very many series, of whose tags no text is remembered: the kernel makes the tuples of many rows at once, as far as their
 * tags are texts and integers that are written as usual.
 */

import { hashTuples, spelledTuples, TagKind, tagKinds, TAGS_MAX } from './row-kernel.js';
import type { SpelledTuples } from './row-sink.js';
import type { TagPlace } from './tag-texts.js';

const WORDS = 2;
const UINT32_MAX = 2 ** 32 - 1;

/** A tag and the greatest value, or the most characters, that it takes. */
export interface SpelledTag extends TagPlace {
  readonly max: number;
}

export class SpelledTags implements SpelledTuples {
  readonly bytes = spelledTuples.bytes;
  readonly view = spelledTuples.view;
  readonly ends = spelledTuples.ends;
  readonly #kinds: Uint32Array;

  private constructor(kinds: Uint32Array) {
    this.#kinds = kinds;
  }

  /** Null when the tags do not come in the order of the identity, or may be written in another way as usual. */
  static of(tags: readonly SpelledTag[]): SpelledTags | null {
    if (tags.length > TAGS_MAX) return null;
    const kinds = new Uint32Array(tags.length * WORDS);
    for (const [place, { column, type, nullable, max }] of tags.entries()) {
      if (column !== place) return null;
      let kind: number = nullable ? TagKind.nullable : 0;
      // What ends in blanks is another text as CHAR.
      if (type.kind === 'text' && type.spelling !== 'char') kind |= TagKind.text;
      else if (type.kind === 'integer') kind |= TagKind.integer;
      else return null;
      kinds[place * WORDS] = kind;
      kinds[place * WORDS + 1] = Math.min(max, UINT32_MAX);
    }
    return new SpelledTags(kinds);
  }

  get tagCount(): number {
    return this.#kinds.length / WORDS;
  }

  /** Into the kernel's memory. */
  bring(): void {
    for (let word = 0; word < this.#kinds.length; word += 1) tagKinds[word] = this.#kinds[word]!;
  }

  hashes(count: number): Int32Array {
    hashTuples(count);
    return spelledTuples.hashes;
  }
}
