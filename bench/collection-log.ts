/**
 * What V8 logs under --trace-gc, added up: bytes allocated on the JavaScript heaps of a process, and what collecting them took.
 *
 * Between two collections a heap grows by what was allocated: the sum of (before this one - after the last one). Each thread has a heap.
 */

/** "[12:0x7f01] 345 ms: Scavenge 12.3 (20.0) -> 8.1 (20.5) MB, 1.2 / 0.0 ms ...": heap, kind, before, after, pause. */
const LINE =
  /\[\d+:(0x[0-9a-f]+)\].*?: (Scavenge|Mark-Compact)[^:]*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB, (?:pooled: \S+ MB, )?([\d.]+)/g;

export interface Collections {
  readonly allocatedBytes: number;
  readonly scavenges: number;
  readonly full: number;
  readonly pauseMs: number;
}

/** Reads the log as it comes. */
export class CollectionLog {
  /** MB in use after the last collection, by heap. */
  readonly #after = new Map<string, number>();
  #rest = '';
  #allocatedMB = 0;
  #scavenges = 0;
  #full = 0;
  #pauseMs = 0;

  /** Counts from here on. What was allocated since the last collection counts too: a thread says so only at its next. */
  begin(): void {
    this.#allocatedMB = this.#scavenges = this.#full = this.#pauseMs = 0;
  }

  /** Any piece of the log; a line may come in several. */
  take(text: string): void {
    const all = this.#rest + text;
    const lineEnd = all.lastIndexOf('\n') + 1;
    this.#rest = all.slice(lineEnd);
    for (const [, heap, kind, before, after, pause] of all.slice(0, lineEnd).matchAll(LINE)) {
      const last = this.#after.get(heap!);
      if (last !== undefined) this.#allocatedMB += Math.max(0, Number(before) - last);
      this.#after.set(heap!, Number(after));
      if (kind === 'Scavenge') this.#scavenges += 1;
      else this.#full += 1;
      this.#pauseMs += Number(pause);
    }
  }

  get total(): Collections {
    return {
      allocatedBytes: this.#allocatedMB * 2 ** 20,
      scavenges: this.#scavenges,
      full: this.#full,
      pauseMs: this.#pauseMs,
    };
  }
}
