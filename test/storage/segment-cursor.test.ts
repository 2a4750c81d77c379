/** The walk over a segment's groups: the same groups and the same end, however the file is read. */

import fc from 'fast-check';
import { hash as digestOf } from 'node:crypto';
import {
  GROUP_HEADER_BYTES,
  GroupKind,
  encodeGroupHeader,
  groupBytesOf,
  groupSeedOf,
  recordsCrcOf,
} from '../../storage/commit-group.js';
import type { DiskFile } from '../../storage/ports.js';
import { RecordKind, encodeRecord } from '../../storage/record.js';
import { SegmentCursor } from '../../storage/segment-cursor.js';

const SEED = groupSeedOf({
  origin: 1,
  incarnation: 'a1b2c3d4e5f60718',
  number: 3,
  nonce: '0f1e2d3c4b5a6978',
});
const START = 4096;

interface Seen {
  readonly offsetBytes: number;
  /** Of the content, or why the walk stopped. */
  readonly what: string;
}

/** A file that only reads; a read comes back in a later turn. */
class BytesFile implements DiskFile {
  readonly #bytes: Uint8Array;
  readsUnderWay = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.readsUnderWay += 1;
    await new Promise((resolve) => setImmediate(resolve));
    const found = this.#bytes.subarray(position, position + target.length);
    target.set(found);
    this.readsUnderWay -= 1;
    return found.length;
  }

  write(): Promise<void> {
    return Promise.reject(new Error('a walk writes nothing'));
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  truncate(): Promise<void> {
    return Promise.reject(new Error('a walk cuts nothing'));
  }

  sizeBytes(): Promise<number> {
    return Promise.resolve(this.#bytes.length);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Groups with one record for each body size, from START on, and zeros behind them. */
function segmentOf(groups: readonly (readonly number[])[]): {
  readonly bytes: Uint8Array;
  readonly seen: readonly Seen[];
} {
  const seen: Seen[] = [];
  const parts: Uint8Array[] = [new Uint8Array(START)];
  let offsetBytes = START;
  let sequence = 1;
  for (const bodies of groups) {
    const firstSequence = sequence;
    const records = bodies.map((size) =>
      encodeRecord(RecordKind.write, sequence, 8 * sequence++, [new Uint8Array(size).fill(size)]),
    );
    const content = Buffer.concat(records);
    const group = new Uint8Array(groupBytesOf(content.length));
    const prefixes = Buffer.concat(records.map((record) => record.subarray(0, 8)));
    const header = encodeGroupHeader(SEED, {
      kind: GroupKind.records,
      contentCrc: recordsCrcOf(SEED, prefixes),
      recordCount: records.length,
      contentBytes: content.length,
      firstSequence,
      durableBefore: 0,
      offsetBytes,
    });
    group.set(header);
    group.set(content, GROUP_HEADER_BYTES);
    seen.push({ offsetBytes, what: digestOf('sha256', content) });
    parts.push(group);
    offsetBytes += group.length;
  }
  parts.push(new Uint8Array(8192));
  return { bytes: Buffer.concat(parts), seen };
}

/** Everything up to where the walk stops, that place included. `fileBytes`: what the file is said to have. */
async function walk(file: BytesFile, readsAhead: boolean, fileBytes: number): Promise<Seen[]> {
  const cursor = new SegmentCursor(file, SEED, START, fileBytes, { readsAhead });
  const seen: Seen[] = [];
  for (;;) {
    const step = await cursor.next();
    if (step.kind === 'stop') {
      seen.push({ offsetBytes: step.offsetBytes, what: step.reason });
      await cursor.close();
      expect(file.readsUnderWay).toBe(0);
      return seen;
    }
    seen.push({ offsetBytes: step.offsetBytes, what: digestOf('sha256', step.content) });
  }
}

const MEBIBYTE = 1 << 20;
/** Many small groups, some as large as a window or larger than what is carried over, few larger than all that is read at once. */
const bodySizes = fc.oneof(
  { weight: 12, arbitrary: fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1 }) },
  { weight: 3, arbitrary: fc.tuple(fc.integer({ min: 200_000, max: 300_000 })) },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: MEBIBYTE, max: 2 * MEBIBYTE })) },
);
const segments = fc.array(bodySizes, { maxLength: 40 });

test('every group is seen once and in order, and then the end', async () => {
  await fc.assert(
    fc.asyncProperty(segments, fc.boolean(), async (groups, readsAhead) => {
      const { bytes, seen } = segmentOf(groups);
      const end = seen.length === 0 ? START : bytes.length - 8192;
      const found = await walk(new BytesFile(bytes), readsAhead, bytes.length);
      expect(found).toEqual([
        ...seen,
        { offsetBytes: end, what: 'there is no valid commit group header' },
      ]);
    }),
    { numRuns: 40 },
  );
});

test('a flipped bit ends the walk at its group, with the same reason however it is read', async () => {
  await fc.assert(
    fc.asyncProperty(segments, fc.nat(), fc.nat(7), async (groups, place, bit) => {
      const { bytes, seen } = segmentOf(groups);
      if (seen.length === 0) return;
      const at = START + (place % (bytes.length - 8192 - START));
      bytes[at] = bytes[at]! ^ (1 << bit);
      const found = await walk(new BytesFile(bytes), true, bytes.length);
      expect(found).toEqual(await walk(new BytesFile(bytes), false, bytes.length));
      // What a record's own CRC covers is not the cursor's: lengths, CRCs, headers and padding are.
      const hurt = seen.filter(({ offsetBytes }) => offsetBytes <= at).at(-1)!;
      const good = found.slice(0, -1);
      const expected = seen.slice(0, seen.indexOf(hurt));
      expect(good.slice(0, expected.length)).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});

test('a file that is shorter than it was said to be ends where its last whole group ends', async () => {
  await fc.assert(
    fc.asyncProperty(segments, fc.nat(), fc.boolean(), async (groups, place, readsAhead) => {
      const { bytes, seen } = segmentOf(groups);
      const cut = START + (place % (bytes.length - START));
      const found = await walk(new BytesFile(bytes.subarray(0, cut)), readsAhead, bytes.length);
      const ends = [...seen.slice(1).map(({ offsetBytes }) => offsetBytes), bytes.length - 8192];
      const whole = seen.filter((_, index) => ends[index]! <= cut);
      expect(found.slice(0, -1)).toEqual(whole);
    }),
    { numRuns: 40 },
  );
});

test('a read that fails while the walk is still busy is told by the step that needs it', async () => {
  const { bytes } = segmentOf(Array.from({ length: 3000 }, () => [1000]));
  const file = new BytesFile(bytes);
  const cursor = new SegmentCursor(file, SEED, START, bytes.length, { readsAhead: true });
  expect((await cursor.next()).kind).toBe('group');
  file.read = () => Promise.reject(new Error('EIO'));
  await expect(
    (async () => {
      while ((await cursor.next()).kind === 'group');
    })(),
  ).rejects.toThrow('EIO');
  await cursor.close();
});
