/** The first rows of a file, and a choice for each column of what it is. */

import { make } from "./dom.js";
import { ROLES } from "./columns.js";
import { plural } from "./format.js";

const SHOWN = 6;
const NAMES = { ",": "commas", ";": "semicolons", "\t": "tabs" };

/**
 * @param {{header: string[], rows: string[][], delimiter: string}} table
 * @param {string[]} guessed roles of the columns
 * @param {string} name of the series where no column has one
 * @returns {{element: HTMLElement, roles: () => string[], series: () => string}}
 */
export function preview(table, guessed, name) {
  const choices = table.header.map((column, index) => choice(column, guessed[index]));
  const input = make("input", { id: "only", value: name, maxlength: 512, dir: "auto" });
  const only = make("p", { hidden: guessed.includes("series") }, make("label", { for: "only" }, "Name of the series"), input);
  const roles = () => choices.map((select) => select.value);
  choices.forEach((select) => select.addEventListener("change", () => (only.hidden = roles().includes("series"))));
  const found = `${plural(table.rows.length, "row")}, with ${NAMES[table.delimiter]} between the cells. What each column is was guessed by its name; choose otherwise where that is wrong.`;
  const region = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "First rows" }, sheet(table, choices));
  const element = make("div", {}, make("h2", {}, "First rows"), make("p", { class: "note" }, found), region, only);
  return { element, roles, series: () => input.value.trim() };
}

function choice(column, guessed) {
  const options = Object.entries(ROLES).map(([role, text]) => make("option", { value: role, selected: role === guessed }, text));
  return make("select", { "aria-label": `What ${column} is` }, ...options);
}

function sheet({ header, rows }, choices) {
  const names = header.map((name) => make("th", { scope: "col", class: "cut", title: name, dir: "auto" }, name));
  const body = rows.slice(0, SHOWN).map((cells) => make("tr", {}, ...cells.map((cell) => make("td", { class: "cut", title: cell }, cell))));
  const chosen = make("tr", {}, ...choices.map((select) => make("td", {}, select)));
  return make("table", { class: "left" }, make("thead", {}, make("tr", {}, ...names), chosen), make("tbody", {}, ...body));
}
