/** Flags of the command line become settings. */
import { Command } from 'commander';
import { addSettingFlags, configOf, settingsOf } from '../../src/command/setting-flags.js';
import { configKeys } from '../../src/server/config-schema.js';

function parse(...argv: string[]): Record<string, unknown> {
  const command = addSettingFlags(new Command()).exitOverride();
  return command.parse(argv, { from: 'user' }).opts();
}

test('every setting that may have a flag has one', () => {
  const withFlag = configKeys.filter((key) => key.flag !== null);
  const argv = withFlag.flatMap((key) => [key.flag!, `value of ${key.path}`]);
  expect(settingsOf(parse(...argv))).toEqual(
    Object.fromEntries(withFlag.map((key) => [key.path, `value of ${key.path}`])),
  );
});

test('secrets have none', () => {
  const hidden = configKeys.filter((key) => key.flag === null).map((key) => key.path);
  expect(hidden).toEqual(['replication.secret', 'auth.users']);
});

test('flags make a configuration', () => {
  const config = configOf(parse('--node-id', '3', '--replication-rpo-bytes', '0'));
  expect(config.node.id).toBe(3);
  expect(config.replication.rpoBytes).toBe(0);
  expect(config.replication.heartbeatMs).toBe(1_000);
});

test('a wrong flag is named as it was typed', () => {
  expect(() => configOf(parse('--replication-rpo-bytes', 'lots'))).toThrow(
    'replication.rpo_bytes (--replication-rpo-bytes): needs a size',
  );
});
