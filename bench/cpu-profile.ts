/**
 * Where the time of one thread went, from the `.cpuprofile` that Node writes under --cpu-prof: self time by function and by file, in the
 * window that matters. Samples carry the monotonic clock, which all processes of a machine share, so a load generator knows the window.
 */

import { readFileSync } from 'node:fs';

interface ProfileFile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  /** Microseconds of the monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  /** Microseconds from the sample before to each sample. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileLine {
  readonly label: string;
  readonly milliseconds: number;
}

export interface ProfileSummary {
  /** Milliseconds of the window with a sample, idle ones left out. */
  readonly busyMs: number;
  readonly byFunction: readonly ProfileLine[];
  readonly byFile: readonly ProfileLine[];
}

const IDLE = '(idle)';

/** The window is in microseconds of the monotonic clock. */
export function summarizeProfile(file: string, startUs: number, endUs: number): ProfileSummary {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as ProfileFile;
  const selfUs = new Map<number, number>();
  let now = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index]!;
    now += delta;
    if (now < startUs || now > endUs) continue;
    selfUs.set(id, (selfUs.get(id) ?? 0) + delta);
  }
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  let busyUs = 0;
  for (const { id, callFrame } of profile.nodes) {
    const us = selfUs.get(id);
    if (us === undefined || callFrame.functionName === IDLE) continue;
    busyUs += us;
    const name = callFrame.functionName === '' ? '(anonymous)' : callFrame.functionName;
    const place = shortPlace(callFrame.url);
    const label = place === '' ? name : `${name} ${place}:${callFrame.lineNumber + 1}`;
    byFunction.set(label, (byFunction.get(label) ?? 0) + us);
    const owner = place === '' ? name : place;
    byFile.set(owner, (byFile.get(owner) ?? 0) + us);
  }
  return { busyMs: busyUs / 1000, byFunction: ranked(byFunction), byFile: ranked(byFile) };
}

/** A path inside the project or a package; '' for what is no file (the collector, the program itself). */
function shortPlace(url: string): string {
  return url
    .replace(/^file:\/\//, '')
    .replace(/^.*\/dist\//, '')
    .replace(/^.*\/node_modules\//, '');
}

function ranked(microseconds: ReadonlyMap<string, number>): readonly ProfileLine[] {
  return [...microseconds]
    .map(([label, us]) => ({ label, milliseconds: us / 1000 }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
