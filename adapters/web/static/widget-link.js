// The line to the desk: WebSocket, or server-sent events and POST where a proxy blocks it. What was
// written is kept until the desk has acknowledged it, and sent again after every break, in order.

const VERSION = 1;
const PING_EVERY = 25_000;
const ANSWER_WITHIN = 8_000;
const LONGEST_WAIT = 30_000;
const TRIES_BEFORE_FALL_BACK = 2;
const FOR_GOOD = new Set(["version", "bad_hello"]);

/** Something kept in the browser's storage; in memory where that is blocked. */
export class Memory {
  constructor(prefix) {
    this.prefix = prefix;
    this.own = new Map();
    try {
      localStorage.setItem(prefix + "test", "1");
      localStorage.removeItem(prefix + "test");
      this.storage = localStorage;
    } catch {
      this.storage = null;
    }
  }

  get(name) {
    try {
      if (this.storage) return JSON.parse(this.storage.getItem(this.prefix + name));
    } catch {
      return null;
    }
    return this.own.get(name) ?? null;
  }

  set(name, value) {
    this.own.set(name, value);
    try {
      if (value === null) this.storage?.removeItem(this.prefix + name);
      else this.storage?.setItem(this.prefix + name, JSON.stringify(value));
    } catch {
      // Full: what does not fit is kept in memory.
    }
    if (value === null) this.own.delete(name);
  }
}

export function newId(bytes = 16) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...random)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/** Who this browser is to the desk: a random secret that it keeps. */
export function visitorSecret(memory) {
  let secret = memory.get("visitor");
  if (!/^[\w-]{32,128}$/.test(secret || "")) memory.set("visitor", (secret = newId(32)));
  return secret;
}

/**
 * `on.frame(frame)` gets what the desk sends, `on.line(up)` whether the line stands, `on.outbox()` is
 * told when the list of unsent frames changed; `hello()` gives the first frame's changing parts.
 */
export class Link {
  constructor({ base, desk, memory, hello, on }) {
    Object.assign(this, { base, desk, memory, hello, on });
    this.secret = visitorSecret(memory);
    this.outbox = memory.get("outbox") || [];
    // Ids that may have reached the desk already, those of before a reload among them.
    this.tried = new Set(this.outbox.map((frame) => frame.id));
    this.failures = 0;
    this.streams = !window.WebSocket;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    addEventListener("storage", (event) => event.key === memory.prefix + "line" && this.restart());
  }

  address(path, more = "") {
    return `${this.base}widget/${path}?key=${encodeURIComponent(this.desk)}${more}`;
  }

  connect() {
    clearTimeout(this.retry);
    this.up = false;
    this.opened = false;
    const line = this.streams ? new StreamLine(this) : new SocketLine(this);
    this.line = line;
    this.expect(ANSWER_WITHIN + 4_000);
  }

  /** Try now rather than later: the network is back, or somebody looks. */
  hurry() {
    if (!this.line) this.connect();
    else if (this.up) this.ping(3_000);
  }

  /** Begin afresh, to learn what another tab has begun. */
  restart() {
    this.line?.close();
    this.connect();
  }

  /** Send something that must arrive; returns its id. It is repeated until it is acknowledged. */
  post(frame) {
    const id = newId();
    this.outbox.push({ ...frame, id });
    this.saveOutbox();
    this.flush();
    return id;
  }

  /** Send something that is worth nothing later. */
  whisper(frame) {
    if (this.up) this.line.send(JSON.stringify(frame));
  }

  drop(id) {
    this.outbox = this.outbox.filter((frame) => frame.id !== id);
    if (this.flying === id) this.flying = null;
    this.saveOutbox(id);
  }

  again(id) {
    const frame = this.outbox.find((other) => other.id === id);
    if (frame) delete frame.problem;
    this.saveOutbox();
    this.flush();
  }

  saveOutbox(dropped) {
    // Other tabs keep theirs in the same list.
    const others = (this.memory.get("outbox") || []).filter(
      (frame) => frame.id !== dropped && !this.outbox.some((own) => own.id === frame.id),
    );
    this.memory.set("outbox", [...others, ...this.outbox]);
    this.on.outbox();
  }

  /** Send the oldest unsent frame; the next one follows its acknowledgement, so order is kept. */
  flush() {
    if (!this.up || this.flying) return;
    const next = this.outbox.find((frame) => !frame.problem);
    if (!next) return;
    this.flying = next.id;
    this.tried.add(next.id);
    this.line.send(JSON.stringify(next));
  }

