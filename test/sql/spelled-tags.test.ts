/** The kernel's tuples of rows: of which tables it makes them, and that their hashes are those of the dictionaries. */

import fc from 'fast-check';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { hashTuples, spelledTuples } from '../../src/sql/row-kernel.js';
import { SpelledTags } from '../../src/sql/spelled-tags.js';
import { hashBytes } from '../../storage/byte-hash.js';
import { datetime, DOUBLE, INT, TEXT } from './scan-support.js';

const CHAR: SqlType = { kind: 'text', spelling: 'char', length: 4 };

it.each<[string, readonly SqlType[], readonly number[], boolean]>([
  ['texts and integers', [TEXT, INT, TEXT], [0, 1, 2], true],
  ['tags in another order', [TEXT, TEXT], [1, 0], false],
  ['texts whose blanks at the end are nothing', [TEXT, CHAR], [0, 1], false],
  ['doubles', [DOUBLE], [0], false],
  ['times', [TEXT, datetime(3)], [0, 1], false],
  ['sixty-four tags', Array<SqlType>(64).fill(TEXT), [...Array(64).keys()], true],
  ['more tags', Array<SqlType>(65).fill(TEXT), [...Array(65).keys()], false],
])('are made for %s or not', (_, types, columns, areMade) => {
  const tags = types.map((type, index) => {
    return { column: columns[index]!, type, nullable: false, max: Infinity };
  });
  expect(SpelledTags.of(tags) !== null).toBe(areMade);
});

test('a tuple has the same hash in the kernel and in a dictionary', () => {
  const tuples = fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(tuples, (all) => {
      let end = 0;
      for (const [index, tuple] of all.entries()) {
        spelledTuples.bytes.set(tuple, end);
        end += tuple.length;
        spelledTuples.ends[index] = end;
      }
      hashTuples(all.length);
      for (const [index, tuple] of all.entries()) {
        const view = new DataView(tuple.buffer, tuple.byteOffset, tuple.length);
        expect(spelledTuples.hashes[index]).toBe(hashBytes(view, 0, tuple.length));
      }
    }),
    { numRuns: 200 },
  );
});
