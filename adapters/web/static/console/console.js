// The console: builds the three columns, keeps them fresh, and follows the address.

import { askToSignIn, read, signOut } from "./api.js";
import { Composer } from "./composer.js";
import { Details, mainSteps, taking } from "./details.js";
import { button, h, iconButton, replace } from "./dom.js";
import { listenToKeys, showShortcuts } from "./keys.js";
import { TicketList, priority } from "./list.js";
import { Live } from "./live.js";
import { Notices } from "./notices.js";
import { problemsPage } from "./problems.js";
import { Several } from "./several.js";
import { Steps } from "./steps.js";
import { OpenTicket } from "./ticket.js";
import { Timeline } from "./timeline.js";

const TOAST_LASTS = 6_000;
const SAY_AWAY_AFTER = 900;

class Console {
  constructor(settings) {
    this.settings = settings;
    this.me = settings.agent;
    this.live = new Live();
    this.ticket = null;
    this.toast = this.toast.bind(this);
    this.open = this.open.bind(this);
    this.notices = new Notices(this.open);
    this.steps = new Steps({ me: this.me, settings, toast: this.toast, open: this.open });
    const several = new Several({ me: this.me, settings, toast: this.toast, open: this.open });
    this.list = new TicketList({
      me: this.me, tiers: settings.tiers, staff: settings.staff, priorities: settings.priorities, several, open: this.open,
      logContact: () => this.steps.logContact(), menu: this.menu(),
    });
    this.composer = new Composer({ me: this.me, canned: settings.canned, live: this.live, toast: this.toast });
    this.details = new Details({ me: this.me, settings, steps: this.steps, open: this.open });
    this.timeline = new Timeline({
      prefix: settings.desk.prefix, open: this.open,
      edit: (conversation, message) => this.steps.editMessage(this.ticket, conversation, message),
      remove: (conversation, message) => this.steps.removeMessage(this.ticket, conversation, message),
      retry: (message) => this.ticket.retry(message),
      drop: (message) => this.ticket.drop(message),
    });
    this.heading = h("h1", { class: "ticket-subject", dir: "auto", tabindex: "-1" });
    this.chips = h("p", { class: "ticket-chips" });
    this.stepBar = h("div", { class: "steps", role: "group", "aria-label": "Steps" });
  }

  start() {
    document.getElementById("left").append(this.list.element);
    this.list.restore(location.search);
    this.list.onPlace = () => history.replaceState(null, "", location.pathname + this.list.place);
    this.list.openProblems = () => this.go("/console/problems");
    this.list.onCounts = ({ waiting, unread }) => this.notices.badge(waiting + unread);
    this.live.addEventListener("back", () => this.back());
    this.live.addEventListener("away", (event) => this.away(event.detail));
    this.live.addEventListener("frame", (event) => this.hear(event.detail));
    addEventListener("popstate", () => {
      this.list.onPlace();
      this.route();
    });
    document.addEventListener("visibilitychange", () => this.visible());
    listenToKeys(this.keys());
    setInterval(() => this.list.soon(), 60_000);
    this.list.refresh().catch((error) => this.toast(error.message, true));
    this.live.start();
    this.route();
  }

  menu() {
    const close = (action) => () => {
      menu.open = false;
      action();
    };
    const sound = button(this.notices.soundWords, close(() => {
      this.notices.toggleSound();
      sound.textContent = this.notices.soundWords;
      this.toast(`${this.notices.soundWords}.`);
    }));
    const menu = h("details", { class: "app-menu" },
      h("summary", { "aria-label": `Menu of ${this.me.name}`, title: this.me.name }, initials(this.me.name)),
      h("div", { class: "app-menu-body" },
        h("p", {}, h("strong", {}, this.me.name), h("span", {}, this.me.email)),
        h("a", { class: "menu-link", href: "/console/reports" }, "Reports"),
        button("Desktop notifications", close(async () => this.toast(await this.notices.askPermission()))),
        sound,
        button("Keyboard shortcuts", close(showShortcuts)),
        button("Sign out", close(() => signOut().catch((error) => this.toast(error.message, true))))));
    document.addEventListener("click", (event) => !menu.contains(event.target) && (menu.open = false));
    menu.addEventListener("keydown", (event) => event.key === "Escape" && (menu.open = false));
    return menu;
  }

