/** The gate, sentence by sentence of its rules. The exhaustive walk is in gate-exhaustive.test.ts. */

import { Gate } from '../../replication/gate.js';
import type {
  GateBudget,
  GateEffect,
  GateOptions,
  GateStart,
} from '../../replication/gate-state.js';

const OPTIONS: GateOptions = {
  hasPeer: true,
  onPeerLoss: 'block',
  degradeAfterMs: 30_000,
  waitTimeoutMs: 5_000,
  syncWindowBytes: 1_000,
  waitersMax: 3,
};
const START: GateStart = { mode: 'gated', isLeaving: false, sequence: 1, recoveredBytes: 0 };

/** A gate with a hand: writes are admitted and appended in one breath, as the write path does it. */
class Hand {
  readonly gate: Gate;
  nowMs = 0;
  #sizes = new Map<number, { size: number; session: number | null }>();
  #requests = 0;
  #records: { sequence: number; size: number }[] = [];
  readonly said: string[] = [];

  constructor(
    budget: Partial<GateBudget>,
    options: Partial<GateOptions> = {},
    start: Partial<GateStart> = {},
  ) {
    this.gate = new Gate(
      { ...OPTIONS, ...options },
      { bytes: 100, spanMs: null, ...budget },
      { ...START, ...start },
      0,
    );
  }

  write(size: number, session: number | null = null): this {
    this.#requests += 1;
    this.#sizes.set(this.#requests, { size, session });
    return this.#hear(this.gate.admit(this.#requests, size, this.nowMs));
  }

  /** A record that counts nothing: schema, abort, expiry. */
  unheld(): this {
    const sequence = this.gate.state.appended + 1;
    return this.#hear(this.gate.append(null, sequence, 0, null, this.nowMs));
  }

  durable(sequence = this.gate.state.appended): this {
    return this.#hear(this.gate.durable(sequence, this.nowMs));
  }

  confirm(
    sequence = this.gate.state.appended,
    change: { recovered?: number; isUnprotected?: boolean } = {},
  ): this {
    const pendingBytes = this.#records
      .filter((record) => record.sequence > sequence)
      .reduce((sum, record) => sum + record.size, 0);
    const claim = {
      sequence,
      pendingBytes,
      recoveredBytes: change.recovered ?? 0,
      isUnprotected: change.isUnprotected ?? false,
    };
    return this.#hear(this.gate.confirmed(claim, this.nowMs));
  }

  link(isLinked = true): this {
    return this.#hear(this.gate.linked(isLinked, this.nowMs));
  }

  budget(bytes: number, spanMs: number | null = null): this {
    return this.#hear(this.gate.setBudget({ bytes, spanMs }, this.nowMs));
  }

  release(): this {
    return this.#hear(this.gate.releasePeer(this.nowMs));
  }

  /** Time passes; what is due happens. */
  wait(ms: number): this {
    const endMs = this.nowMs + ms;
    for (;;) {
      const due = this.gate.nextDeadlineMs();
      if (due === null || due > endMs) break;
      this.nowMs = Math.max(due, this.nowMs);
      this.#hear(this.gate.tick(this.nowMs));
    }
    this.nowMs = endMs;
    return this.#hear(this.gate.tick(endMs));
  }

  /** What was said since the last call. */
  hear(): string[] {
    return this.said.splice(0);
  }

  #hear(effects: readonly GateEffect[]): this {
    for (const effect of effects) {
      switch (effect.type) {
        case 'granted': {
          const { size, session } = this.#sizes.get(effect.request)!;
          const sequence = this.gate.state.appended + 1;
          this.#records.push({ sequence, size });
          this.said.push(`append ${sequence}`);
          const waiter = { sessionBytes: session };
          this.#hear(this.gate.append(effect.request, sequence, size, waiter, this.nowMs));
          break;
        }
        case 'notApplied':
          this.said.push(`not applied (${effect.reason})`);
          break;
        case 'visible':
          this.said.push(`visible ${effect.through}`);
          break;
        case 'acknowledged':
          this.said.push(
            `ok ${effect.sequence}${effect.warning === null ? '' : ` ${effect.warning}`}`,
          );
          break;
        case 'unconfirmed':
          this.said.push(`unconfirmed ${effect.sequence}`);
          break;
        case 'persist':
          this.said.push(`persist ${effect.mode}${effect.isLeaving ? ', leaving' : ''}`);
          this.#hear(this.gate.persisted(effect.ticket, this.nowMs));
          break;
      }
    }
    return this;
  }
}

