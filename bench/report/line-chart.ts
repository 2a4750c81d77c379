/** Panels of lines over a logarithmic x axis, below each other, as one SVG. */

import { figure, type Panel } from '../cells/cell.js';

const WIDTH = 760;
const PANEL_HEIGHT = 220;
const MARGIN = { left: 80, right: 20, top: 34, bottom: 40 };
const COLORS = ['#1f6feb', '#d1242f', '#1a7f37', '#8250df', '#bf8700'];
const Y_LINES = 4;

export function lineChart(panels: readonly Panel[]): string {
  const height = panels.length * PANEL_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...panels.map((panel, i) => panelSvg(panel, i * PANEL_HEIGHT)),
    '</svg>',
    '',
  ].join('\n');
}

function panelSvg(panel: Panel, top: number): string {
  const points = panel.series.flatMap((series) => series.points);
  const xs = points.map(([x]) => Math.log10(x));
  const [xMin, xMax] = [Math.floor(Math.min(...xs)), Math.ceil(Math.max(...xs))];
  const yMax = niceAbove(Math.max(...points.map(([, y]) => y)));
  const right = WIDTH - MARGIN.right;
  const bottom = top + PANEL_HEIGHT - MARGIN.bottom;
  const xAt = (x: number): number =>
    MARGIN.left + ((Math.log10(x) - xMin) / Math.max(1, xMax - xMin)) * (right - MARGIN.left);
  const yAt = (y: number): number => bottom - (y / yMax) * (bottom - top - MARGIN.top);

  const parts = [
    `<text x="${MARGIN.left}" y="${top + 18}" font-weight="bold">${escaped(panel.title)}</text>`,
    `<text x="${right}" y="${bottom + 32}" text-anchor="end" fill="#555">${escaped(panel.xTitle)}</text>`,
  ];
  for (let i = 0; i <= Y_LINES; i++) {
    const y = (yMax * i) / Y_LINES;
    const at = yAt(y).toFixed(1);
    parts.push(
      `<line x1="${MARGIN.left}" y1="${at}" x2="${right}" y2="${at}" stroke="#ddd"/>`,
      `<text x="${MARGIN.left - 6}" y="${at}" dy="4" text-anchor="end" fill="#555">${figure(y)}</text>`,
    );
  }
  for (let decade = xMin; decade <= xMax; decade++) {
    const at = xAt(10 ** decade).toFixed(1);
    parts.push(
      `<line x1="${at}" y1="${top + MARGIN.top}" x2="${at}" y2="${bottom}" stroke="#eee"/>`,
      `<text x="${at}" y="${bottom + 16}" text-anchor="middle" fill="#555">${(10 ** decade).toLocaleString('en-US')}</text>`,
    );
  }
  for (const [index, series] of panel.series.entries()) {
    const color = COLORS[index % COLORS.length]!;
    const path = series.points
      .map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${xAt(x).toFixed(1)} ${yAt(y).toFixed(1)}`)
      .join('');
    const legendX = right - (panel.series.length - index) * 130;
    parts.push(
      `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.6"/>`,
      `<line x1="${legendX}" y1="${top + 14}" x2="${legendX + 18}" y2="${top + 14}" stroke="${color}" stroke-width="2"/>`,
      `<text x="${legendX + 24}" y="${top + 18}">${escaped(series.name)}</text>`,
    );
  }
  return parts.join('\n');
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
function niceAbove(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 2.5, 5]) if (step * power >= value) return step * power;
  return 10 * power;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
