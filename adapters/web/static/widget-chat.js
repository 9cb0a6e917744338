// The chat's window: opens and closes, keeps what is shown in step with the desk, and tells of news.

import { button, h, icon, soon } from "./widget-dom.js";
import { Dialogue } from "./widget-dialogue.js";
import { Ending } from "./widget-ending.js";
import { Files } from "./widget-files.js";
import { Link, Memory } from "./widget-link.js";
import { Survey, call } from "./widget-survey.js";
import { Thread } from "./widget-thread.js";

const PHASES = { waiting: "In the queue", live: "Live chat", ticketed: "We will contact you", ended: "Chat ended" };
const FRESH = 60_000;
// The server puts widget.css here.
const STYLE = "@style@";

/** Load what the window needs and return the chat, still closed. */
export async function start(settings) {
  const sheet = new CSSStyleSheet();
  const chat = new Chat(settings);
  await chat.configure();
  sheet.replaceSync(STYLE);
  settings.host.shadowRoot.adoptedStyleSheets.push(sheet);
  chat.build();
  return chat;
}

class Chat {
  constructor({ host, base, desk, memory }) {
    this.host = host;
    this.memory = new Memory(memory);
    this.dialogue = new Dialogue();
    this.known = {};
    this.redraw = soon(() => this.draw());
    const hello = () => (this.dialogue.id ? { conversation: this.dialogue.id, after: this.dialogue.seq } : {});
    const on = {
      frame: (frame) => this.took(frame),
      line: (up) => this.lineChanged(up),
      outbox: () => this.redraw(),
    };
    this.link = new Link({ base, desk, memory: this.memory, hello, on });
    this.files = new Files(this.link);
  }

  async configure() {
    const answer = await fetch(this.link.address("config"));
    if (!answer.ok) throw new Error("The chat is not available here.");
    this.config = await answer.json();
    this.configured = Date.now();
    const { colour } = this.config;
    this.host.paint(colour);
    try {
      // Plain, for the launcher, which knows no more than this.
      localStorage.setItem(`${this.memory.prefix}colour`, colour);
    } catch {
      // Blocked: the launcher keeps the colour of its tag.
    }
  }

  build() {
    const { name, logo } = this.config;
    this.title = h("h2", { id: "title" }, name);
    this.subtitle = h("p", { class: "subtitle" });
    this.menu = h("div", { class: "menu", id: "menu", hidden: true });
    this.menuButton = button(icon("menu"), () => this.showMenu(this.menu.hidden), { class: "icon", "aria-label": "More", "aria-expanded": "false", "aria-controls": "menu" });
    const close = button(icon("close"), () => this.close(), { class: "icon", "aria-label": "Close chat" });
    this.banner = h("p", { class: "banner", role: "status" });
    this.body = h("div", { class: "body" });
    this.thread = new Thread(this);
    this.ending = new Ending(this);
    const head = h("header", {}, logo && h("img", { src: logo, alt: "" }), h("div", { class: "titles" }, this.title, this.subtitle), this.menuButton, close);
    this.panel = h(
      "section",
      { class: "panel", role: "dialog", "aria-modal": "true", "aria-labelledby": "title", hidden: true, on: { keydown: (event) => this.pressed(event) } },
      head, this.menu, this.banner, this.body,
    );
    this.host.shadowRoot.append(this.panel);
    document.addEventListener("visibilitychange", () => this.read());
    window.visualViewport?.addEventListener("resize", () => this.fit());
    this.link.connect();
  }

  // Opening and closing

  get isOpen() {
    return !this.panel.hidden;
  }

  async open() {
    if (this.isOpen) return;
    this.returnTo = document.activeElement;
    this.panel.hidden = false;
    this.host.launcher.setAttribute("aria-expanded", "true");
    this.host.toggleAttribute("open", true);
    this.fit();
    if (!this.dialogue.id && Date.now() - this.configured > FRESH) await this.configure().catch(() => {});
    this.draw();
    this.focus();
    this.read();
  }

