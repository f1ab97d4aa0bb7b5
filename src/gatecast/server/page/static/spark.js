/** The newest values of a series as a line without axes; a gap is a gap. */

import { makeSvg } from "./dom.js";

const WIDTH = 120;
const HEIGHT = 28;
const EDGE = 3;

/**
 * @param {(number | null)[]} values
 * @returns {SVGElement} decoration: the numbers stand beside it
 */
export function spark(values) {
  const known = values.filter((value) => value !== null);
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "spark", "aria-hidden": "true" };
  if (!known.length) {
    return makeSvg("svg", box);
  }
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  const x = (index) => EDGE + (index * (WIDTH - 2 * EDGE)) / Math.max(1, values.length - 1);
  const y = (value) => (span ? HEIGHT - EDGE - ((value - low) / span) * (HEIGHT - 2 * EDGE) : HEIGHT / 2);
  const last = values.findLastIndex((value) => value !== null);
  const dot = makeSvg("circle", { cx: x(last).toFixed(1), cy: y(values[last]).toFixed(1), r: 2.2 });
  return makeSvg("svg", box, makeSvg("path", { d: path(values, x, y) }), dot);
}

function path(values, x, y) {
  let pen = "M";
  let steps = "";
  values.forEach((value, index) => {
    if (value === null) {
      pen = "M";
      return;
    }
    steps += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  });
  return steps;
}