  keys() {
    const withTicket = (action) => () => this.ticket?.header && action(this.ticket);
    const may = (step, action) => withTicket((ticket) => ticket.header.can.includes(step) && action(ticket));
    return {
      j: () => this.list.move(1), k: () => this.list.move(-1), "/": () => this.focusSearch(), "?": showShortcuts,
      t: withTicket((ticket) => taking(ticket, this.steps)?.()), e: may("resolve", (ticket) => this.steps.resolve(ticket)),
      w: may("wait", (ticket) => this.steps.wait(ticket)), h: may("assign", (ticket) => this.steps.assign(ticket)),
      r: withTicket(() => this.composer.mode(false, true)), n: withTicket(() => this.composer.mode(true, true)),
      c: () => this.steps.logContact(), x: () => this.list.choose(), u: () => this.go("/console"),
      gq: () => this.list.show("queue"), gm: () => this.list.show("mine"), ga: () => this.list.show("all"),
    };
  }

  focusSearch() {
    this.pane("list");
    this.list.search.focus();
    this.list.search.select();
  }

  // Where the page is

  go(address) {
    if (address !== location.pathname) history.pushState(null, "", address + this.list.place);
    this.route();
  }

  open(number) {
    this.go(`/console/tickets/${encodeURIComponent(number)}`);
  }

  route() {
    const found = /^\/console\/tickets\/([^/]+)$/.exec(location.pathname);
    if (found) this.showTicket(decodeURIComponent(found[1]).toUpperCase());
    else {
      this.leaveTicket();
      if (location.pathname === "/console/problems") this.showProblems();
      else this.showNothing();
    }
  }

  pane(name) {
    document.body.dataset.pane = name;
  }

  leaveTicket() {
    this.composer.open(null);
    this.ticket?.close();
    this.ticket = null;
    this.list.select("");
    this.notices.about("");
    replace(document.getElementById("right"));
  }

  showNothing() {
    replace(document.getElementById("middle"), h("div", { class: "nothing-open" },
      h("h1", {}, `Hello, ${this.me.name.split(/\s+/)[0]}`), h("p", {}, "Choose a ticket from the list. Chats that wait stand on top."),
      h("p", { class: "hint" }, "Press ", h("kbd", {}, "?"), " for the keyboard shortcuts.")));
    this.pane("list");
  }

  async showProblems() {
    this.pane("ticket");
    const middle = document.getElementById("middle");
    try {
      const page = await problemsPage(this.open, this.toast, () => this.showProblems());
      replace(middle, h("header", { class: "ticket-head" }, this.backButton()), page);
    } catch (error) {
      this.toast(error.message, true);
    }
  }

  showTicket(number) {
    this.pane("ticket");
    if (this.ticket?.number === number) return;
    this.leaveTicket();
    const ticket = new OpenTicket(number, this.live, this.me);
    this.ticket = ticket;
    this.timeline.clear();
    ticket.addEventListener("change", () => this.draw(ticket));
    ticket.addEventListener("trouble", (event) => this.toast(event.detail, true));
    ticket.load().catch((error) => this.toast(error.message, true));
    this.list.select(number);
    replace(document.getElementById("middle"), h("p", { class: "loading", role: "status" }, "Loading…"));
  }

  draw(ticket) {
    if (ticket !== this.ticket) return;
    if (ticket.missing) {
      replace(document.getElementById("middle"), h("div", { class: "nothing-open" }, h("h1", {}, `${ticket.number} was not found`),
        button("Back to the list", () => this.go("/console"))));
      return;
    }
    if (!ticket.header) return;
    if (!this.timeline.element.isConnected) this.layOut(ticket);
    this.drawHead(ticket);
    this.timeline.show(ticket);
    this.composer.update();
    this.details.show(ticket);
  }

