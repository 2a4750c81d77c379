/** The words of `twintide inspect`. */
import {
  faultsOf,
  inspectReport,
  type InspectionReport,
} from '../../src/command/inspect-report.js';
import { readableBytes } from '../../src/command/readable-bytes.js';

const SOUND: InspectionReport = {
  path: '/data',
  nodeId: 1,
  isVerified: true,
  journals: [
    {
      origin: 2,
      folder: '/data/journal/2',
      incarnations: [
        {
          id: 'a1b2c3d4e5f60718',
          parent: { incarnation: '00112233445566ff', sequence: 41, hash: 'f'.repeat(32) },
          openingVersion: 8,
          last: { incarnation: 'a1b2c3d4e5f60718', sequence: 7, hash: '0f'.repeat(16) },
          segments: [
            {
              path: 'x',
              number: 1,
              firstSequence: 1,
              lastSequence: 7,
              isSealed: true,
              recordBytes: 2048,
              fileBytes: 65_536,
            },
          ],
        },
      ],
      spares: 0,
      records: 7,
      tornTails: [],
      faults: [],
    },
  ],
  store: {
    flushed: null,
    runs: 1,
    leftovers: 2,
    valuesRead: 12,
    faults: [],
    tables: [
      {
        tableId: 77,
        schema: { tableId: 77, appendMode: false, partitionMs: 86_400_000, columns: [] },
        isDropped: false,
        series: 3,
        seriesBytes: 100,
        partitions: [{ partition: 19_675, runs: 1, blocks: 2, rows: 1000, sizeBytes: 9500 }],
        codecs: new Map([
          ['delta', { values: 1, bytes: 10 }],
          ['packed', { values: 2000, bytes: 3000 }],
        ]),
      },
    ],
  },
  tableNames: new Map([[77, 'plant.heat']]),
};

test('a sound node reads like this', () => {
  expect(inspectReport(SOUND).split('\n')).toEqual([
    'node 1, data directory /data',
    '',
    'journal of node 2 (the copy here): 1 incarnation, 1 segment of 64.0 KiB, 0 spare files',
    `  incarnation a1b2c3d4e5f60718, after 00112233445566ff:41, ends at 7 (hash ${'0f'.repeat(16)})`,
    '    segment 1: records 1 to 7, 2.0 KiB, sealed',
    '',
    'block store: 1 table, 1 run',
    '  nothing was ever flushed',
    '  2 runs of an unfinished flush, which the next start deletes',
    '',
    'table plant.heat (id 77): 1,000 rows in 1 run of 2 blocks, 9.3 KiB, 9.5 bytes a row',
    '  1 partition, 3 series in 100 bytes',
    '  codecs: packed 2,000 (2.9 KiB), delta 1 (10 bytes)',
    '  from 2023-11-14 00:00:00: 1,000 rows in 1 run of 2 blocks, 9.3 KiB, 9.5 bytes a row',
    '',
    'verified: 7 records and 12 stored values read, every checksum matches',
  ]);
  expect(faultsOf(SOUND)).toEqual([]);
});

test('damage comes last, from journals and store alike', () => {
  const report: InspectionReport = {
    ...SOUND,
    journals: [{ ...SOUND.journals[0]!, faults: ['in the journal'] }],
    store: { ...SOUND.store, faults: ['in the store'] },
  };
  expect(inspectReport(report).split('\n').slice(-3)).toEqual([
    'DAMAGED in 2 places:',
    'in the journal',
    'in the store',
  ]);
});

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1536, '1.5 KiB'],
  [3 * 2 ** 40, '3.0 TiB'],
  [5000 * 2 ** 40, '5000.0 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(readableBytes(bytes)).toBe(text);
});
