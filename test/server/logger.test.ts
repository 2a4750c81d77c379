/** The log: JSON for machines, a line for people. */
import { createLogger, formatLogLine } from '../../src/server/logger.js';

function logOf(format: 'json' | 'text', level: 'debug' | 'warn' = 'debug') {
  const lines: string[] = [];
  const log = createLogger({ level, format }, { write: (line) => void lines.push(line) });
  return { log, lines };
}

test('JSON has time, level as a word, fields and message', () => {
  const { log, lines } = logOf('json');
  log.child({ node: 1 }).info({ address: '127.0.0.1:4002' }, 'serving');
  expect(JSON.parse(lines[0]!)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    node: 1,
    address: '127.0.0.1:4002',
    msg: 'serving',
  });
});

test('less severe messages are dropped', () => {
  const { log, lines } = logOf('json', 'warn');
  log.info('no');
  log.warn('yes');
  expect(lines).toHaveLength(1);
});

test('text is a line, an error with its reason and its stack below', () => {
  const { log, lines } = logOf('text');
  log.child({ node: 1 }).error({ err: new Error('disk full'), bytes: 5 }, 'cannot write');
  const [first, second] = lines.join('').split('\n');
  expect(first).toMatch(/^\S+Z error cannot write: disk full node=1 bytes=5$/);
  expect(second).toMatch(/^ {4}Error: disk full$/);
});

test.each([
  [{ level: 'info', time: 'T', msg: 'hi' }, 'T info  hi\n'],
  [{ level: 'warn', time: 'T', msg: 'hi', a: 'b c', d: [1] }, 'T warn  hi a="b c" d=[1]\n'],
  [{ level: 'info', time: 'T', flag: true }, 'T info   flag=true\n'],
])('%j', (line, expected) => {
  expect(formatLogLine(JSON.stringify(line))).toBe(expected);
});
