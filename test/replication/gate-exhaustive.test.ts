/**
 * Every reachable state of a small gate.
 *
 * A breadth-first walk over all orders of events (admit, append, give up, durable, confirm, void, link up and down, time, degrade,
 * release, budget lowered, mode written to disk) for small budgets and a few records of 1 to 3 bytes. A model beside the gate
 * knows only what the outside world knows; after every event it recomputes the rules of the design from that and compares. From
 * every third state a way out is tried as well: with the peer back and everything durable, everybody gets an answer.
 */

import { Gate } from '../../replication/gate.js';
import type { GateEffect, GateMode } from '../../replication/gate-state.js';

jest.setTimeout(120_000);

const WAIT_MS = 5;
const DEGRADE_MS = 7;
const WINDOW_BYTES = 3;
const OPENING = 1;
/** A way out costs more than the rest together: it is tried from every third new state. */
const WAY_OUT_EVERY = 3;

interface Scenario {
  readonly name: string;
  readonly budget: number;
  readonly policy: 'block' | 'degrade';
  readonly sizes: readonly number[];
  readonly sessions: readonly (number | null)[];
  readonly writesMax: number;
  readonly recovered: number;
  readonly loweredTo: number | null;
  readonly spanMs: number | null;
  readonly hasVoid: boolean;
  readonly hasRelease: boolean;
  readonly start: { readonly mode: GateMode; readonly isLeaving: boolean };
}

type WriteState =
  'queued' | 'granted' | 'refused' | 'released' | 'appended' | 'acked' | 'unconfirmed';

interface Write {
  readonly size: number;
  readonly session: number | null;
  state: WriteState;
  sequence: number;
  ackedBeyond: boolean;
  atMs: number;
}

/** What the outside world knows. */
interface World {
  readonly scenario: Scenario;
  readonly gate: Gate;
  nowMs: number;
  budget: number;
  writes: Write[];
  appended: number;
  durable: number;
  confirmed: number;
  visible: number;
  recovered: number;
  /** The most the peer ever confirmed. */
  claimed: number;
  isLinked: boolean;
  hasLowered: boolean;
  hasReleased: boolean;
  /** Tickets to be written to disk, oldest first. */
  tickets: { ticket: number; mode: GateMode }[];
  diskMode: GateMode;
}

function begin(scenario: Scenario): World {
  const gate = new Gate(
    {
      hasPeer: true,
      onPeerLoss: scenario.policy,
      degradeAfterMs: DEGRADE_MS,
      waitTimeoutMs: WAIT_MS,
      syncWindowBytes: WINDOW_BYTES,
      waitersMax: 8,
    },
    { bytes: scenario.budget, spanMs: scenario.spanMs },
    { ...scenario.start, sequence: OPENING, recoveredBytes: scenario.recovered },
    0,
  );
  return {
    scenario,
    gate,
    nowMs: 0,
    budget: scenario.budget,
    writes: [],
    appended: OPENING,
    durable: OPENING,
    confirmed: 0,
    visible: OPENING,
    recovered: scenario.recovered,
    claimed: 0,
    isLinked: false,
    hasLowered: false,
    hasReleased: false,
    tickets: [],
    diskMode: scenario.start.mode,
  };
}

function copyOf(world: World): World {
  return {
    ...world,
    gate: world.gate.copy(),
    writes: world.writes.map((write) => ({ ...write })),
    tickets: [...world.tickets],
  };
}

// ---- events ----

type Event = (world: World) => readonly GateEffect[];

