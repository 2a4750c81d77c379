/** Records that are made around a large section: the same bytes as if it had been copied, in the section's own memory, and once. */

import { encodeRecord, RecordKind } from '../../storage/record.js';
import { ROOMY_BYTES_MIN } from '../../storage/record-room.js';
import { RowBatch } from '../../storage/row-batch.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { encodeWriteBody } from '../../storage/write-body.js';
import {
  JournalRig,
  appendWrites,
  incarnationId,
  readAll,
  untilDurable,
} from '../support/journal-rig.js';

const schema: TableSchema = {
  tableId: 81,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: [
    { id: 101, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 102, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 103, type: ColumnType.blob, role: ColumnRole.field, precision: 0 },
  ],
};

const OPTIONS = { segmentBytes: 2 ** 21, maxRecordBytes: 2 ** 20 };

/** Of one row, whose value has so many bytes. */
function sectionOf(valueBytes: number): Uint8Array {
  const batch = new RowBatch(schema);
  batch.setBytes(0, Buffer.from('host'), 0, 4);
  batch.setTime(1, 1_700_000_000, 0);
  batch.setBytes(2, Buffer.alloc(valueBytes, 'value'), 0, valueBytes);
  batch.endRow();
  return batch.encodeSection();
}

const large = (): Uint8Array => sectionOf(ROOMY_BYTES_MIN);

test.each([
  { what: 'a large section', sections: [large()], isAround: true },
  { what: 'a small section', sections: [sectionOf(100)], isAround: false },
  { what: 'several sections', sections: [large(), sectionOf(9), large()], isAround: false },
])('the record of $what is as ever', async ({ sections, isAround }) => {
  const rig = new JournalRig(1, OPTIONS);
  const journal = await rig.start(1);
  appendWrites(journal, [Buffer.from('before')]);
  const body = encodeWriteBody(sections);
  const record = journal.append(RecordKind.write, 1_000_009, body);
  expect(record.bytes.buffer === sections[0]!.buffer).toBe(isAround);
  appendWrites(journal, [Buffer.from('behind')]);
  const same = encodeRecord(RecordKind.write, record.sequence, 1_000_009, body);
  expect(Buffer.compare(record.bytes, same)).toBe(0);

  const before = await readAll(journal, incarnationId(1));
  await untilDurable(journal);
  rig.disk.crash(rig.random);
  const { journal: again } = await rig.open();
  const after = await readAll(again, incarnationId(1));
  expect(after.last).toEqual(before.last);
  expect(Buffer.compare(after.records[2]!.bytes, same)).toBe(0);
});

test('a section that is appended again is copied: the record around it stays', async () => {
  const rig = new JournalRig(1, OPTIONS);
  const journal = await rig.start(1);
  const body = encodeWriteBody([large()]);
  const first = journal.append(RecordKind.write, 1_000_009, body);
  const second = journal.append(RecordKind.write, 1_000_010, body);
  expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
  for (const { bytes, sequence, version } of [first, second]) {
    const same = encodeRecord(RecordKind.write, sequence, version, body);
    expect(Buffer.compare(bytes, same)).toBe(0);
  }
});

test('a part of a section is not taken for it', async () => {
  const rig = new JournalRig(1, OPTIONS);
  const journal = await rig.start(1);
  const section = large();
  for (const part of [section.subarray(0, -1), section.subarray(1)]) {
    const { bytes } = journal.append(RecordKind.write, 1_000_009, encodeWriteBody([part]));
    expect(bytes.buffer).not.toBe(section.buffer);
  }
});
