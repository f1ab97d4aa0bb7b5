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
    const link = make("a", { href: seriesAddress(summary.series), title: summary.series, dir: "auto" }, summary.series);
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

  /** What one observation changes. */
  take(event) {
    this.recent = [...this.recent, event.y].slice(-RECENT);
    this.value(event);
    if (event.y !== null && event.median !== null) {
      write(this.cells.error, number(Math.abs(event.y - event.median)));
    }
    this.element.classList.remove("fresh");
    requestAnimationFrame(() => this.element.classList.add("fresh"));
  }

  value({ y, ds, alarm }) {
    write(this.cells.y, number(y));
    write(this.cells.ds, time(ds));
    this.badge.hidden = !alarm;
    refill(this.spark, spark(this.recent));
  }
}

const cell = (label) => make("td", { "data-label": label });
