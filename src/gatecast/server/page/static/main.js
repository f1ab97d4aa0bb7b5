/** What the address says is what is shown: `#/`, `#/series/NAME`, `#/model`, `#/upload`. */

import { connection } from "./connection.js";
import { make, refill } from "./dom.js";
import { watchKey } from "./key.js";
import { showList } from "./list.js";
import { showModel } from "./model.js";
import { showSeries } from "./series.js";
import { watchTheme } from "./theme.js";
import { showUpload } from "./upload.js";

const SERIES = "#/series/";
const VIEWS = { "#/": ["Series", showList], "#/model": ["Model", showModel], "#/upload": ["Upload", showUpload] };
const main = document.getElementById("main");
let open = new AbortController();

/** Show what the address says; the view before it stops all that it had under way. */
function route() {
  open.abort();
  open = new AbortController();
  connection("waiting");
  const hash = location.hash || "#/";
  const [title, view] = VIEWS[hash] ?? seriesView(hash);
  document.title = `${title} · gatecast`;
  for (const link of document.querySelectorAll("nav a")) {
    link.toggleAttribute("aria-current", link.hash === hash);
  }
  refill(main);
  view(main, open.signal);
}

function seriesView(hash) {
  const name = hash.startsWith(SERIES) ? decoded(hash.slice(SERIES.length)) : null;
  return name ? [name, (place, signal) => showSeries(place, name, signal)] : ["Nothing here", showNothing];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // half of a percent sign's code: somebody has cut the address
  }
}

function showNothing(place) {
  const home = make("a", { href: "#/" }, "all series");
  refill(place, make("h1", {}, "Nothing is at this address"), make("p", {}, "Look among ", home, "."));
}

/** Someone who listens to the page hears where a link has led. */
function arrived() {
  route();
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

watchTheme();
watchKey();
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view, so it cannot name a place in the page too
  main.focus();
});
addEventListener("hashchange", arrived);
route();
