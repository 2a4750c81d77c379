/** String literals as bytes: what is between the quotes, with doubled quotes and backslashes resolved. */

const BACKSLASH = 0x5c;

/** What the byte behind a backslash stands for; `\%` and `\_` are kept whole, for LIKE. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
ESCAPES[0x30] = 0x00; // \0
ESCAPES[0x62] = 0x08; // \b
ESCAPES[0x6e] = 0x0a; // \n
ESCAPES[0x72] = 0x0d; // \r
ESCAPES[0x74] = 0x09; // \t
ESCAPES[0x5a] = 0x1a; // \Z

const PERCENT = 0x25;
const UNDERSCORE = 0x5f;

/** Writes what a backslash and `byte` stand for to out[length..], and returns the length then: one or two more. */
export function writeEscaped(out: Uint8Array, length: number, byte: number): number {
  if (byte === PERCENT || byte === UNDERSCORE) {
    out[length] = BACKSLASH;
    out[length + 1] = byte;
    return length + 2;
  }
  out[length] = ESCAPES[byte]!;
  return length + 1;
}

/** Resolved strings, one after another in a buffer that grows. */
export class StringUnescaper {
  bytes = new Uint8Array(256);

  /** Resolves buf[start..end), the inside of a literal in `quote`s, into `bytes`; returns the length. */
  unescape(
    buf: Uint8Array,
    start: number,
    end: number,
    quote: number,
    backslashEscapes: boolean,
  ): number {
    if (this.bytes.length < end - start) {
      this.bytes = new Uint8Array(Math.max(end - start, this.bytes.length * 2));
    }
    const out = this.bytes;
    let length = 0;
    for (let at = start; at < end; at += 1) {
      const byte = buf[at]!;
      if (byte === quote) {
        at += 1;
      } else if (byte === BACKSLASH && backslashEscapes && at + 1 < end) {
        at += 1;
        length = writeEscaped(out, length, buf[at]!);
        continue;
      }
      out[length] = byte;
      length += 1;
    }
    return length;
  }
}
