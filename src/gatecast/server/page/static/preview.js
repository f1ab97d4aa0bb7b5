/** The first rows of a file, and a choice for each column of what it is. */

import { make } from "./dom.js";
import { ROLES } from "./columns.js";
import { plural } from "./format.js";

const SHOWN = 6;
const GUESSED = "What each column is was guessed by its name; choose otherwise where that is wrong.";
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
  const label = make("label", { for: "only" }, "Name of the series");
  const only = make("p", { hidden: guessed.includes("series") }, label, input);
  const roles = () => choices.map((select) => select.value);
  const ask = () => (only.hidden = roles().includes("series"));
  choices.forEach((select) => select.addEventListener("change", ask));
  const found = `${plural(table.rows.length, "row")}, with ${NAMES[table.delimiter]} between the cells. ${GUESSED}`;
  const region = { class: "scroll", tabindex: "0", role: "region", "aria-label": "First rows" };
  const rows = make("div", region, sheet(table, choices));
  const element = make("div", {}, make("h2", {}, "First rows"), make("p", { class: "note" }, found), rows, only);
  return { element, roles, series: () => input.value.trim() };
}

function choice(column, guessed) {
  const option = ([role, text]) => make("option", { value: role, selected: role === guessed }, text);
  return make("select", { "aria-label": `What ${column} is` }, ...Object.entries(ROLES).map(option));
}

function sheet({ header, rows }, choices) {
  const names = header.map((name) => make("th", { scope: "col", class: "cut", title: name, dir: "auto" }, name));
  const row = (cells) => make("tr", {}, ...cells.map((cell) => make("td", { class: "cut", title: cell }, cell)));
  const body = rows.slice(0, SHOWN).map(row);
  const chosen = make("tr", {}, ...choices.map((select) => make("td", {}, select)));
  const head = make("thead", {}, make("tr", {}, ...names), chosen);
  return make("table", { class: "left" }, head, make("tbody", {}, ...body));
}
