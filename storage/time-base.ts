/**
 * Bases of time columns.
 *
 * An instant is a count of 10^-precision seconds. Up to 3 digits a double counts it exactly for all of history, so the base is
 * 0. With more digits a column's chunk carries a base and doubles hold offsets from it. A base is always a multiple of a quantum of
 * seconds (4e9 s for 4..6 digits, 4e6 s for 7..9), so that two bases differ by a whole number of quanta and any instant has one
 * normal form (quantum number, offset within the quantum) by which it can be compared across chunks.
 */

/** Quantum in seconds; 0 = the base is always 0. */
export function quantumSeconds(precision: number): number {
  if (precision <= 3) return 0;
  return precision <= 6 ? 4e9 : 4e6;
}

const UNITS_PER_SECOND = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** Units in one second, for a precision of 0 to 9. */
export function unitsPerSecond(precision: number): number {
  return UNITS_PER_SECOND[precision]!;
}

/** Units in one quantum: at most 4e15, a safe integer. Infinity where there is no quantum. */
export function quantumUnits(precision: number): number {
  const seconds = quantumSeconds(precision);
  return seconds === 0 ? Infinity : seconds * unitsPerSecond(precision);
}

/** Seconds of the base for a chunk that begins with the instant `seconds` (whole seconds since the epoch). */
export function baseSecondsFor(seconds: number, precision: number): number {
  const quantum = quantumSeconds(precision);
  return quantum === 0 ? 0 : Math.floor(seconds / quantum) * quantum;
}

/** Worked out last: instants of one time share a base for weeks, and a BigInt's power and product cost a lone row a microsecond. */
let lastBase = 0n;
let lastSeconds = 0;
let lastPrecision = 0;

/** The base for a chunk that begins with the instant `seconds` (whole seconds since the epoch). */
export function baseFor(seconds: number, precision: number): bigint {
  const baseSeconds = baseSecondsFor(seconds, precision);
  if (baseSeconds !== lastSeconds || precision !== lastPrecision) {
    lastBase = BigInt(baseSeconds) * 10n ** BigInt(precision);
    lastSeconds = baseSeconds;
    lastPrecision = precision;
  }
  return lastBase;
}

/** The base for a chunk that begins with the instant `units`. */
export function baseForUnits(units: bigint, precision: number): bigint {
  const quantum = quantumUnits(precision);
  if (quantum === Infinity) return 0n;
  const size = BigInt(quantum);
  return floorDivide(units, size) * size;
}

/** Offset of `units` from `base` for use as a bound: infinite where no row's offset reaches. */
export function boundOffset(units: bigint, base: bigint): number {
  const offset = units - base;
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return Infinity;
  if (offset < BigInt(Number.MIN_SAFE_INTEGER)) return -Infinity;
  return Number(offset);
}

export function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

/** Counts milliseconds of partitions in the column's own unit and finds the partition of an offset from `base`, exactly. */
export class PartitionRule {
  readonly #basePartition: number;
  /** Where `base` lies in its partition, in units. */
  readonly #baseRemainder: number;
  readonly #partitionUnits: number;
  readonly #scale: number;

  constructor(base: bigint, partitionMs: number, precision: number) {
    // Below milliseconds the offset is scaled up; above, the partition's width is.
    this.#scale = precision < 3 ? 10 ** (3 - precision) : 1;
    this.#partitionUnits = precision > 3 ? partitionMs * 10 ** (precision - 3) : partitionMs;
    const width = BigInt(this.#partitionUnits);
    const quotient = floorDivide(base, width);
    this.#basePartition = Number(quotient);
    this.#baseRemainder = Number(base - quotient * width);
  }

  /** floor(time in ms / partitionMs) of the instant base + offset. */
  partitionOf(offset: number): number {
    const units = offset * this.#scale;
    const width = this.#partitionUnits;
    let quotient = Math.floor(units / width);
    let remainder = units - quotient * width;
    // The division may have rounded across a whole number.
    if (remainder < 0) {
      quotient -= 1;
      remainder += width;
    } else if (remainder >= width) {
      quotient += 1;
      remainder -= width;
    }
    const carry = remainder >= width - this.#baseRemainder ? 1 : 0;
    return this.#basePartition + quotient + carry;
  }
}
