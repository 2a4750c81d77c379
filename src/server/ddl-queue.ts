/**
 * One DDL statement at a time.
 *
 * A CREATE TABLE becomes visible only when the gate lets its record pass. Until then the catalog does not know the
 * name, and a second CREATE of it on this node would pass the check too. So statements that change the catalog wait for
 * one another from the check to the acknowledgement. (The peer may still create the same name; that is what merging is for.)
 */
export class DdlQueue {
  #last: Promise<void> = Promise.resolve();

  /** Runs `change` when all earlier ones are done, whatever became of them. Rejects as `change` does. */
  async run<Result>(change: () => Promise<Result>): Promise<Result> {
    const previous = this.#last;
    let release = (): void => undefined;
    this.#last = new Promise((resolve) => {
      release = resolve;
    });
    await previous;
    try {
      return await change();
    } finally {
      release();
    }
  }
}
