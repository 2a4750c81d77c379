/** "Did you mean ...?" must help and must not be silly. */
import fc from 'fast-check';
import { editDistance, nearestWord } from '../../src/server/nearest-word.js';

test.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['abc', 'ab', 1],
  ['abc', 'acb', 1],
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
])('from %j to %j is %d', (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance);
});

test('distance is symmetric, and zero only for the same word', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
    { verbose: true },
  );
});

const known = ['listen', 'max_connections', 'rpo_bytes', 'rpo_span'];

test.each([
  ['listne', 'listen'],
  ['Listen', 'listen'],
  ['rpo_byte', 'rpo_bytes'],
  ['rpobytes', 'rpo_bytes'],
  ['max_conections', 'max_connections'],
  ['port', null],
  ['timeout', null],
])('for %j: %j', (word, expected) => {
  expect(nearestWord(word, known)).toBe(expected);
});
