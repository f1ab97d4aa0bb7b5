/** The API key: asked for when the server wants one, kept until the tab is closed, and no longer. */

import { write } from "./dom.js";

const PLACE = "gatecast-key";
const form = () => document.getElementById("key");
let waiting = [];

/** The key in use; null without one. */
export const key = () => sessionStorage.getItem(PLACE);

/**
 * Wait until there is another key than the one that was refused.
 * @param {string | null} refused
 * @param {string} why what the server said
 * @param {AbortSignal} [signal] stops the wait
 */
export function otherKey(refused, why, signal) {
  if (key() !== refused) {
    return Promise.resolve();
  }
  write(document.getElementById("key-why"), why);
  if (form().hidden) {
    form().hidden = false;
    document.getElementById("key-text").focus();
  }
  return new Promise((resolve, reject) => {
    waiting.push(resolve);
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}

/** Make the form and the button in the footer work. */
export function watchKey() {
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    const text = document.getElementById("key-text");
    if (text.value.trim()) {
      use(text.value.trim());
      text.value = "";
    }
  });
  const forget = document.getElementById("forget");
  forget.hidden = key() === null;
  forget.addEventListener("click", () => {
    sessionStorage.removeItem(PLACE);
    location.reload();
  });
}

function use(text) {
  sessionStorage.setItem(PLACE, text);
  form().hidden = true;
  document.getElementById("forget").hidden = false;
  document.getElementById("main").focus();
  const resolvers = waiting;
  waiting = [];
  resolvers.forEach((resolve) => resolve());
}
