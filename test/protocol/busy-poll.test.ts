/** When the event loop looks for input without sleeping, and when it does not, on a clock and turns of its own. */

import { BusyPoll } from '../../protocol/busy-poll.js';
import { startTestServer } from './support/test-server.js';
import { answerText } from './support/test-session.js';

const LIMIT_MS = 0.2;
const TURN_MS = 0.01;
const SHORT_MS = 0.1;
const LONG_MS = 0.3;
const STATEMENT_MS = 0.3;
const ENOUGH_GAPS = 8;
/** Polls from one look at the processors to the next, and looks that make polling rest. */
const POLLS_A_LOOK = 16;
const LOOKS_TO_REST = 4;
const ONE = 1;
const OTHER = 2;

/** A server's connections, its clock and its event loop. */
class Rig {
  nowMs = 1_000;
  isContended = false;
  looks = 0;
  readonly poll: BusyPoll;
  readonly #tasks: (() => void)[] = [];

  constructor(limitMs = LIMIT_MS) {
    this.poll = new BusyPoll(
      {
        clock: { monotonicMs: () => this.nowMs },
        process: {
          nextTurn: (task) => void this.#tasks.push(task),
          isContended: () => {
            this.looks++;
            return this.isContended;
          },
        },
      },
      limitMs,
    );
  }

  /** The next turn of the event loop will not sleep. */
  get isAwake(): boolean {
    return this.#tasks.length > 0;
  }

  get turnsAsked(): number {
    return this.#tasks.length;
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }

