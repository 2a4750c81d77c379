/**
 * Where the time of one thread went, from the `.cpuprofile` that Node writes under --cpu-prof: self time by function and by file, in the
 * window that matters. Samples carry the monotonic clock, which all processes of a machine share, so a load generator knows the window.
 */

import { readFileSync } from 'node:fs';
import { labelOf, ranked, type CallFrame, type RankedLine } from './call-frame.js';

interface ProfileFile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
  }[];
  /** Microseconds of the monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  /** Microseconds from the sample before to each sample. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileSummary {
  /** Microseconds of the window with a sample, idle ones left out. */
  readonly busyUs: number;
  readonly byFunction: readonly RankedLine[];
  readonly byFile: readonly RankedLine[];
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
    const { full, owner } = labelOf(callFrame);
    byFunction.set(full, (byFunction.get(full) ?? 0) + us);
    byFile.set(owner, (byFile.get(owner) ?? 0) + us);
  }
  return { busyUs, byFunction: ranked(byFunction), byFile: ranked(byFile) };
}
