/** One series as it goes on: events come in, the charts move, and the forecast is asked for anew. */

import { get, query } from "./api.js";
import { firstObservation } from "./curl.js";
import { make, refill } from "./dom.js";
import { follow } from "./follow.js";
import { History } from "./history.js";
import { atMost } from "./pace.js";
import { SeriesSheet } from "./sheet.js";

const ROWS = 1000;
const REDRAW = 250; // milliseconds between two drawings, however fast observations come
const REFORECAST = 350;
const RECOUNT = 3000; // the mean error and the coverage are of all rows, and only the server has them

/** @param {HTMLElement} main @param {string} name of the series @param {AbortSignal} signal */
export function showSeries(main, name, signal) {
  const view = new Series(main, name, signal);
  follow([name], { opened: () => view.load(), event: (event) => view.hear(event) }, signal);
}

class Series {
  constructor(main, name, signal) {
    this.name = name;
    this.signal = signal;
    this.waiting = []; // events that are not drawn yet
    this.history = null;
    this.sheet = new SeriesSheet(name, signal);
    refill(main, this.sheet.element);
    this.draw = atMost(() => this.drawWaiting(), REDRAW, signal);
    this.load = atMost(() => this.loadHistory(), REDRAW, signal);
    this.forecast = atMost(() => this.loadForecast(), REFORECAST, signal);
    this.recount = atMost(() => this.loadSummary(), RECOUNT, signal);
  }

  hear(event) {
    this.waiting.push(event);
    if (this.history) {
      this.draw();
    } else {
      this.load(); // nobody had observed the series until now
    }
  }

  /** The stream is open before this is asked, so that no observation falls between the two. */
  async loadHistory() {
    try {
      const answer = await this.ask(ROWS);
      const history = new History(answer);
      await this.sheet.begin(history, answer.gates);
      this.history = history;
      this.forecast();
      this.draw();
    } catch (error) {
      await this.complain(error);
    }
  }

  ask(rows) {
    return get(`v1/series/${encodeURIComponent(this.name)}?rows=${rows}`, this.signal);
  }

  async loadSummary() {
    try {
      const { summary } = await this.ask(1);
      const { mean_error, coverage } = summary;
      this.history.summary = { ...this.history.summary, mean_error, coverage };
      this.sheet.tell(this.history);
    } catch {
      // The stream says so itself when the server cannot be reached.
    }
  }

  async complain(error) {
    if (this.signal.aborted) {
      return;
    }
    this.sheet.complain(error.message);
    if (error.status === 404) {
      const how = make("p", {}, "This sends its first observation; the page draws it when it comes:");
      this.sheet.teach(how, await firstObservation(this.signal, this.name));
    }
  }

  drawWaiting() {
    const events = this.waiting.splice(0).filter((event) => this.history.take(event));
    if (events.length) {
      this.sheet.add(this.history, events);
      this.forecast();
      this.recount();
    }
  }

  async loadForecast() {
    try {
      const answer = await get(`v1/forecast${query([["series", this.name]])}`, this.signal);
      this.sheet.forecast(answer.forecasts[0], this.history);
    } catch (error) {
      if (!this.signal.aborted) {
        this.sheet.unforecast(error.message);
      }
    }
  }
}
