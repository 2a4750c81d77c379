/**
 * MySQL's rules for characters: what belongs to names and numbers, what a backslash makes of a letter, which bytes hex digits are.
 *
 * Characters are UTF-16 code units, NaN behind the end of the text.
 */

/** 0 to 9. */
export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Letters, digits, `_`, `$` and everything outside ASCII. */
export function isNameByte(code: number): boolean {
  return isDigit(code) || isNameStart(code);
}

/** Anything of a name but a digit. */
export function isNameStart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x5f ||
    code === 0x24 ||
    code >= 0x80
  );
}

/** Where the name that begins at `start` ends. */
export function nameEnd(text: string, start: number): number {
  let at = start;
  while (isNameByte(text.charCodeAt(at))) {
    at += 1;
  }
  return at;
}

/** How many digits stand at `start`, `most` at most. */
export function countDigits(text: string, start: number, most: number): number {
  let count = 0;
  while (count < most && isDigit(text.charCodeAt(start + count))) {
    count += 1;
  }
  return count;
}

/** Where the exponent at `at` ends, 0 when there is none. */
export function exponentEnd(text: string, at: number): number {
  if ((text.charCodeAt(at) | 0x20) !== 0x65) {
    return 0;
  }
  const sign = text.charAt(at + 1);
  const digitsAt = sign === '+' || sign === '-' ? at + 2 : at + 1;
  const digits = countDigits(text, digitsAt, Infinity);
  return digits === 0 ? 0 : digitsAt + digits;
}

/** What a backslash and `letter` stand for. `\%` and `\_` keep the backslash: LIKE resolves them. */
export function unescaped(letter: string): string {
  switch (letter) {
    case '0':
      return '\0';
    case 'b':
      return '\b';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'Z':
      return '\x1a';
    case '%':
    case '_':
      return `\\${letter}`;
    default:
      return letter;
  }
}

/** Most significant digit first, filled up with zeros on the left to whole bytes. */
export function digitsToBytes(digits: string, radix: 2 | 16): Uint8Array {
  const perByte = radix === 16 ? 2 : 8;
  const bytes = new Uint8Array(Math.ceil(digits.length / perByte));
  for (let index = bytes.length - 1, end = digits.length; index >= 0; index -= 1, end -= perByte) {
    bytes[index] = Number.parseInt(digits.slice(Math.max(0, end - perByte), end), radix);
  }
  return bytes;
}
