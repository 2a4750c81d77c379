/** `twintide status` against something that answers, something that does not, and a configuration file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runStatus } from '../../src/command/status-command.js';

let server: Server;
let port = 0;
let ready = true;
let code = 200;
let printed: string[];
let folder = '';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'twintide-status-'));
  ready = true;
  code = 200;
  server = createServer((request, response) => {
    const status = { node_id: 2, version: '0.1.0', ready, reason: 'linked', replication: {} };
    response.writeHead(request.url === '/status' ? code : 404, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(status));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  port = typeof bound === 'object' ? bound!.port : 0;
  printed = [];
  jest.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
});

afterEach(async () => {
  jest.restoreAllMocks();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
});

test('a ready node is success', async () => {
  expect(await runStatus({ urls: [`http://127.0.0.1:${port}`], configs: [] })).toBe(0);
  expect(printed.join('\n')).toMatch(/^node +2 \(version 0\.1\.0\)$/m);
});

test('a node that is not ready is shown, and is failure', async () => {
  ready = false;
  expect(await runStatus({ urls: [`http://127.0.0.1:${port}/`], configs: [] })).toBe(1);
  expect(printed.join('\n')).toMatch(/^ready +no: linked$/m);
});

test('one that does not answer stands beside one that does', async () => {
  const urls = [`http://127.0.0.1:${port}`, 'http://127.0.0.1:1'];
  expect(await runStatus({ urls, configs: [] })).toBe(1);
  expect(printed.join('\n')).toMatch(/^node +2 \(version 0\.1\.0\) +no answer: /m);
});

test('an answer that is an error is no answer', async () => {
  code = 500;
  expect(await runStatus({ urls: [`http://127.0.0.1:${port}`], configs: [] })).toBe(1);
  expect(printed.join('\n')).toContain('no answer: HTTP 500');
});

test('a configuration names the node, also one that listens everywhere', async () => {
  const file = join(folder, 'node.toml');
  writeFileSync(file, `[http]\nlisten = "0.0.0.0:${port}"\n[auth.users]\nroot = "x"\n`);
  expect(await runStatus({ urls: [], configs: [file] })).toBe(0);
  expect(printed.join('\n')).toContain(`http://127.0.0.1:${port}`);
});
