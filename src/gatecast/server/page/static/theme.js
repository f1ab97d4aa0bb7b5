/** Light or dark: as the system says, until the button says otherwise; charts ask here for their colours. */

import { write } from "./dom.js";

const PLACE = "gatecast-theme";
const CHOICES = ["system", "light", "dark"];
const listeners = new Set();

/** Make the button work, and take up what was chosen before. */
export function watchTheme() {
  apply(localStorage.getItem(PLACE) ?? "system");
  document.getElementById("theme").addEventListener("click", () => {
    const next = CHOICES[(CHOICES.indexOf(document.documentElement.dataset.theme) + 1) % CHOICES.length];
    localStorage.setItem(PLACE, next);
    apply(next);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
}

/** Call `paint` now and whenever the colours change, until the signal is given. */
export function painted(paint, signal) {
  const again = () => paint(colours());
  listeners.add(again);
  signal.addEventListener("abort", () => listeners.delete(again));
  again();
}

function apply(choice) {
  const known = CHOICES.includes(choice) ? choice : "system";
  document.documentElement.dataset.theme = known;
  write(document.getElementById("theme"), `Colours: ${known}`);
  tell();
}

function tell() {
  listeners.forEach((listener) => listener());
}

/** The colours of page.css as plain values: Bokeh knows no variables. */
function colours() {
  const probe = document.body.appendChild(document.createElement("span"));
  const names = ["ink", "quiet", "line", "net", "best"];
  const found = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}