function eventsOf(world: World): readonly (readonly [string, Event])[] {
  const { scenario } = world;
  const events: [string, Event][] = [];
  if (world.writes.length < scenario.writesMax) {
    for (const size of scenario.sizes) {
      for (const session of scenario.sessions) {
        events.push([
          `admit ${size}/${session}`,
          (w) => {
            w.writes.push({
              size,
              session,
              state: 'queued',
              sequence: 0,
              ackedBeyond: false,
              atMs: 0,
            });
            return w.gate.admit(w.writes.length - 1, size, w.nowMs);
          },
        ]);
      }
    }
  }
  for (const [id, write] of world.writes.entries()) {
    if (write.state === 'granted') {
      events.push([
        `append ${id}`,
        (w) => {
          const appended = w.writes[id]!;
          w.appended += 1;
          appended.state = 'appended';
          appended.sequence = w.appended;
          appended.atMs = w.nowMs;
          const waiter = { sessionBytes: appended.session };
          return w.gate.append(id, w.appended, appended.size, waiter, w.nowMs);
        },
      ]);
    }
    if (write.state === 'granted' || write.state === 'queued') {
      events.push([
        `give up ${id}`,
        (w) => {
          w.writes[id]!.state = 'released';
          return w.gate.release(id, w.nowMs);
        },
      ]);
    }
  }
  if (world.durable < world.appended) {
    events.push([
      'durable',
      (w) => {
        w.durable += 1;
        return w.gate.durable(w.durable, w.nowMs);
      },
    ]);
  }
  if (world.isLinked) {
    if (world.recovered > 0) {
      events.push(['confirm recovered', (w) => confirm(w, w.confirmed, 0)]);
    } else if (world.confirmed < world.appended) {
      events.push(['confirm', (w) => confirm(w, w.confirmed + 1, 0)]);
    }
    if (scenario.hasVoid && world.confirmed > 0) {
      events.push(['void', (w) => confirm(w, 0, w.recovered)]);
    }
  }
  events.push([
    world.isLinked ? 'link down' : 'link up',
    (w) => {
      w.isLinked = !w.isLinked;
      return w.gate.linked(w.isLinked, w.nowMs);
    },
  ]);
  if (world.gate.nextDeadlineMs() !== null) {
    events.push([
      'time',
      (w) => {
        w.nowMs = Math.max(w.nowMs, w.gate.nextDeadlineMs()!);
        return w.gate.tick(w.nowMs);
      },
    ]);
  }
  if (scenario.spanMs !== null) {
    events.push([
      'one ms',
      (w) => {
        w.nowMs += 1;
        return w.gate.tick(w.nowMs);
      },
    ]);
  }
  if (world.tickets.length > 0) {
    events.push([
      'persisted',
      (w) => {
        const { ticket, mode } = w.tickets.shift()!;
        w.diskMode = mode;
        return w.gate.persisted(ticket, w.nowMs);
      },
    ]);
  }
  if (scenario.hasRelease && !world.hasReleased) {
    events.push([
      'release peer',
      (w) => {
        w.hasReleased = true;
        return w.gate.releasePeer(w.nowMs);
      },
    ]);
  }
  if (scenario.loweredTo !== null && !world.hasLowered) {
    events.push([
      'lower budget',
      (w) => {
        w.hasLowered = true;
        w.budget = scenario.loweredTo!;
        return w.gate.setBudget({ bytes: w.budget, spanMs: scenario.spanMs }, w.nowMs);
      },
    ]);
  }
  return events;
}

function confirm(world: World, sequence: number, recovered: number): readonly GateEffect[] {
  world.confirmed = sequence;
  world.recovered = recovered;
  world.claimed = Math.max(world.claimed, sequence);
  return world.gate.confirmed(
    {
      sequence,
      pendingBytes: bytesIn(world, sequence, world.appended) - recovered,
      recoveredBytes: recovered,
      isUnprotected: sequence < world.claimed,
    },
    world.nowMs,
  );
}

// ---- the rules, from the outside ----

/** Recovered bytes, and those of records in (after, through]. */
function bytesIn(world: World, after: number, through: number): number {
  let bytes = world.recovered;
  for (const { sequence, size } of world.writes) {
    if (sequence > after && sequence <= through) bytes += size;
  }
  return bytes;
}

function reservedBytes(world: World): number {
  let bytes = 0;
  for (const write of world.writes) if (write.state === 'granted') bytes += write.size;
  return bytes;
}

function isOpen(world: World): boolean {
  const { mode, leavingAfter } = world.gate.state;
  return mode !== 'gated' && leavingAfter === null;
}

function spanKept(world: World): boolean {
  const { spanMs } = world.scenario;
  if (spanMs === null) return true;
  if (world.recovered > 0) return false;
  const pending = world.writes.filter((write) => write.sequence > world.confirmed);
  return pending.every((write) => world.nowMs - write.atMs <= spanMs);
}

/** With `used` bytes pending and reserved before it. */
function admits(world: World, size: number, used: number): boolean {
  if (isOpen(world)) return true;
  if (world.budget === 0 && !world.isLinked) return false;
  const limit = world.budget === 0 ? WINDOW_BYTES : world.budget;
  if (used === 0) return size <= limit || world.isLinked;
  return used + size <= limit && spanKept(world);
}

