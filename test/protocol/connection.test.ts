/**
 * Whole conversations over a socket without a network. The salt is known, so all that the client says is known beforehand: each
 * conversation is replayed cut in two at every offset, and byte by byte, and must always give the same answer.
 */

import { accountVerifier } from '../../protocol/account-verifier.js';
import { BusyPoll } from '../../protocol/busy-poll.js';
import { ChunkPool } from '../../protocol/chunk-pool.js';
import { Connection } from '../../protocol/connection.js';
import { greetingPayload } from '../../protocol/handshake-packets.js';
import { SqlError } from '../../protocol/index.js';
import type { ServerHooks } from '../../protocol/index.js';
import { StatementBudget } from '../../protocol/prepared-statements.js';
import { DEFAULT_SERVER_OPTIONS } from '../../protocol/server-options.js';
import type { ServerOptions } from '../../protocol/server-options.js';
import {
  BIT,
  MODERN,
  handshakeResponse,
  nativeResponse,
  sha2Response,
} from './support/client-packets.js';
import { MemorySocket } from './support/memory-socket.js';
import { command, errorOf, hex, packet, packetsOf } from './support/packets.js';
import type { Packet } from './support/packets.js';
import { testEnvironment } from './support/test-environment.js';
import { TestSession, answerText } from './support/test-session.js';
import type { Script } from './support/test-session.js';

const SALT = Buffer.alloc(20, 0x41);

const SCRIPT: Script = {
  'SELECT 1': (response) => answerText(response, 'one'),
  'SELECT ?': (response) => answerText(response, 'param'),
  'INSERT ?': (response) => response.ok({ affectedRows: 1 }),
  ok: (response) => response.ok(),
  later: async (response) => {
    await new Promise((resolve) => setImmediate(resolve));
    response.ok({ affectedRows: 9 });
  },
  slow: async (response) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    response.ok();
  },
  error: () => {
    throw new SqlError('ER_NO_SUCH_TABLE', { database: 'd', table: 't' });
  },
  bug: () => {
    throw new TypeError('undefined is not a function');
  },
  'late bug': async (response) => {
    await Promise.resolve();
    response.ok();
    throw new TypeError('after the answer');
  },
  nothing: () => undefined,
  hang: (response) =>
    new Promise((_resolve, reject) => {
      response.signal.addEventListener('abort', () => reject(response.signal.reason as Error));
    }),
  'own abort error': (response) =>
    new Promise((_resolve, reject) => {
      response.signal.addEventListener('abort', () =>
        reject(new DOMException('aborted', 'AbortError')),
      );
    }),
};

interface Fixture {
  readonly socket: MemorySocket;
  readonly connection: Connection;
  readonly log: string[];
  readonly sessions: TestSession[];
  readonly environment: ReturnType<typeof testEnvironment>;
  readonly closed: boolean[];
}

function open(options: Partial<ServerOptions> = {}, hooks: Partial<ServerHooks> = {}): Fixture {
  const socket = new MemorySocket();
  const log: string[] = [];
  const sessions: TestSession[] = [];
  const closed: boolean[] = [];
  const environment = testEnvironment();
  const connection = new Connection(
    7,
    socket,
    { host: '10.0.0.1', port: 1234, isOperator: false },
    {
      hooks: {
        greeting: () => ({ ready: true }),
        verifier: (user) =>
          user === 'ann'
            ? accountVerifier('secret')
            : user === 'guest'
              ? accountVerifier('')
              : null,
        openSession: (info) => {
          const session = new TestSession(info, SCRIPT, log);
          sessions.push(session);
          return session;
        },
        ...hooks,
      },
      environment: { ...environment, random: { fill: (target) => void target.fill(0x41) } },
      options: { ...DEFAULT_SERVER_OPTIONS, version: '8.0.36-test', ...options },
      chunks: new ChunkPool(),
      statementBudget: new StatementBudget(options.maxPreparedStatements ?? 10),
      busyPoll: new BusyPoll({ clock: environment.clock, process: null }, 0),
      statistics: () => 'Uptime: 1',
      onCommand: () => undefined,
      onLogin: () => undefined,
      onClosed: (_connection, clean) => closed.push(clean),
    },
  );
  connection.start(null);
  return { socket, connection, log, sessions, environment, closed };
}

