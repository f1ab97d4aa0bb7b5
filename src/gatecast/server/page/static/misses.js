/** Two small charts under the fan: by how much forecasts missed, and how often the interval held what came. */

import { canvas, hover, stroke } from "./charts.js";
import { drawn } from "./history.js";
import { painted } from "./theme.js";

export const COVERAGE_ROWS = 50;

export class Misses {
  /** @param {object} x_range of the fan: the three charts move together */
  constructor(Bokeh, history, x_range, signal) {
    this.source = new Bokeh.ColumnDataSource({ data: { x: [], error: [], coverage: [], ds: [] } });
    const shape = { dated: typeof history.summary.ds !== "number", height: 150, x_range, toolbar_location: null };
    this.error = canvas(Bokeh, shape, signal);
    this.coverage = canvas(Bokeh, { ...shape, y_range: new Bokeh.Range1d({ start: 0, end: 1.03 }) }, signal);
    this.coverage.yaxis.formatter = new Bokeh.NumeralTickFormatter({ format: "0 %" });
    this.draw(Bokeh, history.interval, signal);
    this.show(history);
  }

  draw(Bokeh, interval, signal) {
    const error = stroke(this.error, this.source, "error", { line_width: 1.6 });
    const coverage = stroke(this.coverage, this.source, "coverage", { line_width: 1.6 });
    hover(Bokeh, this.error, error, [["time", "@ds"], ["error", "@error{0,0.[0000]}"]]);
    hover(Bokeh, this.coverage, coverage, [["time", "@ds"], ["coverage", "@coverage{0.0 %}"]]);
    const look = { dimension: "width", line_dash: "dashed", line_width: 1.4 };
    const nominal = new Bokeh.Span({ location: interval ?? NaN, ...look });
    if (interval !== null) {
      this.coverage.add_layout(nominal);
    }
    painted(({ net, quiet }) => {
      error.glyph.line_color = coverage.glyph.line_color = { value: net };
      nominal.line_color = quiet;
    }, signal);
  }

  /** All of it: the coverage of the newest row depends on those before it. */
  show(history) {
    const { settled } = history;
    this.source.data = {
      x: settled.map((row) => row.x),
      ds: settled.map((row) => row.ds),
      error: settled.map((row) => drawn(row.error)),
      coverage: history.coverage(COVERAGE_ROWS).map(drawn),
    };
  }
}
