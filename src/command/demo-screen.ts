/** The demo's words and bars. On a terminal a bar moves in place; elsewhere each step is one plain line. */
import { colour, type Colour, type TextStream } from './terminal.js';

const BAR_WIDTH = 16;
const LABEL_WIDTH = 26;
const INDENT = '      ';
/** Where the terminal does not say. */
const COLUMNS = 80;
const REDRAW_MS = 50;
/** Carriage return, and erase to the end of the line. */
const REWIND = '\r\u001b[K';

/** As mysql2 gives it, with dates as text. */
export type Cell = string | number | null;

export interface Screen extends TextStream {
  readonly columns?: number;
  write(text: string): unknown;
}

export class DemoScreen {
  readonly #stream: Screen;
  #drawnMs = -Infinity;
  #isBarOpen = false;

  constructor(stream: Screen) {
    this.#stream = stream;
  }

  line(text = ''): void {
    this.#closeBar();
    this.#stream.write(`${text}\n`);
  }

  /** A heading of a step. */
  step(number: number, title: string): void {
    this.line();
    this.line(this.tint('bold', `${number}. ${title}`));
  }

  /** Something that was checked and holds. */
  holds(text: string): void {
    this.line(`  ${this.tint('green', 'ok')}  ${text}`);
  }

  tint(hue: Colour, text: string): string {
    return colour(hue, text, this.#stream);
  }

  /** How far a step has come; on a terminal only. The last call, with done = all, stays on the screen everywhere. */
  bar(label: string, done: number, all: number, note: string): void {
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
    const text = `${INDENT}${label.padEnd(LABEL_WIDTH)} ${this.tint('cyan', drawn)} ${note.slice(0, Math.max(room, 0))}`;
    this.#stream.write(`${REWIND}${text}${isLast ? '\n' : ''}`);
    this.#isBarOpen = !isLast;
  }

  /** Rows under their headings, as the command lines of MySQL draw them. */
  table(headings: readonly string[], rows: readonly (readonly Cell[])[]): void {
    const cells = rows.map((row) => row.map((cell) => (cell === null ? 'NULL' : String(cell))));
    const widths = headings.map((heading, column) =>
      Math.max(heading.length, ...cells.map((row) => row[column]!.length)),
    );
    const isNumber = headings.map((_, column) =>
      rows.every((row) => typeof row[column] !== 'string'),
    );
    const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
    const draw = (row: readonly string[], numbersRight: boolean): string =>
      `|${row
        .map((cell, column) => {
          const width = widths[column]!;
          const right = numbersRight && isNumber[column]!;
          return ` ${right ? cell.padStart(width) : cell.padEnd(width)} `;
        })
        .join('|')}|`;
    for (const text of [
      rule,
      draw(headings, false),
      rule,
      ...cells.map((row) => draw(row, true)),
      rule,
    ]) {
      this.line(`${INDENT}${text}`);
    }
  }

  #closeBar(): void {
    if (this.#isBarOpen) this.#stream.write('\n');
    this.#isBarOpen = false;
  }
}

/** 12345 as "12,345". */
export function readableCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** A moment's length for people. */
export function readableSpan(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