async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const LOGIN = packet(
  1,
  handshakeResponse({
    flags: MODERN,
    user: 'ann',
    response: sha2Response('secret', SALT),
    plugin: 'caching_sha2_password',
  }),
);
const GREETING_LENGTH =
  4 + greetingPayload({ version: '8.0.36-test', connectionId: 7, salt: SALT }).length;

/** Everything the server sends after the greeting when the client sends `chunks`, each in a turn of its own. */
async function answersTo(
  chunks: readonly Uint8Array[],
  options: Partial<ServerOptions> = {},
): Promise<Fixture & { answers: Packet[] }> {
  const fixture = open(options);
  for (const chunk of chunks) {
    if (chunk.length > 0) fixture.socket.receive(chunk);
    await settle(3);
  }
  await settle();
  return { ...fixture, answers: packetsOf(fixture.socket.sentBytes().subarray(GREETING_LENGTH)) };
}

/** After a login: what the client sends, and the packets that come back, without those of the login. */
async function talk(...client: Uint8Array[]): Promise<Fixture & { answers: Packet[] }> {
  const fixture = await answersTo([LOGIN, Buffer.concat(client)]);
  return { ...fixture, answers: fixture.answers.slice(2) };
}

const line = ({ sequenceId, payload }: Packet): string =>
  `${sequenceId} ${payload.toString('hex')}`;
const OK = '00000002000000';
const END = 'fe000002000000';

const ROW_ANSWER = (text: string): string[] => [
  '1 01',
  '2 03646566000000017600' + '0c2e00ff000000fd0000000000',
  `3 ${Buffer.from([text.length, ...Buffer.from(text)]).toString('hex')}`,
  `4 ${END}`,
];
const BINARY_ROW_ANSWER = (text: string): string[] => {
  const answer = ROW_ANSWER(text);
  answer[2] = `3 0000${Buffer.from([text.length, ...Buffer.from(text)]).toString('hex')}`;
  return answer;
};

describe('transcripts', () => {
  const login = (name: string, more: Partial<Parameters<typeof handshakeResponse>[0]>): Buffer =>
    packet(
      1,
      handshakeResponse({
        flags: MODERN,
        user: name,
        response: Buffer.alloc(0),
        plugin: 'caching_sha2_password',
        ...more,
      }),
    );

  const cases: readonly (readonly [string, Buffer, readonly string[]])[] = [
    [
      'caching_sha2 login, a query, ping, quit',
      Buffer.concat([LOGIN, command(3, 'SELECT 1'), command(14), command(1)]),
      ['2 0103', `3 ${OK}`, ...ROW_ANSWER('one'), `1 ${OK}`],
    ],
    [
      'native login',
      Buffer.concat([
        login('ann', { response: nativeResponse('secret', SALT), plugin: 'mysql_native_password' }),
        command(14),
        command(1),
      ]),
      [`2 ${OK}`, `1 ${OK}`],
    ],
    [
      'HAProxy: login of a user without password and quit, sent before the greeting was read',
      Buffer.concat([
        packet(
          1,
          handshakeResponse({
            flags: BIT.protocol41 | BIT.secureConnection,
            user: 'guest',
            response: Buffer.alloc(0),
          }),
        ),
        command(1),
      ]),
      [`2 ${OK}`],
    ],
    [
      'auth switch',
      Buffer.concat([
        login('ann', { plugin: 'client_ed25519', response: Buffer.alloc(64, 1) }),
        packet(3, sha2Response('secret', SALT)),
        command(14),
        command(1),
      ]),
      [
        `2 fe${Buffer.from('caching_sha2_password\0').toString('hex')}${SALT.toString('hex')}00`,
        '4 0103',
        `5 ${OK}`,
        `1 ${OK}`,
      ],
    ],
    [
      'wrong password',
      login('ann', { response: sha2Response('wrong', SALT) }),
      [
        `2 ff1504${Buffer.from("#28000Access denied for user 'ann'@'10.0.0.1' (using password: YES)").toString('hex')}`,
      ],
    ],
    [
      'a prepared statement: prepare, execute twice with types bound once, reset, close',
      Buffer.concat([
        LOGIN,
        command(0x16, 'SELECT ?'),
        command(0x17, hex('01000000 00 01000000 00 01 0300 2a000000')),
        command(0x17, hex('01000000 00 01000000 00 00 2b000000')),
        command(0x1a, hex('01000000')),
        command(0x19, hex('01000000')),
        command(14),
      ]),
      [
        '2 0103',
        `3 ${OK}`,
        '1 000100000001000100000000',
        '2 03646566000000013f000c3f0000000000fd8000000000',
        '3 0364656600000001' + '7600' + '0c2e00ff000000fd0000000000',
        ...BINARY_ROW_ANSWER('param'),
        ...BINARY_ROW_ANSWER('param'),
        `1 ${OK}`,
        `1 ${OK}`,
      ],
    ],
    [
      'commands one after another, whatever they take',
      Buffer.concat([LOGIN, command(3, 'later'), command(3, 'error'), command(3, 'ok')]),
      [
        '2 0103',
        `3 ${OK}`,
        '1 00090002000000',
        `1 ff7a04${Buffer.from("#42S02Table 'd.t' doesn't exist").toString('hex')}`,
        `1 ${OK}`,
      ],
    ],
  ];

  describe.each(cases)('%s', (_name, client, expected) => {
    test('in one chunk', async () => {
      expect((await answersTo([client])).answers.map(line)).toEqual(expected);
    });

    test('byte by byte', async () => {
      const bytes = [...client].map((byte) => Uint8Array.of(byte));
      expect((await answersTo(bytes)).answers.map(line)).toEqual(expected);
    });

    test('cut in two at every offset', async () => {
      for (let cut = 1; cut < client.length; cut++) {
        const { answers } = await answersTo([client.subarray(0, cut), client.subarray(cut)]);
        expect({ cut, answers: answers.map(line) }).toEqual({ cut, answers: expected });
      }
    });
  });
});

