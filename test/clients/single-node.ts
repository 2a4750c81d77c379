/** One standalone node, for what a client does with a server: types, errors, results. Failover has tests of its own, with a pair. */

import { PairProcesses, type NodeProcess } from '../support/pair-processes.js';

export interface SingleNode {
  readonly node: NodeProcess;
  readonly stop: () => Promise<void>;
}

export async function startSingleNode(): Promise<SingleNode> {
  const pair = await PairProcesses.start({ start: ['a'], a: { replication: { peer: '' } } });
  try {
    await pair.a.waitReady();
  } catch (error) {
    await pair.stop();
    throw error;
  }
  return { node: pair.a, stop: () => pair.stop() };
}
