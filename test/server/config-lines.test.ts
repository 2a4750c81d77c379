/** Where a key stands in a TOML file, whichever of TOML's ways it is written in. */
import { findLines, lineOf } from '../../src/server/config-lines.js';

const text = [
  'title = "x" # 1',
  '',
  '# [log] is only a comment',
  '[replication] # 4',
  'rpo_bytes = 0 # 5',
  '"rpo_span" = "off" # 6',
  'secret = """ # 7',
  'listen = "not a key"',
  '[not.a.section]',
  '""" # 10',
  "peer = '''one line''' # 11",
  'heartbeat = "1s" # 12',
  '',
  '[auth.users] # 14',
  '"a.b" = { native = "*x" } # 15',
  '',
  '[ "log" ] # 17',
  'level = "info" # 18',
].join('\n');
const lines = findLines(text);

test.each([
  ['title', 1],
  ['replication', 4],
  ['replication.rpo_bytes', 5],
  ['replication.rpo_span', 6],
  ['replication.secret', 7],
  ['replication.peer', 11],
  ['replication.heartbeat', 12],
  ['auth.users', 14],
  ['auth.users.a.b', 15],
  ['log', 17],
  ['log.level', 18],
])('%s is on line %d', (path, line) => {
  expect(lineOf(lines, path)).toBe(line);
});

test('what stands inside a string is no key', () => {
  expect(lineOf(lines, 'not.a.section')).toBeNull();
  expect(lines.has('replication.listen')).toBe(false);
});

test('a missing key is answered with the nearest thing around it', () => {
  expect(lineOf(lines, 'auth.users.root.native')).toBe(14);
  expect(lineOf(lines, 'http.listen')).toBeNull();
});

test('dotted keys and inline tables', () => {
  const dotted = findLines('\nreplication.rpo_bytes = 0\nhttp = { listen = "a:1" }\n');
  expect(lineOf(dotted, 'replication.rpo_bytes')).toBe(2);
  expect(lineOf(dotted, 'replication')).toBe(2);
  expect(lineOf(dotted, 'http.listen')).toBe(3);
});
