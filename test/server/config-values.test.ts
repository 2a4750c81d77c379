/** The spellings of sizes, durations and addresses. */
import fc from 'fast-check';
import {
  address,
  count,
  duration,
  formatAddress,
  formatDuration,
  formatSize,
  isLoopback,
  orOff,
  shortDuration,
  size,
  ValueError,
} from '../../src/server/config-values.js';

const anySize = size(0, Number.MAX_SAFE_INTEGER);
const anyDuration = duration(0, Number.MAX_SAFE_INTEGER);

test.each([
  [0, 0],
  ['0', 0],
  [17, 17],
  ['17B', 17],
  ['1KiB', 1024],
  ['1 KiB', 1024],
  ['1.5kib', 1536],
  ['64MiB', 67_108_864],
  ['64MB', 64_000_000],
  ['2GiB', 2_147_483_648],
  ['1TB', 1e12],
])('size %j is %d bytes', (raw, bytes) => {
  expect(anySize(raw)).toBe(bytes);
});

test.each(['', 'off', '64 M', '-1', '1e3', 'MiB', '1,5MiB', true, null, ['1'], NaN])(
  'size %j is refused',
  (raw) => {
    expect(() => anySize(raw)).toThrow(ValueError);
  },
);

test.each([
  ['0ms', 0],
  ['500ms', 500],
  ['1.5s', 1_500],
  ['5 s', 5_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
])('duration %j is %d ms', (raw, ms) => {
  expect(anyDuration(raw)).toBe(ms);
});

test.each(['5', 5, '5S', '5 weeks', '-5s', 's', '', null])('duration %j is refused', (raw) => {
  expect(() => anyDuration(raw)).toThrow(ValueError);
});

test.each([
  ['200us', 0.2],
  ['0.5ms', 0.5],
  ['1 ms', 1],
  ['12.6us', 0.013],
])('short duration %j is %d ms', (raw, ms) => {
  expect(shortDuration(0, 1)(raw)).toBe(ms);
});

test.each([
  ['1s', 'needs a duration with its unit, such as "200us" or "1ms", and got "1s"'],
  [200, 'needs a duration with its unit, such as "200us" or "1ms", and got 200'],
  ['1001us', 'must lie between 10us and 1ms, and got "1001us"'],
  ['9us', 'must lie between 10us and 1ms, and got "9us"'],
])('short duration %j: %s', (raw, message) => {
  expect(() => shortDuration(0.01, 1)(raw)).toThrow(message);
});

test('what is formatted reads as the same', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => anySize(formatSize(bytes)) === bytes),
    { verbose: true },
  );
  fc.assert(
    fc.property(fc.maxSafeNat(), (ms) => anyDuration(formatDuration(ms)) === ms),
    { verbose: true },
  );
});

test.each([
  ['127.0.0.1:4002', { host: '127.0.0.1', port: 4002 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['db-a.example:65535', { host: 'db-a.example', port: 65_535 }],
] as const)('address %j', (raw, expected) => {
  expect(address(0)(raw)).toEqual(expected);
  expect(formatAddress(expected)).toBe(raw);
});

test.each(['4002', ':4002', '::1:4002', 'a b:1', 'a:65536', 'a:-1', 'http://a:1', 4002, null])(
  'address %j is refused',
  (raw) => {
    expect(() => address(0)(raw)).toThrow(ValueError);
  },
);

test('an address to dial has a port', () => {
  expect(() => address(1)('a:0')).toThrow(ValueError);
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.example.com', false],
  ['localhost.example.com', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test('off is off, and no number', () => {
  expect(orOff(anySize)('off')).toBeNull();
  expect(orOff(anySize)(0)).toBe(0);
  expect(() => orOff(anySize)('of')).toThrow('needs "off" or a size such as');
});

test.each([
  [3, 3],
  ['3', 3],
])('count %j', (raw, expected) => {
  expect(count(1, 7)(raw)).toBe(expected);
});

test.each([0, 8, 1.5, '1.5', '', ' ', 'x', true])('count %j is refused', (raw) => {
  expect(() => count(1, 7)(raw)).toThrow('needs a whole number from 1 to 7');
});