function isWithin(world: World, sequence: number, budget: number): boolean {
  if (sequence <= world.confirmed && world.recovered === 0) return true;
  return bytesIn(world, world.confirmed, sequence) <= budget && spanKept(world);
}

function isExcused(world: World, sequence: number): boolean {
  const { mode, leavingAfter } = world.gate.state;
  return mode !== 'gated' && (leavingAfter === null || sequence <= leavingAfter);
}

function budgetOf(world: World, write: Write): number {
  return Math.min(world.budget, write.session ?? Infinity);
}

function bySequence(world: World, sequence: number): Write {
  return world.writes.find((write) => write.sequence === sequence)!;
}

/** Takes in the effects of one event; throws an error that says which rule was broken. */
function observe(world: World, effects: readonly GateEffect[], modeBefore: GateMode): void {
  for (const effect of effects) {
    switch (effect.type) {
      case 'granted': {
        const write = world.writes[effect.request]!;
        rule(write.state === 'queued', 'a request is answered once');
        const earlier = world.writes.slice(0, effect.request);
        rule(
          !earlier.some((other) => other.state === 'queued'),
          'admission is first in, first out',
        );
        const used = bytesIn(world, world.confirmed, world.appended) + reservedBytes(world);
        rule(admits(world, write.size, used), 'pending + reserved + size <= budget, or alone');
        write.state = 'granted';
        break;
      }
      case 'notApplied': {
        const write = world.writes[effect.request]!;
        rule(write.state === 'queued', '"not applied" is said only of what was never appended');
        write.state = 'refused';
        break;
      }
      case 'visible': {
        rule(effect.through > world.visible, 'visibility only goes forward');
        rule(effect.through <= world.durable, 'visible only when durable here');
        for (let sequence = world.visible + 1; sequence <= effect.through; sequence += 1) {
          const passes = isWithin(world, sequence, world.budget) || isExcused(world, sequence);
          rule(passes, 'visible only after the gate');
        }
        world.visible = effect.through;
        break;
      }
      case 'acknowledged': {
        const write = bySequence(world, effect.sequence);
        rule(write.state === 'appended', 'a write is answered once');
        rule(effect.sequence <= world.durable, 'acknowledged only when durable here');
        rule(effect.sequence <= world.visible, 'acknowledged only when visible');
        write.state = 'acked';
        const acked = world.writes.filter(
          (other) => other.state === 'acked' && other.sequence > world.confirmed,
        );
        const lost = acked.reduce((sum, other) => sum + other.size, world.recovered);
        const isFree = effect.sequence <= world.confirmed && world.recovered === 0;
        if (effect.warning === null) {
          rule(isFree || lost <= world.budget, 'acknowledged and unconfirmed bytes <= budget');
          rule(
            isWithin(world, effect.sequence, budgetOf(world, write)),
            'nothing passes a stricter session beyond its budget without the warning',
          );
        } else {
          write.ackedBeyond = true;
          rule(world.diskMode === effect.warning, 'the excuse is on disk before it is used');
          rule(isExcused(world, effect.sequence), 'the warning names the state that excuses');
        }
        break;
      }
      case 'unconfirmed': {
        const write = bySequence(world, effect.sequence);
        rule(write.state === 'appended', 'a write is answered once');
        rule(effect.sequence <= world.durable, '"stored" is said only of what is durable');
        write.state = 'unconfirmed';
        break;
      }
      case 'persist':
        world.tickets.push({ ticket: effect.ticket, mode: effect.mode });
        break;
    }
  }
  checkRest(world, modeBefore);
}