describe('admission', () => {
  test('pending + reserved + size <= budget, to the byte', () => {
    const hand = new Hand({ bytes: 100 }).write(60).write(40).write(1);
    expect(hand.hear()).toEqual(['append 2', 'append 3']);
    hand.link().confirm(2);
    expect(hand.hear()).toEqual(['append 4']);
  });

  test('first in, first out: a small one does not pass a large one', () => {
    const hand = new Hand({ bytes: 100 }).link().write(90).write(50).write(5);
    expect(hand.hear()).toEqual(['append 2']);
    hand.confirm(2);
    expect(hand.hear()).toEqual(['append 3', 'append 4']);
  });

  test('a record above the budget goes alone, and waits for the peer', () => {
    const hand = new Hand({ bytes: 100 }).link().write(10).write(101).write(5);
    expect(hand.hear()).toEqual(['append 2']);
    hand.confirm();
    expect(hand.hear()).toEqual(['append 3']);
    hand.durable();
    expect(hand.hear()).toEqual(['visible 2', 'ok 2']);
    hand.confirm();
    expect(hand.hear()).toEqual(['visible 3', 'ok 3', 'append 4']);
  });

  test('a record above the budget goes only while the peer is linked', () => {
    const hand = new Hand({ bytes: 100 }).write(101);
    expect(hand.hear()).toEqual([]);
    hand.link();
    expect(hand.hear()).toEqual(['append 2']);
  });

  test('not admitted within rpo_wait_timeout: not applied', () => {
    const hand = new Hand({ bytes: 100 }).write(100).write(1).wait(4_999);
    expect(hand.hear()).toEqual(['append 2']);
    hand.wait(1);
    expect(hand.hear()).toEqual(['not applied (timeout)']);
  });

  test.each([
    ['nothing is pending', new Hand({ bytes: 100 }), 100],
    ['beside what is pending', new Hand({ bytes: 100 }).write(30), 70],
    ['none beyond the budget, though one would go alone', new Hand({ bytes: 100 }).link(), 100],
    ['none while others wait', new Hand({ bytes: 100 }).write(60).write(60), -1],
    ['budget 0 and a peer: the window', new Hand({ bytes: 0 }).link().write(400), 600],
    ['budget 0 and none', new Hand({ bytes: 0 }), -1],
    ['the span is used up', new Hand({ bytes: 100, spanMs: 50 }).write(10).wait(51), -1],
    ['no peer at all', new Hand({ bytes: 100 }, { hasPeer: false }).write(500), Infinity],
    ['released', new Hand({ bytes: 100 }).release().write(500), Infinity],
  ])('room for one more: %s', (_name, hand, room) => {
    const { gate, nowMs } = hand;
    if (room >= 0) expect(gate.hasRoomFor(Math.min(room, 1e9), nowMs)).toBe(true);
    expect(gate.hasRoomFor(room + 1, nowMs)).toBe(room === Infinity);
  });

  test('one that gives up makes room for the next in line at once', () => {
    const hand = new Hand({ bytes: 100 }).write(50).write(60).wait(1_000).write(50);
    expect(hand.hear()).toEqual(['append 2']);
    hand.wait(4_000);
    expect(hand.hear()).toEqual(['not applied (timeout)', 'append 3']);
  });

  test('the queue is bounded', () => {
    const hand = new Hand({ bytes: 100 }).write(100).write(1).write(1).write(1).write(1);
    expect(hand.hear()).toEqual(['append 2', 'not applied (queue-full)']);
  });

  test('budget 0: only while linked, within the window', () => {
    const hand = new Hand({ bytes: 0 }).write(600).write(600);
    expect(hand.hear()).toEqual([]);
    hand.link();
    expect(hand.hear()).toEqual(['append 2']);
    hand.durable();
    expect(hand.hear()).toEqual([]);
    hand.confirm();
    expect(hand.hear()).toEqual(['visible 2', 'ok 2', 'append 3']);
  });

  test('budget 0: a record above the window goes alone', () => {
    const hand = new Hand({ bytes: 0 }).link().write(5_000).write(1);
    expect(hand.hear()).toEqual(['append 2']);
  });

  test('records that count nothing are never held', () => {
    const hand = new Hand({ bytes: 100 }).write(100).unheld().write(1);
    expect(hand.hear()).toEqual(['append 2']);
    hand.durable(3);
    expect(hand.hear()).toEqual(['visible 3', 'ok 2']);
  });
});

