/** System variables: what clients read at connect, what can be set, and what is refused. */

import fc from 'fast-check';
import { SqlError } from '../../protocol/index.js';
import { GlobalVariables } from '../../src/catalog/global-variables.js';
import { SessionVariables } from '../../src/catalog/session-variables.js';
import {
  SYSTEM_VARIABLES,
  systemVariable,
  variableText,
} from '../../src/catalog/system-variables.js';
import type { VariableValue } from '../../src/catalog/system-variables.js';

function session(facts: Readonly<Record<string, VariableValue | number>> = {}): {
  globals: GlobalVariables;
  variables: SessionVariables;
} {
  const globals = new GlobalVariables(facts);
  return { globals, variables: new SessionVariables(globals) };
}

function errnoOf(run: () => unknown): number | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof SqlError) return error.errno;
    throw error;
  }
}

/** What drivers and tools read right after connecting. */
const READ_AT_CONNECT: readonly (readonly [name: string, value: VariableValue])[] = [
  ['auto_increment_increment', 1n],
  ['character_set_client', 'utf8mb4'],
  ['character_set_connection', 'utf8mb4'],
  ['character_set_results', 'utf8mb4'],
  ['character_set_server', 'utf8mb4'],
  ['collation_server', 'utf8mb4_bin'],
  ['collation_connection', 'utf8mb4_bin'],
  ['collation_database', 'utf8mb4_bin'],
  ['init_connect', ''],
  ['interactive_timeout', 28_800n],
  ['lower_case_table_names', 0n],
  ['max_allowed_packet', 67_108_864n],
  ['net_write_timeout', 60n],
  ['performance_schema', false],
  ['sql_mode', 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'],
  ['system_time_zone', 'UTC'],
  ['time_zone', 'SYSTEM'],
  ['transaction_isolation', 'READ-COMMITTED'],
  ['tx_isolation', 'READ-COMMITTED'],
  ['transaction_read_only', false],
  ['tx_read_only', false],
  ['wait_timeout', 28_800n],
  ['autocommit', true],
  ['sql_select_limit', 18_446_744_073_709_551_615n],
  [
    'session_track_system_variables',
    'time_zone,autocommit,character_set_client,character_set_results,character_set_connection',
  ],
  ['read_only', false],
  ['query_cache_size', 0n],
  ['query_cache_type', 'OFF'],
];

describe('system variables', () => {
  test('are in order of name, each once, in lower case', () => {
    const names = SYSTEM_VARIABLES.map((variable) => variable.name);
    expect(names).toEqual([...new Set(names)].sort());
    expect(names.every((name) => name === name.toLowerCase())).toBe(true);
  });

  test('every default is a value that the variable itself accepts', () => {
    for (const { name, defaultValue, accept } of SYSTEM_VARIABLES) {
      if (defaultValue !== null) expect([name, accept(defaultValue)]).toEqual([name, defaultValue]);
    }
  });

  test.each(READ_AT_CONNECT)('%s', (name, value) => {
    expect(session().variables.read(name, null)).toBe(value);
    expect(session().variables.read(name.toUpperCase(), null)).toBe(value);
  });

  test('facts of the server are what it says of itself', () => {
    const { variables } = session({ version: '8.0.36-twintide', port: 4012, rpo_bytes: 1024 });
    expect(variables.read('version', null)).toBe('8.0.36-twintide');
    expect(variables.read('port', 'global')).toBe(4012n);
    expect(variables.read('rpo_bytes', 'session')).toBe(1024n);
  });

  test.each([
    ['autocommit', false, 'OFF'],
    ['sql_notes', true, 'ON'],
    ['wait_timeout', 5n, '5'],
    ['secure_file_priv', null, ''],
    ['time_zone', '+02:00', '+02:00'],
  ] as const)('SHOW VARIABLES writes %s = %s as %s', (name, value, text) => {
    expect(variableText(systemVariable(name), value)).toBe(text);
  });
});

describe('setting', () => {
  test.each([
    ['autocommit', 0n, false],
    ['autocommit', 'on', true],
    ['sql_mode', 'ansi_quotes,STRICT_TRANS_TABLES', 'ANSI_QUOTES,STRICT_TRANS_TABLES'],
    ['sql_mode', '', ''],
    ['sql_mode', ',STRICT_TRANS_TABLES,STRICT_TRANS_TABLES', 'STRICT_TRANS_TABLES'],
    [
      'sql_mode',
      'TRADITIONAL',
      'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,TRADITIONAL',
    ],
    ['wait_timeout', 99_999_999_999n, 31_536_000n],
    ['wait_timeout', 0n, 1n],
    ['character_set_results', null, null],
    ['character_set_results', 'UTF8', 'utf8mb3'],
    ['character_set_results', 'binary', 'binary'],
    ['collation_connection', 'utf8mb4_0900_AI_CI', 'utf8mb4_0900_ai_ci'],
    ['transaction_isolation', 'serializable', 'SERIALIZABLE'],
    ['transaction_isolation', 2n, 'REPEATABLE-READ'],
    ['optimizer_switch', 'semijoin=off', 'semijoin=off'],
    ['session_track_gtids', 'OWN_GTID', 'OWN_GTID'],
  ] as const)('%s = %s gives %s', (name, given, kept) => {
    const { variables } = session();
    expect(variables.set(systemVariable(name), given)).toBe(kept);
    expect(variables.read(name, 'session')).toBe(kept);
  });

  test.each([
    ['an unknown variable', () => systemVariable('no_such_thing'), 1193],
    ['a read-only one', () => session().variables.set(systemVariable('version'), 'x'), 1238],
    [
      'a global one in a session',
      () => session().variables.set(systemVariable('regexp_stack_limit'), 1n),
      1229,
    ],
    [
      'a session one globally',
      () => session().globals.set(systemVariable('sql_log_bin'), true),
      1228,
    ],
    ['a read-only one globally', () => session().globals.set(systemVariable('datadir'), '/'), 1238],
    ['a wrong boolean', () => session().variables.set(systemVariable('autocommit'), 'maybe'), 1231],
    [
      'a wrong boolean number',
      () => session().variables.set(systemVariable('autocommit'), 2n),
      1231,
    ],
    [
      'text for a number',
      () => session().variables.set(systemVariable('wait_timeout'), 'long'),
      1232,
    ],
    [
      'an unknown mode',
      () => session().variables.set(systemVariable('sql_mode'), 'NO_SUCH_MODE'),
      1231,
    ],
    ['NULL for a mode', () => session().variables.set(systemVariable('sql_mode'), null), 1231],
    [
      'an unknown character set',
      () => session().variables.set(systemVariable('character_set_client'), 'klingon'),
      1115,
    ],
    [
      'NULL for a character set',
      () => session().variables.set(systemVariable('character_set_client'), null),
      1231,
    ],
    [
      'an unknown collation',
      () => session().variables.set(systemVariable('collation_connection'), 'utf8mb4_no'),
      1273,
    ],
    [
      'an unknown isolation',
      () => session().variables.set(systemVariable('transaction_isolation'), 'CHAOS'),
      1231,
    ],
    [
      'a global scope that is not there',
      () => session().variables.read('pseudo_thread_id', 'global'),
      1238,
    ],
    [
      'a session scope that is not there',
      () => session().variables.read('version', 'session'),
      1238,
    ],
  ] as const)('%s is refused', (_name, run, errno) => {
    expect(errnoOf(run)).toBe(errno);
  });

  test('DEFAULT is the global value', () => {
    const { globals, variables } = session();
    globals.set(systemVariable('wait_timeout'), 77n);
    variables.set(systemVariable('wait_timeout'), 5n);
    variables.set(systemVariable('wait_timeout'), undefined);
    expect(variables.read('wait_timeout', null)).toBe(77n);
  });

  test('SET GLOBAL does not change a session that is open', () => {
    const { globals, variables } = session();
    globals.set(systemVariable('time_zone'), '+02:00');
    expect(variables.read('time_zone', 'session')).toBe('SYSTEM');
    expect(variables.read('time_zone', 'global')).toBe('+02:00');
    expect(new SessionVariables(globals).read('time_zone', null)).toBe('+02:00');
  });

  test('a reset forgets what the session set and starts from the global values of now', () => {
    const { globals, variables } = session();
    variables.set(systemVariable('sql_mode'), 'ANSI_QUOTES');
    expect(variables.sqlMode.ansiQuotes).toBe(true);
    globals.set(systemVariable('time_zone'), '+02:00');
    variables.reset();
    expect(variables.sqlMode.ansiQuotes).toBe(false);
    expect(variables.text('time_zone')).toBe('+02:00');
  });

  test('what the server acts on is what a client reads, whatever was set in whatever order', () => {
    const numbers = ['wait_timeout', 'max_execution_time', 'rpo_bytes'] as const;
    const step = fc.record({
      kind: fc.constantFrom('session', 'global', 'default', 'force', 'reset'),
      name: fc.constantFrom(...numbers),
      value: fc.bigInt({ min: 1n, max: 1000n }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { globals, variables } = session();
        const own = new Set<string>();
        for (const { kind, name, value } of steps) {
          const variable = systemVariable(name);
          if (kind === 'session') variables.set(variable, value);
          else if (kind === 'default') variables.set(variable, undefined);
          else if (kind === 'global') globals.set(variable, value);
          else if (kind === 'force') globals.force(name, value);
          else variables.reset();
          if (kind === 'session' || kind === 'default') own.add(name);
          if (kind === 'reset') own.clear();
          for (const each of numbers) {
            expect(variables.integer(each)).toBe(variables.read(each, null));
            expect(variables.isSet(each)).toBe(own.has(each));
          }
        }
      }),
    );
  });

  test('the mode flags are those that text and conversions obey', () => {
    const { variables } = session();
    variables.set(systemVariable('sql_mode'), 'ANSI,NO_BACKSLASH_ESCAPES');
    expect(variables.sqlMode).toEqual({
      ansiQuotes: true,
      noBackslashEscapes: true,
      pipesAsConcat: true,
      strict: false,
    });
  });
});