  close() {
    if (!this.isOpen) return;
    this.panel.hidden = true;
    this.showMenu(false);
    this.host.launcher.setAttribute("aria-expanded", "false");
    this.host.removeAttribute("open");
    const back = this.returnTo;
    if (back && back !== document.body && back !== this.host && back.isConnected) back.focus();
    else this.host.launcher.focus();
    this.draw();
  }

  focus() {
    if (this.survey) this.survey.focus();
    else if (this.dialogue.id) this.thread.focus();
    else this.panel.querySelector("header button:last-child").focus();
  }

  /** On a phone the window ends where the keyboard begins. */
  fit() {
    const view = window.visualViewport;
    if (!view) return;
    this.host.style.setProperty("--view", `${view.height}px`);
    this.host.style.setProperty("--view-top", `${view.offsetTop}px`);
  }

  pressed(event) {
    event.stopPropagation(); // the page's own shortcuts are not meant
    if (event.key === "Escape") {
      if (this.menu.hidden) return this.close();
      this.showMenu(false);
      return this.menuButton.focus();
    }
    if (event.key !== "Tab") return;
    const stops = [...this.panel.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0']")].filter(
      (stop) => !stop.disabled && stop.offsetParent && !stop.matches("[type=radio]:not(:checked) ~ *"),
    );
    const [first, last] = [stops[0], stops[stops.length - 1]];
    const active = this.host.shadowRoot.activeElement;
    const leaves = event.shiftKey ? active === first : active === last;
    if (!leaves) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }

  // What the desk says

  took(frame) {
    const { dialogue } = this;
    if (frame.t === "ready" || frame.t === "news") this.news(frame);
    else if (frame.t === "place") dialogue.place = frame.place;
    else if (frame.t === "typing") this.typing(frame);
    else if (frame.t === "error") this.refused(frame);
    else return;
    this.redraw();
  }

  news(frame) {
    const before = this.dialogue.id;
    const fresh = this.dialogue.take(frame);
    const { id, state } = this.dialogue;
    if (frame.known) this.known = frame.known;
    if (frame.t === "ready") this.readied = true;
    if (id !== before) {
      this.thread.clear();
      this.ending.clear();
      if (id) this.begun(before);
    }
    this.memory.set("active", id && state.phase !== "ended" ? 1 : null);
    this.receipt();
    if (before === id && fresh.some((message) => message.from === "agent")) this.chime();
  }

  /** A conversation is there: of before, or just begun, here or in another tab. */
  begun(before) {
    if (this.survey && this.asked) this.survey.done();
    if (this.asked || before) this.memory.set("line", this.dialogue.id);
    const moved = this.isOpen && this.survey;
    this.asked = this.anew = this.survey = null;
    if (moved) queueMicrotask(() => this.thread.focus());
  }

  typing({ name, on }) {
    clearTimeout(this.typingEnds);
    this.dialogue.typist = on ? name : "";
    if (on) {
      this.typingEnds = setTimeout(() => {
        this.dialogue.typist = "";
        this.redraw();
      }, 8_000);
    }
  }

  refused({ id, code, message, fields }) {
    if (id && id === this.asked) {
      if (code === "try_again" || code === "slow_down") return;
      this.link.drop(id);
      this.asked = null;
      if (this.survey) this.survey.refused(message, fields);
    } else if (!id && this.link.givenUp) this.say("This page is out of date. Please reload it.");
    else if (!id && code === "too_many") this.say(message);
    else if (id && !this.link.outbox.some((frame) => frame.id === id && frame.t === "message")) {
      this.link.drop(id);
      this.say(message, 8_000);
    }
  }

  lineChanged(up) {
    clearTimeout(this.later);
    if (up && this.lost) this.say("Back online.", 3_000);
    if (up) this.lost = false;
    else {
      const lose = () => {
        this.lost = true;
        this.say("Connection lost. Reconnecting…");
      };
      this.later = setTimeout(lose, 400);
    }
  }

  say(text, within) {
    clearTimeout(this.saying);
    this.banner.textContent = text;
    if (within) this.saying = setTimeout(() => this.say(""), within);
  }

  // What the customer does

