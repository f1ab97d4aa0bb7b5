/** A CSV file into the live log: read here, looked at by its owner, then sent. */

import { get } from "./api.js";
import { connection } from "./connection.js";
import { guessRoles, observations } from "./columns.js";
import { parseCsv } from "./csv.js";
import { button, make, refill, write } from "./dom.js";
import { count, plural } from "./format.js";
import { preview } from "./preview.js";
import { seriesAddress } from "./row.js";
import { sendAll } from "./sending.js";

const LARGEST = 100 * 2 ** 20;
const WARNING = "This writes into the live log. Observations move the state of the model, and cannot be taken back.";
const ABOUT = "A column unique_id or series (where there are several), ds, y; others are covariates. Nothing leaves "
  + "this machine until you press Send.";

/** @param {HTMLElement} main @param {AbortSignal} signal */
export function showUpload(main, signal) {
  new Upload(main, signal).open();
}

class Upload {
  constructor(main, signal) {
    this.signal = signal;
    this.file = make("input", { type: "file", id: "file", accept: ".csv,.tsv,.txt,text/csv" });
    this.problem = make("p", { class: "notice bad", role: "alert", hidden: true });
    this.looked = make("div");
    this.file.addEventListener("change", () => this.look());
    const label = make("label", { for: "file" }, "CSV file");
    const warning = make("p", { class: "notice warm" }, WARNING);
    const about = make("p", { class: "note" }, ABOUT);
    const choose = make("section", {}, label, this.file, about);
    refill(main, make("h1", {}, "Upload"), warning, choose, this.problem, this.looked);
  }

  /** What the model knows decides what columns are; it is here long before anybody has chosen a file. */
  async open() {
    this.asked = get("v1/models", this.signal);
    await this.guarded(async () => {
      this.card = (await this.asked).models[0];
      connection("live");
    });
  }

  /** Show what goes wrong in the words it comes with. */
  async guarded(work) {
    this.problem.hidden = true;
    try {
      await work();
    } catch (error) {
      if (!this.signal.aborted) {
        write(this.problem, error.message);
        this.problem.hidden = false;
      }
    }
  }

  look() {
    refill(this.looked);
    const [file] = this.file.files;
    return file && this.guarded(async () => {
      await this.asked;
      this.table = parseCsv(await textOf(file));
      this.preview = preview(this.table, guessRoles(this.table.header, this.card), file.name.replace(/\.\w+$/, ""));
      this.bar = make("progress", { max: this.table.rows.length, value: 0, "aria-label": "Rows sent", hidden: true });
      this.told = make("p", { role: "status" });
      this.go = button(`Send ${plural(this.table.rows.length, "row")}`, () => this.send(), { class: "main" });
      refill(this.looked, make("section", {}, this.preview.element, this.go, this.bar, this.told));
    });
  }

  async send() {
    this.go.disabled = true;
    await this.guarded(async () => {
      const all = observations(this.table, this.preview.roles(), this.card, this.preview.series());
      this.bar.hidden = false;
      const progress = (sent, repeated) => this.progress(sent, repeated);
      await sendAll(all, progress, this.signal).catch((error) => this.explain(error));
      this.done(all);
    });
    this.go.disabled = false;
  }

  progress(sent, repeated) {
    this.bar.value = sent;
    const known = repeated ? ` ${count(repeated)} of them were there already, and count once.` : "";
    write(this.told, `${count(sent)} of ${plural(this.table.rows.length, "row")} are on the server's disk.${known}`);
  }

  done(all) {
    const names = [...new Set(all.map((observation) => observation.series))].slice(0, 5);
    const link = (name) => make("a", { href: seriesAddress(name), dir: "auto", class: "cut", title: name }, name);
    this.told.append(" Look at", ...names.flatMap((name) => [" ", link(name)]));
  }

  /** Say which rows were refused, and quote the one that the server names. */
  explain(error) {
    const { lines, rows } = this.table;
    if (error.first === undefined) {
      throw error;
    }
    const where = `Lines ${lines[error.first]} to ${lines[error.last]} of the file`;
    const part = `${where} were refused together, and none of them was kept.`;
    const row = error.row === null ? "" : ` Line ${lines[error.row]} reads: ${rows[error.row].join(" | ")}`;
    throw new Error(`${part} ${error.message}${row}`);
  }
}

async function textOf(file) {
  if (file.size > LARGEST) {
    const size = count(Math.round(file.size / 2 ** 20));
    throw new Error(`The file has ${size} MiB; a page takes 100. Send it by the client instead.`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error("The file is not UTF-8 text. Save it as “CSV UTF-8” and choose it again.");
  }
}