describe('acknowledgement', () => {
  test('once durable here, and not before', () => {
    const hand = new Hand({ bytes: 100 }).link().write(10);
    hand.confirm();
    expect(hand.hear()).toEqual(['append 2']);
    hand.durable();
    expect(hand.hear()).toEqual(['visible 2', 'ok 2']);
  });

  test('after rpo_wait_timeout of waiting it is "unconfirmed"; the row becomes visible when it passes', () => {
    const hand = new Hand({ bytes: 0 }).link().write(10).wait(3_000).durable().wait(4_999);
    expect(hand.hear()).toEqual(['append 2']);
    hand.wait(1);
    expect(hand.hear()).toEqual(['unconfirmed 2']);
    hand.confirm();
    expect(hand.hear()).toEqual(['visible 2']);
  });

  test('the loss of the link alone answers nothing', () => {
    const hand = new Hand({ bytes: 0 }).link().write(10).durable().link(false);
    expect(hand.hear()).toEqual(['append 2']);
  });

  test('sequence n is visible only after n - 1', () => {
    const hand = new Hand({ bytes: 0 }).link().write(10).write(10).durable();
    hand.hear();
    hand.confirm(2);
    expect(hand.hear()).toEqual(['visible 2', 'ok 2']);
    hand.confirm(3);
    expect(hand.hear()).toEqual(['visible 3', 'ok 3']);
  });

  test('a stricter session waits behind its own gate; a laxer one gains nothing', () => {
    const hand = new Hand({ bytes: 100 }).link().write(10, 0).write(10, 15).write(10, 1_000);
    hand.hear();
    hand.durable();
    expect(hand.hear()).toEqual(['visible 4', 'ok 4']);
    hand.confirm(2);
    expect(hand.hear()).toEqual(['ok 2', 'ok 3']);
  });

  test('SET GLOBAL lower: who is not answered yet waits for the new budget', () => {
    const hand = new Hand({ bytes: 100 }).link().write(30).write(30);
    hand.budget(40).durable();
    expect(hand.hear()).toEqual(['append 2', 'append 3', 'visible 2', 'ok 2']);
    expect(hand.gate.fits).toBe(false);
    hand.confirm(2);
    expect(hand.hear()).toEqual(['visible 3', 'ok 3']);
    expect(hand.gate.fits).toBe(true);
  });

  test('SET GLOBAL higher: who waits goes on at once', () => {
    const hand = new Hand({ bytes: 10 }).write(10).write(10);
    hand.hear();
    hand.budget(20);
    expect(hand.hear()).toEqual(['append 3']);
  });
});

