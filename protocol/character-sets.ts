/**
 * Collation ids ("character set" bytes of the wire) that this server knows by name.
 *
 * The server speaks UTF-8 and bytes, nothing else: a client may announce any of the ids in its handshake, and text goes
 * both ways as UTF-8. Ids are MySQL's: never renumber.
 */

export const CHARACTER_SET = {
  latin1_swedish_ci: 8,
  ascii_general_ci: 11,
  utf8mb3_general_ci: 33,
  utf8mb4_general_ci: 45,
  utf8mb4_bin: 46,
  latin1_bin: 47,
  binary: 63,
  ascii_bin: 65,
  utf8mb3_bin: 83,
  utf8mb3_unicode_ci: 192,
  utf8mb4_unicode_ci: 224,
  utf8mb4_unicode_520_ci: 246,
  utf8mb4_0900_ai_ci: 255,
  utf8mb4_0900_as_cs: 278,
  utf8mb4_0900_as_ci: 305,
  utf8mb4_0900_bin: 309,
} as const;

export type CollationName = keyof typeof CHARACTER_SET;

/** What the greeting announces. One byte on the wire, so an id below 256. */
export const SERVER_CHARACTER_SET = CHARACTER_SET.utf8mb4_bin;

/** Name of an id, or null for one that this server does not know. */
export function collationName(id: number): CollationName | null {
  return NAMES.get(id) ?? null;
}

/** The character set part of a collation's name: 'utf8mb4' of 'utf8mb4_bin'. */
export function characterSetOfCollation(name: CollationName): string {
  const underscore = name.indexOf('_');
  return underscore < 0 ? name : name.slice(0, underscore);
}

const NAMES: ReadonlyMap<number, CollationName> = new Map(
  (Object.keys(CHARACTER_SET) as CollationName[]).map((name) => [CHARACTER_SET[name], name]),
);
