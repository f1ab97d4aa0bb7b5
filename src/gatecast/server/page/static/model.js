/** The model card: what is served, what it was trained on, and whether it was worth its trouble. */

import { get } from "./api.js";
import { connection } from "./connection.js";
import { make, refill } from "./dom.js";
import { count, number, plural } from "./format.js";

const NOTE = "Mean absolute error ÷ that of repeating the last season in the training data; shorter is better, ★ marks "
  + "the best.";

/** @param {HTMLElement} main @param {AbortSignal} signal */
export async function showModel(main, signal) {
  const heading = make("h1", {}, "Model");
  refill(main, heading, make("p", { class: "quiet", role: "status" }, "Loading …"));
  try {
    const { models } = await get("v1/models", signal);
    connection("live");
    refill(main, heading, ...models.map(card));
  } catch (error) {
    if (!signal.aborted) {
      refill(main, heading, make("p", { class: "notice bad", role: "alert" }, error.message));
    }
  }
}

function card(model) {
  const title = make("h2", {}, model.name.toUpperCase(), " ", make("span", { class: "quiet" }, model.version));
  const verdict = model.verdict && make("p", { class: "verdict" }, model.verdict);
  return make("div", {}, make("section", {}, title, verdict || null, factTable(model)), scores(model));
}

function factTable(model) {
  const facts = {
    "Forecasts": `${plural(model.horizon, "row")} ahead, ${model.frequency_name} (${model.frequency})`,
    "Targets": model.targets.join(", "),
    "Quantiles": model.quantiles.map((level) => `${+(100 * level).toFixed(2)} %`).join(", ") || "none",
    "Covariates": model.past.join(", ") || "none",
    "Known in advance": model.future.join(", ") || "none",
    "Trained on": `${model.trained_on} (${count(model.trained_series)} series)`,
    ...model.facts,
  };
  const rows = Object.entries(facts).map(([name, text]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", { dir: "auto" }, text)),
  );
  return make("table", { class: "facts" }, make("tbody", {}, ...rows));
}

/** The net first, then the others by MASE, as in gatecast's reports; a bar says how long each error is. */
function scores(model) {
  const entries = Object.entries(model.scores).filter(([, score]) => Number.isFinite(score));
  if (!entries.length) {
    return make("section", {}, make("h2", {}, "Scores"), make("p", {}, "The run of this model has no backtest."));
  }
  entries.sort(([one, low], [other, high]) => (other === model.name) - (one === model.name) || low - high);
  const longest = Math.max(...entries.map(([, score]) => score));
  const best = Math.min(...entries.map(([, score]) => score));
  const rows = entries.map(([name, score]) => scoreRow(name, score, { longest, best, net: name === model.name }));
  const head = ["Model", "MASE", ""].map((text) => make("th", { scope: "col" }, text));
  const body = make("tbody", {}, ...rows);
  const table = make("table", { class: "bars" }, make("thead", {}, make("tr", {}, ...head)), body);
  return make("section", {}, make("h2", {}, "Scores"), make("p", { class: "note" }, NOTE), table);
}

function scoreRow(name, score, { longest, best, net }) {
  const bar = make("div", { class: "bar" });
  bar.style.width = `${longest ? (100 * score) / longest : 0}%`;
  const value = make("td", { class: score === best ? "best" : null }, number(score));
  return make("tr", { class: net ? "net" : null }, make("th", { scope: "row" }, name), value, make("td", {}, bar));
}
