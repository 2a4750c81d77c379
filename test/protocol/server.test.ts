/** Listeners, limits, KILL and going down, over real sockets. */

import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { SqlError } from '../../protocol/index.js';
import { command, errorOf, packetsOf } from './support/packets.js';
import type { Packet } from './support/packets.js';
import { startTestServer } from './support/test-server.js';
import type { TestServer } from './support/test-server.js';
import { answerText } from './support/test-session.js';
import type { Script } from './support/test-session.js';

/** Has the deaf statement answer, long after anybody waits for it. */
let endDeaf = (): void => undefined;

const SCRIPT: Script = {
  'SELECT 1': (response) => answerText(response, 'one'),
  hang: (response) =>
    new Promise((_resolve, reject) => {
      response.signal.addEventListener('abort', () => reject(response.signal.reason as Error));
    }),
  'sleep 100': async (response) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    response.ok({ affectedRows: 1 });
  },
  deaf: (response) =>
    new Promise((resolve) => {
      endDeaf = () => {
        response.ok();
        resolve();
      };
    }),
};

const servers: TestServer[] = [];
async function start(options: Parameters<typeof startTestServer>[1] = {}): Promise<TestServer> {
  const server = await startTestServer(SCRIPT, options);
  servers.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** Reads from a bare socket until the server closes it. */
function readAll(socket: Socket): Promise<Packet[]> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => {
      socket.end();
      resolve(packetsOf(Buffer.concat(chunks)));
    });
    socket.on('error', reject);
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 300 && !condition(); round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(condition()).toBe(true);
}

describe('in place of the greeting', () => {
  const firstPacket = async (port: number): Promise<Packet> => {
    const packets = await readAll(connect(port, '127.0.0.1'));
    expect(packets).toHaveLength(1);
    return packets[0]!;
  };

  test('an unready server: ERR 1053 08S01 with sequence id 0', async () => {
    const { port, server } = await start({ hooks: { greeting: () => ({ ready: false }) } });
    const packet = await firstPacket(port);
    expect(packet.sequenceId).toBe(0);
    expect(errorOf(packet.payload)).toMatchObject({ errno: 1053, sqlState: '08S01' });
    await until(() => server.counters().connectionsRefused === 1);
  });

  test('its own words, where it has them', async () => {
    const error = new SqlError('ER_SERVER_SHUTDOWN', 'catching up with the peer');
    const { port } = await start({ hooks: { greeting: () => ({ ready: false, error }) } });
    expect(errorOf((await firstPacket(port)).payload).text).toBe('catching up with the peer');
  });

  test('too many connections: ERR 1040 08004; a place that is free again is given again', async () => {
    const { port, connect: login, server } = await start({ maxConnections: 2 });
    const first = await login();
    await login();
    expect(errorOf((await firstPacket(port)).payload)).toMatchObject({
      errno: 1040,
      sqlState: '08004',
    });
    await first.end();
    await until(() => server.counters().connectionsOpen === 1);
    const third = await login();
    await third.ping();
    expect(server.counters()).toMatchObject({
      connectionsOpen: 2,
      connectionsOpenPeak: 2,
      connectionsRefused: 1,
    });
  });

  test('a client that does not authenticate is told and cut off', async () => {
    const { port } = await start({ authTimeoutMs: 30 });
    const packets = await readAll(connect(port, '127.0.0.1'));
    expect(packets.map(({ payload }) => payload[0])).toEqual([10, 0xff]);
  });
});

describe('KILL', () => {
  test('KILL QUERY from another connection: 1317 70100, and the connection lives on', async () => {
    const { connect: login, server } = await start();
    const victim = await login();
    const running = victim.query('hang');
    await until(() => server.connections()[0]?.command === 'COM_QUERY');
    expect(server.killQuery(victim.threadId)).toBe(true);
    await expect(running).rejects.toMatchObject({ errno: 1317, sqlState: '70100' });
    await victim.ping();
    expect(server.killQuery(4711)).toBe(false);
  });

  test('KILL: 1317, then the connection is gone', async () => {
    const { connect: login, server } = await start();
    const victim = await login();
    const running = victim.query('hang');
    await until(() => server.connections()[0]?.command === 'COM_QUERY');
    expect(server.kill(victim.threadId)).toBe(true);
    await expect(running).rejects.toMatchObject({ errno: 1317 });
    await until(() => server.counters().connectionsOpen === 0);
    expect(server.kill(victim.threadId)).toBe(false);
  });

  test('an idle connection is just closed', async () => {
    const { connect: login, server } = await start();
    const victim = await login();
    server.kill(victim.threadId);
    await until(() => server.counters().connectionsOpen === 0);
  });
});

