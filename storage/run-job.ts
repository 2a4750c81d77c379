/** What kind of job is done by what. */

import type { BackgroundJob, JobResult } from './background-job.js';
import { compactRuns } from './compact.js';
import { flushTables } from './flush.js';
import type { JobDeps } from './job-deps.js';

export async function runJob(job: BackgroundJob, deps: JobDeps): Promise<JobResult> {
  deps.checkStopped();
  return job.kind === 'flush' ? flushTables(job, deps) : compactRuns(job, deps);
}
