// The open ticket as this page knows it: a fetched whole, and live news on top; a message is known by where it is.

import { RequestFailed, read } from "./api.js";
import { newId } from "./dom.js";
import { keep as keepInTab, kept } from "./drafts.js";

const TICKET_PAUSE = 1_500;
const DELIVERY_LOOK = 4_000;
const TYPING_LASTS = 6_000;

export class OpenTicket extends EventTarget {
  constructor(number, live, me) {
    super();
    this.number = number;
    this.live = live;
    this.me = me;
    this.header = null;
    this.conversations = new Map();
    this.history = [];
    this.deliveries = [];
    this.pending = kept(`pending ${number}`) || [];
    this.missing = false;
    this.closed = false;
    this.timer = null;
    this.fetching = false;
    this.again = false;
  }

  /** Fetches the ticket, then follows its conversations from the last number had. */
  async load() {
    if (this.fetching) {
      this.again = true;
      return;
    }
    this.fetching = true;
    try {
      this.take(await read(`/tickets/${encodeURIComponent(this.number)}`));
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      if (error.status === 404) this.missing = true;
      else this.dispatchEvent(new CustomEvent("trouble", { detail: error.message }));
    } finally {
      this.fetching = false;
    }
    if (this.again) {
      this.again = false;
      await this.load();
    }
    this.changed();
  }

  take(found) {
    if (this.closed) return;
    this.header = found.ticket;
    this.history = found.history;
    this.deliveries = found.deliveries;
    for (const each of found.conversations) {
      const known = this.conversations.get(each.id);
      const conversation = known || { id: each.id, messages: new Map(), typing: new Map(), here: [], ready: false };
      Object.assign(conversation, {
        channel: each.channel, way: each.way, customer: each.customer, aside: each.aside, openedAt: each.opened_at, revisions: each.revisions, ratings: each.ratings,
      });
      if (!known || each.seq >= conversation.seq) Object.assign(conversation, { seq: each.seq, state: each.state });
      if (!known) conversation.online = each.online;
      for (const message of each.messages) keep(conversation, message);
      this.conversations.set(each.id, conversation);
      if (!known) this.follow(conversation);
    }
    const there = new Set(found.conversations.map((each) => each.id));
    for (const id of [...this.conversations.keys()]) {
      if (there.has(id)) continue;
      this.live.send({ t: "unwatch", conversation: id });
      this.conversations.delete(id);
    }
    if (this.deliveries.some((each) => each.status === "pending" || each.status === "leased")) this.soon(DELIVERY_LOOK);
  }

  follow(conversation) {
    conversation.ready = false;
    this.live.send({ t: "watch", conversation: conversation.id, after: conversation.seq });
  }

  /** The connection is back: everything missed is asked for, by number. */
  async back() {
    for (const conversation of this.conversations.values()) this.follow(conversation);
    await this.load();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    for (const id of this.conversations.keys()) this.live.send({ t: "unwatch", conversation: id });
  }

  hear(frame) {
    const conversation = this.conversations.get(frame.conversation);
    if (frame.t === "ack") this.settle(frame.id);
    else if (frame.t === "error" && frame.id) this.refused(frame);
    else if (frame.t === "tickets" && frame.numbers.includes(this.number)) this.soon(TICKET_PAUSE);
    if (!conversation) return;
    if (frame.t === "ready" || frame.t === "news") this.news(conversation, frame);
    else if (frame.t === "presence") Object.assign(conversation, { here: frame.agents, online: frame.online });
    else if (frame.t === "typing") this.typing(conversation, frame);
    this.changed();
  }

  news(conversation, frame) {
    for (const message of frame.messages || []) {
      keep(conversation, message);
      if (message.agent || message.from === "customer") conversation.typing.delete(message.name);
      if (message.edited || message.deleted || message.from === "desk") this.soon(100);
    }
    if (frame.seq >= conversation.seq) {
      const state = frame.state || conversation.state;
      const moved = conversation.state.phase !== state.phase || conversation.state.rating !== state.rating;
      Object.assign(conversation, { seq: frame.seq, state });
      if (moved) this.soon(50);
    }
    if (frame.ticket_changed) this.soon(50);
    if (frame.t === "ready") {
      conversation.ready = true;
      this.resend(conversation);
    }
    this.receipt();
  }

