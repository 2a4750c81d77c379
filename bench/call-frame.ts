/** Functions in profiles, named for people. */

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

export interface RankedLine {
  readonly label: string;
  readonly amount: number;
}

/** `full`: the function and its place; `owner`: its file, or its name where it has none (the collector, the program itself). */
export function labelOf({ functionName, url, lineNumber }: CallFrame): {
  readonly full: string;
  readonly owner: string;
} {
  const name = functionName === '' ? '(anonymous)' : functionName;
  // Inside the project or a package: what is above them is no part of a label.
  const place = url
    .replace(/^file:\/\//, '')
    .replace(/^.*\/dist\//, '')
    .replace(/^.*\/node_modules\//, '');
  return {
    full: place === '' ? name : `${name} ${place}:${lineNumber + 1}`,
    owner: place === '' ? name : place,
  };
}

/** Largest first. */
export function ranked(amounts: ReadonlyMap<string, number>): readonly RankedLine[] {
  return [...amounts]
    .filter(([, amount]) => amount > 0)
    .map(([label, amount]) => ({ label, amount }))
    .sort((a, b) => b.amount - a.amount);
}