  layOut(ticket) {
    const head = h("header", { class: "ticket-head" }, this.backButton(), h("div", { class: "ticket-title" }, this.heading, this.chips),
      iconButton("info", "Details", () => this.pane(document.body.dataset.pane === "details" ? "ticket" : "details"), { class: "icon-button details-button" }));
    replace(document.getElementById("middle"), head, this.stepBar, this.timeline.element, this.composer.element);
    const close = iconButton("close", "Close details", () => this.pane("ticket"));
    replace(document.getElementById("right"), h("div", { class: "details-head" }, h("p", {}, "Details"), close), this.details.element);
    this.details.signature = "";
    this.composer.open(ticket);
  }

  backButton() {
    return iconButton("back", "Back to the list", () => this.go("/console"), { class: "icon-button back" });
  }

  drawHead(ticket) {
    const { header } = ticket;
    const { phase, agents, may_wait: mayWait } = ticket.current?.state || {};
    const signature = JSON.stringify([header.subject, header.status, header.priority, header.can, header.assignee, header.tier, phase, agents, mayWait]);
    if (this.headOf === ticket && this.headSignature === signature) return;
    Object.assign(this, { headOf: ticket, headSignature: signature });
    this.heading.textContent = header.subject;
    this.notices.about(`${header.number} ${header.subject}`);
    replace(this.chips, h("span", { class: "number" }, header.number), priority(header.priority),
      h("span", { class: `status ${header.status.replaceAll(" ", "-")}` }, header.status),
      header.assignee && h("span", { class: "assignee" }, header.assignee.id === this.me.id ? "yours" : header.assignee.name),
      header.tier && h("span", { class: "tier", dir: "auto", title: `Escalated to ${header.tier}` }, header.tier),
      phase === "live" && h("span", { class: "chat-live" }, "Live"));
    const focused = document.activeElement?.dataset?.step;
    replace(this.stepBar, mainSteps(ticket, this.steps, this.me));
    if (focused) (this.stepBar.querySelector(`[data-step="${focused}"]`) || this.heading).focus();
  }

  // What happens

  hear(frame) {
    if (frame.t === "queue") this.list.soon();
    if (frame.t === "tickets") {
      if (Object.keys(frame.announced).length) this.list.soon();
      else this.list.later();
      this.notices.hear(frame.announced);
    }
    this.ticket?.hear(frame);
  }

  back() {
    clearTimeout(this.awayTimer);
    const banner = document.getElementById("banner");
    if (!banner.hidden) this.toast("Connected again. Everything is up to date.");
    banner.hidden = true;
    this.live.send({ t: "watch_desk" });
    this.list.soon();
    this.ticket?.back().catch((error) => this.toast(error.message, true));
  }

  away({ signedOut }) {
    if (signedOut) {
      askToSignIn();
      return;
    }
    clearTimeout(this.awayTimer);
    this.awayTimer = setTimeout(() => {
      const banner = document.getElementById("banner");
      banner.textContent = "Not connected. Trying again; what you send is kept and goes out by itself.";
      banner.hidden = false;
      // A socket cannot say that the session has ended: an ordinary request can.
      read("/me").catch(() => {});
    }, SAY_AWAY_AFTER);
  }

  visible() {
    if (document.visibilityState !== "visible") return;
    this.list.soon();
    this.ticket?.shown();
  }

  toast(text, bad = false) {
    const toast = h("p", { class: bad ? "toast bad" : "toast" }, text);
    document.getElementById("toasts").append(toast);
    setTimeout(() => toast.remove(), TOAST_LASTS);
  }
}

function initials(name) {
  return name.split(/\s+/).map((part) => part[0] || "").slice(0, 2).join("").toUpperCase() || "?";
}

const page = new Console(await read("/me"));
page.start();
