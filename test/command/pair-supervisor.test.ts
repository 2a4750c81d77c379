/** The lives of two processes: how they start, fail, are stopped and are killed. The nodes are small scripts. */
import { superviseChildren, type ChildPlan } from '../../src/command/pair-supervisor.js';

const SERVES = `
  process.on('SIGTERM', () => { console.log('bye'); process.exit(0); });
  process.once('disconnect', () => process.exit(0));
  console.error('hello');
  process.send({ serving: true });
  setInterval(() => {}, 1000);
`;
const DEAF = `process.on('SIGTERM', () => {}); process.send({ serving: true }); setInterval(() => {}, 1000);`;
const FAILS_AT_ONCE = `console.error('port in use'); process.exit(3);`;
const DIES_LATER = `process.send({ serving: true }); setTimeout(() => process.exit(7), 50);`;

function plan(name: string, script: string): ChildPlan {
  return { name, arguments: ['-e', script] };
}

/** Runs two children; `script` sees each event and may ask to stop. */
function run(a: string, b: string, onEvent: (event: string, stop: () => void) => void) {
  const events: string[] = [];
  let stop = (): void => {};
  const note = (event: string): void => {
    events.push(event);
    onEvent(event, stop);
  };
  const ended = superviseChildren([plan('node-a', a), plan('node-b', b)], {
    onLine: (name, line) => note(`${name} | ${line}`),
    onNews: (text) => note(`news: ${text}`),
    onServing: () => note('serving'),
    listenForStop: (listener) => {
      stop = listener;
    },
  });
  return ended.then((exitCode) => ({ exitCode, events }));
}

test('both serve, both are stopped cleanly, and their lines have their names', async () => {
  const { exitCode, events } = await run(SERVES, SERVES, (event, stop) => {
    if (event === 'serving') stop();
  });
  expect(exitCode).toBe(0);
  expect(events.filter((event) => event === 'serving')).toHaveLength(1);
  expect([...events].sort()).toEqual([
    'news: stopping both nodes; Ctrl-C again kills them',
    'node-a | bye',
    'node-a | hello',
    'node-b | bye',
    'node-b | hello',
    'serving',
  ]);
});

test('a second wish kills what the first did not end', async () => {
  const { exitCode, events } = await run(DEAF, SERVES, (event, stop) => {
    if (event === 'serving' || event === 'node-b | bye') stop();
  });
  expect(exitCode).toBe(1);
  expect(events).toContain('node-b | bye');
});

test('a node that does not come to serve ends the other, with its own exit code', async () => {
  const { exitCode, events } = await run(SERVES, FAILS_AT_ONCE, () => {});
  expect(exitCode).toBe(3);
  expect(events).toContain('node-b | port in use');
  expect(events).toContain('news: node-b did not come to serve (exit code 3)');
  expect(events).not.toContain('serving');
});

test('a node that ends later leaves the other alone', async () => {
  // On a busy machine node-a may be gone before node-b can say goodbye.
  const awaited = new Set(['news: node-a ended (exit code 7); node-b goes on', 'node-b | hello']);
  const { exitCode, events } = await run(DIES_LATER, SERVES, (event, stop) => {
    if (awaited.delete(event) && awaited.size === 0) stop();
  });
  expect(exitCode).toBe(7);
  expect(events).toContain('news: node-a ended (exit code 7); node-b goes on');
  expect(events).toContain('node-b | bye');
});

test('a program that is not there is a failure, not an exception', async () => {
  const events: string[] = [];
  const exitCode = await superviseChildren([{ name: 'node-a', arguments: ['/nowhere/twintide'] }], {
    onLine: () => {},
    onNews: (text) => void events.push(text),
    onServing: () => {},
    listenForStop: () => {},
  });
  expect(exitCode).toBe(1);
  expect(events).toEqual(['node-a did not come to serve (exit code 1)']);
});
