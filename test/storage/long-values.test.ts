/**
 * Values of megabytes on their way to the journal and into a table: the same bytes and the same rows as in one go, but a slice a turn of the
 * event loop.
 */

import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { crcOfBoth } from '../../storage/crc-of-both.js';
import { LaidOutBody } from '../../storage/laid-out-body.js';
import { encodeRecord, parseRecord, RecordKind } from '../../storage/record.js';
import { RowBatch } from '../../storage/row-batch.js';
import { SLICE_BYTES } from '../../storage/slice-bytes.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { encodeWriteBody } from '../../storage/write-body.js';
import {
  JournalRig,
  appendWrites,
  incarnationId,
  readAll,
  untilDurable,
} from '../support/journal-rig.js';
import { openMemoryStore, realTimers, scanAll } from '../support/table-rig.js';

const LOGS: TableSchema = {
  tableId: 79,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: [
    { id: 101, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 102, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 103, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
    { id: 104, type: ColumnType.blob, role: ColumnRole.field, precision: 0 },
  ],
};
const MIB = 1024 * 1024;

/** Turns that were asked for. */
function countedTurns(): { turns: number; yieldTurn: () => Promise<void> } & Pick<
  typeof realTimers,
  'after'
> {
  return {
    turns: 0,
    after: realTimers.after,
    yieldTurn() {
      this.turns += 1;
      return Promise.resolve();
    },
  };
}

function filled(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = 0x20 + ((at * 7 + seed + (at >> 8)) % 0x5f);
  return bytes;
}

/** A row each: the lengths of its two values, null for NULL. */
type Lengths = readonly [note: number | null, data: number | null];

function batchOf(rows: readonly Lengths[]): RowBatch {
  const batch = new RowBatch(LOGS);
  rows.forEach((lengths, row) => {
    batch.setBytes(0, Buffer.from(`host-${row % 3}`), 0, 6);
    batch.setTime(1, 1_700_000_000 + row, 0);
    lengths.forEach((length, column) => {
      if (length === null) batch.setNull(column + 2);
      else batch.setBytes(column + 2, filled(length, row), 0, length);
    });
    batch.endRow();
  });
  return batch;
}

const length = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 2000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 200_000, max: 1_200_000 }) },
  { weight: 1, arbitrary: fc.constant(null) },
);

test('the CRC of two stretches is that of both together', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 3000 }), (a, b) => {
      expect(crcOfBoth(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])));
    }),
  );
  const long = filled(9 * MIB + 5, 3);
  expect(crcOfBoth(crc32(Buffer.from('head')), crc32(long), long.length)).toBe(
    crc32(Buffer.concat([Buffer.from('head'), long])),
  );
});

describe('a section whose long values were left where they are', () => {
  test('becomes the same bytes, a slice at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(length, length), { minLength: 1, maxLength: 9 }), (rows) => {
        const batch = batchOf(rows);
        const whole = batch.encodeSection();
        const slices = batch.encodeUnjoined().join();
        let slice = slices.next();
        for (; slice.done !== true; slice = slices.next()) {
          expect(slice.value).toBeLessThanOrEqual(SLICE_BYTES);
        }
        expect(Buffer.compare(slice.value, whole)).toBe(0);
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });

  test('is copied once: what is encoded in one go is small', () => {
    const unjoined = batchOf([[7 * MIB, null]]).encodeUnjoined();
    expect(unjoined.written.length).toBeLessThan(200);
    expect(unjoined.length).toBeGreaterThan(7 * MIB);
  });
});

