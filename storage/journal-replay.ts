/** Reading an incarnation record by record, a chunk of the journal at a time, and the next one meanwhile. */

import type { Journal, JournalRead } from './journal.js';
import type { IncarnationId } from './position.js';
import { checkedRecordAt, type RecordView } from './record.js';

/**
 * Yields the records after `afterSequence`, in order. A yielded view is good until the next one is asked for. Whoever stops before the end
 * returns the generator: when that resolves nothing is read any more.
 */
export async function* recordsIn(
  journal: Journal,
  incarnation: IncarnationId,
  afterSequence: number,
  chunkBytes: number,
): AsyncGenerator<RecordView, undefined> {
  const read = (after: number): Promise<JournalRead | null> => {
    const reading = journal.read(incarnation, after, chunkBytes, { durableOnly: true });
    // Whoever awaits it hears of a failure; until then nobody may listen.
    reading.catch(() => undefined);
    return reading;
  };
  let reading = read(afterSequence);
  try {
    for (;;) {
      const chunk = await reading;
      if (chunk === null) return;
      reading = read(chunk.lastSequence);
      let offset = 0;
      while (offset < chunk.bytes.length) {
        // The journal hands out whole, checked records.
        const record = checkedRecordAt(chunk.bytes, offset);
        offset += record.bytes.length;
        yield record;
      }
    }
  } finally {
    await reading.catch(() => undefined);
  }
}
