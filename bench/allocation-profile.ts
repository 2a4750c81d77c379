/** What a `.heapprofile` says: bytes allocated by function and by file. */

import { readFileSync } from 'node:fs';
import { labelOf, ranked, type CallFrame, type RankedLine } from './call-frame.js';

interface ProfileNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

export interface AllocationSummary {
  readonly bytes: number;
  readonly byFunction: readonly RankedLine[];
  readonly byFile: readonly RankedLine[];
}

export function summarizeAllocations(file: string): AllocationSummary {
  const { head } = JSON.parse(readFileSync(file, 'utf8')) as { readonly head: ProfileNode };
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  let bytes = 0;
  const add = (node: ProfileNode): void => {
    bytes += node.selfSize;
    const { full, owner } = labelOf(node.callFrame);
    byFunction.set(full, (byFunction.get(full) ?? 0) + node.selfSize);
    byFile.set(owner, (byFile.get(owner) ?? 0) + node.selfSize);
    for (const child of node.children) add(child);
  };
  add(head);
  return { bytes, byFunction: ranked(byFunction), byFile: ranked(byFile) };
}
