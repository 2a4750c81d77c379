/** The cpu workload for servers that take it over HTTP: the InfluxDB line protocol, and ClickHouse's tab-separated rows. */

import {
  forEachCpuRow,
  formatTime,
  METRICS,
  TAGS,
  type CpuRow,
  type CpuShape,
} from './cpu-workload.js';
import { postRequest } from './raw-http-client.js';
import { SEED } from './subject.js';
import type { Workload } from './workload.js';

/** Values of both formats need no escaping in this workload. */
export function renderLines(
  shape: CpuShape,
  rowsPerRequest: number,
  rowsMax: number,
  database: string,
): Workload {
  const path = `/write?db=${database}&precision=s`;
  return render(shape, rowsPerRequest, rowsMax, path, lineOf);
}

export function renderTabSeparated(
  shape: CpuShape,
  rowsPerRequest: number,
  rowsMax: number,
  database: string,
): Workload {
  const path = `/?query=${encodeURIComponent(`INSERT INTO ${database}.cpu FORMAT TabSeparated`)}`;
  return render(shape, rowsPerRequest, rowsMax, path, tabSeparatedOf);
}

function render(
  shape: CpuShape,
  rowsPerRequest: number,
  rowsMax: number,
  path: string,
  textOf: (row: CpuRow) => string,
): Workload {
  const requests: Buffer[] = [];
  let bodyBytes = 0;
  let batch: string[] = [];
  const finishBatch = (): void => {
    if (batch.length === 0) return;
    const body = batch.join('');
    bodyBytes += body.length;
    requests.push(postRequest(path, body));
    batch = [];
  };
  const rows = forEachCpuRow(shape, SEED, rowsMax, (row) => {
    batch.push(textOf(row));
    if (batch.length === rowsPerRequest) finishBatch();
  });
  finishBatch();
  return { rows, rowsPerRequest, bodyBytes, requests };
}

function lineOf(row: CpuRow): string {
  let text = 'cpu';
  for (const [index, tag] of TAGS.entries()) text += `,${tag}=${row.tags[index]!}`;
  for (const [index, metric] of METRICS.entries()) {
    text += `${index === 0 ? ' ' : ','}${metric}=${row.usage[row.at + index]!}i`;
  }
  return `${text} ${row.seconds}\n`;
}

function tabSeparatedOf(row: CpuRow): string {
  let text = `${row.tags.join('\t')}\t${formatTime(row.seconds)}`;
  for (let at = row.at; at < row.at + METRICS.length; at++) text += `\t${row.usage[at]!}`;
  return `${text}\n`;
}
