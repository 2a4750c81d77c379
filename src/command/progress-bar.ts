/** How far something has come. On a terminal the bar moves in place; elsewhere only its end is said, as one plain line. */
import { colour, type TextStream } from './terminal.js';

const BAR_WIDTH = 16;
const LABEL_WIDTH = 26;
export const INDENT = '      ';
/** Where the terminal does not say. */
const COLUMNS = 80;
const REDRAW_MS = 50;
/** Carriage return, and erase to the end of the line. */
const REWIND = '\r\u001b[K';

export interface Screen extends TextStream {
  readonly columns?: number;
  write(text: string): unknown;
}

export class ProgressBar {
  readonly #stream: Screen;
  #drawnMs = -Infinity;
  #isOpen = false;

  constructor(stream: Screen) {
    this.#stream = stream;
  }

  /** The last call, with done = all, stays on the screen. */
  draw(label: string, done: number, all: number, note: string): void {
    const isLast = done >= all;
    const filled = Math.round((BAR_WIDTH * Math.min(done, all)) / Math.max(all, 1));
    const drawn = `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`;
    if (this.#stream.isTTY !== true) {
      if (isLast) this.#stream.write(`${INDENT}${label}: ${note}\n`);
      return;
    }
    const nowMs = performance.now();
    if (!isLast && nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    // A line that wraps could not be drawn over.
    const room = (this.#stream.columns ?? COLUMNS) - INDENT.length - LABEL_WIDTH - BAR_WIDTH - 3;
    const text = `${INDENT}${label.padEnd(LABEL_WIDTH)} ${colour('cyan', drawn, this.#stream)} ${note.slice(0, Math.max(room, 0))}`;
    this.#stream.write(`${REWIND}${text}${isLast ? '\n' : ''}`);
    this.#isOpen = !isLast;
  }

  /** Leaves a bar that did not come to its end on a line of its own. */
  close(): void {
    if (this.#isOpen) this.#stream.write('\n');
    this.#isOpen = false;
  }
}