  received(line, text) {
    if (line !== this.line) return;
    clearTimeout(this.deadline);
    clearTimeout(this.nextPing);
    this.nextPing = setTimeout(() => this.ping(ANSWER_WITHIN), PING_EVERY);
    for (const frame of [JSON.parse(text)].flat()) this.take(frame);
  }

  take(frame) {
    if (frame.t === "ready" && !this.up) this.stands();
    if (frame.t === "error") this.refused(frame);
    this.on.frame(frame);
    if (frame.t === "ack") this.drop(frame.id);
    this.flush();
  }

  stands() {
    this.up = true;
    this.failures = 0;
    this.flying = null;
    this.on.line(true);
  }

  refused({ code, id, message, fields }) {
    if (FOR_GOOD.has(code)) this.givenUp = true;
    if (!id || id !== this.flying) return;
    this.flying = null;
    if (code === "try_again" || code === "slow_down") {
      this.flying = id;
      setTimeout(() => {
        if (this.flying === id) this.flying = null;
        this.flush();
      }, 1_000 + Math.random() * 2_000);
      return;
    }
    const frame = this.outbox.find((other) => other.id === id);
    if (frame) frame.problem = { message, fields };
    this.saveOutbox();
  }

  broke(line) {
    if (line !== this.line) return;
    clearTimeout(this.deadline);
    clearTimeout(this.nextPing);
    this.line = null;
    this.up = false;
    this.flying = null;
    if (!this.opened) this.choose();
    this.on.line(false);
    if (this.givenUp) return;
    const wait = Math.min(LONGEST_WAIT, 500 * 2 ** this.failures++) * (0.5 + Math.random() / 2);
    this.retry = setTimeout(() => this.connect(), wait);
  }

  /** A line that never opens twice in a row is given up for the other kind. */
  choose() {
    this.closed = (this.closed || 0) + 1;
    if (this.closed < TRIES_BEFORE_FALL_BACK) return;
    this.closed = 0;
    this.streams = !this.streams || !window.WebSocket;
  }

  ping(within) {
    if (!this.up) return;
    this.line.send('{"t":"ping"}');
    this.expect(within);
  }

  expect(within) {
    clearTimeout(this.deadline);
    const line = this.line;
    this.deadline = setTimeout(() => {
      line.close();
      this.broke(line);
    }, within);
  }

  firstFrame() {
    return { t: "hello", v: VERSION, visitor: this.secret, ...this.hello() };
  }
}

class SocketLine {
  constructor(link) {
    this.socket = new WebSocket(link.address("socket").replace(/^http/, "ws"));
    this.socket.onopen = () => {
      link.opened = true;
      this.send(JSON.stringify(link.firstFrame()));
    };
    this.socket.onmessage = (event) => link.received(this, event.data);
    this.socket.onclose = () => link.broke(this);
  }

  send(text) {
    if (this.socket.readyState === 1) this.socket.send(text);
  }

  close() {
    this.socket.onclose = null;
    this.socket.close();
  }
}

class StreamLine {
  constructor(link) {
    this.link = link;
    this.sending = this.begin().catch(() => this.fail());
  }

  async begin() {
    const { token } = await this.call("session", this.link.firstFrame());
    if (this.done) return;
    this.token = token;
    this.link.opened = true;
    this.source = new EventSource(this.link.address("stream", `&token=${token}`));
    this.source.onmessage = (event) => this.link.received(this, event.data);
    this.source.onerror = () => this.fail();
  }

  async call(path, body) {
    const text = JSON.stringify(body);
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(this.link.address(path), { method: "POST", headers, body: text });
    const found = answer.status === 204 ? {} : await answer.json();
    if (!answer.ok && found.t === "error") this.link.take(found);
    if (!answer.ok) throw new Error(found.code);
    return found;
  }

  send(text) {
    // One after the other, so that frames arrive in the order written.
    this.sending = this.sending
      .then(() => this.done || this.call("send", { token: this.token, frame: JSON.parse(text) }))
      .catch(() => this.fail());
  }

  fail() {
    if (this.done) return;
    this.close();
    this.link.broke(this);
  }

  close() {
    this.done = true;
    this.source?.close();
  }
}
