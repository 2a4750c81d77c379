/**
 * The 20 random bytes of a greeting.
 *
 * Each is a printable ASCII character (0x21..0x7e) other than '$': Connector/J reads the salt as ASCII, a zero byte would end it early,
 * and MySQL itself keeps '$' out because it separates the parts of a stored hash. 93 values a byte: 130 bits.
 */

export const SALT_BYTES = 20;

const DOLLAR = 0x24;

/** `fill` overwrites an array with random bytes. */
export function makeSalt(fill: (target: Uint8Array) => void): Uint8Array {
  const salt = new Uint8Array(SALT_BYTES);
  const raw = new Uint8Array(2 * SALT_BYTES);
  let length = 0;
  while (length < SALT_BYTES) {
    fill(raw);
    for (const byte of raw) {
      const candidate = byte & 0x7f;
      if (candidate < 0x21 || candidate > 0x7e || candidate === DOLLAR) continue;
      salt[length++] = candidate;
      if (length === SALT_BYTES) break;
    }
  }
  return salt;
}
