/** Rows that are the only ones of their identity are picked stretch by stretch: the same rows as one by one. */

import fc from 'fast-check';
import { IdentityGroups } from '../../storage/identity-groups.js';
import { systemTimers } from '../../storage/node-adapters.js';
import { Pacer } from '../../storage/pacer.js';
import { Page } from '../../storage/page.js';

/** Rows of two series in order: by step 0 = the identity before once more, 1 = the next time, 2 = the next series. */
function pagesOf(steps: readonly number[], pageRows: number, tombstoneEvery: number): Page[] {
  let series = 1;
  let time = 0;
  const rows = steps.map((step, index) => {
    if (step === 2) [series, time] = [series + 1, 0];
    else time += step;
    return { series, time, version: index + 1, flag: +(index % tombstoneEvery === 3) };
  });
  const pages: Page[] = [];
  for (let from = 0; from < rows.length; from += pageRows) {
    const own = rows.slice(from, from + pageRows);
    const page = new Page({
      length: own.length,
      series: Uint32Array.from(own, (row) => row.series),
      base: 0n,
      times: Float64Array.from(own, (row) => row.time),
      versions: Float64Array.from(own, (row) => row.version),
      tombstones: own.some(({ flag }) => flag === 1)
        ? Uint8Array.from(own, (row) => row.flag)
        : null,
      ordinals: null,
      columns: [],
    });
    page.normalizeTimes(9);
    pages.push(page);
  }
  return pages;
}

async function picked(
  pages: readonly Page[],
  cut: number,
  inStretches: boolean,
): Promise<string[]> {
  const rules = { appendMode: false, mergeFields: false, horizon: 20, settledHorizon: 20 };
  const groups = new IdentityGroups(rules);
  for (const page of pages) {
    // A page comes in up to two stretches.
    const middle = Math.min(cut, page.length);
    for (const [from, to] of [
      [0, middle],
      [middle, page.length],
    ] as const) {
      for (let row = from; row < to; row++) {
        if (groups.isNewIdentity(page, row)) {
          groups.endGroup();
          if (inStretches) row = groups.pickSingles(page, row, to);
        }
        groups.add(page, row);
      }
    }
  }
  groups.endGroup();
  if (groups.rows.count === 0) return [];
  const pacer = new Pacer(systemTimers({ keepsProcessAlive: false }));
  const page = await groups.rows.take(groups.rows.count, pacer);
  const spans = [...groups.several.spans(), ...groups.several.tombstoneSpans()];
  return [
    ...Array.from(
      page.versions,
      (version, row) => `${page.series[row]}/${page.times[row]}/${version}`,
    ),
    ...spans.map(({ min, max }) => `${min}..${max}`),
  ];
}

test('rows picked in stretches are those picked one by one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(0, 1, 1, 1, 1, 2), { minLength: 1, maxLength: 60 }),
      fc.constantFrom(4, 9, 100),
      fc.nat(12),
      fc.constantFrom(7, 1000),
      async (steps, pageRows, cut, tombstoneEvery) => {
        const pages = pagesOf(steps, pageRows, tombstoneEvery);
        expect(await picked(pages, cut, true)).toEqual(await picked(pages, cut, false));
      },
    ),
    { numRuns: 300 },
  );
});
