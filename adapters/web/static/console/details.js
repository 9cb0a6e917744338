// The right column: who asks, what was promised, and what can be done.

import { button, h, icon, iconButton, replace, ticketLink } from "./dom.js";
import { withPhones } from "./phones.js";
import { due, short, whole } from "./time.js";
import { priority } from "./list.js";

export class Details {
  constructor({ me, settings, steps, open }) {
    Object.assign(this, { me, settings, steps, openTicket: open });
    this.element = h("div", { class: "details" });
  }

  show(ticket) {
    const header = ticket.header;
    // A choice that is open must not be drawn away under the reader's hand.
    if (this.element.contains(document.activeElement) && document.activeElement.tagName === "SELECT" && this.number === ticket.number) return;
    const signature = JSON.stringify([header, [...ticket.conversations.values()].map((each) => [each.id, each.online, each.here, each.state.phase, each.ratings])]);
    if (signature === this.signature && this.number === ticket.number) return;
    this.signature = signature;
    this.number = ticket.number;
    const opened = new Set([...this.element.querySelectorAll("details[open]")].map((each) => each.dataset.name));
    replace(this.element,
      this.requester(ticket, header), this.state(header), this.work(ticket, header), this.affected(ticket, header), this.here(ticket),
      this.answers(header), this.more(ticket, header, opened), transcripts(ticket, opened));
  }

  requester(ticket, header) {
    const online = [...ticket.conversations.values()].some((each) => each.online);
    return section("Customer",
      h("p", { class: "person" }, h("strong", { dir: "auto" }, header.requester), " ",
        h("span", { class: online ? "online on" : "online" }, online ? "online" : "not in the chat")),
      header.company && h("p", { dir: "auto" }, header.company),
      header.email && h("p", {}, mailLink(header.email)),
      header.phone && h("p", {}, withPhones(header.phone)),
      [...ticket.conversations.values()].some((each) => each.channel === "email") &&
        h("p", {}, h("a", { href: `/console/mail?ticket=${encodeURIComponent(header.number)}` }, "Original mails")),
      rating(ticket));
  }

  state(header) {
    const when = header.due_at && due(header.due_at);
    return section("Time",
      header.due_at && fact("Due", h("span", { class: `due ${when.late ? "late" : when.soon ? "soon" : ""}`, title: whole(header.due_at) }, when.text)),
      header.due_because && h("p", { class: "because" }, header.due_because),
      header.waiting_until && fact("Waits until", moment(header.waiting_until)),
      header.promised_at && fact("Promised", moment(header.promised_at)),
      header.needed_by && fact("Needed by", moment(header.needed_by)),
      fact("Opened", moment(header.opened_at), ` · ${header.channel}`),
      header.first_response_at && fact("First answer", moment(header.first_response_at)),
      header.resolved_at && fact("Resolved", moment(header.resolved_at)));
  }

  work(ticket, header) {
    const may = header.can.includes("edit");
    const choose = this.priorityChoice(ticket, header.priority, may);
    return section("Work",
      h("div", { class: "priority-row" }, priority(header.priority), choose,
        may && !header.confirmed && button("Confirm", () => this.steps.priority(ticket, header.priority), { class: "small" })),
      h("p", { class: "because" }, header.confirmed ? "Confirmed by staff." : `${proposal(header.proposed)} Confirm or change it.`),
      fact("Type", header.type),
      fact("Assignee", header.assignee ? (header.assignee.id === this.me.id ? `${header.assignee.name} (you)` : header.assignee.name) : "nobody"),
      header.tier && fact("Tier", h("bdi", {}, header.tier)),
      header.workaround && h("div", { class: "quoted" }, h("h3", {}, "Workaround"), h("p", { class: "text", dir: "auto" }, header.workaround)),
      header.resolution && h("div", { class: "quoted" }, h("h3", {}, "Resolution"), h("p", { class: "text", dir: "auto" }, header.resolution)),
      header.merged_into && fact("Merged into", ticketLink(header.merged_into, this.openTicket)),
      header.linked_to && fact("Split from", ticketLink(header.linked_to, this.openTicket)));
  }

  /** With the mouse a choice counts at once; with the keys, where each arrow is one, when Enter or Tab is pressed. */
  priorityChoice(ticket, now, may) {
    let byKeys = false;
    let sent = false;
    const set = async () => {
      if (sent || choose.value === now) return;
      sent = true;
      const stays = byKeys && document.activeElement === choose;
      choose.blur();
      await this.steps.priority(ticket, choose.value);
      if (stays) this.element.querySelector("[aria-label=Priority]")?.focus();
    };
    const key = (event) => {
      byKeys = true;
      if (event.key === "Enter") set();
      else if (event.key === "Escape") choose.value = now;
    };
    const choose = h("select", {
      "aria-label": "Priority", disabled: !may,
      on: { keydown: key, pointerdown: () => (byKeys = false), change: () => byKeys || set(), blur: () => byKeys && set() },
    }, this.settings.priorities.map((name) => h("option", { value: name, selected: name === now }, name)));
    return choose;
  }