/** Nothing that could move is left standing, and sums agree. */
function checkRest(world: World, modeBefore: GateMode): void {
  const { gate } = world;
  const { state } = gate;
  const pending = bytesIn(world, world.confirmed, world.appended);
  rule(gate.pendingBytes === pending, 'the sum of pending bytes is right');
  rule(state.reservedBytes === reservedBytes(world), 'the sum of reserved bytes is right');
  const head = world.writes.find((write) => write.state === 'queued');
  if (head !== undefined) {
    const used = pending + reservedBytes(world);
    rule(!admits(world, head.size, used), 'no lost wake-up: the head of the queue has to wait');
  }
  if (world.visible < world.durable) {
    const next = world.visible + 1;
    const passes = isWithin(world, next, world.budget) || isExcused(world, next);
    rule(!passes, 'no lost wake-up: the next durable record has to wait');
  }
  for (const write of world.writes) {
    if (write.state !== 'appended' || write.sequence > world.visible) continue;
    const passes = isWithin(world, write.sequence, budgetOf(world, write));
    rule(!passes && !isExcused(world, write.sequence), 'no lost wake-up: the session has to wait');
  }
  const isWaiting = world.writes.some((write) => write.state === 'queued');
  rule(!isWaiting || gate.nextDeadlineMs() !== null, 'who waits has a deadline');
  if (modeBefore !== 'gated' && state.mode === 'gated') {
    const open = world.writes.filter(
      (write) => write.ackedBeyond && write.sequence > world.confirmed,
    );
    rule(open.length === 0, 'the state ends when everything acknowledged in it is confirmed');
  }
  if (modeBefore === 'gated' && state.mode === 'degraded') {
    rule(world.scenario.policy === 'degrade', 'a blocking node never degrades');
  }
  if (state.mode === 'released' && modeBefore !== 'released') {
    rule(world.hasReleased, 'only the operator releases');
  }
}

/** The peer comes back, takes everything, and the disks are quick: now everybody gets an answer. */
function wayOut(from: World): void {
  const world = copyOf(from);
  const act = (event: Event): void => {
    const modeBefore = world.gate.state.mode;
    observe(world, event(world), modeBefore);
  };
  if (!world.isLinked) {
    act((w) => {
      w.isLinked = true;
      return w.gate.linked(true, w.nowMs);
    });
  }
  for (let round = 0; round < 2 * world.scenario.writesMax + 4; round += 1) {
    for (const [id, write] of world.writes.entries()) {
      if (write.state !== 'granted') continue;
      act((w) => {
        w.appended += 1;
        const appended = w.writes[id]!;
        appended.state = 'appended';
        appended.sequence = w.appended;
        appended.atMs = w.nowMs;
        const waiter = { sessionBytes: appended.session };
        return w.gate.append(id, w.appended, appended.size, waiter, w.nowMs);
      });
    }
    if (world.durable < world.appended) {
      act((w) => {
        w.durable = w.appended;
        return w.gate.durable(w.durable, w.nowMs);
      });
    }
    act((w) => confirm(w, w.appended, 0));
    while (world.tickets.length > 0) {
      act((w) => {
        const { ticket, mode } = w.tickets.shift()!;
        w.diskMode = mode;
        return w.gate.persisted(ticket, w.nowMs);
      });
    }
  }
  const open = world.writes.filter((write) =>
    ['queued', 'granted', 'appended'].includes(write.state),
  );
  rule(open.length === 0, 'with the peer back, everybody gets an answer');
  rule(world.gate.state.mode === 'gated', 'with the peer back, degraded and released end');
  rule(world.visible === world.appended, 'with the peer back, everything becomes visible');
}

class BrokenRule extends Error {}

function rule(holds: boolean, text: string): void {
  if (!holds) throw new BrokenRule(text);
}

// ---- the walk ----

/** Equal for worlds that behave alike from here on: times are relative, tickets numbered from the newest. */
function fingerprint(world: World): string {
  const { state } = world.gate;
  const relative = (atMs: number): number => Math.max(atMs - world.nowMs, -DEGRADE_MS - 1);
  return JSON.stringify([
    world.writes.map((write) => [
      write.size,
      write.session,
      write.state,
      write.sequence,
      write.ackedBeyond,
      world.scenario.spanMs === null ? 0 : relative(write.atMs),
    ]),
    [world.appended, world.durable, world.confirmed, world.visible, world.recovered, world.claimed],
    [world.isLinked, world.hasLowered, world.hasReleased, world.diskMode, world.budget],
    world.tickets.map(({ ticket, mode }) => [state.ticket - ticket, mode]),
    [state.mode, state.leavingAfter, state.isUnprotected],
    state.lostAtMs === null ? null : relative(state.lostAtMs),
    state.entering === null ? null : [state.entering.mode, state.ticket - state.entering.ticket],
    state.requests.map((request) => [request.id, relative(request.deadlineMs)]),
    state.waiting.filter((each) => each.isWaiting).map((e) => [e.sequence, relative(e.deadlineMs)]),
    state.entries.map((entry) => [entry.sequence, entry.isWaiting]),
    state.sessions.map((entry) => entry.sequence),
  ]);
}

interface Walk {
  readonly states: number;
  readonly steps: number;
}

