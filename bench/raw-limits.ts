/**
 * What the machine itself needs for a durable answer: one synced write into a preallocated file, and one round trip over loopback between
 * two event loops. A durable single-row insert cannot be faster than both together.
 */

import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { removeFolder, temporaryFolder } from './child-process.js';

const WRITE_BYTES = 4096;
const FILE_BYTES = 16 << 20;
const WRITES = 2000;
const ROUND_TRIPS = 5000;
const REQUEST_BYTES = 400;
const ANSWER_BYTES = 11;

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A file of FILE_BYTES, whose blocks are all on disk already. */
function preallocate(folder: string): string {
  const file = join(folder, 'preallocated');
  const preallocated = openSync(file, 'w');
  for (let at = 0; at < FILE_BYTES; at += 1 << 20) {
    writeSync(preallocated, Buffer.alloc(1 << 20), 0, 1 << 20, at);
  }
  fsyncSync(preallocated);
  closeSync(preallocated);
  return file;
}

/** Overwrites of 4 KiB with O_DSYNC, one after another, as the journal writes. */
export function syncedWriteLatency(): Latency {
  const folder = temporaryFolder('raw');
  const file = preallocate(folder);
  const descriptor = openSync(file, constants.O_RDWR | constants.O_DSYNC);
  const block = Buffer.alloc(WRITE_BYTES, 1);
  const latencies = new Float64Array(WRITES);
  for (let i = 0; i < WRITES; i++) {
    const start = performance.now();
    writeSync(descriptor, block, 0, WRITE_BYTES, (i * WRITE_BYTES) % FILE_BYTES);
    latencies[i] = performance.now() - start;
  }
  closeSync(descriptor);
  removeFolder(folder);
  return quantiles(latencies);
}

/**
 * A request of the size of a row's INSERT to an event loop in a thread of its own, which answers as many bytes as an OK packet has; before that it
 * overwrites 4 KiB of the file, if it has one.
 */
const ECHO = `
const { openSync, constants, writeSync } = require('node:fs');
const { createServer } = require('node:net');
const { parentPort, workerData: file } = require('node:worker_threads');
const answer = Buffer.alloc(${ANSWER_BYTES});
const block = Buffer.alloc(${WRITE_BYTES}, 1);
const descriptor = file === null ? null : openSync(file, constants.O_RDWR | constants.O_DSYNC);
let at = 0;
const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('data', () => {
    if (descriptor !== null) writeSync(descriptor, block, 0, block.length, at);
    at = (at + block.length) % ${FILE_BYTES};
    socket.write(answer);
  });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

export function roundTripLatency(): Promise<Latency> {
  return echoLatency(null, ROUND_TRIPS);
}

/** A synced write and a round trip in one: a server that does nothing else. Each finds the processor as the wait for the other left it. */
export async function durableTripLatency(): Promise<Latency> {
  const folder = temporaryFolder('raw');
  const latency = await echoLatency(preallocate(folder), WRITES);
  removeFolder(folder);
  return latency;
}

async function echoLatency(file: string | null, count: number): Promise<Latency> {
  const worker = new Worker(ECHO, { eval: true, workerData: file });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const request = Buffer.alloc(REQUEST_BYTES);
  const latencies = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.write(request);
    await answered;
    latencies[i] = performance.now() - start;
  }
  socket.destroy();
  await worker.terminate();
  return quantiles(latencies);
}

function quantiles(latencies: Float64Array): Latency {
  latencies.sort();
  const at = (q: number): number => latencies[Math.floor((latencies.length - 1) * q)]!;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
