/**
 * Memory of decoded blocks that is used again as soon as nobody needs their rows: a job that reads millions of rows would otherwise leave
 * so many arrays behind that collecting them takes more time than merging does.
 */

import type { Page } from './page.js';
import { ScratchMemory } from './vector-memory.js';

export class BlockMemories {
  readonly #free: ScratchMemory[] = [];
  readonly #lent = new Map<Page, ScratchMemory>();

  /** Pages whose memory has not been given back. */
  get lentCount(): number {
    return this.#lent.size;
  }

  /** For one block. Goes on to `lend` or `giveBack`. */
  take(): ScratchMemory {
    return this.#free.pop() ?? new ScratchMemory();
  }

  /** `page` lies in `memory` until it is not held any more. */
  lend(page: Page, memory: ScratchMemory): void {
    this.#lent.set(page, memory);
  }

  /** Nothing lies in it. */
  giveBack(memory: ScratchMemory): void {
    memory.reset();
    this.#free.push(memory);
  }

  /** Takes back the memory of all pages but these: nobody may look at the others again. */
  takeBackAllBut(held: ReadonlySet<Page>): void {
    for (const [page, memory] of this.#lent) {
      if (held.has(page)) continue;
      this.#lent.delete(page);
      this.giveBack(memory);
    }
  }
}
