/** The flags of a command that takes a whole configuration: --config, and one flag for each setting that may have one. */
import { Option, type Command } from 'commander';
import { loadConfig, type Config } from '../server/config.js';
import { configKeys, type ConfigKey } from '../server/config-schema.js';

/** Commander's own name of a flag's value: "replicationRpoBytes". */
function attribute(key: ConfigKey): string {
  return new Option(`${key.flag ?? ''} <value>`).attributeName();
}

export function addSettingFlags(command: Command): Command {
  command.option('-c, --config <file>', 'TOML file with the settings');
  for (const key of configKeys) {
    if (key.flag === null) continue;
    const shown = key.byDefault === '' ? 'none' : String(key.byDefault);
    command.option(`${key.flag} <value>`, `${key.path} (default: ${shown})`);
  }
  return command;
}

/** Parsed options to settings by path. */
export function settingsOf(options: Readonly<Record<string, unknown>>): Record<string, string> {
  const flags: Record<string, string> = {};
  for (const key of configKeys) {
    if (key.flag === null) continue;
    const value = options[attribute(key)];
    if (typeof value === 'string') flags[key.path] = value;
  }
  return flags;
}

/** The configuration that parsed options, the environment and the file named by --config make. Throws ConfigError. */
export function configOf(options: Readonly<Record<string, unknown>>): Config {
  const file = options['config'];
  return loadConfig({
    file: typeof file === 'string' ? file : null,
    workingFolder: process.cwd(),
    flags: settingsOf(options),
    environment: process.env,
  });
}
