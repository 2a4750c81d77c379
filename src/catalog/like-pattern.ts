/** LIKE over names: `%` any text, `_` one character, backslash quotes the next; without case. */

/** A function that says whether a text matches the pattern as a whole. */
export function likeMatcher(pattern: string): (text: string) => boolean {
  let source = '';
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] ?? '';
    if (character === '\\' && index + 1 < characters.length) {
      index += 1;
      source += quoted(characters[index] ?? '');
    } else if (character === '%') {
      // Runs of % mean one, and would make the search explode.
      if (!source.endsWith('.*')) source += '.*';
    } else {
      source += character === '_' ? '.' : quoted(character);
    }
  }
  const expression = new RegExp(`^${source}$`, 'isu');
  return (text) => expression.test(text);
}

function quoted(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/u, '\\$&');
}
