/** The handshake as a step machine: each way to authenticate, told as a transcript of packets. */

import { accountVerifier } from '../../protocol/account-verifier.js';
import {
  CONNECTION_PHASE_START,
  stepChangeUser,
  stepConnectionPhase,
} from '../../protocol/connection-phase.js';
import type {
  ConnectionPhaseContext,
  ConnectionPhaseEffect,
} from '../../protocol/connection-phase.js';
import { greetingPayload } from '../../protocol/handshake-packets.js';
import type { ClientIdentity } from '../../protocol/handshake-packets.js';
import { makeSalt } from '../../protocol/salt.js';
import type { AccountVerifier } from '../../protocol/session-handler.js';
import {
  BIT,
  MODERN,
  handshakeResponse,
  nativeResponse,
  sha2Response,
} from './support/client-packets.js';
import type { ResponseFields } from './support/client-packets.js';

const SALT = Buffer.from('abcdefghijklmnopqrst');

const ACCOUNTS: Readonly<Record<string, AccountVerifier>> = {
  ann: accountVerifier('secret'),
  guest: accountVerifier(''),
  nativeOnly: { ...accountVerifier('secret'), cachingSha2: null },
  sha2Only: { ...accountVerifier('secret'), nativeHash: null },
};

const CONTEXT: ConnectionPhaseContext = {
  salt: SALT,
  host: '10.1.2.3',
  isOperator: false,
  verifier: (user) => ACCOUNTS[user] ?? null,
};

/** One line per effect, for reading. */
function tell(effect: ConnectionPhaseEffect): string {
  if (effect.kind === 'send') return `send ${Buffer.from(effect.payload).toString('hex')}`;
  if (effect.kind === 'welcome') return `welcome ${effect.identity.user}`;
  return `refuse ${effect.error.errno} ${effect.error.sqlState} ${effect.error.message}`;
}

/** The effects of a conversation: the first packet is the handshake response, others follow AuthSwitchRequests. */
function converse(packets: readonly Uint8Array[], context = CONTEXT): string[] {
  let state = CONNECTION_PHASE_START;
  const told: string[] = [];
  for (const payload of packets) {
    const step = stepConnectionPhase(state, payload, context);
    state = step.state;
    told.push(...step.effects.map(tell));
  }
  return told;
}

const SWITCH_TO_SHA2 = `send fe${Buffer.from('caching_sha2_password\0').toString('hex')}${SALT.toString('hex')}00`;
const SWITCH_TO_NATIVE = `send fe${Buffer.from('mysql_native_password\0').toString('hex')}${SALT.toString('hex')}00`;
const DENIED_YES = (user: string): string =>
  `refuse 1045 28000 Access denied for user '${user}'@'10.1.2.3' (using password: YES)`;
const DENIED_NO = (user: string): string =>
  `refuse 1045 28000 Access denied for user '${user}'@'10.1.2.3' (using password: NO)`;

const SHA2 = 'caching_sha2_password';
const NATIVE = 'mysql_native_password';
const NONE = Buffer.alloc(0);

