/**
 * storage.max_series: a client's write that would take the node beyond so many series is refused before anything is appended.
 *
 * Between that moment and the one in which its rows are applied, a write holds a _claim_ to the series that it is going to create, so that
 * several writes under way cannot pass the limit together. While the node is far from the limit a claim is as large as the write has
 * distinct series, known or not, which costs nothing to know. Above three quarters the new ones are counted by their tags, each once however
 * many writes bring it, and so are then the claims that were taken uncounted, before anybody is refused on their account.
 *
 * Rows of known series are always let through, and so is everything that comes from the peer or from the journal: the node may then
 * stand beyond its limit, and takes no new series of its own.
 */

import { SqlError } from '../../protocol/index.js';
import type { JournalPoint } from '../../replication/index.js';
import type { TableSchema } from '../../storage/index.js';

/** Up to this share of the limit nothing is counted. */
const UNCOUNTED_SHARE = 0.75;

/** A section of a write, as far as the limit looks at it. */
export interface SeriesSection {
  readonly bytes: Uint8Array;
  readonly schema: TableSchema | null;
  /** It creates no more than so many series: 0 = none, as a section that deletes. */
  readonly seriesCount: number;
}

/** What the limit must know of the store. */
export interface SeriesSource {
  /** Of all tables, now. */
  seriesCount(): number;
  /** No less than `seriesCount`, hardly more, and known without work. */
  seriesCountMax(): number;
  /** The canonical tags of those that a section of rows would create now. */
  newSeries(section: Uint8Array, schema: TableSchema): Promise<readonly string[]>;
  /** The own record there is applied: its series are in the count. */
  isApplied(position: JournalPoint): boolean;
}

/** What a write holds while it is under way: nothing at first. For the limit's eyes only. */
export class SeriesClaim {
  /** Sections claimed by their number of distinct series. */
  readonly uncounted: SeriesSection[] = [];
  /** Sections claimed by name. */
  readonly counted: SeriesSection[] = [];
  /** New series claimed by name; null = none. */
  names: Set<string> | null = null;
  /** Stored: its rows become visible one day. */
  isUnconfirmed = false;
  isSettled = false;
  /** Its place among the claims that hold anything, -1 = it is none of them. */
  place = -1;
}

export class SeriesLimit {
  readonly max: number;
  readonly #source: SeriesSource;
  readonly #uncountedMax: number;
  /** Of all claims that hold anything: what they took uncounted. */
  #uncounted = 0;
  /** New series that are claimed -> by how many writes. Those that another write has created meanwhile are let go before a refusal. */
  readonly #claimed = new Map<string, number>();
  /** Those that hold anything, in no order. */
  readonly #claims: SeriesClaim[] = [];
  /** Stored but not visible yet: their series come with their rows. */
  #unconfirmed: { readonly claim: SeriesClaim; readonly position: JournalPoint }[] = [];
  #refusedWrites = 0;

  constructor(source: SeriesSource, max: number) {
    this.#source = source;
    this.max = max;
    this.#uncountedMax = Math.floor(max * UNCOUNTED_SHARE);
  }

  /** Of the node, now. */
  get seriesCount(): number {
    return this.#source.seriesCount();
  }

  /** Writes that were refused since the start. */
  get refusedWrites(): number {
    return this.#refusedWrites;
  }