  affected(ticket, header) {
    const may = header.can.includes("edit");
    if (!may && !header.affected.length) return null;
    // The list is drawn afresh: whoever uses the keyboard goes on beside it.
    const then = async (step) => {
      await step;
      this.element.querySelector("[data-step=affected]")?.focus();
    };
    return section("Also affected",
      header.affected.length > 0 && h("ul", { class: "affected" }, header.affected.map((person) => h("li", {},
        h("div", {}, person.name !== person.address && h("p", { dir: "auto" }, person.name), h("p", {}, mailLink(person.address))),
        may && iconButton("close", `Take ${person.name} off`, () => then(this.steps.unaffected(ticket, person)))))),
      may && button("Add a person…", () => then(this.steps.affected(ticket)), { class: "small", data: { step: "affected" } }));
  }

  here(ticket) {
    const agents = new Map([...ticket.conversations.values()].flatMap((each) => each.here).map((agent) => [agent.id, agent.name]));
    agents.delete(this.me.id);
    if (!agents.size) return null;
    return section("Also here", h("ul", { class: "here" }, [...agents.values()].map((name) => h("li", {}, icon("person"), name))));
  }

  answers(header) {
    if (!header.answers.length) return null;
    return section("Answers", h("dl", { class: "answers" }, header.answers.flatMap(({ ask, answer }) => [h("dt", { dir: "auto" }, ask), h("dd", { class: "text", dir: "auto" }, answer)])));
  }

  more(ticket, header, opened) {
    const words = {
      edit: "Edit subject, type, workaround…", split: "Split off a new ticket…", merge: "Merge into another…", cancel: "Cancel the ticket…",
    };
    const possible = Object.keys(words).filter((step) => header.can.includes(step));
    if (!possible.length) return null;
    return folded("More", "more", opened, possible.map((step) => button(words[step], () => this.steps[step](ticket), { class: step === "cancel" ? "wide danger-text" : "wide" })));
  }
}

/** Whoever asks takes the ticket, or the chat in which the customer of their own ticket waits; null when neither fits. */
export function taking(ticket, steps) {
  if (ticket.header.can.includes("take")) return () => steps.take(ticket);
  return ticket.isMine && waitsInChat(ticket) ? () => steps.chat(ticket, "join") : null;
}

function waitsInChat({ current }) {
  const { phase, may_wait: mayWait } = current?.state || {};
  return phase === "waiting" || (phase === "ticketed" && mayWait);
}

/** The buttons above the timeline: the steps that matter most in this state, the main one first: a phone shows only some. */
export function mainSteps(ticket, steps, me) {
  const { can: may } = ticket.header;
  const chat = ticket.current;
  const live = chat?.state.phase === "live";
  const has = (step) => may.includes(step);
  const take = taking(ticket, steps);
  const resolves = !take && !has("resume");
  const resolve = has("resolve") && button("Resolve", () => steps.resolve(ticket), { class: resolves ? "primary" : "", data: { step: "resolve" } });
  const all = [
    resolves && resolve,
    take && button(waitsInChat(ticket) ? "Take chat" : "Take", take, { class: "primary", data: { step: "take" } }),
    has("resume") && button("Resume", () => steps.resume(ticket), { class: take ? "" : "primary" }),
    has("take_over") && button("Take over", () => steps.takeOver(ticket), { data: { step: "take" } }),
    live && !chat.state.agents.includes(me.id) && button("Join chat", () => steps.chat(ticket, "join")),
    has("reopen") && button("Re-open", () => steps.reopen(ticket)),
    has("assign") && button(ticket.header.assignee ? "Hand over" : "Assign", () => steps.assign(ticket)),
    has("escalate") && button("Escalate", () => steps.escalate(ticket)),
    has("wait") && button("Wait", () => steps.wait(ticket)),
    live && button("End chat", () => steps.chat(ticket, "end")),
    !resolves && resolve,
  ];
  return all.filter(Boolean);
}

function transcripts(ticket, opened) {
  const address = (format, internal) =>
    `/console/api/tickets/${encodeURIComponent(ticket.number)}/transcript?${new URLSearchParams({ format, internal: internal ? "1" : "0" })}`;
  const link = (label, format, internal) => h("a", { href: address(format, internal), target: "_blank", rel: "noopener", class: "wide" }, label);
  return folded("Transcript", "transcript", opened, [
    link("For the customer, as a page", "html", false), link("For the customer, as text", "text", false),
    link("Internal, as a page", "html", true), link("Internal, as text", "text", true),
  ]);
}

function folded(title, name, opened, children) {
  return h("details", { class: "fold", data: { name }, open: opened.has(name) }, h("summary", {}, title), h("div", { class: "fold-body" }, children));
}

function proposal(priority) {
  return priority ? `Proposed by the survey: ${priority}.` : "The usual priority of this way in.";
}

function section(title, ...children) {
  return h("section", { class: "card" }, h("h2", {}, title), children);
}

function fact(name, ...value) {
  return h("p", { class: "fact" }, h("span", { class: "fact-name" }, name), h("span", { class: "fact-value" }, value));
}

function moment(at) {
  return h("time", { datetime: at, title: whole(at) }, short(at));
}

function mailLink(email) {
  return URL.canParse(`mailto:${email}`) ? h("a", { href: `mailto:${email}` }, email) : email;
}

function rating(ticket) {
  const [newest] = [...ticket.conversations.values()].flatMap((each) => each.ratings).sort((a, b) => (a.at < b.at ? 1 : -1));
  if (!newest) return null;
  return [fact("Rating", `${newest.score} of 5`), newest.comment && h("p", { class: "text quoted", dir: "auto" }, newest.comment)];
}