describe('a value that comes in pieces', () => {
  const PIECE_BYTES = 64 * 1024;
  const typedArrays = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
  let copiedBytes = 0;

  beforeEach(() => {
    const set = typedArrays.set;
    jest.spyOn(typedArrays, 'set').mockImplementation(function (this: Uint8Array, source, at) {
      copiedBytes += source.length;
      set.call(this, source, at);
    });
  });
  afterEach(() => jest.restoreAllMocks());

  /** One row whose value of 10 MiB comes in pieces, behind `rows` others. Returns the most bytes copied for a piece. */
  function addInPieces(batch: RowBatch, rows: number, value: Uint8Array): number {
    const write = (row: number): void => {
      batch.setBytes(0, Buffer.from('a'), 0, 1);
      batch.setTime(1, row, 0);
      batch.setNull(2);
    };
    for (let row = 0; row < rows; row += 1) {
      write(row);
      batch.setBytes(3, value, 0, 1000);
      batch.endRow();
    }
    write(rows);
    batch.setBytes(3, value, 0, PIECE_BYTES);
    let most = 0;
    for (let at = PIECE_BYTES; at < value.length; at += PIECE_BYTES) {
      copiedBytes = 0;
      batch.addBytes(3, value, at, Math.min(at + PIECE_BYTES, value.length));
      most = Math.max(most, copiedBytes);
    }
    return most;
  }

  test.each([0, 1, 700])('is copied with few bytes a piece, behind %i rows', (rows) => {
    const value = filled(10 * MIB + 77, 5);
    const batch = new RowBatch(LOGS);
    expect(addInPieces(batch, rows, value)).toBeLessThanOrEqual(SLICE_BYTES);
    batch.endRow();

    const whole = new RowBatch(LOGS);
    for (let row = 0; row <= rows; row += 1) {
      whole.setBytes(0, Buffer.from('a'), 0, 1);
      whole.setTime(1, row, 0);
      whole.setNull(2);
      whole.setBytes(3, value, 0, row < rows ? 1000 : value.length);
      whole.endRow();
    }
    expect(Buffer.compare(batch.encodeSection(), whole.encodeSection())).toBe(0);
  });

  test('leaves nothing of a row that was given up to the one after it', () => {
    const batch = new RowBatch(LOGS);
    addInPieces(batch, 0, filled(700_000, 6));
    batch.abandonRow();
    const value = filled(1_500_000, 7);
    addInPieces(batch, 0, value);
    batch.endRow();
    const other = new RowBatch(LOGS);
    addInPieces(other, 0, value);
    other.endRow();
    expect(Buffer.compare(batch.encodeSection(), other.encodeSection())).toBe(0);
  });
});

describe('a body that was laid out beforehand', () => {
  const parts = [filled(3, 1), filled(5 * MIB, 2), filled(0, 0), filled(700_000, 3)];

  test('becomes the same record in the journal, and reads as it after a stop', async () => {
    const options = { segmentBytes: 16 * MIB, maxRecordBytes: 8 * MIB };
    const rig = new JournalRig(1, options);
    const journal = await rig.start(1);
    appendWrites(journal, [Buffer.from('before')]);
    const laidOut = await LaidOutBody.of(parts, realTimers);
    const record = journal.append(RecordKind.write, 1_000_009, laidOut);
    // The journal keeps the very bytes.
    expect(record.bytes.buffer).toBe(laidOut.bytes.buffer);
    appendWrites(journal, [Buffer.from('behind')]);
    const same = encodeRecord(RecordKind.write, record.sequence, 1_000_009, parts);
    expect(Buffer.compare(record.bytes, same)).toBe(0);
    expect(parseRecord(record.bytes, 0, 8 * MIB)).toMatchObject({ sequence: record.sequence });
    const before = await readAll(journal, incarnationId(1));
    await untilDurable(journal);
    rig.disk.crash(rig.random);
    const { journal: again } = await rig.open();
    const after = await readAll(again, incarnationId(1));
    expect(after.last).toEqual(before.last);
    expect(Buffer.compare(after.records[2]!.bytes, same)).toBe(0);
  });

  test('has a turn of the event loop for each slice', async () => {
    const timers = countedTurns();
    await LaidOutBody.of(parts, timers);
    expect(timers.turns).toBeGreaterThanOrEqual(Math.floor((5 * MIB) / SLICE_BYTES));
  });
});

test('a table takes long strings in slices', async () => {
  const { store } = await openMemoryStore();
  store.defineTable(LOGS);
  const rows: Lengths[] = [
    [4 * MIB, null],
    [20, 2 * MIB],
    ...Array.from({ length: 12 }, (): Lengths => [200_000, 9]),
  ];
  const section = batchOf(rows).encodeSection();
  const body = Buffer.concat(encodeWriteBody([section]));
  const write = store.stageWrite(5, [body]);
  let slices = 1;
  while (!write.step()) slices += 1;
  expect(slices).toBeGreaterThanOrEqual(Math.floor((8 * MIB) / SLICE_BYTES));
  store.publish(write);
  const { store: plain } = await openMemoryStore();
  plain.defineTable(LOGS);
  plain.applyWrite(5, body, 0);
  const shown = (await scanAll(store, LOGS)).toSorted();
  expect(shown.length).toBe(rows.length);
  // Not by toEqual, which would print megabytes.
  const isSame = shown.join('\n') === (await scanAll(plain, LOGS)).toSorted().join('\n');
  expect(isSame).toBe(true);
});
