/**
 * The rows of a compaction, identity by identity: most have one row, which is picked as it comes; the others are decided at their end.
 */

import type { Pacer } from './pacer.js';
import { compareIdentity, type Page } from './page.js';
import { PickedRows } from './picked-rows.js';
import { reduceIdentity, type ReductionRules } from './row-reduction.js';
import { SeveralTimes } from './several-times.js';
import type { VectorMemory } from './vector-memory.js';

export class IdentityGroups {
  /** Rows that stay, in order. Those of the current identity may still change. */
  readonly rows = new PickedRows();
  /** At which more than one row of an identity, or a tombstone, is left. */
  readonly several = new SeveralTimes();
  readonly #rules: ReductionRules;
  #page: Page | null = null;
  #row = 0;
  /** Rows picked before the current identity's. */
  #start = 0;
  /** The current identity's rows. */
  #count = 0;
  #pages: Page[] = [];
  #numbers = new Uint32Array(16);
  #versions = new Float64Array(16);
  #tombstones = new Uint8Array(16);
  #kept = new Uint32Array(16);

  constructor(rules: ReductionRules) {
    this.#rules = rules;
  }

  /** Rows that stay whatever comes: those of the current identity are not among them. */
  get settledCount(): number {
    return this.#count === 0 ? this.rows.count : this.#start;
  }

  /** As PickedRows.take. Requires: as many are settled. */
  async take(rows: number, pacer: Pacer, memory: VectorMemory): Promise<Page> {
    const page = await this.rows.take(rows, pacer, memory);
    this.#start -= page.length;
    return page;
  }

  /** The rows `from..to-1`, which come next in order. */
  addStretch(page: Page, from: number, to: number): void {
    for (let row = from; row < to; row++) {
      if (this.isNewIdentity(page, row)) {
        this.endGroup();
        row = this.pickSingles(page, row, to);
      }
      this.add(page, row);
    }
  }

  isNewIdentity(page: Page, row: number): boolean {
    if (this.#page === null) return true;
    // Where there are many series, most rows are of another one than the row before.
    if (this.#page.series[this.#row] !== page.series[row]) return true;
    return compareIdentity(this.#page, this.#row, page, row) !== 0;
  }

  /**
   * Picks the rows from `from` on, of a stretch that ends at `to`, as long as each is the only one of its identity and no tombstone; returns the
   * first one that was not picked. The last one never is: the next stretch may go on with its identity. Requires: no group is open,
   * and the first row is a new identity.
   */
  pickSingles(page: Page, from: number, to: number): number {
    if (page.tombstones !== null) return from;
    const end = singlesEnd(page.series, page.times, from, to - 1);
    this.rows.pushStretch(page, from, end);
    return end;
  }

  /** The next row in order. Requires: where it is a new identity, the one before has ended. */
  add(page: Page, row: number): void {
    const index = this.#count++;
    if (index === 0) {
      this.#page = page;
      this.#row = row;
      this.#start = this.rows.count;
    } else if (index === this.#numbers.length) {
      this.#grow();
    }
    this.#pages[index] = page;
    this.#numbers[index] = row;
    this.#versions[index] = page.versions[row]!;
    this.#tombstones[index] = page.tombstones === null ? 0 : page.tombstones[row]!;
    if (index === 0) this.rows.push(page, row);
  }

  /** Adds the pages whose rows will be looked at again. */
  holdPages(held: Set<Page>): void {
    if (this.#page !== null) held.add(this.#page);
    for (const page of this.#pages) held.add(page);
    for (const page of this.rows.pages) held.add(page);
  }

  /** Decides on the identity's rows. */
  endGroup(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    if (count === 1 && this.#tombstones[0] === 0) return;
    this.rows.count = this.#start;
    const group = { count, versions: this.#versions, tombstones: this.#tombstones };
    const kept = reduceIdentity(group, this.#rules, this.#kept);
    let left = 0;
    for (let index = 0; index < kept; index++) {
      const row = this.#kept[index]!;
      if (this.#joinsBefore(index)) this.rows.mergeInto(this.#pages[row]!, this.#numbers[row]!);
      else {
        this.rows.push(this.#pages[row]!, this.#numbers[row]!);
        left++;
      }
    }
    this.#note(left, kept);
    // Pages are not kept alive by a group that is over.
    this.#pages.length = 0;
  }

  /** True for a row whose fields cover those of the kept row before it, for good: no row between the two is anywhere else. */
  #joinsBefore(index: number): boolean {
    if (!this.#rules.mergeFields || index === 0) return false;
    const row = this.#kept[index]!;
    const before = this.#kept[index - 1]!;
    const areRows = this.#tombstones[row] === 0 && this.#tombstones[before] === 0;
    return areRows && this.#versions[row]! <= this.#rules.settledHorizon;
  }

  #note(left: number, kept: number): void {
    let hasTombstone = false;
    for (let index = 0; index < kept; index++) {
      if (this.#tombstones[this.#kept[index]!] === 1) hasTombstone = true;
    }
    if (left < 2 && !hasTombstone) return;
    const page = this.#page!;
    this.several.note(page.base, page.times[this.#row]!, hasTombstone);
  }

  #grow(): void {
    const size = this.#numbers.length * 2;
    const numbers = new Uint32Array(size);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    const versions = new Float64Array(size);
    versions.set(this.#versions);
    this.#versions = versions;
    const tombstones = new Uint8Array(size);
    tombstones.set(this.#tombstones);
    this.#tombstones = tombstones;
    this.#kept = new Uint32Array(size);
  }
}

/** The first row of from..last whose next one has the same series and time; `last` when there is none. */
function singlesEnd(series: Uint32Array, times: Float64Array, from: number, last: number): number {
  let row = from;
  while (row < last && (times[row] !== times[row + 1] || series[row] !== series[row + 1])) row++;
  return row;
}
