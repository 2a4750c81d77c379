/**
 * LIKE patterns, compiled to a list of steps over UTF-8 bytes and matched with one point to fall back to, so the time is
 * at most pattern length times text length, whatever the pattern.
 */

/** Steps: 0..255 that byte; ANY_ONE one character; ANY_MANY any number of bytes. */
const ANY_ONE = 256;
const ANY_MANY = 257;

export interface LikePattern {
  matches(text: Uint8Array): boolean;
  /** The pattern without wildcards, when it has none. */
  readonly literal: Uint8Array | null;
}

/** `escape` is one byte, or null for none. */
export function compileLike(pattern: Uint8Array, escape: number | null): LikePattern {
  const steps: number[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const byte = pattern[i]!;
    if (byte === escape && i + 1 < pattern.length) {
      i += 1;
      steps.push(pattern[i]!);
    } else if (byte === 37) {
      if (steps.at(-1) !== ANY_MANY) steps.push(ANY_MANY);
    } else if (byte === 95) steps.push(ANY_ONE);
    else steps.push(byte);
  }
  const isLiteral = steps.every((step) => step < 256);
  const compiled = Uint16Array.from(steps);
  return {
    matches: (text) => matches(compiled, text),
    literal: isLiteral ? Uint8Array.from(steps) : null,
  };
}

function characterEnd(text: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < text.length && (text[end]! & 0xc0) === 0x80) end++;
  return end;
}

function matches(steps: Uint16Array, text: Uint8Array): boolean {
  let step = 0;
  let at = 0;
  let retryStep = -1;
  let retryAt = 0;
  while (at < text.length) {
    const wanted = step < steps.length ? steps[step]! : -1;
    if (wanted === ANY_MANY) {
      retryStep = step;
      retryAt = at;
      step += 1;
    } else if (wanted === ANY_ONE) {
      at = characterEnd(text, at);
      step += 1;
    } else if (wanted === text[at]) {
      at += 1;
      step += 1;
    } else if (retryStep >= 0) {
      retryAt = characterEnd(text, retryAt);
      at = retryAt;
      step = retryStep + 1;
    } else return false;
  }
  while (step < steps.length && steps[step] === ANY_MANY) step += 1;
  return step === steps.length;
}
