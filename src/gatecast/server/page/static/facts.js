/** One series in a few numbers, and the sentence that is read out to those who cannot see the chart. */

import { make, refill, write } from "./dom.js";
import { count, number, percent, time, times } from "./format.js";

const SPOKEN = 10_000; // milliseconds between two sentences: nobody can listen to every observation
let spoken = -SPOKEN;

/** @param {HTMLElement} list @param {import("./history.js").History} history */
export function facts(list, { summary, lastError }) {
  const told = {
    Newest: number(summary.y),
    Time: time(summary.ds),
    Rows: count(summary.rows),
    "Last error": number(lastError ?? summary.error),
    "Mean error": number(summary.mean_error),
    Coverage: percent(summary.coverage),
    // a net that reads windows has none
    ...(Number.isFinite(summary.unit) && { "Spread lately": times(summary.unit) }),
  };
  if (list.childElementCount) {
    Object.values(told).forEach((text, index) => write(list.children[index].lastChild, text));
    return;
  }
  const fact = ([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text));
  refill(list, ...Object.entries(told).map(fact));
}

/** Read a sentence out, unless one was read a moment ago. */
export function say(element, sentence) {
  if (performance.now() - spoken >= SPOKEN) {
    spoken = performance.now();
    write(element, sentence);
  }
}
