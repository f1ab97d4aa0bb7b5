/** Requests to `/v1/`: the key goes along, and a refusal becomes an error with the server's own words. */

import { key, otherKey } from "./key.js";

/** What the server said no to; `status` is 0 where it said nothing at all. */
class Refusal extends Error {
  constructor(status, detail, after = 0) {
    super(detail);
    this.status = status;
    this.after = after;
  }
}

/** The JSON of a GET. */
export async function get(path, signal) {
  return (await send(path, { signal })).json();
}

/** The JSON of a POST of JSON text. */
export async function post(path, body, headers, signal) {
  const options = { method: "POST", body, signal, headers: { ...headers, "Content-Type": "application/json" } };
  return (await send(path, options)).json();
}

/**
 * The answer to a request, which is sent again once there is a key if the server wants one.
 * @param {string} path beside the page, so that it works behind a proxy's prefix too
 * @param {RequestInit} options
 */
export async function send(path, options) {
  for (;;) {
    const used = key();
    const headers = used === null ? options.headers : { ...options.headers, Authorization: `Bearer ${used}` };
    const answer = await reach(path, { ...options, headers });
    if (answer.ok) {
      document.getElementById("unready")?.remove();
      return answer;
    }
    const detail = await reason(answer);
    if (answer.status !== 401) {
      throw new Refusal(answer.status, detail, Number(answer.headers.get("Retry-After") ?? 0));
    }
    await otherKey(used, detail, options.signal);
  }
}

/** `?series=a&series=b`: names may hold anything. */
export function query(pairs) {
  return `?${new URLSearchParams(pairs.filter(([, value]) => value !== null))}`;
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new Refusal(0, "The server cannot be reached. Is it running, and is this machine connected to it?");
  }
}

async function reason(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).detail || `The server answered ${answer.status}.`;
  } catch {
    return `The server answered ${answer.status}: ${text.slice(0, 300)}`;
  }
}
