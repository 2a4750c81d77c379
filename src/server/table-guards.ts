/**
 * Who writes to which table now, for statements that read before they write.
 *
 * A DELETE that lists keys must not delete a row that was written after it looked. It can't lock rows, and it must not
 * hold up every writer for the length of its scan. So:
 *
 *   commits     enter a table as one of many, from before their append until they are visible, and are counted at the append
 *   a reader    is alone in the table for the moment in which it opens its view: then every row that was appended is in it,
 *               and the count tells, in the turn of its own append, whether anything has been appended since
 *
 * If something has, the statement does its work again, this time alone in the table until its append.
 *
 * Rows of the peer are not waited for: between nodes the higher version wins, as everywhere.
 */

import type { TableId } from '../../storage/index.js';

interface TableGuard {
  /** Commits between append and visibility. */
  sharedCount: number;
  isAlone: boolean;
  appended: number;
  /** Woken, all of them, whenever something leaves. */
  readonly waiting: (() => void)[];
  /** Readers that wait to be alone: new commits stay behind them. */
  aloneWaiting: number;
}

export class TableGuards {
  /** Tables that someone is in or waits for, or whose count a reader remembers. */
  readonly #guards = new Map<TableId, TableGuard>();

  /** Enters all of the tables as one of many, in this turn. Returns what leaves them again; null when one has to be waited for. */
  tryShare(tableIds: readonly TableId[]): (() => void) | null {
    const entered: TableGuard[] = [];
    for (const tableId of tableIds) {
      const guard = this.#guardOf(tableId);
      if (isTaken(guard)) return null;
      entered.push(guard);
    }
    for (const guard of entered) guard.sharedCount += 1;
    return () => leaveAll(entered);
  }

  /** Enters all of the tables as one of many. Resolves to what leaves them again. */
  async share(tableIds: readonly TableId[]): Promise<() => void> {
    const entered: TableGuard[] = [];
    // In one order for all, so that nobody waits in a circle.
    for (const tableId of [...tableIds].sort((a, b) => a - b)) {
      const guard = this.#guardOf(tableId);
      while (isTaken(guard)) await left(guard);
      guard.sharedCount += 1;
      entered.push(guard);
    }
    return () => leaveAll(entered);
  }

  /** `tryShare` of this table would enter it. */
  isShareable(tableId: TableId): boolean {
    const guard = this.#guards.get(tableId);
    return guard === undefined || !isTaken(guard);
  }

  /** Waits until nobody is in the table, and enters it alone. Resolves to what leaves it again. */
  async alone(tableId: TableId): Promise<() => void> {
    const guard = this.#guardOf(tableId);
    guard.aloneWaiting += 1;
    while (guard.isAlone || guard.sharedCount > 0) await left(guard);
    guard.aloneWaiting -= 1;
    guard.isAlone = true;
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      guard.isAlone = false;
      wake(guard);
    };
  }

  /** Appends to the table so far. */
  appendedTo(tableId: TableId): number {
    return this.#guards.get(tableId)?.appended ?? 0;
  }

  /** In the turn of the append. */
  noteAppend(tableId: TableId): void {
    this.#guardOf(tableId).appended += 1;
  }

  /** The table was dropped. */
  forget(tableId: TableId): void {
    const guard = this.#guards.get(tableId);
    const isUnused = guard?.sharedCount === 0 && !guard.isAlone && guard.waiting.length === 0;
    if (isUnused) this.#guards.delete(tableId);
  }

  #guardOf(tableId: TableId): TableGuard {
    let guard = this.#guards.get(tableId);
    if (guard === undefined) {
      guard = { sharedCount: 0, isAlone: false, appended: 0, waiting: [], aloneWaiting: 0 };
      this.#guards.set(tableId, guard);
    }
    return guard;
  }
}

/** Someone is alone in it, or waits to be: new commits stay behind him. */
function isTaken(guard: TableGuard): boolean {
  return guard.isAlone || guard.aloneWaiting > 0;
}

/** Leaves each once, however often it is called. */
function leaveAll(entered: TableGuard[]): void {
  for (;;) {
    const guard = entered.pop();
    if (guard === undefined) return;
    guard.sharedCount -= 1;
    wake(guard);
  }
}

function left(guard: TableGuard): Promise<void> {
  return new Promise((resolve) => guard.waiting.push(resolve));
}

function wake(guard: TableGuard): void {
  if (guard.waiting.length === 0) return;
  for (const resolve of guard.waiting.splice(0)) resolve();
}
