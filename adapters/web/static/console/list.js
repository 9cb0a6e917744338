// The left column: the views, and their tickets; chats that wait come first and look alive.

import { read } from "./api.js";
import { button, h, icon, iconButton, marked, reconcile, replace } from "./dom.js";
import { ListFilter } from "./filters.js";
import { Selection } from "./selection.js";
import { due, elapsed, short, whole } from "./time.js";

const VIEWS = [["queue", "Queue"], ["mine", "Mine"], ["all", "All"]];
const REFRESH_PAUSE = 600;
const IDLE_PAUSE = 2_500;
const NOTHING = {
  queue: "Nothing waits. New tickets appear here by themselves.",
  mine: "You have no open tickets.",
  all: "There are no tickets yet.",
  filter: "No tickets match.",
  search: "No ticket matches.",
  newest: "None of the newest tickets match. Show more to look at older ones.",
};
const CUT = "Only the newest matches were looked at. Add a word, or more of the last one, to find older tickets.";

export class TicketList {
  constructor({ me, tiers, staff, priorities, several, open, logContact, menu }) {
    Object.assign(this, { me, openTicket: open });
    this.view = "queue";
    this.text = "";
    this.lines = [];
    this.waiting = [];
    this.next = "";
    this.pages = 1;
    this.selected = "";
    this.cursor = "";
    this.known = new Map();
    this.turn = 0;
    this.rows = h("ul", { class: "rows", "aria-label": "Tickets", on: { keydown: (event) => this.rowKey(event) } });
    this.filter = new ListFilter({ me, tiers, staff, priorities, changed: () => this.narrow() });
    this.selection = new Selection({ several, rows: this.rows, shown: () => this.all });
    this.build(logContact, menu);
    setInterval(() => this.tick(), 1_000);
  }

  build(logContact, menu) {
    this.tabs = new Map(VIEWS.map(([view, label]) => {
      const count = h("span", { class: "count" });
      const tab = button(label, () => this.show(view), { class: "view", "aria-pressed": String(view === this.view) });
      tab.append(count);
      return [view, { tab, count }];
    }));
    this.search = h("input", {
      type: "search", placeholder: "Search tickets", "aria-label": "Search tickets", maxlength: "200", dir: "auto",
      on: { input: () => this.searchSoon(), keydown: (event) => this.searchKey(event) },
    });
    this.more = button("Show more", () => this.showMore(), { class: "more", hidden: true });
    this.nothing = h("span");
    this.unfilter = button("Clear filters", () => this.filter.clear(), { class: "link" });
    this.empty = h("p", { class: "empty", hidden: true }, this.nothing);
    this.cut = h("p", { class: "cut", hidden: true }, CUT);
    this.maintenance = h("p", { class: "maintenance", role: "status", hidden: true });
    this.problems = button("Problems", () => this.openProblems(), { class: "problems-link", hidden: true }, icon("warn"));
    this.heldMail = h("a", { class: "held-link", href: "/console/mail", hidden: true }, "Held mail");
    this.element = h("div", { class: "list" },
      h("div", { class: "list-head" },
        h("h1", { class: "brand" }, h("span", { class: "brand-mark", "aria-hidden": "true" }), document.body.dataset.desk),
        iconButton("plus", "Log a call or request", logContact), menu),
      h("div", { class: "views", role: "group", "aria-label": "Lists" }, [...this.tabs.values()].map(({ tab }) => tab)),
      this.filter.tier.row, h("div", { class: "search-row" }, h("div", { class: "search" }, icon("search"), this.search), this.filter.toggle, this.selection.toggle),
      this.filter.element, this.selection.bar,
      h("div", { class: "scroll", tabindex: "-1" }, this.rows, this.empty, this.more, this.cut),
      this.maintenance, this.heldMail, this.problems);
  }

  show(view) {
    this.view = view;
    this.text = "";
    this.search.value = "";
    this.pages = 1;
    this.mark();
    return this.refresh();
  }

  /** Marks the list that is shown; a search is none of them. */
  mark() {
    for (const [name, { tab }] of this.tabs) tab.setAttribute("aria-pressed", String(!this.text && name === this.view));
    this.filter.show(!this.text && this.view === "mine");
    this.onPlace?.();
  }

  narrow() {
    this.pages = 1;
    this.onPlace?.();
    return this.refresh();
  }

