/** All series, a page of them at a time: a search, a table, and what comes in. */

import { get, query } from "./api.js";
import { beginning } from "./curl.js";
import { button, make, refill, write } from "./dom.js";
import { follow } from "./follow.js";
import { count } from "./format.js";
import { afterQuiet, atMost, pause } from "./pace.js";
import { Row, table } from "./row.js";

const ROWS = 50;
const REDRAW = 150; // milliseconds between two drawings, however fast observations come
const REFRESH = 5000; // milliseconds: coverage and new series are asked for, values come by themselves
const LONGEST_QUERY = 4000; // characters; beyond, all events are heard and most are dropped

/** @param {HTMLElement} main @param {AbortSignal} signal */
export function showList(main, signal) {
  new List(main, signal).open();
}

class List {
  constructor(main, signal) {
    this.signal = signal;
    this.starts = [null]; // the `after` of this page and of those before it
    this.nextStart = null;
    this.rows = new Map();
    this.coming = new Map(); // events that are not drawn yet, by series
    this.listening = ""; // the names whose events are heard
    this.following = new AbortController();
    this.found = make("p", { class: "quiet", role: "status" }, "Loading …");
    this.search = make("input", { type: "search", id: "match", autocomplete: "off", spellcheck: "false" });
    this.body = make("tbody");
    this.table = table(this.body);
    this.empty = make("div");
    this.back = button("Previous", () => this.turn(-1));
    this.next = button("Next", () => this.turn(1));
    this.pages = make("nav", { "aria-label": "Pages of series", class: "beside", hidden: true }, this.back, this.next);
    refill(main, this.head(), this.found, this.table, this.empty, this.pages);
    this.draw = atMost(() => this.drawComing(), REDRAW, signal);
    this.refresh = atMost(() => this.load(), 250, signal);
    this.search.addEventListener("input", afterQuiet(() => this.restart(), 250));
    signal.addEventListener("abort", () => this.following.abort());
  }

  head() {
    const label = make("label", { for: "match" }, "Search by name");
    const search = make("div", { class: "search" }, label, this.search);
    return make("div", { class: "head" }, make("h1", {}, "Series"), search);
  }

  async open() {
    while (!this.signal.aborted) {
      if (!document.hidden) {
        await this.refresh();
      }
      await pause(REFRESH, this.signal);
    }
  }

  restart() {
    this.starts = [null];
    this.refresh();
  }

  async turn(step) {
    this.starts = step > 0 ? [...this.starts, this.nextStart] : this.starts.slice(0, -1);
    await this.refresh();
    scrollTo(0, 0);
  }

  async load() {
    const start = this.starts.at(-1);
    try {
      const asked = query([["after", start], ["limit", ROWS], ["match", this.search.value || null]]);
      const answer = await get(`v1/series${asked}`, this.signal);
      if (start === this.starts.at(-1)) {
        await this.show(answer);
      }
    } catch (error) {
      if (!this.signal.aborted) {
        write(this.found, error.message);
      }
    }
  }

  async show(answer) {
    this.nextStart = answer.next;
    this.back.disabled = this.starts.length === 1;
    this.next.disabled = answer.next === null;
    this.pages.hidden = this.back.disabled && this.next.disabled;
    this.table.hidden = !answer.series.length;
    write(this.found, this.words(answer));
    this.fill(answer.series);
    await this.explain(answer);
  }

  words({ series, total }) {
    const which = this.search.value ? " with this in the name" : "";
    if (!series.length || series.length === total) {
      return `${total ? count(total) : "No"} series${which}`;
    }
    const first = (this.starts.length - 1) * ROWS + 1;
    return `${count(first)} to ${count(first + series.length - 1)} of ${count(total)} series${which}`;
  }

  /** Rows stay where they are if the names are the same, so that nobody loses their place. */
  fill(summaries) {
    const names = summaries.map((summary) => summary.series);
    if (JSON.stringify(names) !== this.listening) {
      this.rows = new Map(summaries.map((summary) => [summary.series, new Row(summary)]));
      refill(this.body, ...[...this.rows.values()].map((row) => row.element));
      this.listen(names);
    }
    summaries.forEach((summary) => this.rows.get(summary.series).show(summary));
  }

  listen(names) {
    this.listening = JSON.stringify(names);
    this.following.abort();
    this.following = new AbortController();
    const few = encodeURIComponent(names.join()).length < LONGEST_QUERY ? names : [];
    follow(few, { opened: () => {}, event: (event) => this.take(event) }, this.following.signal);
  }

  take(event) {
    if (this.rows.has(event.series)) {
      this.coming.set(event.series, [...(this.coming.get(event.series) ?? []), event]);
      this.draw();
    } else if (!this.rows.size) {
      this.refresh(); // nobody had observed anything until now
    }
  }

  drawComing() {
    this.coming.forEach((events, name) => this.rows.get(name)?.take(events));
    this.coming.clear();
  }

  /** Where there is no series at all, say how the first one comes to be. */
  async explain({ total }) {
    if (total || this.search.value) {
      refill(this.empty);
    } else if (!this.empty.childElementCount) {
      refill(this.empty, await beginning(this.signal));
    }
  }
}
