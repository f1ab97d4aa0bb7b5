/** The main chart: what was observed, what had been forecast of it, and the fan of what may come. */

import { canvas, hover, legend, stroke } from "./charts.js";
import { drawn, MOST_ROWS } from "./history.js";
import { place } from "./format.js";
import { painted } from "./theme.js";

export class Fan {
  /**
   * @param {object} Bokeh
   * @param {import("./history.js").History} history
   * @param {number} shown rows before the newest that are in sight at first
   * @param {AbortSignal} signal
   */
  constructor(Bokeh, history, shown, signal) {
    this.Bokeh = Bokeh;
    this.signal = signal;
    this.bands = [];
    this.observed = new Bokeh.ColumnDataSource({ data: { x: [], y: [], ds: [] } });
    this.said = new Bokeh.ColumnDataSource({ data: { x: [], median: [] } });
    this.ahead = new Bokeh.ColumnDataSource({ data: { x: [], middle: [], ds: [] } });
    const follow_interval = reach(history, shown);
    const x_range = new Bokeh.DataRange1d({ follow: "end", follow_interval, range_padding: 0.02 });
    const dated = typeof history.summary.ds !== "number";
    this.figure = canvas(Bokeh, { dated, height: 340, x_range }, signal);
    this.lines();
    this.show(history);
  }

  lines() {
    const { figure, Bokeh } = this;
    const past = stroke(figure, this.said, "median", { line_width: 1.2, line_dash: "dotted" });
    const line = stroke(figure, this.observed, "y", { line_width: 1.6 });
    const next = stroke(figure, this.ahead, "middle", { line_width: 2.2 });
    hover(Bokeh, figure, line, [["time", "@ds"], ["observed", "@y{0,0.[0000]}"]]);
    hover(Bokeh, figure, next, [["time", "@ds"], ["forecast", "@middle{0,0.[0000]}"]]);
    legend(Bokeh, figure, [["observed", [line]], ["forecast", [next]], ["had been forecast", [past]]], this.signal);
    painted(({ ink, net, best }) => {
      line.glyph.line_color = { value: ink };
      next.glyph.line_color = { value: net };
      past.glyph.line_color = { value: best };
      this.net = net;
      this.bands.forEach((band) => (band.glyph.fill_color = { value: net }));
    }, this.signal);
  }

  /** All rows anew. */
  show({ rows, settled }) {
    this.observed.data = observedColumns(rows);
    this.said.data = saidColumns(settled);
  }

  /** The rows that have come since, added to what is there. */
  add(rows, settled) {
    this.observed.stream(observedColumns(rows), MOST_ROWS);
    this.said.stream(saidColumns(settled), MOST_ROWS);
  }

  /**
   * Move the fan to where the newest forecast has it; it opens at the newest observation.
   * @param {object} forecast of `/v1/forecast`
   * @param {number | null} y the newest value
   */
  forecast(forecast, y) {
    const levels = Object.keys(forecast.quantiles).map(Number).sort((one, other) => one - other);
    const pairs = levels.filter((level) => level < 0.5 && levels.some((other) => Math.abs(level + other - 1) < 1e-9));
    const ds = [forecast.cutoff, ...forecast.ds];
    const start = (values) => [y ?? values[0], ...values];
    const data = { x: ds.map(place), ds: ds.map(String), middle: start(middle(forecast)) };
    for (const level of levels) {
      data[`q${level}`] = start(forecast.quantiles[String(level)]);
    }
    this.ahead.data = data;
    pairs.slice(this.bands.length).forEach((level) => this.band(level, mirror(levels, level)));
  }

  /** Outer bands are as light as inner ones; where they lie on top of each other they are darker. */
  band(low, high) {
    const ends = [{ field: "x" }, { field: `q${low}` }, { field: `q${high}` }];
    this.bands.push(this.figure.varea(...ends, { source: this.ahead, fill_alpha: 0.18, fill_color: this.net }));
  }
}

/** The median; of a model without quantiles the mean. */
export const middle = (forecast) => forecast.quantiles["0.5"] ?? forecast.mean;

const mirror = (levels, level) => levels.find((other) => Math.abs(level + other - 1) < 1e-9);

/** How far back the axis goes at first, in its own unit. */
function reach({ rows }, shown) {
  return rows.length > shown ? 1.25 * (rows.at(-1).x - rows.at(-1 - shown).x) : null;
}

const observedColumns = (rows) => ({
  x: rows.map((row) => row.x),
  y: rows.map((row) => drawn(row.y)),
  ds: rows.map((row) => row.ds),
});
const saidColumns = (settled) => ({ x: settled.map((row) => row.x), median: settled.map((row) => drawn(row.median)) });
