/** Reading an incarnation record by record, a chunk of the journal at a time. */

import type { Journal } from './journal.js';
import type { IncarnationId } from './position.js';
import { checkedRecordAt, type RecordView } from './record.js';

/** Yields the records after `afterSequence`, in order. A yielded view is good until the next one is asked for. */
export async function* recordsIn(
  journal: Journal,
  incarnation: IncarnationId,
  afterSequence: number,
  chunkBytes: number,
): AsyncGenerator<RecordView, undefined> {
  let after = afterSequence;
  for (;;) {
    const chunk = await journal.read(incarnation, after, chunkBytes, { durableOnly: true });
    if (chunk === null) return;
    let offset = 0;
    while (offset < chunk.bytes.length) {
      // The journal hands out whole, checked records.
      const record = checkedRecordAt(chunk.bytes, offset);
      offset += record.bytes.length;
      yield record;
    }
    after = chunk.lastSequence;
  }
}
