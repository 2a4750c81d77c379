/** How a failure ends the command: by number for scripts, by setting for people. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describeFailure } from '../../src/command/exit-codes.js';
import { ConfigError, parseConfig } from '../../src/server/config.js';
import { DataDirectoryError } from '../../src/server/data-directory.js';

const config = parseConfig({
  text: '[mysql]\nlisten = "127.0.0.1:14002"\n[http]\nlisten = "[::1]:14000"',
  baseFolder: '/',
});

/** As Node makes them. */
function socketError(code: string, port: number): Error {
  return Object.assign(new Error(`listen ${code}: 127.0.0.1:${port}`), { code, port });
}

test.each<[what: string, error: unknown, exitCode: number, message: string]>([
  ['a wrong setting', new ConfigError(['a', 'b']), 2, 'a\nb'],
  [
    'a port in use',
    socketError('EADDRINUSE', 14002),
    3,
    'mysql.listen = 127.0.0.1:14002 is in use by another process',
  ],
  [
    'a privileged port',
    socketError('EACCES', 14000),
    3,
    'http.listen = [::1]:14000 may not be opened by this user',
  ],
  ['a port of nobody', socketError('EADDRINUSE', 5), 3, 'port 5 is in use by another process'],
  ['a locked directory', new DataDirectoryError('TWINTIDE_DATA_DIR_LOCKED', 'in use'), 4, 'in use'],
  ['a file that may not be read', Object.assign(new Error('no'), { code: 'EACCES' }), 1, 'no'],
  ['anything else', 'a thrown text', 1, 'a thrown text'],
])('%s', (_, error, exitCode, message) => {
  expect(describeFailure(error, config)).toEqual({ exitCode, message });
});

test('a real port in use has what the message needs', async () => {
  const first = createServer().listen(0, '127.0.0.1');
  await once(first, 'listening');
  const bound = first.address();
  const port = typeof bound === 'object' ? bound!.port : 0;
  const second = createServer().listen(port, '127.0.0.1');
  const [error] = (await once(second, 'error').catch((reason: unknown) => [reason])) as [unknown];
  first.close();
  expect(describeFailure(error, null)).toEqual({
    exitCode: 3,
    message: `port ${port} is in use by another process`,
  });
});
