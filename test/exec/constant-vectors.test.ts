/** The vector of a constant is as long as the batch, whatever batches came before, and no longer than the batches need. */

import { Batch } from '../../src/exec/batch.js';
import { compileExpression } from '../../src/exec/compile-expression.js';
import { valueAt } from '../../src/exec/exec-vector.js';
import { BIGINT, LONG_TEXT, NULL_TYPE, textBytes } from '../../src/exec/sql-value.js';
import type { SqlValue } from '../../src/exec/sql-value.js';
import { boundConstant } from '../../src/plan/bound-cast.js';
import type { SqlType } from '../../src/catalog/sql-type.js';

test.each<[what: string, type: SqlType, value: SqlValue]>([
  ['a number', BIGINT, 7],
  ['a text', LONG_TEXT, textBytes('x')],
  ['NULL', NULL_TYPE, null],
])('%s, over batches of many lengths', (_, type, value) => {
  const evaluate = compileExpression(boundConstant(type, value));
  for (const length of [1, 2, 64, 65, 3, 8192, 1, 100]) {
    const vector = evaluate(Batch.of([], length));
    expect(vector).toHaveLength(length);
    for (const row of [0, length - 1]) expect(valueAt(vector, type, row)).toEqual(value);
  }
});

test('a few rows take no whole batch', () => {
  const vector = compileExpression(boundConstant(BIGINT, 7))(Batch.of([], 2));
  if (vector.kind !== 'number') throw new Error('small integers are numbers');
  expect(vector.values.length).toBeLessThan(100);
});
