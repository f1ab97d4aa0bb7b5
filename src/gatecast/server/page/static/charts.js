/** The empty chart that every chart of the page starts from: the look of gatecast's reports, in Bokeh. */

import { painted } from "./theme.js";

const FONT = "system-ui, sans-serif";
const TOOLS = "xpan,xwheel_zoom,xbox_zoom,reset,save";
let loading = null;

/** Bokeh, which is fetched when the first chart is wanted: a list of series does not need it. */
export function bokeh() {
  const folder = document.querySelector("meta[name=bokeh]").content;
  loading ??= ["bokeh.min.js", "bokeh-api.min.js"]
    .reduce((before, name) => before.then(() => script(`${folder}/${name}`)), Promise.resolve())
    .then(() => {
      globalThis.Bokeh.logger?.set_level?.("error");
      return globalThis.Bokeh;
    });
  return loading;
}

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = address;
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error("Bokeh could not be loaded. Load the page again.")));
    document.head.append(element);
  });
}

/**
 * An empty chart with thin lines and system fonts; it changes its colours with the page.
 * @param {object} Bokeh
 * @param {{dated: boolean, height: number, x_range?: object, y_range?: object}} shape
 * @param {AbortSignal} signal
 */
export function canvas(Bokeh, { dated, ...options }, signal) {
  const figure = Bokeh.Plotting.figure({
    sizing_mode: "stretch_width",
    x_axis_type: dated ? "datetime" : "linear",
    tools: TOOLS,
    active_drag: null, // a finger on a phone must scroll the page, not the chart
    active_scroll: null,
    toolbar_location: "above",
    outline_line_color: null,
    window_axis: "x",
    min_border_left: 56, // so that charts below one another share their time axis to the pixel
    ...options,
  });
  figure.toolbar.logo = null;
  figure.toolbar.autohide = true;
  figure.xgrid.visible = false;
  if (dated) {
    figure.xaxis.formatter = dates(Bokeh);
  }
  painted((colours) => quieten(figure, colours), signal);
  return figure;
}

function quieten(figure, { ink, line }) {
  Object.assign(figure, { background_fill_color: null, border_fill_color: null });
  for (const grid of figure.grids) {
    grid.grid_line_color = line;
  }
  for (const axis of figure.axes) {
    axis.axis_line_color = axis.major_tick_line_color = line;
    axis.minor_tick_line_color = null;
    axis.major_label_text_color = axis.axis_label_text_color = ink;
    axis.major_label_text_font = axis.axis_label_text_font = FONT;
    axis.axis_label_text_font_style = "normal";
  }
}

function dates(Bokeh) {
  const clock = { minsec: "%H:%M:%S", minutes: "%H:%M", hourmin: "%H:%M", hours: "%H:%M" };
  const day = Object.fromEntries(Object.keys(clock).map((name) => [name, "%d %b %Y"]));
  const context = new Bokeh.DatetimeTickFormatter({ ...day, days: "%Y", months: "", years: "" });
  return new Bokeh.DatetimeTickFormatter({ ...clock, days: "%d %b", months: "%b %Y", years: "%Y", context });
}

/**
 * Draw charts in their places, as one document, because they share an axis; they go when the signal is given.
 * @param {object} Bokeh @param {object[]} figures @param {HTMLElement[]} places @param {AbortSignal} signal
 */
export async function draw(Bokeh, figures, places, signal) {
  const sheet = new Bokeh.Document();
  figures.forEach((figure) => sheet.add_root(figure));
  signal.addEventListener("abort", () => {
    sheet.clear();
    Bokeh.documents.splice(Bokeh.documents.indexOf(sheet), 1); // it would be kept for good
  });
  await Bokeh.embed.add_document_standalone(sheet, places[0], places);
}

/**
 * A line of the column `name` over the column `x`; `look` is its width and its dash.
 * @returns {object} its renderer, whose glyph is given its colour by who draws it
 */
export function stroke(figure, source, name, look) {
  const line = figure.line({ field: "x" }, { field: name }, { source, ...look });
  line.hover_glyph = null; // Bokeh makes one in its own colours, and would draw it while the pointer is near
  return line;
}

/** Name lines above a chart; a click on a name hides its line. */
export function legend(Bokeh, figure, lines, signal) {
  const items = lines.map(([label, renderers]) => new Bokeh.LegendItem({ label: { value: label }, renderers }));
  const box = new Bokeh.Legend({
    items, orientation: "horizontal", ncols: "auto", click_policy: "hide", border_line_color: null, margin: 0,
    spacing: 9, glyph_width: 14, label_text_font: FONT, label_text_font_size: "12px",
  });
  figure.add_layout(box, "above");
  painted(({ ink }) => Object.assign(box, { label_text_color: ink, background_fill_color: null }), signal);
}

/** Show numbers beside the pointer, at the nearest `x` of `glyph`. */
export function hover(Bokeh, figure, glyph, tooltips) {
  figure.add_tools(new Bokeh.HoverTool({ renderers: [glyph], mode: "vline", tooltips }));
}
