/** Profiles of V8, read: self time in a window, and allocated bytes, by function and by file. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { summarizeAllocations } from '../../bench/allocation-profile.js';
import { summarizeProfile } from '../../bench/cpu-profile.js';

const folder = mkdtempSync(join(tmpdir(), 'twintide-profiles-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

const frame = (functionName: string, url: string, lineNumber = 9) => ({
  functionName,
  url,
  lineNumber,
});
const scan = frame('scan', 'file:///any/where/dist/src/sql/scan.js');
const copy = frame('copy', 'file:///any/where/dist/src/sql/scan.js', 19);
const pack = frame('pack', 'file:///any/where/node_modules/packer/index.js');

describe('time', () => {
  const file = write('one.cpuprofile', {
    nodes: [
      { id: 1, callFrame: scan },
      { id: 2, callFrame: copy },
      { id: 3, callFrame: frame('(idle)', '') },
      { id: 4, callFrame: frame('(garbage collector)', '') },
      { id: 5, callFrame: pack },
    ],
    startTime: 1000,
    samples: [1, 2, 3, 4, 1, 5],
    timeDeltas: [100, 100, 100, 100, 100, 100],
  });

  test('is that of functions and files, idle time left out', () => {
    const { busyUs, byFunction, byFile } = summarizeProfile(file, 0, Infinity);
    expect(busyUs).toBe(500);
    expect(byFunction).toEqual([
      { label: 'scan src/sql/scan.js:10', amount: 200 },
      { label: 'copy src/sql/scan.js:20', amount: 100 },
      { label: '(garbage collector)', amount: 100 },
      { label: 'pack packer/index.js:10', amount: 100 },
    ]);
    expect(byFile[0]).toEqual({ label: 'src/sql/scan.js', amount: 300 });
  });

  test('outside of the window does not count', () => {
    expect(summarizeProfile(file, 1150, 1450).byFunction).toEqual([
      { label: 'copy src/sql/scan.js:20', amount: 100 },
      { label: '(garbage collector)', amount: 100 },
    ]);
  });
});

test('allocated bytes are those of every call of a function, from anywhere', () => {
  const file = write('one.heapprofile', {
    head: {
      callFrame: frame('(root)', ''),
      selfSize: 0,
      children: [
        {
          callFrame: scan,
          selfSize: 40,
          children: [{ callFrame: copy, selfSize: 5, children: [] }],
        },
        { callFrame: copy, selfSize: 60, children: [] },
      ],
    },
  });
  const { bytes, byFunction, byFile } = summarizeAllocations(file);
  expect(bytes).toBe(105);
  expect(byFunction).toEqual([
    { label: 'copy src/sql/scan.js:20', amount: 65 },
    { label: 'scan src/sql/scan.js:10', amount: 40 },
  ]);
  expect(byFile).toEqual([{ label: 'src/sql/scan.js', amount: 105 }]);
});