function walk(scenario: Scenario): Walk {
  const first = begin(scenario);
  const seen = new Set([fingerprint(first)]);
  let frontier: { world: World; path: readonly string[] }[] = [{ world: first, path: [] }];
  let steps = 0;
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { world, path } of frontier) {
      for (const [name, event] of eventsOf(world)) {
        const after = copyOf(world);
        const way = [...path, name];
        steps += 1;
        try {
          observe(after, event(after), world.gate.state.mode);
          const print = fingerprint(after);
          if (seen.has(print)) continue;
          seen.add(print);
          if (seen.size % WAY_OUT_EVERY === 0) wayOut(after);
        } catch (error) {
          throw new Error(`${scenario.name}: ${way.join(', ')}: ${String(error)}`, {
            cause: error,
          });
        }
        next.push({ world: after, path: way });
      }
    }
    frontier = next;
  }
  return { states: seen.size, steps };
}

const BASE: Scenario = {
  name: '',
  budget: 2,
  policy: 'block',
  sizes: [1, 2, 3],
  sessions: [null],
  writesMax: 3,
  recovered: 0,
  loweredTo: null,
  spanMs: null,
  hasVoid: false,
  hasRelease: false,
  start: { mode: 'gated', isLeaving: false },
};

const SCENARIOS: readonly Scenario[] = [
  ...[0, 1, 2, 3].map((budget): Scenario => ({ ...BASE, name: `budget ${budget}, block`, budget })),
  ...[0, 2].map((budget): Scenario => ({
    ...BASE,
    name: `budget ${budget}, block, released by the operator`,
    budget,
    sizes: [1, 3],
    writesMax: 2,
    hasRelease: true,
  })),
  ...[0, 1, 3].map((budget): Scenario => ({
    ...BASE,
    name: `budget ${budget}, degrade`,
    budget,
    policy: 'degrade',
    sizes: [1, 3],
    writesMax: 2,
  })),
  {
    ...BASE,
    name: 'four writes of one size',
    budget: 3,
    sizes: [2],
    writesMax: 4,
  },
  {
    ...BASE,
    name: 'sessions stricter than the server',
    budget: 3,
    sizes: [1, 2],
    sessions: [null, 0, 1],
    writesMax: 2,
  },
  {
    ...BASE,
    name: 'sessions stricter than the server, degrade',
    budget: 2,
    policy: 'degrade',
    sizes: [2],
    sessions: [null, 0],
    writesMax: 2,
  },
  {
    ...BASE,
    name: 'budget lowered from 3 to 1',
    budget: 3,
    loweredTo: 1,
    sizes: [1, 2],
    writesMax: 3,
  },
  { ...BASE, name: 'budget lowered to 0', budget: 3, loweredTo: 0, sizes: [1, 2], writesMax: 2 },
  { ...BASE, name: 'recovered records', budget: 3, recovered: 2, sizes: [1, 2], writesMax: 2 },
  {
    ...BASE,
    name: 'recovered records, degraded before the restart',
    budget: 2,
    policy: 'degrade',
    recovered: 2,
    sizes: [1, 3],
    writesMax: 2,
    start: { mode: 'degraded', isLeaving: false },
  },
  {
    ...BASE,
    name: 'released and leaving before the restart',
    recovered: 2,
    sizes: [1],
    writesMax: 2,
    hasRelease: true,
    start: { mode: 'released', isLeaving: true },
  },
  {
    ...BASE,
    name: 'a peer that goes back on its word',
    budget: 2,
    sizes: [1, 2],
    writesMax: 2,
    hasVoid: true,
  },
  {
    ...BASE,
    name: 'a peer that goes back on its word, degrade',
    budget: 1,
    policy: 'degrade',
    sizes: [1],
    writesMax: 2,
    hasVoid: true,
  },
  { ...BASE, name: 'span', budget: 3, sizes: [2], writesMax: 2, spanMs: 2 },
];

describe('every reachable state of a small gate keeps the rules', () => {
  let total = 0;
  test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    (_, scenario) => {
      const { states, steps } = walk(scenario);
      total += states;
      process.stdout.write(`${scenario.name}: ${states} states, ${steps} steps\n`);
      expect(states).toBeGreaterThan(100);
    },
  );

  test('and there are many of them', () => {
    process.stdout.write(`all scenarios: ${total} states\n`);
    expect(total).toBeGreaterThan(20_000);
  });
});
