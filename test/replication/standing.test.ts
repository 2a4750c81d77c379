/** What the nodes know of each other, clocks in pairs, lag, and the ledger of degraded intervals. */

import { ClockPairs } from '../../replication/clock-pairs.js';
import { LEDGER_ROWS_MAX } from '../../replication/config.js';
import { DegradedLedger } from '../../replication/degraded-ledger.js';
import { LagMeter } from '../../replication/lag-meter.js';
import { clusterIdOf, linkKeyOf } from '../../replication/proof.js';
import { Standing } from '../../replication/standing.js';

describe('claims', () => {
  test('go forward within a link, and anywhere at a handshake', () => {
    const standing = new Standing(undefined);
    standing.advance('a', 5);
    standing.advance('a', 3);
    expect(standing.claimOf('a')).toBe(5);
    expect([standing.hasClaims, standing.isUnprotected]).toEqual([true, false]);
    standing.replace(new Map([['a', 2]]));
    expect(standing.claimOf('a')).toBe(2);
    expect(standing.isUnprotected).toBe(true);
    standing.advance('a', 5);
    expect(standing.isUnprotected).toBe(false);
  });

  test('what a handshake does not name, the peer does not have', () => {
    const standing = new Standing(undefined);
    standing.advance('a', 5);
    standing.replace(new Map([['b', 1]]));
    expect([standing.claimOf('a'), standing.claimOf('b')]).toEqual([0, 1]);
    expect(standing.isUnprotected).toBe(true);
  });

  test('survive a restart, with the highest that was ever claimed', () => {
    const standing = new Standing(undefined);
    standing.advance('a', 5);
    standing.replace(new Map([['a', 2]]));
    standing.agree({ origin: 1, incarnation: 'o', sequence: 9 });
    expect(standing.isDirty).toBe(true);
    const again = new Standing(standing.encode());
    expect(standing.isDirty).toBe(false);
    expect(again.claimOf('a')).toBe(2);
    expect(again.isUnprotected).toBe(true);
    expect(again.agreedEnd(1, 'o')).toBe(9);
    expect(again.agreedEnd(2, 'o')).toBeNull();
  });

  test('claims on what is in no journal any more are dropped', () => {
    const standing = new Standing(undefined);
    standing.advance('a', 5);
    standing.keepClaims(new Set(['b']));
    expect(standing.hasClaims).toBe(false);
  });

  test('agreed ends are remembered for a bounded number of incarnations of each origin', () => {
    const standing = new Standing(undefined);
    standing.agree({ origin: 2, incarnation: 'kept', sequence: 1 });
    for (let count = 0; count < 300; count += 1) {
      standing.agree({ origin: 1, incarnation: `i${count}`, sequence: count });
    }
    expect(standing.agreedEnd(1, 'i299')).toBe(299);
    expect(standing.agreedEnd(1, 'i0')).toBeNull();
    expect(standing.agreedEnd(2, 'kept')).toBe(1);
  });
});

describe('clock pairs', () => {
  /** The peer's clock is 1,000 ms ahead. */
  function exchange(
    pairs: ClockPairs,
    sentMs: number,
    thereMs: number,
    heldMs: number,
    backMs: number,
  ): void {
    pairs.sent(1, sentMs);
    const heardMs = sentMs + thereMs + heldMs + backMs;
    const wallMs = sentMs + thereMs + heldMs + 1_000;
    const beat = { number: 1, wallMs, echo: 1, echoHeldMs: heldMs };
    pairs.heard(beat, { wallMs: heardMs, monotonicMs: heardMs });
  }

  test('the time held does not count', () => {
    const pairs = new ClockPairs();
    expect(pairs.estimate).toBeNull();
    exchange(pairs, 0, 10, 700, 10);
    expect(pairs.estimate).toEqual({ offsetMs: 1_000, roundTripMs: 20 });
  });

  test('the shortest round trip is believed', () => {
    const pairs = new ClockPairs();
    exchange(pairs, 0, 10, 0, 200);
    expect(pairs.estimate!.offsetMs).toBe(905);
    exchange(pairs, 1_000, 10, 0, 12);
    exchange(pairs, 2_000, 300, 0, 10);
    expect(pairs.estimate!.offsetMs).toBe(999);
  });

  test('an answer to nothing is no pair', () => {
    const pairs = new ClockPairs();
    const beat = { number: 1, wallMs: 5, echo: 7, echoHeldMs: 0 };
    expect(pairs.heard(beat, { wallMs: 0, monotonicMs: 0 })).toBe(false);
    expect(pairs.echo(30)).toEqual({ echo: 1, echoHeldMs: 30 });
  });
});

test('lag is the age of the oldest heartbeat whose record is not applied', () => {
  const lag = new LagMeter();
  let applied = 10;
  const lagAt = (nowMs: number): number => lag.lagMs(() => applied, nowMs);
  expect(lagAt(0)).toBe(0);
  lag.heard('a', 10, 100);
  lag.heard('a', 20, 200);
  lag.heard('a', 30, 300);
  expect(lagAt(450)).toBe(250);
  applied = 25;
  expect(lagAt(450)).toBe(150);
  applied = 30;
  expect(lagAt(450)).toBe(0);
});

describe('the ledger', () => {
  test('has a row an interval, with what went beyond the budget', () => {
    const ledger = new DegradedLedger(undefined, 0);
    ledger.count(5);
    expect(ledger.note('gated', 1)).toBe(false);
    expect(ledger.note('degraded', 10)).toBe(true);
    ledger.count(100);
    ledger.count(50);
    ledger.note('released', 20);
    ledger.count(7);
    ledger.note('gated', 30);
    expect(ledger.rows).toEqual([
      { kind: 'degraded', startedAtMs: 10, endedAtMs: 20, bytes: 150, acknowledgements: 2 },
      { kind: 'released', startedAtMs: 20, endedAtMs: 30, bytes: 7, acknowledgements: 1 },
    ]);
  });

  test('a restart ends the interval that was open', () => {
    const ledger = new DegradedLedger(undefined, 0);
    ledger.note('degraded', 10);
    const again = new DegradedLedger(ledger.encode(), 99);
    expect(again.rows).toMatchObject([{ startedAtMs: 10, endedAtMs: 99 }]);
  });

  test('is bounded', () => {
    const ledger = new DegradedLedger(undefined, 0);
    for (let count = 0; count < LEDGER_ROWS_MAX + 10; count += 1) {
      ledger.note('degraded', count);
      ledger.note('gated', count);
    }
    expect(ledger.rows).toHaveLength(LEDGER_ROWS_MAX);
    expect(ledger.rows[0]!.startedAtMs).toBe(10);
  });
});

test('cluster id and key are made of the secret, for one purpose each', () => {
  expect(clusterIdOf('secret')).toMatch(/^[0-9a-f]{16}$/);
  expect(clusterIdOf('secret')).not.toBe(clusterIdOf('secret2'));
  expect(Buffer.from(linkKeyOf('secret')).toString('hex')).not.toContain(clusterIdOf('secret'));
});
