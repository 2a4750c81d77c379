/**
 * What the machine itself needs for a durable answer: one synced write into a preallocated file, and one round trip over loopback between
 * two event loops. A durable single-row insert cannot be faster than both together.
 */

import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { removeFolder, temporaryFolder } from './child-process.js';

const WRITE_BYTES = 4096;
const FILE_BYTES = 16 << 20;
const REQUEST_BYTES = 400;
const ANSWER_BYTES = 11;

/** Something that the machine does again and again, each time one after another. */
export interface MachineProbe {
  once(): Promise<void>;
  close(): Promise<void>;
}

/** Overwrites of 4 KiB with O_DSYNC, as the journal writes. */
export function syncedWriteProbe(): MachineProbe {
  const folder = temporaryFolder('probe');
  const descriptor = openSync(preallocate(folder), constants.O_RDWR | constants.O_DSYNC);
  const block = Buffer.alloc(WRITE_BYTES, 1);
  let at = 0;
  return {
    once: async () => {
      writeSync(descriptor, block, 0, WRITE_BYTES, at);
      at = (at + WRITE_BYTES) % FILE_BYTES;
    },
    close: async () => {
      closeSync(descriptor);
      removeFolder(folder);
    },
  };
}

/** Round trips to an event loop in a thread of its own. */
export function roundTripProbe(): Promise<MachineProbe> {
  return echoProbe(null);
}

/** A synced write and a round trip in one: a server that does nothing else. Each finds the processor as the wait for the other left it. */
export async function durableTripProbe(): Promise<MachineProbe> {
  const folder = temporaryFolder('probe');
  const probe = await echoProbe(preallocate(folder));
  return {
    once: () => probe.once(),
    close: async () => {
      await probe.close();
      removeFolder(folder);
    },
  };
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

/**
 * Takes a request of the size of a row's INSERT and answers as many bytes as an OK packet has; before that it overwrites 4 KiB of the file,
 * if it has one.
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

async function echoProbe(file: string | null): Promise<MachineProbe> {
  const worker = new Worker(ECHO, { eval: true, workerData: file });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const request = Buffer.alloc(REQUEST_BYTES);
  return {
    once: () => {
      const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
      socket.write(request);
      return answered;
    },
    close: async () => {
      socket.destroy();
      await worker.terminate();
    },
  };
}
