/** kernels/rows.ts and its memory, which all scanners use in turn: nothing but the slots is good from one call to the next. */

import { kernelModule } from '../../storage/index.js';

interface GlobalOf<Value> {
  readonly value: Value;
}

/** What kernels/rows.ts exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly RESULTS: GlobalOf<number>;
  readonly ROWS_MAX: GlobalOf<number>;
  readonly HANDLES: GlobalOf<number>;
  readonly TIME: GlobalOf<number>;
  readonly TEXT_BYTES_MIN: GlobalOf<number>;
  readonly TIME_BYTES_MAX: GlobalOf<number>;
  readonly INTEGERS_MAX: GlobalOf<number>;
  readonly GREATEST: GlobalOf<number>;
  readonly OUTPUT: GlobalOf<number>;
  readonly OUTPUT_CELLS: GlobalOf<number>;
  readonly CHUNK: GlobalOf<number>;
  readonly CHUNK_BYTES_MAX: GlobalOf<number>;
  readonly TAGS: GlobalOf<number>;
  readonly TAGS_MAX: GlobalOf<number>;
  readonly TEXT_TAG: GlobalOf<number>;
  readonly INTEGER_TAG: GlobalOf<number>;
  readonly NULLABLE: GlobalOf<number>;
  readonly HASHES: GlobalOf<number>;
  readonly TUPLE_ENDS: GlobalOf<number>;
  readonly TUPLES: GlobalOf<number>;
  readonly NO_SLOT: GlobalOf<number>;
  readonly SLOTS: GlobalOf<number>;
  readonly SLOT_COUNT: GlobalOf<number>;
  readonly SLOT_BYTES: GlobalOf<number>;
  readonly HANDLES_MAX: GlobalOf<number>;
  readonly STARTS: GlobalOf<number>;
  readonly TEXTS: GlobalOf<number>;
  readonly DIGITS_MAX: GlobalOf<number>;
  /** Returns the rows read; `results` has the offset behind them. */
  readonly readRows: (
    start: number,
    end: number,
    asked: number,
    slot: number,
    tags: number,
    before: number,
    timeLength: number,
    after: number,
    stride: number,
    seconds: number,
    hour: number,
  ) => number;
  readonly hashTuples: (count: number) => void;
}

const kernel = kernelModule<Exports>('rows');
const { buffer } = kernel.memory;

export const { readRows, hashTuples } = kernel;
export const ROWS_MAX = kernel.ROWS_MAX.value;
export const TEXT_BYTES_MIN = kernel.TEXT_BYTES_MIN.value;
export const INTEGERS_MAX = kernel.INTEGERS_MAX.value;
export const OUTPUT_CELLS = kernel.OUTPUT_CELLS.value;
export const TAGS_MAX = kernel.TAGS_MAX.value;
/** Instead of a slot: tags are read, not compared. */
export const NO_SLOT = kernel.NO_SLOT.value;
export const SLOT_COUNT = kernel.SLOT_COUNT.value;
export const HANDLES_MAX = kernel.HANDLES_MAX.value;
const CHUNK_BYTES_MAX = kernel.CHUNK_BYTES_MAX.value;
export const INTEGER_MAX = 10 ** kernel.DIGITS_MAX.value - 1;

export const results = new Int32Array(buffer, kernel.RESULTS.value, 1);
export const handles = new Int32Array(buffer, kernel.HANDLES.value, ROWS_MAX);
export const timeText = new Uint8Array(buffer, kernel.TIME.value, kernel.TIME_BYTES_MAX.value);
export const greatest = new Uint32Array(buffer, kernel.GREATEST.value, INTEGERS_MAX);
export const output = new Float64Array(buffer, kernel.OUTPUT.value, OUTPUT_CELLS);
export const chunkText = new Uint8Array(buffer, kernel.CHUNK.value, CHUNK_BYTES_MAX);

/** Bits of what a tag takes. */
export const TagKind = {
  text: kernel.TEXT_TAG.value,
  integer: kernel.INTEGER_TAG.value,
  nullable: kernel.NULLABLE.value,
} as const;

/** A kind, and the greatest value or the most bytes, for each tag. */
export const tagKinds = new Uint32Array(buffer, kernel.TAGS.value, 2 * TAGS_MAX);

/** What a call with NO_SLOT made of the rows' tags, and `hashTuples` of that. */
export const spelledTuples = {
  bytes: new Uint8Array(buffer, kernel.TUPLES.value, CHUNK_BYTES_MAX),
  view: new DataView(buffer, kernel.TUPLES.value, CHUNK_BYTES_MAX),
  ends: new Uint32Array(buffer, kernel.TUPLE_ENDS.value, ROWS_MAX),
  hashes: new Int32Array(buffer, kernel.HASHES.value, ROWS_MAX),
} as const;

/** A slot's place, its texts' lengths and beginnings by handle, and the texts. */
export interface SlotMemory {
  readonly offset: number;
  readonly lengths: Uint32Array;
  readonly starts: Uint32Array;
  readonly texts: Uint8Array;
}

export function slotMemory(index: number): SlotMemory {
  const bytes = kernel.SLOT_BYTES.value;
  const textsAt = kernel.TEXTS.value;
  const offset = kernel.SLOTS.value + index * bytes;
  return {
    offset,
    lengths: new Uint32Array(buffer, offset, HANDLES_MAX),
    starts: new Uint32Array(buffer, offset + kernel.STARTS.value, HANDLES_MAX),
    texts: new Uint8Array(buffer, offset + textsAt, bytes - textsAt),
  };
}