describe('greeting', () => {
  test('byte by byte', () => {
    const payload = Buffer.from(
      greetingPayload({ version: '8.0.36-twintide-0.1.0', connectionId: 0x01020304, salt: SALT }),
    );
    expect(payload.toString('latin1')).toBe(
      [
        '\x0a8.0.36-twintide-0.1.0\0',
        '\x04\x03\x02\x01',
        'abcdefgh\0',
        '\x5f\xa7', // capabilities, lower half
        '\x2e', // utf8mb4_bin
        '\x02\0', // autocommit
        '\xb8\x01', // capabilities, upper half
        '\x15',
        '\0\0\0\0\0\0\0\0\0\0',
        'ijklmnopqrst\0',
        'caching_sha2_password\0',
      ].join(''),
    );
  });

  test('salts are 20 printable characters without $, whatever the random bytes', () => {
    for (let seed = 0; seed < 256; seed++) {
      let next = seed;
      const salt = makeSalt((target) => {
        for (let index = 0; index < target.length; index++) target[index] = next++ & 0xff;
      });
      expect(Buffer.from(salt).toString('latin1')).toMatch(/^[!-#%-~]{20}$/);
    }
  });
});

describe('logins', () => {
  const response = (more: Partial<ResponseFields>): Buffer =>
    handshakeResponse({
      flags: MODERN,
      user: 'ann',
      response: NONE,
      plugin: SHA2,
      ...more,
    });
  const sha2 = sha2Response('secret', SALT);
  const native = nativeResponse('secret', SALT);

  const cases: readonly (readonly [string, readonly Uint8Array[], readonly string[]])[] = [
    // The right password
    [
      'caching_sha2: fast success, then OK',
      [response({ response: sha2 })],
      ['send 0103', 'welcome ann'],
    ],
    ['native named so', [response({ response: native, plugin: NATIVE })], ['welcome ann']],
    [
      'native response without any plugin (mysqljs)',
      [
        handshakeResponse({
          flags: BIT.protocol41 | BIT.secureConnection,
          user: 'ann',
          response: native,
        }),
      ],
      ['welcome ann'],
    ],
    [
      'native response that names caching_sha2 (MariaDB drivers): told by its length',
      [response({ response: native, plugin: SHA2 })],
      ['welcome ann'],
    ],
    [
      'unknown plugin: switched to caching_sha2',
      [response({ response: Buffer.from('whatever'), plugin: 'client_ed25519' }), sha2],
      [SWITCH_TO_SHA2, 'send 0103', 'welcome ann'],
    ],
    [
      'unknown plugin with an empty first response',
      [response({ plugin: 'auth_gssapi_client' }), sha2],
      [SWITCH_TO_SHA2, 'send 0103', 'welcome ann'],
    ],
    [
      'an account with the native digest only: switched to native',
      [response({ user: 'nativeOnly', response: sha2 }), native],
      [SWITCH_TO_NATIVE, 'welcome nativeOnly'],
    ],
    [
      'an account with the SHA-256 digest only: switched to caching_sha2',
      [response({ user: 'sha2Only', response: native, plugin: NATIVE }), sha2],
      [SWITCH_TO_SHA2, 'send 0103', 'welcome sha2Only'],
    ],
    [
      'the same, but the client can not switch',
      [
        handshakeResponse({
          flags: BIT.protocol41 | BIT.secureConnection,
          user: 'sha2Only',
          response: native,
        }),
      ],
      [
        'refuse 1251 08004 Client does not support authentication protocol requested by server; consider upgrading MySQL client',
      ],
    ],

    // No password
    ['no password, empty response', [response({ user: 'guest' })], ['welcome guest']],
    [
      'no password, a single zero',
      [response({ user: 'guest', response: Uint8Array.of(0) })],
      ['welcome guest'],
    ],
    ['no password, unknown plugin', [response({ user: 'guest', plugin: 'x' })], ['welcome guest']],
    [
      'a password where there is none',
      [response({ user: 'guest', response: sha2 })],
      [DENIED_YES('guest')],
    ],
    [
      'HAProxy post-41: only PROTOCOL_41 and SECURE_CONNECTION',
      [
        handshakeResponse({
          flags: BIT.protocol41 | BIT.secureConnection,
          user: 'guest',
          response: NONE,
        }),
      ],
      ['welcome guest'],
    ],

    // The wrong password
    [
      'wrong caching_sha2',
      [response({ response: sha2Response('Secret', SALT) })],
      [DENIED_YES('ann')],
    ],
    [
      'wrong native',
      [response({ response: nativeResponse('x', SALT), plugin: NATIVE })],
      [DENIED_YES('ann')],
    ],
    ['none given', [response({})], [DENIED_NO('ann')]],
    ['unknown user', [response({ user: 'bob', response: sha2 })], [DENIED_YES('bob')]],
    ['unknown user without password', [response({ user: 'bob' })], [DENIED_NO('bob')]],
    [
      'unknown user with an unknown plugin is switched like others',
      [response({ user: 'bob', plugin: 'x', response: sha2 }), sha2],
      [SWITCH_TO_SHA2, DENIED_YES('bob')],
    ],
    [
      'wrong after the switch',
      [response({ plugin: 'x', response: sha2 }), native],
      [SWITCH_TO_SHA2, DENIED_YES('ann')],
    ],
    [
      'none after the switch',
      [response({ plugin: 'x', response: sha2 }), NONE],
      [SWITCH_TO_SHA2, DENIED_NO('ann')],
    ],
    [
      'a response of an odd length',
      [response({ response: Buffer.alloc(7, 1), plugin: SHA2 })],
      [DENIED_YES('ann')],
    ],

    // Not a handshake of ours
    [
      'protocol 4.0',
      [Buffer.from('05000000006100', 'hex')],
      ['refuse 1043 08S01 Bad handshake: the client must speak protocol 4.1'],
    ],
    [
      'a TLS request that was not offered',
      [handshakeResponse({ flags: MODERN | BIT.ssl, user: '', response: NONE }).subarray(0, 32)],
      ['refuse 1043 08S01 Bad handshake: this server does not offer TLS'],
    ],
    ['nothing', [NONE], ['refuse 1043 08S01 Bad handshake']],
    [
      'cut off inside the fixed part',
      [response({}).subarray(0, 20)],
      ['refuse 1835 HY000 Malformed communication packet.'],
    ],
  ];
  test.each(cases)('%s', (_name, packets, effects) => {
    expect(converse(packets)).toEqual(effects);
  });

  test('an operator needs no password, whatever the name', () => {
    expect(converse([response({ user: 'root' })], { ...CONTEXT, isOperator: true })).toEqual([
      'welcome root',
    ]);
  });

  test('no prefix of a response makes it throw', () => {
    const whole = response({
      flags: MODERN | BIT.connectWithDb | BIT.connectAttributes,
      response: sha2,
      database: 'd',
      attributes: { program_name: 'p' },
    });
    for (let end = 0; end < whole.length; end++) {
      const [effect] = stepConnectionPhase(
        CONNECTION_PHASE_START,
        whole.subarray(0, end),
        CONTEXT,
      ).effects;
      expect(['send', 'welcome', 'refuse']).toContain(effect?.kind);
    }
  });
});

describe('what the client says of itself', () => {
  const identityOf = (payload: Uint8Array): ClientIdentity => {
    const { effects } = stepConnectionPhase(CONNECTION_PHASE_START, payload, CONTEXT);
    const welcome = effects.find((effect) => effect.kind === 'welcome');
    if (welcome?.kind !== 'welcome') throw new Error('not welcomed');
    return welcome.identity;
  };

  test('database, attributes, character set', () => {
    const identity = identityOf(
      handshakeResponse({
        flags: MODERN | BIT.connectWithDb | BIT.connectAttributes,
        user: 'ann',
        response: sha2Response('secret', SALT),
        database: 'metrics',
        plugin: SHA2,
        attributes: { _client_name: 'libmysql', program_name: 'mysql' },
        characterSet: 255,
      }),
    );
    expect(identity).toMatchObject({
      user: 'ann',
      database: 'metrics',
      plugin: SHA2,
      characterSet: 255,
    });
    expect([...identity.attributes]).toEqual([
      ['_client_name', 'libmysql'],
      ['program_name', 'mysql'],
    ]);
  });

  test('bits that were not offered do not count, and nothing is read for them', () => {
    const unoffered = BIT.queryAttributes | BIT.multiStatements | BIT.localFiles;
    const identity = identityOf(
      handshakeResponse({
        flags: MODERN | unoffered,
        user: 'ann',
        response: sha2Response('secret', SALT),
        plugin: SHA2,
      }),
    );
    expect(identity.capabilities & unoffered).toBe(0);
    expect(identity.capabilities).toBe(MODERN);
  });

  test('a collation id in two bytes (connector-python)', () => {
    expect(
      identityOf(
        handshakeResponse({
          flags: MODERN,
          user: 'guest',
          response: NONE,
          plugin: SHA2,
          characterSet: 309,
        }),
      ).characterSet,
    ).toBe(309);
  });
});

describe('COM_CHANGE_USER', () => {
  const previous: ClientIdentity = {
    capabilities: MODERN,
    characterSet: 45,
    user: 'ann',
    authResponse: NONE,
    database: 'd',
    plugin: SHA2,
    attributes: new Map(),
  };
  const changeUser = (user: string, response: Uint8Array, plugin: string): Buffer =>
    Buffer.concat([
      Buffer.from(`\x11${user}\0`),
      Uint8Array.of(response.length),
      response,
      Buffer.from('other\0'),
      Uint8Array.of(46, 0),
      Buffer.from(`${plugin}\0`),
    ]);
  const run = (payload: Uint8Array): string[] =>
    stepChangeUser(payload, previous, CONTEXT).effects.map(tell);

  test.each([
    [
      'the scramble of the first salt is right',
      changeUser('ann', sha2Response('secret', SALT), SHA2),
      ['send 0103', 'welcome ann'],
    ],
    ['no password', changeUser('guest', NONE, SHA2), ['welcome guest']],
    ['wrong', changeUser('ann', sha2Response('no', SALT), SHA2), [DENIED_YES('ann')]],
    ['unknown plugin', changeUser('ann', NONE, 'x'), [SWITCH_TO_SHA2]],
    ['truncated', Buffer.from('\x11ann'), ['refuse 1835 HY000 Malformed communication packet.']],
  ])('%s', (_name, payload, effects) => {
    expect(run(payload)).toEqual(effects);
  });

  test('without PLUGIN_AUTH the response is native', () => {
    const payload = Buffer.concat([
      Buffer.from('\x11ann\0'),
      Uint8Array.of(20),
      nativeResponse('secret', SALT),
      Buffer.from('\0'),
    ]);
    const old = { ...previous, capabilities: BIT.protocol41 | BIT.secureConnection };
    expect(stepChangeUser(payload, old, CONTEXT).effects.map(tell)).toEqual(['welcome ann']);
  });
});