  post(frame) {
    const { id } = this.dialogue;
    return this.link.post(frame.t === "message" || frame.t === "edit" || frame.t === "delete" ? { ...frame, conversation: id } : frame);
  }

  ask(answers) {
    this.asked = this.link.post({ t: "start", answers, live: true });
  }

  /** Ask the questions again, for another matter; the old conversation stays where it is. */
  async askAnew() {
    await this.configure().catch(() => {});
    this.anew = true;
    this.draw();
    this.focus();
  }

  goBack() {
    this.anew = this.survey = null;
    this.draw();
    this.focus();
  }

  // Telling of news

  receipt() {
    const { dialogue } = this;
    if (!dialogue.id) return;
    const seen = this.visible ? dialogue.seq : 0;
    if (dialogue.seq > (this.delivered?.[dialogue.id] || 0) || seen > dialogue.seen) {
      this.delivered = { [dialogue.id]: dialogue.seq };
      this.link.whisper({ t: "receipt", delivered: dialogue.seq, seen });
    }
    dialogue.seen = Math.max(dialogue.seen, seen);
  }

  get visible() {
    return this.isOpen && !document.hidden && !this.survey;
  }

  read() {
    this.receipt();
    this.redraw();
  }

  badge() {
    const { unread } = this.dialogue;
    const { badge, launcher } = this.host;
    badge.textContent = unread || "";
    const label = launcher.dataset.label || (launcher.dataset.label = launcher.getAttribute("aria-label"));
    launcher.setAttribute("aria-label", unread ? `${label}, ${unread} unread` : label);
    const title = document.title.replace(/^\(\d+\) /, "");
    const wanted = unread ? `(${unread}) ${title}` : title;
    if (document.title !== wanted) document.title = wanted;
  }

  chime() {
    if (!this.memory.get("sound") || this.visible) return;
    const audio = (this.audio ||= new AudioContext());
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0.08, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.4);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.4);
  }

  // Drawing

  draw() {
    if (!this.panel) return;
    this.badge();
    if (!this.isOpen) return;
    const { id, state } = this.dialogue;
    this.subtitle.textContent = id ? `${state.ticket} · ${PHASES[state.phase]}` : this.config.hours ? `Open ${this.config.hours}` : "";
    if (!id && !this.readied) return this.show(this.waitingRoom());
    if (!id || this.anew) return this.show(this.questions().element);
    this.show(this.thread.element);
    this.thread.update();
    this.ending.update();
    if (!this.menu.hidden) this.showMenu(true);
  }

  show(element) {
    if (element.parentNode !== this.body) this.body.replaceChildren(element);
  }

  waitingRoom() {
    const { phone } = this.config;
    const text = phone ? ["You can also call ", call(phone), "."] : "";
    return (this.room ||= h("div", { class: "room" }, h("p", {}, "Connecting…"), h("p", {}, text)));
  }

  questions() {
    if (this.survey) return this.survey;
    const { config, known, memory } = this;
    const { id, state } = this.dialogue;
    const back = id && { text: `Back to ${state.ticket}`, go: () => this.goBack() };
    this.survey = new Survey({ config, known, memory, send: (answers) => this.ask(answers), back });
    // A survey on its way when the page was left goes on being sent.
    const unsent = this.link.outbox.find((frame) => frame.t === "start" && !frame.problem);
    if (unsent) {
      this.asked = unsent.id;
      this.survey.busy(true);
    }
    if (this.isOpen) queueMicrotask(() => this.focus());
    return this.survey;
  }

  showMenu(on) {
    this.menu.hidden = !on;
    this.menuButton.setAttribute("aria-expanded", String(on));
    if (!on) return;
    const item = (text, work) => button(text, () => {
      this.showMenu(false);
      work();
    });
    const sound = this.memory.get("sound");
    const items = [item(sound ? "Sound off" : "Sound on", () => this.memory.set("sound", sound ? null : 1))];
    if (this.dialogue.id && !this.survey) items.push(...this.ending.menuItems(item));
    this.menu.replaceChildren(...items);
  }
}