describe('faults of handlers', () => {
  test('an exception is ERR 1105 and a line in the log; the connection lives on', async () => {
    const { answers, environment } = await talk(command(3, 'bug'), command(3, 'ok'));
    expect(errorOf(answers[0]!.payload)).toMatchObject({ errno: 1105, sqlState: 'HY000' });
    expect(line(answers[1]!)).toBe(`1 ${OK}`);
    expect(environment.lines).toEqual([
      expect.objectContaining({
        level: 'error',
        fields: expect.objectContaining({
          connection: 7,
          command: 'COM_QUERY',
          err: expect.any(TypeError),
        }),
      }),
    ]);
  });

  test('an exception after the answer is only logged', async () => {
    const { answers, environment } = await talk(command(3, 'late bug'), command(3, 'ok'));
    expect(answers.map(line)).toEqual([`1 ${OK}`, `1 ${OK}`]);
    expect(environment.lines).toHaveLength(1);
  });

  test('a handler without an answer is a bug, not a hanging client', async () => {
    const { answers, environment } = await talk(command(3, 'nothing'), command(3, 'ok'));
    expect(answers.map(({ payload }) => payload[0])).toEqual([0xff, 0]);
    expect(environment.lines).toHaveLength(1);
  });

  test('a query refused in the middle of its text is answered once, after the rest was skipped', async () => {
    const { answers, log } = await talk(
      command(3, `bad insert ${'x'.repeat(100_000)}`),
      command(3, 'ok'),
    );
    expect(errorOf(answers[0]!.payload)).toMatchObject({ errno: 1136, sqlState: '21S01' });
    expect(line(answers[1]!)).toBe(`1 ${OK}`);
    expect(log.filter((entry) => entry === 'query aborted')).toHaveLength(1);
  });

  test('a session that can not be opened is the answer to the login', async () => {
    const fixture = open(
      {},
      {
        openSession: () => {
          throw new SqlError('ER_TOO_MANY_USER_CONNECTIONS', { user: 'ann' });
        },
      },
    );
    fixture.socket.receive(LOGIN);
    await settle();
    const last = packetsOf(fixture.socket.sentBytes()).at(-1)!;
    expect(errorOf(last.payload)).toMatchObject({ errno: 1203, sqlState: '42000' });
    expect(fixture.socket.hasEnded).toBe(true);
  });
});