  /** One turn of the event loop. */
  turn(): void {
    this.pass(TURN_MS);
    for (const task of this.#tasks.splice(0)) task();
  }

  /** Nothing comes for so long: the loop turns while it is asked to, else it sleeps. */
  idle(ms: number): void {
    const until = this.nowMs + ms;
    while (this.isAwake && this.nowMs + TURN_MS <= until) this.turn();
    this.pass(until - this.nowMs);
  }

  statement(connectionId = ONE): void {
    this.poll.began(connectionId, this.nowMs);
    this.pass(STATEMENT_MS);
    this.poll.ended(this.nowMs);
  }

  /** A statement after each gap. */
  statementsAfter(gapsMs: readonly number[]): void {
    for (const gapMs of gapsMs) {
      this.idle(gapMs);
      this.statement();
    }
  }
}

const short = (count: number): readonly number[] => Array.from({ length: count }, () => SHORT_MS);

const long = (count: number): readonly number[] => Array.from({ length: count }, () => LONG_MS);

/** A client that is polled for; the last statement has just been answered. */
function polling(): Rig {
  const rig = new Rig();
  rig.statementsAfter([LONG_MS, ...short(ENOUGH_GAPS)]);
  expect(rig.isAwake).toBe(true);
  return rig;
}

describe('polling begins with eight points: a gap within the limit is one, a longer one takes five', () => {
  test.each([
    ['never', [], false],
    ['not at the first statement', [LONG_MS], false],
    ['not after seven', [LONG_MS, ...short(7)], false],
    ['after eight', [LONG_MS, ...short(8)], true],
    ['a gap of exactly the limit counts', [LONG_MS, ...short(7), LIMIT_MS - 1e-9], true],
    [
      'seven, less five for a longer one, and five are not enough',
      [LONG_MS, ...short(7), LONG_MS, ...short(5)],
      false,
    ],
    ['with six they are', [LONG_MS, ...short(7), LONG_MS, ...short(6)], true],
    ['a longer one after eight ends it', [LONG_MS, ...short(8), LONG_MS], false],
    ['and after twenty does not', [LONG_MS, ...short(20), LONG_MS], true],
    ['but three after twenty do', [LONG_MS, ...short(20), ...long(3)], false],
    ['no more than 32 points are kept', [LONG_MS, ...short(500), ...long(5)], false],
    [
      'every fifth gap longer',
      Array.from({ length: 500 }, (_, at) => (at % 5 === 0 ? LONG_MS : SHORT_MS)),
      false,
    ],
    [
      'every seventh gap longer',
      Array.from({ length: 501 }, (_, at) => (at % 7 === 0 ? LONG_MS : SHORT_MS)),
      true,
    ],
    ['a client that asks once a second', Array.from({ length: 50 }, () => 1_000), false],
    [
      'a dashboard of five queries',
      Array.from({ length: 50 }, (_, at) => (at % 5 === 0 ? 5_000 : 0.05)),
      false,
    ],
  ] as const)('%s', (_name, gapsMs, isPolling) => {
    const rig = new Rig();
    rig.statementsAfter(gapsMs);
    expect(rig.isAwake).toBe(isPolling);
  });
});

test('a poll ends when a statement comes, and counts as caught', () => {
  const rig = polling();
  rig.idle(SHORT_MS);
  rig.poll.began(ONE, rig.nowMs);
  rig.turn();
  expect(rig.isAwake).toBe(false);
  expect(rig.poll.counters()).toMatchObject({ caught: 1, inVain: 0 });
  expect(rig.poll.counters().polledMs).toBeCloseTo(SHORT_MS);
});

test('a poll ends when the limit is over, counts as vain, and what comes later is not polled for', () => {
  const rig = polling();
  for (let turn = 0; rig.isAwake; turn++) {
    expect(turn).toBeLessThanOrEqual(LIMIT_MS / TURN_MS);
    rig.turn();
  }
  expect(rig.poll.counters()).toMatchObject({ caught: 0, inVain: 1 });
  expect(rig.poll.counters().polledMs).toBeCloseTo(LIMIT_MS + TURN_MS);
  rig.statementsAfter([LONG_MS, ...short(4)]);
  expect(rig.isAwake).toBe(false);
  rig.statementsAfter(short(1));
  expect(rig.isAwake).toBe(true);
});

test('a poll asks for one turn at a time, also where statements come and go within one', () => {
  const rig = polling();
  for (let count = 0; count < 5; count++) rig.statement();
  expect(rig.turnsAsked).toBe(1);
  rig.turn();
  expect(rig.turnsAsked).toBe(1);
});

describe('nothing is polled for while anything is under way', () => {
  test('two connections at work at the same time', () => {
    const rig = polling();
    rig.poll.began(OTHER, rig.nowMs);
    rig.poll.began(ONE, rig.nowMs);
    rig.poll.ended(rig.nowMs);
    rig.turn();
    expect(rig.isAwake).toBe(false);
    rig.poll.ended(rig.nowMs);
    expect(rig.isAwake).toBe(false);
  });

  test('connections that take turns are not polled for, however short the gaps', () => {
    const rig = polling();
    for (let count = 0; count < 50; count++) {
      rig.idle(SHORT_MS);
      rig.statement(count % 2 === 0 ? OTHER : ONE);
      rig.turn();
      expect(rig.isAwake).toBe(false);
    }
  });

  test('a statement that waits for the disk, however many turns it takes', () => {
    const rig = polling();
    rig.poll.began(ONE, rig.nowMs);
    rig.turn();
    expect(rig.isAwake).toBe(false);
    rig.idle(5);
    rig.poll.ended(rig.nowMs);
    expect(rig.isAwake).toBe(true);
  });

  test('input that comes meanwhile is no gap', () => {
    const rig = new Rig();
    rig.poll.began(ONE, rig.nowMs);
    for (let count = 0; count < 20; count++) rig.statement();
    rig.poll.ended(rig.nowMs);
    expect(rig.isAwake).toBe(false);
  });
});

describe('processors that others want', () => {
  const polls = POLLS_A_LOOK * LOOKS_TO_REST;

  test('four looks in a row, one each sixteen polls, and polling rests for a quarter of a second, then learns anew', () => {
    const rig = polling();
    rig.isContended = true;
    rig.statementsAfter(short(polls - 2));
    expect(rig.isAwake).toBe(true);
    expect(rig.poll.counters().rests).toBe(0);
    rig.statementsAfter(short(1));
    rig.turn();
    expect(rig.isAwake).toBe(false);
    expect(rig.poll.counters().rests).toBe(1);

    rig.isContended = false;
    const restsUntilMs = rig.nowMs + 250;
    const { looks } = rig;
    while (rig.nowMs + SHORT_MS < restsUntilMs) {
      rig.statementsAfter(short(1));
      expect(rig.isAwake).toBe(false);
    }
    rig.statementsAfter(short(ENOUGH_GAPS - 1));
    expect(rig.isAwake).toBe(false);
    rig.statementsAfter(short(1));
    expect(rig.isAwake).toBe(true);
    expect(rig.looks).toBe(looks);
  });

  test('a look at which processors are free begins the count anew', () => {
    const rig = polling();
    for (let count = 0; count < 20; count++) {
      for (const isContended of [true, true, true, false]) {
        rig.isContended = isContended;
        rig.statementsAfter(short(POLLS_A_LOOK));
      }
    }
    expect(rig.looks).toBe(80);
    expect(rig.poll.counters().rests).toBe(0);
    expect(rig.isAwake).toBe(true);
  });

  test('nobody looks where nothing is polled for', () => {
    const rig = new Rig();
    rig.statementsAfter(long(100));
    expect(rig.looks).toBe(0);
  });
});

describe('no polling at all', () => {
  test('with limit 0', () => {
    const rig = new Rig(0);
    rig.statementsAfter(Array.from({ length: 100 }, () => 0));
    expect(rig.isAwake).toBe(false);
  });

  test('without a process to poll with', () => {
    const poll = new BusyPoll({ clock: { monotonicMs: () => 0 }, process: null }, LIMIT_MS);
    for (let count = 0; count < 100; count++) {
      poll.began(ONE, 0);
      poll.ended(0);
    }
    expect(poll.counters()).toEqual({ caught: 0, inVain: 0, polledMs: 0, rests: 0 });
  });

  test('once the server goes down, from the turn that is asked for', () => {
    const rig = polling();
    rig.poll.close();
    rig.turn();
    expect(rig.isAwake).toBe(false);
    rig.statementsAfter(short(50));
    expect(rig.isAwake).toBe(false);
  });
});

describe('a server that polls', () => {
  /** Polls for ever, as it seems to a test: what goes on meanwhile is not held up by it. */
  const start = () =>
    startTestServer(
      {
        'SELECT 1': (response) => answerText(response, 'one'),
        later: async (response) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          response.ok();
        },
      },
      { busyPollMs: 60_000 },
      { nextTurn: (task) => void setImmediate(task), isContended: () => false },
    );

  test('answers other connections, runs timers, and goes down at once', async () => {
    const server = await start();
    try {
      const client = await server.connect();
      for (let count = 0; count < 2 * ENOUGH_GAPS; count++) await client.query('SELECT 1');
      expect(server.server.counters().busyPoll.caught).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const other = await server.connect();
      await other.query('later');
      await other.query('SELECT 1');
      await client.query('SELECT 1');
    } finally {
      const { stuck } = await server.server.drain({ timeoutMs: 30_000 });
      expect(stuck).toBe(0);
      await server.close();
    }
    expect(server.server.counters().busyPoll.inVain).toBe(0);
  });
});