  /** The list, the search and the filter, as the page's address has them. */
  get place() {
    const view = this.view === "queue" ? {} : { view: this.view };
    const query = new URLSearchParams({ ...view, ...(this.text && { text: this.text }), ...this.filter.chosen });
    return query.size ? `?${query}` : "";
  }

  restore(place) {
    const given = new URLSearchParams(place);
    if (this.tabs.has(given.get("view"))) this.view = given.get("view");
    this.text = this.search.value = (given.get("text") || "").slice(0, this.search.maxLength).trim();
    this.filter.restore(given);
    this.mark();
  }

  searchSoon() {
    clearTimeout(this.searchTimer);
    this.searchTimer = setTimeout(() => this.searchNow(), 250);
  }

  searchNow() {
    clearTimeout(this.searchTimer);
    const text = this.search.value.trim();
    if (text === this.text) return;
    if (!text) {
      this.show(this.view);
      return;
    }
    this.text = text;
    this.pages = 1;
    this.mark();
    this.refresh();
  }

  searchKey(event) {
    if (event.key === "Escape") {
      this.search.value = "";
      this.searchNow();
      this.search.blur();
    } else if (event.key === "Enter") this.searchNow();
    else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.move(1);
    }
  }

  /** Reads the list again, soon and once however much has happened. */
  soon(pause = REFRESH_PAUSE) {
    const at = Math.max(Date.now() + 60, (this.readAt || 0) + pause);
    if (this.timer && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.refresh().catch(() => {});
    }, at - Date.now());
  }

  /** Something was said somewhere: worth a look, but no hurry however many talk. */
  later() {
    this.soon(IDLE_PAUSE);
  }

  async refresh() {
    this.readAt = Date.now();
    const turn = (this.turn += 1);
    const list = this.text ? { view: "all", text: this.text } : { view: this.view };
    const wanted = { ...list, ...this.filter.wanted };
    let lines = [];
    let waiting = [];
    let next = "";
    let cut = false;
    for (let page = 0; page < this.pages; page += 1) {
      const found = await read("/tickets", { ...wanted, page: next });
      if (turn !== this.turn) return;
      lines = lines.concat(found.lines);
      if (page === 0) waiting = found.waiting;
      next = found.next;
      cut ||= found.cut;
      if (!next) break;
    }
    Object.assign(this, { lines, waiting, next });
    this.cut.hidden = !cut;
    this.draw();
    this.count().catch(() => {});
  }

  get why() {
    if (this.filter.narrows) return this.next ? "newest" : "filter";
    return this.text ? "search" : this.view;
  }

  async showMore() {
    this.pages += 1;
    await this.refresh();
  }

  async count() {
    const found = await read("/counts");
    const said = (value) => (value > found.limit ? `${found.limit}+` : value ? String(value) : "");
    for (const [view, { count }] of this.tabs) count.textContent = said(found[view] || 0);
    this.problems.hidden = !found.problems;
    this.problems.lastChild.textContent = `Problems (${said(found.problems)})`;
    const maintenance = found.maintenance.join(" ");
    // Set anew it would be read out anew.
    if (this.maintenance.textContent !== maintenance) this.maintenance.textContent = maintenance;
    this.maintenance.hidden = !maintenance;
    this.onCounts?.(found);
    const { held } = await read("/mail");
    this.heldMail.hidden = !held.length;
    this.heldMail.textContent = `Held mail (${held.length}): whom is it from?`;
  }

  get all() {
    const shown = new Set(this.waiting.map((line) => line.number));
    return [...this.waiting, ...this.lines.filter((line) => !shown.has(line.number))];
  }

  /** Lines by key: a ticket's number, and the chat's id for further chats of it that wait. */
  get keyed() {
    const found = new Map();
    for (const line of this.all) {
      found.set(found.has(line.number) ? `${line.number} ${line.chat?.conversation}` : line.number, line);
    }
    return found;
  }

  draw() {
    const items = Array.from(this.keyed, ([key, line]) => ({
      key,
      signature: JSON.stringify([line, line.number === this.selected]),
      build: () => this.row(line, key),
    }));
    const { activeElement } = document;
    const focused = this.focusedKey;
    reconcile(this.rows, this.known, items);
    if (focused && !this.rows.contains(document.activeElement)) {
      const row = this.rowOf(focused);
      (activeElement.matches(".row") ? row : row?.previousSibling.firstChild)?.focus();
    }
    this.selection.draw();
    this.empty.hidden = items.length > 0;
    this.nothing.textContent = NOTHING[this.why];
    if (!this.filter.narrows) replace(this.empty, this.nothing);
    else if (!this.unfilter.isConnected) this.empty.append(" ", this.unfilter);
    this.more.hidden = !this.next;
    this.tick();
  }

  row(line, key) {
    const waits = line.chat?.phase === "waiting";
    const live = line.chat?.phase === "live";
    const classes = ["row", waits && "waits", line.unread && "unread", line.number === this.selected && "selected"].filter(Boolean);
    const open = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.openTicket(line.number);
    };
    return h("li", {}, this.selection.box(line),
      h("a", {
        class: classes.join(" "), href: `/console/tickets/${encodeURIComponent(line.number)}`, data: { number: line.number, key },
        "aria-current": line.number === this.selected ? "true" : false, on: { click: open },
      },
      h("span", { class: "row-top" },
        line.unread && h("span", { class: "dot", title: "Something new" }, h("span", { class: "hidden" }, "New: ")),
        h("span", { class: "who" }, h("span", { class: "requester", dir: "auto" }, line.requester), line.company && [" ", h("span", { class: "company", dir: "auto" }, line.company)]),
        line.due_at && !waits && h("span", { class: "due", data: { due: line.due_at }, title: `Due ${whole(line.due_at)}` }),
        waits && h("span", { class: "chat-waits" }, icon("chat"), "Waiting ", h("span", { class: "timer", data: { since: line.chat.since } })),
        !line.active && h("time", { datetime: line.changed_at, title: whole(line.changed_at) }, short(line.changed_at))),
      h("span", { class: "subject", dir: "auto" }, line.marked ? marked(line.marked) : line.subject),
      line.found && excerpt(line.found),
      h("span", { class: "row-bottom" },
        priority(line.priority),
        h("span", { class: "number" }, line.number),
        live && h("span", { class: "chat-live" }, icon("chat"), "Live"),
        h("span", { class: "state", title: line.tier ? `Escalated to ${line.tier}` : false }, stateWords(line, this.me), line.tier && [" · ", h("bdi", { class: "of-tier" }, line.tier)]))));
  }

  tick() {
    for (const timer of this.rows.querySelectorAll(".timer")) timer.textContent = elapsed(timer.dataset.since);
    for (const place of this.rows.querySelectorAll(".due")) {
      const { text, late, soon } = due(place.dataset.due);
      place.textContent = late || text.startsWith("in ") ? text : `due ${text}`;
      place.classList.toggle("late", late);
      place.classList.toggle("soon", soon);
    }
  }

  select(number) {
    this.selected = number;
    this.cursor = number;
    this.draw();
  }

  rowOf(key) {
    return [...this.rows.querySelectorAll(".row")].find((row) => row.dataset.key === key) || null;
  }

  /** The key of the line that has the focus, on its link or its box. */
  get focusedKey() {
    return document.activeElement?.closest?.(".rows > li")?.querySelector(".row").dataset.key;
  }

  /** Selects the line that has the focus, or the ticket that is open. */
  choose() {
    const key = this.focusedKey || this.selected;
    if (key) this.selection.flip(key.split(" ")[0]);
  }

  rowKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    this.move(step);
  }

  /** Moves the focus by one row; the ticket is opened with Enter. */
  move(step) {
    const rows = [...this.rows.querySelectorAll(".row")];
    if (!rows.length) return;
    const focused = this.focusedKey || this.cursor;
    const at = rows.findIndex((row) => row.dataset.key === focused);
    const row = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    this.cursor = row.dataset.key;
    row.focus();
  }
}

export function priority(name) {
  return h("span", { class: `priority ${name}` }, name);
}

/** The text of a ticket that was found, cut around the words that were asked for. */
function excerpt({ where, pieces }) {
  const note = where === "note";
  return h("span", { class: note ? "found in-note" : "found", dir: "auto" },
    note && [icon("lock"), h("span", { class: "hidden" }, "Internal note: ")], marked(pieces));
}

function stateWords(line, me) {
  if (!line.assignee) return line.status;
  const who = line.assignee.id === me.id ? "you" : line.assignee.name.split(/\s+/)[0];
  // Who talks is what matters of a live chat, and there is room for one of the two.
  return line.chat?.phase === "live" ? `with ${who}` : `${line.status} · ${who}`;
}
