/** Zones: fixed offsets, IANA rules against Intl's own arithmetic, gaps and repeated hours. */

import fc from 'fast-check';
import { findTimeZone, resolveTimeZone } from '../../src/exec/time-zone.js';
import { query, valueOf } from './query-harness.js';

test.each<[name: string, shown: string, offset: number | null]>([
  ['UTC', 'UTC', 0],
  ['utc', 'UTC', 0],
  ['+00:00', '+00:00', 0],
  ['+5:30', '+05:30', 19_800],
  ['-13:59', '-13:59', -50_340],
  ['+14:00', '+14:00', 50_400],
  ['Europe/Berlin', 'Europe/Berlin', null],
  ['europe/berlin', 'Europe/Berlin', null],
])('%s', (name, shown, offset) => {
  const zone = resolveTimeZone(name);
  expect(zone.name.toLowerCase()).toBe(shown.toLowerCase());
  expect(zone.fixedOffsetSeconds).toBe(offset);
});

test.each(['', 'nowhere', '+14:01', '-14:00', '+1:60', '12:00', 'Europe/Atlantis'])(
  '%p is unknown',
  (name) => {
    expect(findTimeZone(name)).toBeNull();
    expect(() => resolveTimeZone(name)).toThrow(`Unknown or incorrect time zone: '${name}'`);
  },
);

test('SYSTEM is what the server says it is', () => {
  const zone = resolveTimeZone('SYSTEM', 'Asia/Kolkata');
  expect(zone.name).toBe('SYSTEM');
  expect(zone.offsetSecondsAt(0)).toBe(19_800);
});

const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Pacific/Apia',
];

/** Intl's fields put back together: slow, and independent of the parsing of offsets. */
function offsetByFields(zone: string, epochSeconds: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(epochSeconds * 1000);
  const field = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  const local = Date.UTC(
    field('year'),
    field('month') - 1,
    field('day'),
    field('hour'),
    field('minute'),
    field('second'),
  );
  return local / 1000 - epochSeconds;
}

test('offsets agree with Intl, 1970 to 2050', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: 0, max: 2_524_608_000 }),
      (name, second) => {
        expect(resolveTimeZone(name).offsetSecondsAt(second)).toBe(offsetByFields(name, second));
      },
    ),
    { numRuns: 300 },
  );
});

test('local and back: an instant survives unless the clock repeats the reading', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: 0, max: 2_524_608_000 }),
      (name, second) => {
        const zone = resolveTimeZone(name);
        const local = second + zone.offsetSecondsAt(second);
        const back = local - zone.offsetSecondsAtLocal(local);
        // The first of two readings is taken, so back is never later, and both show the same wall clock.
        expect(back).toBeLessThanOrEqual(second);
        expect(back + zone.offsetSecondsAt(back)).toBe(local);
      },
    ),
    { numRuns: 500 },
  );
});

describe('Europe/Berlin around its changes', () => {
  const zone = resolveTimeZone('Europe/Berlin');
  const at = (text: string): number => Date.parse(`${text}Z`) / 1000;

  test('a skipped reading lands after the gap', () => {
    const local = at('2024-03-31T02:30:00');
    const instant = local - zone.offsetSecondsAtLocal(local);
    expect(instant).toBe(at('2024-03-31T01:30:00'));
    expect(instant + zone.offsetSecondsAt(instant)).toBe(at('2024-03-31T03:30:00'));
  });

  test('a repeated reading is the first', () => {
    const local = at('2024-10-27T02:30:00');
    expect(local - zone.offsetSecondsAtLocal(local)).toBe(at('2024-10-27T00:30:00'));
  });
});

test('days of date_bin begin at local midnight, also when a day has 23 or 25 hours', async () => {
  const options = { timeZone: 'Europe/Berlin' };
  const day = (instant: number): Promise<string | null> =>
    valueOf(`date_bin(INTERVAL 1 DAY, CAST(${instant} AS DATETIME))`, { timeZone: 'UTC' });
  expect(await day(1_711_846_800)).toBe('2024-03-31 00:00:00');
  const { rows } = await query(
    "SELECT unix_timestamp('2024-03-31 23:30:00') - unix_timestamp('2024-03-31 00:00:00'), unix_timestamp('2024-10-27 23:30:00') - unix_timestamp('2024-10-27 00:00:00')",
    options,
  );
  expect(rows).toEqual([[String(22.5 * 3600), String(24.5 * 3600)]]);
});