describe('commands', () => {
  test.each([
    ['a byte that is no command', 0x77, '', { errno: 1047, sqlState: '08S01' }],
    ['COM_REFRESH', 0x07, '\x01', { errno: 1235, sqlState: '42000' }],
    ['COM_SHUTDOWN', 0x08, '', { errno: 1235 }],
    ['COM_BINLOG_DUMP', 0x12, '', { errno: 1235 }],
    ['MariaDB bulk execute', 0xfa, '', { errno: 1235 }],
    ['multi-statements on', 0x1b, '\0\0', { errno: 1235 }],
    [
      'execute of an unknown statement',
      0x17,
      '\x09\0\0\0\0\x01\0\0\0',
      {
        errno: 1243,
        sqlState: 'HY000',
        text: 'Unknown prepared statement handler (9) given to mysqld_stmt_execute',
      },
    ],
    ['reset of an unknown statement', 0x1a, '\x09\0\0\0', { errno: 1243 }],
    ['fetch from an unknown statement', 0x1c, '\x09\0\0\0\x01\0\0\0', { errno: 1243 }],
    ['a truncated execute', 0x17, '\x09', { errno: 1835 }],
    [
      'a bad database',
      0x02,
      'missing',
      { errno: 1049, sqlState: '42000', text: "Unknown database 'missing'" },
    ],
    ['fields of an unknown table', 0x04, 'nope\0', { errno: 1146 }],
    ['kill, which this session does not have', 0x0c, '\x01\0\0\0', { errno: 1235 }],
    ['a statement that can not be prepared', 0x16, 'nonsense', { errno: 1064 }],
  ])('%s: an error, and the connection lives on', async (_name, byte, rest, error) => {
    const { answers } = await talk(command(byte, Buffer.from(rest, 'latin1')), command(14));
    expect(errorOf(answers[0]!.payload)).toMatchObject(error);
    expect(line(answers[1]!)).toBe(`1 ${OK}`);
  });

  test('an empty packet is an unknown command', async () => {
    const { answers } = await talk(packet(0, ''), command(14));
    expect(errorOf(answers[0]!.payload).errno).toBe(1047);
    expect(line(answers[1]!)).toBe(`1 ${OK}`);
  });

  test('COM_INIT_DB', async () => {
    const { answers, sessions } = await talk(command(2, 'metrics'));
    expect(answers.map(line)).toEqual([`1 ${OK}`]);
    expect(sessions[0]?.database).toBe('metrics');
  });

  test('COM_STATISTICS is bare text', async () => {
    const { answers } = await talk(command(9));
    expect(answers.map(({ payload }) => payload.toString())).toEqual(['Uptime: 1']);
  });

  test('COM_SET_OPTION: multi-statements off', async () => {
    const { answers } = await talk(command(0x1b, hex('0100')));
    expect(answers.map(line)).toEqual([`1 ${END}`]);
  });

  test('COM_FIELD_LIST: definitions with a NULL default', async () => {
    const { answers } = await talk(command(4, 't\0%'));
    expect(answers.map(line)).toEqual([
      '1 03646566000000016100' + '0c3f00ff000000038000000000fb',
      '2 03646566000000016200' + '0c2e00ff000000fd0000000000fb',
      `3 ${END}`,
    ]);
  });

  test('COM_STMT_FETCH: there is never a cursor', async () => {
    const { answers } = await talk(
      command(0x16, 'INSERT ?'),
      command(0x1c, hex('01000000 01000000')),
    );
    expect(errorOf(answers.at(-1)!.payload)).toMatchObject({ errno: 1421, sqlState: 'HY000' });
  });

  test('COM_RESET_CONNECTION forgets prepared statements', async () => {
    const execute = command(0x17, hex('01000000 00 01000000 00 01 0300 2a000000'));
    const { answers, log } = await talk(command(0x16, 'INSERT ?'), execute, command(0x1f), execute);
    expect(answers.slice(2, 4).map(line)).toEqual(['1 00010002000000', `1 ${OK}`]);
    expect(errorOf(answers[4]!.payload).errno).toBe(1243);
    expect(log).toContain('reset');
  });

  test('long data: joined, good for one execute, forgotten by reset', async () => {
    const longData = (text: string): Buffer =>
      command(0x18, Buffer.concat([hex('01000000 0000'), Buffer.from(text)]));
    const executeLong = command(0x17, hex('01000000 00 01000000 00 01 fc00'));
    const executeNull = command(0x17, hex('01000000 00 01000000 01 00'));
    const { answers, sessions, log } = await talk(
      command(0x16, 'INSERT ?'),
      longData('abc'),
      longData('def'),
      executeLong,
      longData('lost'),
      command(0x1a, hex('01000000')),
    );
    expect(answers.slice(2).map(line)).toEqual(['1 00010002000000', `1 ${OK}`]);
    expect(sessions[0]?.lastParameters).toEqual([
      { kind: 'string', bytes: Buffer.from('abcdef'), binary: true },
    ]);
    expect(log).toContain('reset statement 1');
    const again = await talk(command(0x16, 'INSERT ?'), longData('x'), executeLong, executeNull);
    expect(again.sessions[0]?.lastParameters).toEqual([{ kind: 'null' }]);
  });

  test('too much long data is told by the execute', async () => {
    const fixture = await answersTo(
      [
        LOGIN,
        command(0x16, 'INSERT ?'),
        command(0x18, Buffer.concat([hex('01000000 0000'), Buffer.alloc(150)])),
        command(0x18, Buffer.concat([hex('01000000 0000'), Buffer.alloc(150)])),
        command(0x17, hex('01000000 00 01000000 00 01 fc00')),
        command(14),
      ],
      { maxAllowedPacketBytes: 200 },
    );
    expect(errorOf(fixture.answers.at(-2)!.payload)).toMatchObject({
      errno: 1105,
      text: expect.stringContaining('max_allowed_packet'),
    });
    expect(line(fixture.answers.at(-1)!)).toBe(`1 ${OK}`);
  });

  test('prepared statements are bounded over the server, and closing gives them back', async () => {
    const prepare = command(0x16, 'INSERT ?');
    const { answers } = await answersTo(
      [Buffer.concat([LOGIN, prepare, prepare, prepare, command(0x19, hex('01000000')), prepare])],
      { maxPreparedStatements: 2 },
    );
    const results = answers
      .filter(({ sequenceId }) => sequenceId === 1)
      .map(({ payload }) => payload[0]);
    expect(results).toEqual([0, 0, 0xff, 0]);
  });

  test('COM_CHANGE_USER: a new session; the old one is closed', async () => {
    const changeUser = command(
      0x11,
      Buffer.concat([
        Buffer.from('guest\0\0'),
        Buffer.from('other\0'),
        hex('2e00'),
        Buffer.from('caching_sha2_password\0'),
      ]),
    );
    const { answers, sessions, log } = await talk(
      command(0x16, 'INSERT ?'),
      changeUser,
      command(14),
      command(0x1a, hex('01000000')),
    );
    expect(answers.slice(2, 4).map(line)).toEqual([`1 ${OK}`, `1 ${OK}`]);
    expect(errorOf(answers[4]!.payload).errno).toBe(1243);
    expect(sessions.map((session) => [session.connection.user, session.database])).toEqual([
      ['ann', null],
      ['guest', 'other'],
    ]);
    expect(log).toContain('close');
  });

  test('COM_CHANGE_USER with an unknown plugin: switched, then welcomed', async () => {
    const changeUser = command(
      0x11,
      Buffer.concat([Buffer.from('ann\0\0\0'), hex('2e00'), Buffer.from('client_ed25519\0')]),
    );
    const { answers } = await talk(
      changeUser,
      packet(2, sha2Response('secret', SALT)),
      command(14),
    );
    expect(answers.map(({ sequenceId, payload }) => [sequenceId, payload[0]])).toEqual([
      [1, 0xfe],
      [3, 0x01],
      [4, 0x00],
      [1, 0x00],
    ]);
  });

  test('COM_CHANGE_USER that fails ends the connection', async () => {
    const changeUser = command(0x11, Buffer.concat([Buffer.from('bob\0\0\0'), hex('2e00')]));
    const { answers, socket, log } = await talk(changeUser);
    expect(errorOf(answers[0]!.payload)).toMatchObject({ errno: 1045, sqlState: '28000' });
    expect(socket.hasEnded).toBe(true);
    expect(log).toEqual(['close']);
  });
});

