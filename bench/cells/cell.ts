/** A cell of the benchmark: one question, small enough to be asked alone on a quiet machine in a few minutes. */

export interface CellOptions {
  /** Few rows and one repetition: shows that it runs. */
  readonly isQuick: boolean;
  readonly repetitions: number;
  /** The long form of the growth cells. */
  readonly isLong: boolean;
}

export interface Cell {
  readonly about: string;
  /** Takes part in --quick. */
  readonly isInQuick: boolean;
  /** Only when asked for by name or with --growth. */
  readonly isGrowth?: boolean;
  run(options: CellOptions): Promise<CellResult>;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A goal of the project, and what was seen. */
export interface Goal {
  readonly text: string;
  readonly seen: string;
  /** Null: could not be judged, e.g. for want of a peer. */
  readonly isReached: boolean | null;
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A picture of its own: lines over a logarithmic x axis. */
export interface Panel {
  readonly title: string;
  readonly xTitle: string;
  readonly series: readonly Series[];
}

export interface CellResult {
  /** What was sent to whom, and what the columns mean beyond their names. */
  readonly notes: readonly string[];
  readonly table: Table;
  readonly goals: readonly Goal[];
  readonly panels?: readonly Panel[];
}

/** "3.2 (at least 3)" and whether it is. */
export function atLeast(text: string, seen: number | null, bound: number, unit = ''): Goal {
  return goal(text, seen, unit, (value) => value >= bound);
}

export function atMost(text: string, seen: number | null, bound: number, unit = ''): Goal {
  return goal(text, seen, unit, (value) => value <= bound);
}

function goal(
  text: string,
  seen: number | null,
  unit: string,
  holds: (value: number) => boolean,
): Goal {
  if (seen === null || !Number.isFinite(seen))
    return { text, seen: 'not measured', isReached: null };
  return { text, seen: `${figure(seen)}${unit}`, isReached: holds(seen) };
}

/** Three significant digits, thousands apart. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString('en-US', {
    minimumFractionDigits: Math.min(digits, 3),
    maximumFractionDigits: Math.min(digits, 3),
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** "720 [700-740]": the median and the extremes, in units of `unit`. */
export function spread(values: readonly number[], unit: number): string {
  const shown = (value: number): string => figure(value / unit);
  if (values.length === 1) return shown(values[0]!);
  return `${shown(median(values))} [${shown(Math.min(...values))}-${shown(Math.max(...values))}]`;
}
