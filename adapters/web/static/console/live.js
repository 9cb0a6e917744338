// The live connection: comes back by itself, and says when it is away and when it is back.

const PING_EVERY = 15_000;
const SILENCE = 40_000;
const SHORTEST = 400;
const LONGEST = 10_000;

export class Live extends EventTarget {
  #socket = null;
  #wait = SHORTEST;
  #timer = null;
  #heard = 0;
  #ended = false;

  start() {
    this.#connect();
    setInterval(() => this.#keepAlive(), PING_EVERY);
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Sends a frame if the connection stands; what must arrive is sent again after "back". */
  send(frame) {
    if (!this.open) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #connect() {
    clearTimeout(this.#timer);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/console/socket`);
    this.#socket = socket;
    socket.addEventListener("message", (message) => {
      this.#heard = Date.now();
      const data = JSON.parse(message.data);
      for (const frame of Array.isArray(data) ? data : [data]) this.#hear(frame);
    });
    socket.addEventListener("close", (close) => this.#closed(socket, close));
  }

  #hear(frame) {
    if (frame.t === "hello") {
      this.#wait = SHORTEST;
      this.dispatchEvent(new Event("back"));
    }
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  #closed(socket, close) {
    if (socket !== this.#socket || this.#ended) return;
    const signedOut = close.code === 1008;
    this.#ended = signedOut;
    this.dispatchEvent(new CustomEvent("away", { detail: { signedOut } }));
    if (signedOut) return;
    const spread = 0.7 + 0.6 * Math.random();
    this.#timer = setTimeout(() => this.#connect(), this.#wait * spread);
    this.#wait = Math.min(LONGEST, this.#wait * 1.8);
  }

  #keepAlive() {
    if (!this.open) return;
    if (Date.now() - this.#heard > SILENCE) this.#socket.close();
    else this.send({ t: "ping" });
  }

  #hurry() {
    if (this.#ended || this.open || this.#socket?.readyState === WebSocket.CONNECTING) return;
    this.#wait = SHORTEST;
    this.#connect();
  }
}
