/**
 * docs/configuration.md says what the schema says. UPDATE=1 rewrites the part between the markers; commit it when you can
 * explain the difference. The examples are files that a node would accept.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../../src/server/config.js';
import { configKeys, configSections, type ConfigKey } from '../../src/server/config-schema.js';

const ROOT = resolve(__dirname, '../..');
const PAGE = join(ROOT, 'docs/configuration.md');
const BEGIN = '<!-- settings: begin -->';
const END = '<!-- settings: end -->';

function defaultOf(key: ConfigKey): string {
  if (typeof key.byDefault === 'number' || key.byDefault.startsWith('{')) {
    return String(key.byDefault);
  }
  return JSON.stringify(key.byDefault);
}

/** The settings as Markdown: a heading for each section, a paragraph for each key. */
function settingsText(): string {
  return configSections
    .map(({ name, about, keys }) => {
      const entries = keys.map((key) =>
        [
          `### \`${key.name}\``,
          '',
          `Default: \`${defaultOf(key)}\` · ${key.flag === null ? 'no flag' : `\`${key.flag}\``} · \`${key.variable}\``,
          '',
          key.about,
        ].join('\n'),
      );
      return [`## \`[${name}]\``, about, ...entries].join('\n\n');
    })
    .join('\n\n');
}

test('every setting is documented as it is', () => {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  expect(begin).toBeGreaterThan(0);
  expect(end).toBeGreaterThan(begin);
  const expected = `${page.slice(0, begin)}${BEGIN}\n\n${settingsText()}\n\n${page.slice(end)}`;
  if (process.env['UPDATE'] === '1') writeFileSync(PAGE, expected);
  expect(readFileSync(PAGE, 'utf8')).toBe(expected);
});

test('every setting says what it does, in a sentence', () => {
  const wordless = configKeys.filter((key) => !/^[A-Z"].*\.$/.test(key.about));
  expect(wordless.map((key) => key.path)).toEqual([]);
});

test('names are unique as flags and as variables', () => {
  const flags = configKeys.flatMap((key) => (key.flag === null ? [] : [key.flag]));
  const variables = configKeys.map((key) => key.variable);
  expect(new Set(flags).size).toBe(flags.length);
  expect(new Set(variables).size).toBe(configKeys.length);
});

test('the examples are a pair', () => {
  const [a, b] = ['node-a', 'node-b'].map((name) =>
    loadConfig({ file: `examples/${name}.toml`, workingFolder: ROOT }),
  );
  expect(a!.node.id).not.toBe(b!.node.id);
  expect(a!.replication.secret).toBe(b!.replication.secret);
  expect(a!.replication.peer).toEqual({ host: '10.0.0.2', port: 4010 });
  expect(b!.replication.peer).toEqual({ host: '10.0.0.1', port: 4010 });
  expect(a!.auth.accounts.map((account) => account.name)).toEqual(
    b!.auth.accounts.map((account) => account.name),
  );
});
