/** What is known of one series: the newest rows, and those that a forecast had spoken of before they came. */

import { place } from "./format.js";

export const MOST_ROWS = 5000;

/** A missing number is null on the wire, and NaN where it is drawn. */
export const drawn = (value) => value ?? NaN;

export class History {
  /** @param {object} answer of `/v1/series/NAME` */
  constructor(answer) {
    this.summary = answer.summary;
    this.interval = answer.interval;
    this.rows = answer.ds.map((ds, index) => row(ds, answer.y[index]));
    this.settled = answer.settled.ds.map((ds, index) =>
      settledRow(ds, ...["y", "low", "median", "high"].map((name) => answer.settled[name][index])),
    );
  }

  /**
   * Take one observation; false where it is here already, because the history was asked for after it came.
   * @param {object} event of `/v1/stream`
   */
  take(event) {
    const next = row(event.ds, event.y);
    if (this.rows.length && !(next.x > this.rows.at(-1).x)) {
      return false;
    }
    this.rows.push(next);
    if (event.y !== null && event.median !== null) {
      this.settled.push(settledRow(event.ds, event.y, event.low, event.median, event.high));
    }
    const { rows, y, ds } = { rows: this.summary.rows + 1, y: event.y, ds: event.ds };
    this.summary = { ...this.summary, rows, y, ds, alarm: event.alarm };
    this.rows.splice(0, this.rows.length - MOST_ROWS);
    this.settled.splice(0, this.settled.length - MOST_ROWS);
    return true;
  }

  /** |value - median| of the newest forecast that was settled; null before the first. */
  get lastError() {
    return this.settled.at(-1)?.error ?? null;
  }

  /**
   * The share of observations inside their interval, over the newest rows up to each settled one.
   * @param {number} width rows it is taken over; the first few have fewer
   * @returns {(number | null)[]}
   */
  coverage(width) {
    const held = this.settled.map(({ y, low, high }) => (low === null || high === null ? null : low <= y && y <= high));
    return held.map((_, index) => share(held.slice(Math.max(0, index + 1 - width), index + 1)));
  }
}

function row(ds, y) {
  return { ds: String(ds), x: place(ds), y };
}

function settledRow(ds, y, low, median, high) {
  const error = y === null || median === null ? null : Math.abs(y - median);
  return { ...row(ds, y), low, median, high, error };
}

function share(held) {
  const known = held.filter((value) => value !== null);
  return known.length ? known.filter(Boolean).length / known.length : null;
}