  /** So many series may be claimed without being counted. */
  isFarFrom(count: number): boolean {
    if (this.#unconfirmed.length > 0) this.#settleApplied();
    return this.#source.seriesCountMax() + this.#claimedCount + count <= this.#uncountedMax;
  }

  /** Claims what the sections can create at most; false = too near to the limit for that, and nothing is claimed. */
  takeUncounted(claim: SeriesClaim, sections: readonly SeriesSection[]): boolean {
    let count = 0;
    for (const { seriesCount } of sections) count += seriesCount;
    if (!this.isFarFrom(count)) return false;
    if (count === 0) return true;
    this.#uncounted += count;
    for (const section of sections) if (section.seriesCount > 0) claim.uncounted.push(section);
    this.#hold(claim);
    return true;
  }

  /** Claims what they create. Rejects with 3170 when there is no room; what was claimed before stays. */
  async takeCounted(claim: SeriesClaim, sections: readonly SeriesSection[]): Promise<void> {
    for (const section of sections) {
      let names = await this.#newSeriesOf(section);
      if (this.#seriesAndClaims() + this.#unclaimed(names) > this.max) {
        await this.#countClaims();
        names = await this.#newSeriesOf(section);
      }
      const unclaimed = this.#unclaimed(names);
      // Whoever creates none passes, also when the peer has taken the node beyond the limit.
      if (unclaimed > 0 && this.#seriesAndClaims() + unclaimed > this.max) {
        this.#refusedWrites += 1;
        throw this.#refusal((claim.names?.size ?? 0) + names.length);
      }
      this.#hold(claim);
      this.#addNames(claim, section, names);
    }
  }

  /** The rows are visible: what they created is in the store's count. */
  applied(claim: SeriesClaim): void {
    this.#settle(claim, true);
  }

  /** They never will be. Without effect once they are stored. */
  notApplied(claim: SeriesClaim): void {
    if (!claim.isUnconfirmed) this.#settle(claim, false);
  }

  /** They will be when the record there is. */
  unconfirmed(claim: SeriesClaim, position: JournalPoint): void {
    claim.isUnconfirmed = true;
    this.#unconfirmed.push({ claim, position });
  }

  /** What was claimed uncounted is counted now, and what others have created since it was claimed is let go. */
  async #countClaims(): Promise<void> {
    const looked = new Set<SeriesClaim>();
    for (;;) {
      // Others may come and go while this one is counted.
      const claim = this.#claims.find((other) => !looked.has(other));
      if (claim === undefined) return;
      looked.add(claim);
      while (claim.uncounted.length > 0) {
        const section = claim.uncounted.pop()!;
        const names = await this.#newSeriesOf(section);
        if (!claim.isSettled) this.#addNames(claim, section, names);
        this.#uncounted -= section.seriesCount;
      }
      await this.#letGoCreated(claim);
    }
  }

  /** A write that was not counted, or the peer's, may have created them: then they are in the store's count. */
  async #letGoCreated(claim: SeriesClaim): Promise<void> {
    const stillNew = new Set<string>();
    for (const section of claim.counted) {
      for (const name of await this.#newSeriesOf(section)) stillNew.add(name);
    }
    if (claim.isSettled) return;
    for (const name of claim.names ?? []) {
      if (stillNew.has(name)) continue;
      claim.names?.delete(name);
      this.#claimed.delete(name);
    }
  }

  #settle(claim: SeriesClaim, isApplied: boolean): void {
    if (claim.isSettled) return;
    claim.isSettled = true;
    this.#letGo(claim);
    for (const { seriesCount } of claim.uncounted) this.#uncounted -= seriesCount;
    if (claim.names === null) return;
    for (const name of claim.names) {
      const holders = this.#claimed.get(name) ?? 0;
      // Once applied it is in the store's count, whoever else is about to bring it.
      if (isApplied || holders <= 1) this.#claimed.delete(name);
      else this.#claimed.set(name, holders - 1);
    }
  }

  // A list instead of a set: every statement of one row comes and goes.

  #hold(claim: SeriesClaim): void {
    if (claim.place >= 0) return;
    claim.place = this.#claims.length;
    this.#claims.push(claim);
  }

  #letGo(claim: SeriesClaim): void {
    if (claim.place < 0) return;
    const last = this.#claims.pop()!;
    if (last !== claim) {
      last.place = claim.place;
      this.#claims[claim.place] = last;
    }
    claim.place = -1;
  }

  #settleApplied(): void {
    this.#unconfirmed = this.#unconfirmed.filter(({ claim, position }) => {
      const isApplied = this.#source.isApplied(position);
      if (isApplied) this.#settle(claim, true);
      return !isApplied;
    });
  }

  /** An upper bound of the series that there are when everything under way is applied. */
  #seriesAndClaims(): number {
    return this.#source.seriesCount() + this.#claimedCount;
  }

  get #claimedCount(): number {
    return this.#uncounted + this.#claimed.size;
  }

  #unclaimed(names: readonly string[]): number {
    let count = 0;
    for (const name of names) count += this.#claimed.has(name) ? 0 : 1;
    return count;
  }

  #addNames(claim: SeriesClaim, section: SeriesSection, names: readonly string[]): void {
    if (names.length > 0) claim.counted.push(section);
    claim.names ??= new Set();
    for (const name of names) {
      if (claim.names.has(name)) continue;
      claim.names.add(name);
      this.#claimed.set(name, (this.#claimed.get(name) ?? 0) + 1);
    }
  }

  async #newSeriesOf({ bytes, schema, seriesCount }: SeriesSection): Promise<readonly string[]> {
    if (schema === null || seriesCount === 0) return [];
    const tags = await this.#source.newSeries(bytes, schema);
    return tags.map((tuple) => `${schema.tableId}/${tuple}`);
  }

  #refusal(count: number): SqlError {
    return new SqlError(
      'ER_CAPACITY_EXCEEDED',
      `Write not applied: its rows bring ${count} new series, and storage.max_series = ${this.max} (${this.#source.seriesCount()} are there now)`,
    );
  }
}
