/** What --trace-gc says, added up. */

import { CollectionLog } from '../../bench/collection-log.js';

const scavenge = (heap: string, before: string, after: string): string =>
  `[17:${heap}]      812 ms: Scavenge ${before} (24.5) -> ${after} (26.0) MB, 1.25 / 0.01 ms  (average mu = 1.000) allocation failure; \n`;
const full = (heap: string, before: string, after: string): string =>
  `[17:${heap}]      901 ms: Mark-Compact (reduce) ${before} (30.1) -> ${after} (22.3) MB, 4.50 / 0.00 ms  (average mu = 0.990) idle task; \n`;

const MB = 2 ** 20;

test('a heap was allocated what it grew by from one collection to the next', () => {
  const log = new CollectionLog();
  log.take(scavenge('0x71', '20.0', '8.0'));
  log.take(scavenge('0x71', '24.0', '9.0'));
  log.take(full('0x71', '12.0', '7.0'));
  expect(log.total).toEqual({ allocatedBytes: 19 * MB, scavenges: 2, full: 1, pauseMs: 7 });
});

test('each thread has a heap of its own', () => {
  const log = new CollectionLog();
  log.take(scavenge('0x71', '20.0', '8.0') + scavenge('0x9f', '4.0', '1.0'));
  log.take(scavenge('0x9f', '5.0', '1.0') + scavenge('0x71', '10.0', '8.0'));
  expect(log.total.allocatedBytes).toBe(6 * MB);
});

test('a line may come in pieces, between lines of something else', () => {
  const text = `starting\n${scavenge('0x71', '20.0', '8.0')}listening\n${scavenge('0x71', '11.0', '8.0')}`;
  for (let cut = 0; cut <= text.length; cut++) {
    const log = new CollectionLog();
    log.take(text.slice(0, cut));
    log.take(text.slice(cut));
    expect(log.total).toEqual({ allocatedBytes: 3 * MB, scavenges: 2, full: 0, pauseMs: 2.5 });
  }
});

test('begin() forgets what was counted, not how full a heap is', () => {
  const log = new CollectionLog();
  log.take(scavenge('0x71', '20.0', '8.0'));
  log.begin();
  expect(log.total).toEqual({ allocatedBytes: 0, scavenges: 0, full: 0, pauseMs: 0 });
  log.take(scavenge('0x71', '10.0', '8.0'));
  expect(log.total.allocatedBytes).toBe(2 * MB);
});