describe('login with a database', () => {
  const loginTo = (database: string): Buffer =>
    packet(
      1,
      handshakeResponse({
        flags: MODERN | BIT.connectWithDb | BIT.sessionTrack,
        user: 'ann',
        response: sha2Response('secret', SALT),
        database,
        plugin: 'caching_sha2_password',
      }),
    );

  test('a good one is told to clients that track', async () => {
    const { answers, sessions } = await answersTo([loginTo('metrics')]);
    expect(answers.map(line)).toEqual([
      '2 0103',
      `3 00000002400000000a010807${Buffer.from('metrics').toString('hex')}`,
    ]);
    expect(sessions[0]?.database).toBe('metrics');
  });

  test('a bad one is ERR 1049 in place of the OK, and the end', async () => {
    const { answers, socket, log } = await answersTo([loginTo('missing')]);
    expect(errorOf(answers[1]!.payload)).toEqual({
      errno: 1049,
      sqlState: '42000',
      text: "Unknown database 'missing'",
    });
    expect(socket.hasEnded).toBe(true);
    socket.receiveEnd();
    await settle();
    expect(log).toEqual(['close']);
  });
});

describe('framing faults end the connection, readably', () => {
  test.each([
    ['a wrong sequence id', packet(5, '\x0e'), { errno: 1156, sqlState: '08S01' }, 6],
    [
      'a packet beyond max_allowed_packet',
      command(3, 'x'.repeat(5000)),
      { errno: 1153, sqlState: '08S01' },
      1,
    ],
    ['its header alone', command(3, 'x'.repeat(5000)).subarray(0, 4), { errno: 1153 }, 1],
  ])('%s', async (_name, bytes, error, sequenceId) => {
    const fixture = await answersTo([LOGIN, bytes], { maxAllowedPacketBytes: 4096 });
    const last = fixture.answers.at(-1)!;
    expect(last.sequenceId).toBe(sequenceId);
    expect(errorOf(last.payload)).toMatchObject(error);
    expect(fixture.socket.hasEnded).toBe(true);
    // What the client still sends is read and thrown away, so that the error reaches it.
    fixture.socket.receive(Buffer.alloc(10_000));
    await settle();
    expect(fixture.socket.readableLength).toBe(0);
    fixture.socket.receiveEnd();
    await settle();
    expect(fixture.closed).toEqual([false]);
    expect(fixture.log).toEqual(['close']);
  });

  test('a huge packet before authentication', async () => {
    const { answers } = await answersTo([packet(1, Buffer.alloc(200_000)).subarray(0, 4)]);
    expect(errorOf(answers[0]!.payload).errno).toBe(1153);
  });
});

