/** The gates as narrow strips, the newest row on the right: each is coloured between the least and the most it was. */

import { make, write } from "./dom.js";

const COLUMNS = 160;
const LEAST_SPAN = 0.02; // so that noise in the third digit does not look like a storm

export class Gates {
  /** @param {number[]} palette of colours as 0xRRGGBBAA, from the least to the most */
  constructor(palette) {
    this.palette = palette.map((colour) => `#${(colour >>> 0).toString(16).padStart(8, "0")}`);
    this.strips = new Map();
    this.element = make("div", { class: "gates" });
  }

  /** @param {Object<string, number>} gates of one row: the mean of each over the units */
  add(gates) {
    for (const [letter, value] of Object.entries(gates)) {
      if (!this.strips.has(letter)) {
        this.strips.set(letter, this.strip(letter));
      }
      this.extend(this.strips.get(letter), value);
    }
  }

  strip(letter) {
    const sheet = make("canvas", { width: COLUMNS, height: 1, role: "img" });
    const words = make("span", { class: "quiet" });
    this.element.append(make("div", { class: "gate" }, make("b", {}, letter), sheet, words));
    return { letter, sheet, words, values: [] };
  }

  extend(strip, value) {
    strip.values = [...strip.values, value].slice(-COLUMNS);
    const [least, most] = [Math.min(...strip.values), Math.max(...strip.values)];
    const text = `${value.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
    write(strip.words, text);
    strip.sheet.setAttribute("aria-label", `Gate ${strip.letter}: ${text}`);
    this.paint(strip, (least + most) / 2, Math.max(most - least, LEAST_SPAN));
  }

  paint({ sheet, values }, centre, span) {
    const pen = sheet.getContext("2d");
    pen.clearRect(0, 0, COLUMNS, 1);
    values.forEach((value, index) => {
      const share = Math.min(1, Math.max(0, (value - centre) / span + 0.5));
      pen.fillStyle = this.palette[Math.round(share * (this.palette.length - 1))];
      pen.fillRect(COLUMNS - values.length + index, 0, 1, 1);
    });
  }
}
