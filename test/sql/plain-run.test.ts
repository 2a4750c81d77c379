/** How far a text is plain: up to its quote, its first backslash, or as far as one look goes. */

import { plainRunEnd } from '../../src/sql/plain-run.js';

const QUOTE = 0x27;
const WINDOW = 32 * 1024;

const text = (length: number, marks: Readonly<Record<number, string>> = {}): Uint8Array => {
  const bytes = Buffer.alloc(length, 'x');
  for (const [at, mark] of Object.entries(marks)) bytes.write(mark, Number(at));
  return bytes;
};

test.each<[string, Uint8Array, number, number, boolean, number]>([
  ['nothing in it', text(100), 10, 90, true, 90],
  ['a quote', text(100, { 50: "'" }), 10, 90, true, 50],
  ['the other quote', text(100, { 50: '"' }), 10, 90, true, 90],
  ['a backslash before the quote', text(100, { 40: '\\', 50: "'" }), 10, 90, true, 40],
  ['a backslash behind the quote', text(100, { 50: "'", 60: '\\' }), 10, 90, true, 50],
  ['a backslash that is no escape', text(100, { 40: '\\', 50: "'" }), 10, 90, false, 50],
  ['a quote before and one behind', text(100, { 5: "'", 95: "'" }), 10, 90, true, 90],
  ['more than one look goes', text(3 * WINDOW), 10, 3 * WINDOW, true, 10 + WINDOW],
  ['a quote beyond', text(3 * WINDOW, { [2 * WINDOW]: "'" }), 10, 3 * WINDOW, true, 10 + WINDOW],
])('%s', (_, bytes, at, end, stopsAtBackslash, expected) => {
  expect(plainRunEnd(bytes, at, end, QUOTE, stopsAtBackslash)).toBe(expected);
});