describe('leaving', () => {
  test('COM_QUIT is clean, anything else is not', async () => {
    const quit = await answersTo([LOGIN, command(1)]);
    quit.socket.receiveEnd();
    await settle();
    expect([quit.closed, quit.log]).toEqual([[true], ['close']]);

    const gone = await answersTo([LOGIN]);
    gone.socket.receiveEnd();
    await settle();
    expect([gone.closed, gone.log]).toEqual([[false], ['close']]);
  });

  test.each([
    ['closes', (socket: MemorySocket) => socket.receiveEnd()],
    ['breaks', (socket: MemorySocket) => void socket.destroy(new Error('ECONNRESET'))],
  ])('a client that %s aborts its running command', async (_name, leave) => {
    const fixture = await answersTo([LOGIN, command(3, 'hang')]);
    expect(fixture.connection.status().command).toBe('COM_QUERY');
    leave(fixture.socket);
    await settle();
    expect(fixture.closed).toEqual([false]);
    expect(fixture.log).toEqual(['query hang', 'close']);
  });

  test('a client that leaves in the middle of a query aborts its sink', async () => {
    const fixture = await answersTo([LOGIN, command(3, 'SELECT 1').subarray(0, 8)]);
    fixture.socket.receiveEnd();
    await settle();
    expect(fixture.log).toEqual(['query aborted', 'close']);
  });

  test('KILL QUERY: 1317 70100, and the connection lives on', async () => {
    for (const text of ['hang', 'own abort error']) {
      const fixture = await answersTo([LOGIN, command(3, text)]);
      fixture.connection.killQuery();
      fixture.socket.receive(command(14));
      await settle();
      const answers = packetsOf(fixture.socket.sentBytes().subarray(GREETING_LENGTH)).slice(2);
      expect(errorOf(answers[0]!.payload)).toMatchObject({ errno: 1317, sqlState: '70100' });
      expect(line(answers[1]!)).toBe(`1 ${OK}`);
      expect(fixture.environment.lines).toEqual([]);
    }
  });

  test('KILL QUERY between commands does nothing', async () => {
    const fixture = await answersTo([LOGIN]);
    fixture.connection.killQuery();
    fixture.socket.receive(command(3, 'ok'));
    await settle();
    expect(line(packetsOf(fixture.socket.sentBytes()).at(-1)!)).toBe(`1 ${OK}`);
  });

  test('KILL QUERY while the text is still coming', async () => {
    const query = command(3, 'SELECT 1');
    const fixture = await answersTo([LOGIN, query.subarray(0, 8)]);
    fixture.connection.killQuery();
    fixture.socket.receive(query.subarray(8));
    await settle();
    expect(errorOf(packetsOf(fixture.socket.sentBytes()).at(-1)!.payload).errno).toBe(1317);
    expect(fixture.log).toEqual(['query aborted']);
  });

  test('KILL: 1317 for the running command, then the end', async () => {
    const fixture = await answersTo([LOGIN, command(3, 'hang')]);
    fixture.connection.kill();
    await settle();
    expect(errorOf(packetsOf(fixture.socket.sentBytes()).at(-1)!.payload).errno).toBe(1317);
    expect(fixture.socket.hasEnded).toBe(true);
  });

  test('going down: 1053 at once when idle, after the command when busy', async () => {
    const idle = await answersTo([LOGIN]);
    idle.connection.drain(new SqlError('ER_SERVER_SHUTDOWN'));
    await settle();
    const last = packetsOf(idle.socket.sentBytes()).at(-1)!;
    expect(last.sequenceId).toBe(0);
    expect(errorOf(last.payload)).toMatchObject({ errno: 1053, sqlState: '08S01' });
    expect(idle.socket.hasEnded).toBe(true);

    const busy = await answersTo([LOGIN]);
    busy.socket.receive(Buffer.concat([command(3, 'later'), command(3, 'ok')]));
    busy.connection.drain(new SqlError('ER_SERVER_SHUTDOWN'));
    await settle(1);
    await settle();
    const answers = packetsOf(busy.socket.sentBytes().subarray(GREETING_LENGTH)).slice(2);
    expect(answers.map(({ payload }) => payload[0])).toContain(0xff);
    expect(errorOf(answers.at(-1)!.payload).errno).toBe(1053);
    expect(busy.socket.hasEnded).toBe(true);
  });
});

