/** Observations to the server, a thousand in a request; the same ones sent twice count once. */

import { post } from "./api.js";
import { pause } from "./pace.js";

export const ROWS = 1000;
const TRIES = 6;

/** Which rows of the file a request that was refused held, and which of them the server names, counted from 0. */
class Refused extends Error {
  constructor(error, first, last) {
    super(error.message);
    this.first = first;
    this.last = last;
    const named = /observations\[(\d+)\]/.exec(error.message);
    this.row = named && first + Number(named[1]) <= last ? first + Number(named[1]) : null;
  }
}

/**
 * @param {object[]} all observations
 * @param {(sent: number, repeated: number) => void} progress
 * @param {AbortSignal} signal
 */
export async function sendAll(all, progress, signal) {
  let repeated = 0;
  for (let first = 0; first < all.length; first += ROWS) {
    const part = all.slice(first, first + ROWS);
    try {
      const answer = await sendPart(JSON.stringify({ observations: part }), signal);
      repeated += answer.repeated ? part.length : 0;
    } catch (error) {
      throw signal.aborted ? error : new Refused(error, first, first + part.length - 1);
    }
    progress(first + part.length, repeated);
  }
}

/** A server that is busy or out of reach is asked again, with the same key, so that nothing is counted twice. */
async function sendPart(body, signal) {
  const headers = { "Idempotency-Key": `page-${fingerprint(body)}` };
  for (let tried = 1; ; tried += 1) {
    try {
      return await post("v1/observe", body, headers, signal);
    } catch (error) {
      if (![0, 429, 503].includes(error.status) || tried === TRIES || signal.aborted) {
        throw error;
      }
      await pause(1000 * Math.max(error.after, tried), signal);
    }
  }
}

/**
 * 128 bits that stand for a text: four FNV-1a hashes from different starts.  Chance alone makes no two alike, and the
 * server compares what it keeps, so that two that were made alike are refused, not lost.  The browser's own hashes
 * are lent to https and the own machine alone.
 */
export function fingerprint(text) {
  const lanes = Uint32Array.of(0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    for (let lane = 0; lane < lanes.length; lane += 1) {
      lanes[lane] = Math.imul(lanes[lane] ^ (code + lane * 0x10001), 0x01000193);
    }
  }
  return [...lanes].map((lane) => lane.toString(16).padStart(8, "0")).join("");
}
