// The line to the desk: WebSocket, or server-sent events and POST where a proxy blocks it. What was
// written is kept until the desk has acknowledged it, and sent again after every break, in order.

const PING_EVERY = 25_000;
const ANSWER_WITHIN = 10_000;

/** What is kept in the browser's storage; in memory where that is blocked. */
export class Memory {
  constructor(prefix) {
    this.prefix = prefix;
    this.own = {};
  }

  get(name) {
    try {
      return JSON.parse(localStorage.getItem(this.prefix + name)) ?? this.own[name];
    } catch {
      return this.own[name];
    }
  }

  /** Keep a value; null forgets it. */
  set(name, value) {
    this.own[name] = value;
    try {
      if (value === null) localStorage.removeItem(this.prefix + name);
      else localStorage.setItem(this.prefix + name, JSON.stringify(value));
    } catch {
      // Blocked or full: it is kept as long as the page.
    }
  }
}

export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(32))].map((byte) => (byte % 36).toString(36)).join("");
}

/**
 * `hello()` gives the first frame's changing parts; `on.frame(frame)` gets what the desk sends,
 * `on.line(up)` whether the line stands; `on.outbox()` is told when the list of unsent frames changed.
 */
export class Link {
  constructor(settings) {
    Object.assign(this, settings);
    const { memory } = this;
    this.secret = memory.get("visitor") || newId();
    memory.set("visitor", this.secret);
    this.outbox = memory.get("outbox") || [];
    // Ids that may have reached the desk already, those of before a reload among them.
    this.tried = new Set(this.outbox.map((frame) => frame.id));
    this.failures = this.unopened = 0;
    this.patience = 2;
    this.streams = !window.WebSocket;
    const hurry = () => (this.line ? this.up && this.ping(3_000) : this.connect());
    addEventListener("online", hurry);
    document.addEventListener("visibilitychange", () => document.hidden || hurry());
    // Another tab has begun a conversation: begin afresh, to learn of it.
    addEventListener("storage", ({ key }) => key === `${memory.prefix}line` && this.connect());
  }

  address(path, more = "") {
    return `${this.base}widget/${path}?key=${this.desk}${more}`;
  }

  connect() {
    clearTimeout(this.retry);
    this.line?.close();
    this.up = this.opened = false;
    this.line = this.streams ? new StreamLine(this) : new SocketLine(this);
    this.expect(ANSWER_WITHIN);
  }

  /** Somebody else sits at this browser now: nothing of what was kept is theirs. */
  forget() {
    for (const name of ["outbox", "survey", "draft", "active"]) this.memory.set(name, null);
    this.outbox = [];
    this.secret = newId();
    this.memory.set("visitor", this.secret);
    this.connect();
  }

  /** Send something that must arrive; returns its id. It is repeated until it is acknowledged. */
  post(frame) {
    const id = Date.now().toString(36) + newId();
    this.outbox.push({ ...frame, id });
    this.save();
    this.flush();
    return id;
  }

  /** Send something that is worth nothing later. */
  whisper(frame) {
    if (this.up) this.line.send(frame);
  }

  drop(id) {
    this.outbox = this.outbox.filter((frame) => frame.id !== id);
    if (this.flying === id) this.flying = null;
    this.save(id);
  }

  again(frame) {
    delete frame.problem;
    this.save();
    this.flush();
  }

  save(dropped) {
    // Other tabs keep theirs in the same list.
    const own = new Set([dropped, ...this.outbox.map((frame) => frame.id)]);
    const others = (this.memory.get("outbox") || []).filter((frame) => !own.has(frame.id));
    this.memory.set("outbox", [...others, ...this.outbox]);
    this.on.outbox();
  }

  /** Send the oldest unsent frame; the next one follows its acknowledgement, so order is kept. */
  flush() {
    const next = this.up && !this.flying && this.outbox.find((frame) => !frame.problem);
    if (!next) return;
    this.flying = next.id;
    this.tried.add(next.id);
    this.line.send(next);
  }