  typing(conversation, frame) {
    clearTimeout(conversation.typing.get(frame.name)?.timer);
    if (!frame.on) {
      conversation.typing.delete(frame.name);
      return;
    }
    const timer = setTimeout(() => {
      conversation.typing.delete(frame.name);
      this.changed();
    }, TYPING_LASTS);
    conversation.typing.set(frame.name, { timer, internal: frame.internal, customer: frame.customer });
  }

  /** Looks at the whole ticket again, but not more often than it matters. */
  soon(pause) {
    const at = Date.now() + pause;
    if (this.timer && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => {
      this.timer = null;
      if (!this.closed && !document.hidden) this.load().catch(() => {});
      else if (!this.closed) this.stale = true;
    }, pause);
  }

  shown() {
    if (this.stale) {
      this.stale = false;
      this.soon(0);
    }
    this.receipt();
  }

  /** Says what this page shows, and only while somebody can see it. */
  receipt() {
    if (document.visibilityState !== "visible" || this.closed) return;
    for (const conversation of this.conversations.values()) {
      if (!conversation.ready || conversation.seq <= Math.max(conversation.reported || 0, conversation.state.read)) continue;
      const frame = { t: "receipt", conversation: conversation.id, delivered: conversation.seq, seen: conversation.seq };
      if (this.live.send(frame)) conversation.reported = conversation.seq;
    }
  }

  /** The conversation that an answer goes to: one that is open now, or the latest but those of people whom the ticket affects. */
  get current() {
    const all = [...this.conversations.values()].sort((a, b) => (a.openedAt < b.openedAt ? -1 : 1));
    const open = all.find((each) => ["waiting", "live"].includes(each.state.phase));
    return open || all.findLast((each) => !each.aside) || all.at(-1) || null;
  }

  get isMine() {
    return this.header?.assignee?.id === this.me.id;
  }

  say(text, internal, files = []) {
    const conversation = this.current;
    const at = new Date().toISOString();
    const message = { id: newId(), conversation: conversation.id, text, internal, files, at, problem: "" };
    this.pending.push(message);
    this.store();
    this.post(message);
    this.changed();
  }

  post(message) {
    const files = message.files.map((file) => file.id);
    const { id, conversation, text, internal } = message;
    this.live.send({ t: "message", id, conversation, text, internal, files });
  }

  resend(conversation) {
    for (const message of this.pending) if (message.conversation === conversation.id && !message.problem) this.post(message);
  }

  retry(message) {
    message.problem = "";
    message.id = newId();
    this.store();
    this.post(message);
    this.changed();
  }

  drop(message) {
    this.pending = this.pending.filter((each) => each !== message);
    this.store();
    this.changed();
  }

  settle(id) {
    const message = this.pending.find((each) => each.id === id);
    if (message) this.drop(message);
  }

  refused(frame) {
    const message = this.pending.find((each) => each.id === frame.id);
    if (!message) {
      this.dispatchEvent(new CustomEvent("trouble", { detail: frame.message }));
      return;
    }
    if (frame.code === "try_again" || frame.code === "slow_down") {
      setTimeout(() => this.pending.includes(message) && this.post(message), 2_000);
      return;
    }
    message.problem = frame.message;
    this.store();
    this.changed();
  }

  edit(conversation, seq, text) {
    return this.live.send({ t: "edit", id: newId(), conversation, seq, text });
  }

  remove(conversation, seq) {
    return this.live.send({ t: "delete", id: newId(), conversation, seq });
  }

  store() {
    keepInTab(`pending ${this.number}`, this.pending.length ? this.pending : null);
  }

  changed() {
    if (!this.closed) this.dispatchEvent(new Event("change"));
  }
}

/** Keeps the newest version of a message; an older one that comes late changes nothing. */
function keep(conversation, message) {
  const known = conversation.messages.get(message.seq);
  if (!known || (message.changed || message.seq) >= (known.changed || known.seq)) conversation.messages.set(message.seq, message);
}
