/** The forecast as a table: for those who want the digits, and those who cannot see the chart. */

import { make, refill } from "./dom.js";
import { number, time } from "./format.js";
import { middle } from "./fan.js";

/** @returns {{element: HTMLElement, show: (forecast: object) => void}} */
export function forecastTable() {
  const table = make("table");
  const region = { class: "scroll", tabindex: "0", role: "region", "aria-label": "Forecast in numbers" };
  const element = make("details", {}, make("summary", {}, "The forecast in numbers"), make("div", region, table));
  let newest = null;
  const fill = () => newest && element.open && refill(table, ...rows(newest));
  element.addEventListener("toggle", fill);
  return {
    element,
    show(forecast) {
      newest = forecast;
      fill();
    },
  };
}

function rows(forecast) {
  const levels = Object.keys(forecast.quantiles).sort((one, other) => one - other);
  const headings = ["Time", "Forecast", ...levels.map((level) => `${+(100 * level).toFixed(2)} %`)];
  const head = make("tr", {}, ...headings.map((text) => make("th", { scope: "col" }, text)));
  const values = [middle(forecast), ...levels.map((level) => forecast.quantiles[level])];
  const body = forecast.ds.map((ds, step) => {
    const cells = values.map((column) => make("td", {}, number(column[step])));
    return make("tr", {}, make("th", { scope: "row" }, time(ds)), ...cells);
  });
  return [make("thead", {}, head), make("tbody", {}, ...body)];
}
