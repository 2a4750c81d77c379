/**
 * The demo, told for real: `twintide demo --short` from the build, as a user runs it. It proves its claims itself and says so by its exit
 * code; here is checked that it says what it claims, and that nothing is left behind, also when it is interrupted.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DemoScreen, readableCount, readableSpan } from '../../src/command/demo-screen.js';
import { loadDemoData } from '../../src/command/demo-series.js';
import { waitFor, within } from '../../src/command/demo-wait.js';
import { waitUntil } from '../support/bounded-wait.js';

jest.setTimeout(180_000);

const PROJECT = resolve(__dirname, '../..');
const ESCAPE = '\u001b';
const LAUNCHER = join(PROJECT, 'bin', 'twintide');

/** A demo that runs, with a folder for temporary files of its own. */
class RunningDemo {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'twintide-demo-test-')));
  readonly ended: Promise<number | null>;
  output = '';
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn(process.execPath, [LAUNCHER, 'demo', '--short'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: this.folder },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.ended = new Promise((done) => {
      this.#child.once('close', (code) => done(code));
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The process ids of its nodes, as it printed them. */
  get nodes(): number[] {
    return [...this.output.matchAll(/serves: process (\d+)/g)].map(([, pid]) => Number(pid));
  }

  remove(): void {
    this.#child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

let demo: RunningDemo | null = null;
afterEach(() => {
  demo?.remove();
  demo = null;
});

test('the short form: every step holds, and nothing is left', async () => {
  demo = new RunningDemo();
  const exitCode = await demo.ended;
  const { output } = demo;
  expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
  expect(output).toMatch(/^ {6}weather of two cities, daily: 2,922 rows/m);
  expect(output).toMatch(/\| Seattle +\| 2015 \| +365 \| +17\.4 \|/);
  expect(output).toContain('node-b, to which nobody wrote, answers as node-a does (8 rows)');
  expect(output).toMatch(/Warning \| \d+ \| Acknowledged beyond rpo_bytes/);
  expect(output).toMatch(/\| weather \| +2922 \| +2922 \|/);
  expect(output).toMatch(/RPO: acknowledged rows missing +0$/m);
  expect(output).toMatch(/RTO: kill to next acknowledged +[\d.]+ m?s/);
  // No terminal, so no colours and no bars.
  expect(output).not.toContain('\r');
  expect(output).not.toContain(ESCAPE);
  expect(demo.nodes).toHaveLength(2);
  expect(demo.nodes.filter(runs)).toEqual([]);
  expect(readdirSync(demo.folder)).toEqual([]);
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s in the middle cleans up', async (signal) => {
  const running = new RunningDemo();
  demo = running;
  await waitUntil('both nodes to serve', () =>
    Promise.resolve([running.nodes.length === 2, running.output]),
  );
  running.signal(signal);
  expect({ exitCode: await running.ended, output: running.output }).toMatchObject({
    exitCode: 130,
    output: expect.stringContaining('stopped: nodes and folder are removed'),
  });
  expect(running.nodes.filter(runs)).toEqual([]);
  expect(readdirSync(running.folder)).toEqual([]);
});

test('killed with -9, it takes its nodes with it', async () => {
  const running = new RunningDemo();
  demo = running;
  await waitUntil('both nodes to serve', () =>
    Promise.resolve([running.nodes.length === 2, running.output]),
  );
  running.signal('SIGKILL');
  await waitUntil('both nodes to end', () =>
    Promise.resolve([running.nodes.every((pid) => !runs(pid)), running.nodes]),
  );
});

describe('data', () => {
  test('is what the package has, every row with all its values', () => {
    const { series } = loadDemoData(PROJECT, false);
    expect(series.map(({ table, rows }) => [table, rows.length])).toEqual([
      ['weather', 2_922],
      ['normals', 8_759],
      ['sp500', 5_105],
      ['flights', 20_000],
    ]);
    for (const { rows } of series) {
      const width = rows[0]!.length;
      const odd = rows.filter(
        (row) =>
          row.length !== width ||
          row.some(
            (cell) => cell === '' || Number.isNaN(Number(cell)) === (typeof cell === 'number'),
          ),
      );
      expect(odd).toEqual([]);
    }
  });

  test('without the package is this machine, and the demo says so', () => {
    const { source, series } = loadDemoData(join(PROJECT, 'nowhere'), true);
    expect(source).toContain('vega-datasets is not installed');
    expect(series).toHaveLength(1);
    expect(series[0]!.rows.length).toBeGreaterThan(200);
    // One reading of a metric per moment: nothing replaces anything.
    const identities = new Set(series[0]!.rows.map(([metric, ms]) => `${metric} ${ms}`));
    expect(identities.size).toBe(series[0]!.rows.length);
  });
});

describe('the screen', () => {
  const drawn = (isTTY: boolean, draw: (screen: DemoScreen) => void): string => {
    let text = '';
    draw(
      new DemoScreen({
        isTTY,
        columns: 80,
        write: (part) => {
          text += part;
        },
      }),
    );
    return text;
  };
  const load = (screen: DemoScreen): void => {
    screen.bar('weather', 1, 4, 'a'.repeat(100));
    screen.bar('weather', 4, 4, 'all');
  };

  test('moves a bar in place on a terminal, and never beyond its width', () => {
    const frames = drawn(true, load)
      .split(/[\r\n]/)
      // Escape sequences take no room.
      .map((frame) =>
        frame
          .split(ESCAPE)
          .map((part, index) => (index === 0 ? part : part.replace(/^\[\d*[mK]/, '')))
          .join(''),
      )
      .filter((frame) => frame !== '');
    expect(frames[0]).toMatch(/^ {6}weather +#{4}\.{12} a+$/);
    expect(frames.at(-1)).toMatch(/^ {6}weather +#{16} all$/);
    expect(frames.filter((frame) => frame.length >= 80)).toEqual([]);
  });

  test('is one line per step elsewhere', () => {
    expect(drawn(false, load)).toBe('      weather: all\n');
  });

  test('draws a table with numbers to the right', () => {
    expect(
      drawn(false, (screen) =>
        screen.table(
          ['city', 'days'],
          [
            ['Seattle', 7],
            [null, 365],
          ],
        ),
      ),
    ).toBe(
      [
        '      +---------+------+',
        '      | city    | days |',
        '      +---------+------+',
        '      | Seattle |    7 |',
        '      | NULL    |  365 |',
        '      +---------+------+',
        '',
      ].join('\n'),
    );
  });

  test('numbers for people', () => {
    expect([readableCount(1_234_567), readableSpan(12.4), readableSpan(1_234)]).toEqual([
      '1,234,567',
      '12 ms',
      '1.23 s',
    ]);
  });
});

test('a wait says what it waited for and what it saw', async () => {
  await expect(
    waitFor('rain', 30, () => Promise.resolve({ value: undefined, seen: 'sun' })),
  ).rejects.toThrow('waited 0.03 s for rain; last seen: sun');
  await expect(within('snow', 10, new Promise(() => {}))).rejects.toThrow(
    'snow took longer than 0.01 s',
  );
});
