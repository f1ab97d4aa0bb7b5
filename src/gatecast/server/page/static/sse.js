/**
 * Server-sent events out of a stream of text.  EventSource would read them by itself, but it cannot send a key.
 *
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

/** Takes text as it comes, in pieces of any length, and hands out whole events. */
export class EventReader {
  /**
   * @param {(data: string) => void} event called with the data of each event
   * @param {(milliseconds: number) => void} [retry] called when the server says how long to wait before coming again
   */
  constructor(event, retry = () => {}) {
    this.event = event;
    this.retry = retry;
    this.rest = "";
    this.data = [];
    this.started = false;
  }

  /** @param {string} text */
  feed(text) {
    this.rest += text;
    if (!this.started && this.rest) {
      this.rest = this.rest.replace(/^\uFEFF/, "");
      this.started = true;
    }
    // A carriage return at the very end may be half of a line's end, so it waits for what follows.
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    lines.forEach((line) => this.line(line));
  }

  line(line) {
    if (line === "") {
      this.dispatch();
      return;
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (field === "data") {
      this.data.push(value ?? "");
    } else if (field === "retry" && /^\d+$/.test(value)) {
      this.retry(Number(value));
    }
  }

  dispatch() {
    if (this.data.length) {
      this.event(this.data.join("\n"));
    }
    this.data = [];
  }
}