describe('back-pressure towards the client', () => {
  test('pipelined commands wait in the socket, not in memory, and all are answered in order', async () => {
    const fixture = await answersTo([LOGIN, command(3, 'hang')]);
    const ping = Buffer.concat(Array.from({ length: 1000 }, () => command(14)));
    let received = 0;
    while (!fixture.socket.isPaused() && received < 200) {
      fixture.socket.receive(ping);
      received++;
      await settle(1);
    }
    expect(fixture.socket.isPaused()).toBe(true);
    expect(fixture.connection.status().bytesReceived).toBeLessThan(300 * 1024);
    fixture.connection.killQuery();
    await settle(200);
    const answers = packetsOf(fixture.socket.sentBytes().subarray(GREETING_LENGTH)).slice(2);
    expect(answers).toHaveLength(1 + received * 1000);
    expect(fixture.socket.isPaused()).toBe(false);
  });

  test('a paused client that is killed is read on, so that it sees the end', async () => {
    const fixture = await answersTo([LOGIN, command(3, 'hang')]);
    while (!fixture.socket.isPaused()) {
      fixture.socket.receive(Buffer.alloc(65_536));
      await settle(1);
    }
    fixture.connection.kill();
    await settle();
    expect(fixture.socket.isPaused()).toBe(false);
    fixture.socket.receive(Buffer.alloc(65_536));
    fixture.socket.receiveEnd();
    await settle();
    expect(fixture.closed).toEqual([false]);
  });

  test('a sink that pushes back stops the reading of its own query', async () => {
    const fixture = await answersTo([LOGIN]);
    let release = (): void => undefined;
    fixture.sessions[0]!.pushback = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const query = command(3, 'x'.repeat(3_000_000));
    for (let at = 0; at < query.length && !fixture.socket.isPaused(); at += 65_536) {
      fixture.socket.receive(query.subarray(at, at + 65_536));
      await settle(1);
    }
    expect(fixture.socket.isPaused()).toBe(true);
    expect(fixture.sessions[0]!.textBytes).toBeLessThan(70_000);
    fixture.sessions[0]!.pushback = null;
    release();
    fixture.socket.destroy();
    await settle();
    expect(fixture.log).toContain('query aborted');
  });
});

