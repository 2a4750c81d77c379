/**
 * Recovery of the tables: what both journals hold behind the last flush is applied again, in order of version over all incarnations. Version
 * order is causal order: a row never comes before the CREATE that its origin had seen.
 */

import type { Journal } from './journal.js';
import { recordsIn } from './journal-replay.js';
import { Pacer } from './pacer.js';
import type { Timers } from './ports.js';
import type { IncarnationId, NodeId } from './position.js';
import type { RecordView } from './record.js';
import type { RecordApplier } from './record-applier.js';

const REPLAY_CHUNK_BYTES = 4 * 1024 * 1024;
/** What applying a record costs, in the pacer's units. */
const REPLAYED_RECORD_UNITS = 300;
const REPLAYED_BYTE_UNITS = 3;

/** Who takes the records. */
export type Replaying = Pick<RecordApplier, 'beginReplay' | 'isFlushed' | 'prepare' | 'replay'>;

interface Stream {
  readonly origin: NodeId;
  readonly incarnation: IncarnationId;
  readonly records: AsyncGenerator<RecordView, undefined>;
  head: RecordView | null;
}

/**
 * Resolves to the number of records that were read. However it ends, nothing is read any more then: the journals may be closed.
 * @param makeRoom awaited after each record: flushes what is too much for the memory
 */
export async function replayJournals(
  journals: readonly Journal[],
  applier: Replaying,
  timers: Timers,
  makeRoom: () => Promise<void> | null,
): Promise<number> {
  const streams: Stream[] = [];
  for (const journal of journals) {
    const { origin } = journal;
    for (const { id: incarnation } of journal.incarnations()) {
      const from = applier.beginReplay(origin, incarnation);
      const records = recordsIn(journal, incarnation, from, REPLAY_CHUNK_BYTES);
      streams.push({ origin, incarnation, records, head: null });
    }
  }
  try {
    return await replayStreams(streams, applier, timers, makeRoom);
  } finally {
    for (const { records } of streams) await records.return(undefined);
  }
}

async function replayStreams(
  streams: readonly Stream[],
  applier: Replaying,
  timers: Timers,
  makeRoom: () => Promise<void> | null,
): Promise<number> {
  for (const stream of streams) await advance(stream);

  const pacer = new Pacer(timers);
  let count = 0;
  for (;;) {
    const stream = lowestVersion(streams);
    if (stream === null) return count;
    const { origin, incarnation } = stream;
    const record = stream.head!;
    if (!applier.isFlushed(origin, incarnation, record)) {
      while (!applier.prepare(origin, incarnation, record)) await pacer.turn();
    }
    applier.replay(origin, incarnation, record);
    count += 1;
    const making = makeRoom();
    if (making !== null) await making;
    if (pacer.spend(REPLAYED_RECORD_UNITS + record.bytes.length * REPLAYED_BYTE_UNITS)) {
      await pacer.turn();
    }
    await advance(stream);
  }
}

async function advance(stream: Stream): Promise<void> {
  const next = await stream.records.next();
  stream.head = next.done === true ? null : next.value;
}

function lowestVersion(streams: readonly Stream[]): Stream | null {
  let lowest: Stream | null = null;
  for (const stream of streams) {
    if (stream.head === null) continue;
    if (lowest === null || stream.head.version < lowest.head!.version) lowest = stream;
  }
  return lowest;
}
