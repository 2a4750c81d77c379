/** Programs that these tests drive. A missing one fails its tests, and says how to install it: a client that is not tested is a claim. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const INSTALL: Readonly<Record<string, string>> = {
  mariadb: 'apt-get install mariadb-client',
  haproxy: 'apt-get install haproxy',
  java: 'apt-get install default-jdk-headless (17 or later)',
  mvn: 'apt-get install maven',
};

/** Throws when the program is not there. */
export function requireTool(program: string, versionFlag: string): void {
  const { error, status } = spawnSync(program, [versionFlag], { encoding: 'utf8' });
  if (error === undefined && status === 0) return;
  const how = INSTALL[program] ?? `install ${program}`;
  throw new Error(`this test needs ${program}, which does not run here: ${how}`);
}

const CONNECTOR_J = 'mysql-connector-j-9.1.0.jar';
const CONNECTOR_J_FOLDER = resolve(__dirname, '../../node_modules/.cache/connector-j');

/** Path of Connector/J, fetched through Maven at first use, as .ci/run does it. Throws when that is not possible. */
export function requireConnectorJ(): string {
  requireTool('java', '-version');
  const jar = join(CONNECTOR_J_FOLDER, CONNECTOR_J);
  if (existsSync(jar)) return jar;
  requireTool('mvn', '--version');
  // Another worker may fetch it too; whoever is last puts the same file in its place.
  const own = `${CONNECTOR_J_FOLDER}.${process.pid}`;
  const { status, stdout } = spawnSync(
    'mvn',
    [
      '--batch-mode',
      '--quiet',
      'dependency:copy',
      '-Dartifact=com.mysql:mysql-connector-j:9.1.0:jar',
      `-DoutputDirectory=${own}`,
    ],
    { encoding: 'utf8' },
  );
  try {
    if (status !== 0) throw new Error(`Maven could not fetch MySQL Connector/J 9.1.0:\n${stdout}`);
    mkdirSync(CONNECTOR_J_FOLDER, { recursive: true });
    renameSync(join(own, CONNECTOR_J), jar);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  return jar;
}