  received(line, text) {
    if (line !== this.line) return;
    clearTimeout(this.deadline);
    clearTimeout(this.nextPing);
    this.nextPing = setTimeout(() => this.ping(ANSWER_WITHIN), PING_EVERY);
    for (const frame of [JSON.parse(text)].flat()) this.take(frame);
  }

  take(frame) {
    if (frame.t === "ready") this.stands();
    if (frame.t === "error") this.refused(frame);
    this.on.frame(frame);
    if (frame.t === "ack") this.drop(frame.id);
    this.flush();
  }

  stands() {
    if (this.up) return;
    this.up = true;
    this.failures = this.unopened = 0;
    this.patience = 6;
    this.flying = null;
    this.on.line(true);
  }

  refused({ code, id, message }) {
    this.outdated ||= code === "version" || code === "bad_hello";
    // A desk that answers, and lets nobody in, has enough to do: this counts twice.
    this.failures += !this.up;
    const frame = this.outbox.find((other) => other.id === id);
    if (!frame) return;
    if (code === "try_again" || (code === "slow_down" && frame.t !== "start")) {
      setTimeout(() => {
        this.flying = null;
        this.flush();
      }, 2_000);
      return;
    }
    this.flying = null;
    frame.problem = message;
    this.save();
  }

  broke(line) {
    if (line !== this.line) return;
    clearTimeout(this.deadline);
    clearTimeout(this.nextPing);
    this.line = this.flying = null;
    this.up = false;
    // A line that does not open twice in a row is given up for the other kind; one that stood before, and
    // may only be waiting for a desk that restarts, after six times.
    if (!this.opened && !(++this.unopened % this.patience)) this.streams = !this.streams || !window.WebSocket;
    this.on.line(false);
    if (this.outdated) return;
    // A desk that restarts is back in a second or two: it is looked for often at first, then ever less.
    const half = Math.min(15_000, 350 + 25 * 2 ** this.failures++);
    this.retry = setTimeout(() => this.connect(), half * (1 + Math.random()));
  }

  ping(within) {
    this.whisper({ t: "ping" });
    this.expect(within);
  }

  expect(within) {
    const { line } = this;
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => {
      line.close();
      this.broke(line);
    }, within);
  }

  greeting() {
    return { t: "hello", v: 1, visitor: this.secret, ...this.hello() };
  }
}

class SocketLine {
  constructor(link) {
    this.socket = new WebSocket(link.address("socket").replace("http", "ws"));
    this.socket.onopen = () => {
      link.opened = true;
      this.send(link.greeting());
    };
    this.socket.onmessage = ({ data }) => link.received(this, data);
    this.socket.onclose = () => link.broke(this);
  }

  send(frame) {
    if (this.socket.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  close() {
    this.socket.onclose = null;
    this.socket.close();
  }
}

class StreamLine {
  constructor(link) {
    this.link = link;
    this.work = Promise.resolve();
    this.then(() => this.begin());
  }

  /** One thing after the other, so that frames arrive in the order written. */
  then(work) {
    this.work = this.work.then(() => this.done || work()).catch(() => this.fail());
  }

  async begin() {
    const { link } = this;
    this.token = (await this.call("session", link.greeting())).token;
    link.opened = true;
    if (this.done) return;
    this.source = new EventSource(link.address("stream", `&token=${this.token}`));
    this.source.onmessage = ({ data }) => link.received(this, data);
    this.source.onerror = () => this.fail();
  }

  async call(path, body) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(this.link.address(path), { method: "POST", headers, body: JSON.stringify(body) });
    const found = answer.status === 204 || (await answer.json());
    if (!answer.ok) {
      this.link.take(found);
      throw found;
    }
    return found;
  }

  send(frame) {
    this.then(() => this.call("send", { token: this.token, frame }));
  }

  fail() {
    this.close();
    this.link.broke(this);
  }

  close() {
    this.done = true;
    this.source?.close();
  }
}
