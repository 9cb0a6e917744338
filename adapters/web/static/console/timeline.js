// The middle column's record: messages, notes, history and mails in one order, each known by its key.

import { change } from "./api.js";
import { button, h, icon, iconButton, linked, reconcile, withTickets } from "./dom.js";
import { filesOf } from "./files.js";
import { clock, day, dayKey, short, whole } from "./time.js";

const WHO = { customer: "Customer", agent: "Technician", desk: "Desk" };
const MAILS = {
  opened: "Confirmation", comment: "Comment", status: "Status update", transcript: "Transcript", question: "Question",
};

export class Timeline {
  constructor(actions) {
    this.actions = actions;
    this.known = new Map();
    this.entries = h("ol");
    this.list = h("div", { class: "timeline", tabindex: "0", "aria-label": "Timeline", role: "log" }, this.entries);
    this.newer = button("New messages", () => this.toEnd(), { class: "newer", hidden: true });
    this.typing = h("p", { class: "typing", role: "status" });
    this.element = h("div", { class: "timeline-frame" }, this.list, this.newer, this.typing);
    this.list.addEventListener("scroll", () => this.atEnd() && (this.newer.hidden = this.stuck = true));
    // Pictures that arrive late and a composer that grows must not push the newest message out of sight.
    const sizes = new ResizeObserver(() => this.stuck && this.toEnd());
    sizes.observe(this.list);
    sizes.observe(this.entries);
    this.stuck = true;
    this.list.addEventListener("wheel", () => this.looked(), { passive: true });
    this.list.addEventListener("touchmove", () => this.looked(), { passive: true });
    this.list.addEventListener("keydown", () => this.looked());
  }

  clear() {
    this.known.clear();
    this.entries.replaceChildren();
    this.stuck = true;
  }

  show(ticket) {
    const stick = this.stuck;
    const before = this.known.size;
    const own = ticket.pending.length > 0 && !this.known.has(`p:${ticket.pending.at(-1).id}`);
    reconcile(this.entries, this.known, this.items(ticket));
    this.showTyping(ticket);
    if (stick || own) this.toEnd();
    else if (this.known.size > before && before) this.newer.hidden = false;
  }

  atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
  }

  /** The reader has moved: the timeline stays where they look. */
  looked() {
    requestAnimationFrame(() => (this.stuck = this.atEnd()));
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.newer.hidden = true;
    this.stuck = true;
  }

  showTyping(ticket) {
    const open = [...ticket.conversations.values()].filter((each) => ["waiting", "live"].includes(each.state.phase));
    const names = open.flatMap((each) => [...each.typing].map(([name, how]) => ({ name, ...how })));
    const said = names.map(({ name, internal }) => `${name || "The customer"} is ${internal ? "writing a note" : "typing"}…`);
    this.typing.textContent = said.join(" ");
  }

  items(ticket) {
    const entries = [];
    const conversations = [...ticket.conversations.values()].sort((a, b) => (a.openedAt < b.openedAt ? -1 : 1));
    conversations.forEach((conversation, order) => {
      let at = "";
      const receipts = receiptsOf(conversation);
      for (const message of [...conversation.messages.values()].sort((a, b) => a.seq - b.seq)) {
        at = message.at > at ? message.at : at;
        entries.push({ at, rank: 1, order, seq: message.seq, item: this.messageItem(ticket, conversation, message, receipts) });
      }
      for (const rating of conversation.ratings) {
        entries.push({ at: rating.at, rank: 2, order, seq: 0, item: ratingItem(conversation, rating) });
      }
    });
    ticket.history.forEach((entry, seq) => {
      entries.push({ at: entry.at, rank: 0, order: 0, seq, item: this.historyItem(entry, seq) });
    });
    ticket.deliveries.forEach((delivery, seq) => {
      const item = deliveryItem(delivery);
      if (item) entries.push({ at: delivery.at, rank: 2, order: 0, seq, item });
    });
    entries.sort((a, b) => compare(a.at, b.at) || a.rank - b.rank || a.order - b.order || a.seq - b.seq);
    return [...withDays(entries, conversations), ...ticket.pending.map((message) => this.pendingItem(message))];
  }

  messageItem(ticket, conversation, message, receipts) {
    const own = message.from === "agent" && message.agent === ticket.me.id && !message.deleted;
    const receipt = receipts.get(message.seq) || "";
    const revisions = conversation.revisions.filter((each) => each.seq === message.seq);
    return {
      key: `m:${conversation.id}:${message.seq}`,
      conversation: conversation.id,
      signature: `${message.changed || message.seq}|${receipt}|${revisions.length}|${own}`,
      build: () => this.message(conversation, message, { own, receipt, revisions }),
    };
  }

  message(conversation, message, { own, receipt, revisions }) {
    const kind = message.internal ? "note" : message.from;
    const who = message.internal ? `Internal note by ${message.name}` : `${WHO[message.from]} ${message.name}`;
    const text = message.deleted
      ? h("p", { class: "gone" }, "Message deleted")
      : h("p", { class: "text", dir: "auto" }, linked(message.text));
    return h("li", { class: `message ${kind}`, data: { seq: message.seq, conversation: conversation.id } },
      h("header", {},
        message.internal && h("span", { class: "note-word" }, icon("lock"), "Internal note"),
        h("span", { class: "name", title: who, dir: "auto" }, message.name || WHO[message.from]),
        h("time", { datetime: message.at, title: whole(message.at) }, clock(message.at)),
        revisions.length > 0 && h("span", { class: "edited" }, message.deleted ? "deleted" : "edited"),
        own && this.tools(conversation, message)),
      (message.deleted || message.text) && text,
      filesOf(message),
      revisions.length > 0 && before(revisions),
      receipt && h("p", { class: "receipt" }, receipt));
  }

  tools(conversation, message) {
    return h("span", { class: "tools" },
      message.text && iconButton("pencil", "Edit message", () => this.actions.edit(conversation, message)),
      iconButton("bin", "Delete message", () => this.actions.remove(conversation, message)));
  }

  historyItem(entry, place) {
    const tells = entry.after && entry.after !== entry.before && entry.after !== entry.what;
    const moved = tells ? ` → ${entry.after}` : "";
    const words = [entry.by.name, " · ", entry.what, moved];
    return {
      key: `h:${place}`,
      signature: `${entry.at}${entry.what}`,
      build: () => h("li", { class: "line history" },
        h("span", { class: "words" }, words,
          entry.why && [": ", h("span", { class: "why", dir: "auto" }, withTickets(entry.why, this.actions.prefix, this.actions.open))]),
        h("time", { datetime: entry.at, title: whole(entry.at) }, clock(entry.at))),
    };
  }

  pendingItem(message) {
    return {
      key: `p:${message.id}`,
      signature: message.problem,
      build: () => h("li", { class: `message ${message.internal ? "note" : "agent"} pending` },
        h("header", {},
          message.internal && h("span", { class: "note-word" }, icon("lock"), "Internal note"),
          h("time", { datetime: message.at }, clock(message.at))),
        h("p", { class: "text", dir: "auto" }, message.text),
        filesOf(message),
        message.problem
          ? h("p", { class: "problem", role: "alert" }, `Not sent: ${message.problem} `,
              button("Try again", () => this.actions.retry(message), { class: "link" }), " ",
              button("Discard", () => this.actions.drop(message), { class: "link" }))
          : h("p", { class: "receipt" }, "Sending…")),
    };
  }
}

