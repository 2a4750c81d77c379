/** docs/sql.md lists the functions that there are: all of them, and no others. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { aggregateNames } from '../../src/exec/functions/aggregate-registry.js';
import { functionNames } from '../../src/exec/functions/registry.js';

const PAGE = resolve(__dirname, '../../docs/sql.md');

/** The names in code type between the heading of the functions and the next chapter. */
function documentedNames(): string[] {
  const text = readFileSync(PAGE, 'utf8');
  const from = text.indexOf('### Functions');
  const to = text.indexOf('## Looking around');
  if (from < 0 || to < from) throw new Error('docs/sql.md has no section of functions');
  const section = text.slice(from, to);
  return [...section.matchAll(/`([a-z][a-z_0-9]*)`/g)].map(([, name]) => name!);
}

const existing = new Set([...functionNames(), ...aggregateNames()]);

test('every function is listed', () => {
  const documented = new Set(documentedNames());
  expect([...existing].filter((name) => !documented.has(name))).toEqual([]);
});

test('every function that is listed exists, and is listed once', () => {
  const documented = documentedNames();
  expect(documented.filter((name) => !existing.has(name))).toEqual([]);
  expect(documented.filter((name, index) => documented.indexOf(name) !== index)).toEqual([]);
});
