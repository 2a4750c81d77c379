/** Colours, where the stream is a terminal that wants them. */

const CODES = { red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36, bold: 1, dim: 2 } as const;
export type Colour = keyof typeof CODES;

/** Where text goes: process.stdout, process.stderr. */
export interface TextStream {
  readonly isTTY?: boolean;
}

/** `text` in a colour; as it is when the stream is no terminal or NO_COLOR is set. */
export function colour(name: Colour, text: string, stream: TextStream): string {
  if (stream.isTTY !== true || process.env['NO_COLOR'] !== undefined) return text;
  return `\u001b[${CODES[name]}m${text}\u001b[0m`;
}