/** Says sent, delivered or seen where it is news: on the newest of our messages, and the newest that was seen. */
function receiptsOf(conversation) {
  const said = new Map();
  if (conversation.channel !== "web") return said;
  const ours = [...conversation.messages.values()].filter((each) => each.from === "agent" && !each.internal && !each.deleted);
  const newest = Math.max(0, ...ours.map((each) => each.seq));
  const seen = Math.max(0, ...ours.filter((each) => each.seq <= conversation.state.seen).map((each) => each.seq));
  if (seen) said.set(seen, "Seen");
  if (newest > seen) said.set(newest, newest <= conversation.state.delivered ? "Delivered" : "Sent");
  return said;
}

function before(revisions) {
  return h("details", { class: "before" },
    h("summary", {}, "What was there before"),
    h("ol", {}, revisions.map((each) => h("li", {},
      h("span", { class: "by" }, `${each.deleted ? "Deleted" : "Edited"} by ${each.by}, ${short(each.at)}`),
      h("p", { class: "text", dir: "auto" }, each.before || "(no text)")))));
}

function ratingItem(conversation, { score, comment, at }) {
  return {
    key: `r:${conversation.id}:${at}`,
    signature: "",
    build: () => h("li", { class: "line rating" },
      h("span", { class: "words" }, `${conversation.customer || "The customer"} · rated the chat ${score} of 5`,
        comment && [": ", h("span", { class: "why", dir: "auto" }, comment)]),
      h("time", { datetime: at, title: whole(at) }, clock(at))),
  };
}

function deliveryItem(delivery) {
  const bad = delivery.status === "failed" || delivery.status === "unknown";
  if (delivery.kind !== "mail" && !bad) return null;
  return {
    key: `d:${delivery.id}`,
    signature: `${delivery.status}${delivery.error}`,
    build: () => h("li", { class: `line delivery ${bad ? "bad" : ""}` },
      icon(bad ? "warn" : "mail"),
      h("span", { class: "words" }, deliveryWords(delivery), bad && delivery.error && h("span", { class: "why" }, ` ${delivery.error}`),
        bad && button(delivery.status === "unknown" ? "Send again; it may arrive twice" : "Send again", (event) => sendAgain(delivery, event.target), { class: "small again" })),
      h("time", { datetime: delivery.at, title: whole(delivery.at) }, clock(delivery.at))),
  };
}

async function sendAgain(delivery, place) {
  place.disabled = true;
  try {
    await change(`/deliveries/${encodeURIComponent(delivery.id)}/retry`);
    place.replaceWith(" It is sent again.");
  } catch (error) {
    place.replaceWith(` ${error.message}`);
  }
}

export function deliveryWords(delivery) {
  const mail = delivery.kind === "mail";
  const what = mail ? `${MAILS[delivery.what] || "Message"} by e-mail to ${delivery.to}` : `Message to ${delivery.target}`;
  const words = {
    pending: delivery.attempts ? "is tried again" : "is on its way",
    leased: "is being sent",
    done: delivery.error || (mail ? "sent" : "delivered"),
    failed: "failed and is not tried again.",
    unknown: "may or may not have arrived: please check.",
  };
  return `${what}: ${words[delivery.status] || delivery.status}`;
}

function withDays(entries, conversations) {
  const items = [];
  let lastDay = "";
  let last = null;
  for (const { at, item } of entries) {
    if (dayKey(at) !== lastDay) {
      lastDay = dayKey(at);
      const words = day(at);
      items.push({ key: `day:${lastDay}`, signature: words, build: () => h("li", { class: "day" }, h("span", {}, words)) });
    }
    if (item.conversation && conversations.length > 1 && item.conversation !== last) {
      last = item.conversation;
      const found = conversations.find((each) => each.id === last);
      const whose = found.aside ? `, from ${found.customer || "somebody"}, also affected` : "";
      const words = `${found.way}${whose}, ${short(found.openedAt)}`;
      items.push({ key: `c:${item.key}`, signature: words, build: () => h("li", { class: "part" }, h("span", {}, words)) });
    }
    items.push(item);
  }
  return items;
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