describe('span', () => {
  test('is the age of the oldest pending record, from its append', () => {
    const hand = new Hand({ spanMs: 1_000 }).link().write(10).wait(400).write(10).wait(500);
    expect(hand.gate.spanMs(hand.nowMs)).toBe(900);
    hand.confirm(2);
    expect(hand.gate.spanMs(hand.nowMs)).toBe(500);
    hand.confirm(3);
    expect(hand.gate.spanMs(hand.nowMs)).toBe(0);
  });

  test('stops admission and acknowledgement when it is exceeded', () => {
    const hand = new Hand({ spanMs: 1_000 }).link().write(10).durable().wait(1_000).write(10);
    expect(hand.hear()).toEqual(['append 2', 'visible 2', 'ok 2', 'append 3']);
    hand.wait(1).durable().write(10);
    expect(hand.hear()).toEqual([]);
    hand.confirm(2);
    expect(hand.hear()).toEqual(['visible 3', 'ok 3', 'append 4']);
  });

  test('recovered records are older than any limit', () => {
    const hand = new Hand({ spanMs: 1_000_000 }, {}, { recoveredBytes: 10 }).link().write(1);
    expect(hand.gate.spanMs(0)).toBe(Infinity);
    expect(hand.hear()).toEqual([]);
    hand.confirm(0, { recovered: 0 });
    expect(hand.hear()).toEqual(['append 2']);
  });

  test('a record that counts nothing does not lend its age to a later one', () => {
    const hand = new Hand({ spanMs: 1_000 }).link().unheld().wait(60_000).write(10);
    expect(hand.gate.spanMs(hand.nowMs)).toBe(0);
  });
});

describe('losing the peer', () => {
  test('block: never beyond the budget, however long', () => {
    const hand = new Hand({ bytes: 100 }).link().link(false).write(100).durable();
    hand.wait(1_000_000).write(1).wait(5_000);
    expect(hand.hear()).toEqual(['append 2', 'visible 2', 'ok 2', 'not applied (timeout)']);
  });

  test('degrade: after degrade_after from the loss of the link', () => {
    const hand = new Hand({ bytes: 100 }, { onPeerLoss: 'degrade' })
      .link()
      .wait(50_000)
      .link(false);
    hand.write(100).durable().wait(29_999);
    expect(hand.hear()).toEqual(['append 2', 'visible 2', 'ok 2']);
    hand.write(50).wait(1).durable();
    expect(hand.hear()).toEqual(['persist degraded', 'append 3', 'visible 3', 'ok 3 degraded']);
  });

  test('degrade: a peer that was never seen is a lost peer', () => {
    const hand = new Hand({ bytes: 0 }, { onPeerLoss: 'degrade' }).wait(30_000);
    expect(hand.hear()).toEqual(['persist degraded']);
  });

  test('degrade: back in time, nothing happens', () => {
    const hand = new Hand({}, { onPeerLoss: 'degrade' }).wait(29_999).link().wait(60_000);
    expect(hand.hear()).toEqual([]);
  });

  test('degraded: what fits carries no warning, what waits is released with it', () => {
    const hand = new Hand({ bytes: 0 }, { onPeerLoss: 'degrade' }).link().write(10).durable();
    hand.link(false).wait(4_000);
    hand.hear();
    const quick = new Hand({ bytes: 100 }, { onPeerLoss: 'degrade', degradeAfterMs: 10 });
    quick.wait(10).write(50).write(60).durable();
    expect(quick.hear()).toEqual([
      'persist degraded',
      'append 2',
      'append 3',
      'visible 3',
      'ok 2',
      'ok 3 degraded',
    ]);
    const patient = new Hand({ bytes: 0 }, { onPeerLoss: 'degrade', degradeAfterMs: 100 }).link();
    patient.write(10).durable().link(false).wait(100);
    expect(patient.hear()).toEqual(['append 2', 'persist degraded', 'visible 2', 'ok 2 degraded']);
  });

  test('a record above the budget needs no peer while degraded', () => {
    const hand = new Hand({ bytes: 10 }, {}, { mode: 'degraded' }).write(1_000);
    expect(hand.hear()).toEqual(['append 2']);
  });

  test('leaving: gated again once the peer is linked and what is pending fits; over when that position is confirmed', () => {
    const hand = new Hand({ bytes: 1_500 }, {}, { mode: 'degraded' })
      .write(2_000)
      .write(100)
      .durable();
    expect(hand.hear()).toEqual([
      'append 2',
      'append 3',
      'visible 3',
      'ok 2 degraded',
      'ok 3 degraded',
    ]);
    hand.link();
    expect(hand.gate.isOpen).toBe(true);
    hand.confirm(2);
    expect(hand.hear()).toEqual(['persist degraded, leaving']);
    expect(hand.gate.state).toMatchObject({ mode: 'degraded', leavingAfter: 3 });
    hand.write(1_400).write(1);
    expect(hand.hear()).toEqual(['append 4']);
    hand.confirm(3);
    expect(hand.hear()).toEqual(['persist gated', 'append 5']);
  });

  test('leaving, and the link is lost again: new appends stay gated until degraded anew', () => {
    const hand = new Hand({ bytes: 10 }, { onPeerLoss: 'degrade' }, { mode: 'degraded' });
    hand.write(500).durable().link();
    expect(hand.hear()).toEqual([
      'append 2',
      'visible 2',
      'ok 2 degraded',
      'persist degraded, leaving',
    ]);
    hand.link(false).write(5).wait(5_000);
    expect(hand.hear()).toEqual(['not applied (timeout)']);
    hand.wait(25_000).write(5);
    expect(hand.hear()).toEqual(['persist degraded', 'append 3']);
  });

  test('released: the operator’s word, at once, whatever the policy', () => {
    const hand = new Hand({ bytes: 0 }).write(10).release().durable();
    expect(hand.hear()).toEqual(['persist released', 'append 2', 'visible 2', 'ok 2 released']);
  });

  test('released with the peer there and nothing pending: over at once', () => {
    const hand = new Hand({}).link().confirm().release();
    expect(hand.hear()).toEqual(['persist released', 'persist gated']);
    expect(hand.gate.state.mode).toBe('gated');
  });

  test('persisted modes hold after a restart', () => {
    expect(new Hand({ bytes: 0 }, {}, { mode: 'released' }).write(10).hear()).toEqual(['append 2']);
    const leaving = new Hand(
      { bytes: 10 },
      {},
      { mode: 'released', isLeaving: true, recoveredBytes: 9 },
    );
    expect(leaving.write(5).hear()).toEqual([]);
    leaving.link().confirm(1);
    expect(leaving.hear()).toEqual(['persist gated', 'append 2']);
  });
});

