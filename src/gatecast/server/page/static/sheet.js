/** What one series looks like: facts, the fan, what forecasts missed, the gates; everything is changed in place. */

import { bokeh, draw } from "./charts.js";
import { make, refill, write } from "./dom.js";
import { facts, say } from "./facts.js";
import { Fan, middle } from "./fan.js";
import { number, percent } from "./format.js";
import { Gates } from "./gates.js";
import { COVERAGE_ROWS, Misses } from "./misses.js";
import { forecastTable } from "./numbers.js";

const ROW_WIDTH = 4.5; // pixels of a row at first; the others are a zoom away
const ALARM = "Drift alarm: the errors have grown beyond what they were. The series may no longer be what the model "
  + "has learnt.";
const GATES = "The mean of each gate over the units, a column for each observation since this page was opened, the "
  + "newest on the right. Colours go from the least to the most that is in sight.";

export class SeriesSheet {
  /** @param {string} name @param {AbortSignal} signal */
  constructor(name, signal) {
    this.signal = signal;
    this.alarm = make("p", { class: "notice bad", role: "alert", hidden: true });
    this.problem = make("p", { class: "notice bad", role: "alert", hidden: true });
    this.lesson = make("section", { hidden: true });
    this.facts = make("dl", { class: "facts" });
    this.spoken = make("p", { class: "unseen", "aria-live": "polite" });
    this.fanPlace = chartPlace("Observations and the fan of forecasts", "chart tall");
    this.errorPlace = chartPlace("Error of settled forecasts");
    this.coveragePlace = chartPlace("Rolling coverage");
    this.table = forecastTable();
    this.coverageWords = make("p", { class: "note" });
    this.gatesPlace = make("div");
    this.body = make("div", { hidden: true }, ...this.sections());
    const back = make("p", { class: "crumb" }, make("a", { href: "#/" }, "All series"));
    const title = make("h1", { class: "long", title: name, dir: "auto" }, name);
    const notices = [this.problem, this.lesson, this.alarm];
    this.element = make("div", {}, back, title, ...notices, this.body, this.spoken);
  }

  sections() {
    const errors = "How far off the median was when the value came: |value - median|.";
    return [
      make("section", {}, make("h2", {}, "Forecast"), this.facts, this.fanPlace, this.table.element),
      section("Errors", make("p", { class: "note" }, errors), this.errorPlace),
      section("Coverage", this.coverageWords, this.coveragePlace),
      section("Gates", make("p", { class: "note" }, GATES), this.gatesPlace),
    ];
  }

  /** The history has come, or has come again after the stream had broken. */
  async begin(history, gates) {
    const Bokeh = await bokeh();
    this.problem.hidden = this.lesson.hidden = true;
    this.body.hidden = false;
    if (this.fan) {
      this.fan.show(history);
      this.misses.show(history);
    } else {
      await this.draw(Bokeh, history);
    }
    this.gates.add(gates);
    this.tell(history);
  }

  async draw(Bokeh, history) {
    const shown = Math.round(this.fanPlace.clientWidth / ROW_WIDTH);
    this.fan = new Fan(Bokeh, history, shown, this.signal);
    this.misses = new Misses(Bokeh, history, this.fan.figure.x_range, this.signal);
    this.gates = new Gates(Bokeh.Palettes.Cividis256);
    refill(this.gatesPlace, this.gates.element);
    const figures = [this.fan.figure, this.misses.error, this.misses.coverage];
    await draw(Bokeh, figures, [this.fanPlace, this.errorPlace, this.coveragePlace], this.signal);
  }

  /** Observations have come. */
  add(history, events) {
    const settled = events.filter((event) => event.y !== null && event.median !== null).length;
    this.fan.add(history.rows.slice(-events.length), settled ? history.settled.slice(-settled) : []);
    this.misses.show(history);
    events.forEach((event) => this.gates.add(event.gates));
    this.tell(history);
  }

  forecast(forecast, history) {
    this.problem.hidden = true;
    this.fan.forecast(forecast, history.rows.at(-1)?.y ?? null);
    this.table.show(forecast);
    const [next] = middle(forecast);
    const words = `Newest ${number(history.summary.y)} at ${history.summary.ds}; forecast of the next ${number(next)}.`;
    this.fanPlace.setAttribute("aria-label", `Observations and the fan of forecasts. ${words}`);
    say(this.spoken, words);
  }

  unforecast(message) {
    this.complain(`There is no forecast. ${message}`);
  }

  complain(message) {
    write(this.problem, message);
    this.problem.hidden = false;
  }

  teach(...children) {
    refill(this.lesson, ...children);
    this.lesson.hidden = false;
  }

  tell(history) {
    facts(this.facts, history);
    this.alarm.hidden = !history.summary.alarm;
    write(this.alarm, history.summary.alarm ? ALARM : "");
    const nominal = ` The dashed line is the ${percent(history.interval)} that it is meant to be.`;
    const words = `The share of the newest ${COVERAGE_ROWS} observations inside their interval.`;
    write(this.coverageWords, words + (history.interval === null ? "" : nominal));
  }
}

const chartPlace = (label, look = "chart") => make("div", { class: look, role: "group", "aria-label": label });
const section = (heading, ...children) => make("section", {}, make("h2", {}, heading), ...children);
