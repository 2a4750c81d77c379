/** A window that is sent again and again is the same as rows that were rendered one after another. */

import { MovingWindow } from '../../bench/moving-window.js';
import { renderInserts } from '../../bench/render-mysql.js';

const HOUR_ROWS = 360;
const times = (request: Buffer): string[] =>
  [...request.toString('latin1').matchAll(/'(2026-[^']*)'/g)].map(([, time]) => time!);

test.each([
  [1, 10],
  [3, 7],
  [10, 45],
])('%i hosts in requests of %i rows', (hosts, rowsPerRequest) => {
  const wholeWindow = renderInserts({ hosts, hours: 1 }, rowsPerRequest, 1);
  expect(wholeWindow.rows).toBe(hosts * HOUR_ROWS);
  const threeHours = renderInserts({ hosts, hours: 3 }, rowsPerRequest, 1, 3 * wholeWindow.rows);
  const expected = threeHours.requests.flatMap(times);

  const window = new MovingWindow(wholeWindow, hosts);
  const seen = Array.from({ length: 3 * wholeWindow.requests.length }, () =>
    times(window.next()),
  ).flat();
  expect(seen).toEqual(expected);
});

test('nothing but the times changes', () => {
  const workload = renderInserts({ hosts: 5, hours: 1 }, 100, 1);
  const before = workload.requests.map((request) => request.toString('latin1'));
  const window = new MovingWindow(workload, 5);
  for (const text of [...before, ...before]) {
    const without = (sql: string): string => sql.replaceAll(/'2026-[^']*'/g, "'at'");
    expect(without(window.next().toString('latin1'))).toBe(without(text));
  }
});
