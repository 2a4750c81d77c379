/**
 * A process that holds a store, made to be killed: `node killed-store.mjs FOLDER OPTIONS`, with StoreOptions as JSON.
 *
 * Frames on standard input, each `u32 length, u8 kind, body` in little endian: a schema (0) or a write (1) to append, or the word to compact
 * everything (2). One byte goes to standard output when the store is open, and one for each write that is durable and applied. Flushes and
 * compactions run by themselves, in worker threads, on the real LevelDB.
 */

import { Buffer } from 'node:buffer';
import {
  Store,
  RecordKind,
  ThreadWorkers,
  classicLevelStore,
  nodeDisk,
  recordBytesOf,
  systemClock,
  systemRandom,
  systemTimers,
} from '../../dist/storage/index.js';

const FRAME_HEADER_BYTES = 5;
const ACKNOWLEDGED = Uint8Array.of(1);

const [, , folder, optionsText] = process.argv;
const options = JSON.parse(optionsText);
const storeFolder = `${folder}/store`;
const { store } = await Store.open(
  {
    disk: nodeDisk,
    kv: await classicLevelStore(storeFolder),
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers({ keepsProcessAlive: true }),
    workers: new ThreadWorkers({ path: storeFolder, threads: 1 }),
    stateMachine: () => ({
      apply: () => undefined,
      snapshot: () => new Uint8Array(0),
      restore: () => undefined,
    }),
  },
  { ...options, journalFolder: `${folder}/journal` },
);
store.onFailure((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
// Nobody else brings rows: what is durable here is stable.
store.setHorizonHeld(false);

const schemas = [];
const waiting = [];
let segment = -1;

function append(kind, body) {
  waiting.push(store.own.append(kind, store.versions.next(), [body]));
}

/** A segment explains itself: the schemas come first in each. */
function appendWrite(body) {
  const current = store.own.segmentFor([...schemas, body].map((part) => recordBytesOf([part])));
  if (current !== segment) {
    segment = current;
    for (const schema of schemas) append(RecordKind.schema, schema);
  }
  append(RecordKind.write, body);
}

store.own.onDurable((_incarnation, { sequence }) => {
  while (waiting.length > 0 && waiting[0].sequence <= sequence) {
    const record = waiting.shift();
    store.applyOwn(record);
    if (record.kind === RecordKind.write) process.stdout.write(ACKNOWLEDGED);
  }
});

async function carryOut(kind, body) {
  if (kind === 0) schemas.push(body);
  else if (kind === 2) store.compactTables(store.tables.stats().map(({ tableId }) => tableId));
  else {
    if (store.isStalled) await store.untilRoom();
    appendWrite(body);
  }
}

process.stdout.write(ACKNOWLEDGED);
let input = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  input = Buffer.concat([input, chunk]);
  while (input.length >= FRAME_HEADER_BYTES) {
    const end = FRAME_HEADER_BYTES + input.readUInt32LE(0);
    if (input.length < end) break;
    await carryOut(input[4], new Uint8Array(input.subarray(FRAME_HEADER_BYTES, end)));
    input = input.subarray(end);
  }
}
