/**
 * Loaded into a node with --import: samples what its main thread allocates on the JavaScript heap, collected objects included, from one
 * SIGUSR2 to the next, and then writes `allocations.heapprofile` into the working folder.
 */

import { renameSync, writeFileSync } from 'node:fs';
import { Session, type HeapProfiler } from 'node:inspector';

/** A sample every so many bytes: fine enough for megabytes, and cheap. */
const INTERVAL_BYTES = 16_384;

const session = new Session();
let isSampling = false;

process.on('SIGUSR2', () => {
  if (isSampling) {
    session.post(
      'HeapProfiler.stopSampling',
      (error: Error | null, result: HeapProfiler.StopSamplingReturnType) => {
        if (error !== null) throw error;
        // Whoever waits for the file must find it whole.
        writeFileSync('allocations.new', JSON.stringify(result.profile));
        renameSync('allocations.new', 'allocations.heapprofile');
      },
    );
    return;
  }
  isSampling = true;
  session.connect();
  // The types know the interval only; the rest is part of the protocol since Chrome 101.
  const options: HeapProfiler.StartSamplingParameterType & Record<string, unknown> = {
    samplingInterval: INTERVAL_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  };
  session.post('HeapProfiler.startSampling', options);
});
