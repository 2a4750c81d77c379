/**
 * Damage on disk that no crash can explain: a flipped bit, a stale or missing file, bytes gone from the middle.
 *
 * It says where, because the next step is always a person or a repair that needs to know. It is never a torn tail (those
 * are cut and reported) and never skipped over.
 */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
  readonly code = 'TWINTIDE_CORRUPTION';
  /** The damaged file, or the store it is in. */
  readonly path: string;
  /** Segment number in its incarnation; null where the damage is not in a segment. */
  readonly segment: number | null;
  /** First damaged byte in the file; null where it has none. */
  readonly offsetBytes: number | null;

  constructor(
    where: { path: string; segment?: number | null; offsetBytes?: number | null },
    reason: string,
    options?: { cause?: unknown },
  ) {
    const segment = where.segment ?? null;
    const offsetBytes = where.offsetBytes ?? null;
    const place =
      (segment === null ? '' : `, segment ${segment}`) +
      (offsetBytes === null ? '' : `, byte ${offsetBytes}`);
    super(`Corruption in ${where.path}${place}: ${reason}`, options);
    this.path = where.path;
    this.segment = segment;
    this.offsetBytes = offsetBytes;
  }
}
