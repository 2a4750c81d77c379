/** Each planted bug has its place in the code as it is now: told in a moment, before the slow proof that its test fails. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLANTED_BUGS } from './planted-bugs.js';

const root = join(import.meta.dirname, '../..');

test.each(PLANTED_BUGS)('$name', ({ file, find, replace }) => {
  const occurrences = readFileSync(join(root, file), 'utf8').split(find).length - 1;
  expect({ file, find, occurrences }).toEqual({ file, find, occurrences: 1 });
  expect(replace).not.toBe(find);
});
