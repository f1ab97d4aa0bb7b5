// The search of the site runs in a worker, and a browser starts no worker from a disk (file:).  There a hidden frame
// stands in for it: the worker's script runs in the frame, and messages go both ways as if there were a thread.
// The offline plugin of Material for MkDocs looks for a file of this name, and the script of the search for IFrameWorker.
if (location.protocol === "file:") {
  const loaded = (window, url) => new Promise((resolve, reject) => {
    const script = window.document.createElement("script");
    script.src = url;
    script.onload = resolve;
    script.onerror = reject;
    window.document.head.append(script);
  });

  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      this.window = new Promise((resolve) => {
        frame.addEventListener("load", () => resolve(this.begin(frame.contentWindow, url)), { once: true });
      });
      document.body.append(frame);
    }

    async begin(window, url) {
      window.IFrameWorker = window.parent.IFrameWorker;
      window.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      window.importScripts = async (...urls) => {
        for (const each of urls) await loaded(window, each);
      };
      await loaded(window, url);
      return window;
    }

    async postMessage(data) {
      const window = await this.window;
      window.dispatchEvent(new window.MessageEvent("message", { data }));
    }
  };
  window.Worker = window.IFrameWorker;
}
