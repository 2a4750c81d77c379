/**
 * Says every few seconds what has expired, as a record: this node's own clock decides, once, and both nodes obey the record.
 *
 * A clock that is wrong would delete rows for good, so it is used only while something vouches for it: the peer's clock (the
 * stamps' armour: at most the peer's plus `max_clock_skew`), that there is no peer, or an operator or a configuration that lets
 * this node go on without it. Until then rows stay a little longer.
 */

import { encodeExpiryBody, type Timer, type Timers } from '../../storage/index.js';
import type { Catalog } from '../catalog/catalog.js';
import { dueExpiries, type StoredTimes } from './expiry-plan.js';

const PERIOD_MS = 5_000;
/** So a record stays small: 16 bytes a table. */
const TABLES_PER_RECORD = 4096;

export interface ExpiryTaskDeps {
  readonly timers: Timers;
  readonly catalog: Catalog;
  readonly stored: StoredTimes;
  /** Null = nothing vouches for the clock now. */
  readonly nowMs: () => number | null;
  /** Appends an expiry record; false = not now. */
  readonly expire: (body: Uint8Array) => boolean;
  readonly defaultTtlMs: number | null;
}

export class ExpiryTask {
  readonly #deps: ExpiryTaskDeps;
  #timer: Timer | null = null;

  constructor(deps: ExpiryTaskDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#deps.timers.after(PERIOD_MS, () => {
      this.run();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** One look at all tables. */
  run(): void {
    const { catalog, stored, expire, defaultTtlMs } = this.#deps;
    const nowMs = this.#deps.nowMs();
    if (nowMs === null) return;
    const due = dueExpiries(catalog, stored, nowMs, defaultTtlMs);
    for (let from = 0; from < due.length; from += TABLES_PER_RECORD) {
      if (!expire(encodeExpiryBody(due.slice(from, from + TABLES_PER_RECORD)))) return;
    }
  }
}