test('what comes in one go is read in bursts, and others have their turn between them', async () => {
  const fixture = await answersTo([LOGIN]);
  const query = command(3, 'x'.repeat(1024 * 1024));
  const before = fixture.connection.status().bytesReceived;
  for (let at = 0; at < query.length; at += 65_536) {
    fixture.socket.receive(query.subarray(at, at + 65_536));
  }
  expect(fixture.socket.isPaused()).toBe(true);
  expect(fixture.connection.status().bytesReceived - before).toBe(256 * 1024);
  await settle(100);
  expect(fixture.socket.isPaused()).toBe(false);
  expect(fixture.connection.status().bytesReceived - before).toBe(query.length);
  expect(packetsOf(fixture.socket.sentBytes().subarray(GREETING_LENGTH))).toHaveLength(3);
});

describe('a command that took longer than a stretch gives up a turn of the event loop', () => {
  test.each([
    ['not when nothing else is there to read', [command(3, 'slow')], false],
    ['before the next command', [command(3, 'slow'), command(3, 'ok')], true],
    ['before the rest of one', [command(3, 'slow'), command(3, 'ok').subarray(0, 7)], true],
  ])('%s', async (_name, commands, isGivenUp) => {
    const fixture = await answersTo([LOGIN]);
    const yieldTurn = jest.spyOn(fixture.environment.timers, 'yieldTurn');
    fixture.socket.receive(Buffer.concat(commands));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(packetsOf(fixture.socket.sentBytes()).map(line)).toContain(`1 ${OK}`);
    expect(yieldTurn.mock.calls.length > 0).toBe(isGivenUp);
  });
});

describe('deadlines', () => {
  const after = async (fixture: Fixture): Promise<Packet> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    fixture.connection.checkDeadlines();
    await settle();
    return packetsOf(fixture.socket.sentBytes()).at(-1)!;
  };

  test('a client that does not authenticate', async () => {
    const last = await after(open({ authTimeoutMs: 10 }));
    expect(errorOf(last.payload)).toMatchObject({ errno: 1159 });
  });

  test('an idle session: 4031, unasked', async () => {
    const fixture = await answersTo([LOGIN]);
    fixture.sessions[0]!.idleMs = 10;
    const last = await after(fixture);
    expect(last.sequenceId).toBe(0);
    expect(errorOf(last.payload)).toMatchObject({ errno: 4031, sqlState: 'HY000' });
    expect(fixture.socket.hasEnded).toBe(true);
  });

  test('a running command is not idle', async () => {
    const fixture = await answersTo([LOGIN, command(3, 'hang')]);
    fixture.sessions[0]!.idleMs = 10;
    const last = await after(fixture);
    expect(last.payload[0]).toBe(0);
    fixture.connection.destroy();
    await settle();
  });

  test('a client that stops in the middle of a packet', async () => {
    const fixture = await answersTo([LOGIN, command(3, 'SELECT 1').subarray(0, 8)], {
      readTimeoutMs: 10,
    });
    expect(errorOf((await after(fixture)).payload)).toMatchObject({
      errno: 1159,
      sqlState: '08S01',
    });
    expect(fixture.log).toEqual(['query aborted']);
  });

  test('a client that does not close after the goodbye is cut off', async () => {
    const fixture = await answersTo([LOGIN, command(1)], { lingerMs: 10 });
    expect(fixture.socket.destroyed).toBe(false);
    await after(fixture);
    expect(fixture.socket.destroyed).toBe(true);
  });

  test('a killed command that does not stop is cut off', async () => {
    const fixture = await answersTo([LOGIN], { killGraceMs: 10 });
    fixture.sessions[0]!.pushback = () => new Promise(() => undefined);
    fixture.socket.receive(command(3, 'SELECT 1'));
    await settle();
    fixture.connection.kill();
    await after(fixture);
    expect(fixture.socket.destroyed).toBe(true);
  });
});
