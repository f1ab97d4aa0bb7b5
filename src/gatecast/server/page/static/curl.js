/** The line that sends the first observation, to be copied into a terminal; it suits the model that is served. */

import { get } from "./api.js";
import { button, make } from "./dom.js";
import { key } from "./key.js";

/**
 * @param {AbortSignal} signal
 * @param {string} [series] whose first observation it is
 */
export async function firstObservation(signal, series = "my-series") {
  const card = (await get("v1/models", signal)).models[0];
  const line = curl(card, series, key() !== null, new URL("v1/observe", document.baseURI).href);
  const code = make("pre", { class: "scroll", tabindex: "0", "aria-label": "Command" }, make("code", {}, line));
  // Browsers lend the clipboard to https and to the own machine alone.
  const copy = navigator.clipboard && button("Copy", () => navigator.clipboard.writeText(line), { class: "small" });
  return make("div", {}, code, copy ?? null);
}

/** What a server without any series shows. */
export async function beginning(signal) {
  const how = make("p", {}, "The server waits for its first observation. Send one:");
  const file = make("p", {}, "Or ", make("a", { href: "#/upload" }, "upload a CSV file"), ".");
  return make("section", {}, how, await firstObservation(signal), file);
}

/** @returns {string} */
export function curl(card, series, keyed, address) {
  const numbered = /row$/.test(card.frequency);
  const y = card.targets.length > 1 ? Object.fromEntries(card.targets.map((name) => [name, 1.5])) : 1.5;
  const observation = { series, ds: numbered ? 0 : "2024-01-01T00:00:00", y };
  const parts = ["curl", address, "-H 'Content-Type: application/json'"];
  if (keyed) {
    parts.push("-H 'Authorization: Bearer YOUR-KEY'");
  }
  return [...parts, `-d ${quoted(JSON.stringify({ observations: [observation] }))}`].join(" \\\n  ");
}

/** Nothing in a name may end the quotes of the shell. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
