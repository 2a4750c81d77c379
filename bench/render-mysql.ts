/** The cpu workload for MySQL servers: INSERT text, or executions of a prepared INSERT. */

import {
  forEachCpuRow,
  formatTime,
  METRICS,
  TAGS,
  type CpuRow,
  type CpuShape,
} from './cpu-workload.js';
import { emptyPacket, HEADER_BYTES, queryPacket } from './mysql-packet.js';
import type { Workload } from './workload.js';

const COLUMNS = [...TAGS, 'ts', ...METRICS];
const metricColumns = METRICS.map((metric) => `${metric} BIGINT`).join(', ');

/** Every tag is part of the identity. */
export const CREATE_TWINTIDE = `CREATE TABLE cpu (${TAGS.map((tag) => `${tag} VARCHAR(64)`).join(', ')}, ts DATETIME NOT NULL, ${metricColumns}, TIME INDEX (ts), PRIMARY KEY (${TAGS.join(', ')}))`;

/** A relational server keys by host and time, as TSBS itself does. */
export const CREATE_MARIADB = `CREATE TABLE cpu (${TAGS.map((tag) => `${tag} VARCHAR(64) NOT NULL`).join(', ')}, ts DATETIME NOT NULL, ${metricColumns}, PRIMARY KEY (hostname, ts)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;

const INSERT_HEAD = `INSERT INTO cpu (${COLUMNS.join(',')}) VALUES `;

/** COM_QUERY packets of `rowsPerRequest` rows each. */
export function renderInserts(
  shape: CpuShape,
  rowsPerRequest: number,
  seed: number,
  rowsMax = Infinity,
): Workload {
  const requests: Buffer[] = [];
  let bodyBytes = 0;
  let batch: string[] = [];
  const finishBatch = (): void => {
    if (batch.length === 0) return;
    const packet = queryPacket(INSERT_HEAD + batch.join(','));
    bodyBytes += packet.length - HEADER_BYTES - 1;
    requests.push(packet);
    batch = [];
  };
  let seconds = 0;
  let time = '';
  const rows = forEachCpuRow(shape, seed, rowsMax, (row) => {
    if (row.seconds !== seconds) time = formatTime((seconds = row.seconds));
    batch.push(`('${row.tags.join("','")}','${time}'${metricsText(row)})`);
    if (batch.length === rowsPerRequest) finishBatch();
  });
  finishBatch();
  return { rows, rowsPerRequest, bodyBytes, requests };
}

function metricsText(row: CpuRow): string {
  let text = '';
  for (let at = row.at; at < row.at + METRICS.length; at++) text += `,${row.usage[at]!}`;
  return text;
}

const COM_STMT_EXECUTE = 0x17;
/** Command, statement id, flags, iteration count. */
const EXECUTE_HEAD_BYTES = 10;
/** Where the id of the statement goes, from the start of the packet. */
export const STATEMENT_ID_AT = HEADER_BYTES + 1;

const TYPE_LONGLONG = 0x08;
const TYPE_DATETIME = 0x0c;
const TYPE_VAR_STRING = 0xfd;
const DATETIME_BYTES = 7;

/**
 * COM_STMT_EXECUTE packets of one statement with `rowsPerRequest` rows: strings, a DATETIME and BIGINTs, as drivers send them. Types are
 * sent with every execution: drivers may, and then requests can go over any connection. A last batch that is not full is left out.
 */
export function renderExecutions(
  shape: CpuShape,
  rowsPerRequest: number,
  seed: number,
  rowsMax = Infinity,
): Workload {
  const requests: Buffer[] = [];
  let bodyBytes = 0;
  const values = Buffer.alloc(rowsPerRequest * 1024);
  let length = 0;
  let batchRows = 0;
  forEachCpuRow(shape, seed, rowsMax, (row) => {
    length = writeRow(values, length, row);
    batchRows += 1;
    if (batchRows < rowsPerRequest) return;
    requests.push(executePacket(values.subarray(0, length), rowsPerRequest));
    bodyBytes += length;
    length = batchRows = 0;
  });
  const placeholders = `(${COLUMNS.map(() => '?').join(',')})`;
  return {
    rows: requests.length * rowsPerRequest,
    rowsPerRequest,
    bodyBytes,
    requests,
    prepare: INSERT_HEAD + Array.from({ length: rowsPerRequest }, () => placeholders).join(','),
  };
}

function writeRow(into: Buffer, start: number, row: CpuRow): number {
  let at = start;
  for (const tag of row.tags) {
    into[at] = into.write(tag, at + 1, 'latin1');
    at += 1 + into[at]!;
  }
  const time = new Date(row.seconds * 1000);
  into[at] = DATETIME_BYTES;
  into.writeUInt16LE(time.getUTCFullYear(), at + 1);
  into[at + 3] = time.getUTCMonth() + 1;
  into[at + 4] = time.getUTCDate();
  into[at + 5] = time.getUTCHours();
  into[at + 6] = time.getUTCMinutes();
  into[at + 7] = time.getUTCSeconds();
  at += 1 + DATETIME_BYTES;
  for (let metric = row.at; metric < row.at + METRICS.length; metric++) {
    into.writeUIntLE(row.usage[metric]!, at, 6);
    into.writeUInt16LE(0, at + 6);
    at += 8;
  }
  return at;
}

function executePacket(values: Buffer, rows: number): Buffer {
  const parameters = rows * COLUMNS.length;
  const nullBytes = (parameters + 7) >> 3;
  const packet = emptyPacket(EXECUTE_HEAD_BYTES + nullBytes + 1 + 2 * parameters + values.length);
  packet.fill(0, HEADER_BYTES, HEADER_BYTES + EXECUTE_HEAD_BYTES + nullBytes);
  packet[HEADER_BYTES] = COM_STMT_EXECUTE;
  packet.writeUInt32LE(1, STATEMENT_ID_AT + 5);
  let at = HEADER_BYTES + EXECUTE_HEAD_BYTES + nullBytes;
  packet[at] = 1;
  at += 1;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < COLUMNS.length; column++) {
      packet[at] = typeOf(column);
      packet[at + 1] = 0;
      at += 2;
    }
  }
  values.copy(packet, at);
  return packet;
}

function typeOf(column: number): number {
  if (column < TAGS.length) return TYPE_VAR_STRING;
  return column === TAGS.length ? TYPE_DATETIME : TYPE_LONGLONG;
}
