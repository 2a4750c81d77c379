/** LIKE over names. */

import { likeMatcher } from '../../src/catalog/like-pattern.js';

describe('LIKE over names', () => {
  test.each([
    ['cpu', 'cpu', true],
    ['cpu', 'CPU', true],
    ['cpu', 'cpu2', false],
    ['%', '', true],
    ['c%', 'cpu_load', true],
    ['%load', 'cpu_load', true],
    ['%%%a%%%', 'bab', true],
    ['c_u', 'cpu', true],
    ['c_u', 'cu', false],
    ['a\\_b', 'a_b', true],
    ['a\\_b', 'axb', false],
    ['100\\%', '100%', true],
    ['a.b', 'axb', false],
    ['(x)[y]', '(x)[y]', true],
    ['a-b', 'a-b', true],
    ['Größe', 'GRÖSSE', false],
    ['größe', 'GRÖßE', true],
    ['a%b', 'a\nb', true],
    ['\\', '\\', true],
  ])('%s matches %s: %s', (pattern, text, expected) => {
    expect(likeMatcher(pattern)(text)).toBe(expected);
  });

  test('a long run of % stays fast', () => {
    const matches = likeMatcher(`${'%'.repeat(50)}x`);
    expect(matches('a'.repeat(5000))).toBe(false);
  });
});
