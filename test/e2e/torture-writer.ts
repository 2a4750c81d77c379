/**
 * A client that overwrites, appends and deletes in statements that are each one record, and knows what each row may look like after its node
 * was killed: what was acknowledged holds, and of the one statement that was under way all or nothing does.
 */

import type { Connection } from 'mysql2/promise';
import type { SeededRandom } from '../support/seeded-random.js';
import { rowsOf, run } from '../support/typed-query.js';

/** Instants that rows are written at: few, so that most writes are overwrites. */
const SLOTS = 4000;
const T0 = 1_700_000_000_000;
const SLOT_MS = 60_000;
const BATCH_ROWS = 250;

/** Two partitions, so that each flush writes several runs. */
export const CREATE_TORTURE = [
  'CREATE DATABASE torture',
  `CREATE TABLE torture.latest (writer STRING PRIMARY KEY, ts TIMESTAMP(3) TIME INDEX, value BIGINT, filler DOUBLE)`,
  `CREATE TABLE torture.everything (writer STRING PRIMARY KEY, ts TIMESTAMP(3) TIME INDEX, batch BIGINT) WITH ('append_mode' = 'true')`,
];

type Operation =
  | { readonly kind: 'overwrite'; readonly slots: readonly number[]; readonly value: number }
  | { readonly kind: 'delete'; readonly from: number; readonly to: number }
  | { readonly kind: 'append'; readonly batch: number };

export class TortureWriter {
  readonly #name: string;
  readonly #random: SeededRandom;
  /** Value by slot, as acknowledged; a slot that was deleted or never written has none. */
  readonly #latest = new Map<number, number>();
  /** Acknowledged batches. */
  readonly #batches = new Set<number>();
  /** The statement whose answer never came. */
  #unknown: Operation | null = null;
  #next = 1;
  statements = 0;

  constructor(name: string, random: SeededRandom) {
    this.#name = name;
    this.#random = random;
  }

  /** One statement after another, until the node is gone. */
  async writeUntilKilled(client: Connection): Promise<void> {
    for (;;) {
      const operation = this.#operation();
      this.#unknown = operation;
      try {
        await run(client, this.#sql(operation));
      } catch (error) {
        if ((error as { errno?: number }).errno === undefined || isBroken(error)) return;
        throw error;
      }
      this.#unknown = null;
      this.#acknowledged(operation);
      this.statements += 1;
    }
  }

  /** What differs from what was promised; and what the unknown statement came to is known from here on. */
  async differences(client: Connection): Promise<string[]> {
    const found: string[] = [];
    const own = [this.#name];
    const latest = await rowsOf<{ slot: number | string; value: number | string }>(
      client,
      `SELECT CAST((UNIX_TIMESTAMP(ts) * 1000 - ${T0}) / ${SLOT_MS} AS SIGNED) AS slot, value FROM torture.latest WHERE writer = ?`,
      own,
    );
    const seen = new Map<number, number>();
    for (const { slot, value } of latest) {
      if (seen.has(Number(slot))) found.push(`${this.#name}: slot ${slot} is there twice`);
      seen.set(Number(slot), Number(value));
    }
    const batches = await rowsOf<{ batch: number | string; n: number | string }>(
      client,
      'SELECT batch, COUNT(*) AS n FROM torture.everything WHERE writer = ? GROUP BY batch',
      own,
    );
    const counts = new Map(batches.map(({ batch, n }) => [Number(batch), Number(n)]));
    const unknown = this.#unknown;
    this.#unknown = null;
    if (unknown !== null && this.#happened(unknown, seen, counts)) this.#acknowledged(unknown);
    for (let slot = 0; slot < SLOTS; slot++) {
      const [is, should] = [seen.get(slot), this.#latest.get(slot)];
      if (is !== should) found.push(`${this.#name}: slot ${slot} is ${is}, not ${should}`);
    }
    for (const batch of new Set([...counts.keys(), ...this.#batches])) {
      const should = this.#batches.has(batch) ? BATCH_ROWS : 0;
      const is = counts.get(batch) ?? 0;
      if (is !== should) found.push(`${this.#name}: batch ${batch} has ${is} rows, not ${should}`);
    }
    return found;
  }

  #operation(): Operation {
    const random = this.#random;
    const number = this.#next++;
    if (random.chance(0.3)) return { kind: 'append', batch: number };
    if (random.chance(0.1)) {
      const from = random.integer(0, SLOTS - 1);
      return { kind: 'delete', from, to: from + random.integer(0, 50) };
    }
    const slots = new Set<number>();
    while (slots.size < BATCH_ROWS) slots.add(random.integer(0, SLOTS - 1));
    return { kind: 'overwrite', slots: [...slots], value: number };
  }

  #sql(operation: Operation): string {
    const time = (slot: number): number => T0 + slot * SLOT_MS;
    switch (operation.kind) {
      case 'overwrite': {
        const { slots, value } = operation;
        const rows = slots.map(
          (slot) => `('${this.#name}', ${time(slot)}, ${value}, ${Math.sqrt(slot * value)})`,
        );
        return `INSERT INTO torture.latest VALUES ${rows.join(',')}`;
      }
      case 'append': {
        const rows = Array.from(
          { length: BATCH_ROWS },
          () => `('${this.#name}', ${time(this.#random.integer(0, SLOTS))}, ${operation.batch})`,
        );
        return `INSERT INTO torture.everything VALUES ${rows.join(',')}`;
      }
      case 'delete':
        return `DELETE FROM torture.latest WHERE writer = '${this.#name}' AND ts >= ${time(operation.from)} AND ts <= ${time(operation.to)}`;
    }
  }

  #acknowledged(operation: Operation): void {
    if (operation.kind === 'append') this.#batches.add(operation.batch);
    else if (operation.kind === 'overwrite') {
      for (const slot of operation.slots) this.#latest.set(slot, operation.value);
    } else {
      for (let slot = operation.from; slot <= operation.to; slot++) this.#latest.delete(slot);
    }
  }

  /** By one row of it; the comparison that follows sees whether the others agree. */
  #happened(
    operation: Operation,
    seen: ReadonlyMap<number, number>,
    counts: ReadonlyMap<number, number>,
  ): boolean {
    if (operation.kind === 'append') return counts.has(operation.batch);
    if (operation.kind === 'overwrite') return seen.get(operation.slots[0]!) === operation.value;
    for (let slot = operation.from; slot <= operation.to; slot++) {
      if (this.#latest.has(slot)) return !seen.has(slot);
    }
    return false;
  }
}

/** The connection, not the statement. */
function isBroken(error: unknown): boolean {
  const { code, sqlState } = error as { code?: string; sqlState?: string };
  const isLost = code === 'PROTOCOL_CONNECTION_LOST' || code === 'ECONNRESET' || code === 'EPIPE';
  return isLost || sqlState === '08S01';
}
