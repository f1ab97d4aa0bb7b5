/**
 * Follow `/v1/stream` for as long as a view is open: come again when it breaks, later each time.
 *
 * A page that nobody sees lets go of its stream.  A browser has six connections to a server, for all its tabs together,
 * and those of a page that was left but is kept for the way back count too.
 */

import { query, send } from "./api.js";
import { connection } from "./connection.js";
import { pause } from "./pace.js";
import { EventReader } from "./sse.js";

const LONGEST_WAIT = 30_000;
const SILENCE = 45_000; // the server says something every 15 seconds, if only that it is there

/**
 * @param {string[]} names of series; none for all of them
 * @param {{opened: () => void, event: (event: object) => void}} listener `opened` is called each time the stream
 *   begins: what was missed before has to be asked for
 * @param {AbortSignal} signal ends it
 */
export async function follow(names, listener, signal) {
  const pace = { first: 1000, wait: 1000 };
  for (;;) {
    await seen(signal);
    if (signal.aborted) {
      return;
    }
    let why = "The stream ended.";
    try {
      await readOnce(names, listener, pace, signal);
    } catch (error) {
      why = error.message;
      pace.wait = Math.max(pace.wait, 1000 * (error.after ?? 0));
    }
    if (!signal.aborted && !document.hidden) {
      await waitAgain(pace, why, signal);
    }
  }
}

/** Wait until somebody sees the page. */
function seen(signal) {
  return new Promise((resolve) => {
    const look = () => {
      if (!document.hidden || signal.aborted) {
        document.removeEventListener("visibilitychange", look);
        resolve();
      }
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    look();
  });
}

async function readOnce(names, listener, pace, signal) {
  const broken = new AbortController();
  const stop = () => broken.abort();
  signal.addEventListener("abort", stop);
  document.addEventListener("visibilitychange", stop);
  let timer = setTimeout(stop, SILENCE);
  try {
    const path = `v1/stream${names.length ? query(names.map((name) => ["series", name])) : ""}`;
    const answer = await send(path, { signal: broken.signal, headers: { Accept: "text/event-stream" } });
    connection("live");
    listener.opened();
    const reader = new EventReader((data) => listener.event(JSON.parse(data)), (first) => (pace.first = first));
    const text = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await text.read(); !piece.done; piece = await text.read()) {
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE);
      pace.wait = pace.first;
      reader.feed(piece.value);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    document.removeEventListener("visibilitychange", stop);
  }
}

/** Half the wait is drawn by lot, so that not every page comes back to a restarted server at once. */
async function waitAgain(pace, why, signal) {
  const wait = pace.wait * (0.5 + Math.random() / 2);
  pace.wait = Math.min(2 * pace.wait, LONGEST_WAIT);
  connection("lost", why, wait);
  await pause(wait, signal);
}
