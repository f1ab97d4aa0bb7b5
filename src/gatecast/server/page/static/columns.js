/** Which column of a file is what, and its rows as observations. */

import { CsvError } from "./csv.js";

export const ROLES = { series: "series", time: "time", target: "target", covariate: "covariate", left: "left out" };
const SERIES = ["unique_id", "series", "series_id", "id", "item_id"];
const TIMES = ["ds", "time", "date", "datetime", "timestamp"];
const MISSING = new Set(["", "na", "nan", "null", "none", "n/a"]);
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const DECIMAL_COMMA = /^[+-]?\d+,\d+$/;

/**
 * What each column probably is, by its name and by what the model knows.
 * @param {string[]} header
 * @param {{targets: string[], past: string[], future: string[]}} card
 * @returns {string[]} a role for each column
 */
export function guessRoles(header, card) {
  const low = header.map((name) => name.toLowerCase());
  const first = (names) => names.map((name) => low.indexOf(name)).find((index) => index >= 0) ?? -1;
  const [series, time] = [first(SERIES), first(TIMES)];
  const targets = card.targets.length > 1 ? card.targets : [header[low.indexOf("y")] ?? card.targets[0]];
  const known = new Set([...card.past, ...card.future]);
  return header.map((name, index) => {
    if (index === series || index === time) {
      return index === series ? "series" : "time";
    }
    return targets.includes(name) ? "target" : known.has(name) ? "covariate" : "left";
  });
}

/**
 * The rows as observations; the first that cannot be one is refused with its line.
 * @param {{header: string[], rows: string[][], lines: number[]}} table
 * @param {string[]} roles of the columns
 * @param {{targets: string[], frequency: string}} card
 * @param {string} series the name of the only series, where no column names one
 */
export function observations(table, roles, card, series) {
  checkRoles(roles, series);
  const places = (role) => roles.flatMap((found, index) => (found === role ? [index] : []));
  const targets = places("target");
  const words = new Set(places("covariate").filter((index) => isWords(table, index)));
  return table.rows.map((cells, row) => {
    const value = (index) => numeric(cells[index], table.header[index], table.lines[row]);
    const named = (indexes, read) => Object.fromEntries(indexes.map((index) => [table.header[index], read(index)]));
    const covariate = (index) => (words.has(index) ? text(cells[index]) : value(index));
    return {
      series: roles.includes("series") ? nameOf(cells[places("series")[0]], table.lines[row]) : series,
      ds: moment(cells[places("time")[0]], card, table.lines[row]),
      y: card.targets.length > 1 ? named(targets, value) : value(targets[0]),
      x: named(places("covariate"), covariate),
    };
  });
}

function checkRoles(roles, series) {
  const many = (role) => roles.filter((found) => found === role).length;
  if (many("time") !== 1 || many("target") < 1 || many("series") > 1) {
    throw new Error("One column must be the time, one the target, at most one the series. Choose them in the header.");
  }
  if (!many("series") && !series) {
    throw new Error("No column names the series, so give it a name.");
  }
}

function nameOf(cell, line) {
  if (!cell) {
    throw new CsvError(line, "the name of the series is empty. Every row needs one.");
  }
  return cell;
}

function moment(cell, card, line) {
  const trimmed = cell.trim();
  if (!trimmed) {
    throw new CsvError(line, "the time is empty. Every row needs one.");
  }
  return /row$/.test(card.frequency) && /^-?\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** A column of words is sent as words; one with a single number in it is taken for numbers. */
function isWords({ rows }, index) {
  return rows.every((cells) => !NUMBER.test(cells[index].trim()) && !DECIMAL_COMMA.test(cells[index].trim()));
}

const text = (cell) => (cell === "" ? null : cell);

function numeric(cell, column, line) {
  const trimmed = cell.trim();
  if (MISSING.has(trimmed.toLowerCase())) {
    return null;
  }
  if (DECIMAL_COMMA.test(trimmed)) {
    const point = trimmed.replace(",", ".");
    throw new CsvError(line, `${column} is "${trimmed}", with a decimal comma. Write numbers with a point: ${point}.`);
  }
  const value = NUMBER.test(trimmed) ? Number(trimmed) : NaN;
  if (!Number.isFinite(value)) {
    const lesson = "where a number is expected. Leave it empty if it is missing.";
    throw new CsvError(line, `${column} is "${trimmed.slice(0, 40)}", ${lesson}`);
  }
  return value;
}
