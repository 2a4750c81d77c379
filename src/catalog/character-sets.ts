/**
 * The character sets and collations that clients may name.
 *
 * The server holds, takes and sends UTF-8 and bytes only. latin1 is known by name, for columns of dumps and for collations; a client that wants
 * its text in it is refused, for nothing is converted. Names, ids and lengths are MySQL 8's.
 */

import { SqlError } from '../../protocol/index.js';

export interface CharacterSet {
  readonly name: string;
  readonly description: string;
  readonly defaultCollation: string;
  readonly bytesMax: number;
}

export interface Collation {
  readonly name: string;
  readonly characterSet: string;
  readonly id: number;
  readonly sortLength: number;
  readonly padAttribute: 'PAD SPACE' | 'NO PAD';
}

export const CHARACTER_SETS: readonly CharacterSet[] = [
  { name: 'ascii', description: 'US ASCII', defaultCollation: 'ascii_general_ci', bytesMax: 1 },
  { name: 'binary', description: 'Binary pseudo charset', defaultCollation: 'binary', bytesMax: 1 },
  {
    name: 'latin1',
    description: 'cp1252 West European',
    defaultCollation: 'latin1_swedish_ci',
    bytesMax: 1,
  },
  {
    name: 'utf8mb3',
    description: 'UTF-8 Unicode',
    defaultCollation: 'utf8mb3_general_ci',
    bytesMax: 3,
  },
  { name: 'utf8mb4', description: 'UTF-8 Unicode', defaultCollation: 'utf8mb4_bin', bytesMax: 4 },
];

function collation(
  name: string,
  id: number,
  sortLength: number,
  padAttribute: Collation['padAttribute'],
): Collation {
  const underscore = name.indexOf('_');
  const characterSet = underscore < 0 ? name : name.slice(0, underscore);
  return { name, characterSet, id, sortLength, padAttribute };
}

export const COLLATIONS: readonly Collation[] = [
  collation('ascii_bin', 65, 1, 'PAD SPACE'),
  collation('ascii_general_ci', 11, 1, 'PAD SPACE'),
  collation('binary', 63, 1, 'NO PAD'),
  collation('latin1_bin', 47, 1, 'PAD SPACE'),
  collation('latin1_swedish_ci', 8, 1, 'PAD SPACE'),
  collation('utf8mb3_bin', 83, 1, 'PAD SPACE'),
  collation('utf8mb3_general_ci', 33, 1, 'PAD SPACE'),
  collation('utf8mb3_unicode_ci', 192, 8, 'PAD SPACE'),
  collation('utf8mb4_0900_ai_ci', 255, 0, 'NO PAD'),
  collation('utf8mb4_0900_as_ci', 305, 0, 'NO PAD'),
  collation('utf8mb4_0900_as_cs', 278, 0, 'NO PAD'),
  collation('utf8mb4_0900_bin', 309, 1, 'NO PAD'),
  collation('utf8mb4_bin', 46, 1, 'NO PAD'),
  collation('utf8mb4_general_ci', 45, 1, 'PAD SPACE'),
  collation('utf8mb4_unicode_520_ci', 246, 8, 'PAD SPACE'),
  collation('utf8mb4_unicode_ci', 224, 8, 'PAD SPACE'),
];

/** Without case; 'utf8' is MySQL's old name of utf8mb3. Throws 1115. */
export function findCharacterSet(name: string): CharacterSet {
  const lower = name.toLowerCase();
  const wanted = lower === 'utf8' ? 'utf8mb3' : lower;
  const found = CHARACTER_SETS.find((characterSet) => characterSet.name === wanted);
  if (found === undefined) throw new SqlError('ER_UNKNOWN_CHARACTER_SET', { name });
  return found;
}

/** Text of clients may come and go in it as it is. */
export function isWireCharacterSet({ name }: CharacterSet): boolean {
  return name !== 'latin1';
}

/** Without case. Throws 1273. */
export function findCollation(name: string): Collation {
  const wanted = name.toLowerCase().replace(/^utf8_/, 'utf8mb3_');
  const found = COLLATIONS.find((candidate) => candidate.name === wanted);
  if (found === undefined) throw new SqlError('ER_UNKNOWN_COLLATION', { name });
  return found;
}
