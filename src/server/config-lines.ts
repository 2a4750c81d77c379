/**
 * On which line of a TOML file does a key stand? The parser gives values without places, and an error message without a
 * line sends the reader searching.
 *
 * This is a scan, not a second parser: it runs only over text that the parser has accepted. It follows `[section]` headers,
 * `key =`, `section.key =` and quoted keys, and steps over multi-line strings. A key inside an inline table is answered
 * with the line of the table.
 */

const HEADER = /^\s*\[\s*([^[\]]+?)\s*\]/;
const ASSIGNMENT =
  /^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=(.*)$/;

function keyParts(written: string): string[] {
  const parts = written.match(/[A-Za-z0-9_-]+|"[^"]*"|'[^']*'/g) ?? [];
  return parts.map((part) => part.replace(/^["']|["']$/g, ''));
}

/** Lines (from 1) by dotted path; a section's own path has the line of its header. */
export function findLines(toml: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let section: string[] = [];
  let openQuote: string | null = null;
  for (const [index, line] of toml.split('\n').entries()) {
    let rest = line;
    if (openQuote !== null) {
      const end = line.indexOf(openQuote);
      if (end < 0) continue;
      rest = line.slice(end + openQuote.length);
      openQuote = null;
    }
    const header = HEADER.exec(rest);
    if (header !== null) {
      section = keyParts(header[1]!);
      lines.set(section.join('.'), index + 1);
      continue;
    }
    const assignment = ASSIGNMENT.exec(rest);
    if (assignment === null) continue;
    const path = [...section, ...keyParts(assignment[1]!)];
    for (let depth = 1; depth <= path.length; depth++) {
      const name = path.slice(0, depth).join('.');
      if (!lines.has(name)) lines.set(name, index + 1);
    }
    const value = assignment[2]!.trimStart();
    const quote = ['"""', "'''"].find((candidate) => value.startsWith(candidate));
    if (quote !== undefined && !value.slice(3).includes(quote)) openQuote = quote;
  }
  return lines;
}

/** The line of the path or of the nearest thing around it that has one. */
export function lineOf(lines: ReadonlyMap<string, number>, path: string): number | null {
  for (let name = path; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const line = lines.get(name);
    if (line !== undefined) return line;
  }
  return null;
}
