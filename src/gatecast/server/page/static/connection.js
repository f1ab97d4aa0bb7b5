/** Whether the page hears the server, in words, at the top of the page. */

import { write } from "./dom.js";

/**
 * @param {"live" | "waiting" | "lost"} state
 * @param {string} [why] it was lost
 * @param {number} [wait] milliseconds until the next try
 */
export function connection(state, why = "", wait = 0) {
  const element = document.getElementById("state");
  element.dataset.state = state;
  element.title = why;
  const seconds = Math.max(1, Math.round(wait / 1000));
  write(element, { live: "live", waiting: "connecting", lost: `not connected, again in ${seconds} s` }[state]);
}