describe('going down', () => {
  test('idle clients are told 1053 and closed; new ones are not accepted', async () => {
    const { port, connect: login, server } = await start();
    await login();
    const bare = connect(port, '127.0.0.1');
    const said = readAll(bare);
    await until(() => server.counters().connectionsOpen === 2);
    expect(await server.drain({ timeoutMs: 1000 })).toEqual({ stuck: 0 });
    expect(errorOf((await said).at(-1)!.payload)).toMatchObject({ errno: 1053, sqlState: '08S01' });
    await expect(login()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a running command ends first', async () => {
    const { connect: login, server } = await start();
    const client = await login();
    const running = client.query('sleep 100');
    await until(() => server.connections()[0]?.command === 'COM_QUERY');
    const drained = server.drain({ timeoutMs: 5000 });
    expect((await running)[0]).toMatchObject({ affectedRows: 1 });
    await drained;
    await expect(client.query('SELECT 1')).rejects.toThrow();
  });

  test('what does not end in time is aborted', async () => {
    const { connect: login, server } = await start();
    const client = await login();
    const running = client.query('hang');
    await until(() => server.connections()[0]?.command === 'COM_QUERY');
    const drained = server.drain({ timeoutMs: 50 });
    await expect(running).rejects.toThrow();
    expect(await drained).toEqual({ stuck: 0 });
  });

  test('a command that hears nothing does not hold the server up for ever', async () => {
    const { connect: login, server } = await start({ killGraceMs: 50 });
    const client = await login();
    const running = client.query('deaf');
    await until(() => server.connections()[0]?.command === 'COM_QUERY');
    const drained = server.drain({ timeoutMs: 20 });
    await expect(running).rejects.toThrow();
    expect(await drained).toEqual({ stuck: 1 });
    endDeaf();
    await until(() => server.counters().connectionsOpen === 0);
  });
});

describe('idle clients', () => {
  test('4031 after wait_timeout', async () => {
    const { connect: login, server } = await start({ idleTimeoutMs: 20 });
    const client = await login();
    server.connections();
    const session = servers[0]!.sessions[0]!;
    session.idleMs = 20;
    const told = new Promise((resolve) => client.on('error', resolve));
    expect(await told).toBeInstanceOf(Error);
    await until(() => server.counters().connectionsOpen === 0);
  });
});

describe('the process list and counters', () => {
  test('who is there and what they do', async () => {
    const { connect: login, server, sessions } = await start();
    const client = await login({ database: 'metrics' });
    await client.query('SELECT 1');
    expect(server.connections()).toEqual([
      expect.objectContaining({
        id: client.threadId,
        user: 'ann',
        host: '127.0.0.1',
        database: 'metrics',
        command: 'Sleep',
        isOperator: false,
        bufferedBytes: 0,
      }),
    ]);
    const hanging = client.query('hang');
    await until(() => server.connections()[0]?.command === 'COM_QUERY');
    server.killQuery(client.threadId);
    await expect(hanging).rejects.toThrow();
    await client.end();
    await until(() => server.counters().connectionsOpen === 0);
    expect(server.counters()).toMatchObject({
      connectionsTotal: 1,
      commandsTotal: 3,
      loginsFailed: 0,
      connectionsAborted: 0,
    });
    expect(server.counters().bytesSent).toBeGreaterThan(100);
    expect(sessions).toHaveLength(1);
  });

  test('failed logins are counted', async () => {
    const { connect: login, server } = await start();
    await expect(login({ password: 'no' })).rejects.toThrow();
    await until(() => server.counters().loginsFailed === 1);
  });
});

describe('the operator on a unix socket', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'twintide-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('gets in without a password, also when the server is unready and full', async () => {
    const { server } = await start({
      maxConnections: 0,
      hooks: { greeting: () => ({ ready: false }), verifier: () => null },
    });
    const path = join(folder, 'admin.sock');
    expect(await server.listen({ kind: 'unix', path }, { isOperator: true })).toEqual({
      kind: 'unix',
      path,
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const client = await createConnection({ socketPath: path, user: 'root', password: 'whatever' });
    const [rows] = await client.query('SELECT 1');
    expect(rows).toEqual([{ v: 'one' }]);
    expect(server.connections()[0]).toMatchObject({
      user: 'root',
      host: 'localhost',
      isOperator: true,
    });
    await client.end();
  });

  test('is bounded too', async () => {
    const { server } = await start();
    const path = join(folder, 'admin.sock');
    await server.listen({ kind: 'unix', path }, { isOperator: true });
    const sockets = Array.from({ length: 10 }, () => connect(path));
    await until(() => server.counters().connectionsOpen === 10);
    const packets = await readAll(connect(path));
    expect(errorOf(packets[0]!.payload).errno).toBe(1040);
    for (const socket of sockets) socket.destroy();
  });

  test('a socket file that a dead process left is taken over, but no other file', async () => {
    const { server } = await start();
    const path = join(folder, 'admin.sock');
    await server.listen({ kind: 'unix', path }, { isOperator: true });
    const other = (await start()).server;
    await expect(other.listen({ kind: 'unix', path })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });

    const dead = join(folder, 'dead.sock');
    const dying = `require('node:net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', dying]);
    expect(lstatSync(dead).isSocket()).toBe(true);
    await other.listen({ kind: 'unix', path: dead });

    const file = join(folder, 'precious');
    writeFileSync(file, 'text');
    await expect(other.listen({ kind: 'unix', path: file })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    expect(readFileSync(file, 'utf8')).toBe('text');
  });

  test('no TCP listener may be an operator listener', async () => {
    const { server } = await start();
    await expect(
      server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, { isOperator: true }),
    ).rejects.toThrow('unix socket');
  });
});

test('a client that sends and closes at once is served as far as it goes', async () => {
  const { port, server } = await start();
  const socket = connect(port, '127.0.0.1');
  socket.end(command(1));
  await readAll(socket).catch(() => []);
  await until(() => server.counters().connectionsOpen === 0);
});
