/**
 * The order in which Jest hands files to its workers. Without a memory of earlier runs, as on a fresh clone, Jest takes the size of a
 * file for its duration; here the longest are small files that start processes or Jest itself. Begun last, one of them would keep one
 * worker busy while the others have nothing left to do.
 */

const { sep } = require('node:path');
// A part of Jest, in the version that Jest's own is.
const { default: Sequencer } = require('@jest/test-sequencer');

/** Longest first. */
const LONG = ['mutations', 'e2e', 'simulation', 'clients'].map((folder) => `${sep}${folder}${sep}`);

class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((one, other) => rankOf(one) - rankOf(other));
  }
}

function rankOf({ path }) {
  const rank = LONG.findIndex((folder) => path.includes(folder));
  return rank === -1 ? LONG.length : rank;
}

module.exports = LongestFirst;
