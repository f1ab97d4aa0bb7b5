/** One series in the list: a row of the table that is changed in place as observations come. */

import { make, refill, write } from "./dom.js";
import { number, percent, time } from "./format.js";
import { spark } from "./spark.js";

const RECENT = 48;

/** The address of a series on this page. */
export const seriesAddress = (name) => `#/series/${encodeURIComponent(name)}`;

export class Row {
  /** @param {object} summary of `/v1/series` */
  constructor(summary) {
    const { series } = summary;
    const link = make("a", { href: seriesAddress(series), title: series, dir: "auto" }, series);
    this.badge = make("span", { class: "badge", hidden: true }, "alarm");
    this.spark = make("td", { class: "recent" });
    this.cells = { y: cell("Newest"), ds: cell("Time"), error: cell("Last error"), coverage: cell("Coverage") };
    const name = make("th", { scope: "row" }, make("div", { class: "named" }, link, this.badge));
    this.element = make("tr", {}, name, this.spark, ...Object.values(this.cells));
    this.show(summary);
  }

  /** All of it, as the server tells it. */
  show(summary) {
    this.recent = summary.recent.slice(-RECENT);
    this.value(summary);
    write(this.cells.error, number(summary.error));
    write(this.cells.coverage, percent(summary.coverage));
  }

  /** What observations change; they are drawn once, however many came together. */
  take(events) {
    this.recent = [...this.recent, ...events.map((event) => event.y)].slice(-RECENT);
    this.value(events.at(-1));
    const settled = events.findLast((event) => event.y !== null && event.median !== null);
    if (settled) {
      write(this.cells.error, number(Math.abs(settled.y - settled.median)));
    }
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.cells.y.animate([{ background: "var(--tint)" }, {}], 1000);
    }
  }

  value({ y, ds, alarm }) {
    write(this.cells.y, number(y));
    write(this.cells.ds, time(ds));
    this.badge.hidden = !alarm;
    refill(this.spark, spark(this.recent));
  }
}

/** The table that rows stand in; hidden until there are any. */
export function table(body) {
  const headings = {
    Series: null,
    Recent: null,
    Newest: null,
    Time: null,
    "Last error": "|value - median| of the newest forecast that was settled",
    Coverage: "the share of observations between the outermost quantiles",
  };
  const cells = Object.entries(headings).map(([text, title]) => make("th", { scope: "col", title }, text));
  return make("table", { class: "series", hidden: true }, make("thead", {}, make("tr", {}, ...cells)), body);
}

const cell = (label) => make("td", { "data-label": label });
