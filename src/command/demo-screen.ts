/** The demo's words and bars. */
import { INDENT, ProgressBar, type Screen } from './progress-bar.js';
import { colour, type Colour } from './terminal.js';

/** As mysql2 gives it, with dates as text. */
export type Cell = string | number | null;

export class DemoScreen {
  readonly #stream: Screen;
  readonly #bar: ProgressBar;

  constructor(stream: Screen) {
    this.#stream = stream;
    this.#bar = new ProgressBar(stream);
  }

  line(text = ''): void {
    this.#bar.close();
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

  /** How far a step has come; the last call, with done = all, stays on the screen everywhere. */
  bar(label: string, done: number, all: number, note: string): void {
    this.#bar.draw(label, done, all, note);
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
}

/** 12345 as "12,345". */
export function readableCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** A moment's length for people. */
export function readableSpan(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
