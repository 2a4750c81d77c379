/**
 * Doubles as MySQL writes them in texts: the shortest digits that read back as the same value, plain between 1e-15
 * and 1e15, else with an exponent (`1e20`, `1.5e-20`). FLOAT has six significant digits.
 */

export function formatDouble(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-15) return value.toExponential().replace('e+', 'e');
  const text = String(value);
  const at = text.indexOf('e-');
  if (at < 0) return text;
  const digits = text.slice(0, at).replace('-', '').replace('.', '');
  const zeros = '0'.repeat(Number(text.slice(at + 2)) - 1);
  return `${value < 0 ? '-' : ''}0.${zeros}${digits}`;
}

export function formatFloat(value: number): string {
  return formatDouble(Number(value.toPrecision(6)));
}

const DOUBLE_PREFIX = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/;

/** The double that a text begins with; `whole` is false when something else follows or there is none. */
export function parseDouble(text: string): { readonly value: number; readonly whole: boolean } {
  const match = DOUBLE_PREFIX.exec(text);
  if (match === null) return { value: 0, whole: false };
  const value = Number(match[0]);
  const clamped = Number.isFinite(value) ? value : Math.sign(value) * Number.MAX_VALUE;
  return { value: clamped, whole: match[0].length === text.trimEnd().length };
}
