/** The calendar against JavaScript's Date, and the date texts that MySQL reads. */

import fc from 'fast-check';
import {
  civilFromDays,
  DateTimeParse,
  DAYS_MAX,
  DAYS_MIN,
  daysFromCivil,
  localSecondsOf,
  newDateTimeFields,
  parseDateTimeBytes,
  weekdayOf,
  writeDateTime,
} from '../../src/exec/calendar.js';

const civil = { year: 0, month: 0, day: 0 };

test('days and civil dates agree with Date, both ways', () => {
  fc.assert(
    fc.property(fc.integer({ min: DAYS_MIN, max: DAYS_MAX }), (days) => {
      const date = new Date(days * 86_400_000);
      civilFromDays(days, civil);
      expect(civil).toEqual({
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
      });
      expect(daysFromCivil(civil.year, civil.month, civil.day)).toBe(days);
      expect(weekdayOf(days)).toBe((date.getUTCDay() + 6) % 7);
    }),
  );
});

test('what is written is read back', () => {
  const target = new Uint8Array(40);
  const fields = newDateTimeFields();
  fc.assert(
    fc.property(
      fc.integer({ min: DAYS_MIN * 86_400, max: DAYS_MAX * 86_400 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 999_999_999 }),
      (seconds, digits, nanos) => {
        const fraction = Math.floor(nanos / 10 ** (9 - digits));
        const end = writeDateTime(target, 3, seconds, fraction, digits);
        expect(parseDateTimeBytes(target, 3, end, fields)).toBe(DateTimeParse.whole);
        expect(localSecondsOf(fields)).toBe(seconds);
        expect(fields.nanosecond).toBe(fraction * 10 ** (9 - digits));
        expect(fields.fractionDigits).toBe(digits);
      },
    ),
  );
});

function read(text: string): string | null {
  const bytes = new TextEncoder().encode(text);
  const fields = newDateTimeFields();
  const outcome = parseDateTimeBytes(bytes, 0, bytes.length, fields);
  if (outcome === DateTimeParse.bad) return null;
  const stamp = new Date(localSecondsOf(fields) * 1000).toISOString().slice(0, 19);
  const nanos = fields.nanosecond === 0 ? '' : `.${String(fields.nanosecond).padStart(9, '0')}`;
  const zone = Number.isNaN(fields.offsetSeconds) ? '' : ` ${fields.offsetSeconds}`;
  return `${stamp}${nanos}${zone}${outcome === DateTimeParse.truncated ? ' truncated' : ''}`;
}

test.each<[text: string, meaning: string | null]>([
  ['2024-01-31', '2024-01-31T00:00:00'],
  ['2024-01-31 10:20:30', '2024-01-31T10:20:30'],
  ['2024-01-31T10:20:30.5', '2024-01-31T10:20:30.500000000'],
  ['2024-01-31 10:20:30.123456789123', '2024-01-31T10:20:30.123456789'],
  ['2024-1-5 1:2:3', '2024-01-05T01:02:03'],
  ['2024/01/31 10.20.30', '2024-01-31T10:20:30'],
  ['24-01-31', '2024-01-31T00:00:00'],
  ['70-01-31', '1970-01-31T00:00:00'],
  ['20240131', '2024-01-31T00:00:00'],
  ['20240131102030', '2024-01-31T10:20:30'],
  ['240131', '2024-01-31T00:00:00'],
  ['20240131T102030', '2024-01-31T10:20:30'],
  ['  2024-01-31  ', '2024-01-31T00:00:00'],
  ['2024-01-31 10', '2024-01-31T10:00:00'],
  ['2024-01-31 10:20', '2024-01-31T10:20:00'],
  ['2024-01-31T10:20:30Z', '2024-01-31T10:20:30 0'],
  ['2024-01-31T10:20:30+02:00', '2024-01-31T10:20:30 7200'],
  ['2024-01-31 10:20:30.25-05:30', '2024-01-31T10:20:30.250000000 -19800'],
  ['2024-01-31 10:20:30 +02:00', '2024-01-31T10:20:30 7200'],
  ['2024-01-31 10:20:30 nonsense', '2024-01-31T10:20:30 truncated'],
  ['2024-01-31x', '2024-01-31T00:00:00 truncated'],
  ['2024-02-30', null],
  ['2023-02-29', null],
  ['2024-13-01', null],
  ['2024-00-10', null],
  ['2024-01-31 24:00:00', null],
  ['2024-01-31 10:60:00', null],
  ['2024-01-31 10:20:30+15:00', null],
  ['0000-00-00', null],
  ['', null],
  ['abc', null],
  ['12', null],
  ['2024', null],
])('%p', (text, meaning) => {
  expect(read(text)).toBe(meaning);
});
