/**
 * Which rows of an identity stay, as a table. A row is its version; "t" before it is a tombstone. Rules: the stable horizon, and how far
 * everything of the identity is known ("settled").
 */

import fc from 'fast-check';
import { reduceIdentity, type ReductionRules } from '../../storage/row-reduction.js';

type Mode = 'last row' | 'append' | 'merge fields';

function reduce(rows: readonly string[], rules: ReductionRules): string[] {
  const versions = Float64Array.from(rows, (row) => Number(row.replace('t', '')));
  const tombstones = Uint8Array.from(rows, (row) => (row.startsWith('t') ? 1 : 0));
  const kept = new Uint32Array(rows.length);
  const count = reduceIdentity({ count: rows.length, versions, tombstones }, rules, kept);
  return [...kept.subarray(0, count)].map((row) => rows[row]!);
}

const rulesOf = (mode: Mode, horizon: number, settledHorizon: number): ReductionRules => ({
  appendMode: mode === 'append',
  mergeFields: mode === 'merge fields',
  horizon,
  settledHorizon,
});

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

test.each([
  // mode, horizon, settled, rows, those that stay
  ['last row', 0, 0, '1 2 3', '1 2 3'],
  ['last row', 2, 0, '1 2 3', '2 3'],
  ['last row', 9, 0, '1 2 3', '3'],
  ['last row', 9, 0, 't1 2', '2'],
  ['last row', 9, 0, '1 t2', 't2'],
  ['last row', 9, 9, '1 t2', ''],
  ['last row', 9, 1, '1 t2', 't2'],
  ['last row', 2, 2, '1 t2 3', '3'],
  ['last row', 2, 2, 't1', ''],
  ['last row', 0, 0, 't1', 't1'],
  // One record: the later row counts, whatever the horizon; a tombstone comes before a row of its version.
  ['last row', 0, 0, '5 5 5', '5'],
  ['last row', 0, 0, 't5 t5 5 5', 't5 5'],
  ['last row', 5, 0, 't5 t5 5 5', '5'],
  // Append mode: only a tombstone takes rows away, and it stays to take others.
  ['append', 9, 9, '1 1 2', '1 1 2'],
  ['append', 9, 0, '1 t2 3', 't2 3'],
  ['append', 9, 9, '1 t2 3', '3'],
  ['append', 1, 1, '1 t2 3', '1 t2 3'],
  ['append', 9, 9, 't2 2 2', '2 2'],
  ['append', 2, 2, 't1 t2 t3', 't3'],
  // Merged fields: older rows may still give a field.
  ['merge fields', 9, 0, '1 2 3', '1 2 3'],
  ['merge fields', 9, 0, '1 t2 3', 't2 3'],
  ['merge fields', 9, 9, '1 t2 3', '3'],
  ['merge fields', 1, 1, '1 t2 3', '1 t2 3'],
] as const)('%s, horizon %d, settled %d: %s -> %s', (mode, horizon, settled, rows, left) => {
  expect(reduce(words(rows), rulesOf(mode, horizon, settled))).toEqual(words(left));
});

/** What a reader sees of the rows: those after the last tombstone, or the last row. */
function visible(rows: readonly string[], mode: Mode): string[] {
  const lastTombstone = rows.findLastIndex((row) => row.startsWith('t'));
  const alive = rows.slice(lastTombstone + 1);
  return mode === 'last row' ? alive.slice(-1) : alive;
}

test('a reader sees the same, whatever still arrives above the horizon, and however often rows are reduced', () => {
  const row = fc.record({ version: fc.integer({ min: 1, max: 12 }), isTombstone: fc.boolean() });
  const rows = fc.array(row, { minLength: 1, maxLength: 8 });
  const mode = fc.constantFrom<Mode>('last row', 'append', 'merge fields');
  fc.assert(
    fc.property(rows, rows, mode, fc.integer({ min: 0, max: 12 }), (early, late, how, horizon) => {
      const ordered = (all: typeof early): string[] =>
        [...all]
          .sort((a, b) => a.version - b.version || Number(b.isTombstone) - Number(a.isTombstone))
          .map(({ version, isTombstone }) => (isTombstone ? `t${version}` : `${version}`));
      const arriving = late.filter(({ version }) => version > horizon);
      const parse = (word: string): (typeof early)[number] => ({
        version: Number(word.replace('t', '')),
        isTombstone: word.startsWith('t'),
      });
      const rules = rulesOf(how, horizon, horizon);
      const once = reduce(ordered(early), rules);
      const twice = once.length === 0 ? [] : reduce(once, rules);
      expect(twice).toEqual(once);
      const all = ordered([...early, ...arriving]);
      const reduced = ordered([...once.map(parse), ...arriving]);
      // In one record only the later row counts; the model has no order within one.
      const seen = (of: readonly string[]): string[] =>
        how === 'append' ? visible(of, how) : [...new Set(visible(of, how))];
      expect(seen(reduced)).toEqual(seen(all));
    }),
  );
});