describe('a peer that goes back on its word', () => {
  test('is unprotected: everything counts again, and on_peer_loss applies though it is linked', () => {
    const hand = new Hand({ bytes: 100 }, { onPeerLoss: 'degrade' }).link();
    hand.write(80).durable().confirm().write(80).durable().confirm();
    hand.hear();
    hand.confirm(0, { isUnprotected: true });
    expect(hand.gate.pendingBytes).toBe(160);
    hand.write(10).wait(4_000);
    expect(hand.hear()).toEqual([]);
    hand.wait(26_000);
    expect(hand.hear()).toEqual(['not applied (timeout)', 'persist degraded']);
    hand.write(10).durable();
    expect(hand.hear()).toEqual(['append 4', 'visible 4', 'ok 4 degraded']);
    hand.confirm(3).confirm(4);
    expect(hand.gate.state.mode).toBe('gated');
  });
});

describe('standalone', () => {
  test('nothing is pending, nothing waits but for the disk', () => {
    const hand = new Hand({ bytes: 0 }, { hasPeer: false }).write(10).write(5_000).durable();
    expect(hand.hear()).toEqual(['append 2', 'append 3', 'visible 3', 'ok 2', 'ok 3']);
    expect(hand.gate.pendingBytes).toBe(0);
    hand.release();
    expect(hand.hear()).toEqual([]);
  });
});

test('a restart makes recovered records pending', () => {
  const hand = new Hand({ bytes: 100 }, {}, { recoveredBytes: 95 }).write(10);
  expect(hand.gate.pendingBytes).toBe(95);
  expect(hand.hear()).toEqual([]);
  hand.link().confirm(0, { recovered: 90 });
  expect(hand.hear()).toEqual(['append 2']);
});
