/**
 * More rows than fit into memory: a window of rows is rendered once and sent again and again, each time with times that are later by the
 * length of the window. They are written into the statements in place, just before they leave: 100 million rows as text would be 14 GB.
 */

import { formatTime, INTERVAL_S } from './cpu-workload.js';
import type { Workload } from './workload.js';

const TIME_LENGTH = 19;
/** The time stands behind the tags, and no tag looks like one. */
const TIME_MARK = ",'2026-";

export class MovingWindow {
  readonly #workload: Workload;
  readonly #hosts: number;
  readonly #seconds: number;
  /** Offsets of the times in each request. */
  readonly #timesAt: readonly Uint32Array[];
  readonly #startSeconds: number;
  #next = 0;

  constructor(workload: Workload, hosts: number) {
    this.#workload = workload;
    this.#hosts = hosts;
    this.#seconds = (workload.rows / hosts) * INTERVAL_S;
    this.#timesAt = workload.requests.map(offsetsOfTimes);
    const first = workload.requests[0]!;
    const at = this.#timesAt[0]![0]!;
    this.#startSeconds = Date.parse(`${first.toString('latin1', at, at + TIME_LENGTH)}Z`) / 1000;
  }

  /** The next request. It must be answered before a whole window of others is taken: its bytes are then written anew. */
  next(): Buffer {
    const { requests, rowsPerRequest } = this.#workload;
    const index = this.#next % requests.length;
    const round = Math.floor(this.#next / requests.length);
    this.#next += 1;
    const request = requests[index]!;
    if (round > 0) {
      this.#moveTo(request, index, index * rowsPerRequest, this.#seconds * round);
    }
    return request;
  }

  #moveTo(request: Buffer, index: number, firstRow: number, bySeconds: number): void {
    let instant = -1;
    let time = Buffer.alloc(0);
    for (const [i, at] of this.#timesAt[index]!.entries()) {
      const rowInstant = Math.floor((firstRow + i) / this.#hosts);
      if (rowInstant !== instant) {
        instant = rowInstant;
        time = Buffer.from(formatTime(this.#startSeconds + instant * INTERVAL_S + bySeconds));
      }
      for (let byte = 0; byte < TIME_LENGTH; byte++) request[at + byte] = time[byte]!;
    }
  }
}

function offsetsOfTimes(request: Buffer): Uint32Array {
  const found: number[] = [];
  for (
    let at = request.indexOf(TIME_MARK);
    at >= 0;
    at = request.indexOf(TIME_MARK, at + TIME_LENGTH)
  ) {
    found.push(at + 2);
  }
  return Uint32Array.from(found);
}
