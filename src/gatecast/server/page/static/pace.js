/** How often something is done, however often it is asked for. */

/**
 * Do `work` now, then at most once in `gap` milliseconds, never twice at a time; the newest wish is always served.
 * @param {() => void | Promise<void>} work
 * @param {number} gap
 * @param {AbortSignal} signal ends it
 */
export function atMost(work, gap, signal) {
  let busy = false;
  let wanted = false;
  return async function want() {
    wanted = true;
    if (busy) {
      return;
    }
    busy = true;
    while (wanted && !signal.aborted) {
      wanted = false;
      await work();
      await pause(gap, signal);
    }
    busy = false;
  };
}

/** Do `work` once nobody has asked for `quiet` milliseconds. */
export function afterQuiet(work, quiet) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, quiet);
  };
}

/** Wait; ends early, without a complaint, when the signal is given. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
